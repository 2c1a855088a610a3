//! What is ours and wanted no more, and the one step that takes it away.

use std::collections::BTreeSet;

use super::gate::Gate;
use super::ground::{Ground, kind_gate, setback_gate, unknown_kind};
use super::observed::{Observed, Record};
use super::solution_plan::SolutionPlan;
use super::step::Step;
use crate::model::{ObjectKey, SolutionName};

/// The deletions that a solution asks for: what is ours and not `wanted`, which is nothing when it
/// is absent from the catalogue. What is already going does not count.
pub fn deletions<'a>(
    solution: &SolutionName,
    wanted: impl IntoIterator<Item = &'a ObjectKey>,
    observed: &Observed,
) -> BTreeSet<ObjectKey> {
    let Some(live) = observed.solutions.get(solution) else { return BTreeSet::new() };
    let wanted: BTreeSet<&ObjectKey> = wanted.into_iter().collect();
    live.iter()
        .filter(|(key, live)| live.is_ours() && live.deleting.is_none() && !wanted.contains(key))
        .map(|(key, _)| key.clone())
        .collect()
}

/// Whether a deletion is part of every roll-out: a config map whose name carries the hash of its
/// content, superseded by the next one. The brake does not count it.
pub fn is_routine(key: &ObjectKey) -> bool {
    crate::render::is_hashed(key)
}

/// Adds the deletion of one of our objects, if it can be said at all.
pub(super) fn delete(
    key: &ObjectKey,
    gate: Option<Gate>,
    solution: &SolutionName,
    ground: &Ground<'_>,
    plan: &mut SolutionPlan,
) {
    let Some(live) = ground.observed.solutions.get(solution).and_then(|l| l.get(key)) else {
        return;
    };
    if ground.observed.in_flight.contains_key(key) {
        plan.waits.push(Gate::InFlight(key.clone()));
        return;
    }
    let step = Step::Delete {
        key: key.clone(),
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
    };
    let held = ground.hold.is_some_and(|hold| hold.covers(key)).then_some(Gate::Held);
    let unread = matches!(ground.observed.record, Record::Unread).then_some(Gate::Record);
    let gate = held
        .or(unread)
        .or_else(|| ground.nothing_deleted.cloned())
        .or_else(|| unknown_kind(ground))
        .or_else(|| kind_gate(key.kind, ground))
        .or_else(|| setback_gate(key, None, ground))
        .or(gate);
    plan.push(step, gate);
}
