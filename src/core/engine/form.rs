//! A solution as objects, and what that depends on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{ContentHash, ObjectKey, Revision, TreeId};
use crate::plan::{Outline, Phase};
use crate::render::Body;

/// What is sent of each object.
pub type Bodies = BTreeMap<ObjectKey, Arc<Body>>;

/// A solution's objects.
#[derive(Debug)]
pub struct Rendered {
    /// What the objects depend on.
    pub key: FormKey,
    /// The objects that the solution should have on the cluster.
    pub outline: Outline,
    /// Their bodies, if they were asked for.
    pub bodies: Option<Bodies>,
}

/// What a form of a solution depends on besides the instance: while this is the same, so is it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormKey {
    /// The tree of the solution's folder.
    pub tree: TreeId,
    /// Of a preview: the head that it shows.
    pub head: Option<Revision>,
    /// SHA-256 of the operator's file.
    pub platform: ContentHash,
    /// Whether the clock lets the solution run.
    pub phase: Phase,
}
