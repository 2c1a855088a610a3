//! What the decisions of one pass stand on, and the gates that follow from it alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::address::Address;
use super::brake::Hold;
use super::gate::Gate;
use super::observed::{KindState, Observed, Owner};
use super::rollout::Turns;
use super::setback::Setbacks;
use crate::model::{ContentHash, Kind, ObjectKey, Revision, SolutionName};

/// What every decision of one pass stands on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The cluster as the watches tell it.
    pub observed: &'a Observed,
    /// The commit that is being applied.
    pub revision: &'a Revision,
    /// What went wrong lately, by object: it is not tried again before its time.
    pub setbacks: &'a Setbacks,
    /// What the brake holds, if it holds anything.
    pub hold: Option<&'a Hold>,
    /// The solutions that would no longer be opened at these addresses.
    pub losing: &'a BTreeMap<SolutionName, BTreeSet<Address>>,
    /// Why nothing at all may be deleted, whatever the brake says.
    pub nothing_deleted: Option<&'a Gate>,
    /// Whether a changed pod template is woken once.
    pub verify: bool,
    /// Verifications that may still begin.
    pub slots: usize,
    /// What a change for all may restart; `None`: the solution's own commit changed it.
    pub turns: Option<Turns<'a>>,
    /// Deployments whose start-up budget is over although they were woken to be verified.
    pub overdue: &'a BTreeSet<ObjectKey>,
    /// ScaledObjects that KEDA refused and should look at again now.
    pub nudges: &'a BTreeSet<ObjectKey>,
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

/// Until the Namespace is absent or ours, nothing is written.
pub(super) fn namespace_gate(solution: &SolutionName, ground: &Ground<'_>) -> Option<Gate> {
    if ground.observed.kinds.get(&Kind::Namespace) != Some(&KindState::Synced) {
        return Some(Gate::UnknownKind(Kind::Namespace));
    }
    let namespace = solution.namespace();
    let facts = ground.observed.namespaces.get(&namespace)?;
    if facts.deleting.is_some() {
        let key = ObjectKey::cluster(Kind::Namespace, namespace);
        return Some(Gate::Leaving { key, finalizers: vec!["kubernetes".to_owned()] });
    }
    match &facts.owner {
        Owner::ThisInstance => None,
        Owner::OtherInstance(instance) => {
            Some(Gate::ForeignNamespace { namespace, instance: Some(instance.clone()) })
        }
        Owner::Nobody => Some(Gate::ForeignNamespace { namespace, instance: None }),
    }
}
