//! What the other controllers say of the objects of a solution, taken together.

use super::case::Case;
use super::health::{self, Answer, Trouble};
use crate::model::Kind;
use crate::plan::{Gate, Phase, SolutionPlan};

/// Applied, but did the other controllers take it? What one of them refuses comes first.
pub(super) fn answered(case: &Case<'_>, phase: Phase) -> Option<Answer> {
    let live = case.objects()?;
    let mut waiting = None;
    for (key, live) in live.iter().filter(|(_, live)| live.deleting.is_none()) {
        match health::answer(key, live, phase, case.observed.gateway.as_ref()) {
            Answer::Taken => {}
            refused @ Answer::Refused(_) => return Some(refused),
            // What visitors would meet speaks first.
            waits @ Answer::Waiting { .. } if key.kind == Kind::HttpRoute => waiting = Some(waits),
            waits @ Answer::Waiting { .. } => {
                waiting.get_or_insert(waits);
            }
        }
    }
    waiting
}

/// What holds the namespace, if the plan waits for the end of it.
pub(super) fn leaving(case: &Case<'_>, plan: &SolutionPlan) -> Option<Trouble> {
    plan.gates().find_map(|gate| match gate {
        Gate::Leaving { key, .. } if key.kind == Kind::Namespace => {
            let facts = case.observed.namespaces.get(&key.name)?;
            health::namespace(&key.name, facts, case.now)
        }
        _ => None,
    })
}
