//! The engine: hears what happened and says what should be done. It has no client, no task, no
//! clock and waits for nothing: two engines that heard the same say the same.
//!
//! In: [`Event`]s and the time. Out: [`Order`]s, and what [`Happened`]. Each organ decides one
//! thing and sees no other; what one knows and another reads is handed over here.

mod act;
mod alarms;
mod book;
mod brake;
mod chance;
mod check;
mod checkup;
mod desk;
mod diary;
mod event;
mod form;
mod happened;
mod hear;
mod judging;
mod lease;
mod leavers;
mod ledger;
mod now;
mod nudges;
mod outage;
mod outlook;
mod patience;
mod posting;
mod press;
mod previews;
mod removals;
mod reviewed;
mod rollouts;
mod rows;
mod setbacks;
mod sight;
mod tell;
mod trials;
mod window;
#[cfg(any(test, feature = "samples"))]
pub mod world;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use check::{Check, End, Mark};
pub use desk::{Comment, Job, Order, OrderId, Work, judged};
pub use event::{
    Answer, Commented, Commit, Event, Fate, Left, Listing, Opened, Refusal, Reply, Repository,
};
pub use form::{Bodies, FormKey, Rendered};
pub use happened::{Change, Happened, State};
pub use now::Now;
pub use outlook::{Awaited, Outlook};
pub use reviewed::{Images, Reviewed, Reviewing, Tried};
pub use sight::{Batch, Managed, Meta, News, Seen, Sight, Touched, Written};

use crate::config::{Config, Mode};
use crate::model::{ClaimedName, SolutionName};
use crate::render::phase;
use crate::status::{self, Board};
use book::Book;
use brake::Brake;
use checkup::Checkup;
use desk::{Desk, Errand};
use diary::Diary;
use leavers::Leavers;
use ledger::Ledger;
use now::Steady;
use nudges::Nudges;
use outage::Outage;
use patience::Patience;
use posting::Posting;
use previews::Previews;
use rollouts::Rollouts;
use rows::Rows;
use setbacks::Failures;
use trials::Trials;

/// How often a removal is looked at though nothing happens.
const REMOVAL_LOOK: SignedDuration = SignedDuration::from_secs(5);

/// Everything that is known and intended for one catalogue on one cluster.
pub struct Engine {
    settings: Config,
    steady: Steady,
    sight: Sight,
    book: Book,
    brake: Brake,
    posting: Posting,
    outage: Outage,
    trials: Trials,
    rollouts: Rollouts,
    failures: Failures,
    leavers: Leavers,
    ledger: Ledger,
    previews: Previews,
    checkup: Checkup,
    rows: Rows,
    diary: Diary,
    patience: Patience,
    nudges: Nudges,
    desk: Desk,
    /// The names that have to be thought about.
    dirty: BTreeSet<ClaimedName>,
    /// Approvals to be read.
    unread: BTreeSet<String>,
    /// Whether the repository is to be looked at now.
    visit: bool,
    /// Whether every kind was listed once, or cannot be. Before that, every plan would be a list of
    /// what it waits for.
    looked: bool,
    /// Whether the Lease is to be read again, because the server's store may have been put back.
    reread: bool,
    /// Whether nothing may be done: somebody only wants to know what would be, once or all the time.
    idle: bool,
    board: Arc<Board>,
    /// Whether something changed that the board does not show yet.
    behind: bool,
    /// Not before: thousands of solutions take long to show and change often.
    show_at: Timestamp,
    checked_at: Option<Timestamp>,
    /// When removals are looked at again though nothing happened.
    removal_look: Option<Timestamp>,
    /// Namespaces of which it was said that they take too long to go.
    late: BTreeSet<SolutionName>,
    /// Not before: somebody who judged or rendered was lost.
    work_at: Option<Timestamp>,
    /// Not before: as for `show_at`, for the lines on commits.
    note_at: Timestamp,
    happened: Vec<Happened>,
    /// How many names were thought about.
    #[cfg(test)]
    thought: usize,
}

