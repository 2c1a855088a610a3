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
use crate::plan::observed::Went;
use crate::plan::{self, Gate, Ground, SolutionPlan, Step, Turns};
use crate::status::Sync;

/// How old a Namespace may be for its solution to count as just being added.
const JUST_ADDED: SignedDuration = SignedDuration::from_mins(10);

/// What of the places for all is still free in a pass, and who has one.
#[derive(Clone, Copy)]
struct Room<'a> {
    /// Trials that may begin.
    slots: usize,
    /// Deployments whose trial has used up its time.
    overdue: &'a BTreeSet<ObjectKey>,
    nudges: &'a BTreeSet<ObjectKey>,
    /// Deployments that a change for all is replacing.
    rolling: &'a BTreeSet<ObjectKey>,
}

impl Engine {
    /// Only dirty solutions are thought about. Doing it again changes nothing.
    pub(super) fn act(&mut self, now: Now, orders: &mut Vec<Order>) {
        let steady = self.steady.at(now);
        let mut dirty = std::mem::take(&mut self.dirty);
        let (trials, rollouts) = (self.trials.running(), self.rollouts.running());
        self.rollouts.adopt(&self.sight.observed, steady);
        self.failures.notice(&dirty, &self.sight.observed, steady);
        for name in dirty.iter().filter_map(ClaimedName::solution) {
            self.prepare(name, steady);
        }
        dirty.extend(self.judge_brake(now).into_iter().map(ClaimedName::from));
        if self.trials.running() < trials {
            dirty.extend(self.rows.queued().map(ClaimedName::from));
        }
        if self.rollouts.running() < rollouts {
            dirty.extend(self.rollouts.queued().map(ClaimedName::from));
        }
        let rolling = self.rollouts.rolling();
        let additions = self.additions(now.wall);
        let overdue = self.trials.overdue(steady);
        let nudges = self.nudges.due(steady);
        let mut slots = self.trials.slots(self.settings.rollouts.verify, steady);
        for name in dirty.iter().filter_map(ClaimedName::solution) {
            let room = Room { slots, overdue: &overdue, nudges: &nudges, rolling: &rolling };
            let plan = self.think(name, &additions, room, steady);
            let wakes =
                plan.ready().filter(|s| matches!(s, Step::ForceActivation { on: true, .. }));
            slots = slots.saturating_sub(wakes.count());
            let sends = self.submit(name, &plan, now, orders);
            if plan.is_empty() {
                self.book.in_place(name);
            }
            let under_way = plan.gates().any(|gate| matches!(gate, Gate::InFlight(_)));
            self.book.sends(name, under_way || sends, steady);
            self.rollouts.waits(name, plan.gates().any(|gate| *gate == Gate::Turn));
            self.rows.planned(name, plan);
        }
        for name in &dirty {
            self.judge(name, now);
        }
        #[cfg(test)]
        {
            self.thought += dirty.len();
        }
        if !additions.is_empty() && self.additions(now.wall).is_empty() {
            // The last addition arrived: what is removed waits no longer.
            let removing: Vec<ClaimedName> = self.removing().map(ClaimedName::from).collect();
            self.dirty.extend(removing);
        }
    }

    /// Learns what a dirty name asks for.
    fn prepare(&mut self, name: &SolutionName, now: Timestamp) {
        let live = self.sight.observed.solutions.get(name).is_some_and(|live| !live.is_empty());
        self.book.settle(name, live);
        let Self { book, brake, failures, trials, rollouts, nudges, sight, leavers, rows, .. } =
            self;
        if book.known(name).is_some() {
            leavers.stays(name);
        } else {
            leavers.leaves(name, rows.stood(name), &sight.observed);
        }
        match book.known(name) {
            Some(Known::Published { outline, phase, .. }) => {
                failures.drop_old(name, outline);
                brake.wish(name, Some((outline, phase)), &sight.observed);
            }
            Some(Known::Coming | Known::Frozen | Known::Undecided) => brake.wish_nothing(name),
            None => brake.wish(name, None, &sight.observed),
        }
        trials.note(name, &sight.observed, |component| book.startup(name, component), now);
        rollouts.note(name, &sight.observed);
        nudges.note(name, &sight.observed, now);
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
        &self,
        name: &SolutionName,
        additions: &[SolutionName],
        room: Room<'_>,
        steady: Timestamp,
    ) -> SolutionPlan {
        let Some(ground) = self.ground(name, room, steady) else {
            return SolutionPlan::default();
        };
        let standing = match self.book.known(name) {
            Some(Known::Published { outline, .. }) => Standing::Published(outline),
            Some(Known::Coming | Known::Frozen | Known::Undecided) => Standing::Frozen,
            None => Standing::Gone,
        };
        plan::of_name(name, standing, additions, &ground)
    }

