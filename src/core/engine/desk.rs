//! Orders that are out: what was asked, and until when an answer is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::form::{FormKey, Rendered};
use super::reviewed::Reviewing;
use crate::catalog::{Catalog, Memory, Platform, Snapshot, Solution};
use crate::model::intern::Interner;
use crate::model::{ImageReference, InstanceName, Kind, Revision, SolutionName, Uid};
use crate::plan::facts::Question;
use crate::plan::observed::Removal;
use crate::plan::{Form, Hold, Outline, Phase, Step};
use crate::render::{self, Body, DesiredObject};
use crate::status::{Board, CommitStatus};

/// The number of an order, given once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId(pub u64);

/// Something to be done. Each with an [`OrderId`] is answered, or lost.
#[derive(Clone, Debug)]
pub enum Order {
    /// One step of a solution.
    Step {
        /// The number that its answer names.
        id: OrderId,
        /// The solution that the step belongs to.
        solution: SolutionName,
        /// What to do; the body that is to be sent is in it.
        step: Step,
        /// The observed object's, for the steps that must not make it; none for the others.
        uid: Option<Uid>,
    },
    /// Write onto the Lease what was applied, and what was removed lately.
    Record {
        /// The number that its answer names.
        id: OrderId,
        /// The commit that the Lease names as applied.
        applied: Revision,
        /// The catalogue's root, as a path in the repository; `.` is the repository's own.
        root: String,
        /// The solutions that were removed or moved lately, and when, by the wall clock.
        removals: Vec<Removal>,
    },
    /// Read the Lease again.
    Lease {
        /// The number that its answer names.
        id: OrderId,
    },
    /// Read an approval by its name.
    Approval {
        /// The number that its answer names.
        id: OrderId,
        /// The name of its ConfigMap in the daemon's own namespace.
        name: String,
    },
    /// Write what is held into the list that `vitrine approve` reads; `None`: take the list away.
    Post {
        /// The number that its answer names.
        id: OrderId,
        /// What is held.
        hold: Option<Box<Hold>>,
    },
    /// List a kind again.
    Relist(Kind),
    /// Answer questions about what is not watched.
    Ask {
        /// The number that its answer names.
        id: OrderId,
        /// What the check-up of the platform wants to know.
        questions: BTreeSet<Question>,
    },
    /// Read the branch again, with its history from this commit on: what was last applied.
    Follow(Option<Revision>),
    /// Look at the repository now.
    Visit,
    /// Write these lines into the notes.
    Note {
        /// The number that its answer names.
        id: OrderId,
        /// Lines that the notes lack, by the commit that they are for.
        lines: BTreeMap<Revision, Vec<CommitStatus>>,
    },
    /// Post one status onto a commit at the forge.
    Tell {
        /// The number that its answer names.
        id: OrderId,
        /// The commit.
        commit: Revision,
        /// What is posted.
        line: CommitStatus,
    },
    /// Read our lines on a commit at the forge.
    Lines {
        /// The number that its answer names.
        id: OrderId,
        /// The commit.
        commit: Revision,
    },
    /// List the open pull requests.
    Pulls {
        /// The number that its answer names.
        id: OrderId,
        /// Whether those are wanted too that were merged within the last day.
        recent: bool,
    },
    /// Ask what became of a pull request.
    Pull {
        /// The number that its answer names.
        id: OrderId,
        /// Its number in the repository.
        number: u64,
    },
    /// Read what a merge of a pull request would leave.
    Compare {
        /// The number that its answer names.
        id: OrderId,
        /// Its number in the repository.
        number: u64,
        /// Its newest commit.
        head: Revision,
        /// The commit that is in force.
        base: Revision,
    },
    /// Judge a pull request.
    Review {
        /// The number that its answer names.
        id: OrderId,
        /// What a merge would leave, and what it is judged with.
        work: Reviewing,
    },
    /// Make a check run on a head say this.
    Mark {
        /// The number that its answer names.
        id: OrderId,
        /// The head.
        head: Revision,
        /// What it is to say.
        check: Check,
    },
    /// Ask registries for these images.
    Images {
        /// The number that its answer names.
        id: OrderId,
        /// At most 100.
        images: BTreeSet<ImageReference>,
    },
    /// Ask the API server whether it would take these objects, and keep none.
    DryRun {
        /// The number that its answer names.
        id: OrderId,
        /// The head that they are of: the commit that they are annotated with.
        revision: Revision,
        /// At most 200.
        objects: Vec<Arc<Form>>,
    },
    /// Write our one comment onto a pull request.
    Comment {
        /// The number that its answer names.
        id: OrderId,
        /// The pull request's number in the repository.
        number: u64,
        /// What it is to say.
        comment: Comment,
    },
    /// Judge every folder of a commit.
    Judge {
        /// The number that its answer names.
        id: OrderId,
        /// The commit, read completely.
        snapshot: Arc<Snapshot>,
    },
    /// Render these solutions.
    Render {
        /// The number that its answer names.
        id: OrderId,
        /// The solutions, and what their objects depend on.
        work: Work,
    },
    /// Show this to people.
    Show(Arc<Board>),
}

