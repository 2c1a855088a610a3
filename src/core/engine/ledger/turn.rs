//! Which line goes first, and which says nothing new.

use super::sink::is_pending;
use crate::status::{CommitState, CommitStatus};

/// Who goes first: what somebody has to mend, then the whole, then what is well, then what is under
/// way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Fails,
    Whole,
    Good,
    Pending,
}

impl Turn {
    pub fn of(status: &CommitStatus, whole: bool) -> Self {
        match status.state {
            CommitState::Pending => Self::Pending,
            _ if whole => Self::Whole,
            CommitState::Failure | CommitState::Error => Self::Fails,
            CommitState::Success => Self::Good,
        }
    }
}

/// Whether there is nothing new in a line. One that is pending is told once: GitLab takes no other,
/// and its words do not help anybody. Another address alone is no news.
pub(super) fn is_same(has: &CommitStatus, wanted: &CommitStatus) -> bool {
    has.state == wanted.state
        && (is_pending(has) || has.description.trim() == wanted.description.trim())
}
