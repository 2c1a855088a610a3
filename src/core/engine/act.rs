//! A pass: plans what is dirty, says which steps can begin, and judges.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::book::Known;
use super::brake::Brake;
use super::desk::Errand;
use super::happened::Happened;
use super::{Engine, Now, Order};
use crate::catalog::Standing;
use crate::config::Verify;
use crate::model::{ClaimedName, ObjectKey, SolutionName};
use crate::plan::{self, Ground, SolutionPlan, Step};
use crate::status::Sync;

/// How old a Namespace may be for its solution to count as just being added.
const JUST_ADDED: SignedDuration = SignedDuration::from_mins(10);

/// What becomes of one dirty name.
enum Thought {
    Plan(SolutionPlan),
    /// Its bodies have to be rendered again; what was said of it stays said.
    Later,
}

impl Engine {
    /// Only dirty solutions are thought about. Doing it again changes nothing.
    pub(super) fn act(&mut self, now: Now, orders: &mut Vec<Order>) {
        let steady = self.steady.at(now);
        let mut dirty = std::mem::take(&mut self.dirty);
        let trials = self.trials.running();
        self.failures.notice(&dirty, &self.sight.observed, steady);
        for name in dirty.iter().filter_map(ClaimedName::solution) {
            self.prepare(name, steady);
        }
        dirty.extend(self.judge_brake(now).into_iter().map(ClaimedName::from));
        if self.trials.running() < trials {
            dirty.extend(self.rows.queued().map(ClaimedName::from));
        }
        let additions = self.additions(now.wall);
        let overdue = self.trials.overdue(steady);
        let mut slots = self.trials.slots(self.settings.rollouts.verify);
        for name in dirty.iter().filter_map(ClaimedName::solution) {
            match self.think(name, &additions, slots, &overdue, steady) {
                Thought::Later => continue,
                Thought::Plan(plan) => {
                    let wakes = plan
                        .ready()
                        .filter(|s| matches!(s, Step::ForceActivation { on: true, .. }));
                    slots = slots.saturating_sub(wakes.count());
                    self.submit(name, &plan, now, orders);
                    if plan.is_empty() {
                        self.book.let_bodies_go(name);
                    }
                    self.rows.planned(name, plan);
                }
            }
        }
        for name in &dirty {
            self.judge(name, now);
        }
        if !additions.is_empty() && self.additions(now.wall).is_empty() {
            // The last addition arrived: what is removed waits no longer.
            let removing: Vec<ClaimedName> = self.removing().map(ClaimedName::from).collect();
            self.dirty.extend(removing);
        }
    }

    /// Learns what a dirty name asks for.
    fn prepare(&mut self, name: &SolutionName, now: Timestamp) {
        self.book.settle(name);
        let Self { book, brake, failures, trials, sight, .. } = self;
        match book.known(name.as_str()) {
            Some(Known::Published { outline, .. }) => {
                failures.drop_old(name, outline);
                brake.wish(name, Some(outline), &sight.observed);
            }
            Some(Known::Coming | Known::Frozen) => brake.wish_nothing(name),
            None => brake.wish(name, None, &sight.observed),
        }
        trials.note(name, &sight.observed, |component| book.startup(name, component), now);
    }

    fn judge_brake(&mut self, now: Now) -> BTreeSet<SolutionName> {
        // It could not count, and nothing is deleted until it can.
        if !self.sight.knows_every_kind() || !self.book.is_complete() {
            return BTreeSet::new();
        }
        let before = self.brake.hold().map(|hold| hold.hash.clone());
        let changed = self.brake.judge(&self.settings, &self.sight.observed, now.wall);
        let hold = self.brake.hold().map(|hold| (hold.hash.clone(), hold.reason.clone()));
        if hold.as_ref().map(|(hash, _)| hash) != before.as_ref() {
            self.happened.push(Happened::Held(hold));
        }
        self.behind |= !changed.is_empty();
        changed
    }

    fn think(
        &mut self,
        name: &SolutionName,
        additions: &[SolutionName],
        slots: usize,
        overdue: &BTreeSet<ObjectKey>,
        steady: Timestamp,
    ) -> Thought {
        let Some(ground) = self.ground(slots, overdue, steady) else {
            return Thought::Plan(SolutionPlan::default());
        };
        let standing = match self.book.known(name.as_str()) {
            Some(Known::Published { outline, bodies, .. }) => {
                if plan::is_settled(outline, &ground) {
                    return Thought::Plan(SolutionPlan::default());
                }
                match bodies {
                    Some(bodies) => Standing::Published(&**bodies),
                    None => {
                        self.book.want_bodies(name);
                        return Thought::Later;
                    }
                }
            }
            Some(Known::Coming | Known::Frozen) => Standing::Frozen,
            None => Standing::Gone,
        };
        Thought::Plan(plan::of_name(name, standing, additions, &ground))
    }

    fn ground<'a>(
        &'a self,
        slots: usize,
        overdue: &'a BTreeSet<ObjectKey>,
        now: Timestamp,
    ) -> Option<Ground<'a>> {
        Some(Ground {
            observed: &self.sight.observed,
            revision: self.book.revision()?,
            setbacks: self.failures.known(),
            hold: self.brake.hold(),
            nothing_deleted: self.brake.shut(self.book.heard, self.book.is_complete()),
            verify: self.settings.rollouts.verify != Verify::Never,
            slots,
            overdue,
            now,
        })
    }

    /// Sends the steps that can begin.
    fn submit(
        &mut self,
        name: &SolutionName,
        plan: &SolutionPlan,
        now: Now,
        orders: &mut Vec<Order>,
    ) {
        if self.idle || self.brake.waits_for_lease(name, plan, &self.sight.observed) {
            return;
        }
        let mut deletes = true;
        if self.book.known(name.as_str()).is_none() {
            let record = &self.sight.observed.record;
            let (may, begins) = self.brake.may_remove(name, plan, record, now.wall);
            deletes = may;
            if begins {
                self.happened.push(Happened::Removing(name.clone()));
            }
        }
        for step in plan.ready().filter(|step| deletes || !Brake::is_deletion(step)) {
            let live = self.sight.live(&step.key());
            let known = live.and_then(|live| live.resource_version.parse().ok());
            let sent_at = known.or_else(|| self.sight.newest(step.key().kind));
            let uid = live.filter(|_| step.needs_object()).map(|live| live.uid.clone());
            self.sight.sent(step);
            let (solution, step) = (name.clone(), step.clone());
            let errand = Errand::Step { solution: solution.clone(), step: step.clone(), sent_at };
            let id = self.send(errand, now);
            orders.push(Order::Step { id, solution, step, uid });
        }
    }

    /// Solutions that are just being added: a rename removes the old name after the new one is
    /// there.
    fn additions(&self, wall: Timestamp) -> Vec<SolutionName> {
        if !self.brake.removes_anything() {
            return Vec::new();
        }
        let observed = &self.sight.observed;
        let is_new = |name: &SolutionName| match observed.namespaces.get(&name.namespace()) {
            None => true,
            Some(facts) => {
                facts.created.is_some_and(|created| wall.duration_since(created) < JUST_ADDED)
            }
        };
        let arrived = |name: &SolutionName| {
            self.rows.verdict(name.as_str()).is_some_and(|v| match v.sync {
                Sync::Synced | Sync::Failed | Sync::Blocked => true,
                Sync::Progressing | Sync::OutOfSync | Sync::Unknown | Sync::Removing => false,
            })
        };
        let published = self.book.catalog().into_iter().flat_map(|c| c.solutions.keys());
        published.filter(|name| is_new(name) && !arrived(name)).cloned().collect()
    }
}
