//! What is known of a pod template: never run, seen running, or failed.

use crate::model::ContentHash;

/// What the annotation `vitrine.dev/verified` says of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Never run: born asleep with this template.
    Born,
    /// Was available with this template.
    Ok,
    /// Did not become available. The words are kept because the pods that could be asked are gone
    /// by the time that somebody reads it.
    Failed {
        /// The kubelet's word, as in [`PodFacts::word`](super::observed::PodFacts::word).
        word: Option<String>,
        /// As [`PodFacts::said`](super::observed::PodFacts::said) gives it; kept with a word only.
        message: String,
    },
}

/// The longest message that is kept, in characters.
const LONGEST: usize = 300;

impl Verified {
    /// The annotation's text: `<template hash> born|ok|failed [<word> <message>]`.
    pub fn mark(&self, template: &ContentHash) -> String {
        match self {
            Self::Born => format!("{template} born"),
            Self::Ok => format!("{template} ok"),
            Self::Failed { word: None, .. } => format!("{template} failed"),
            Self::Failed { word: Some(word), message } => {
                let message: String = message.chars().take(LONGEST).collect();
                format!("{template} failed {word} {message}").trim_end().to_owned()
            }
        }
    }

    pub(super) fn read(mark: &str, template: &ContentHash) -> Option<Self> {
        let (hash, said) = mark.split_once(' ')?;
        if hash != template.as_str() {
            return None;
        }
        let mut words = said.splitn(3, ' ');
        match words.next()? {
            "born" => Some(Self::Born),
            "ok" => Some(Self::Ok),
            "failed" => Some(Self::Failed {
                word: words.next().map(str::to_owned),
                message: words.next().unwrap_or_default().to_owned(),
            }),
            _ => None,
        }
    }
}
