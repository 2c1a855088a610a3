//! What would be done, as a daemon says it that only reports.

use crate::plan::{Planned, SolutionPlan, Step, Why};

/// What lets happen what is only reported.
pub(super) const ACT: &str = "`vitrine plan` says which; `cluster.mode: apply` lets it happen";

/// What a plan would do, in numbers; `None`: nothing.
pub(super) fn would(plan: &SolutionPlan) -> Option<String> {
    let (mut create, mut update, mut repair, mut delete, mut wake) = (0, 0, 0, 0, 0);
    for planned in &plan.steps {
        *match &planned.step {
            Step::Birth { .. } | Step::Apply { why: Why::Create, .. } => &mut create,
            Step::Handover { .. } | Step::Apply { why: Why::Update, .. } => &mut update,
            Step::Apply { why: Why::Repair { .. }, .. } => &mut repair,
            Step::Delete { .. } | Step::Survey { .. } => &mut delete,
            Step::ForceActivation { .. } => &mut wake,
            // What is noted of a trial or a visit changes nothing of the solution.
            Step::Nudge { .. } | Step::Verified { .. } => continue,
        } += 1;
    }
    let counts = [("create", create), ("update", update), ("repair", repair), ("delete", delete)];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verb, count)| format!("{verb} {count}"))
        .collect();
    match (told.as_slice(), wake) {
        ([], 0) => None,
        ([], _) => Some("would wake it once to see it running".to_owned()),
        (told, _) => Some(format!("would {} of its objects", told.join(", "))),
    }
}

/// What a step puts right: the fields, the manager that has them now, and the object.
pub(super) fn repair(planned: &Planned) -> Option<(&Vec<String>, Option<&str>, String)> {
    match &planned.step {
        Step::Apply { object, why: Why::Repair { fields, manager }, .. } => {
            Some((fields, manager.as_deref(), object.key.to_string()))
        }
        _ => None,
    }
}
