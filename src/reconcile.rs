//! When, and the step.
//!
//! In: news from the repository, events from the cluster, deadlines. Out: submitted plans, the
//! published [`Board`], notes. One loop owns everything that is known; what blocks runs elsewhere
//! and arrives as news.

mod arrivals;
mod checkup;
mod courier;
mod judging;
mod memory;
mod outlook;
mod patience;
mod phase;
mod removal;
mod tally;
mod telling;
mod trials;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::git::Source;
use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::catalog::{Solution, Standing};
use vitrine_core::config::{Config, Verify};
use vitrine_core::ledger::History;
use vitrine_core::model::names::NAMESPACE_PREFIX;
use vitrine_core::model::{Kind, ObjectKey, Revision};
use vitrine_core::plan::brake::Wishes;
use vitrine_core::plan::observed::{KindState, Owner};
use vitrine_core::plan::{self, Gate, Ground, Hold, Phase, Setback, Setbacks, SolutionPlan, Step};
use vitrine_core::status::{self, Board, Verdict};

use checkup::Checkup;
use courier::Courier;
use memory::{Known, Memory};
pub use outlook::{Outlook, Unseen};
pub use patience::Awaited;
use patience::at;
pub use tally::Tally;
use telling::Telling;

/// When the engine may stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Only when it is told to.
    Stopped,
    /// When nothing is under way and no verdict is Progressing, OutOfSync or Removing, or the
    /// time is over.
    Quiet { at_most: Duration },
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Stopped,
    /// Quiet; the board says whether everything is good.
    Quiet,
    OutOfTime(Awaited),
}

/// Whether the calendar lets a solution run at this time.
pub fn phase_at(solution: &Solution, now: Timestamp) -> Phase {
    phase::phase(solution, phase::day(now))
}

/// The reconciler of one catalogue on one cluster.
pub struct Engine {
    settings: Config,
    cluster: Cluster,
    courier: Courier,
    board: watch::Sender<Arc<Board>>,
    memory: Memory,
    dirty: BTreeSet<String>,
    /// Whether every kind was listed once, or cannot be. Before that, every plan would be a list of
    /// what it waits for.
    looked: bool,
    /// Set while the repository cannot be read.
    unknown: Option<Unknown>,
    /// Whether the last applied commit is not an ancestor of the one in force.
    rewritten: bool,
    setbacks: Setbacks,
    wishes: Wishes,
    hold: Option<Hold>,
    history: History,
    /// Since when a Deployment is woken to be verified.
    woken: BTreeMap<ObjectKey, Timestamp>,
    /// Solutions whose removal began lately, as the Lease should have it.
    removals: Vec<(String, Timestamp)>,
    /// What the Lease was last given, so that it is written once.
    recorded: Option<Revision>,
    /// Whether what the Lease remembers is known here, or that there is none.
    adopted: bool,
    /// Whether the commit in force was compared with what the Lease remembers. Before that nothing
    /// is recorded and nothing deleted.
    compared: bool,
    /// Whether the repository has answered since the start. Before that nothing is deleted.
    heard: bool,
    /// Raised when a person asks to try everything now.
    hints: Arc<Notify>,
    telling: Telling,
    problems: BTreeMap<&'static str, String>,
    checkup: Checkup,
}

impl Engine {
    /// An engine that has read nothing yet. The board is published through the returned receiver.
    pub fn new(
        settings: Config,
        source: Source,
        cluster: Cluster,
    ) -> (Self, watch::Receiver<Arc<Board>>) {
        let courier = Courier::start(source, &settings.repository, settings.instance.clone());
        let empty = Board::new(settings.instance.clone(), settings.repository.shown_url());
        let (board, boards) = watch::channel(Arc::new(empty));
        let engine = Self {
            settings,
            cluster,
            courier,
            board,
            memory: Memory::default(),
            dirty: BTreeSet::new(),
            looked: false,
            unknown: None,
            rewritten: false,
            setbacks: Setbacks::new(),
            wishes: Wishes::default(),
            hold: None,
            history: History::default(),
            woken: BTreeMap::new(),
            removals: Vec::new(),
            recorded: None,
            adopted: false,
            compared: false,
            heard: false,
            hints: Arc::new(Notify::new()),
            telling: Telling::default(),
            problems: BTreeMap::new(),
            checkup: Checkup::default(),
        };
        (engine, boards)
    }

    /// What it has done so far, to be kept while it runs.
    pub fn tally(&self) -> Arc<Tally> {
        self.memory.tally()
    }

