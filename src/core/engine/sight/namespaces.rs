//! Namespaces, ours and others': whose they are, and what holds one that goes.

use std::collections::BTreeMap;

use super::{Batch, Seen, Sight, version};
use crate::engine::previews::Living;
use crate::model::{Kind, ObjectKey, SolutionName, marks};
use crate::plan::observed::{NamespaceFacts, Owner};

impl Sight {
    /// A namespace as the watch or an answer shows it.
    pub(super) fn namespace(&mut self, seen: &Seen, batch: &mut Batch) {
        let meta = &seen.meta;
        let facts = NamespaceFacts {
            owner: match meta.label(marks::INSTANCE) {
                None => Owner::Nobody,
                Some(instance) if instance == self.instance.as_str() => Owner::ThisInstance,
                Some(other) => Owner::OtherInstance(other.to_owned()),
            },
            deleting: meta.deletion_timestamp,
            created: meta.creation_timestamp,
            remains: meta.deletion_timestamp.map_or_else(Vec::new, |_| seen.remains.clone()),
        };
        let key = ObjectKey::cluster(Kind::Namespace, meta.name.as_str());
        let older = self
            .live(&key)
            .is_some_and(|live| version(&meta.resource_version) < version(&live.resource_version));
        if !older && self.observed.namespaces.get(&meta.name) != Some(&facts) {
            self.observed.namespaces.insert(meta.name.clone(), facts);
            self.leaves(&meta.name);
            batch.namespaces.insert(meta.name.clone());
        }
    }

    /// The previews of which something is on the cluster.
    pub fn previews(&self) -> BTreeMap<SolutionName, Living> {
        let all = self.observed.solutions.range::<str, _>(SolutionName::PREVIEWS);
        let living = all.map(|(name, objects)| {
            let namespace = name.namespace();
            let facts = self.observed.namespaces.get(&namespace);
            let since = facts.filter(|facts| facts.deleting.is_none()).and_then(|f| f.created);
            let live = objects.get(&ObjectKey::cluster(Kind::Namespace, namespace));
            (
                name.clone(),
                Living { since, head: live.and_then(|live| live.revision.as_deref().cloned()) },
            )
        });
        living.collect()
    }

    /// Notes whether a namespace is one of ours and on its way out.
    pub(super) fn leaves(&mut self, namespace: &str) {
        let Some(name) = SolutionName::of_namespace(namespace) else { return };
        let facts = self.observed.namespaces.get(namespace);
        let ours = facts.filter(|facts| facts.owner == Owner::ThisInstance);
        match ours.and_then(|facts| facts.deleting) {
            Some(since) => _ = self.leaving.insert(name, since),
            None => _ = self.leaving.remove(&name),
        }
    }
}
