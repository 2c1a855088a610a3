//! Names of which an earlier life may owe a word: a line was left pending, or a removal had begun.

use std::collections::BTreeSet;

use crate::model::ClaimedName;

/// Those of which it is not known yet what became of them.
#[derive(Debug, Default)]
pub struct Doubts(BTreeSet<ClaimedName>);

impl Doubts {
    /// An earlier life may not have come to say what became of a name.
    pub fn add(&mut self, name: ClaimedName) {
        self.0.insert(name);
    }

    /// The names.
    pub fn names(&self) -> &BTreeSet<ClaimedName> {
        &self.0
    }

    /// It is known what became of a name.
    pub fn settle(&mut self, name: &ClaimedName) {
        self.0.remove(name);
    }
}
