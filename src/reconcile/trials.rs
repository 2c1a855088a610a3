//! Deployments that are woken once to see a changed template running, and since when.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use vitrine_core::model::names::NAMESPACE_PREFIX;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::plan::observed::HealthFacts;

impl Engine {
    /// Keeps the list of Deployments that are woken to be verified.
    pub(super) fn note_woken(&mut self, name: &str, now: Timestamp) {
        let objects = self.cluster.observed().solutions.get(name);
        let forced: BTreeSet<ObjectKey> = objects
            .into_iter()
            .flatten()
            .filter(|(_, live)| matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.forced))
            .map(|(key, _)| ObjectKey { kind: Kind::Deployment, ..key.clone() })
            .collect();
        let namespace = format!("{NAMESPACE_PREFIX}{name}");
        self.woken.retain(|key, _| {
            key.namespace.as_deref() != Some(namespace.as_str()) || forced.contains(key)
        });
        for key in forced {
            self.woken.entry(key).or_insert(now);
        }
    }

    /// The woken Deployments whose start-up budget is over.
    pub(super) fn overdue(&self, now: Timestamp) -> BTreeSet<ObjectKey> {
        self.woken
            .iter()
            .filter(|(key, since)| now.duration_since(**since) >= self.budget(key))
            .map(|(key, _)| key.clone())
            .collect()
    }

    pub(super) fn budget(&self, key: &ObjectKey) -> SignedDuration {
        let startup = key
            .solution(&self.settings.instance)
            .and_then(|name| self.memory.startup(name, &key.name))
            .unwrap_or(Duration::from_secs(300));
        SignedDuration::try_from(startup).unwrap_or(SignedDuration::from_mins(5))
    }
}
