//! What leads visitors to a solution, and what has to be so before it changes.

use std::collections::BTreeSet;

use super::gate::Gate;
use super::ground::{Ground, unknown_kind};
use super::observed::{HealthFacts, Record};
use super::outline::{Form, Outline, owns_replicas};
use crate::model::{Kind, ObjectKey, SolutionName};

/// What makes a solution public.
pub(super) const fn is_route(kind: Kind) -> bool {
    matches!(kind, Kind::HttpRoute | Kind::Ingress)
}

/// What leads visitors to a solution, and what only that refers to.
pub const fn leads(kind: Kind) -> bool {
    is_route(kind) || matches!(kind, Kind::InterceptorRoute)
}

/// A route that would close an address waits for a person where too many do, and until nobody can
/// be overlooked.
pub(super) fn moving_gate(
    kind: Kind,
    solution: &SolutionName,
    ground: &Ground<'_>,
) -> Option<Gate> {
    if !leads(kind) || !ground.losing.contains_key(solution) {
        return None;
    }
    if ground.hold.is_some_and(|hold| hold.moving.contains(solution)) {
        return Some(Gate::Held);
    }
    let unread = (ground.observed.record == Record::Unread).then_some(Gate::Record);
    unread.or_else(|| ground.nothing_deleted.cloned()).or_else(|| unknown_kind(ground))
}

/// The gates of activation: KEDA must find the add-on's route when it reads a ScaledObject, and
/// a route that leaves the interceptor needs a target that answers.
pub(super) fn activation_gate(
    object: &Form,
    desired: &Outline,
    extras: &BTreeSet<ObjectKey>,
    ground: &Ground<'_>,
) -> Option<Gate> {
    let live = ground.observed.solutions.get(&desired.solution)?;
    match object.key.kind {
        Kind::ScaledObject => desired
            .objects
            .iter()
            .filter(|o| o.key.kind == Kind::InterceptorRoute)
            .find(|o| {
                !matches!(live.get(&o.key).map(|l| &l.health), Some(HealthFacts::Ready(true)))
            })
            .map(|o| Gate::NotReady(o.key.clone())),
        Kind::Deployment if owns_replicas(&object.fields) => extras
            .iter()
            .find(|key| key.kind == Kind::ScaledObject && key.name == object.key.name)
            .map(|key| Gate::Object(key.clone())),
        kind if is_route(kind) && extras.iter().any(|k| k.kind == Kind::InterceptorRoute) => {
            desired
                .objects
                .iter()
                .filter(|o| o.key.kind == Kind::Deployment && owns_replicas(&o.fields))
                .find(|o| !live.get(&o.key).is_some_and(|l| l.health.is_available()))
                .map(|o| Gate::NotAvailable(o.key.clone()))
        }
        _ => None,
    }
}
