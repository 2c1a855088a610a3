//! The table of words in `docs/operating.md`, walked: each thing that goes wrong on a cluster has a
//! row there, and each row is what is said of something.

#![allow(clippy::unwrap_used)]

use super::condition::{Beyond, Setup, Trouble};
use super::deployment::deployment;
use super::http_route::http_route;
use super::namespace::namespace;
use super::pod::pod;
use super::sample::{SETUP, fact};
use super::scaled_object::{Scaler, scaled_object};
use super::{Answer, NAMESPACE_PATIENCE};
use crate::model::{Kind, ObjectKey, Quantity};
use crate::plan::Verified;
use crate::plan::observed::{
    Condition, DeploymentFacts, NOT_WOKEN, NamespaceFacts, Owner, Pause, PodFacts, RouteFacts,
    RouteParent, STARTUP_PROBE, ScaledFacts, UNREADY,
};
use crate::plan::said::{NewMachine, Probed};

/// What the kubelet says (word, message, exit code), as real ones said it where a node was at hand.
const PODS: [(&str, &str, Option<i32>); 25] = [
    ("ErrImagePull", "rpc error: code = NotFound desc = failed to resolve image: not found", None),
    ("ImagePullBackOff", "Back-off pulling image: i/o timeout", None),
    ("InvalidImageName", "", None),
    ("CrashLoopBackOff", "model file /models/weights.bin not found", Some(3)),
    ("CrashLoopBackOff", "KeyError", Some(1)),
    ("CrashLoopBackOff", "", Some(0)),
    ("OOMKilled", "", Some(137)),
    ("Evicted", "Pod ephemeral local storage usage exceeds the total limit", None),
    ("Evicted", "Usage of EmptyDir volume \"scratch-0\" exceeds the limit \"1Gi\".", None),
    ("Evicted", "The node was low on resource: memory.", None),
    ("Succeeded", "", Some(0)),
    ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", None),
    (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image has non-numeric user",
        None,
    ),
    ("CreateContainerConfigError", "couldn't find key TOKEN in Secret sol-a/app-secrets", None),
    ("CreateContainerConfigError", "secret \"app-secrets\" not found", None),
    ("CreateContainerConfigError", "configmap \"other\" not found", None),
    ("StartError", "exec: \"/nosuch\": stat /nosuch: no such file or directory", Some(128)),
    ("StartError", "exec /page: exec format error", Some(255)),
    ("RunContainerError", "context deadline exceeded", None),
    (STARTUP_PROBE, "", Some(0)),
    (STARTUP_PROBE, "", Some(137)),
    (UNREADY, "", None),
    (NOT_WOKEN, "", None),
    ("Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.", None),
    ("ANewWord", "that nobody here knows", None),
];

