//! A changed pod template is woken once, so that green means "seen running".
//!
//! Three small writes by manager `vitrine-verify`: wake, note the result, let go. Everything
//! that the decision needs stands on the objects, so a restart goes on where it was.

use std::collections::BTreeMap;

use super::observed::{HealthFacts, Live};
use super::publish::is_available;
use super::{Gate, Ground, Kind, ObjectKey, SolutionPlan, Step};
use crate::model::ContentHash;

/// Adds the next step of each verification of the solution, if there is one to make. `templates`:
/// its Deployments and the hashes of their pod templates.
pub(super) fn verify<'a>(
    templates: impl Iterator<Item = (&'a ObjectKey, &'a ContentHash)>,
    live: &BTreeMap<ObjectKey, Live>,
    ground: &Ground<'_>,
    plan: &mut SolutionPlan,
) {
    let mut slots = ground.slots;
    for (key, template) in templates {
        let scaler = ObjectKey { kind: Kind::ScaledObject, ..key.clone() };
        let (Some(deployment), Some(scaled)) = (live.get(key), live.get(&scaler)) else {
            continue;
        };
        let HealthFacts::ScaledObject(facts) = &scaled.health else { continue };
        let known = result(deployment, template).is_some();
        let step = match (known, facts.forced) {
            (true, false) => continue,
            (true, true) => Step::ForceActivation { key: scaler.clone(), on: false },
            (false, false) if facts.paused || !ground.verify => continue,
            (false, false) if slots == 0 => {
                plan.waits.push(Gate::Slot);
                continue;
            }
            (false, false) => {
                slots -= 1;
                Step::ForceActivation { key: scaler.clone(), on: true }
            }
            (false, true) => match seen(key, deployment, ground) {
                Some(ok) => Step::Verified { key: key.clone(), template: template.clone(), ok },
                None => {
                    plan.waits.push(Gate::NotAvailable(key.clone()));
                    continue;
                }
            },
        };
        let key = step.key();
        let gate = if ground.observed.in_flight.contains(&key) {
            Some(Gate::InFlight(key))
        } else {
            super::setback_gate(&key, None, ground)
        };
        plan.push(step, gate);
    }
}

/// What is known of this template: `born`, `ok` or `failed`.
pub fn result(deployment: &Live, template: &ContentHash) -> Option<Verified> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    let (hash, word) = facts.verified.as_deref()?.split_once(' ')?;
    match (hash == template.as_str(), word) {
        (true, "born") => Some(Verified::Born),
        (true, "ok") => Some(Verified::Ok),
        (true, "failed") => Some(Verified::Failed),
        _ => None,
    }
}

/// What the annotation `vitrine.dev/verified` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Never run: born asleep with this template.
    Born,
    /// Was available with this template.
    Ok,
    /// Did not become available in time.
    Failed,
}

/// Whether the woken Deployment was seen running, or has used up its time.
fn seen(key: &ObjectKey, deployment: &Live, ground: &Ground<'_>) -> Option<bool> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    if facts.wanted > 0 && is_available(deployment) {
        return Some(true);
    }
    let gave_up = facts.conditions.iter().any(|c| {
        c.kind == "Progressing" && c.status == "False" && c.reason == "ProgressDeadlineExceeded"
    }) && facts.observed_generation >= facts.generation;
    (gave_up || ground.overdue.contains(key)).then_some(false)
}
