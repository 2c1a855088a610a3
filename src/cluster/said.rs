//! Events, read as far as a sentence needs one: what a pod that was thrown out, a probe, the
//! autoscaler or KEDA says nowhere else.
//!
//! Whose pods they are about does not stand on them, so all of the cluster are watched, without what
//! a cluster says all day; what is not of a solution's namespace is dropped where it is read. Nobody
//! waits for Events: where they may not be read, the sentences are less exact.

use jiff::Timestamp;
use serde::Deserialize;

use vitrine_core::engine::Meta;
use vitrine_core::model::{Quoted, SolutionName};
use vitrine_core::plan::said::{NewMachine, Probed, Said, UNKNOWN_ZONE, Word, zone_in};

/// What is not sent: the routine of pods, and what is said of kinds of which nothing is needed. A
/// field selector has no "or", or it would name what is.
const ROUTINE: [(&str, &[&str]); 2] = [
    (
        "reason",
        &[
            "Scheduled",
            "FailedScheduling",
            "Pulling",
            "Pulled",
            "Created",
            "Started",
            "Killing",
            "BackOff",
        ],
    ),
    (
        "involvedObject.kind",
        &["Deployment", "ReplicaSet", "Job", "CronJob", "Node", "HorizontalPodAutoscaler"],
    ),
];

/// The field selector of the watch.
pub(super) fn selector() -> String {
    let terms = ROUTINE
        .iter()
        .flat_map(|(field, values)| values.iter().map(move |value| format!("{field}!={value}")));
    terms.collect::<Vec<_>>().join(",")
}

/// A `v1` Event, of which those of `events.k8s.io` are the same.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventWire {
    pub metadata: Meta,
    involved_object: Involved,
    reason: String,
    message: String,
    last_timestamp: Option<Timestamp>,
    event_time: Option<Timestamp>,
    series: Option<Series>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Involved {
    kind: String,
    name: String,
    /// `spec.containers{app}`; empty where it is about the whole.
    field_path: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    last_observed_time: Option<Timestamp>,
}

/// What an Event says that somebody needs; `None` for nearly all.
pub(super) fn said(wire: &EventWire) -> Option<Said> {
    let EventWire { metadata, involved_object, reason, message, .. } = wire;
    let solution = SolutionName::of_namespace(metadata.namespace.as_deref()?)?;
    let word = match (&*involved_object.kind, &**reason) {
        ("Pod", "Evicted") => Word::Evicted(Quoted::end_of(message)),
        ("Pod", "Unhealthy") => Word::Probed {
            container: container(&involved_object.field_path)?,
            got: probed(message)?,
        },
        ("Pod", "TriggeredScaleUp") => Word::Machine(NewMachine::Coming),
        ("Pod", "NotTriggerScaleUp") => Word::Machine(NewMachine::Refused),
        ("ScaledObject", "KEDAScalerFailed") => {
            let zone = zone_in(message.split_once(UNKNOWN_ZONE)?.1);
            Word::UnknownZone(Quoted::of(zone))
        }
        _ => return None,
    };
    let series = wire.series.as_ref().and_then(|series| series.last_observed_time);
    let at = series.or(wire.last_timestamp).or(wire.event_time).or(metadata.creation_timestamp);
    Some(Said { solution, about: involved_object.name.clone(), word, at: at.unwrap_or_default() })
}

/// The container that a path names: `spec.containers{app}`.
fn container(path: &str) -> Option<String> {
    let name = path.strip_prefix("spec.containers{")?.strip_suffix('}')?;
    Some(name.to_owned())
}

