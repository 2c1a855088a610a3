//! A changed pod template is woken once, so that green means "seen running".
//!
//! Three small writes by manager `vitrine-verify`: wake, note the result, let go. Everything
//! that the decision needs stands on the objects, so a restart goes on where it was. What a visit
//! shows of a template is noted too, once: it works, or it does not come up.

use std::collections::BTreeMap;

use super::gate::Gate;
use super::ground::{Ground, setback_gate};
use super::observed::{DeploymentFacts, HealthFacts, Live, NOT_WOKEN, PodFacts, REFUSED, Shelf};
use super::solution_plan::SolutionPlan;
use super::step::Step;
use super::verified::Verified;
use crate::model::{ContentHash, Kind, ObjectKey, SolutionName};

/// Adds the next step of each verification of the solution, if there is one to make. `templates`:
/// its Deployments and the hashes of their pod templates.
pub(super) fn verify<'a>(
    templates: impl Iterator<Item = (&'a ObjectKey, &'a ContentHash)>,
    live: &Shelf,
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
        let mark = |result| Step::Verified { key: key.clone(), template: template.clone(), result };
        let step = match (&known, facts.forced) {
            (Some(_), true) => Step::ForceActivation { key: scaler.clone(), on: false },
            // Nobody could wake it; tried again when KEDA takes it.
            (None, true) if facts.is_refused() && !works(deployment) => {
                Step::ForceActivation { key: scaler.clone(), on: false }
            }
            (None, true) => match seen(key, deployment, ground) {
                Some(result) => mark(result),
                None => {
                    plan.waits.push(Gate::NotAvailable(key.clone()));
                    continue;
                }
            },
            (_, false) => match woken_by_others(key, deployment, known.as_ref(), ground) {
                Some(result) => mark(result),
                None if facts.is_refused() && ground.nudges.contains(&scaler) => {
                    Step::Nudge { key: scaler.clone(), mark: !facts.nudged }
                }
                None if known.is_some() || facts.paused.is_some() || !ground.verify => continue,
                None if facts.is_refused() => continue,
                None if slots == 0 => {
                    plan.waits.push(Gate::Slot);
                    continue;
                }
                None => {
                    slots -= 1;
                    Step::ForceActivation { key: scaler.clone(), on: true }
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

/// Whether the Deployment woken for a trial was seen running, cannot start whatever is tried again,
/// or has used up its time. One exit is no proof: many a program ends until what it needs is up.
fn seen(key: &ObjectKey, deployment: &Live, ground: &Ground<'_>) -> Option<Verified> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    if works(deployment) {
        return Some(Verified::Ok);
    }
    let pods = newest(key, facts, ground);
    let proof = pods.iter().find(|pod| pod.is_final).filter(|_| is_looked_at(facts));
    if proof.is_none() && !facts.gave_up() && !ground.overdue.contains(key) {
        return None;
    }
    if facts.wanted == 0 {
        let nobody = PodFacts { word: Some(NOT_WOKEN.into()), ..PodFacts::default() };
        return Some(Verified::Failed(Some(Box::new(nobody))));
    }
    let refused =
        facts.conditions.iter().find(|c| c.kind == "ReplicaFailure" && c.status == "True");
    if let Some(refused) = refused.filter(|_| pods.is_empty()) {
        let (word, message) = (Some(REFUSED.into()), refused.message.clone());
        let nobody = PodFacts { word, message, ..PodFacts::default() };
        return Some(Verified::Failed(Some(Box::new(nobody))));
    }
    let failing = || pods.iter().find(|pod| pod.is_failing());
    let any = || pods.iter().find(|pod| pod.word.is_some());
    let speaks = proof.or_else(failing).or_else(any);
    Some(Verified::Failed(speaks.map(|pod| Box::new((*pod).clone()))))
}

/// What a wake that was no trial says of the template: that it works, or that it does not come up.
/// It stays known when the Deployment sleeps again, until it was available or is another one.
fn woken_by_others(
    key: &ObjectKey,
    deployment: &Live,
    known: Option<&Verified>,
    ground: &Ground<'_>,
) -> Option<Verified> {
    let HealthFacts::Deployment(facts) = &deployment.health else { return None };
    if works(deployment) {
        return (known != Some(&Verified::Ok)).then_some(Verified::Ok);
    }
    if facts.available > 0 || !is_looked_at(facts) {
        return None;
    }
    // What is noted stays until something else is said.
    let noted = |pod: &PodFacts| match known {
        Some(Verified::Failed(noted)) => noted.as_ref().is_some_and(|n| n.says_the_same(pod)),
        Some(Verified::Born | Verified::Ok) | None => false,
    };
    // What gets a trial of its own has its time.
    let tried = known.is_none() && ground.verify;
    let fails = |pod: &&&PodFacts| if tried { pod.is_final } else { pod.keeps_failing() };
    let pods = newest(key, facts, ground);
    let failing = pods.iter().find(fails).filter(|pod| !noted(pod))?;
    Some(Verified::Failed(Some(Box::new((*failing).clone()))))
}

/// Whether its controller has made pods of the newest form.
const fn is_looked_at(facts: &DeploymentFacts) -> bool {
    facts.observed_generation >= facts.generation && facts.wanted > 0 && facts.updated > 0
}

/// The pods of its newest template of which anything was said.
fn newest<'a>(key: &ObjectKey, facts: &DeploymentFacts, ground: &Ground<'a>) -> Vec<&'a PodFacts> {
    let solution = key.namespace.as_deref().and_then(SolutionName::of_namespace);
    let pods = solution.and_then(|name| ground.observed.pods.get(&name));
    let pods = pods.into_iter().flat_map(BTreeMap::values);
    pods.filter(|pod| pod.component == key.name && facts.is_newest(pod)).collect()
}
