//! When, and the step.
//!
//! In: news from the repository, events from the cluster, deadlines. Out: submitted plans, the
//! published [`Board`], notes. One loop owns everything that is known; what blocks runs elsewhere
//! and arrives as news.

mod courier;
mod memory;
mod phase;
mod setbacks;
mod tally;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::apply::{Cluster, Touched};
use crate::catalog::snapshot::Unknown;
use crate::catalog::{self, Catalog, Solution};
use crate::config::{Config, Verify};
use crate::model::{Kind, ObjectKey, Party, Revision, names::NAMESPACE_PREFIX};
use crate::plan::brake::Wishes;
use crate::plan::observed::{HealthFacts, KindState, Record};
use crate::plan::{
    self, BrakeSettings, Ground, Hold, Outcome, Outline, Phase, Setbacks, SolutionPlan, Step,
};
use crate::report::{self, History};
use crate::source::Source;
use crate::status::{self, Board, Case, Standing, Sync, Verdict};

use courier::{Commit, Courier, News};
use memory::{Known, Memory};
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
    OutOfTime,
}

/// What a pass would do.
#[derive(Debug)]
pub struct Outlook {
    /// Plans that are not empty.
    pub plans: Vec<(String, SolutionPlan)>,
    pub hold: Option<Hold>,
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
    telling: Telling,
    problems: BTreeMap<&'static str, String>,
}

