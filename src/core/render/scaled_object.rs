//! ScaledObjects: when KEDA wakes a component and when it puts it to sleep.

use std::time::Duration;

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::{Context, Counter};
use super::door::{Door, Way};
use super::interceptor_route::scaling_metric;
use super::object::{EXPOSURE, hash};
use super::visits;
use crate::catalog::platform::{Interceptor, Prometheus};
use crate::catalog::solution::{Component, Schedule, Target};
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
/// listens to all requests at its door and keeps the hours of all components behind it, and
/// private ones follow the public pods.
///
/// With several replicas a sibling's requests count too, and a private component asks for one
/// replica for each public pod: more copies than needed rather than fewer, and never more than
/// the maximum.
pub(super) fn scaled_object(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let scaled = cx.scaled(component)?;
    let doors = cx.doors();
    let door = doors.iter().find(|d| d.components.iter().any(|c| c.name == component.name));
    let (polling, cooldown, mut triggers) = match door {
        Some(door) => {
            let triggers = match scaled.counter {
                Counter::Interceptor(interceptor) => door
                    .ways(cx)
                    .into_iter()
                    .map(|way| listen(cx, interceptor, way))
                    .collect::<Vec<_>>(),
                Counter::Prometheus(prometheus) => vec![ask(cx, door, prometheus, scaled.target)],
            };
            (POLLING, scaled.cooldown, triggers)
        }
        None => (FOLLOWER_POLLING, FOLLOWER_COOLDOWN, vec![follow()]),
    };
    triggers.extend(hours(cx, component, door).into_iter().zip(1..).map(|(hours, n)| {
        json!({
            "type": "cron",
            // No component is called so: the word `edge` is ours.
            "name": format!("edge-schedule-{n}"),
            "metadata": {
                "timezone": hours.schedule.timezone,
                "start": hours.schedule.start,
                "end": hours.schedule.end,
                "desiredReplicas": hours.replicas.to_string(),
            },
        })
    }));
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
                "minReplicaCount": scaled.range.min(),
                "maxReplicaCount": scaled.range.max(),
                "pollingInterval": polling,
                "cooldownPeriod": cooldown.as_secs(),
                "initialCooldownPeriod": cooldown.min(FIRST_SLEEP).as_secs(),
                "triggers": triggers,
            },
        }),
    ))
}

/// A time at which a component is kept awake.
struct Hours<'a> {
    schedule: &'a Schedule,
    replicas: u16,
}

/// A component's own hours, and those of the others behind its door: for these one replica is
/// enough. A private component keeps only its own, because it follows the public pods anyway.
fn hours<'a>(
    cx: &Context<'a>,
    component: &'a Component,
    door: Option<&Door<'a>>,
) -> Vec<Hours<'a>> {
    let others = door.iter().flat_map(|door| &door.components).copied();
    let others = others.filter(|other| other.name != component.name);
    let mut all: Vec<Hours> = Vec::new();
    for (one, own) in [(component, true)].into_iter().chain(others.map(|other| (other, false))) {
        let schedules = cx.scaled(one).map(|scaled| scaled.schedules).unwrap_or_default();
        for schedule in schedules {
            let time = |s: &Schedule| (s.timezone.clone(), s.start.clone(), s.end.clone());
            let replicas = if own { schedule.replicas.get() } else { 1 };
            match all.iter_mut().find(|known| time(known.schedule) == time(schedule)) {
                Some(known) => known.replicas = known.replicas.max(replicas),
                None => all.push(Hours { schedule, replicas }),
            }
        }
    }
    all
}

/// A trigger for the requests that the edge saw at a door, whichever component they were for.
fn ask(cx: &Context, door: &Door, prometheus: &Prometheus, target: Target) -> Value {
    json!({
        "type": "prometheus",
        "name": "visits",
        "metadata": {
            "serverAddress": prometheus.server_address,
            "query": visits::query(cx, door, prometheus),
            "threshold": visits::threshold(target).to_string(),
            "activationThreshold": "0",
            // An edge that is not scraped is an error, not a silence.
            "ignoreNullValues": "false",
        },
    })
}

/// A trigger for the requests of one InterceptorRoute.
fn listen(cx: &Context, interceptor: &Interceptor, way: Way) -> Value {
    let metric = cx.scaled(way.component).map(|s| scaling_metric(&s));
    json!({
        "type": "external-push",
        "name": way.name(),
        "metadata": {
            "scalerAddress":
                format!("{}.{}:{SCALER_PORT}", interceptor.scaler, interceptor.namespace),
            "interceptorRoute": way.name(),
            // KEDA reads the route's metric once: another one must look like another trigger.
            "specHash": metric.map(|m| hash(&m).first(8)),
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
