//! The few facts that a health rule reads, out of the objects that carry them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::request::short;
use super::wire::Meta;
use crate::model::{ContentHash, marks};
use crate::plan::observed::{
    Condition, DeploymentFacts, PodFacts, PolicyFacts, RouteFacts, RouteParent, ScaledFacts,
};

/// `metav1.Condition` and its relatives.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConditionWire {
    r#type: String,
    status: String,
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
            reason: self.reason.clone(),
            message: short(&self.message),
            observed_generation: self.observed_generation,
            since: self.last_transition_time,
        }
    }
}

fn conditions(wire: &Option<Vec<ConditionWire>>) -> Vec<Condition> {
    wire.iter().flatten().map(ConditionWire::read).collect()
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
        ..marked(metadata)
    }
}

/// What the metadata of a Deployment says about its verification.
pub(super) fn marked(meta: &Meta) -> DeploymentFacts {
    DeploymentFacts {
        generation: meta.generation,
        verified: meta.annotation(marks::VERIFIED).map(str::to_owned),
        template: meta.annotation(marks::TEMPLATE).map(ContentHash::recorded),
        ..DeploymentFacts::default()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteWire {
    metadata: Meta,
    status: RouteStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RouteStatus {
    parents: Option<Vec<ParentWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ParentWire {
    controller_name: String,
    parent_ref: ParentRef,
    conditions: Option<Vec<ConditionWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentRef {
    namespace: Option<String>,
    name: String,
}

pub(super) fn route(wire: RouteWire) -> (Meta, RouteFacts) {
    let own = wire.metadata.namespace.as_deref().unwrap_or_default();
    let parents = wire
        .status
        .parents
        .iter()
        .flatten()
        .map(|parent| RouteParent {
            controller: parent.controller_name.clone(),
            // A parent without namespace is one beside the route.
            gateway: format!(
                "{}/{}",
                parent.parent_ref.namespace.as_deref().unwrap_or(own),
                parent.parent_ref.name
            ),
            conditions: conditions(&parent.conditions),
        })
        .collect();
    let facts = RouteFacts { generation: wire.metadata.generation, parents };
    (wire.metadata, facts)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ScaledWire {
    pub metadata: Meta,
    status: ScaledStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScaledStatus {
    conditions: Option<Vec<ConditionWire>>,
    last_active_time: Option<Timestamp>,
}

pub(super) fn scaled(wire: &ScaledWire) -> ScaledFacts {
    ScaledFacts {
        generation: wire.metadata.generation,
        conditions: conditions(&wire.status.conditions),
        forced: forced(&wire.metadata),
        paused: paused(&wire.metadata),
        last_active: wire.status.last_active_time,
    }
}

/// Whether KEDA is told to leave the target as it is.
pub(super) fn paused(meta: &Meta) -> bool {
    meta.annotation("autoscaling.keda.sh/paused-replicas").is_some()
        || meta.annotation("autoscaling.keda.sh/paused") == Some("true")
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
    pub hard: BTreeMap<String, String>,
}

/// Whether KEDA is told to keep the target awake.
pub(super) fn forced(meta: &Meta) -> bool {
    meta.annotation(marks::FORCE_ACTIVATION) == Some("true")
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PodWire {
    pub metadata: Meta,
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    reason: String,
    message: String,
    conditions: Option<Vec<ConditionWire>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    ready: bool,
    restart_count: i32,
    state: ContainerState,
    last_state: ContainerState,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
    running: Option<serde::de::IgnoredAny>,
    terminated: Option<Terminated>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    reason: String,
    message: String,
    exit_code: i32,
}

/// The words of the first trouble that a pod has; without a word it is well, or only starting.
pub(super) fn pod(wire: &PodWire) -> PodFacts {
    let status = &wire.status;
    let containers =
        || status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let base = PodFacts {
        component: wire.metadata.label(marks::COMPONENT).unwrap_or_default().to_owned(),
        restarts: containers().map(|c| c.restart_count).max().unwrap_or(0),
        ..PodFacts::default()
    };
    let said = |word: &str, message: &str, exit_code| PodFacts {
        word: Some(short(word)),
        message: short(message),
        exit_code,
        ..base.clone()
    };

    let unscheduled =
        status.conditions.iter().flatten().find(|c| {
            c.r#type == "PodScheduled" && c.status == "False" && c.reason == "Unschedulable"
        });
    if let Some(condition) = unscheduled {
        return said(&condition.reason, &condition.message, None);
    }
    // Evicted, and the like: the containers' states say less.
    if status.phase == "Failed" && !status.reason.is_empty() {
        return said(&status.reason, &status.message, None);
    }
    containers()
        .find_map(trouble)
        .map_or(base.clone(), |(word, message, exit)| said(&word, &message, exit))
}

/// What is wrong with one container: word, message, exit code.
fn trouble(container: &ContainerStatus) -> Option<(String, String, Option<i32>)> {
    let died = |t: &Terminated| (t.reason.clone(), t.message.clone(), Some(t.exit_code));
    let last = container.last_state.terminated.as_ref().filter(|t| t.exit_code != 0);
    if let Some(waiting) = &container.state.waiting {
        return match (waiting.reason.as_str(), last) {
            ("" | "ContainerCreating" | "PodInitializing", _) => None,
            // Why it crashes says more than that it does.
            ("CrashLoopBackOff", Some(t)) if t.reason == "OOMKilled" => Some(died(t)),
            ("CrashLoopBackOff", Some(t)) => {
                let message = if t.message.is_empty() { &waiting.message } else { &t.message };
                Some((waiting.reason.clone(), message.clone(), Some(t.exit_code)))
            }
            _ => Some((waiting.reason.clone(), waiting.message.clone(), None)),
        };
    }
    if let Some(terminated) = container.state.terminated.as_ref().filter(|t| t.exit_code != 0) {
        return Some(died(terminated));
    }
    // It runs again after a fall, but does not serve yet.
    last.filter(|_| container.state.running.is_some() && !container.ready).map(died)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;

    fn facts(status: Value) -> PodFacts {
        let wire = json!({
            "metadata": {"name": "web-1", "labels": {"vitrine.dev/component": "web"}},
            "status": status,
        });
        pod(&serde_json::from_value(wire).unwrap())
    }

    fn words(status: Value) -> (Option<String>, Option<i32>) {
        let facts = facts(status);
        (facts.word, facts.exit_code)
    }

    fn container(ready: bool, state: Value, last: Value) -> Value {
        json!({"containerStatuses": [
            {"ready": ready, "restartCount": 4, "state": state, "lastState": last}]})
    }

    #[test]
    fn a_pod_says_the_kubelets_word_for_its_trouble() {
        let oom = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        let error = json!({"terminated": {"reason": "Error", "exitCode": 2, "message": "no key"}});
        let waits = |reason: &str| json!({"waiting": {"reason": reason, "message": "m"}});
        for (state, last, word, code) in [
            (waits("ImagePullBackOff"), json!({}), "ImagePullBackOff", None),
            (waits("CreateContainerConfigError"), json!({}), "CreateContainerConfigError", None),
            (waits("CrashLoopBackOff"), oom.clone(), "OOMKilled", Some(137)),
            (waits("CrashLoopBackOff"), error.clone(), "CrashLoopBackOff", Some(2)),
            (oom.clone(), json!({}), "OOMKilled", Some(137)),
            (json!({"running": {}}), oom, "OOMKilled", Some(137)),
        ] {
            let expected = (Some(word.to_owned()), code);
            assert_eq!(words(container(false, state.clone(), last)), expected, "{state}");
        }
        let crashed = facts(container(false, waits("CrashLoopBackOff"), error));
        assert_eq!((crashed.message.as_str(), crashed.restarts), ("no key", 4));
        assert_eq!(crashed.component, "web");
    }

    #[test]
    fn a_pod_without_a_machine_and_an_evicted_one_say_so() {
        let unscheduled = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled",
            "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]});
        assert_eq!(words(unscheduled), (Some("Unschedulable".to_owned()), None));
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "disk"});
        assert_eq!(words(evicted), (Some("Evicted".to_owned()), None));
    }

    #[test]
    fn a_pod_that_starts_serves_or_ended_well_has_no_word() {
        let starts = json!({"waiting": {"reason": "ContainerCreating"}});
        let fell = json!({"terminated": {"reason": "Error", "exitCode": 1}});
        let ended = json!({"terminated": {"reason": "Completed", "exitCode": 0}});
        for status in [
            json!({}),
            json!({"conditions": null, "containerStatuses": null}),
            container(false, starts, json!({})),
            container(true, json!({"running": {}}), fell),
            container(false, ended, json!({})),
        ] {
            assert_eq!(words(status.clone()).0, None, "{status}");
        }
    }

    #[test]
    fn an_init_container_that_fails_is_named_before_those_that_wait_for_it() {
        let status = json!({
            "initContainerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
            "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
        });
        assert_eq!(words(status).0.as_deref(), Some("CrashLoopBackOff"));
    }

    #[test]
    fn a_parent_without_namespace_is_beside_its_route() {
        let wire = json!({
            "metadata": {"name": "r", "namespace": "sol-use", "generation": 3},
            "status": {"parents": [
                {"controllerName": "c", "parentRef": {"name": "near"}, "conditions": null},
                {"controllerName": "c", "parentRef": {"name": "gw", "namespace": "edge"},
                 "conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 3}]},
            ]},
        });
        let (_, facts) = route(serde_json::from_value(wire).unwrap());
        let gateways: Vec<&str> = facts.parents.iter().map(|p| p.gateway.as_str()).collect();
        assert_eq!(gateways, ["sol-use/near", "edge/gw"]);
        assert_eq!(facts.parents[1].conditions[0].observed_generation, Some(3));
        assert_eq!(facts.generation, 3);
    }

    #[test]
    fn a_policy_is_refused_by_any_gateway_at_its_newest_form_only() {
        let wire = |status: Value| {
            let object = json!({"metadata": {"name": "edge", "generation": 2}, "status": status});
            policy(&serde_json::from_value(object).unwrap())
        };
        let says = |status: &str, reason: &str, seen: i64| {
            json!({"type": "Accepted", "status": status, "reason": reason,
                "observedGeneration": seen})
        };
        let reason = |facts: PolicyFacts| facts.refusal().map(|c| c.reason.clone());
        assert_eq!(reason(wire(json!({}))), None);
        let mesh = wire(json!({"conditions": [says("False", "RateLimitReached", 2)]}));
        assert_eq!(reason(mesh).as_deref(), Some("RateLimitReached"));
        let edge = |seen| {
            wire(json!({"ancestors": [
                {"conditions": [says("True", "Accepted", 2)]},
                {"conditions": [says("False", "Conflicted", seen)]},
            ]}))
        };
        assert_eq!(reason(edge(2)).as_deref(), Some("Conflicted"));
        assert_eq!(reason(edge(1)), None, "an older form was refused");
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