impl Engine {
    /// An engine that has heard nothing yet. `seed`: chance, for the jitter of pauses.
    pub fn new(settings: Config, seed: u64, now: Now) -> Self {
        let instance = settings.instance.clone();
        let board = Board::new(instance.clone(), settings.repository.shown_url());
        let annotates = settings.forge.as_ref().is_some_and(|forge| forge.annotations);
        let pull_requests =
            settings.forge.as_ref().map(|forge| forge.pull_requests).unwrap_or_default();
        Self {
            steady: Steady::new(now),
            sight: Sight::new(instance.clone(), settings.cluster.namespace.clone(), seed),
            book: Book::default(),
            brake: Brake::default(),
            posting: Posting::default(),
            outage: Outage::default(),
            trials: Trials::default(),
            rollouts: Rollouts::default(),
            failures: Failures::new(instance.clone(), seed),
            leavers: Leavers::default(),
            ledger: Ledger::new(instance, &settings),
            previews: Previews::new(pull_requests, annotates),
            checkup: Checkup::default(),
            rows: Rows::default(),
            diary: Diary::default(),
            patience: Patience::default(),
            nudges: Nudges::default(),
            desk: Desk::default(),
            dirty: BTreeSet::new(),
            unread: BTreeSet::new(),
            visit: false,
            looked: false,
            reread: false,
            idle: settings.cluster.mode == Mode::Report,
            board: Arc::new(board),
            behind: true,
            show_at: Timestamp::UNIX_EPOCH,
            checked_at: None,
            removal_look: None,
            late: BTreeSet::new(),
            work_at: None,
            note_at: Timestamp::UNIX_EPOCH,
            happened: Vec::new(),
            #[cfg(test)]
            thought: 0,
            settings,
        }
    }

    /// Looks at the platform after the first steps and every ten minutes, and says what is missing
    /// or dangerous.
    #[must_use]
    pub fn with_check_up(mut self) -> Self {
        self.checkup.wanted = true;
        self
    }

    /// Only to know what a pass would do: writes nothing anywhere.
    #[must_use]
    pub fn only_looking(mut self) -> Self {
        self.idle = true;
        self
    }

    /// With room for the bodies of so many solutions.
    #[cfg(any(test, feature = "samples"))]
    #[must_use]
    pub(crate) fn narrow(mut self, places: usize) -> Self {
        self.book.narrow(places);
        self.ledger.narrow();
        self
    }

    /// Takes in what happened. Cheap; never fails.
    pub fn hear(&mut self, event: Event, now: Now) {
        self.take_in(event, now);
    }

    /// What should be done now that is not under way yet. Asking twice gives nothing the second
    /// time.
    pub fn decide(&mut self, now: Now) -> Vec<Order> {
        let mut orders = Vec::new();
        for id in self.desk.overdue(self.steady.at(now)) {
            self.lose(id, now);
        }
        self.wake(now);
        self.send_reader(&mut orders);
        self.looked |= self.sight.has_looked();
        self.stage(now);
        // What one pass changes for other names is thought about in the same breath.
        for _ in 0..2 {
            let asked = !self.dirty.is_empty() || !self.brake.is_judged();
            if self.looked && self.book.catalog().is_some() && asked {
                self.act(now, &mut orders);
            }
        }
        self.settle_doubts();
        if self.work_at.is_none_or(|at| at <= self.steady.at(now)) {
            self.work_at = None;
            self.ask_for_judgement(now, &mut orders);
            self.ask_for_forms(now, &mut orders);
        }
        self.read_lease(now, &mut orders);
        if !self.idle {
            self.record(now, &mut orders);
            self.post(now, &mut orders);
            self.check_up(now, &mut orders);
        }
        self.read_approvals(now, &mut orders);
        for kind in self.sight.relist() {
            self.happened.push(Happened::Backwards(kind));
            orders.push(Order::Relist(kind));
        }
        orders.extend(self.sight.late().into_iter().map(Order::Relist));
        orders.extend(self.sight.audits(self.steady.at(now)).into_iter().map(Order::Relist));
        if std::mem::take(&mut self.visit) {
            orders.push(Order::Visit);
        }
        self.tell(now, &mut orders);
        if self.may_preview() {
            self.preview(now, &mut orders);
        }
        orders
    }

