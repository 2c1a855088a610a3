//! What is kept of an object, as small as every decision lets it be.

use std::sync::Arc;

use super::{Seen, Sight};
use crate::model::fields::Recorded;
use crate::model::{ContentHash, FieldSet, Kind, ObjectKey, marks};
use crate::plan::observed::{HealthFacts, Live};

/// Where [`marks::LEFT_BEHIND`] stands in a set.
const LEFT_BEHIND: [&str; 3] = ["f:metadata", "f:annotations", "f:vitrine.dev/left-behind"];
const _: () = assert!(LEFT_BEHIND[2].len() == marks::LEFT_BEHIND.len() + 2);

impl Sight {
    /// What is kept of an object.
    pub(super) fn digest(&mut self, key: &ObjectKey, seen: Seen) -> Live {
        let Seen { meta, health, lacks, .. } = seen;
        let annotation = |name: &str| meta.annotations.get(name);
        let health = match key.kind {
            // A namespace is created active and ends with its deletion.
            Kind::Namespace => HealthFacts::Namespace { active: meta.deletion_timestamp.is_none() },
            Kind::ScaledObject => self.sayings.of_scaled(key, &self.instance, health),
            _ => health,
        };
        // The watch shows metadata, or of an object as much as a health rule reads. What an answer
        // lacked stays known until the next one, or until something else is ours.
        let ours = meta.managed_fields.ours.as_ref().map(|recorded| self.ours(recorded));
        let taken = match lacks {
            Some(lacks) => Some(lacks).filter(|lacks| !lacks.is_empty()),
            None => self
                .live(key)
                .filter(|old| old.uid == meta.uid && old.fields == ours)
                .and_then(|old| old.taken.as_deref().cloned()),
        };
        let left = annotation(marks::LEFT_BEHIND)
            .and_then(|text| serde_json::from_str(text).ok())
            .map(|fields| FieldSet::recorded(&fields));
        Live {
            left: left.map(|set| self.interner.set(set)),
            taken: taken.map(|set| self.interner.set(set)),
            content: annotation(marks::CONTENT).map(|text| ContentHash::recorded(text)),
            revision: annotation(marks::REVISION).and_then(|text| self.interner.revision(text)),
            uid: meta.uid,
            resource_version: meta.resource_version,
            created: meta.creation_timestamp,
            deleting: meta.deletion_timestamp,
            finalizers: meta.finalizers,
            birth: meta.managed_fields.birth,
            fields: ours,
            others: meta
                .managed_fields
                .others
                .into_iter()
                .map(|(manager, theirs)| {
                    (self.interner.word(&manager), self.interner.read(&theirs))
                })
                .collect(),
            health,
        }
    }

    /// What is ours of an object, without the annotation that only remembers what is not any more.
    fn ours(&mut self, recorded: &Recorded) -> Arc<FieldSet> {
        let set = self.interner.read(recorded);
        if !set.has(&LEFT_BEHIND) {
            return set;
        }
        let mut set = (*set).clone();
        set.remove(&LEFT_BEHIND);
        self.interner.set(set)
    }

    /// An answer came after what the watch said of the same object: only what it lacks is news.
    pub(super) fn lacks(&mut self, key: &ObjectKey, seen: Seen) -> bool {
        let Some(lacks) = seen.lacks else { return false };
        let Some(home) = key.solution(&self.instance) else { return false };
        let taken = (!lacks.is_empty()).then(|| self.interner.set(lacks));
        let ours = seen.meta.managed_fields.ours.as_ref().map(|recorded| self.ours(recorded));
        let shelf = self.observed.solutions.get_mut(&home);
        let Some(live) = shelf.and_then(|shelf| shelf.get_mut(key)) else { return false };
        let same = live.uid == seen.meta.uid && live.fields == ours;
        let news = same && live.taken != taken;
        if news {
            live.taken = taken;
        }
        news
    }
}
