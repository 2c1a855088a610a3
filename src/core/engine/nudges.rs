//! Nudges: when KEDA should look again at a ScaledObject that it refused.
//!
//! What it lacked may be there by now (a Secret that vitrine may not read), and KEDA's own pauses
//! grow to a quarter of an hour.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{ObjectKey, SolutionName};
use crate::plan::Observed;
use crate::plan::observed::HealthFacts;

/// The pause before the first; each is twice the one before.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
/// The longest pause, as that of other tries.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);

/// The ScaledObjects that are refused.
#[derive(Debug, Default)]
pub(super) struct Nudges {
    refused: BTreeMap<ObjectKey, Nudge>,
}

#[derive(Debug)]
struct Nudge {
    solution: SolutionName,
    next: Timestamp,
    pause: SignedDuration,
    /// Whether it was said that `next` is over.
    told: bool,
}

impl Nudges {
    /// Looks which ScaledObjects of a solution KEDA refuses.
    pub fn note(&mut self, name: &SolutionName, observed: &Observed, now: Timestamp) {
        let objects = observed.solutions.get(name).into_iter().flatten();
        let refused: BTreeSet<&ObjectKey> = objects
            .filter(|(_, live)| {
                matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.is_refused())
            })
            .map(|(key, _)| key)
            .collect();
        self.refused.retain(|key, nudge| nudge.solution != *name || refused.contains(key));
        for key in refused {
            self.refused.entry(key.clone()).or_insert_with(|| Nudge {
                solution: name.clone(),
                next: now + FIRST,
                pause: FIRST,
                told: false,
            });
        }
    }

    /// Those whose time has come.
    pub fn due(&self, now: Timestamp) -> BTreeSet<ObjectKey> {
        let due = self.refused.iter().filter(|(_, nudge)| nudge.next <= now);
        due.map(|(key, _)| key.clone()).collect()
    }

    /// One was sent.
    pub fn sent(&mut self, key: &ObjectKey, now: Timestamp) {
        if let Some(nudge) = self.refused.get_mut(key) {
            nudge.pause = (nudge.pause + nudge.pause).min(LONGEST);
            nudge.next = now + nudge.pause;
            nudge.told = false;
        }
    }

    /// The solutions with one that is due, each told once.
    pub fn ring(&mut self, now: Timestamp) -> Vec<SolutionName> {
        let mut due = Vec::new();
        for nudge in self.refused.values_mut().filter(|nudge| nudge.next <= now) {
            if !std::mem::replace(&mut nudge.told, true) {
                due.push(nudge.solution.clone());
            }
        }
        due
    }

    /// When the next is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.refused.values().filter(|nudge| !nudge.told).map(|nudge| nudge.next).min()
    }
}
