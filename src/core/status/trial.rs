//! A trial in words: woken to be seen running, and what was seen so far.

use super::health::Trouble;
use super::{Cause, Condition, Health};
use crate::model::{Kind, ObjectKey, Party};
use crate::plan::observed::{HealthFacts, Shelf};
use crate::plan::{Gate, SolutionPlan, Step};

/// Whether the plan waits for a trial, or for one to end before its own begins.
pub(super) fn runs(plan: &SolutionPlan) -> bool {
    plan.waits.iter().any(|gate| matches!(gate, Gate::NotAvailable(_) | Gate::Slot))
}

/// Whether all that is left is a trial.
pub(super) fn is_all(plan: &SolutionPlan) -> bool {
    let of_it = |step: &Step| {
        matches!(step, Step::ForceActivation { .. } | Step::Nudge { .. } | Step::Verified { .. })
    };
    !plan.is_empty()
        && plan.steps.iter().all(|planned| of_it(&planned.step))
        && plan.waits.iter().all(|gate| matches!(gate, Gate::NotAvailable(_) | Gate::Slot))
}

/// Whether all that is left is to note what a visit showed: nothing of the solution changes by that.
pub(super) fn only_notes(plan: &SolutionPlan, live: Option<&Shelf>) -> bool {
    let is_forced = |key: &ObjectKey| {
        let scaler = ObjectKey { kind: Kind::ScaledObject, ..key.clone() };
        live.and_then(|live| live.get(&scaler)).is_some_and(
            |live| matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.forced),
        )
    };
    let is_note = |step: &Step| match step {
        Step::Nudge { .. } => true,
        Step::Verified { key, .. } => !is_forced(key),
        _ => false,
    };
    plan.waits.is_empty() && plan.steps.iter().all(|planned| is_note(&planned.step))
}

/// What is seen so far: it may still come up, and somebody may be able to help already.
pub(super) fn so_far(condition: Option<&Condition>) -> Trouble {
    let woken = Cause::Verifying.says("woken once to see the new version running");
    let seen = condition.filter(|c| c.party != Party::Nobody && c.health != Health::Healthy);
    match seen {
        Some(c) => Trouble {
            party: c.party,
            reason: woken.reworded(|woken| format!("{woken}; {}", c.reason)),
            next: c.next.clone(),
        },
        None => Trouble { party: Party::Nobody, reason: woken, next: "wait a moment".to_owned() },
    }
}
