//! What the engine hears. Every edge says what happened in these words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::desk::OrderId;
use super::form::Rendered;
use super::reviewed::Reviewed;
use super::sight::{News, Written};
use crate::catalog::fit;
use crate::catalog::snapshot::Unknown;
use crate::catalog::{Catalog, Changes, Snapshot};
use crate::change::{Comparison, DryRun};
use crate::model::{Kind, Revision};
use crate::plan::Outcome;
use crate::plan::facts::{Look, Question};
use crate::plan::observed::{Approval, Problem, Record};
use crate::plan::said::Said;
use crate::status::{CommitState, CommitStatus};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The watch of a kind, in its order.
    Watched(Kind, Vec<News>),
    /// What Events say of our pods and ScaledObjects, as they were heard.
    Said(Vec<Said>),
    /// The CRD of a kind is there, in this version.
    Defined(Kind, String),
    /// Something cannot be read, by the name that rights use, and why; or it can again.
    Trouble(String, Option<Problem>),
    /// What the daemon's Lease remembers, and its resourceVersion; without one there is no Lease.
    Lease(Record, Option<String>),
    /// The reader looked at the branch.
    Repository(Repository),
    /// A person asks to try everything now.
    Hint,
    /// Somebody says that the branch moved. Whether it did is for the reader to see.
    Knock,
    /// What became of an order.
    Answered(OrderId, Answer),
    /// Whoever carried it out is gone.
    Lost(OrderId),
}

/// News from the repository.
#[derive(Debug)]
pub enum Repository {
    /// The branch has a commit that was not read before, or is read again after an outage.
    Commit(Box<Commit>),
    /// The repository did not answer since the start. This is what the mirror has of before.
    Kept(Box<Commit>, Unknown),
    /// The branch is where it was.
    Same,
    /// The branch could not be read, since when and why.
    Unknown(Unknown),
}

/// A commit, read completely.
#[derive(Debug)]
pub struct Commit {
    /// The catalogue at this commit.
    pub snapshot: Arc<Snapshot>,
    /// The commit that was told before, if the catalogue is as it was there.
    pub like: Option<Revision>,
    /// What the commits since the last one that was read (or applied) changed.
    pub changes: Changes,
    /// The commit that last changed each folder of the snapshot.
    pub records: Arc<BTreeMap<String, Revision>>,
    /// How often the reader had been told, when it read this, from where history counts.
    pub errand: u32,
    /// What stands in the notes, told with the first commit; `None`: it was told, or could not be
    /// read.
    pub noted: Option<BTreeMap<Revision, Vec<CommitStatus>>>,
    /// Commits that somebody may wait for and that the branch does not have any more.
    pub lost: BTreeSet<Revision>,
}

/// What a forge answered to one request.
#[derive(Debug)]
pub struct Reply<T> {
    /// What was asked for, or why not.
    pub result: Result<T, Refusal>,
    /// How many requests are left, where the forge says so.
    pub left: Option<Left>,
}

/// The pull requests of the tracked branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those that are open.
    pub open: Vec<Opened>,
    /// Those that were merged within the last day, with the commit that they became: only where
    /// they were asked for.
    pub merged: Vec<(u64, Revision)>,
}

/// An open pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number in the repository.
    pub number: u64,
    /// The newest commit that is to be merged.
    pub head: Revision,
    /// The labels that people put on it.
    pub labels: BTreeSet<String>,
    /// Whether its head is a branch of the repository itself, so that whoever pushed it may write
    /// there. In doubt it is not.
    pub own: bool,
}

/// What became of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is open.
    Open,
    /// It was closed without a merge.
    Closed,
    /// It was merged, as this commit of the branch.
    Merged(Revision),
}

/// A comment of ours that stands on a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commented {
    /// Its number at the forge.
    pub id: u64,
}

/// How many requests a forge still takes from us in its window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// So many more.
    pub remaining: u32,
    /// Of so many.
    pub limit: u32,
    /// Until the window begins anew.
    pub resets_in: SignedDuration,
}

/// Why a forge did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It did not answer, or has a fault: perhaps it did it all the same. A sentence.
    Unsure(String),
    /// Not before so much time.
    Later(SignedDuration),
    /// The credential or the repository is wrong; an operator has to mend it. A sentence.
    Shut(String),
    /// It does not have the commit, or not yet.
    NoCommit,
    /// It takes no more statuses of this context on this commit.
    Full,
    /// It does not take this request, however often it comes. A sentence.
    Never(String),
    /// Somebody else is writing onto this commit.
    Busy,
    /// The line is in this state already, and cannot go to the one that was asked for.
    Is(CommitState),
}

/// What became of an order.
#[derive(Debug)]
pub enum Answer {
    /// How a step ended, and what it left on the server.
    Step(Outcome, Written),
    /// The Lease was written and has this resourceVersion, or a sentence why not.
    Recorded(Result<String, String>),
    /// What the Lease remembers now, as [`Event::Lease`] says it.
    Lease(Record, Option<String>),
    /// An approval, if it is one.
    Approval(Option<Approval>),
    /// The list of what is held was written or taken away, or a sentence why not.
    Posted(Result<(), String>),
    /// What was found for each question of [`Order::Ask`](super::Order::Ask).
    Facts(Vec<(Question, Look)>),
    /// The notes were written, or not.
    Noted(Result<(), Unknown>),
    /// A status was posted to the forge, or not.
    Told(Reply<()>),
    /// Our lines that stand on a commit at the forge, or why it cannot be said.
    Has(Reply<Vec<CommitStatus>>),
    /// The open pull requests; `None`: as they were when they were last listed.
    Pulls(Reply<Option<Listing>>),
    /// What became of a pull request.
    Pull(Reply<Fate>),
    /// What a merge would leave was read, or a sentence why not.
    Compared(Result<Box<Comparison>, String>),
    /// What a pull request is to be told.
    Reviewed(Box<Reviewed>),
    /// A check run says what it is to say, or not.
    Marked(Reply<()>),
    /// What registries said of images.
    Images(fit::Told),
    /// What the API server said of objects.
    DryRun(DryRun),
    /// Our comment stands there, or not; `None`: somebody took it away.
    Commented(Reply<Option<Commented>>),
    /// The solutions of a commit and the refusals.
    Judged(Box<Catalog>),
    /// One for each solution that was asked for.
    Rendered(Vec<Rendered>),
}
