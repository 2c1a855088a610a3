//! What becomes of a pod: it becomes ready unless its image says how it fails, in the words and shapes
//! that a real kubelet had for it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{list, seconds};
use crate::object::text;

/// How long a program runs before it serves, if its image is one of the slow ones.
const SLOW_START: Duration = Duration::from_secs(8);

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
    /// Image names with `fails-once`: its program ends once, and then it comes up.
    ExitsOnce,
    /// Image names with `fails-start`: its command is not there.
    NoProgram,
    /// Image names with `fails-root`: it runs as root.
    Root,
    /// Image names with `slow-start`: it comes up when its program has run for [`SLOW_START`].
    SlowStart,
    /// Image names with `never-ready`: its start-up probe ends it when its time is over.
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
            ("fails-once", Self::ExitsOnce),
            ("fails-start", Self::NoProgram),
            ("fails-root", Self::Root),
            ("slow-start", Self::SlowStart),
            ("never-ready", Self::NeverReady),
            ("no-machine", Self::NoMachine),
        ];
        fates
            .into_iter()
            .find(|(word, _)| image.contains(word))
            .map_or(Self::Ready, |(_, fate)| fate)
    }
}

/// What happens next to a pod of which the kubelet has said something.
pub(super) enum Next {
    /// Nothing.
    Nothing,
    /// Something, after this time.
    Look(Duration),
    /// It gets this status.
    Status(Value),
}

/// The status that a pod's images lead to at first.
pub(super) fn fate(pod: &Value, now: Timestamp) -> Value {
    status(pod, now, |name, fate| container(name, fate, &seconds(now)))
}

/// What happens next to a pod that has a status.
pub(super) fn later(pod: &Value, now: Timestamp) -> Next {
    let fates = fates(pod);
    let at = |pointer: &str| text(pod, &format!("/status/containerStatuses/0{pointer}"));
    let Some(began) = at("/state/running/startedAt").and_then(|at| at.parse().ok()) else {
        return Next::Nothing;
    };
    let began: Timestamp = began;
    let restarts = pod.pointer("/status/containerStatuses/0/restartCount");
    let restarts = restarts.and_then(Value::as_u64).unwrap_or_default();
    let ready =
        list(pod, "/status/conditions").any(|c| c["type"] == "Ready" && c["status"] == "True");
    let first = |fate| fates.first().is_some_and(|(_, first)| *first == fate);
    if first(Fate::ExitsOnce) && !ready {
        // The second time it comes up.
        let again = |name: &str, _| {
            let mut up = container(name, Fate::Ready, &seconds(now));
            up["restartCount"] = 1.into();
            up["lastState"] = ended("Error", 1, "no database", &seconds(began), &seconds(began));
            up
        };
        return Next::Status(status_as(pod, now, true, again));
    }
    let lived = Duration::try_from(now.duration_since(began)).unwrap_or_default();
    if first(Fate::SlowStart) && !ready {
        if lived < SLOW_START {
            return Next::Look(SLOW_START.saturating_sub(lived));
        }
        let up = |name: &str, _| container(name, Fate::Ready, &seconds(began));
        return Next::Status(status_as(pod, now, true, up));
    }
    if !first(Fate::NeverReady) {
        return Next::Nothing;
    }
    let number = |field: &str| {
        pod.pointer(&format!("/spec/containers/0/startupProbe/{field}")).and_then(Value::as_u64)
    };
    let Some(budget) = number("failureThreshold").zip(number("periodSeconds")) else {
        return Next::Nothing;
    };
    let budget = Duration::from_secs(budget.0 * budget.1);
    if lived < budget {
        return Next::Look(budget.saturating_sub(lived));
    }
    // Its program obeys: nothing but the time tells that it was ended.
    let killed = |name: &str, fate| {
        let mut next = container(name, fate, &seconds(now));
        next["restartCount"] = (restarts + 1).into();
        next["lastState"] = ended("Completed", 0, "", &seconds(began), &seconds(now));
        next
    };
    Next::Status(status(pod, now, killed))
}

fn fates(pod: &Value) -> Vec<(&str, Fate)> {
    let containers = list(pod, "/spec/containers");
    let fate =
        |c| (text(c, "/name").unwrap_or_default(), Fate::of(text(c, "/image").unwrap_or_default()));
    containers.map(fate).collect()
}

fn status(pod: &Value, now: Timestamp, container: impl Fn(&str, Fate) -> Value) -> Value {
    let all = fates(pod).iter().all(|(_, fate)| *fate == Fate::Ready);
    status_as(pod, now, all, container)
}

/// A pod's status with a word for each of its containers.
fn status_as(
    pod: &Value,
    now: Timestamp,
    ready: bool,
    container: impl Fn(&str, Fate) -> Value,
) -> Value {
    let containers = fates(pod);
    let now = seconds(now);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now});
    if containers.iter().any(|(_, fate)| *fate == Fate::NoMachine) {
        let why = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
        return json!({"conditions": [condition("PodScheduled", "False", "Unschedulable", why)]});
    }
    let waits = |fate: &Fate| matches!(fate, Fate::NoImage | Fate::Root);
    let begun = !containers.iter().any(|(_, fate)| waits(fate));
    let statuses: Vec<Value> =
        containers.iter().map(|(name, fate)| container(name, *fate)).collect();
    let (ready, why) = if ready { ("True", "") } else { ("False", "ContainersNotReady") };
    json!({
        "phase": if begun { "Running" } else { "Pending" },
        "conditions": [
            condition("PodScheduled", "True", "", ""),
            condition("Ready", ready, why, ""),
        ],
        "containerStatuses": statuses,
    })
}

fn ended(reason: &str, code: i32, message: &str, from: &str, to: &str) -> Value {
    json!({"terminated": {
        "reason": reason, "exitCode": code, "message": message, "startedAt": from, "finishedAt": to,
    }})
}

fn container(name: &str, fate: Fate, now: &str) -> Value {
    let running = json!({"running": {"startedAt": now}});
    let looping = json!({"waiting": {
        "reason": "CrashLoopBackOff",
        "message": format!("back-off 5m0s restarting failed container={name}"),
    }});
    let waits =
        |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let ended = |reason: &str, code: i32, message: &str| ended(reason, code, message, now, now);
    let (state, last, restarts) = match fate {
        Fate::Ready | Fate::SlowStart | Fate::NeverReady | Fate::NoMachine => {
            (running, json!({}), 0)
        }
        Fate::NoImage => {
            let why = "Back-off pulling image: not found";
            (waits("ImagePullBackOff", why), json!({}), 0)
        }
        Fate::Root => {
            let why = "container has runAsNonRoot and image will run as root";
            (waits("CreateContainerConfigError", why), json!({}), 0)
        }
        Fate::OutOfMemory => (looping, ended("OOMKilled", 137, ""), 4),
        Fate::Exits => (looping, ended("Error", 1, "the application ended with an error"), 4),
        Fate::ExitsOnce => (running, ended("Error", 1, "no database"), 1),
        Fate::NoProgram => {
            let why =
                "unable to start container process: exec: \"/nosuch\": no such file or directory";
            (looping, ended("StartError", 128, why), 4)
        }
    };
    json!({
        "name": name, "image": "", "imageID": "", "ready": fate == Fate::Ready,
        "started": fate == Fate::Ready, "restartCount": restarts, "state": state, "lastState": last,
    })
}