/// What our comment on a pull request is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comment {
    /// This page, in the place of what it said. Without a comment one is made.
    Page {
        /// Markdown.
        page: String,
        /// The comment that is known to stand there; otherwise one is looked for.
        known: Option<u64>,
    },
    /// This line above what it says, once. Without a comment none is made.
    Last(String),
}

/// Solutions to render: long, and as pure as all else here.
#[derive(Clone, Debug)]
pub struct Work {
    /// The platform that they are rendered for.
    pub platform: Arc<Platform>,
    /// The instance that owns the objects.
    pub instance: InstanceName,
    /// Each solution.
    pub jobs: Vec<Job>,
}

/// One solution to render.
#[derive(Clone, Debug)]
pub struct Job {
    /// The solution.
    pub solution: Arc<Solution>,
    /// Whether the clock lets it run.
    pub phase: Phase,
    /// Whether its bodies are wanted, for there is room for them.
    pub bodies: bool,
}

impl Work {
    /// Renders them.
    pub fn done(&self) -> Vec<Rendered> {
        // What a portion of them needs at once is small only if equal sets are dropped as they come.
        let mut interner = Interner::default();
        let render = |Job { solution, phase, bodies }: &Job| {
            let desired = render::all(solution, &self.platform, &self.instance, *phase);
            let mut outline = Outline::of(&desired);
            outline.share(&mut interner);
            let body =
                |object: &Arc<DesiredObject>| (object.key.clone(), Arc::new(Body::of(object)));
            Rendered {
                key: FormKey {
                    tree: solution.tree.clone(),
                    head: solution.preview.clone(),
                    platform: self.platform.digest.clone(),
                    phase: *phase,
                },
                outline,
                bodies: bodies.then(|| desired.objects.iter().map(body).collect()),
            }
        };
        self.jobs.iter().map(render).collect()
    }
}

/// Judges a commit; `memory` makes it quick and changes nothing in the answer.
pub fn judged(snapshot: &Snapshot, memory: &mut Memory) -> Catalog {
    crate::catalog::read(snapshot, memory)
}

/// What an order that is out is about.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    Step {
        solution: SolutionName,
        step: Step,
        /// The object's version when the step was sent; if it was not known, the newest of its
        /// kind.
        sent_at: Option<u64>,
    },
    Record {
        applied: Revision,
        /// Whether `applied` is completely applied.
        complete: bool,
        removals: Vec<Removal>,
    },
    Lease,
    Approval(String),
    /// The first digits of what is to stand in the list.
    Post(Option<String>),
    Ask,
    Note,
    /// A status onto this commit at the forge.
    Tell(Revision),
    /// Our lines on this commit at the forge.
    Lines(Revision),
    /// Something for pull requests.
    Previews,
    Judge(Revision),
    /// Solutions by name, with the form that they are rendered to.
    Render(BTreeMap<SolutionName, FormKey>),
}

