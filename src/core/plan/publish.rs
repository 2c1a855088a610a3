//! What to do for a solution that is in the catalogue: create, update, repair, tidy, verify.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deletion::{delete, deletions};
use super::gate::Gate;
use super::ground::{self, Ground, kind_gate};
use super::observed::{HealthFacts, KindState, Live, Owner};
use super::solution_plan::SolutionPlan;
use super::step::{Step, Why};
use super::{quota, verify};
use crate::model::{FieldSet, Kind, ObjectKey, SolutionName, marks};
use crate::render::{Desired, DesiredObject, Wave};

/// The steps that bring one solution from observed to desired, in the order of their waves.
///
/// A wave begins when every object of the waves before it is in place, so nothing is public
/// without its protection. Deletions come last, after the gateway has accepted the new route, and
/// so does a quota that becomes smaller, because it would refuse the pods of a roll-out.
pub fn publish(desired: &Desired, ground: &Ground<'_>) -> SolutionPlan {
    let mut plan = SolutionPlan::default();
    let empty = Default::default();
    let live = ground.observed.solutions.get(&desired.solution).unwrap_or(&empty);

    if let Some(gate) = namespace_gate(&desired.solution, ground) {
        plan.waits.push(gate);
        return plan;
    }
    if let Some(hold) = ground.hold
        && hold.staying.contains(&desired.solution)
    {
        plan.waits.push(Gate::Held);
        return plan;
    }

    let extras = extras(desired, ground);
    leave_the_autoscaler(&extras, desired, ground, &mut plan);

    let mut earlier: Option<Gate> = None;
    let mut this_wave: Option<Gate> = None;
    let mut wave = None;
    let mut redirects_in_place = true;
    for object in &desired.objects {
        // A redirect needs no back end, so nothing waits for it and it waits for no policy.
        let redirect = is_route(object.key.kind) && object.wave < Wave::Route;
        if wave != Some(object.wave) {
            wave = Some(object.wave);
            earlier = earlier.or_else(|| this_wave.take());
        }
        let timely = quota::timely(object, desired, &extras, live);
        let state = state(&timely.object, live.get(&object.key), ground);
        if let (State::InPlace, Some(rolling)) = (&state, &timely.waits_for) {
            let gate = Gate::NotAvailable(rolling.clone());
            plan.push(apply(object, ground, Why::Update), Some(gate));
        }
        let own_gate = || {
            kind_gate(object.key.kind, ground)
                .or_else(|| setback_gate(object, ground))
                .or_else(|| activation_gate(object, desired, &extras, ground).filter(|_| !redirect))
        };
        let mut blocks = |gate: Gate| {
            if !redirect {
                this_wave.get_or_insert(gate);
            } else {
                redirects_in_place = false;
            }
        };
        match state {
            State::InPlace => {}
            State::Leaving(live) => {
                let gate =
                    Gate::Leaving { key: object.key.clone(), finalizers: live.finalizers.clone() };
                plan.push(apply(object, ground, Why::Create), Some(gate));
                blocks(Gate::Object(object.key.clone()));
            }
            State::InFlight => {
                plan.waits.push(Gate::InFlight(object.key.clone()));
                blocks(Gate::InFlight(object.key.clone()));
            }
            State::Needs(step) => {
                plan.push(step, earlier.clone().or_else(own_gate));
                blocks(Gate::Object(object.key.clone()));
            }
        }
    }

    let in_place = earlier.is_none() && this_wave.is_none() && redirects_in_place;
    tidy(&extras, desired, in_place, ground, &mut plan);
    if in_place {
        let deployments = desired.objects.iter().filter(|o| o.key.kind == Kind::Deployment);
        let templates = deployments.filter_map(|o| Some((&o.key, o.template.as_ref()?)));
        verify::verify(templates, live, ground, &mut plan);
    }
    plan
}

/// What one object of the solution needs.
enum State<'a> {
    InPlace,
    InFlight,
    Leaving(&'a Live),
    Needs(Step),
}

fn state<'a>(
    object: &Arc<DesiredObject>,
    live: Option<&'a Live>,
    ground: &Ground<'_>,
) -> State<'a> {
    if ground.observed.in_flight.contains(&object.key) {
        return State::InFlight;
    }
    let Some(live) = live else {
        let born_asleep = object.template.is_some() && !owns_replicas(&object.fields);
        return State::Needs(if born_asleep {
            Step::Birth { object: object.clone(), revision: ground.revision.clone() }
        } else {
            apply(object, ground, Why::Create)
        });
    };
    if live.deleting.is_some() {
        return State::Leaving(live);
    }
    if live.is_in_place(&object.content, &object.fields) {
        return State::InPlace;
    }
    let same_content = live.content.as_ref() == Some(&object.content);
    let Some(fields) = &live.fields else {
        // Our label without our entry, or a crash between birth and apply.
        let why = if live.birth {
            Why::Create
        } else {
            Why::Repair { fields: Vec::new(), manager: None }
        };
        return State::Needs(apply(object, ground, why));
    };
    if let HealthFacts::Deployment(facts) = &live.health
        && owns_replicas(fields)
        && !owns_replicas(&object.fields)
    {
        return State::Needs(Step::Handover {
            object: object.clone(),
            revision: ground.revision.clone(),
            replicas: facts.wanted,
        });
    }
    // Another content that we recorded ourselves is our own older form; anything else that
    // differs was taken from us.
    let why = if !same_content && fields.has(&["f:metadata", "f:annotations", CONTENT_FIELD]) {
        Why::Update
    } else {
        let fields_lost = object.fields.difference(fields);
        let manager =
            live.others.iter().find(|(_, theirs)| !theirs.intersection(&fields_lost).is_empty());
        Why::Repair {
            fields: object.fields.missing_from(fields),
            manager: manager.map(|(name, _)| name.to_string()),
        }
    };
    State::Needs(apply(object, ground, why))
}

