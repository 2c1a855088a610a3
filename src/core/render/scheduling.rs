//! On which nodes a component's pods may run, and beside whom.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::object::{TENANT, TENANT_SOLUTION};
use crate::catalog::platform::Provisioner;
use crate::catalog::solution::Component;
use crate::model::marks;

/// From this server on `mismatchLabelKeys` can be relied on.
const MISMATCH_LABEL_KEYS: (u32, u32) = (1, 33);

const HOSTNAME: &str = "kubernetes.io/hostname";
/// The label that every node has, set by its kubelet.
const ARCHITECTURE: &str = "kubernetes.io/arch";

/// The fields of a pod's spec that choose its node.
pub(super) fn scheduling(cx: &Context, component: &Component) -> Map<String, Value> {
    let mut selector = Map::new();
    let mut affinity = Map::new();
    let mut tolerations = Value::Null;
    if let Some(group) = &component.hardware.node_group {
        let label = cx.platform.nodes.label_key.as_str();
        selector.insert(label.to_owned(), json!(group));
        tolerations =
            json!([{ "key": label, "operator": "Equal", "value": group, "effect": "NoSchedule" }]);
    }
    if component.hardware.exclusive {
        match cx.platform.nodes.provisioner {
            // It makes a node for the solution and labels it so. An affinity would be a search
            // through all pods, and Karpenter takes even a preferred one for required.
            Provisioner::Karpenter => {
                selector.insert(marks::SOLUTION.to_owned(), json!(cx.solution.name));
            }
            Provisioner::ClusterAutoscaler => affinity.extend(alone(cx)),
        }
    }
    if !component.architectures.is_empty() {
        let names = component.architectures.iter().map(|architecture| architecture.as_str());
        affinity.insert("nodeAffinity".to_owned(), built_for(&names.collect::<Vec<_>>()));
    }
    Map::from_iter([
        ("nodeSelector".to_owned(), selector.into()),
        ("tolerations".to_owned(), tolerations),
        ("affinity".to_owned(), affinity.into()),
    ])
}

/// Only nodes with a processor that the image is built for.
fn built_for(architectures: &[&str]) -> Value {
    json!({
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{
                "matchExpressions": [
                    { "key": ARCHITECTURE, "operator": "In", "values": architectures },
                ],
            }],
        },
    })
}

/// A node serves one solution, whose pods gather on it if they fit (they need not: a required
/// term would leave replicas pending on a full node).
fn alone(cx: &Context) -> Map<String, Value> {
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
    let together = json!({
        "weight": 100,
        "podAffinityTerm": {
            "labelSelector": { "matchLabels": { marks::SOLUTION: cx.solution.name } },
            "topologyKey": HOSTNAME,
        },
    });
    let (required, preferred) = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    );
    Map::from_iter([
        ("podAntiAffinity".to_owned(), json!({ required: [others] })),
        ("podAffinity".to_owned(), json!({ preferred: [together] })),
    ])
}
