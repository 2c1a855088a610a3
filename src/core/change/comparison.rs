//! Two snapshots to be put beside each other, and how the second one was found.

use std::collections::BTreeMap;

use super::touched::Earlier;
use crate::catalog::Snapshot;

/// What is in force, and what would be.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is in force.
    pub base: Snapshot,
    /// What would be.
    pub head: Snapshot,
    /// How the second one was found.
    pub how: How,
    /// Folders of `head` that were exactly so in an older commit of the base, by path.
    pub earlier: BTreeMap<String, Earlier>,
}

/// How what would be in force was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is what a merge leaves.
    Merged,
    /// A merge would have conflicts, so it is the head beside where it branched off.
    Branched,
    /// The base has the head already, or they have no common history: the head itself.
    Alone,
}
