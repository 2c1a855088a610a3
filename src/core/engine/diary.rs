//! The diary: which changes of verdicts are told, so that one that flickers does not fill the log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::happened::{Change, Happened, State};
use crate::status::Verdict;

/// The least time between two lines on one solution.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// What was told of each solution, and when.
#[derive(Debug, Default)]
pub(super) struct Diary {
    told: BTreeMap<String, (State, Timestamp)>,
    /// Solutions that changed and wait for their turn.
    waiting: BTreeSet<String>,
}

impl State {
    fn of(verdict: &Verdict) -> Self {
        Self { sync: verdict.sync, health: verdict.health, party: verdict.party }
    }
}

impl Diary {
    /// A verdict changed; it is told when its turn comes.
    pub fn changed(&mut self, name: &str) {
        self.waiting.insert(name.to_owned());
    }

    /// What is to be told now.
    pub fn tell(&mut self, verdicts: &BTreeMap<String, Verdict>, now: Timestamp) -> Vec<Happened> {
        let mut told = Vec::new();
        let (told_before, waiting) = (&mut self.told, &mut self.waiting);
        waiting.retain(|name| {
            let Some(verdict) = verdicts.get(name) else {
                told_before.remove(name); // that it is removed is told by itself
                return false;
            };
            let before = told_before.get(name);
            let to = State::of(verdict);
            if before.is_some_and(|(state, _)| *state == to) {
                return false;
            }
            if before.is_some_and(|(_, at)| now.duration_since(*at) < PAUSE) {
                return true;
            }
            let from = before.map(|(state, _)| state.clone());
            told_before.insert(name.clone(), (to.clone(), now));
            told.push(Happened::Verdict(Change {
                solution: name.clone(),
                from,
                to,
                reason: verdict.reason.clone(),
                next: verdict.next.clone(),
            }));
            false
        });
        told
    }

    /// When the next turn comes.
    pub fn deadline(&self) -> Option<Timestamp> {
        let turn = |name: &String| self.told.get(name).map(|(_, at)| *at + PAUSE);
        self.waiting.iter().filter_map(turn).min()
    }
}
