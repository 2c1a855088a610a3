//! What is asked about a cluster before solutions are published to it, and what it answered.
//!
//! `doctor` asks, `cluster` brings the answers. An answer that could not be had is an answer
//! of its own: "forbidden" is not "absent".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// How the API server calls objects of a kind. Most of these vitrine never writes, so they are no
/// [`crate::model::Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// Empty for the core group.
    pub group: &'static str,
    /// The version of the group's API: `v1`, `v1beta1`.
    pub version: &'static str,
    /// As it stands in an address: `deployments`.
    pub plural: &'static str,
}

/// One thing to be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// `major` and `minor` of the API server.
    Version,
    /// One object by its name.
    One {
        /// The object's kind.
        resource: Resource,
        /// `None` for a cluster-wide object.
        namespace: Option<String>,
        /// `metadata.name`.
        name: String,
    },
    /// All objects of a kind, if need be only those in a namespace or with a label.
    All {
        /// The objects' kind.
        resource: Resource,
        /// `None` = everywhere.
        namespace: Option<String>,
        /// `key=value`; `None` = whatever their labels.
        label: Option<String>,
    },
    /// May we? Answered by [`Look::Found`] or [`Look::Absent`].
    May(Right),
    /// May somebody else's ServiceAccount? Answered as [`Question::May`].
    MayOther {
        /// Where the ServiceAccount lies.
        namespace: String,
        /// Its name.
        account: String,
        /// What it should be allowed to do.
        right: Right,
    },
}

/// Something to do with objects of a kind, in a namespace or (`None`) everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `get`, `list`, `watch`, `create`, `patch`, `update` or `delete`.
    pub verb: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
    /// The plural, as in [`Resource::plural`].
    pub resource: &'static str,
    /// `None` = everywhere, or a cluster-wide kind.
    pub namespace: Option<String>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// What is there: one object, or those of a list.
    Found(Vec<Value>),
    /// It is not there, or the server has no such kind.
    Absent,
    /// It could not be looked at. Why, in a sentence.
    NotTold(String),
}

/// The answers so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    looks: BTreeMap<Question, Look>,
}

impl Facts {
    /// The answer to a question, if it was asked.
    pub fn look(&self, question: &Question) -> Option<&Look> {
        self.looks.get(question)
    }

    /// Adds answers.
    pub fn learn(&mut self, looks: impl IntoIterator<Item = (Question, Look)>) {
        self.looks.extend(looks);
    }

    /// Takes out what these questions were answered, so that they are open again.
    pub fn forget(&mut self, which: impl Fn(&Question) -> bool) {
        self.looks.retain(|question, _| !which(question));
    }

    /// Whether anything at all was answered.
    pub fn is_told(&self) -> bool {
        self.looks.values().any(|look| !matches!(look, Look::NotTold(_)))
    }

    /// Those of the questions that have no answer yet.
    pub fn unanswered(&self, questions: BTreeSet<Question>) -> BTreeSet<Question> {
        questions.into_iter().filter(|question| !self.looks.contains_key(question)).collect()
    }
}

impl Resource {
    /// `group` is empty for the core group; `plural` is as it stands in an address.
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str) -> Self {
        Self { group, version, plural }
    }

    /// The question for one object.
    pub fn one(self, namespace: Option<&str>, name: &str) -> Question {
        Question::One {
            resource: self,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// The question for all objects, in a namespace or everywhere.
    pub fn all(self, namespace: Option<&str>) -> Question {
        Question::All { resource: self, namespace: namespace.map(str::to_owned), label: None }
    }

    /// The question for all objects with a label `key=value`, in a namespace or everywhere.
    pub fn labelled(self, namespace: Option<&str>, label: impl Into<String>) -> Question {
        let namespace = namespace.map(str::to_owned);
        Question::All { resource: self, namespace, label: Some(label.into()) }
    }
}
