//! What the decisions of one pass stand on, and the gates that follow from it alone.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::brake::Hold;
use super::gate::Gate;
use super::observed::{KindState, Observed};
use super::setback::Setbacks;
use crate::model::{ContentHash, Kind, ObjectKey, Revision};

/// What every decision of one pass stands on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The cluster as the watches tell it.
    pub observed: &'a Observed,
    /// The commit that is being applied.
    pub revision: &'a Revision,
    /// What went wrong lately, by object: it is not tried again before its time.
    pub setbacks: &'a Setbacks,
    /// The deletions that the brake holds, if there are any.
    pub hold: Option<&'a Hold>,
    /// Why nothing at all may be deleted, whatever the brake says.
    pub nothing_deleted: Option<&'a Gate>,
    /// Whether a changed pod template is woken once.
    pub verify: bool,
    /// Verifications that may still begin.
    pub slots: usize,
    /// Deployments whose start-up budget is over although they were woken to be verified.
    pub overdue: &'a BTreeSet<ObjectKey>,
    /// When this is decided: a setback ends by it.
    pub now: Timestamp,
}

/// Until a kind is there and listed, none of its objects can be written.
pub(super) fn kind_gate(kind: Kind, ground: &Ground<'_>) -> Option<Gate> {
    match ground.observed.kinds.get(&kind).copied().unwrap_or_default() {
        KindState::Synced => None,
        KindState::Absent => Some(Gate::MissingKind(kind)),
        KindState::Unknown => Some(Gate::UnknownKind(kind)),
    }
}

/// A kind that could not be listed yet. Until all are known, the brake cannot count, so nothing
/// is deleted.
pub(super) fn unknown_kind(ground: &Ground<'_>) -> Option<Gate> {
    let state = |kind: &Kind| ground.observed.kinds.get(kind).copied().unwrap_or_default();
    let unknown = Kind::RENDERED.into_iter().find(|kind| state(kind) == KindState::Unknown);
    unknown.map(Gate::UnknownKind)
}

/// Why this object may not be touched now although the plan would: it failed lately.
pub(super) fn setback_gate(
    key: &ObjectKey,
    content: Option<&ContentHash>,
    ground: &Ground<'_>,
) -> Option<Gate> {
    let setback = ground.setbacks.get(key)?;
    if setback.content.as_ref() != content {
        return None;
    }
    (setback.until > ground.now).then(|| Gate::BackOff { key: key.clone(), until: setback.until })
}
