//! What one place has of the lines, and what may still be said there: the notes, or a forge.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Revision;
use crate::status::{CommitState, CommitStatus};

/// Statuses by commit and context.
pub(super) type Written = BTreeMap<Revision, BTreeMap<String, CommitStatus>>;

/// A commit and a context of it.
pub(super) type Place = (Revision, String);

/// What stands in one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Sink {
    written: Written,
    /// What may stand there: it was to be written, and nobody knows whether it was.
    tried: Written,
    /// Lines that may be said anew though they had a last word: the branch came back to them.
    reopened: BTreeSet<Place>,
}

pub(super) fn is_pending(status: &CommitStatus) -> bool {
    status.state == CommitState::Pending
}

impl Sink {
    /// What stands on a commit under a context.
    pub fn line(&self, commit: &Revision, context: &str) -> Option<&CommitStatus> {
        self.written.get(commit)?.get(context)
    }

    /// Everything that stands there.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// Whether a status that is not pending stands there.
    pub fn has_last_word(&self, commit: &Revision, context: &str) -> bool {
        self.line(commit, context).is_some_and(|status| !is_pending(status))
    }

    /// A line stands there now.
    pub fn set(&mut self, commit: &Revision, status: CommitStatus) {
        if !is_pending(&status) {
            self.reopened.remove(&(commit.clone(), status.context.clone()));
        }
        self.tried.remove(commit);
        let lines = self.written.entry(commit.clone()).or_default();
        lines.insert(status.context.clone(), status);
    }

    /// A line was read there. The branch may have come back to it all the same.
    pub fn load(&mut self, commit: &Revision, status: CommitStatus) {
        let lines = self.written.entry(commit.clone()).or_default();
        lines.insert(status.context.clone(), status);
    }

    /// Lines were to be written, and nobody knows whether they were.
    pub fn tries(&mut self, lines: &BTreeMap<Revision, Vec<CommitStatus>>) {
        for (commit, statuses) in lines {
            let tried = self.tried.entry(commit.clone()).or_default();
            tried.extend(statuses.iter().map(|s| (s.context.clone(), s.clone())));
        }
    }

    /// Nothing is known of a commit any more.
    pub fn forget(&mut self, commit: &Revision) {
        self.written.remove(commit);
        self.tried.remove(commit);
    }

    /// The branch came back to a line: it may be said anew.
    pub fn reopen(&mut self, place: Place) {
        self.reopened.insert(place);
    }

    /// Forgets what stands on commits that nobody looks at any more.
    pub fn retain(&mut self, concerned: &BTreeSet<Revision>) {
        self.written.retain(|commit, _| concerned.contains(commit));
        self.tried.retain(|commit, _| concerned.contains(commit));
        self.reopened.retain(|(commit, _)| concerned.contains(commit));
    }

    /// What was said to the end stays said: health that changes later is the board's business. A
    /// hold, a refusal or an error of the platform may end, and what was told of it with it; after
    /// a failure, only that all is well is news.
    pub fn keep_the_last_word(&self, commit: &Revision, status: &mut CommitStatus) {
        let line = |written: &Written| -> Option<CommitStatus> {
            written.get(commit)?.get(&status.context).cloned()
        };
        let Some(said) = line(&self.tried).or_else(|| line(&self.written)) else { return };
        let ends = match said.state {
            CommitState::Pending | CommitState::Error => false,
            CommitState::Failure => status.state != CommitState::Success,
            CommitState::Success => true,
        };
        if ends && !self.reopened.contains(&(commit.clone(), status.context.clone())) {
            *status = said;
        }
    }
}
