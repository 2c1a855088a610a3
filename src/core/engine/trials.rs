//! Trials: Deployments that are woken once to see a changed template running, since when, and how
//! many more may be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::Verify;
use crate::model::{Kind, ObjectKey, SolutionName};
use crate::plan::Observed;
use crate::plan::observed::{Flight, HealthFacts, Live};
use crate::render::NODE_AND_IMAGE;

/// What a component may take to start if nothing else is known, as if its solution said nothing.
pub(super) const STARTUP: SignedDuration = SignedDuration::from_mins(5);
/// What KEDA, a new machine and the image may take before a program can start: as long as a
/// Deployment's own deadline allows.
const BEFORE: SignedDuration = SignedDuration::from_secs(NODE_AND_IMAGE as i64);
/// How long a trial whose time is over may take to end. One that cannot (what its solution asks for
/// is held) keeps others from beginning no longer.
const END: SignedDuration = SignedDuration::from_mins(1);

/// The trials that run.
#[derive(Debug, Default)]
pub(super) struct Trials {
    woken: BTreeMap<ObjectKey, Trial>,
}

#[derive(Debug)]
struct Trial {
    solution: SolutionName,
    since: Timestamp,
    /// Since when one of its programs ended.
    failing: Option<Timestamp>,
    budget: SignedDuration,
    /// The deadline of which it was said that it is over.
    told: Option<Timestamp>,
    /// Whether it was said that others may begin in its place.
    gave_way: bool,
}

impl Trial {
    /// When its time is over. What fails and is started again has its start-up budget to come up;
    /// what has not begun may wait for a machine and the image first.
    fn deadline(&self) -> Timestamp {
        let at_last = self.since + BEFORE + self.budget;
        self.failing.map_or(at_last, |failing| at_last.min(failing + self.budget))
    }
}

impl Trials {
    /// Looks which Deployments of a solution are woken. `budget` says what a component may take
    /// to start.
    pub fn note(
        &mut self,
        name: &SolutionName,
        observed: &Observed,
        budget: impl Fn(&str) -> Option<SignedDuration>,
        now: Timestamp,
    ) {
        let objects = observed.solutions.get(name);
        let is_forced = |key: &ObjectKey, live: &Live| match &live.health {
            // From the moment that it is asked for: until the answer comes, others begin theirs.
            HealthFacts::ScaledObject(facts) => {
                facts.forced || observed.in_flight.get(key) == Some(&Flight::Wake)
            }
            _ => false,
        };
        let forced: BTreeSet<ObjectKey> = objects
            .into_iter()
            .flatten()
            .filter(|(key, live)| is_forced(key, live))
            .map(|(key, _)| ObjectKey { kind: Kind::Deployment, ..key.clone() })
            .collect();
        self.woken.retain(|key, trial| trial.solution != *name || forced.contains(key));
        for key in forced {
            let budget = budget(&key.name).unwrap_or(STARTUP);
            let failing = has_fallen(name, &key, observed).then_some(now);
            let trial = self.woken.entry(key).or_insert_with(|| Trial {
                solution: name.clone(),
                since: now,
                failing: None,
                budget,
                told: None,
                gave_way: false,
            });
            trial.failing = trial.failing.or(failing);
            trial.budget = budget;
        }
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.woken.len()
    }

    /// How many more may begin.
    pub fn slots(&self, verify: Verify, now: Timestamp) -> usize {
        let counts = |trial: &&Trial| now < trial.deadline() + END;
        match verify {
            Verify::Never => 0,
            Verify::OnUpdate { parallel } => {
                parallel.saturating_sub(self.woken.values().filter(counts).count())
            }
        }
    }

    /// Whether a trial that cannot end leaves its slot to others now, told once.
    pub fn give_way(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        for trial in self.woken.values_mut().filter(|trial| trial.deadline() + END <= now) {
            any |= !std::mem::replace(&mut trial.gave_way, true);
        }
        any
    }

    /// The woken Deployments whose time is over.
    pub fn overdue(&self, now: Timestamp) -> BTreeSet<ObjectKey> {
        let over = |trial: &Trial| trial.deadline() <= now;
        self.woken.iter().filter(|(_, trial)| over(trial)).map(|(key, _)| key.clone()).collect()
    }

    /// The solutions whose time is over, each told once.
    pub fn ring(&mut self, now: Timestamp) -> Vec<SolutionName> {
        let mut over = Vec::new();
        for trial in self.woken.values_mut() {
            let deadline = trial.deadline();
            if deadline <= now && trial.told.replace(deadline) != Some(deadline) {
                over.push(trial.solution.clone());
            }
        }
        over
    }

    /// When the next one's time is over.
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let both = self.woken.values().flat_map(|t| [t.deadline(), t.deadline() + END]);
        both.filter(|at| *at > now).min()
    }
}

