//! Everything that happened and somebody may want to know: one list for the log, the metrics and
//! the tests.

use jiff::Timestamp;

use crate::doctor::Finding;
use crate::model::Party;
use crate::model::{ClaimedName, ContentHash, Revision, SolutionName};
use crate::plan::{Outcome, Step};
use crate::status::{Cause, Gone, Health, Sync};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A commit was read and judged.
    Read {
        /// The commit that is in force now.
        revision: Revision,
        /// How many folders it has, refused ones included.
        folders: usize,
    },
    /// A fault of the operator's file.
    Platform(String),
    /// The repository cannot be read.
    Unreadable {
        /// One sentence without a credential: what, where, and what to do.
        cause: String,
        /// Whether it could not be read before, either.
        again: bool,
    },
    /// It can again, after this long a time.
    Readable {
        /// Since when it could not be read.
        since: Timestamp,
    },
    /// It did not answer, and what the mirror had is in force.
    FromMirror {
        /// The commit that the mirror had.
        revision: Revision,
        /// Why the repository did not answer, in one sentence.
        cause: String,
    },
    /// Something of the cluster cannot be read, or can again.
    Trouble {
        /// The name that rights use: `deployments.apps`.
        what: String,
        /// Why it cannot be read; absent if it can again.
        problem: Option<String>,
    },
    /// The API server as a whole tells nothing.
    Silent {
        /// What it was answered, or that it was not, in one sentence.
        cause: String,
    },
    /// It answers again.
    Answers {
        /// Since when it told nothing.
        since: Timestamp,
    },
    /// The Lease could not be written, or can again.
    Lease(Option<String>),
    /// The notes could not be written, or can again.
    Notes(Option<String>),
    /// Why the forge cannot be told anything; `None`: it can again.
    Forge(Option<String>),
    /// Why pull requests cannot be told anything; `None`: they can again.
    Pulls(Option<String>),
    /// Something of a pull request could not be looked at.
    Unseen {
        /// Its number in the repository.
        pull: u64,
        /// What could not, and who did not answer and how, in one sentence.
        why: String,
    },
    /// The list of what is held could not be written, or can again.
    Posting(Option<String>),
    /// Deletions are held, or no more.
    Held(Option<(ContentHash, String)>),
    /// A solution's folder is gone, and its removal begins.
    Removing(SolutionName),
    /// Nothing of it is left; what went with it.
    Removed(SolutionName, Gone),
    /// A solution is to be opened elsewhere, and what leads visitors to it is about to change.
    Moving(SolutionName),
    /// A step came to its end.
    Step {
        /// The solution that the step belongs to.
        solution: SolutionName,
        /// What was tried.
        step: Step,
        /// What became of it.
        outcome: Outcome,
        /// Whether it is not what the last try was told.
        news: bool,
    },
    /// The platform lacks something.
    Finding(Finding),
    /// What the platform lacked is there now.
    Mended(Finding),
    /// Another verdict.
    Verdict(Change),
    /// The daily list of a kind was not what its watch had said, in so many objects.
    Differed {
        /// The kind that was listed.
        kind: crate::model::Kind,
        /// How many objects were not as they were known to be, or were gone.
        objects: usize,
    },
    /// The server's versions of a kind went backwards, and it is listed again.
    Backwards(crate::model::Kind),
    /// Nobody answered an order.
    Lost(&'static str),
}

/// What people would call another state of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// How the cluster compares with the catalogue.
    pub sync: Sync,
    /// Whether it works; absent where nothing can be said of it.
    pub health: Option<Health>,
    /// Who has to do something next.
    pub party: Party,
    /// What the reason is about.
    pub cause: Cause,
}

/// How a verdict changed, of a solution or of a refused folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The solution, or the folder that was refused.
    pub name: ClaimedName,
    /// `None`: nothing was said of it before.
    pub from: Option<State>,
    /// What is said of it from now on.
    pub to: State,
    /// Why, in one sentence.
    pub reason: String,
    /// What to do next, or to wait for.
    pub next: String,
}
