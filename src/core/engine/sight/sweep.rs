//! What a complete list says by what it does not hold.

use std::collections::HashSet;

use super::{Batch, Sight, version};
use crate::model::{Kind, ObjectKey};
use crate::plan::held_list;

impl Sight {
    /// After a complete list: what did not come is gone, unless we wrote it since. Says how many
    /// objects went.
    pub(super) fn sweep(
        &mut self,
        kind: Kind,
        came: &HashSet<ObjectKey>,
        as_of: &str,
        batch: &mut Batch,
    ) -> usize {
        let gone: Vec<ObjectKey> = self
            .observed
            .solutions
            .values()
            .flat_map(|objects| objects.keys())
            .filter(|key| key.kind == kind && !came.contains(*key))
            .filter(|key| {
                as_of.is_empty()
                    || self.versions.begins_anew(kind)
                    || self
                        .live(key)
                        .is_none_or(|live| version(&live.resource_version) <= version(as_of))
            })
            .cloned()
            .collect();
        for key in &gone {
            self.unfile(key, batch);
        }
        let mut count = gone.len();
        self.buried.listed(kind, came);
        self.interner.prune();
        match kind {
            Kind::Namespace => {
                let (solutions, instance) = (&self.observed.solutions, &self.instance);
                let written = |key: &ObjectKey| {
                    let home = key.solution(instance).and_then(|home| solutions.get(&home));
                    home.is_some_and(|objects| objects.contains_key(key))
                };
                self.observed.namespaces.retain(|name, _| {
                    let key = ObjectKey::cluster(Kind::Namespace, name.as_str());
                    let stays = came.contains(&key) || written(&key);
                    if !stays {
                        count += usize::from(!gone.contains(&key));
                        batch.namespaces.insert(name.clone());
                    }
                    stays
                });
                let namespaces = &self.observed.namespaces;
                self.leaving.retain(|name, _| namespaces.contains_key(&name.namespace()));
            }
            Kind::Pod => {
                let there: HashSet<&str> = came.iter().map(|key| key.name.as_str()).collect();
                self.sayings.keep_pods(&there);
                self.observed.pods.retain(|solution, pods| {
                    let before = pods.len();
                    pods.retain(|name, _| there.contains(name.as_str()));
                    count += before - pods.len();
                    if pods.len() != before {
                        batch.solution(solution);
                    }
                    !pods.is_empty()
                });
            }
            Kind::ConfigMap => {
                let namespace = &self.namespace;
                let is_there = |name: &str| {
                    came.contains(&ObjectKey::namespaced(kind, namespace.as_str(), name))
                };
                self.offered.retain(|name| is_there(name));
                if !is_there(&held_list(&self.instance)) {
                    self.posted = None;
                }
                let before = self.observed.approvals.len();
                self.observed.approvals.retain(|name, _| is_there(name));
                batch.approvals |= self.observed.approvals.len() != before;
                count += before - self.observed.approvals.len();
            }
            _ => {}
        }
        count
    }
}