/// Whether a program of the newest template ended. What is pulled or waits for a Secret did not.
fn has_fallen(name: &SolutionName, key: &ObjectKey, observed: &Observed) -> bool {
    let live = observed.solutions.get(name).and_then(|objects| objects.get(key));
    let Some(HealthFacts::Deployment(facts)) = live.map(|live| &live.health) else { return false };
    let mut pods = observed.pods.get(name).into_iter().flat_map(BTreeMap::values);
    pods.any(|pod| pod.component == key.name && pod.has_fallen() && facts.is_newest(pod))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::observed::{PodFacts, ScaledFacts};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn name(text: &str) -> SolutionName {
        SolutionName::parse(text).unwrap()
    }

    /// A cluster in which these solutions' ScaledObjects `app` are woken, or not.
    fn cluster(solutions: &[(&str, bool)]) -> Observed {
        let mut observed = Observed::default();
        for (solution, forced) in solutions {
            let namespace = name(solution).namespace();
            let key = ObjectKey::namespaced(Kind::ScaledObject, namespace.as_str(), "app");
            let facts = ScaledFacts { forced: *forced, ..ScaledFacts::default() };
            let live =
                Live { health: HealthFacts::ScaledObject(Box::new(facts)), ..Live::default() };
            observed.solutions.entry(name(solution)).or_default().insert(key, live.into());
        }
        observed
    }

    fn minutes(minutes: i64) -> impl Fn(&str) -> Option<SignedDuration> {
        move |_| Some(SignedDuration::from_mins(minutes))
    }

    #[test]
    fn a_woken_deployment_takes_a_slot_until_it_is_let_go() {
        let mut trials = Trials::default();
        let both = cluster(&[("one", true), ("two", true), ("three", false)]);
        for solution in ["one", "two", "three"] {
            trials.note(&name(solution), &both, minutes(1), at(0));
        }
        assert_eq!(trials.running(), 2);
        assert_eq!(trials.slots(Verify::OnUpdate { parallel: 5 }, at(0)), 3);
        assert_eq!(trials.slots(Verify::OnUpdate { parallel: 1 }, at(0)), 0, "not below none");
        assert_eq!(trials.slots(Verify::Never, at(0)), 0);
        trials.note(&name("one"), &cluster(&[("one", false)]), minutes(1), at(1));
        assert_eq!(trials.running(), 1, "the other one's is not touched");
        trials.note(&name("two"), &cluster(&[]), minutes(1), at(1));
        assert_eq!(trials.running(), 0, "with its object goes the trial");
    }

    #[test]
    fn a_trial_is_over_with_its_start_up_budget_and_not_before() {
        let mut trials = Trials::default();
        trials.note(&name("one"), &cluster(&[("one", true)]), minutes(2), at(0));
        // A machine and the image first.
        assert_eq!(trials.deadline(at(0)), Some(at(720)));
        assert!(trials.overdue(at(719)).is_empty() && trials.ring(at(719)).is_empty());
        assert_eq!(trials.overdue(at(720)).first().unwrap().kind, Kind::Deployment);
        assert_eq!(trials.ring(at(720)), [name("one")]);
        assert!(trials.ring(at(721)).is_empty() && !trials.overdue(at(721)).is_empty());
        assert_eq!(trials.deadline(at(720)), Some(at(780)), "it is told once");
    }

    #[test]
    fn a_trial_that_cannot_end_leaves_its_slot_to_others() {
        let mut trials = Trials::default();
        trials.note(&name("one"), &cluster(&[("one", true)]), minutes(2), at(0));
        let one = Verify::OnUpdate { parallel: 1 };
        assert!(!trials.give_way(at(779)));
        assert_eq!(trials.slots(one, at(779)), 0);
        assert!(trials.give_way(at(780)) && !trials.give_way(at(781)));
        assert_eq!((trials.slots(one, at(780)), trials.deadline(at(780))), (1, None));
    }

    #[test]
    fn what_crashes_has_its_start_up_budget_from_the_first_fall() {
        let mut trials = Trials::default();
        let mut woken = cluster(&[("one", true)]);
        let live = Live { health: HealthFacts::Deployment(Box::default()), ..Live::default() };
        let key = ObjectKey::namespaced(Kind::Deployment, "sol-one", "app");
        woken.solutions.entry(name("one")).or_default().insert(key, live.into());
        trials.note(&name("one"), &woken, minutes(2), at(0));
        let pod = PodFacts {
            component: "app".into(),
            word: Some("Error".into()),
            exit_code: Some(1),
            ..PodFacts::default()
        };
        woken.pods.entry(name("one")).or_default().insert("app-1".into(), pod);
        trials.note(&name("one"), &woken, minutes(2), at(60));
        assert_eq!(trials.deadline(at(60)), Some(at(180)));
        // It runs again, and falls again: the time goes on.
        woken.pods.clear();
        trials.note(&name("one"), &woken, minutes(2), at(100));
        assert!(trials.overdue(at(179)).is_empty() && !trials.overdue(at(180)).is_empty());
        assert_eq!(trials.ring(at(180)), [name("one")]);
    }

    #[test]
    fn a_trial_goes_on_where_it_was_when_it_is_seen_again() {
        let mut trials = Trials::default();
        let woken = cluster(&[("one", true)]);
        trials.note(&name("one"), &woken, minutes(2), at(0));
        trials.note(&name("one"), &woken, minutes(2), at(90));
        assert_eq!(trials.deadline(at(90)), Some(at(720)));
        // A commit with a longer budget counts from the same beginning.
        trials.note(&name("one"), &woken, minutes(3), at(90));
        assert_eq!(trials.deadline(at(90)), Some(at(780)));
    }

    #[test]
    fn a_trial_takes_its_slot_before_anybody_answered() {
        let mut trials = Trials::default();
        let mut asleep = cluster(&[("one", false), ("two", false)]);
        let key = ObjectKey::namespaced(Kind::ScaledObject, "sol-one", "app");
        asleep.in_flight.insert(key.clone(), Flight::Wake);
        trials.note(&name("one"), &asleep, minutes(1), at(0));
        assert_eq!(trials.running(), 1);
        asleep.in_flight.insert(key, Flight::Mark);
        trials.note(&name("one"), &asleep, minutes(1), at(1));
        assert_eq!(trials.running(), 0, "it is being let go");
    }

    #[test]
    fn what_says_no_budget_has_five_minutes() {
        let mut trials = Trials::default();
        trials.note(&name("one"), &cluster(&[("one", true)]), |_| None, at(0));
        assert_eq!(trials.deadline(at(0)), Some(at(900)));
    }
}
