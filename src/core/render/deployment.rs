//! The Deployment of a component.

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::{Context, Copies};
use super::pod;
use super::resources::holds_device;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Time beyond the start-up budget for a new node and the image, in seconds.
pub(crate) const NODE_AND_IMAGE: u32 = 600;

/// `replicas` stands in it exactly when no autoscaler owns them.
pub(super) fn deployment(cx: &Context, component: &Component) -> DesiredObject {
    cx.object(
        Kind::Deployment,
        component.name.as_str(),
        Some(component),
        json!({
            "spec": {
                "replicas": replicas(cx, component),
                "revisionHistoryLimit": 3,
                "progressDeadlineSeconds": component.startup.as_secs() + u64::from(NODE_AND_IMAGE),
                "strategy": strategy(component),
                "selector": { "matchLabels": cx.selector(component) },
                "template": pod::template(cx, component),
            },
        }),
    )
}

fn replicas(cx: &Context, component: &Component) -> Option<u16> {
    match cx.copies(component) {
        Copies::Fixed(_) if cx.rests() => Some(0),
        Copies::Fixed(replicas) => Some(replicas),
        Copies::Scaled(_) => None,
    }
}

/// The new pod first, then the old one goes: nobody notices. Where a device is held the new pod
/// would wait for the old one's for ever.
fn strategy(component: &Component) -> Value {
    match surge(component) {
        0 => json!({ "type": "Recreate" }),
        surge => json!({
            "type": "RollingUpdate",
            "rollingUpdate": { "maxSurge": surge, "maxUnavailable": 0 },
        }),
    }
}

/// Pods beyond the wanted ones while a new template is rolled out.
pub(super) fn surge(component: &Component) -> u16 {
    if holds_device(component) { 0 } else { 1 }
}
