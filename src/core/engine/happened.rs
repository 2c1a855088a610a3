//! Everything that happened and somebody may want to know: one list for the log, the metrics and
//! the tests.

use jiff::Timestamp;

use crate::model::Party;
use crate::model::{ClaimedName, ContentHash, Revision, SolutionName};
use crate::plan::{Outcome, Step};
use crate::status::doctor::Finding;
use crate::status::{Health, Sync};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A commit was read and judged.
    Read { revision: Revision, folders: usize },
    /// A fault of the operator's file.
    Platform(String),
    /// The repository cannot be read. `again`: it could not before.
    Unreadable { cause: String, again: bool },
    /// It can again, after this long a time.
    Readable { since: Timestamp },
    /// It did not answer, and what the mirror had is in force.
    FromMirror { revision: Revision, cause: String },
    /// Something of the cluster cannot be read, or can again.
    Trouble { what: String, problem: Option<String> },
    /// The Lease could not be written, or can again.
    Lease(Option<String>),
    /// The notes could not be written, or can again.
    Notes(Option<String>),
    /// Deletions are held, or no more.
    Held(Option<(ContentHash, String)>),
    /// A solution's folder is gone, and its removal begins.
    Removing(SolutionName),
    /// Nothing of it is left.
    Removed(SolutionName),
    /// A step came to its end. `news`: it is not what the last try was told.
    Step { solution: SolutionName, step: Step, outcome: Outcome, news: bool },
    /// The platform lacks something.
    Finding(Finding),
    /// Another verdict.
    Verdict(Change),
    /// The daily list of a kind was not what its watch had said, in so many objects.
    Differed { kind: crate::model::Kind, objects: usize },
    /// The server's versions of a kind went backwards, and it is listed again.
    Backwards(crate::model::Kind),
    /// Nobody answered an order.
    Lost(&'static str),
}

/// What people would call another state of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub sync: Sync,
    pub health: Option<Health>,
    pub party: Party,
}

/// How a verdict changed, of a solution or of a refused folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: ClaimedName,
    /// `None`: nothing was said of it before.
    pub from: Option<State>,
    pub to: State,
    pub reason: String,
    pub next: String,
}