impl Errand {
    /// How long it may take before nobody believes in an answer. An edge ends each of its requests
    /// far sooner and says so; this is for one that died.
    fn patience(&self) -> SignedDuration {
        match self {
            Self::Step { .. }
            | Self::Record { .. }
            | Self::Lease
            | Self::Approval(_)
            | Self::Post(_)
            | Self::Ask
            | Self::Judge(_)
            | Self::Tell(_)
            | Self::Lines(_)
            | Self::Previews
            | Self::Render(_) => SignedDuration::from_mins(10),
            Self::Note => SignedDuration::from_mins(30), // a push to a slow forge
        }
    }
}

/// The orders that are out.
#[derive(Debug, Default)]
pub(super) struct Desk {
    last: u64,
    /// Thousands of them, of which nobody asks but by their number.
    steps: BTreeMap<OrderId, (Errand, Timestamp)>,
    /// All others: a handful.
    others: BTreeMap<OrderId, (Errand, Timestamp)>,
    /// Until when each is waited for.
    until: BTreeSet<(Timestamp, OrderId)>,
}

impl Desk {
    /// Gives an order its number.
    pub fn send(&mut self, errand: Errand, now: Timestamp) -> OrderId {
        self.last += 1;
        let id = OrderId(self.last);
        let until = now + errand.patience();
        let is_step = matches!(errand, Errand::Step { .. });
        let open = if is_step { &mut self.steps } else { &mut self.others };
        open.insert(id, (errand, until));
        self.until.insert((until, id));
        id
    }

    /// Takes an order back, answered or lost; `None` if nobody waits for it any more.
    pub fn take(&mut self, id: OrderId) -> Option<Errand> {
        let (errand, until) = self.steps.remove(&id).or_else(|| self.others.remove(&id))?;
        self.until.remove(&(until, id));
        Some(errand)
    }

    /// The orders that nobody answered in time.
    pub fn overdue(&self, now: Timestamp) -> Vec<OrderId> {
        self.until.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| *id).collect()
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        self.until.first().map(|(until, _)| *until)
    }

    /// Whether a step is out.
    pub fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Whether one of the orders that are out and are no steps is so.
    pub fn any(&self, is: impl Fn(&Errand) -> bool) -> bool {
        self.others.values().any(|(errand, _)| is(errand))
    }

    /// Nothing is out but what nobody has to wait for.
    pub fn is_quiet(&self) -> bool {
        let waited = self.any(|errand| match errand {
            Errand::Step { .. } | Errand::Record { .. } | Errand::Note => true,
            Errand::Judge(_) | Errand::Render(_) | Errand::Lease | Errand::Post(_) => true,
            // The ledger knows whether somebody has to wait for it.
            Errand::Tell(_) | Errand::Lines(_) | Errand::Approval(_) | Errand::Ask => false,
            Errand::Previews => false, // nobody publishes by it
        });
        !waited && !self.has_steps()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn an_order_is_answered_once() {
        let mut desk = Desk::default();
        let id = desk.send(Errand::Ask, at(0));
        assert!(desk.take(id).is_some());
        assert!(desk.take(id).is_none(), "a second answer finds nobody");
    }

    #[test]
    fn an_order_that_nobody_answers_is_found_at_its_deadline() {
        let mut desk = Desk::default();
        let id = desk.send(Errand::Ask, at(0));
        let until = desk.deadline().unwrap();
        assert!(desk.overdue(until - SignedDuration::from_secs(1)).is_empty());
        assert_eq!(desk.overdue(until), [id]);
    }

    #[test]
    fn a_question_about_the_platform_keeps_nobody_waiting_and_a_note_does() {
        let mut desk = Desk::default();
        desk.send(Errand::Ask, at(0));
        assert!(desk.is_quiet() && !desk.has_steps());
        let note = desk.send(Errand::Note, at(0));
        assert!(!desk.is_quiet());
        desk.take(note);
        assert!(desk.is_quiet());
    }
}
