//! Names of which a word may be owed: an earlier life left a line pending or had begun a removal, or
//! the name was taken back before anything of it was there.

use std::collections::BTreeSet;

use crate::model::ClaimedName;

/// Those of which it is not known yet what became of them.
#[derive(Debug, Default)]
pub struct Doubts(BTreeSet<ClaimedName>);

impl Doubts {
    /// Nobody may have come to say what became of a name.
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
