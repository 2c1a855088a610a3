//! A solution as objects, and what that depends on.

use crate::model::{ContentHash, TreeId};
use crate::plan::{Desired, Phase};

/// A solution's objects.
#[derive(Debug)]
pub struct Rendered {
    /// What the objects depend on.
    pub key: FormKey,
    /// The objects that the solution should have on the cluster.
    pub desired: Desired,
}

/// What a form of a solution depends on besides the instance: while this is the same, so is it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormKey {
    /// The tree of the solution's folder.
    pub tree: TreeId,
    /// SHA-256 of the operator's file.
    pub platform: ContentHash,
    /// Whether the clock lets the solution run.
    pub phase: Phase,
}
