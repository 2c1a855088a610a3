//! What is tried again, and when.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::chance::Chance;
use crate::model::{ClaimedName, ContentHash, InstanceName, Kind, ObjectKey, SolutionName};
use crate::plan::{Observed, Outcome, Outline, Setback, Setbacks, Step, setback};

/// The refusals and failures in force.
#[derive(Debug)]
pub(super) struct Failures {
    setbacks: Setbacks,
    chance: Chance,
    instance: InstanceName,
}

impl Failures {
    pub fn new(instance: InstanceName, seed: u64) -> Self {
        Self { setbacks: Setbacks::new(), chance: Chance::new(seed), instance }
    }

    pub fn known(&self) -> &Setbacks {
        &self.setbacks
    }

    /// Learns from what became of a step; whether that is news.
    pub fn learn(
        &mut self,
        step: &Step,
        outcome: Outcome,
        observed: &Observed,
        now: Timestamp,
    ) -> bool {
        let jitter = self.chance.share();
        setback::learn(&mut self.setbacks, step, outcome, observed, now, jitter)
    }

    /// Looks whether the refusals of these solutions still stand against the same cluster.
    pub fn notice(&mut self, names: &BTreeSet<ClaimedName>, observed: &Observed, now: Timestamp) {
        if self.setbacks.is_empty() {
            return;
        }
        let instance = &self.instance;
        let concerned = |key: &ObjectKey| {
            key.solution(instance).is_some_and(|name| names.contains(name.as_str()))
        };
        setback::notice(&mut self.setbacks, observed, now, concerned);
    }

    /// Forgets refusals of bodies that a solution does not ask for any more.
    pub fn drop_old(&mut self, name: &SolutionName, outline: &Outline) {
        let instance = &self.instance;
        self.setbacks.retain(|key, setback| {
            let old = |content: &ContentHash| {
                outline.objects.iter().all(|form| form.key != *key || form.content != *content)
            };
            key.solution(instance).as_ref() != Some(name)
                || !setback.content.as_ref().is_some_and(old)
        });
    }

    /// Forgets a solution.
    pub fn forget(&mut self, name: &SolutionName) {
        let instance = &self.instance;
        self.setbacks.retain(|key, _| key.solution(instance).as_ref() != Some(name));
    }

    pub fn new_revision(&mut self, now: Timestamp) {
        self.setbacks.values_mut().for_each(|setback| setback.new_revision(now));
    }

    /// A person asks: whatever waits for a better time is tried now.
    pub fn at_once(&mut self, now: Timestamp) {
        self.setbacks.values_mut().for_each(|setback| setback.at_once(now));
    }

    /// The solutions with a setback of this kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = SolutionName> {
        let keys = self.setbacks.keys().filter(move |key| key.kind == kind);
        keys.filter_map(|key| key.solution(&self.instance))
    }

    /// The solutions with something that is due, told once.
    pub fn ring(&mut self, now: Timestamp) -> BTreeSet<SolutionName> {
        let instance = &self.instance;
        let due = self.setbacks.iter_mut().filter_map(|(key, setback)| {
            setback.rings(now).then(|| key.solution(instance)).flatten()
        });
        due.collect()
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        self.setbacks.values().filter_map(Setback::deadline).min()
    }
}
