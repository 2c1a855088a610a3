//! A changed pod template is woken once, so that green means "seen running".
//!
//! Three small writes by manager `vitrine-verify`: wake, note the result, let go. Everything
//! that the decision needs stands on the objects, so a restart goes on where it was.

use std::collections::BTreeMap;

use super::gate::Gate;
use super::ground::{Ground, setback_gate};
use super::observed::{HealthFacts, Live};
use super::solution_plan::SolutionPlan;
use super::step::Step;
use super::verified::Verified;
use crate::model::{ContentHash, Kind, ObjectKey, SolutionName};

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
        let known = result(deployment, template);
        let step = match (known.is_some(), facts.forced) {
            // A visitor woke it, and it works after all.
            (true, false) if matches!(known, Some(Verified::Failed(_))) && works(deployment) => {
                Step::Verified {
                    key: key.clone(),
                    template: template.clone(),
                    result: Verified::Ok,
                }
            }
            (true, false) => continue,
            (true, true) => Step::ForceActivation { key: scaler.clone(), on: false },
            (false, false) if facts.paused.is_some() || !ground.verify => continue,
            (false, false) if slots == 0 => {
                plan.waits.push(Gate::Slot);
                continue;
            }
            (false, false) => {
                slots -= 1;
                Step::ForceActivation { key: scaler.clone(), on: true }
            }
            (false, true) => match seen(key, deployment, ground) {
                Some(result) => {
                    Step::Verified { key: key.clone(), template: template.clone(), result }
                }
                None => {
                    plan.waits.push(Gate::NotAvailable(key.clone()));
                    continue;
                }
            },
        };
        let key = step.key();
        let gate = if ground.observed.in_flight.contains_key(&key) {
            Some(Gate::InFlight(key))
        } else {
            setback_gate(&key, None, ground)
        };
        plan.push(step, gate);
    }
}

/// Whether at least one replica runs and all are available.
fn works(deployment: &Live) -> bool {
    let HealthFacts::Deployment(facts) = &deployment.health else { return false };
    facts.wanted > 0 && deployment.health.is_available()
}

/// What is known of this template.
pub fn result(deployment: &Live, template: &ContentHash) -> Option<Verified> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    Verified::read(facts.verified.as_deref()?, template)
}

/// Whether the woken Deployment was seen running, cannot start, or has used up its time.
fn seen(key: &ObjectKey, deployment: &Live, ground: &Ground<'_>) -> Option<Verified> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    if works(deployment) {
        return Some(Verified::Ok);
    }
    let solution = key.namespace.as_deref().and_then(SolutionName::of_namespace);
    let pods = solution.and_then(|name| ground.observed.pods.get(&name));
    let failing = pods
        .into_iter()
        .flat_map(|pods| pods.values())
        .find(|pod| pod.component == key.name && pod.is_failing());
    let is_new = facts.observed_generation >= facts.generation && facts.updated > 0;
    (facts.gave_up() || ground.overdue.contains(key) || (failing.is_some() && is_new))
        .then(|| Verified::Failed(failing.cloned().map(Box::new)))
}
