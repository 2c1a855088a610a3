//! What is known of a pod template: never run, seen running, or failed.

use serde_json::{Value, json};

use super::observed::PodFacts;
use super::said::Probed;
use crate::model::{ContentHash, Quoted};

/// What the annotation `vitrine.dev/verified` says of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Never run: born asleep with this template.
    Born,
    /// Was available with this template.
    Ok,
    /// Did not become available: the pod that said why, if one did. It is kept because the pods that
    /// could be asked are gone by the time that somebody reads it.
    Failed(Option<Box<PodFacts>>),
}

/// The longest message that is kept, in characters.
const LONGEST: usize = 300;

impl Verified {
    /// The annotation's text: `<template hash> born|ok|failed [<pod as JSON>]`.
    pub fn mark(&self, template: &ContentHash) -> String {
        match self {
            Self::Born => format!("{template} born"),
            Self::Ok => format!("{template} ok"),
            Self::Failed(None) => format!("{template} failed"),
            Self::Failed(Some(pod)) => format!("{template} failed {}", written(pod)),
        }
    }

    pub(super) fn read(mark: &str, template: &ContentHash) -> Option<Self> {
        let (hash, said) = mark.split_once(' ')?;
        if ContentHash::recorded(hash) != *template {
            return None;
        }
        match said.split_once(' ').unwrap_or((said, "")) {
            ("born", _) => Some(Self::Born),
            ("ok", _) => Some(Self::Ok),
            ("failed", "") => Some(Self::Failed(None)),
            ("failed", pod) => Some(Self::Failed(Some(Box::new(read_pod(pod))))),
            _ => None,
        }
    }
}

/// Keys without a value are left out, so that a mark is short.
fn written(pod: &PodFacts) -> Value {
    let mut written = json!({ "word": pod.word.as_deref().unwrap_or_default() });
    if !pod.container.is_empty() && *pod.container != pod.component {
        written["container"] = json!(pod.container.as_str());
    }
    if let Some(code) = pod.exit_code {
        written["exitCode"] = json!(code);
    }
    if !pod.message.is_empty() {
        written["message"] = json!(pod.message.short(LONGEST));
    }
    if let Some(got) = pod.probed {
        written["probe"] = json!(got.written());
    }
    written
}

/// Before, a mark was the kubelet's word and a sentence of ours: `CrashLoopBackOff exit code 2: ..`.
fn read_pod(text: &str) -> PodFacts {
    let Ok(written @ Value::Object(_)) = serde_json::from_str::<Value>(text) else {
        let (word, message) = text.split_once(' ').unwrap_or((text, ""));
        let (word, message) = (Some(word.into()), message.into());
        return PodFacts { word, message, ..PodFacts::default() };
    };
    let text = |key: &str| Quoted::of(written[key].as_str().unwrap_or_default());
    PodFacts {
        word: Some(text("word")).filter(|word| !word.is_empty()),
        container: text("container"),
        exit_code: written["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()),
        message: text("message"),
        probed: written["probe"].as_str().and_then(Probed::read),
        ..PodFacts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pod_said_is_remembered_when_it_is_gone() {
        let template = ContentHash::of(b"template");
        for (container, exit_code, message, probed) in [
            ("app", Some(1), "KeyError: 'MODEL'", None),
            ("app", Some(137), "", Some(Probed::Status(500))),
            ("app", Some(0), "", Some(Probed::Refused)),
            ("app", None, "in the end: nothing", None),
            ("linkerd-network-validator", Some(95), "no redirect", None),
        ] {
            let pod = PodFacts {
                component: "app".to_owned(),
                container: container.into(),
                word: Some("CrashLoopBackOff".into()),
                message: message.into(),
                exit_code,
                restarts: 4,
                probed,
                ..PodFacts::default()
            };
            let own = container == "app";
            let kept = PodFacts {
                component: String::new(),
                container: if own { Quoted::default() } else { container.into() },
                restarts: 0,
                ..pod.clone()
            };
            let mark = Verified::Failed(Some(Box::new(pod))).mark(&template);
            let again = Verified::read(&mark, &template);
            assert_eq!(again, Some(Verified::Failed(Some(Box::new(kept)))), "{mark}");
        }
        let silent = Verified::Failed(None);
        assert_eq!(Verified::read(&silent.mark(&template), &template), Some(silent));
    }

    #[test]
    fn a_mark_of_before_keeps_its_words() {
        let template = ContentHash::of(b"template");
        let mark = format!("{template} failed CrashLoopBackOff exit code 2: no model");
        let Some(Verified::Failed(Some(pod))) = Verified::read(&mark, &template) else {
            unreachable!("{mark}")
        };
        assert_eq!(pod.word.as_deref(), Some("CrashLoopBackOff"));
        assert_eq!(pod.message.as_str(), "exit code 2: no model");
        assert_eq!(Verified::read(&mark, &ContentHash::of(b"another")), None);
    }
}