    /// Notify it, and the engine looks at the repository and tries what waits for a better time.
    pub fn hints(&self) -> Arc<Notify> {
        Arc::clone(&self.hints)
    }

    /// Runs until it is told to stop, or until everything is quiet.
    pub async fn run(mut self, until: Until, stop: CancellationToken) -> Ended {
        let limit = match until {
            Until::Stopped => None,
            Until::Quiet { at_most } => Some(tokio::time::Instant::now() + at_most),
        };
        let mut heard = tokio::time::Instant::now();
        let ended = loop {
            tokio::select! {
                biased;
                () = self.step(Timestamp::now()) => {}
                // It waits for nobody but the Lease to be written.
                () = at(limit) => break Ended::OutOfTime(Awaited::Cluster),
            }
            if limit.is_some() && self.is_quiet() {
                break Ended::Quiet;
            }
            let due = self.next_deadline(Timestamp::now());
            tokio::select! {
                () = stop.cancelled() => break Ended::Stopped,
                () = at(limit) => break Ended::OutOfTime(self.awaited(heard.elapsed())),
                touched = self.cluster.next() => {
                    heard = tokio::time::Instant::now();
                    self.absorb(touched, Timestamp::now());
                }
                news = self.courier.news() => match news {
                    Some(news) => self.hear(news, Timestamp::now()),
                    None => break Ended::Stopped,
                },
                () = self.hints.notified() => self.try_everything(Timestamp::now()),
                () = tokio::time::sleep(due) => self.wake(Timestamp::now()),
            }
        };
        match (until, ended) {
            (Until::Stopped, _) | (Until::Quiet { .. }, Ended::Stopped) => self.part().await,
            (Until::Quiet { .. }, Ended::Quiet | Ended::OutOfTime(_)) => self.part_soon().await,
        }
        ended
    }

    /// Brings the cluster nearer to the catalogue, once. Calling it again changes nothing.
    ///
    /// Read the world, think, change the world, say what happened: what was read is in
    /// `memory` and in `cluster.observed()`, and only dirty solutions are thought about.
    async fn step(&mut self, now: Timestamp) {
        self.looked |= self.has_looked();
        if self.looked && self.memory.catalog.is_some() && !self.dirty.is_empty() {
            self.act(now).await;
        }
        self.check_up(now);
        self.tell(now);
    }

    /// Plans what is dirty, sends the steps that can begin, and judges.
    async fn act(&mut self, now: Timestamp) {
        let plans = self.think(now);
        if self.begins_to_remove(&plans, now) || self.is_first_write(&plans) {
            self.record(now).await;
        }
        let names: Vec<String> = plans.iter().map(|(name, _)| name.clone()).collect();
        let waited = !self.additions(now).is_empty();
        for (name, plan) in plans {
            self.cluster.submit(&name, plan.ready().cloned().collect());
            self.memory.planned(&name, plan);
        }
        for name in &names {
            self.judge(name, now);
        }
        if waited && self.additions(now).is_empty() {
            // The last addition arrived: what is removed waits no longer.
            self.dirty.extend(self.memory.removing().map(str::to_owned));
        }
        if self.completely_applied() {
            self.record(now).await;
        }
    }

    /// Renders and plans every dirty solution, and those whose plans the brake changes.
    fn think(&mut self, now: Timestamp) -> Vec<(String, SolutionPlan)> {
        let mut dirty = std::mem::take(&mut self.dirty);
        let trials = self.woken.len();
        self.notice_setbacks(&dirty, now);
        for name in &dirty {
            self.memory.render(name, &self.settings.instance, now);
            self.drop_old_setbacks(name);
            if self.is_settled(name, now) {
                self.memory.let_bodies_go(name); // a restart finds thousands in place
            }
            self.note_wishes(name);
            self.note_woken(name, now);
        }
        dirty.extend(self.apply_brake(now));
        if self.woken.len() < trials {
            dirty.extend(self.memory.waiting_for_a_slot());
        }
        let additions = self.additions(now);
        let mut slots = match self.settings.rollouts.verify {
            Verify::Never => 0,
            Verify::OnUpdate { parallel } => parallel.saturating_sub(self.woken.len()),
        };
        let mut plans = Vec::with_capacity(dirty.len());
        for name in dirty {
            let plan = self.plan(&name, &additions, slots, now);
            let woken =
                plan.ready().filter(|s| matches!(s, Step::ForceActivation { on: true, .. }));
            slots = slots.saturating_sub(woken.count());
            plans.push((name, plan));
        }
        plans
    }

