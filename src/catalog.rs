//! Judges what a commit says: which folders are solutions, and which are refused and why.
//!
//! In: [`Snapshot`]. Out: [`Catalog`]. Whoever holds a [`Solution`] need not check it again.

pub mod fault;
pub mod platform;
pub mod snapshot;
pub mod solution;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use fault::Fault;
pub use platform::Platform;
pub use snapshot::{Folder, Snapshot};
pub use solution::Solution;

use crate::model::{Revision, SolutionName};

/// What the catalogue says at a revision: checked solutions and refused folders.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub revision: Revision,
    /// The operator's file, or why it cannot be used. Without it nothing is published.
    pub platform: Result<Arc<Platform>, Vec<Fault>>,
    pub solutions: BTreeMap<SolutionName, Arc<Solution>>,
    /// Refused folders by the name their solution has (or would have), with their faults.
    pub refused: BTreeMap<String, Refused>,
    pub protected: Protected,
}

/// A folder that says something we cannot do. What runs of it is frozen.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The folder, relative to the catalogue's root.
    pub folder: String,
    pub faults: Vec<Fault>,
}

/// The names that must not be pruned although no good solution carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    pub names: BTreeSet<String>,
    /// The reason why no absent name at all may be pruned, if there is one.
    pub all: Option<String>,
}

impl Protected {
    /// Whether this name must be left alone.
    pub fn covers(&self, name: &str) -> bool {
        self.all.is_some() || self.names.contains(name)
    }
}
