//! A solution as objects, and what that depends on.

use crate::model::{ContentHash, TreeId};
use crate::plan::{Desired, Phase};

/// A solution's objects.
#[derive(Debug)]
pub struct Rendered {
    pub key: FormKey,
    pub desired: Desired,
}

/// What a form of a solution depends on besides the instance: while this is the same, so is it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormKey {
    pub tree: TreeId,
    pub platform: ContentHash,
    pub phase: Phase,
}
