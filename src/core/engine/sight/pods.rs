//! Pods in trouble: all others are as good as not there.

use super::{Batch, Seen, Sight};
use crate::model::Kind;

impl Sight {
    /// A pod as the watch shows it.
    pub(super) fn pod(&mut self, seen: Seen, batch: &mut Batch) {
        let pod = seen.key(Kind::Pod);
        let Some(solution) = pod.solution(&self.instance) else { return };
        let well = seen.pod.as_ref().is_none_or(|facts| facts.word.is_none());
        if well {
            self.sayings.recovered(&solution, &pod.name);
        }
        if well || seen.meta.deletion_timestamp.is_some() {
            return self.forget_pod(&seen, batch);
        }
        let Some(facts) = seen.pod else { return };
        let facts = self.sayings.of_pod(&solution, &pod.name, facts);
        let pods = self.observed.pods.entry(solution.clone()).or_default();
        if pods.get(&pod.name) != Some(&facts) {
            pods.insert(pod.name.clone(), facts);
            batch.solution(&solution);
        }
    }

    /// A pod is gone, or well.
    pub(super) fn forget_pod(&mut self, seen: &Seen, batch: &mut Batch) {
        let pod = seen.key(Kind::Pod);
        let Some(solution) = pod.solution(&self.instance) else { return };
        let Some(pods) = self.observed.pods.get_mut(&solution) else { return };
        if pods.remove(&seen.meta.name).is_some() {
            batch.solution(&solution);
        }
        if pods.is_empty() {
            self.observed.pods.remove(&solution);
        }
    }
}