    fn ground<'a>(
        &'a self,
        name: &SolutionName,
        room: Room<'a>,
        now: Timestamp,
    ) -> Option<Ground<'a>> {
        let Room { slots, overdue, nudges, rolling } = room;
        let free = self.rollouts.free(self.settings.rollouts.max_parallel);
        let is_preview = name.is_preview();
        let turns = (!self.book.is_own(name) && !is_preview).then_some(Turns { free, rolling });
        Some(Ground {
            observed: &self.sight.observed,
            revision: self.book.head_of(name).or(self.book.revision())?,
            setbacks: self.failures.known(),
            hold: self.brake.hold(),
            losing: self.brake.losing(),
            nothing_deleted: self.brake.shut(self.book.heard, self.book.is_complete()),
            // A preview sleeps until somebody opens it.
            verify: self.settings.rollouts.verify != Verify::Never && !is_preview,
            slots,
            turns,
            overdue,
            nudges,
            now,
        })
    }

    /// Sends the steps that can begin. Whether any did.
    fn submit(
        &mut self,
        name: &SolutionName,
        plan: &SolutionPlan,
        now: Now,
        orders: &mut Vec<Order>,
    ) -> bool {
        if self.idle || self.brake.waits_for_lease(name, plan, &self.sight.observed) {
            return false;
        }
        let mut waits = None;
        if let Some(why) = self.brake.goes(name, self.book.known(name).is_some()) {
            let record = &self.sight.observed.record;
            let (may, begins) = self.brake.may_go(name, why, plan, record, now.wall);
            waits = (!may).then_some(why);
            if begins {
                let name = name.clone();
                self.happened.push(match why {
                    Went::Removed => Happened::Removing(name),
                    Went::Moved => Happened::Moving(name),
                });
            }
        }
        let before = orders.len();
        for step in plan.ready().filter(|step| waits.is_none_or(|why| !Brake::harms(why, step))) {
            let Some(sent) = self.with_body(name, step) else { continue };
            let live = self.sight.live(&step.key());
            if let Step::Apply { object, .. } | Step::Handover { object, .. } = step
                && live.is_some_and(|live| plan::restarts(object, live))
                && !self.book.is_own(name)
            {
                let budget = self.book.startup(name, &object.key.name);
                self.rollouts.begin(object.key.clone(), name, budget, self.steady.at(now));
            }
            if let Step::Nudge { key, .. } = step {
                self.nudges.sent(key, self.steady.at(now));
            }
            let known = live.and_then(|live| live.resource_version.parse().ok());
            let sent_at = known.or_else(|| self.sight.newest(step.key().kind));
            let uid = live.filter(|_| step.needs_object()).map(|live| live.uid.clone());
            self.sight.sent(step);
            let (solution, step) = (name.clone(), step.clone());
            let errand = Errand::Step { solution: solution.clone(), step, sent_at };
            let id = self.send(errand, now);
            orders.push(Order::Step { id, solution, step: sent, uid });
        }
        orders.len() > before
    }

    /// A step with what it sends; `None` while there is no room for its solution's bodies.
    fn with_body(&mut self, name: &SolutionName, step: &Step) -> Option<Step> {
        let form = step.form().filter(|form| form.body.is_none());
        let Some(form) = form else { return Some(step.clone()) };
        Some(step.clone().with_body(self.book.body(name, &form.key)?))
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
                // It will come, though somebody has to look.
                Sync::Blocked if v.reason.cause.awaits_controller() => false,
                Sync::Synced | Sync::Failed | Sync::Blocked => true,
                Sync::Progressing | Sync::OutOfSync | Sync::Unknown | Sync::Removing => false,
            })
        };
        let published = self.book.catalog().into_iter().flat_map(|c| c.solutions.keys());
        published.filter(|name| is_new(name) && !arrived(name)).cloned().collect()
    }
}