/// What a probe got, out of the kubelet's sentence, which is all that there is: addresses and times
/// are left out of it. `None` for what is not known here.
fn probed(message: &str) -> Option<Probed> {
    let (_, status) = message.split_once("probe failed with statuscode: ").unwrap_or_default();
    let digits = status.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if let Ok(status) = digits.parse() {
        return Some(Probed::Status(status));
    }
    let says = |any: &[&str]| any.iter().any(|words| message.contains(words));
    if says(&["connection refused"]) {
        return Some(Probed::Refused);
    }
    if says(&["Client.Timeout exceeded", "context deadline exceeded", "i/o timeout"]) {
        return Some(Probed::Late);
    }
    (says(&["connection reset by peer"]) || message.trim_end().ends_with(": EOF"))
        .then_some(Probed::Cut)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    /// An Event in the shape that client-go writes it in.
    fn event(kind: &str, reason: &str, message: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": "app-1.17c5", "namespace": "sol-use",
                "creationTimestamp": "2026-11-28T13:50:22Z"},
            "involvedObject": {"kind": kind, "namespace": "sol-use", "name": "app-1",
                "fieldPath": "spec.containers{app}"},
            "reason": reason, "message": message, "type": "Warning", "count": 3,
            "firstTimestamp": "2026-11-28T13:50:22Z", "lastTimestamp": "2026-11-28T13:52:02Z",
            "eventTime": null, "source": {"component": "kubelet", "host": "node-1"},
        })
    }

    fn read(event: &Value) -> Option<Said> {
        said(&serde_json::from_value(event.clone()).unwrap())
    }

    fn word(kind: &str, reason: &str, message: &str) -> Option<Word> {
        read(&event(kind, reason, message)).map(|said| said.word)
    }

    #[test]
    fn of_a_probe_is_kept_what_it_got_without_addresses_and_times() {
        // In the words of the kubelet and of Go's HTTP client.
        let get = "Get \"http://10.244.1.6:8080/health\"";
        for (message, got) in [
            (
                "Startup probe failed: HTTP probe failed with statuscode: 500".to_owned(),
                Some(Probed::Status(500)),
            ),
            (
                format!(
                    "Readiness probe failed: {get}: dial tcp 10.244.1.6:8080: connect: connection \
                     refused"
                ),
                Some(Probed::Refused),
            ),
            (
                format!(
                    "Startup probe failed: {get}: context deadline exceeded (Client.Timeout \
                     exceeded while awaiting headers)"
                ),
                Some(Probed::Late),
            ),
            (
                format!(
                    "Startup probe failed: {get}: net/http: request canceled while waiting for \
                     connection (Client.Timeout exceeded while awaiting headers)"
                ),
                Some(Probed::Late),
            ),
            (
                "Readiness probe failed: dial tcp 10.244.1.6:8080: i/o timeout".to_owned(),
                Some(Probed::Late),
            ),
            (
                format!(
                    "Readiness probe failed: {get}: read tcp 10.244.1.1:39042->10.244.1.6:8080: \
                     read: connection reset by peer"
                ),
                Some(Probed::Cut),
            ),
            (format!("Readiness probe failed: {get}: EOF"), Some(Probed::Cut)),
            ("Readiness probe failed: cat: /tmp/healthy: No such file".to_owned(), None),
            ("Startup probe failed: HTTP probe failed with statuscode: ".to_owned(), None),
        ] {
            let expected = got.map(|got| Word::Probed { container: "app".to_owned(), got });
            assert_eq!(word("Pod", "Unhealthy", &message), expected, "{message}");
        }
    }

    #[test]
    fn an_eviction_is_kept_with_its_reason_and_a_new_machine_without_one() {
        let message =
            "Pod ephemeral local storage usage exceeds the total limit of containers 64Mi. ";
        let evicted = Word::Evicted(message.into());
        assert_eq!(word("Pod", "Evicted", message), Some(evicted));
        let up = "pod triggered scale-up: [{gpu-l4 0->1 (max: 4)}]";
        let coming = Word::Machine(NewMachine::Coming);
        assert_eq!(word("Pod", "TriggeredScaleUp", up), Some(coming));
        let not = "pod didn't trigger scale-up: 1 max node group size reached";
        let refused = Word::Machine(NewMachine::Refused);
        assert_eq!(word("Pod", "NotTriggerScaleUp", not), Some(refused));
    }

    #[test]
    fn keda_says_in_an_event_alone_which_zone_it_does_not_know() {
        for message in [
            "unable to load timezone: unknown time zone Europe/Berlin",
            "unable to load timezone. Error: unknown time zone Europe/Berlin",
        ] {
            let zone = Word::UnknownZone("Europe/Berlin".into());
            assert_eq!(word("ScaledObject", "KEDAScalerFailed", message), Some(zone));
        }
        let other = "error getting metrics: connection refused";
        assert_eq!(word("ScaledObject", "KEDAScalerFailed", other), None);
    }

    #[test]
    fn the_newest_time_that_an_event_has_is_its_time() {
        let at = |event: &Value| read(event).unwrap().at.to_string();
        let mut event = event("Pod", "TriggeredScaleUp", "");
        assert_eq!(at(&event), "2026-11-28T13:52:02Z");
        // As events.k8s.io writes them.
        event["lastTimestamp"] = Value::Null;
        event["eventTime"] = json!("2026-11-28T13:51:00.123456Z");
        assert_eq!(at(&event), "2026-11-28T13:51:00.123456Z");
        event["series"] = json!({"count": 2, "lastObservedTime": "2026-11-28T13:53:00.000000Z"});
        assert_eq!(at(&event), "2026-11-28T13:53:00Z");
    }

    #[test]
    fn what_is_nobodys_of_ours_or_needed_by_no_sentence_is_dropped() {
        let mut foreign = event("Pod", "Evicted", "disk");
        for namespace in ["kube-system", "sol-", "default"] {
            foreign["metadata"]["namespace"] = json!(namespace);
            assert_eq!(read(&foreign), None, "{namespace}");
        }
        for (kind, reason) in
            [("Pod", "FailedMount"), ("Node", "Evicted"), ("Pod", "KEDAScalerFailed")]
        {
            assert_eq!(word(kind, reason, "unknown time zone Europe/Berlin"), None);
        }
        // Of the mesh's container it is read, and of one that only prepares it is not.
        let mut init = event("Pod", "Unhealthy", "HTTP probe failed with statuscode: 503");
        init["involvedObject"]["fieldPath"] = json!("spec.initContainers{warm}");
        assert_eq!(read(&init), None);
    }

    #[test]
    fn what_a_sentence_needs_is_not_left_out_by_the_selector() {
        let selector = selector();
        for needed in
            ["Evicted", "Unhealthy", "TriggeredScaleUp", "NotTriggerScaleUp", "Pod", "ScaledObject"]
        {
            assert!(!selector.split(',').any(|term| term.ends_with(&format!("={needed}"))));
        }
        assert!(selector.starts_with("reason!=Scheduled,reason!="), "{selector}");
        assert!(selector.contains(",involvedObject.kind!=Deployment,"), "{selector}");
    }
}
