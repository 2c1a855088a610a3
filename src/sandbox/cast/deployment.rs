//! The Deployment controller and the kubelet in one: pods appear, and become ready unless their
//! image says how they fail.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{conditions, list, seconds, set_condition};
use super::fate::{Next, fate, later};
use super::moves::{Door, Move, Turn};
use super::stage::{Around, Stage};
use crate::object::text;
use vitrine_core::model::{ContentHash, Kind, ObjectKey};

const MANAGER: &str = "kube-controller-manager";
const KUBELET: &str = "kubelet";

/// A look at a Deployment.
pub fn turn(
    key: &ObjectKey,
    deployment: &Value,
    around: &impl Around,
    stage: &Stage,
) -> Option<Turn> {
    if deployment.pointer("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let wanted = deployment.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1) as usize;
    let mut turn = Turn::default();
    let counts = if stage.kubelet {
        pods(&mut turn, key, deployment, wanted, around, stage)?
    } else {
        Counts { wanted, ready: wanted, old: 0, old_ready: 0 }
    };
    let late = report(&mut turn, key, deployment, &counts, stage.now);
    turn.again = match (turn.again, late) {
        (Some(again), Some(late)) => Some(again.min(late)),
        (again, late) => again.or(late),
    };
    Some(turn)
}

/// Makes pods, lets them meet their fate, and removes those that are too many.
fn pods(
    turn: &mut Turn,
    key: &ObjectKey,
    deployment: &Value,
    wanted: usize,
    around: &impl Around,
    stage: &Stage,
) -> Option<Counts> {
    let namespace = key.namespace.as_deref()?;
    let template = deployment.pointer("/spec/template")?;
    let hash = ContentHash::of(template.to_string().as_bytes()).first(10);
    let uid = text(deployment, "/metadata/uid")?;

    let mine = |pod: &Arc<Value>| text(pod, "/metadata/ownerReferences/0/uid") == Some(uid);
    let pods = around.inside(Kind::Pod, namespace).into_iter().filter(mine);
    let label = "/metadata/labels/pod-template-hash";
    let (mut current, old): (Vec<_>, Vec<_>) =
        pods.partition(|pod| text(pod, label) == Some(&hash));
    let address = |pod: &Value| {
        let name = text(pod, "/metadata/name").unwrap_or_default();
        ObjectKey::namespaced(Kind::Pod, namespace, name)
    };
    let gone = |pod: &Arc<Value>| Move::Delete { key: address(pod) };
    turn.moves.extend(current.split_off(current.len().min(wanted)).iter().map(gone));
    let mut busy = current.len() < wanted;
    let mut wait: Option<Duration> = None;
    for pod in &current {
        let next = if is_fresh(pod) {
            busy = true;
            Next::Status(fate(pod, stage.now))
        } else {
            later(pod, stage.now)
        };
        match next {
            Next::Nothing => {}
            Next::Look(after) => wait = Some(wait.map_or(after, |wait| wait.min(after))),
            Next::Status(status) => {
                let (key, patch) = (address(pod), json!({ "status": status }));
                turn.moves.push(Move::Patch {
                    manager: KUBELET,
                    key,
                    through: Door::Status,
                    patch,
                });
                busy = true;
            }
        }
    }
    for n in current.len()..wanted {
        let object = newborn(namespace, &key.name, uid, &hash, n, template);
        turn.moves.push(Move::Create { manager: MANAGER, kind: Kind::Pod, object });
    }
    let ready = current.iter().filter(|pod| is_ready(pod)).count();
    let old_ready = old.iter().filter(|pod| is_ready(pod)).count();
    if ready >= wanted {
        turn.moves.extend(old.iter().map(gone));
        busy |= !old.is_empty();
    }
    turn.again = if busy { Some(stage.delay) } else { wait };
    Some(Counts { wanted, ready, old: old.len(), old_ready })
}

/// Pods of a Deployment. Those that it asks for are there at once, ready or not.
struct Counts {
    wanted: usize,
    ready: usize,
    /// Of templates before this one.
    old: usize,
    old_ready: usize,
}

/// Writes the status; the time until the progress deadline, if it can still be missed.
fn report(
    turn: &mut Turn,
    key: &ObjectKey,
    deployment: &Value,
    counts: &Counts,
    now: Timestamp,
) -> Option<Duration> {
    let up = counts.ready + counts.old_ready;
    let complete = counts.ready >= counts.wanted && counts.old == 0;
    let deadline = deployment.pointer("/spec/progressDeadlineSeconds").and_then(Value::as_i64);
    let deadline = deadline.unwrap_or(600);
    let generation = deployment.pointer("/metadata/generation").cloned().unwrap_or(json!(1));
    let seen = deployment.pointer("/status/observedGeneration") == Some(&generation);
    let since = list(deployment, "/status/conditions")
        .find(|c| c["type"] == "Progressing")
        .filter(|_| seen)
        .and_then(|c| c["lastUpdateTime"].as_str()?.parse::<Timestamp>().ok());
    let left = deadline - since.map_or(0, |since| now.as_second() - since.as_second());
    // What was complete once and is only scaled stays so: a wake has no deadline.
    let was_complete = list(deployment, "/status/conditions")
        .any(|c| c["type"] == "Progressing" && c["reason"] == "NewReplicaSetAvailable");
    let scaled = was_complete && counts.old == 0;
    let (progressing, reason) = if complete || scaled {
        ("True", "NewReplicaSetAvailable")
    } else if left <= 0 {
        ("False", "ProgressDeadlineExceeded")
    } else {
        ("True", "ReplicaSetUpdated")
    };
    let (available, word, message) = if up >= counts.wanted {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let mut said = conditions(&deployment["status"]);
    // No pod is refused here.
    said.retain(|condition| condition["type"] != "ReplicaFailure");
    for (kind, status, reason, message, keep) in [
        ("Available", available, word, message, true),
        ("Progressing", progressing, reason, "", seen),
    ] {
        let before = said.iter().find(|c| c["type"] == kind && c["reason"] == reason && keep);
        let time = before.map_or(json!(seconds(now)), |c| c["lastUpdateTime"].clone());
        let condition = json!({"type": kind, "status": status, "reason": reason,
            "message": message, "lastUpdateTime": time});
        set_condition(&mut said, condition, now);
    }
    let mut status = json!({"observedGeneration": generation, "conditions": said});
    let missing = counts.wanted.saturating_sub(counts.ready);
    for (field, count) in [
        ("replicas", counts.wanted + counts.old),
        ("updatedReplicas", counts.wanted),
        ("readyReplicas", up),
        ("availableReplicas", up),
        ("unavailableReplicas", missing),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    turn.status(MANAGER, key, deployment, status);
    (!complete && left > 0).then(|| Duration::from_secs(left.unsigned_abs()))
}

/// Whether the kubelet has said nothing of it yet.
fn is_fresh(pod: &Value) -> bool {
    pod.pointer("/status/containerStatuses").is_none()
        && list(pod, "/status/conditions").next().is_none()
}

fn is_ready(pod: &Value) -> bool {
    list(pod, "/status/conditions").any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn newborn(
    namespace: &str,
    name: &str,
    uid: &str,
    hash: &str,
    n: usize,
    template: &Value,
) -> Value {
    let mut metadata = template.get("metadata").cloned().unwrap_or(json!({}));
    metadata["name"] = json!(format!("{name}-{hash}-{n}"));
    metadata["namespace"] = json!(namespace);
    metadata["labels"]["pod-template-hash"] = json!(hash);
    metadata["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": uid, "controller": true,
    }]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}
