//! Equal field sets and manager names share one allocation: a thousand solutions of one shape
//! differ in a handful of sets.

use std::collections::HashSet;
use std::sync::Arc;

use super::FieldSet;

/// The sets and words in use.
#[derive(Debug, Default)]
pub struct Interner {
    sets: HashSet<Arc<FieldSet>>,
    words: HashSet<Arc<str>>,
    /// How many sets there may be before those without a user are dropped.
    limit: usize,
}

impl Interner {
    /// The shared form of a set.
    pub fn set(&mut self, set: FieldSet) -> Arc<FieldSet> {
        if let Some(known) = self.sets.get(&set) {
            return Arc::clone(known);
        }
        if self.sets.len() >= self.limit {
            self.prune();
        }
        let new = Arc::new(set);
        self.sets.insert(Arc::clone(&new));
        new
    }

    /// As [`Interner::set`], of one that is in an allocation already.
    pub fn share(&mut self, set: &Arc<FieldSet>) -> Arc<FieldSet> {
        match self.sets.get(set) {
            Some(known) => Arc::clone(known),
            None => self.set((**set).clone()),
        }
    }

    /// The shared form of a word.
    pub fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = word.into();
        self.words.insert(Arc::clone(&new));
        new
    }

    /// Drops what nobody uses any more.
    pub fn prune(&mut self) {
        self.sets.retain(|set| Arc::strong_count(set) > 1);
        self.words.retain(|word| Arc::strong_count(word) > 1);
        self.limit = (self.sets.len() * 2).max(256);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_sets_share_one_allocation_and_unused_ones_are_dropped() {
        let mut interner = Interner::default();
        let set = || FieldSet::recorded(&json!({"f:spec": {"f:replicas": {}}}));
        let (one, two) = (interner.set(set()), interner.set(set()));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(Arc::ptr_eq(&interner.word("kubectl"), &interner.word("kubectl")));
        drop((one, two));
        interner.prune();
        assert!(interner.sets.is_empty() && interner.words.is_empty());
    }
}
