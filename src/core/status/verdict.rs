//! What became of a solution: the value that every page, note and table shows.

use super::health::Proof;
use super::reason::{Cause, Reason};
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
    /// Why it is so.
    pub reason: Reason,
    /// What that party should do.
    pub next: String,
    /// Where visitors open it, one address for each host: as the catalogue publishes it; of what it
    /// does not publish now, where it is still served. Empty if nobody can open it, or it rests.
    pub urls: Vec<String>,
    /// The commit that last changed the solution's folder, good or refused.
    pub revision: Option<Revision>,
    /// The commit that last changed what serves now; `None` if nothing does, or a roll-out is under
    /// way. Another one than `revision` while that is refused or waits.
    pub serving: Option<Revision>,
    /// How many objects of it are on the cluster.
    pub objects: usize,
    /// What green stands on.
    pub proof: Proof,
}

impl Verdict {
    /// The commit that serves, if it is not the one that the catalogue asks for.
    pub fn serves_another(&self) -> Option<&Revision> {
        self.serving.as_ref().filter(|serving| Some(*serving) != self.revision.as_ref())
    }

    /// Nothing will change by itself any more.
    pub fn is_settled(&self) -> bool {
        match self.sync {
            Sync::Synced | Sync::Failed | Sync::Blocked | Sync::Unknown => true,
            // Nobody does what is only reported.
            Sync::OutOfSync => self.reason.cause == Cause::Reported,
            Sync::Progressing | Sync::Removing => false,
        }
    }

    /// As the catalogue says, and nothing of it is broken. Asleep is a success.
    pub fn is_good(&self) -> bool {
        self.sync == Sync::Synced && self.health != Some(Health::Degraded)
    }
}
