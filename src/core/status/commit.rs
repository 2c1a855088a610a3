//! What stands on a commit, in the words that every forge knows.

/// What stands on a commit: one line of a note, one status of a forge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitStatus {
    /// How it stands, in a word that a forge colours.
    pub state: CommitState,
    /// `vitrine/<instance>` for the branch's head, `vitrine/<instance>/<solution>` for the
    /// commit that changed the solution.
    pub context: String,
    /// One line, no tab.
    pub description: String,
    /// Empty if there is none.
    pub url: String,
}

/// The four words that every forge knows.
///
/// The order is that of alarm: what is pending is not a success yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitState {
    /// As the commit asks, and nothing of it is broken.
    Success,
    /// Under way: another word follows.
    Pending,
    /// The author must act.
    Failure,
    /// The operator or a reviewer must act.
    Error,
}

impl CommitState {
    /// The word as forges and notes write it: `success`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}
