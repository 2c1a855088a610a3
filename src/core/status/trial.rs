//! A trial in words: woken to be seen running, and what was seen so far.

use super::health::Trouble;
use super::{Cause, Condition, Health};
use crate::model::Party;
use crate::plan::{Gate, SolutionPlan};

/// Whether the plan waits for a trial, or for one to end before its own begins.
pub(super) fn runs(plan: &SolutionPlan) -> bool {
    plan.waits.iter().any(|gate| matches!(gate, Gate::NotAvailable(_) | Gate::Slot))
}

/// What is seen so far: it may still come up, and somebody may be able to help already.
pub(super) fn so_far(condition: Option<&Condition>) -> Trouble {
    let woken = Cause::Verifying.says("woken once to see the new version running");
    let seen = condition.filter(|c| c.party != Party::Nobody && c.health == Health::Progressing);
    match seen {
        Some(c) => Trouble {
            party: c.party,
            reason: woken.reworded(|woken| format!("{woken}; {}", c.reason)),
            next: c.next.clone(),
        },
        None => Trouble { party: Party::Nobody, reason: woken, next: "wait a moment".to_owned() },
    }
}
