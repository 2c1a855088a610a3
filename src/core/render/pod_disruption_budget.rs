//! The PodDisruptionBudget of a component: a drained node takes one copy at a time.

use serde_json::json;

use super::DesiredObject;
use super::context::Context;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Absent below two copies: with a single one it would keep every node from being drained.
pub(super) fn pod_disruption_budget(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let (least, _) = cx.bounds(component);
    (least >= 2).then(|| {
        cx.object(
            Kind::PodDisruptionBudget,
            component.name.as_str(),
            Some(component),
            json!({
                "spec": {
                    "maxUnavailable": 1,
                    "selector": { "matchLabels": cx.selector(component) },
                    // A pod that serves nobody anyway does not hold a node.
                    "unhealthyPodEvictionPolicy": "AlwaysAllow",
                },
            }),
        )
    })
}
