//! Once a day each kind is listed again, and compared with what its watch said.
//!
//! A watch that lost an event never says so. What the list shows otherwise is taken in like any
//! news, so it is mended in the ordinary way; how much that was is told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::engine::chance::Chance;
use crate::model::Kind;

/// The least time from one list of a kind to the next.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// What chance adds at most, so that not all kinds are listed at once.
const SPREAD: SignedDuration = SignedDuration::from_hours(2);

/// When each kind is listed again, and what differed.
#[derive(Debug)]
pub(super) struct Audit {
    chance: Chance,
    /// Kinds that were listed since the clock was last asked.
    listed: BTreeSet<Kind>,
    due: BTreeMap<Kind, Timestamp>,
    /// Kinds whose list was asked for.
    asked: BTreeSet<Kind>,
    /// Those of them whose list has begun.
    running: BTreeMap<Kind, Course>,
    /// Kinds of which something differed, with how many objects.
    differed: Vec<(Kind, usize)>,
}

/// An audit under way.
#[derive(Debug)]
struct Course {
    /// Up to this version the watch had said everything when the list began.
    told: u64,
    /// Objects that were not as the watch had said.
    differing: usize,
}

impl Audit {
    pub fn new(chance: Chance) -> Self {
        Self {
            chance,
            listed: BTreeSet::new(),
            due: BTreeMap::new(),
            asked: BTreeSet::new(),
            running: BTreeMap::new(),
            differed: Vec::new(),
        }
    }

    /// The kinds to list now, each told once. `is_watched`: its list was complete and its watch
    /// stands; what is not is listed anyway when that ends, or goes on later.
    pub fn ring(&mut self, now: Timestamp, is_watched: impl Fn(Kind) -> bool) -> BTreeSet<Kind> {
        for kind in std::mem::take(&mut self.listed) {
            self.due.insert(kind, now + DAY + SPREAD.mul_f64(self.chance.share()));
        }
        let rings = |kind: Kind, at: Timestamp| at <= now && is_watched(kind);
        let due: BTreeSet<Kind> = self
            .due
            .iter()
            .filter(|(kind, at)| rings(**kind, **at))
            .map(|(kind, _)| *kind)
            .collect();
        self.due.retain(|kind, _| !due.contains(kind));
        self.asked.extend(&due);
        due
    }

    /// When the next kind is due that is watched.
    pub fn deadline(&self, is_watched: impl Fn(Kind) -> bool) -> Option<Timestamp> {
        self.due.iter().filter(|(kind, _)| is_watched(**kind)).map(|(_, at)| *at).min()
    }

    /// A list begins. `told`: up to which version the watch said everything; `None`: nobody knows,
    /// so that nothing can be compared. `true`: this is an audit.
    pub fn begins(&mut self, kind: Kind, told: Option<u64>) -> bool {
        let Some(told) = told.filter(|_| self.asked.contains(&kind)) else {
            self.running.remove(&kind);
            return false;
        };
        self.running.insert(kind, Course { told, differing: 0 });
        true
    }

    /// Whether an object at this version should be known, in a list that is an audit.
    pub fn compares(&self, kind: Kind, version: &str) -> bool {
        let course = self.running.get(&kind);
        course.is_some_and(|course| version.parse().is_ok_and(|at: u64| at <= course.told))
    }

    /// An object is not as the watch had said.
    pub fn differs(&mut self, kind: Kind) {
        if let Some(course) = self.running.get_mut(&kind) {
            course.differing += 1;
        }
    }

    /// A list is complete. `gone`: so many objects were known that it does not hold.
    pub fn ends(&mut self, kind: Kind, gone: usize) {
        self.asked.remove(&kind);
        self.due.remove(&kind);
        self.listed.insert(kind);
        if let Some(course) = self.running.remove(&kind)
            && course.differing + gone > 0
        {
            self.differed.push((kind, course.differing + gone));
        }
    }

    /// What differed, told once.
    pub fn differed(&mut self) -> Vec<(Kind, usize)> {
        std::mem::take(&mut self.differed)
    }
}