/// How the content annotation is written in a field set.
const CONTENT_FIELD: &str = "f:vitrine.dev/content";
const _: () = assert!(CONTENT_FIELD.len() == marks::CONTENT.len() + 2);

fn apply(object: &Arc<DesiredObject>, ground: &Ground<'_>, why: Why) -> Step {
    Step::Apply { object: object.clone(), revision: ground.revision.clone(), why }
}

fn owns_replicas(fields: &FieldSet) -> bool {
    fields.has(&["f:spec", "f:replicas"])
}

fn setback_gate(object: &DesiredObject, ground: &Ground<'_>) -> Option<Gate> {
    ground::setback_gate(&object.key, Some(&object.content), ground)
}

/// Until the Namespace is absent or ours, nothing is written.
pub(super) fn namespace_gate(solution: &SolutionName, ground: &Ground<'_>) -> Option<Gate> {
    if ground.observed.kinds.get(&Kind::Namespace) != Some(&KindState::Synced) {
        return Some(Gate::UnknownKind(Kind::Namespace));
    }
    let namespace = solution.namespace();
    let facts = ground.observed.namespaces.get(&namespace)?;
    if facts.deleting.is_some() {
        let key = ObjectKey::cluster(Kind::Namespace, namespace);
        return Some(Gate::Leaving { key, finalizers: vec!["kubernetes".to_owned()] });
    }
    match &facts.owner {
        Owner::ThisInstance => None,
        Owner::OtherInstance(instance) => {
            Some(Gate::ForeignNamespace { namespace, instance: Some(instance.clone()) })
        }
        Owner::Nobody => Some(Gate::ForeignNamespace { namespace, instance: None }),
    }
}

/// What makes a solution public.
const fn is_route(kind: Kind) -> bool {
    matches!(kind, Kind::HttpRoute | Kind::Ingress)
}

/// The gates of activation: KEDA must find the add-on's route when it reads a ScaledObject, and
/// a route that leaves the interceptor needs a target that answers.
fn activation_gate(
    object: &DesiredObject,
    desired: &Desired,
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

/// What is ours in the namespace and no longer desired, and not yet going.
fn extras(desired: &Desired, ground: &Ground<'_>) -> BTreeSet<ObjectKey> {
    let wanted = desired.objects.iter().map(|object| &object.key);
    deletions(&desired.solution, wanted, ground.observed)
}

/// A solution that stops sleeping: the ScaledObject goes first, without waiting for its
/// finalizer, so that KEDA does not fight the `replicas` that come next.
fn leave_the_autoscaler(
    extras: &BTreeSet<ObjectKey>,
    desired: &Desired,
    ground: &Ground<'_>,
    plan: &mut SolutionPlan,
) {
    for key in extras.iter().filter(|key| key.kind == Kind::ScaledObject) {
        delete(key, None, &desired.solution, ground, plan);
    }
}

/// Deletes what is no longer desired, after everything desired is in place and the gateway has
/// accepted the route; a superseded config map only after the roll-out that replaced it. A route
/// that goes itself (another edge serves the host now) goes before what it refers to.
fn tidy(
    extras: &BTreeSet<ObjectKey>,
    desired: &Desired,
    in_place: bool,
    ground: &Ground<'_>,
    plan: &mut SolutionPlan,
) {
    let live = ground.observed.solutions.get(&desired.solution);
    let unaccepted = desired.objects.iter().find(|o| {
        o.key.kind == Kind::HttpRoute
            && !live.and_then(|l| l.get(&o.key)).is_some_and(|l| l.health.is_accepted())
    });
    let rolling = desired.objects.iter().find(|o| {
        o.key.kind == Kind::Deployment
            && !live.and_then(|l| l.get(&o.key)).is_some_and(|l| match &l.health {
                HealthFacts::Deployment(facts) => facts.is_rolled_out(),
                _ => false,
            })
    });
    let leaving = extras.iter().find(|key| is_route(key.kind));
    for key in extras.iter().filter(|key| key.kind != Kind::ScaledObject) {
        let gate = if !in_place {
            desired.objects.last().map(|o| Gate::Object(o.key.clone()))
        } else if let Some(route) = unaccepted {
            Some(Gate::NotAccepted(route.key.clone()))
        } else if let Some(route) = leaving.filter(|_| !is_route(key.kind)) {
            Some(Gate::Object(route.clone()))
        } else if key.kind == Kind::ConfigMap {
            rolling.map(|o| Gate::NotAvailable(o.key.clone()))
        } else {
            None
        };
        delete(key, gate, &desired.solution, ground, plan);
    }
}
