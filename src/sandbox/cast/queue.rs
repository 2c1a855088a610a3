//! What to look at, and when.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;
use vitrine_core::model::ObjectKey;

/// The looks to come. An object stands in it once, at its earliest time.
#[derive(Debug, Default)]
pub struct Queue {
    by_time: BTreeSet<(Instant, ObjectKey)>,
    by_key: BTreeMap<ObjectKey, Instant>,
}

impl Queue {
    /// Notes a look, unless an earlier one is noted.
    pub fn add(&mut self, key: ObjectKey, due: Instant) {
        match self.by_key.get(&key) {
            Some(earlier) if *earlier <= due => return,
            Some(later) => {
                self.by_time.remove(&(*later, key.clone()));
            }
            None => {}
        }
        self.by_key.insert(key.clone(), due);
        self.by_time.insert((due, key));
    }

    /// When the next look is due.
    pub fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Takes out what is due.
    pub fn take_due(&mut self, now: Instant) -> Vec<ObjectKey> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.by_time.first()
            && *at <= now
            && let Some((_, key)) = self.by_time.pop_first()
        {
            self.by_key.remove(&key);
            due.push(key);
        }
        due
    }
}

/// Sleeps until then; for ever if there is no then.
pub async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
