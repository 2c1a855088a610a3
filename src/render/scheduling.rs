//! On which nodes a component's pods may run, and beside whom.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::object::{TENANT, TENANT_SOLUTION};
use crate::catalog::solution::Component;
use crate::model::marks;

/// From this server on `mismatchLabelKeys` can be relied on.
const MISMATCH_LABEL_KEYS: (u32, u32) = (1, 33);

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The fields of a pod's spec that choose its node.
pub(super) fn scheduling(cx: &Context, component: &Component) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(group) = &component.hardware.node_group {
        let label = cx.platform.nodes.label_key.as_str();
        fields.insert("nodeSelector".to_owned(), json!({ label: group }));
        fields.insert(
            "tolerations".to_owned(),
            json!([{ "key": label, "operator": "Equal", "value": group, "effect": "NoSchedule" }]),
        );
    }
    if component.hardware.exclusive {
        fields.insert("affinity".to_owned(), alone(cx));
    }
    fields
}

/// A node serves one solution, whose pods gather on it if they fit (they need not: a required
/// term would leave replicas pending on a full node).
fn alone(cx: &Context) -> Value {
    let tenants = json!({ "matchLabels": { TENANT: TENANT_SOLUTION } });
    let others = if cx.platform.cluster_version >= MISMATCH_LABEL_KEYS {
        json!({
            "labelSelector": tenants,
            "mismatchLabelKeys": [marks::SOLUTION],
            "namespaceSelector": tenants,
            "topologyKey": HOSTNAME,
        })
    } else {
        json!({
            "labelSelector": {
                "matchLabels": { TENANT: TENANT_SOLUTION },
                // NotIn alone would match pods without the label.
                "matchExpressions": [
                    { "key": marks::SOLUTION, "operator": "Exists" },
                    { "key": marks::SOLUTION, "operator": "NotIn", "values": [cx.solution.name] },
                ],
            },
            "namespaceSelector": tenants,
            "topologyKey": HOSTNAME,
        })
    };
    json!({
        "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [others] },
        "podAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{
                "weight": 100,
                "podAffinityTerm": {
                    "labelSelector": { "matchLabels": { marks::SOLUTION: cx.solution.name } },
                    "topologyKey": HOSTNAME,
                },
            }],
        },
    })
}
