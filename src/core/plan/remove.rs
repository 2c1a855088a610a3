//! What to do for a solution that left the catalogue: take it down, backwards, gently.

use super::deletion::delete;
use super::gate::Gate;
use super::ground::{Ground, setback_gate, unknown_kind};
use super::observed::Record;
use super::solution_plan::SolutionPlan;
use super::step::Step;
use crate::model::{Kind, ObjectKey, SolutionName};

/// The steps that remove what is left of a solution, in order: the route, its grant and its
/// limits, the ScaledObject (its finalizer needs KEDA and the Deployment), the InterceptorRoutes, the
/// Deployments, the rest, and the Namespace last, after a look for work that is not ours.
///
/// `additions`: solutions that are just being added; removal waits for them, so that a rename
/// has no gap.
pub fn remove(
    solution: &SolutionName,
    additions: &[SolutionName],
    ground: &Ground<'_>,
) -> SolutionPlan {
    let mut plan = SolutionPlan::default();
    let Some(live) = ground.observed.solutions.get(solution) else { return plan };
    let namespace = solution.namespace();
    let begun = live.values().any(|object| object.deleting.is_some());

    let mut gate = match &ground.observed.record {
        Record::Unread => Some(Gate::Record),
        // A removal that is under way goes on in its order; each step asks again.
        Record::Missing | Record::Kept { .. } if !additions.is_empty() && !begun => {
            Some(Gate::Additions(additions.to_vec()))
        }
        Record::Missing | Record::Kept { .. } => ground.nothing_deleted.cloned(),
    };
    for rank in 0..=LAST_RANK {
        let mut blocking = None;
        for (key, object) in live.iter().filter(|(key, _)| rank_of(key.kind) == rank) {
            if object.deleting.is_some() {
                let finalizers = object.finalizers.clone();
                blocking.get_or_insert(Gate::Leaving { key: key.clone(), finalizers });
            } else if object.is_ours() {
                delete(key, gate.clone(), solution, ground, &mut plan);
                blocking.get_or_insert(Gate::Object(key.clone()));
            }
        }
        if let Some(Gate::Leaving { .. }) = &blocking {
            plan.waits.extend(blocking.clone());
        }
        gate = gate.or(blocking);
    }

    let key = ObjectKey::cluster(Kind::Namespace, namespace.clone());
    match live.get(&key) {
        Some(object) if object.deleting.is_some() => {
            plan.waits.push(Gate::Leaving { key, finalizers: vec!["kubernetes".to_owned()] });
        }
        Some(object) if object.is_ours() => {
            remove_namespace(&key, gate, solution, ground, &mut plan);
        }
        Some(_) | None => {}
    }
    plan
}

/// The Namespace deletes every kind with it, so every kind must be known, and nothing in it may
/// be somebody else's work.
fn remove_namespace(
    key: &ObjectKey,
    gate: Option<Gate>,
    solution: &SolutionName,
    ground: &Ground<'_>,
    plan: &mut SolutionPlan,
) {
    let gate = gate.or_else(|| unknown_kind(ground));
    if gate.is_some() {
        delete(key, gate, solution, ground, plan);
        return;
    }
    match ground.observed.surveys.get(&key.name) {
        None if ground.observed.in_flight.contains_key(key) => {
            plan.waits.push(Gate::InFlight(key.clone()));
        }
        None => {
            let gate = setback_gate(key, None, ground)
                .or_else(|| ground.hold.is_some_and(|h| h.covers(key)).then_some(Gate::Held));
            plan.push(Step::Survey { namespace: key.name.clone() }, gate);
            delete(key, Some(Gate::Object(key.clone())), solution, ground, plan);
        }
        Some(survey) if survey.foreign.is_empty() => delete(key, None, solution, ground, plan),
        Some(survey) => {
            delete(key, Some(Gate::ForeignWork(survey.foreign.clone())), solution, ground, plan);
        }
    }
}

/// The order of removal. The Namespace comes after the last rank.
const fn rank_of(kind: Kind) -> u8 {
    match kind {
        Kind::HttpRoute | Kind::Ingress => 0,
        Kind::ReferenceGrant | Kind::Middleware | Kind::BackendTrafficPolicy => 1,
        Kind::ScaledObject => 2,
        Kind::InterceptorRoute => 3,
        Kind::Deployment => 4,
        Kind::Service
        | Kind::ConfigMap
        | Kind::NetworkPolicy
        | Kind::ServiceAccount
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::Server
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::HttpLocalRateLimitPolicy
        | Kind::PodDisruptionBudget
        | Kind::PodMonitor
        | Kind::Pod => LAST_RANK,
        Kind::Namespace => u8::MAX,
    }
}
const LAST_RANK: u8 = 5;
