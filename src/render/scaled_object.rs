//! ScaledObjects: when KEDA wakes a component and when it puts it to sleep.

use std::time::Duration;

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::{Context, Scaled};
use super::door::Way;
use super::interceptor_route::scaling_metric;
use super::object::{EXPOSURE, hash};
use crate::catalog::solution::{Component, Exposure};
use crate::model::Kind;

/// The port of the add-on's external scaler.
const SCALER_PORT: u16 = 9090;
/// The longest time that a new component stays up before it may sleep for the first time.
const FIRST_SLEEP: Duration = Duration::from_secs(900);
/// A private component follows the public ones at this pace.
const FOLLOWER_POLLING: u32 = 5;
const FOLLOWER_COOLDOWN: Duration = Duration::from_secs(60);
const POLLING: u32 = 30;

/// Absent when nothing scales the component. A solution wakes as one: each public component
/// listens to all ways through its door, and private ones follow the public pods.
///
/// With several replicas a sibling's requests count too, and a private component asks for one
/// replica for each public pod: more copies than needed rather than fewer, and never more than
/// the maximum.
pub(super) fn scaled_object(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let scaled = cx.scaled(component)?;
    let (polling, cooldown, triggers) = match component.exposure {
        Exposure::Public { .. } => (POLLING, scaled.cooldown, own_door(cx, component, &scaled)),
        Exposure::Private => (FOLLOWER_POLLING, FOLLOWER_COOLDOWN, vec![follow()]),
    };
    let paused =
        if cx.rests() { json!({ "autoscaling.keda.sh/paused-replicas": "0" }) } else { json!({}) };
    Some(cx.object(
        Kind::ScaledObject,
        component.name.as_str(),
        Some(component),
        json!({
            "metadata": { "annotations": paused },
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": Kind::Deployment.api_version(),
                    "kind": Kind::Deployment.facts().kind,
                    "name": component.name,
                },
                "minReplicaCount": scaled.min,
                "maxReplicaCount": scaled.max,
                "pollingInterval": polling,
                "cooldownPeriod": cooldown.as_secs(),
                "initialCooldownPeriod": cooldown.min(FIRST_SLEEP).as_secs(),
                "triggers": triggers,
            },
        }),
    ))
}

fn own_door(cx: &Context, component: &Component, scaled: &Scaled) -> Vec<Value> {
    let doors = cx.doors();
    let door = doors.iter().find(|d| d.components.iter().any(|c| c.name == component.name));
    let ways = door.map(|door| door.ways(cx)).unwrap_or_default();
    ways.into_iter().map(|way| listen(cx, scaled, way)).collect()
}

/// A trigger for the requests of one InterceptorRoute.
fn listen(cx: &Context, scaled: &Scaled, way: Way) -> Value {
    let interceptor = scaled.interceptor;
    let metric = cx.scaled(way.component).map(|s| scaling_metric(&s));
    json!({
        "type": "external-push",
        "name": way.name(),
        "metadata": {
            "scalerAddress":
                format!("{}.{}:{SCALER_PORT}", interceptor.scaler, interceptor.namespace),
            "interceptorRoute": way.name(),
            // KEDA reads the route's metric once: another one must look like another trigger.
            "specHash": metric.map(|m| hash(&m).first(8).to_owned()),
        },
    })
}

/// Awake while a public pod of the solution exists, also one that still starts. Public pods never
/// follow private ones: following each other nobody would ever sleep.
fn follow() -> Value {
    json!({
        "type": "kubernetes-workload",
        "name": "public",
        "metadata": {
            "podSelector": format!("{EXPOSURE}=public"),
            "value": "1",
            "activationValue": "0",
        },
    })
}
