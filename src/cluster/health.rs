//! The few facts that a health rule reads, out of the objects that carry them.

mod pod;

use jiff::Timestamp;
use litemap::LiteMap;
use serde::Deserialize;
use smol_str::SmolStr;

use vitrine_core::engine::Meta;
use vitrine_core::model::Quoted;
use vitrine_core::plan::observed::{Condition, DeploymentFacts, Pause, PolicyFacts, ScaledFacts};

pub(super) use pod::{PodWire, pod};

/// `metav1.Condition` and its relatives.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ConditionWire {
    r#type: SmolStr,
    status: SmolStr,
    reason: String,
    message: String,
    observed_generation: Option<i64>,
    last_transition_time: Option<Timestamp>,
}

impl ConditionWire {
    fn read(&self) -> Condition {
        Condition {
            kind: self.r#type.clone(),
            status: self.status.clone(),
            reason: Quoted::of(&self.reason),
            message: Quoted::of(&self.message),
            observed_generation: self.observed_generation,
            since: self.last_transition_time,
        }
    }
}

pub(super) fn conditions(wire: &Option<Vec<ConditionWire>>) -> Vec<Condition> {
    // Not flattened: whoever collects then knows how many there are.
    wire.as_deref().unwrap_or_default().iter().map(ConditionWire::read).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct DeploymentWire {
    pub metadata: Meta,
    spec: DeploymentSpec,
    status: DeploymentStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DeploymentSpec {
    replicas: Option<i32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DeploymentStatus {
    observed_generation: i64,
    replicas: i32,
    updated_replicas: i32,
    ready_replicas: i32,
    available_replicas: i32,
    conditions: Option<Vec<ConditionWire>>,
}

pub(super) fn deployment(wire: &DeploymentWire) -> DeploymentFacts {
    let DeploymentWire { metadata, spec, status } = wire;
    DeploymentFacts {
        generation: metadata.generation,
        observed_generation: status.observed_generation,
        wanted: spec.replicas.unwrap_or(1),
        replicas: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        conditions: conditions(&status.conditions),
        ..metadata.marked()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ScaledWire {
    pub metadata: Meta,
    spec: ScaledSpec,
    status: ScaledStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScaledSpec {
    triggers: Option<Vec<Trigger>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Trigger {
    r#type: String,
}

impl Trigger {
    /// The autoscaler asks the kubelets for these two, not KEDA.
    fn is_kedas(&self) -> bool {
        !matches!(self.r#type.as_str(), "cpu" | "memory")
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScaledStatus {
    conditions: Option<Vec<ConditionWire>>,
    external_metric_names: Option<Vec<String>>,
    last_active_time: Option<Timestamp>,
}

pub(super) fn scaled(wire: &ScaledWire) -> ScaledFacts {
    ScaledFacts {
        generation: wire.metadata.generation,
        conditions: conditions(&wire.status.conditions),
        forced: wire.metadata.is_forced(),
        nudged: wire.metadata.is_nudged(),
        paused: paused(&wire.metadata),
        triggers: wire.spec.triggers.iter().flatten().filter(|t| t.is_kedas()).count(),
        metrics: wire.status.external_metric_names.as_ref().map_or(0, Vec::len),
        last_active: wire.status.last_active_time,
        // That stands beside it.
        unknown_zone: None,
    }
}

/// How KEDA is told to leave the target alone, if it is.
pub(super) fn paused(meta: &Meta) -> Option<Pause> {
    let at = meta.annotation("autoscaling.keda.sh/paused-replicas");
    let as_it_is = meta.annotation("autoscaling.keda.sh/paused") == Some("true");
    at.map(|at| Pause::At(Quoted::of(at))).or_else(|| as_it_is.then_some(Pause::AsItIs))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NamespaceWire {
    pub metadata: Meta,
    status: ReadyStatus,
}

/// What holds a namespace that is being deleted.
pub(super) fn remains(wire: &NamespaceWire) -> Vec<Condition> {
    let holds = |c: &&ConditionWire| c.status == "True";
    wire.status.conditions.iter().flatten().filter(holds).map(ConditionWire::read).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReadyWire {
    pub metadata: Meta,
    status: ReadyStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReadyStatus {
    conditions: Option<Vec<ConditionWire>>,
}

/// Whether the condition `Ready` is true.
pub(super) fn ready(wire: &ReadyWire) -> bool {
    let ready = |c: &ConditionWire| c.r#type == "Ready" && c.status == "True";
    wire.status.conditions.iter().flatten().any(ready)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PolicyWire {
    pub metadata: Meta,
    status: PolicyStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyStatus {
    conditions: Option<Vec<ConditionWire>>,
    ancestors: Option<Vec<AncestorWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AncestorWire {
    conditions: Option<Vec<ConditionWire>>,
}

/// The mesh writes one list of conditions, the edge one for each Gateway that the policy reaches.
pub(super) fn policy(wire: &PolicyWire) -> PolicyFacts {
    let PolicyWire { metadata, status } = wire;
    let mut found = conditions(&status.conditions);
    found.extend(status.ancestors.iter().flatten().flat_map(|a| conditions(&a.conditions)));
    PolicyFacts { generation: metadata.generation, conditions: found }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaWire {
    pub metadata: Meta,
    pub spec: QuotaSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaSpec {
    hard: LiteMap<SmolStr, SmolStr>,
}

/// What a quota allows, in no more room than it takes.
pub(super) fn hard(spec: QuotaSpec) -> LiteMap<SmolStr, SmolStr> {
    let mut sorted = spec.hard.into_tuple_vec();
    sorted.shrink_to_fit();
    LiteMap::from_sorted_store_unchecked(sorted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_policy_has_the_conditions_of_the_mesh_or_of_every_gateway() {
        let wire = |status: Value| {
            let object = json!({"metadata": {"name": "edge", "generation": 2}, "status": status});
            policy(&serde_json::from_value(object).unwrap())
        };
        let says = |reason: &str| json!({"type": "Accepted", "status": "False", "reason": reason});
        let reasons = |facts: PolicyFacts| -> Vec<String> {
            facts.conditions.into_iter().map(|c| c.reason.to_string()).collect()
        };
        assert_eq!(reasons(wire(json!({}))), [""; 0]);
        let mesh = wire(json!({"conditions": [says("RateLimitReached")]}));
        assert_eq!((mesh.generation, reasons(mesh)), (2, vec!["RateLimitReached".to_owned()]));
        let edge = json!({"ancestors": [
            {"conditions": [says("Accepted")]}, {"conditions": [says("Conflicted")]}, {},
        ]});
        assert_eq!(reasons(wire(edge)), ["Accepted", "Conflicted"]);
    }

    #[test]
    fn a_scaled_object_says_who_is_to_wake_it_and_whether_it_is_paused() {
        let wire = json!({
            "metadata": {"name": "app", "annotations": {"autoscaling.keda.sh/paused-replicas": "2"}},
            "spec": {"triggers": [{"type": "external-push"}, {"type": "cpu"}, {"type": "cron"}]},
            "status": {"externalMetricNames": ["s0"], "conditions": null},
        });
        let facts = scaled(&serde_json::from_value(wire).unwrap());
        assert_eq!((facts.triggers, facts.metrics), (2, 1));
        assert_eq!(facts.paused, Some(Pause::At("2".into())));
    }

    #[test]
    fn of_a_namespace_that_goes_the_conditions_that_hold_are_kept() {
        let wire = json!({"metadata": {"name": "sol-use"}, "status": {"conditions": [
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "f in 1"},
            {"type": "NamespaceContentRemaining", "status": "False", "message": "all gone"},
        ]}});
        let remains = remains(&serde_json::from_value(wire).unwrap());
        let words: Vec<&str> = remains.iter().map(|c| c.message.as_str()).collect();
        assert_eq!(words, ["f in 1"]);
    }

    #[test]
    fn a_deployment_without_replicas_wants_one() {
        let wire = |spec: Value| {
            deployment(&serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap())
        };
        assert_eq!(wire(json!({})).wanted, 1);
        assert_eq!(wire(json!({"replicas": 0})).wanted, 0);
    }
}
