//! For what a cluster is examined, and what was found.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::catalog::Platform;
use crate::model::{Party, Quantity};
use crate::plan::facts::Question;

/// How something stands. The order is that of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// It works, and will hurt somebody some day.
    Warning,
    /// It could not be looked at: nobody knows.
    NotTold,
    /// Solutions cannot be published, reached or woken without it.
    Missing,
}

impl Grade {
    /// Every grade, in the order of alarm.
    pub const ALL: [Self; 4] = [Self::Fine, Self::Warning, Self::NotTold, Self::Missing];

    /// As it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::NotTold => "not told",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub grade: Grade,
    /// What: `Gateway edge/public`.
    pub subject: String,
    /// What is so, said of the subject: `is not there`.
    pub sentence: String,
    /// A command, or a key of `platform.yaml`; empty if nothing has to be done.
    pub mend: String,
    /// Who can mend it; nobody if it is fine.
    pub party: Party,
    /// When it was first found so; absent where nobody looks more than once.
    pub since: Option<Timestamp>,
}

impl Finding {
    /// The finding as one sentence for the log and the board.
    pub fn line(&self) -> String {
        let mend = if self.mend.is_empty() { String::new() } else { format!("; {}", self.mend) };
        let since = self.since.map_or_else(String::new, |since| {
            format!(" (since {})", since.strftime("%Y-%m-%d %H:%M UTC"))
        });
        format!("{}: {} {}{since}{mend}", self.grade.as_str(), self.subject, self.sentence)
    }
}

/// What solutions may ask of the machines at once, by resource.
pub type Demand = BTreeMap<String, Quantity>;

/// What a cluster is examined for.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a> {
    /// The platform that the cluster is to carry.
    pub platform: &'a Platform,
    /// The daemon's own.
    pub namespace: &'a str,
    /// Of the whole catalogue, if it is known.
    pub demand: Option<&'a Demand>,
    /// Whether rights are asked for, one by one. The daemon hears of those that it lacks anyway.
    pub rights: bool,
    /// When this is judged: a certificate ends by it.
    pub now: Timestamp,
}

/// What an examination found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examination {
    /// In the order in which a platform is built.
    pub findings: Vec<Finding>,
    /// What has to be answered first. Findings that rest on it are not there yet.
    pub open: BTreeSet<Question>,
}
