//! Says in words what became of a solution: three words, a reason, whose turn, a next step.

pub mod board;
pub mod doctor;
pub mod health;
pub mod json;
pub mod judge;
mod obstacle;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
pub mod text;
pub mod word;
mod wording;

pub use board::{Board, Held, Outage};
pub use json::{NotABoard, read_status_json, status_json};
pub use text::{details, table};

use crate::model::{Party, Revision};
pub use health::{Condition, Proof, condition};
pub use judge::{Case, Standing, judge};

/// The state of a solution. Gallery, board, terminal and note all print the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The solution's name, or a refused folder's.
    pub name: String,
    pub sync: Sync,
    pub stage: Option<Stage>,
    pub health: Option<Health>,
    pub party: Party,
    pub reason: String,
    pub next: String,
    pub url: Option<String>,
    /// The commit that last changed the solution's folder.
    pub revision: Option<Revision>,
    /// How many objects of it are on the cluster.
    pub objects: usize,
    /// What green stands on.
    pub proof: Proof,
}

impl Verdict {
    /// Nothing will change by itself any more.
    pub fn is_settled(&self) -> bool {
        match self.sync {
            Sync::Synced | Sync::Failed | Sync::Blocked | Sync::Unknown => true,
            Sync::Progressing | Sync::OutOfSync | Sync::Removing => false,
        }
    }

    /// As the catalogue says, and nothing of it is broken. Asleep is a success.
    pub fn is_good(&self) -> bool {
        self.sync == Sync::Synced && self.health != Some(Health::Degraded)
    }
}

/// Is the cluster what the catalogue says?
///
/// The order is that of alarm: the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Sync {
    Synced,
    Progressing,
    OutOfSync,
    Failed,
    Blocked,
    Unknown,
    Removing,
}

/// Where a solution stands between sleep and service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Stage {
    Asleep,
    Waking,
    Awake,
    WakeFailed,
    Queued,
}

/// Does it work?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Health {
    Healthy,
    Progressing,
    Degraded,
}

/// What stands on a commit: one line of a note, one status of a forge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitStatus {
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
    Success,
    Pending,
    /// The author must act.
    Failure,
    /// The operator or a reviewer must act.
    Error,
}

impl CommitState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}