/// Everything that is said of something that goes wrong.
fn said() -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let words = |word: &str, message: &str, exit_code, container: &str| PodFacts {
        word: Some(word.into()),
        message: message.into(),
        exit_code,
        container: container.into(),
        ..PodFacts::default()
    };
    for (word, message, exit) in PODS {
        said.push(pod(&words(word, message, exit, "app"), &SETUP).reason.text);
    }
    let beyond = Beyond { resource: "cpu", asked: Quantity::count(8), largest: Quantity::count(2) };
    let large = Setup { beyond: Some(beyond), ..SETUP };
    said.push(pod(&words("Unschedulable", "0/1 nodes", None, "app"), &large).reason.text);
    for (word, probed) in [
        (STARTUP_PROBE, Probed::Refused),
        (STARTUP_PROBE, Probed::Cut),
        (STARTUP_PROBE, Probed::Late),
        (STARTUP_PROBE, Probed::Status(500)),
        (UNREADY, Probed::Refused),
        (UNREADY, Probed::Status(500)),
    ] {
        let facts = PodFacts { probed: Some(probed), ..words(word, "", None, "") };
        said.push(pod(&facts, &SETUP).reason.text);
    }
    for machine in [NewMachine::Coming, NewMachine::Refused] {
        let waits = words("Unschedulable", "0/1 nodes", None, "");
        said.push(pod(&PodFacts { machine: Some(machine), ..waits }, &SETUP).reason.text);
    }
    for container in ["linkerd-network-validator", "linkerd-proxy"] {
        said.push(pod(&words("Error", "no", Some(95), container), &SETUP).reason.text);
    }

    let starts = DeploymentFacts { wanted: 1, replicas: 1, updated: 1, ..Default::default() };
    let with = |kind: &str, status: &str, reason: &str, message: &str| DeploymentFacts {
        conditions: vec![fact(kind, status, reason, message)],
        ..starts.clone()
    };
    let refused = |message: &str| with("ReplicaFailure", "True", "FailedCreate", message);
    for facts in [
        with("Progressing", "False", "ProgressDeadlineExceeded", ""),
        refused("pods \"a\" is forbidden: exceeded quota: solution, requested: cpu=2"),
        refused("pods \"a\" is forbidden: violates PodSecurity \"restricted:v1.33\": seccomp"),
        refused("pods \"a\" is forbidden: no PriorityClass with name vitrine-solution was found"),
    ] {
        said.push(deployment(&facts, &[], None, false, &SETUP).reason.text);
    }
    let crash = words("CrashLoopBackOff", "no database", Some(1), "app");
    said.push(deployment(&starts, &[&crash], None, true, &SETUP).reason.text);
    let thrown_out = words("Evicted", "The node was low on resource: memory.", None, "");
    said.push(deployment(&starts, &[&thrown_out], None, false, &SETUP).reason.text);
    let asleep = DeploymentFacts::default();
    let failed = Verified::Failed(Some(Box::new(crash)));
    said.push(deployment(&asleep, &[], Some(&failed), false, &SETUP).reason.text);

    let key = |kind| ObjectKey::namespaced(kind, "sol-use", "edge");
    for condition in [
        fact("Accepted", "False", "NoMatchingParent", ""),
        fact("PartiallyInvalid", "True", "UnsupportedValue", "no such filter"),
    ] {
        let parent = RouteParent {
            gateway: "edge/public".into(),
            conditions: vec![condition],
            ..Default::default()
        };
        let asked = vec!["edge/public".to_owned()];
        let facts = RouteFacts { asked, parents: vec![parent], ..RouteFacts::default() };
        match http_route(&key(Kind::HttpRoute), &facts, None, None) {
            Answer::Refused(trouble) => said.push(trouble.reason.text),
            Answer::Waiting { .. } | Answer::Taken => unreachable!("it is refused"),
        }
    }

    let ready = fact("Ready", "True", "", "");
    let secret = "error resolving secret name &SecretKeySelector{LocalObjectReference:\
                  LocalObjectReference{Name:app-secrets,},Key:TOKEN,Optional:nil,}";
    let scaled = |triggers, conditions: Vec<Condition>, paused| ScaledFacts {
        conditions,
        triggers,
        metrics: triggers,
        paused,
        ..ScaledFacts::default()
    };
    for facts in [
        scaled(1, vec![fact("Ready", "False", "TriggerError", "")], None),
        scaled(3, vec![fact("Ready", "False", "TriggerError", "")], None),
        scaled(1, vec![fact("Ready", "False", "ScaledObjectCheckFailed", secret)], None),
        scaled(2, vec![fact("Ready", "Unknown", "PartialTriggerError", "")], None),
        scaled(1, vec![ready.clone(), fact("Fallback", "True", "FallbackExists", "")], None),
        scaled(1, vec![ready, fact("HPAActive", "False", "FailedGetExternalMetric", "")], None),
        scaled(1, Vec::new(), Some(Pause::At("0".into()))),
        ScaledFacts {
            unknown_zone: Some("Europe/Berlin".into()),
            ..scaled(2, vec![fact("Ready", "False", "TriggerError", "")], None)
        },
    ] {
        match scaled_object(&key(Kind::ScaledObject), &facts, Some("kubectl-annotate")) {
            Scaler::Broken(trouble)
            | Scaler::Paused(trouble)
            | Scaler::Serves { warning: Some(trouble), .. } => said.push(trouble.reason.text),
            other => unreachable!("{other:?}"),
        }
    }

    let now: jiff::Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    let facts = NamespaceFacts {
        owner: Owner::ThisInstance,
        deleting: Some(now - NAMESPACE_PATIENCE - NAMESPACE_PATIENCE),
        created: None,
        remains: vec![fact("NamespaceFinalizersRemaining", "True", "", "f in 1 object")],
    };
    let Trouble { reason, .. } = namespace("sol-use", &facts, now).unwrap();
    said.push(reason.text);
    said
}

/// The words of the table: what stands between asterisks in its first column.
fn rows() -> Vec<String> {
    let guide = include_str!("../../../../docs/operating.md");
    let (_, table) = guide.split_once("### Words for what goes wrong on the cluster").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| *"));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let first = rows.filter_map(|line| line.split(" | ").next());
    first.flat_map(|cell| cell.split('*').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Whether a sentence is the one that a row shows: `...` stands for anything.
fn shows(row: &str, sentence: &str) -> bool {
    let mut rest = sentence;
    let mut parts = row.split("...").map(|part| part.trim_end_matches(' '));
    let starts = parts.next().is_none_or(|first| match rest.strip_prefix(first) {
        Some(behind) => {
            rest = behind;
            true
        }
        None => false,
    });
    starts
        && parts.all(|part| match rest.split_once(part.trim_start()) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
        && (row.ends_with("...") || rest.is_empty())
}

#[test]
fn everything_that_goes_wrong_has_a_row_and_every_row_is_said() {
    let (rows, said) = (rows(), said());
    assert!(rows.len() > 25, "{rows:#?}");
    let without: Vec<&String> =
        said.iter().filter(|sentence| !rows.iter().any(|row| shows(row, sentence))).collect();
    assert!(without.is_empty(), "no row for: {without:#?}");
    let dead: Vec<&String> =
        rows.iter().filter(|row| !said.iter().any(|sentence| shows(row, sentence))).collect();
    assert!(dead.is_empty(), "nobody says: {dead:#?}");
}

#[test]
fn a_row_shows_what_it_says() {
    assert!(shows("crashes with exit code 1: ...", "crashes with exit code 1: KeyError"));
    assert!(!shows("crashes with exit code 1: ...", "crashes with exit code 3: KeyError"));
    assert!(shows("the quota is used up: ...", "the quota is used up: solution"));
    assert!(!shows("out of memory at 3 GiB", "out of memory at 3 GiB today"));
    assert!(shows("the gateway refuses ...: ...", "the gateway refuses HTTPRoute/edge: no"));
}