    /// When to ask again although nothing happens.
    pub fn deadline(&self, now: Now) -> Option<Now> {
        let steady = self.steady.at(now);
        let show = self.behind.then_some(self.show_at);
        let note = (self.can_speak() && self.ledger.is_behind()).then_some(self.note_at);
        let next = [
            self.failures.deadline(),
            self.trials.deadline(steady),
            self.rollouts.deadline(),
            self.checkup.deadline(steady).filter(|_| !self.idle),
            self.brake.deadline(steady),
            self.posting.deadline(steady),
            self.outage.deadline(),
            self.ledger.deadline().map(|at| at.max(self.note_at)).filter(|_| self.can_speak()),
            self.previews.deadline().filter(|_| self.may_preview()),
            self.diary.deadline(),
            self.patience.deadline(),
            self.nudges.deadline(),
            // Before that nobody is asked.
            self.book.deadline().map(|at| self.work_at.map_or(at, |work| at.max(work))),
            self.sight.deadline(),
            self.desk.deadline(),
            self.removal_look,
            self.work_at,
            show,
            note,
        ];
        let by_steady = next.into_iter().flatten().min().map(|at| at.duration_since(steady));
        let leaving = self.late_namespaces().map(|(_, late)| late).filter(|late| *late > now.wall);
        let ending = self.previews.ends_at();
        let midnight = std::iter::once(phase::next_day(now.wall));
        let by_wall =
            leaving.chain(midnight).chain(ending).min().map(|at| at.duration_since(now.wall));
        let pending = (self.looked && self.book.catalog().is_some() && !self.dirty.is_empty())
            .then_some(SignedDuration::ZERO);
        let wait = by_steady.into_iter().chain(by_wall).chain(pending).min()?;
        let wait = std::time::Duration::try_from(wait).unwrap_or_default();
        let wall = now.wall.checked_add(wait).unwrap_or(now.wall);
        Some(Now { wall, since_start: now.since_start + wait })
    }

    /// What happened since this was last asked.
    pub fn happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// Nothing is under way and nothing will change by itself.
    pub fn is_quiet(&self) -> bool {
        // While nothing was read, nobody can think about what the cluster holds.
        let idle = match self.book.catalog() {
            None => self.book.unknown.is_some(),
            Some(_) => {
                (self.book.unknown.is_some() || self.sight.has_looked()) && self.dirty.is_empty()
            }
        };
        // Who could let go what is held has to be read first.
        let asked = !self.unread.is_empty() || self.desk.any(|e| matches!(e, Errand::Approval(_)));
        let unheard = self.brake.hold().is_some() && asked;
        idle && !unheard
            && self.desk.is_quiet()
            && self.book.is_quiet()
            && !self.behind
            && self.rows.verdicts().values().all(|verdict| verdict.is_settled())
            && (!self.can_speak() || self.ledger.is_quiet())
    }

    /// The board as it was last shown.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// What the cluster holds, as far as it is known.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Names of which something was said and that are not in the catalogue.
    fn removing(&self) -> impl Iterator<Item = &SolutionName> {
        self.rows.removing().filter(|name| self.book.known(name).is_none())
    }

    /// The namespaces of ours that are being deleted, and when that has taken too long.
    fn late_namespaces(&self) -> impl Iterator<Item = (SolutionName, Timestamp)> {
        self.sight.leaving().iter().map(|(name, since)| {
            let late = *since + status::health::NAMESPACE_PATIENCE;
            (name.clone(), late + SignedDuration::from_millis(1))
        })
    }

    fn all_dirty(&mut self) {
        let solutions = self.book.published().chain(self.book.shown());
        let solutions = solutions.chain(self.sight.observed.solutions.keys());
        self.dirty.extend(solutions.map(ClaimedName::from));
        self.dirty.extend(self.book.left_alone().cloned());
        self.dirty.extend(self.rows.verdicts().keys().cloned());
        self.dirty.extend(self.rows.previews().keys().cloned());
    }

    /// Sends an order off, and gives it its number.
    fn send(&mut self, errand: Errand, now: Now) -> OrderId {
        self.desk.send(errand, self.steady.at(now))
    }

    fn ask_for_judgement(&mut self, now: Now, orders: &mut Vec<Order>) {
        let Some(snapshot) = self.book.unjudged() else { return };
        let revision = snapshot.revision.clone();
        if !self.desk.any(|e| matches!(e, Errand::Judge(judged) if *judged == revision)) {
            let id = self.send(Errand::Judge(revision), now);
            orders.push(Order::Judge { id, snapshot });
        }
    }

    fn ask_for_forms(&mut self, now: Now, orders: &mut Vec<Order>) {
        for (work, forms) in
            self.book.work(&self.settings.instance, !self.idle, self.steady.at(now))
        {
            let id = self.send(Errand::Render(forms), now);
            orders.push(Order::Render { id, work });
        }
    }

    fn read_approvals(&mut self, now: Now, orders: &mut Vec<Order>) {
        for name in std::mem::take(&mut self.unread) {
            let id = self.send(Errand::Approval(name.clone()), now);
            orders.push(Order::Approval { id, name });
        }
    }
}
