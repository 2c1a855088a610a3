//! What became of a solution: the value that every page, note and table shows.

use super::health::Proof;
use super::state::{Health, Stage, Sync};
use crate::model::{ClaimedName, Party, Revision};

/// The state of a solution. Gallery, board, terminal and note all print the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The solution's name, or a refused folder's.
    pub name: ClaimedName,
    /// Whether the cluster is what the catalogue says.
    pub sync: Sync,
    /// Between sleep and service; `None` if no Deployment of it is there, or is to stay.
    pub stage: Option<Stage>,
    /// Whether it works; `None` as for `stage`.
    pub health: Option<Health>,
    /// Whose turn it is.
    pub party: Party,
    /// Why it is so, without a full stop; may quote what authors and controllers wrote.
    pub reason: String,
    /// What that party should do.
    pub next: String,
    /// Where visitors open it; `None` while the catalogue does not publish it.
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
