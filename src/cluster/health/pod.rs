//! The kubelet's words for what is wrong with a pod, out of its status.

use jiff::Timestamp;
use serde::Deserialize;

use super::ConditionWire;
use vitrine_core::engine::Meta;
use vitrine_core::model::{ContentHash, Quoted, marks};
use vitrine_core::plan::observed::{PodFacts, STARTUP_PROBE, UNREADY};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PodWire {
    pub metadata: Meta,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    termination_grace_period_seconds: Option<i64>,
    init_containers: Option<Vec<ContainerSpec>>,
    containers: Option<Vec<ContainerSpec>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerSpec {
    name: String,
    startup_probe: Option<StartupProbe>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StartupProbe {
    failure_threshold: Option<i64>,
    period_seconds: Option<i64>,
    initial_delay_seconds: Option<i64>,
}

/// What the kubelet may take to begin with its questions and to act on the last answer, in seconds.
const TICK: i64 = 5;

impl StartupProbe {
    /// How long a start may take, in seconds, and how often it is looked.
    fn budget(&self) -> (i64, i64) {
        let period = self.period_seconds.unwrap_or(10);
        let delay = self.initial_delay_seconds.unwrap_or(0);
        (delay + period * self.failure_threshold.unwrap_or(3), period)
    }
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
    name: String,
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
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl ContainerStatus {
    /// How often it has ended.
    fn ends(&self) -> i32 {
        self.restart_count + i32::from(self.state.running.is_none())
    }
}

impl Terminated {
    /// Whether the kubelet ended it because it had not become ready in its time. Nothing in the pod
    /// says so: the program may obey and end with 0. It lived as long as a start may take, and what
    /// it took to end.
    fn is_by_probe(&self, probe: &StartupProbe, grace: i64) -> bool {
        let obeyed = matches!(self.exit_code, 0 | 137 | 143);
        let (budget, period) = probe.budget();
        let lived = self.started_at.zip(self.finished_at);
        let lived = lived.map(|(from, to)| to.duration_since(from).as_secs());
        let in_time = (budget - period)..=(budget + grace + 2 * period.max(TICK));
        obeyed && self.reason != "OOMKilled" && lived.is_some_and(|lived| in_time.contains(&lived))
    }
}

/// The words of the first trouble that a pod has; without a word it is well, or only starting.
pub fn pod(wire: &PodWire) -> PodFacts {
    let status = &wire.status;
    let containers =
        || status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let base = PodFacts {
        component: wire.metadata.label(marks::COMPONENT).unwrap_or_default().to_owned(),
        restarts: containers().map(|c| c.restart_count).max().unwrap_or(0),
        pods: wire.metadata.annotation(marks::PODS).map(ContentHash::recorded),
        ..PodFacts::default()
    };
    let said = |word: &str, message: Quoted, exit_code| PodFacts {
        word: Some(Quoted::of(word)),
        message,
        exit_code,
        ..base.clone()
    };

    let unscheduled =
        status.conditions.iter().flatten().find(|c| {
            c.r#type == "PodScheduled" && c.status == "False" && c.reason == "Unschedulable"
        });
    if let Some(condition) = unscheduled {
        return said(&condition.reason, Quoted::end_of(&condition.message), None);
    }
    // Evicted, and the like: the containers' states say less.
    if status.phase == "Failed" && !status.reason.is_empty() {
        return said(&status.reason, Quoted::end_of(&status.message), None);
    }
    // A pod of a Deployment ends well only if somebody ends it: the kubelet, past a limit.
    if status.phase == "Succeeded" {
        return said("Succeeded", Quoted::default(), Some(0));
    }
    let grace = wire.spec.termination_grace_period_seconds.unwrap_or(30);
    let specs = || wire.spec.init_containers.iter().chain(&wire.spec.containers).flatten();
    let found = containers().find_map(|container| {
        let spec = specs().find(|spec| spec.name == container.name);
        let probe = spec.and_then(|spec| spec.startup_probe.as_ref());
        let killed = |t: &Terminated| probe.is_some_and(|probe| t.is_by_probe(probe, grace));
        Some((container, trouble(container, killed)?))
    });
    if let Some((container, (word, message, exit))) = found {
        let is_final = is_final(&word, &message, container.ends());
        let container = Quoted::of(&container.name);
        return PodFacts { container, is_final, ..said(&word, message, exit) };
    }
    let mut own = status.container_statuses.iter().flatten();
    let unready = own.find(|c| c.name == base.component && c.state.running.is_some() && !c.ready);
    match unready {
        Some(_) => said(UNREADY, Quoted::default(), None),
        None => base,
    }
}

/// Whether no retry can mend what the kubelet says with this word: what is wrong is the image, the
/// program in it, its user, its memory limit, or all the time that it was given is over. The kubelet
/// has no other sign for some of it than its sentence; one that is not known here only takes longer.
fn is_final(word: &str, message: &Quoted, ends: i32) -> bool {
    let says = |any: &[&str]| any.iter().any(|words| message.contains(words));
    match word {
        "InvalidImageName" | "ErrImageNeverPull" | "StartError" | "ContainerCannotRun"
        | STARTUP_PROBE => true,
        "ImagePullBackOff" | "ErrImagePull" => {
            says(&["code = NotFound", "manifest unknown"]) || message.ends_with("not found")
        }
        "CreateContainerConfigError" => says(&["image will run as root", "non-numeric user"]),
        // Once can be a neighbour's fault.
        "OOMKilled" => ends >= 2,
        _ => says(&["exec format error"]),
    }
}

/// What is wrong with one container: word, message, exit code. `killed`: whether the kubelet ended
/// it for not becoming ready.
fn trouble(
    container: &ContainerStatus,
    killed: impl Fn(&Terminated) -> bool,
) -> Option<(String, Quoted, Option<i32>)> {
    // A program says at its end why it ended.
    let last_line = |t: &Terminated| Quoted::last_line_of(&t.message);
    let died = |t: &Terminated| (t.reason.clone(), last_line(t), Some(t.exit_code));
    let ended = container.last_state.terminated.as_ref();
    let now = container.state.terminated.as_ref();
    if let Some(t) = now.or(ended).filter(|t| !container.ready && killed(t)) {
        return Some((STARTUP_PROBE.to_owned(), last_line(t), Some(t.exit_code)));
    }
    let last = ended.filter(|t| t.exit_code != 0);
    if let Some(waiting) = &container.state.waiting {
        return match (waiting.reason.as_str(), ended) {
            ("" | "ContainerCreating" | "PodInitializing", _) => None,
            // Why it crashes says more than that it does.
            ("CrashLoopBackOff", Some(t))
                if matches!(
                    t.reason.as_str(),
                    "OOMKilled" | "StartError" | "ContainerCannotRun"
                ) =>
            {
                Some(died(t))
            }
            ("CrashLoopBackOff", Some(t)) => {
                Some((waiting.reason.clone(), last_line(t), Some(t.exit_code)))
            }
            _ => Some((waiting.reason.clone(), Quoted::end_of(&waiting.message), None)),
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
        (facts.word.map(|word| word.to_string()), facts.exit_code)
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

    /// A container that lived from second 11 to second `end`, as recorded of a real kubelet.
    fn probed(end: u32, reason: &str, code: i32, state: Value) -> Option<String> {
        let status = container(
            false,
            state,
            json!({"terminated": {"reason": reason, "exitCode": code,
                "startedAt": "2026-11-28T12:54:11Z",
                "finishedAt": format!("2026-11-28T12:54:{end}Z")}}),
        );
        let mut status = status;
        status["containerStatuses"][0]["name"] = json!("web");
        let wire = json!({
            "metadata": {"name": "web-1", "labels": {"vitrine.dev/component": "web"}},
            "spec": {"terminationGracePeriodSeconds": 10, "containers": [{"name": "web",
                "startupProbe": {"failureThreshold": 6, "periodSeconds": 5}}]},
            "status": status,
        });
        let facts = pod(&serde_json::from_value(wire).unwrap());
        facts.word.map(|word| word.to_string())
    }

    #[test]
    fn a_container_that_the_startup_probe_killed_did_not_end_by_itself() {
        let running = json!({"running": {}});
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "m"}});
        for (reason, code) in [("Completed", 0), ("Error", 137), ("Error", 143)] {
            for state in [running.clone(), waits.clone()] {
                let word = probed(46, reason, code, state.clone());
                assert_eq!(word.as_deref(), Some(STARTUP_PROBE), "{reason} {state}");
            }
        }
        // Too early, and of its own accord.
        assert_eq!(probed(20, "Completed", 0, running.clone()).as_deref(), Some(UNREADY));
        assert_eq!(probed(20, "Completed", 0, waits).as_deref(), Some("CrashLoopBackOff"));
        assert_eq!(probed(46, "Error", 3, running.clone()).as_deref(), Some("Error"));
        assert_eq!(probed(46, "OOMKilled", 137, running).as_deref(), Some("OOMKilled"));
    }

    #[test]
    fn what_no_retry_mends_is_told_from_what_may_come_up() {
        let waits = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        let ended = |reason: &str, code: i32, message: &str| json!({"terminated": {"reason": reason, "exitCode": code, "message": message}});
        let (runs, none) = (json!({"running": {}}), json!({}));
        let loops = waits("CrashLoopBackOff", "back-off 20s restarting failed container=app");
        let oom = ended("OOMKilled", 137, "");
        let crash = ended("Error", 3, "model file not found");
        let absent = "rpc error: code = NotFound desc = failed to resolve image: not found";
        let away = "dial tcp: lookup registry.example: no such host";
        let root =
            "container has runAsNonRoot and image will run as root (pod: \"a\", container: a)";
        let secret = "secret \"app-secrets\" not found";
        let armed = ended("Error", 255, "exec /page: exec format error");
        for (state, last, restarts, is_final) in [
            // As a real node had them.
            (waits("ErrImagePull", absent), none.clone(), 0, true),
            (waits("ImagePullBackOff", &format!("Back-off: {absent}")), none.clone(), 0, true),
            (waits("CreateContainerConfigError", root), none.clone(), 0, true),
            (waits("CreateContainerConfigError", secret), none.clone(), 0, false),
            (loops.clone(), ended("StartError", 128, "exec: \"/nosuch\""), 2, true),
            (loops.clone(), crash.clone(), 2, false),
            (loops.clone(), oom.clone(), 2, true),
            // The registry may be there in a minute.
            (waits("ErrImagePull", away), none.clone(), 0, false),
            (waits("InvalidImageName", ""), none.clone(), 0, true),
            // The first time is no proof.
            (oom.clone(), none.clone(), 0, false),
            (runs.clone(), oom.clone(), 1, false),
            (oom, none, 1, true),
            (runs, crash, 7, false),
            (loops, armed, 1, true),
        ] {
            let mut status = container(false, state.clone(), last);
            status["containerStatuses"][0]["restartCount"] = json!(restarts);
            let facts = facts(status);
            assert_eq!(facts.is_final, is_final, "{state} {facts:?}");
            assert!(facts.is_failing());
        }
    }

    #[test]
    fn a_pod_says_of_which_template_it_is_and_whether_it_runs_unready() {
        let pod = |ready: bool| {
            let wire = json!({
                "metadata": {"labels": {"vitrine.dev/component": "web"},
                    "annotations": {"vitrine.dev/pods": "sha256:1"}},
                "status": {"containerStatuses":
                    [{"name": "web", "ready": ready, "state": {"running": {}}}]},
            });
            pod(&serde_json::from_value(wire).unwrap())
        };
        let starts = pod(false);
        assert_eq!(starts.word.as_deref(), Some(UNREADY));
        assert_eq!(starts.pods, Some(ContentHash::recorded("sha256:1")));
        assert!(!starts.is_failing() && !starts.is_final);
        assert_eq!(pod(true).word, None);
    }

    #[test]
    fn a_command_that_is_not_there_says_so_also_between_its_tries() {
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}});
        let last = json!({"terminated": {"reason": "StartError", "exitCode": 128,
            "message": "unable to start container process: exec: \"/nosuch\": stat /nosuch: no such file"}});
        let facts = facts(container(false, waits, last));
        assert_eq!(facts.word.as_deref(), Some("StartError"));
        assert!(facts.message.ends_with("no such file"), "{facts:?}");
    }

    #[test]
    fn a_pod_of_a_service_that_ended_well_was_ended_by_somebody() {
        let ended = json!({"terminated": {"reason": "Completed", "exitCode": 0}});
        let mut status = container(false, ended, json!({}));
        status["phase"] = json!("Succeeded");
        assert_eq!(words(status), (Some("Succeeded".to_owned()), Some(0)));
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
    fn a_program_that_ends_well_again_and_again_has_its_exit_code() {
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}});
        let ended = json!({"terminated": {"reason": "Completed", "exitCode": 0}});
        let word = Some("CrashLoopBackOff".to_owned());
        assert_eq!(words(container(false, waits, ended)), (word, Some(0)));
    }

    #[test]
    fn the_last_line_of_a_crash_is_kept_without_what_it_held_secret() {
        let log = "Traceback\n  File \"app.py\"\nlogin failed: token=Xk29Lw\n\u{1b}[0m\n";
        let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "message": log}});
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}});
        for status in [container(false, ended.clone(), json!({})), container(false, waits, ended)] {
            assert_eq!(facts(status).message.as_str(), "login failed: token=******");
        }
    }

    #[test]
    fn of_a_long_log_the_end_is_kept() {
        let log = format!("{}the reason", "x".repeat(5000));
        let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "message": log}});
        let message = facts(container(false, ended, json!({}))).message;
        assert!(message.starts_with("...x") && message.ends_with("the reason"), "{message}");
        assert_eq!(message.len(), 1024 + 3);
    }
}
