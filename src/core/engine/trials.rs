//! Trials: Deployments that are woken once to see a changed template running, since when, and how
//! many more may be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::Verify;
use crate::model::{Kind, ObjectKey, SolutionName};
use crate::plan::Observed;
use crate::plan::observed::HealthFacts;

/// What a component may take to start if nothing else is known.
const BUDGET: SignedDuration = SignedDuration::from_mins(5);

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
        let forced: BTreeSet<ObjectKey> = objects
            .into_iter()
            .flatten()
            .filter(|(_, live)| matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.forced))
            .map(|(key, _)| ObjectKey { kind: Kind::Deployment, ..key.clone() })
            .collect();
        self.woken.retain(|key, trial| trial.solution != *name || forced.contains(key));
        for key in forced {
            let budget = budget(&key.name).unwrap_or(BUDGET);
            let new = || Trial { solution: name.clone(), since: now, budget };
            self.woken.entry(key).or_insert_with(new).budget = budget;
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

    /// The solutions whose budget is over.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &SolutionName> {
        let over = move |trial: &&Trial| now.duration_since(trial.since) >= trial.budget;
        self.woken.values().filter(over).map(|trial| &trial.solution)
    }

    /// When the next budget is over.
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.woken.values().map(|trial| trial.since + trial.budget).filter(|at| *at > now).min()
    }
}
