//! The Deployment controller and the kubelet in one: pods appear, and become ready unless their
//! image says how they fail.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::write::text;
use super::Sandbox;
use super::condition::set_condition;
use vitrine_core::model::{ContentHash, Kind, ObjectKey};

const MANAGER: &str = "kube-controller-manager";
const KUBELET: &str = "kubelet";

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ready,
    /// Image names with `fails-pull`.
    NoImage,
    /// Image names with `fails-oom`.
    OutOfMemory,
    /// Image names with `fails-exit`.
    Exits,
    /// Image names with `never-ready`.
    NeverReady,
    /// Image names with `no-machine`.
    NoMachine,
}

impl Fate {
    fn of(image: &str) -> Self {
        let fates = [
            ("fails-pull", Self::NoImage),
            ("fails-oom", Self::OutOfMemory),
            ("fails-exit", Self::Exits),
            ("never-ready", Self::NeverReady),
            ("no-machine", Self::NoMachine),
        ];
        fates
            .into_iter()
            .find(|(word, _)| image.contains(word))
            .map_or(Self::Ready, |(_, fate)| fate)
    }
}

pub fn step(sandbox: &Sandbox, key: &ObjectKey, deployment: &Value) -> Option<Duration> {
    if deployment.pointer("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let namespace = key.namespace.as_deref()?;
    let wanted = deployment.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1) as usize;
    let template = deployment.pointer("/spec/template")?;
    let hash = ContentHash::of(template.to_string().as_bytes()).first(10).to_owned();
    let uid = text(deployment, "/metadata/uid")?.to_owned();

    let mine = |pod: &Value| text(pod, "/metadata/ownerReferences/0/uid") == Some(&uid);
    let pods = sandbox.inside(Kind::Pod, namespace);
    let pods = pods.iter().filter(|pod| mine(pod));
    let label = "/metadata/labels/pod-template-hash";
    let (mut current, old): (Vec<_>, Vec<_>) =
        pods.cloned().partition(|pod| text(pod, label) == Some(&hash));
    let mut busy = false;
    for pod in current.split_off(current.len().min(wanted)) {
        delete(sandbox, namespace, &pod);
    }
    for pod in &current {
        busy |= settle(sandbox, namespace, pod);
    }
    for n in current.len()..wanted {
        let _ = sandbox.create(MANAGER, newborn(namespace, &key.name, &uid, &hash, n, template));
        busy = true;
    }
    let ready = current.iter().filter(|pod| is_ready(pod)).count();
    let old_ready = old.iter().filter(|pod| is_ready(pod)).count();
    if ready >= wanted {
        old.iter().for_each(|pod| delete(sandbox, namespace, pod));
        busy |= !old.is_empty();
    }
    let counts = Counts { wanted, updated: wanted, ready, old: old.len(), old_ready };
    let late = report(sandbox, key, deployment, &counts);
    if busy { Some(sandbox.options().controller_delay) } else { late }
}

struct Counts {
    wanted: usize,
    updated: usize,
    ready: usize,
    old: usize,
    old_ready: usize,
}

