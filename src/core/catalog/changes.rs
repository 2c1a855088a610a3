//! What commits changed, folder by folder.

use std::collections::BTreeSet;

use crate::model::Revision;

/// What happened on the branch between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Oldest first.
    pub commits: Vec<Change>,
    /// The start is not an ancestor of the end, or not known any more: history was rewritten.
    pub rewritten: bool,
}

/// What one commit changed, compared with its first parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit that made the change.
    pub revision: Revision,
    /// Paths below the root, as in [`Snapshot::folders`](super::Snapshot::folders): added, changed or removed.
    pub folders: BTreeSet<String>,
    /// `platform.yaml` changed.
    pub platform: bool,
}
