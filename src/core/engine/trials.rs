//! Trials: Deployments that are woken once to see a changed template running, since when, and how
//! many more may be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::Verify;
use crate::model::{Kind, ObjectKey, SolutionName};
use crate::plan::Observed;
use crate::plan::observed::{Flight, HealthFacts, Live};

/// What a component may take to start if nothing else is known, as if its solution said nothing.
pub(super) const STARTUP: SignedDuration = SignedDuration::from_mins(5);

/// The trials that run.
#[derive(Debug, Default)]
pub(super) struct Trials {
    woken: BTreeMap<ObjectKey, Trial>,
}

#[derive(Debug)]
struct Trial {
    solution: SolutionName,
    since: Timestamp,
    budget: SignedDuration,
    /// Whether it was said that its budget is over.
    told: bool,
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
        let is_forced = |(key, live): &(&ObjectKey, &Live)| match &live.health {
            // From the moment that it is asked for: until the answer comes, others begin theirs.
            HealthFacts::ScaledObject(facts) => {
                facts.forced || observed.in_flight.get(*key) == Some(&Flight::Wake)
            }
            _ => false,
        };
        let forced: BTreeSet<ObjectKey> = objects
            .into_iter()
            .flatten()
            .filter(is_forced)
            .map(|(key, _)| ObjectKey { kind: Kind::Deployment, ..key.clone() })
            .collect();
        self.woken.retain(|key, trial| trial.solution != *name || forced.contains(key));
        for key in forced {
            let budget = budget(&key.name).unwrap_or(STARTUP);
            let new = || Trial { solution: name.clone(), since: now, budget, told: false };
            let trial = self.woken.entry(key).or_insert_with(new);
            trial.told &= trial.budget == budget;
            trial.budget = budget;
        }
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.woken.len()
    }

    /// How many more may begin.
    pub fn slots(&self, verify: Verify) -> usize {
        match verify {
            Verify::Never => 0,
            Verify::OnUpdate { parallel } => parallel.saturating_sub(self.woken.len()),
        }
    }

    /// The woken Deployments whose start-up budget is over.
    pub fn overdue(&self, now: Timestamp) -> BTreeSet<ObjectKey> {
        let over = |trial: &Trial| now.duration_since(trial.since) >= trial.budget;
        self.woken.iter().filter(|(_, trial)| over(trial)).map(|(key, _)| key.clone()).collect()
    }

    /// The solutions whose budget is over, each told once.
    pub fn ring(&mut self, now: Timestamp) -> Vec<SolutionName> {
        let mut over = Vec::new();
        for trial in self.woken.values_mut() {
            if now.duration_since(trial.since) >= trial.budget
                && !std::mem::replace(&mut trial.told, true)
            {
                over.push(trial.solution.clone());
            }
        }
        over
    }

    /// When the next budget is over.
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.woken.values().map(|trial| trial.since + trial.budget).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::observed::ScaledFacts;

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
            let live = Live { health: HealthFacts::ScaledObject(facts), ..Live::default() };
            observed.solutions.entry(name(solution)).or_default().insert(key, live);
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
        assert_eq!(trials.slots(Verify::OnUpdate { parallel: 5 }), 3);
        assert_eq!(trials.slots(Verify::OnUpdate { parallel: 1 }), 0, "not below none");
        assert_eq!(trials.slots(Verify::Never), 0);
        trials.note(&name("one"), &cluster(&[("one", false)]), minutes(1), at(1));
        assert_eq!(trials.running(), 1, "the other one's is not touched");
        trials.note(&name("two"), &cluster(&[]), minutes(1), at(1));
        assert_eq!(trials.running(), 0, "with its object goes the trial");
    }

    #[test]
    fn a_trial_is_over_with_its_start_up_budget_and_not_before() {
        let mut trials = Trials::default();
        trials.note(&name("one"), &cluster(&[("one", true)]), minutes(2), at(0));
        assert_eq!(trials.deadline(at(0)), Some(at(120)));
        assert!(trials.overdue(at(119)).is_empty() && trials.ring(at(119)).is_empty());
        assert_eq!(trials.overdue(at(120)).first().unwrap().kind, Kind::Deployment);
        assert_eq!(trials.ring(at(120)), [name("one")]);
        assert!(trials.ring(at(121)).is_empty() && !trials.overdue(at(121)).is_empty());
        assert_eq!(trials.deadline(at(120)), None, "it is told once");
    }

    #[test]
    fn a_trial_goes_on_where_it_was_when_it_is_seen_again() {
        let mut trials = Trials::default();
        let woken = cluster(&[("one", true)]);
        trials.note(&name("one"), &woken, minutes(2), at(0));
        trials.note(&name("one"), &woken, minutes(2), at(90));
        assert_eq!(trials.deadline(at(90)), Some(at(120)));
        // A commit with a longer budget counts from the same beginning.
        trials.note(&name("one"), &woken, minutes(3), at(90));
        assert_eq!(trials.deadline(at(90)), Some(at(180)));
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
        assert_eq!(trials.deadline(at(0)), Some(at(300)));
    }
}