/// Writes the status; the time until the progress deadline, if it can still be missed.
fn report(
    sandbox: &Sandbox,
    key: &ObjectKey,
    deployment: &Value,
    counts: &Counts,
) -> Option<Duration> {
    let now = sandbox.now();
    let up = counts.ready + counts.old_ready;
    let complete = counts.ready >= counts.wanted && counts.old == 0;
    let deadline = deployment.pointer("/spec/progressDeadlineSeconds").and_then(Value::as_i64);
    let deadline = deadline.unwrap_or(600);
    let generation = deployment.pointer("/metadata/generation").cloned().unwrap_or(json!(1));
    let seen = deployment.pointer("/status/observedGeneration") == Some(&generation);
    let since = conditions(deployment)
        .find(|c| c["type"] == "Progressing")
        .filter(|_| seen)
        .and_then(|c| c["lastUpdateTime"].as_str()?.parse::<jiff::Timestamp>().ok());
    let waited = |since: jiff::Timestamp| {
        now.parse::<jiff::Timestamp>().map_or(0, |now| now.as_second() - since.as_second())
    };
    let left = deadline - since.map_or(0, waited);
    let (progressing, reason) = if complete {
        ("True", "NewReplicaSetAvailable")
    } else if left <= 0 {
        ("False", "ProgressDeadlineExceeded")
    } else {
        ("True", "ReplicaSetUpdated")
    };
    let available = up >= counts.wanted;
    let _ = sandbox.edit_status(MANAGER, key, |object| {
        let mut list = object["status"]["conditions"].take();
        let message = if available { "Deployment has minimum availability." } else { "Deployment does not have minimum availability." };
        let word = if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" };
        let truth = if available { "True" } else { "False" };
        let updated = |list: &Value, kind: &str, reason: &str, keep: bool| {
            let before = list.as_array().into_iter().flatten().find(|c| c["type"] == kind);
            let before = before.filter(|c| c["reason"] == reason && keep);
            before.map_or(json!(now), |c| c["lastUpdateTime"].clone())
        };
        let time = updated(&list, "Available", word, true);
        set_condition(&mut list, json!({"type": "Available", "status": truth, "reason": word, "message": message, "lastUpdateTime": time}), &now);
        let time = updated(&list, "Progressing", reason, seen);
        set_condition(&mut list, json!({"type": "Progressing", "status": progressing, "reason": reason, "message": "", "lastUpdateTime": time}), &now);
        let mut status = json!({"observedGeneration": generation, "conditions": list});
        let missing = counts.wanted.saturating_sub(up).max(counts.wanted - counts.ready.min(counts.wanted));
        for (field, count) in [
            ("replicas", counts.wanted + counts.old),
            ("updatedReplicas", counts.updated),
            ("readyReplicas", up),
            ("availableReplicas", up),
            ("unavailableReplicas", missing),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        object["status"] = status;
    });
    (!complete && left > 0).then(|| Duration::from_secs(left.unsigned_abs()))
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

fn is_ready(pod: &Value) -> bool {
    conditions(pod).any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn delete(sandbox: &Sandbox, namespace: &str, pod: &Value) {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let _ = sandbox.remove(&ObjectKey::namespaced(Kind::Pod, namespace, name));
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

/// Lets a pod meet its fate; whether that changed it.
fn settle(sandbox: &Sandbox, namespace: &str, pod: &Value) -> bool {
    if pod.pointer("/status/containerStatuses").is_some() || conditions(pod).next().is_some() {
        return false;
    }
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let containers: Vec<(&str, Fate)> = containers
        .into_iter()
        .flatten()
        .map(|c| {
            (text(c, "/name").unwrap_or_default(), Fate::of(text(c, "/image").unwrap_or_default()))
        })
        .collect();
    let now = sandbox.now();
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let key = ObjectKey::namespaced(Kind::Pod, namespace, name);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now});
    let _ = sandbox.edit_status(KUBELET, &key, |pod| {
        if containers.iter().any(|(_, fate)| *fate == Fate::NoMachine) {
            let why =
                "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
            pod["status"]["conditions"] =
                json!([condition("PodScheduled", "False", "Unschedulable", why)]);
            return;
        }
        let all = containers.iter().all(|(_, fate)| *fate == Fate::Ready);
        let pulled = containers.iter().all(|(_, fate)| *fate != Fate::NoImage);
        let statuses: Vec<Value> =
            containers.iter().map(|(name, fate)| container(name, *fate, &now)).collect();
        let (ready, why) = if all { ("True", "") } else { ("False", "ContainersNotReady") };
        pod["status"] = json!({
            "phase": if pulled { "Running" } else { "Pending" },
            "conditions": [
                condition("PodScheduled", "True", "", ""),
                condition("Ready", ready, why, ""),
            ],
            "containerStatuses": statuses,
        });
    });
    true
}

fn container(name: &str, fate: Fate, now: &str) -> Value {
    let running = json!({"running": {"startedAt": now}});
    let looping = json!({"waiting": {
        "reason": "CrashLoopBackOff",
        "message": format!("back-off 5m0s restarting failed container={name}"),
    }});
    let ended = |reason: &str, code: i32, message: &str| json!({"terminated": {"reason": reason, "exitCode": code, "message": message, "finishedAt": now}});
    let (state, last, restarts) = match fate {
        Fate::Ready | Fate::NeverReady | Fate::NoMachine => (running, json!({}), 0),
        Fate::NoImage => {
            let why = "Back-off pulling image: not found";
            (json!({"waiting": {"reason": "ImagePullBackOff", "message": why}}), json!({}), 0)
        }
        Fate::OutOfMemory => (looping, ended("OOMKilled", 137, ""), 4),
        Fate::Exits => (looping, ended("Error", 1, "the application ended with an error"), 4),
    };
    json!({
        "name": name, "image": "", "imageID": "", "ready": fate == Fate::Ready,
        "started": fate == Fate::Ready, "restartCount": restarts, "state": state, "lastState": last,
    })
}
