//! One name that differs between two revisions.

use jiff::Timestamp;

use super::bill::Bill;
use super::fact::{Fact, Topic};
use super::objects::ObjectChange;
use super::sentence::Sentence;
use crate::model::{ClaimedName, Fault, Revision};

/// What a merge would do to one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// The solution's name, or what a refused folder claims.
    pub name: ClaimedName,
    /// Its folder in the head, else in the base.
    pub folder: String,
    /// For people, of the head, else of the base.
    pub title: Option<String>,
    /// What becomes of it.
    pub what: What,
    /// Where visitors open it when all is in place, as they type it; of what disappears, where they
    /// did.
    pub urls: Vec<String>,
    /// Whether its folder is the same and only the operator's file changes it.
    pub by_platform: bool,
    /// An older commit in which its folder was exactly this.
    pub earlier: Option<Earlier>,
    /// Values before and after, in the order of the questions. Of the first three questions also
    /// what stays.
    pub facts: Vec<Fact>,
    /// What it costs before and after, where the platform names prices.
    pub bills: (Option<Bill>, Option<Bill>),
    /// What could go wrong, one sentence each.
    pub risks: Vec<Sentence>,
    /// What an operator should see before the merge, one phrase each.
    pub asks: Vec<Sentence>,
    /// The objects that differ, by key.
    pub objects: Vec<ObjectChange>,
    /// Of a refused folder: all that is wrong with it. Otherwise its warnings.
    pub faults: Vec<Fault>,
}

/// What becomes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Only the head publishes it.
    Appears,
    /// Both publish it, and something differs.
    Changes,
    /// Both publish it, and its files differ in nothing that has an effect.
    Words,
    /// Only the base publishes it, and nothing protects its name: it is removed.
    Disappears,
    /// The head refuses its folder. What runs of it goes on.
    Refused,
    /// The head publishes it no more, and yet it is left alone.
    Kept,
    /// The base left it alone and the head publishes it: its objects are created, updated or in
    /// place already, and what else runs of it is deleted.
    WasFrozen,
    /// The base left it alone and the head lacks it: whatever runs of it is deleted.
    FrozenThenGone,
}

/// An older commit of the branch in which a folder was the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The newest such commit.
    pub revision: Revision,
    /// When it was made, by its committer's clock.
    pub committed: Timestamp,
}

impl What {
    /// As a program reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appears => "appears",
            Self::Changes => "changes",
            Self::Words => "words",
            Self::Disappears => "disappears",
            Self::Refused => "refused",
            Self::Kept => "kept",
            Self::WasFrozen => "wasFrozen",
            Self::FrozenThenGone => "frozenThenGone",
        }
    }

    /// In a word or two for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Appears => "new",
            Self::Changes => "changed",
            Self::Words => "nothing published changes",
            Self::Disappears => "removed",
            Self::Refused => "refused",
            Self::Kept => "left alone",
            Self::WasFrozen => "published again",
            Self::FrozenThenGone => "removed, whatever runs of it",
        }
    }
}

impl Touched {
    /// A topic as a question about this one, without its mark.
    pub(super) fn words(&self, topic: Topic) -> &'static str {
        let priced = self.bills.0.is_some() || self.bills.1.is_some();
        let gone = self.what == What::Disappears;
        match topic {
            Topic::Reach if gone => "who could reach it",
            Topic::Reach => "who can reach it",
            Topic::Reaches if gone => "what could it reach",
            Topic::Reaches => "what can it reach",
            Topic::Cost if gone && priced => "what did it cost at most",
            Topic::Cost if gone => "what did it take at most",
            Topic::Cost if priced => "what does it cost at most",
            Topic::Cost => "what does it take at most",
            Topic::Different if matches!(self.what, What::Appears | What::WasFrozen) => {
                "what is it"
            }
            Topic::Different => "what is different from now",
        }
    }

    /// The facts of a topic that are worth a line: what differs, and what answers the question.
    pub(super) fn facts_of(&self, topic: Topic) -> Vec<&Fact> {
        let facts = self.facts.iter().filter(|fact| fact.topic == topic);
        facts.filter(|fact| fact.differs() || fact.answers()).collect()
    }
}
