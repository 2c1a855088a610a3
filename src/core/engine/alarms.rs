//! Alarms: when something has to be looked at although nothing happens. Each rings once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// At most one alarm a key. What it costs to ask does not grow with how many there are.
#[derive(Debug)]
pub(super) struct Alarms<K> {
    at: BTreeMap<K, Timestamp>,
    next: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Alarms<K> {
    fn default() -> Self {
        Self { at: BTreeMap::new(), next: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Alarms<K> {
    /// Sets the alarm of a key, instead of the one it has.
    pub fn set(&mut self, key: K, at: Timestamp) {
        self.stop(&key);
        self.next.insert((at, key.clone()));
        self.at.insert(key, at);
    }

    pub fn stop(&mut self, key: &K) {
        if let Some(entry) = self.at.remove_entry(key) {
            self.next.remove(&(entry.1, entry.0));
        }
    }

    /// The keys whose time has come, told once.
    pub fn ring(&mut self, now: Timestamp) -> Vec<K> {
        let mut due = Vec::new();
        while self.next.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.next.pop_first()
        {
            self.at.remove(&key);
            due.push(key);
        }
        due
    }

    /// When the next one rings.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.next.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_rings_once_at_the_time_that_was_set_last() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut alarms = Alarms::default();
        alarms.set("b", at(10));
        alarms.set("a", at(20));
        alarms.set("b", at(30));
        alarms.set("c", at(5));
        alarms.stop(&"c");
        assert_eq!((alarms.deadline(), alarms.ring(at(19))), (Some(at(20)), Vec::new()));
        assert_eq!(alarms.ring(at(40)), ["a", "b"]);
        assert_eq!((alarms.deadline(), alarms.ring(at(50))), (None, Vec::new()));
        alarms.set("a", at(60));
        assert_eq!(alarms.ring(at(60)), ["a"]);
    }
}
