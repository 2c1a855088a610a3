//! What of previews should be on the cluster, and what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::catalog::Solution;
use crate::model::{Revision, SolutionName};

/// What of previews should be on the cluster. Whatever else is there of them is removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Staging {
    /// The solutions as pull requests show them.
    pub shown: BTreeMap<SolutionName, Arc<Solution>>,
    /// Previews of which nobody can tell whether they are wanted: they are left alone.
    pub undecided: BTreeSet<SolutionName>,
}

/// A preview of which something is on the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Living {
    /// When its namespace was made, unless that is on its way out.
    pub since: Option<Timestamp>,
    /// The head that it was made for.
    pub head: Option<Revision>,
}

/// Whether a pull request is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// The platform shows none, or this one changes nothing that could be shown.
    Off,
    /// The label is not there.
    Unasked,
    /// The label was put on while this was the head.
    Stale(Revision),
    /// The label came with a push.
    Unseen,
    /// It was shown for as long as the operator allows.
    Over,
    /// Others are shown, and there is no more room.
    Waits,
    /// It changes so many solutions that there is never room for them.
    TooMany(usize),
    /// It is asked for, and nobody knows yet what it is.
    Undecided,
    /// It is to be shown.
    Shown,
}

impl Staging {
    /// The previews whose standing is another one than in `other`.
    pub fn differs(&self, other: &Self) -> BTreeSet<SolutionName> {
        let shown = |staging: &Self| -> BTreeSet<SolutionName> {
            staging.shown.keys().chain(&staging.undecided).cloned().collect()
        };
        let all = shown(self).into_iter().chain(shown(other));
        let same = |name: &SolutionName| {
            self.shown.get(name) == other.shown.get(name)
                && self.undecided.contains(name) == other.undecided.contains(name)
        };
        all.filter(|name| !same(name)).collect()
    }
}