/// How long an approved removal counts, as the brake does.
const LATELY: SignedDuration = SignedDuration::from_hours(1);
/// How long the deletions of one removal may be apart.
const ONE_REMOVAL: SignedDuration = SignedDuration::from_mins(10);
/// How old a Namespace may be for its solution to count as just being added.
const JUST_ADDED: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// An engine that has read nothing yet but the daemon's Lease. The board is published through
    /// the returned receiver.
    pub async fn new(
        settings: Config,
        source: Source,
        mut cluster: Cluster,
    ) -> (Self, watch::Receiver<Arc<Board>>) {
        // History is asked for from what was applied last, so the Lease comes first. Where it
        // cannot be read, nothing is deleted (`Gate::Record`).
        while cluster.observed().record == Record::Unread && cluster.problems().is_empty() {
            cluster.next().await;
        }
        let (since, removals) = match &cluster.observed().record {
            Record::Kept { applied, removals, .. } => (applied.clone(), removals.clone()),
            Record::Missing | Record::Unread => (None, Vec::new()),
        };
        let courier =
            Courier::start(source, &settings.repository, settings.instance.clone(), since.clone());
        let empty = Board::new(settings.instance.clone(), settings.repository.shown_url());
        let (board, boards) = watch::channel(Arc::new(empty));
        let mut engine = Self {
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
            removals,
            recorded: since,
            telling: Telling::default(),
            problems: BTreeMap::new(),
        };
        // What was listed before the Lease was read is told only once.
        engine.all_dirty();
        (engine, boards)
    }

    /// What it has done so far, to be kept while it runs.
    pub fn tally(&self) -> Arc<Tally> {
        self.memory.tally()
    }

    /// Runs until it is told to stop, or until everything is quiet.
    pub async fn run(mut self, until: Until, stop: CancellationToken) -> Ended {
        let limit = match until {
            Until::Stopped => None,
            Until::Quiet { at_most } => Some(tokio::time::Instant::now() + at_most),
        };
        let ended = loop {
            self.step(Timestamp::now()).await;
            if limit.is_some() && self.is_quiet() {
                break Ended::Quiet;
            }
            let due = self.next_deadline(Timestamp::now());
            tokio::select! {
                () = stop.cancelled() => break Ended::Stopped,
                () = at(limit) => break Ended::OutOfTime,
                touched = self.cluster.next() => self.absorb(touched, Timestamp::now()),
                news = self.courier.news() => match news {
                    Some(news) => self.hear(news, Timestamp::now()),
                    None => break Ended::Stopped,
                },
                () = tokio::time::sleep(due) => self.wake(Timestamp::now()),
            }
        };
        self.cluster.stop().await;
        self.courier.stop().await;
        ended
    }

    /// What a pass would do now, without doing it: waits until the repository is read and every
    /// kind is known, then plans.
    ///
    /// # Errors
    /// A sentence: the repository or the cluster could not be read in time.
    pub async fn look(mut self, at_most: Duration) -> Result<Outlook, String> {
        let limit = Some(tokio::time::Instant::now() + at_most);
        while self.memory.catalog.is_none() || !self.knows_every_kind() {
            tokio::select! {
                () = at(limit) => return Err("the repository or the cluster did not answer in time".to_owned()),
                touched = self.cluster.next() => self.absorb(touched, Timestamp::now()),
                news = self.courier.news() => match news {
                    Some(news) => self.hear(news, Timestamp::now()),
                    None => return Err("the repository's reader ended".to_owned()),
                },
            }
            if let Some(unknown) = &self.unknown {
                return Err(unknown.cause.clone());
            }
            if let Some(problem) = self.cluster.problems().values().next() {
                return Err(problem.clone());
            }
        }
        if let Some(Err(faults)) = self.memory.catalog.as_ref().map(|c| c.platform.as_ref()) {
            return Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        self.all_dirty();
        let plans = self.think(Timestamp::now());
        let plans = plans.into_iter().filter(|(_, plan)| !plan.is_empty()).collect();
        self.cluster.stop().await;
        self.courier.stop().await;
        Ok(Outlook { plans, hold: self.hold })
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
            self.judge(name);
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
        for name in &dirty {
            self.memory.render(name, &self.settings.instance, now);
            if self.is_settled(name, now) {
                self.memory.let_bodies_go(name); // a restart finds thousands in place
            }
            self.note_wishes(name);
            self.note_woken(name, now);
        }
        dirty.extend(self.apply_brake(now));
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

    /// Decides on the brake and returns the solutions whose plans it changes.
    fn apply_brake(&mut self, now: Timestamp) -> BTreeSet<String> {
        if !self.knows_every_kind() {
            return BTreeSet::new(); // it could not count, and the plan deletes nothing until then
        }
        let settings = BrakeSettings {
            max_removed_share: self.settings.safety.max_removed_share,
            max_deletions: self.settings.safety.max_deletions,
            approvals_expire_after: SignedDuration::try_from(
                self.settings.safety.approvals_expire_after,
            )
            .unwrap_or(SignedDuration::ZERO),
            root: &self.settings.repository.path,
            rewritten: self.rewritten,
            now,
        };
        let hold = plan::brake(&self.wishes, self.cluster.observed(), &settings);
        if hold == self.hold {
            return BTreeSet::new();
        }
        if let Some(hold) = &hold {
            tracing::warn!(hash = hold.hash.first(12), "deletions are held: {}", hold.reason);
        }
        let concerned = |hold: &Option<Hold>| -> BTreeSet<String> {
            hold.iter().flat_map(|h| h.disappearing.iter().chain(&h.staying).cloned()).collect()
        };
        let changed = concerned(&self.hold).union(&concerned(&hold)).cloned().collect();
        self.hold = hold;
        self.telling.changed();
        changed
    }

    /// Keeps the list of deletions that the catalogue asks for.
    fn note_wishes(&mut self, name: &str) {
        self.wishes.disappearing.remove(name);
        self.wishes.staying.remove(name);
        let observed = self.cluster.observed();
        let (wishes, outline) = match self.memory.known(name) {
            Some(Known::Published { outline, .. }) => (&mut self.wishes.staying, Some(outline)),
            Some(Known::Frozen) => return,
            None => (&mut self.wishes.disappearing, None),
        };
        let wanted = outline.into_iter().flat_map(Outline::keys);
        let mut keys = plan::deletions(name, wanted, observed);
        keys.retain(|key| outline.is_none() || !plan::is_routine(key));
        if !keys.is_empty() {
            wishes.insert(name.to_owned(), keys);
        }
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
        match (self.memory.known(name), desired) {
            (Some(Known::Published { .. }), Some(desired)) => plan::publish(&desired, &ground),
            (Some(_), _) => nothing,
            (None, _) => plan::remove(name, additions, &ground),
        }
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
            verify: self.settings.rollouts.verify != Verify::Never,
            slots,
            overdue,
            now,
        })
    }

    /// Solutions that are just being added: a rename removes the old name after the new one is
    /// there.
    fn additions(&self, now: Timestamp) -> Vec<String> {
        if self.wishes.disappearing.is_empty() {
            return Vec::new();
        }
        let observed = self.cluster.observed();
        let is_new =
            |name: &str| match observed.namespaces.get(&format!("{NAMESPACE_PREFIX}{name}")) {
                None => true,
                Some(facts) => {
                    facts.created.is_some_and(|created| now.duration_since(created) < JUST_ADDED)
                }
            };
        let arrived = |name: &str| {
            self.memory.verdict(name).is_some_and(|v| match v.sync {
                Sync::Synced | Sync::Failed | Sync::Blocked => true,
                Sync::Progressing | Sync::OutOfSync | Sync::Unknown | Sync::Removing => false,
            })
        };
        self.memory
            .published()
            .filter(|name| is_new(name) && !arrived(name))
            .map(str::to_owned)
            .collect()
    }

    /// Whether solutions begin to be removed, which the Lease must know before the first DELETE.
    fn begins_to_remove(&mut self, plans: &[(String, SolutionPlan)], now: Timestamp) -> bool {
        let mut begun = false;
        for (name, plan) in plans {
            let deletes = plan.ready().any(|step| matches!(step, Step::Delete { .. }));
            if !deletes || self.memory.known(name).is_some() {
                continue;
            }
            // An older stamp is of a removal before this one: the name came back in between.
            let lately = |at: &Timestamp| now.duration_since(*at) < ONE_REMOVAL;
            if self.removals.iter().any(|(removed, at)| removed == name && lately(at)) {
                continue;
            }
            tracing::info!(solution = name, "removing: its folder is gone");
            self.removals.retain(|(removed, _)| removed != name);
            self.removals.push((name.clone(), now));
            begun = true;
        }
        begun
    }

    /// On a cluster that holds nothing of ours the Lease is written first, so that a crash during
    /// the first pass does not look like a lost memory.
    fn is_first_write(&self, plans: &[(String, SolutionPlan)]) -> bool {
        let observed = self.cluster.observed();
        observed.record == Record::Missing
            && observed.solutions.values().all(BTreeMap::is_empty)
            && plans.iter().any(|(_, plan)| plan.ready().next().is_some())
    }

    /// Every deletion that the commit asks for is done or sent.
    fn completely_applied(&self) -> bool {
        // A faulty platform freezes everything: that nothing is to be deleted then says nothing.
        let sound = self.memory.catalog.as_ref().is_some_and(|c| c.platform.is_ok());
        sound
            && self.knows_every_kind()
            && self.unknown.is_none()
            && self.hold.is_none()
            && self.wishes.disappearing.is_empty()
            && self.wishes.staying.is_empty()
            && self
                .memory
                .revision()
                .is_some_and(|revision| self.recorded.as_ref() != Some(revision))
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

    async fn record(&mut self, now: Timestamp) {
        let Some(revision) = self.memory.revision().cloned() else { return };
        let complete = self.completely_applied();
        let applied = match &self.recorded {
            Some(recorded) if !complete => recorded.clone(),
            Some(_) | None => revision,
        };
        self.removals.retain(|(_, at)| now.duration_since(*at) < LATELY);
        match self.cluster.record(&applied, &self.settings.repository.path, &self.removals).await {
            Ok(()) => {
                self.recorded = Some(applied);
                self.rewritten &= !complete;
                self.problems.remove("lease");
            }
            Err(cause) => {
                tracing::warn!("the Lease could not be written: {cause}");
                self.problems.insert("lease", format!("the Lease could not be written: {cause}"));
            }
        }
    }

    // ---- what arrives ----

    /// News from the repository.
    fn hear(&mut self, news: News, now: Timestamp) {
        match news {
            News::Commit(commit) => self.take_commit(*commit, now),
            News::Same => {
                if self.unknown.take().is_some() {
                    self.all_dirty();
                    self.telling.changed();
                }
            }
            News::Unknown(unknown) => {
                let since = self.unknown.as_ref().map_or(unknown.since, |first| first.since);
                tracing::warn!("the repository cannot be read: {}", unknown.cause);
                self.unknown = Some(Unknown { since, cause: unknown.cause });
                self.all_dirty();
                self.telling.changed();
            }
            News::Noted(Ok(())) => {
                self.problems.remove("notes");
                self.telling.noted();
            }
            News::Noted(Err(unknown)) => {
                tracing::warn!("the notes could not be written: {}", unknown.cause);
                self.problems
                    .insert("notes", format!("the notes could not be written: {}", unknown.cause));
                self.telling.not_noted(now);
            }
        }
        self.checked(now);
    }

    /// A commit came: judge it, find out what it touches.
    fn take_commit(&mut self, commit: Commit, now: Timestamp) {
        let Commit { snapshot, changes, records } = commit;
        tracing::info!(
            revision = snapshot.revision.short(),
            folders = snapshot.folders.len(),
            "read"
        );
        if self.unknown.take().is_some() {
            self.all_dirty(); // also those whose folder is as it was say Unknown
        }
        // Until all that it asks for was done: `changes` compares with the commit before this one.
        self.rewritten = (self.rewritten || changes.rewritten)
            && self.recorded.as_ref().is_some_and(|applied| *applied != snapshot.revision);
        let catalog = catalog::read(&snapshot, &mut self.memory.judged);
        for fault in catalog.platform.as_ref().err().into_iter().flatten() {
            tracing::warn!("{fault}");
        }
        self.note_passage(&snapshot.revision);
        for change in &changes.commits {
            for folder in &change.folders {
                let name = folder.rsplit('/').next().unwrap_or(folder);
                let old = self.history.records.insert(name.to_owned(), change.revision.clone());
                let waits = |old: &Revision| {
                    *old != change.revision && !self.has_last_word(old, Some(name))
                };
                if let Some(old) = old.filter(waits) {
                    self.history.overtaken.insert((old, name.to_owned()));
                }
            }
        }
        for (folder, revision) in records {
            let name = folder.rsplit('/').next().unwrap_or(&folder);
            self.history.records.insert(name.to_owned(), revision);
        }
        self.setbacks.retain(|_, setback| setback.until.is_none());
        let first = self.memory.catalog.is_none();
        let touched = self.memory.take(catalog, now);
        self.dirty.extend(touched);
        if first {
            // What the cluster told before there was a catalogue to hold it against.
            self.all_dirty();
        }
        self.telling.changed();
    }

    /// The branch has another head: what waits for its last word on older commits goes on
    /// waiting, the rest is forgotten.
    fn note_passage(&mut self, head: &Revision) {
        let mut overtaken = std::mem::take(&mut self.history.overtaken);
        overtaken.retain(|(commit, name)| {
            let known = self.memory.verdict(name).is_some() || self.history.removed.contains(name);
            known && !self.has_last_word(commit, Some(name))
        });
        self.history.overtaken = overtaken;
        let mut passed = std::mem::take(&mut self.history.passed);
        passed.extend(self.history.head.replace(head.clone()));
        passed.retain(|commit| commit != head && !self.has_last_word(commit, None));
        self.history.passed = passed;
    }

    /// Whether a status that is not pending stands on this commit, of a solution or of the whole.
    /// Where nothing is written, nothing waits for it.
    fn has_last_word(&self, commit: &Revision, name: Option<&str>) -> bool {
        let context = report::context(&self.settings.instance, name);
        !self.settings.notes || self.telling.has_last_word(commit, &context)
    }

    /// Events of the cluster and ends of steps.
    fn absorb(&mut self, touched: Vec<Touched>, now: Timestamp) {
        for touched in touched {
            match touched {
                Touched::Solution(name) => {
                    self.dirty.insert(name);
                }
                Touched::Namespace(namespace) => {
                    if let Some(name) = namespace.strip_prefix(NAMESPACE_PREFIX) {
                        self.dirty.insert(name.to_owned());
                    }
                }
                Touched::Kind(..) | Touched::Approvals | Touched::Record => self.all_dirty(),
                Touched::Done { solution, step, outcome } => {
                    self.finish(&solution, &step, outcome, now);
                    self.dirty.insert(solution);
                }
            }
        }
        self.forget_what_is_gone();
    }

    fn finish(&mut self, solution: &str, step: &Step, outcome: Outcome, now: Timestamp) {
        log_outcome(solution, step, &outcome);
        if let Step::Delete { key, .. } = step
            && outcome == Outcome::Changed
        {
            // The survey may be as old as the event: look again.
            self.cluster.forget_survey(&key.name);
        }
        setbacks::learn(&mut self.setbacks, step, outcome, now);
    }

    /// Removed solutions of which nothing is left are not on the board any more.
    fn forget_what_is_gone(&mut self) {
        let observed = self.cluster.observed();
        let gone: Vec<String> = self
            .memory
            .removing()
            .filter(|name| observed.solutions.get(*name).is_none_or(BTreeMap::is_empty))
            .map(str::to_owned)
            .collect();
        for name in gone {
            tracing::info!(solution = name, "removed");
            self.memory.forget(&name);
            self.telling.changed();
            self.history.removed.insert(name);
        }
    }

    /// A deadline passed: look again at whatever waits for the clock.
    fn wake(&mut self, now: Timestamp) {
        let due = self.setbacks.iter().filter(|(_, s)| s.until.is_some_and(|until| until <= now));
        let instance = &self.settings.instance;
        let names: BTreeSet<String> =
            due.filter_map(|(key, _)| key.solution(instance).map(str::to_owned)).collect();
        self.dirty.extend(names);
        self.dirty.extend(self.memory.removing().map(str::to_owned));
        self.dirty
            .extend(self.woken.keys().filter_map(|key| key.solution(instance).map(str::to_owned)));
        self.dirty.extend(self.memory.changed_phase(now));
    }

    fn all_dirty(&mut self) {
        self.dirty.extend(self.memory.names().map(str::to_owned));
        self.dirty.extend(self.cluster.observed().solutions.keys().cloned());
    }

    // ---- verification ----

    /// Keeps the list of Deployments that are woken to be verified.
    fn note_woken(&mut self, name: &str, now: Timestamp) {
        let objects = self.cluster.observed().solutions.get(name);
        let forced: BTreeSet<ObjectKey> = objects
            .into_iter()
            .flatten()
            .filter(|(_, live)| matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.forced))
            .map(|(key, _)| ObjectKey { kind: Kind::Deployment, ..key.clone() })
            .collect();
        let namespace = format!("{NAMESPACE_PREFIX}{name}");
        self.woken.retain(|key, _| {
            key.namespace.as_deref() != Some(namespace.as_str()) || forced.contains(key)
        });
        for key in forced {
            self.woken.entry(key).or_insert(now);
        }
    }

    /// The woken Deployments whose start-up budget is over.
    fn overdue(&self, now: Timestamp) -> BTreeSet<ObjectKey> {
        self.woken
            .iter()
            .filter(|(key, since)| now.duration_since(**since) >= self.budget(key))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn budget(&self, key: &ObjectKey) -> SignedDuration {
        let startup = key
            .solution(&self.settings.instance)
            .and_then(|name| self.memory.startup(name, &key.name))
            .unwrap_or(Duration::from_secs(300));
        SignedDuration::try_from(startup).unwrap_or(SignedDuration::from_mins(5))
    }

    // ---- what is said ----

    fn judge(&mut self, name: &str) {
        let Some(catalog) = &self.memory.catalog else { return };
        let platform = catalog.platform.as_ref().ok();
        let empty = SolutionPlan::default();
        let plan = self.memory.plan(name).unwrap_or(&empty);
        let frozen;
        let standing = match (self.memory.known(name), catalog.refused.get(name)) {
            (Some(Known::Published { solution, outline, phase, .. }), _) => Standing::Published {
                solution,
                phase: *phase,
                plan,
                objects: outline.objects.len(),
            },
            // Without a sound platform nobody can tell what an author did wrong.
            (_, Some(refused)) if platform.is_some() => Standing::Refused(refused),
            (Some(Known::Frozen), _) => {
                let (reason, party) = frozen_because(catalog);
                frozen = reason;
                Standing::Frozen { reason: &frozen, party }
            }
            (None, Some(refused)) => Standing::Refused(refused),
            (None, None) => Standing::Removed(plan),
        };
        let case = Case {
            name,
            standing,
            observed: self.cluster.observed(),
            setbacks: &self.setbacks,
            hold: self.hold.as_ref(),
            problems: self.cluster.problems(),
            unknown: self.unknown.as_ref(),
            revision: self.history.records.get(name),
            in_force: self.memory.revision(),
            domain: platform.map_or("", |p| p.domain.as_str()),
            instance: self.settings.instance.as_str(),
        };
        let gone = matches!(case.standing, Standing::Removed(_))
            && case.observed.solutions.get(name).is_none_or(BTreeMap::is_empty);
        let verdict = (!gone).then(|| status::judge(&case));
        if self.memory.judged_as(name, verdict) {
            self.telling.changed();
        }
    }

    // ---- the clock ----

    /// How long nothing can change by the clock alone.
    fn next_deadline(&self, now: Timestamp) -> Duration {
        let setbacks = self.setbacks.values().filter_map(|s| s.until);
        let woken = self.woken.iter().map(|(key, since)| *since + self.budget(key));
        let removing = self.memory.removing().next().map(|_| now + SignedDuration::from_secs(5));
        let midnight = Some(phase::next_day(now));
        let next = setbacks
            .chain(woken)
            .chain(self.telling.deadline())
            .chain(removing)
            .chain(midnight)
            .min();
        let wait = match next {
            _ if self.memory.catalog.is_some() && !self.dirty.is_empty() => SignedDuration::ZERO,
            Some(at) => at.duration_since(now),
            None => SignedDuration::from_hours(24),
        };
        Duration::try_from(wait).unwrap_or(Duration::ZERO).max(Duration::from_millis(20))
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

/// Why names without a good solution are frozen, and whose turn it is.
fn frozen_because(catalog: &Catalog) -> (String, Party) {
    let reason = match (&catalog.platform, &catalog.protected.all) {
        (Err(faults), _) => {
            let fault = faults.first().map(ToString::to_string);
            let missing = || "there is no usable platform.yaml".to_owned();
            return (fault.unwrap_or_else(missing), Party::Operator);
        }
        (Ok(_), Some(all)) => all.clone(),
        (Ok(_), None) => {
            let folders: BTreeSet<&str> =
                catalog.refused.values().map(|refused| refused.folder.as_str()).collect();
            let folders: Vec<&str> = folders.into_iter().collect();
            format!("a refused folder declares this name (refused: {})", folders.join(", "))
        }
    };
    (reason, Party::Author)
}

fn log_outcome(solution: &str, step: &Step, outcome: &Outcome) {
    let key = step.key();
    match outcome {
        Outcome::Applied { created: true } => tracing::info!(solution, %key, "created"),
        Outcome::Applied { created: false } => match step {
            Step::Apply { why: plan::Why::Repair { fields, manager }, .. } => {
                tracing::info!(solution, %key, fields = fields.join(" "), manager, "repaired");
            }
            Step::ForceActivation { on, .. } => {
                tracing::info!(solution, %key, on, "woken to be verified")
            }
            Step::Verified { result, .. } => tracing::info!(solution, %key, ?result, "verified"),
            _ => tracing::info!(solution, %key, "applied"),
        },
        Outcome::Deleted => tracing::info!(solution, %key, "deleted"),
        Outcome::Gone | Outcome::Surveyed => tracing::debug!(solution, %key, ?outcome, "done"),
        Outcome::Changed => tracing::debug!(solution, %key, "changed meanwhile, deciding again"),
        Outcome::Rejected(r) => {
            tracing::warn!(solution, %key, code = r.code, reason = r.reason, "refused: {}", r.message);
        }
        Outcome::Unavailable { cause, .. } => tracing::warn!(solution, %key, "not done: {cause}"),
    }
}

async fn at(limit: Option<tokio::time::Instant>) {
    match limit {
        Some(limit) => tokio::time::sleep_until(limit).await,
        None => std::future::pending().await,
    }
}
