//! Equal field sets and manager names share one allocation: a thousand solutions of one shape
//! differ in a handful of sets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::fields::Recorded;
use super::{FieldSet, Revision};

/// The sets and words in use.
#[derive(Debug, Default)]
pub struct Interner {
    sets: HashSet<Arc<FieldSet>>,
    /// What the server wrote for a set, so that it is not read again.
    texts: HashMap<Box<str>, Arc<FieldSet>>,
    words: HashSet<Arc<str>>,
    revisions: HashSet<Arc<Revision>>,
    /// How many of each there may be before those without a user are dropped.
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

    /// The shared form of what the server recorded.
    pub fn read(&mut self, recorded: &Recorded) -> Arc<FieldSet> {
        let Recorded::Text(text) = recorded else { return self.share(&recorded.read()) };
        if let Some(known) = self.texts.get(text.get()) {
            return Arc::clone(known);
        }
        let set = self.share(&recorded.read());
        if self.texts.len() >= self.limit {
            self.prune();
        }
        self.texts.insert(text.get().into(), Arc::clone(&set));
        set
    }

    /// The shared form of a word.
    pub fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        if self.words.len() >= self.limit {
            self.prune();
        }
        let new: Arc<str> = word.into();
        self.words.insert(Arc::clone(&new));
        new
    }

    /// The shared form of a commit's name; `None` for a text that is none.
    pub fn revision(&mut self, text: &str) -> Option<Arc<Revision>> {
        let new = Revision::parse(text).ok()?;
        if let Some(known) = self.revisions.get(&new) {
            return Some(Arc::clone(known));
        }
        if self.revisions.len() >= self.limit {
            self.prune();
        }
        let new = Arc::new(new);
        self.revisions.insert(Arc::clone(&new));
        Some(new)
    }

    /// Drops what nobody uses any more.
    pub fn prune(&mut self) {
        self.texts.clear();
        self.sets.retain(|set| Arc::strong_count(set) > 1);
        self.words.retain(|word| Arc::strong_count(word) > 1);
        self.revisions.retain(|revision| Arc::strong_count(revision) > 1);
        let most = self.sets.len().max(self.words.len()).max(self.revisions.len());
        self.limit = (most * 2).max(256);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_recorded_is_read_once_and_known_by_its_text() {
        let mut interner = Interner::default();
        let recorded = |text: &str| serde_json::from_str::<Recorded>(text).unwrap();
        let one = interner.read(&recorded(r#"{"f:spec":{"f:replicas":{}}}"#));
        assert_eq!(*one, FieldSet::recorded(&json!({"f:spec": {"f:replicas": {}}})));
        assert!(Arc::ptr_eq(&one, &interner.read(&recorded(r#"{"f:spec":{"f:replicas":{}}}"#))));
        // Another text of the same set.
        assert!(Arc::ptr_eq(&one, &interner.read(&recorded(r#"{"f:spec": {"f:replicas": {}}}"#))));
        assert!(Arc::ptr_eq(&one, &interner.read(&Recorded::Set(Arc::clone(&one)))));
        let texts = interner.texts.len();
        assert_eq!(texts, 2);
        for number in 0..2000 {
            let spaces = " ".repeat(number);
            interner.read(&recorded(&format!(r#"{{"f:spec":{spaces}{{"f:replicas":{{}}}}}}"#)));
        }
        assert!(interner.texts.len() < 600, "{}", interner.texts.len());
        drop(one);
        interner.prune();
        assert!(interner.sets.is_empty() && interner.texts.is_empty());
    }

    #[test]
    fn words_and_commits_that_nobody_uses_any_more_do_not_gather() {
        let mut interner = Interner::default();
        let first = interner.revision(&format!("{:040x}", 0)).unwrap();
        for number in 0..2000 {
            interner.word(&format!("manager-{number}"));
            interner.revision(&format!("{number:040x}"));
        }
        let (words, revisions) = (interner.words.len(), interner.revisions.len());
        assert!(words < 600 && revisions < 600, "{words}, {revisions}");
        assert!(Arc::ptr_eq(&first, &interner.revision(first.as_str()).unwrap()));
        assert!(interner.revision("main").is_none());
    }

    #[test]
    fn what_is_no_map_or_has_no_end_of_depth_has_no_fields() {
        let deep = format!("{}{}", "{\"f:a\":".repeat(5000), "{}".to_owned() + &"}".repeat(5000));
        for text in ["null", "[1]", "\"f:spec\"", "7", deep.as_str()] {
            let recorded: Recorded = serde_json::from_str(text).unwrap();
            assert!(recorded.read().is_empty(), "{text:.40}");
        }
    }

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