    fn plan(
        &mut self,
        name: &str,
        additions: &[String],
        slots: usize,
        now: Timestamp,
    ) -> SolutionPlan {
        let nothing = SolutionPlan::default();
        if self.is_settled(name, now) {
            return nothing;
        }
        let desired = self.memory.with_bodies(name, &self.settings.instance);
        let overdue = self.overdue(now);
        let Some(ground) = self.ground(slots, &overdue, now) else { return nothing };
        let standing = match (self.memory.known(name), &desired) {
            (Some(Known::Published { .. }), Some(desired)) => Standing::Published(&**desired),
            (Some(_), _) => Standing::Frozen,
            (None, _) => Standing::Gone,
        };
        plan::of_name(name, standing, additions, &ground)
    }

    /// Whether a solution is published as it should be, which is told without its bodies.
    fn is_settled(&self, name: &str, now: Timestamp) -> bool {
        let Some(Known::Published { outline, .. }) = self.memory.known(name) else { return false };
        let overdue = self.overdue(now);
        self.ground(0, &overdue, now).is_some_and(|ground| plan::is_settled(outline, &ground))
    }

    fn ground<'a>(
        &'a self,
        slots: usize,
        overdue: &'a BTreeSet<ObjectKey>,
        now: Timestamp,
    ) -> Option<Ground<'a>> {
        Some(Ground {
            observed: self.cluster.observed(),
            revision: self.memory.revision()?,
            setbacks: &self.setbacks,
            hold: self.hold.as_ref(),
            nothing_deleted: if !self.compared {
                Some(&Gate::Record)
            } else if !self.heard {
                Some(&Gate::Unheard)
            } else {
                None
            },
            verify: self.settings.rollouts.verify != Verify::Never,
            slots,
            overdue,
            now,
        })
    }

    fn knows_every_kind(&self) -> bool {
        let kinds = &self.cluster.observed().kinds;
        Kind::RENDERED.iter().all(|kind| kinds.get(kind).is_some_and(|s| *s != KindState::Unknown))
    }

    /// Every kind is known, or somebody was told why not.
    fn has_looked(&self) -> bool {
        let observed = self.cluster.observed();
        Kind::RENDERED.iter().all(|kind| {
            observed.kinds.get(kind).is_some_and(|state| *state != KindState::Unknown)
                || self.cluster.problems().contains_key(&kind.resource())
        })
    }

    /// How long nothing can change by the clock alone.
    fn next_deadline(&self, now: Timestamp) -> Duration {
        let setbacks = self.setbacks.values().filter_map(Setback::deadline);
        let woken = self.woken.iter().map(|(key, since)| *since + self.budget(key));
        let removing = self.memory.removing().next().map(|_| now + SignedDuration::from_secs(5));
        let leaving = self.late_namespaces().map(|(_, late)| late).filter(|late| *late > now);
        let midnight = Some(phase::next_day(now));
        let next = setbacks
            .chain(woken)
            .chain(self.telling.deadline())
            .chain(removing)
            .chain(leaving)
            .chain(midnight)
            .min();
        let wait = match next {
            _ if self.memory.catalog.is_some() && !self.dirty.is_empty() => SignedDuration::ZERO,
            Some(at) => at.duration_since(now),
            None => SignedDuration::from_hours(24),
        };
        Duration::try_from(wait).unwrap_or(Duration::ZERO).max(Duration::from_millis(20))
    }

    /// The namespaces of ours that are being deleted, and when that has taken too long.
    fn late_namespaces(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.cluster.observed().namespaces.iter().filter_map(|(name, facts)| {
            let ours = facts.owner == Owner::ThisInstance;
            let late = facts.deleting.filter(|_| ours)? + status::health::NAMESPACE_PATIENCE;
            let solution = name.strip_prefix(NAMESPACE_PREFIX)?;
            Some((solution, late + SignedDuration::from_millis(1)))
        })
    }

    /// Nothing is under way and nothing will change by itself.
    fn is_quiet(&self) -> bool {
        let known = self.has_looked();
        // While nothing was read, nobody can think about what the cluster holds.
        let idle = match &self.memory.catalog {
            None => self.unknown.is_some(),
            Some(_) => (self.unknown.is_some() || known) && self.dirty.is_empty(),
        };
        idle && !self.cluster.busy()
            && self.memory.verdicts().values().all(Verdict::is_settled)
            && self.telling.is_quiet()
    }
}
