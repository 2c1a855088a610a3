//! What to do for a solution that is in the catalogue: create, update, repair, tidy, verify.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deletion::{delete, deletions};
use super::gate::Gate;
use super::ground::{self, Ground, kind_gate, namespace_gate};
use super::observed::{Flight, HealthFacts, Live, Shelf};
use super::outline::{Form, Outline, owns_replicas};
use super::rollout::Queue;
use super::route::{activation_gate, is_route, moving_gate};
use super::solution_plan::SolutionPlan;
use super::step::{Outcome, Step, Why};
use super::{quota, verify};
use crate::model::{ComponentName, FieldSet, Kind, ObjectKey, marks};
use crate::render::Wave;

/// The steps that bring one solution from observed to desired, in the order of their waves.
///
/// What is new or changed begins when every object of the waves before it is in place, so nothing
/// is public without its protection. What was there and was taken away or edited waits for no more
/// than protections that are missing, so that one object that the server refuses does not stop the
/// repair of the others. Deletions come last, after the gateway has accepted the new route, and so
/// does a quota that becomes smaller, because it would refuse the pods of a roll-out.
pub fn publish(desired: &Outline, ground: &Ground<'_>) -> SolutionPlan {
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
    let mut absent = Absent::default();
    let mut wave = None;
    let mut redirects_in_place = true;
    let mut queue = Queue::new(ground.turns);
    for object in &desired.objects {
        // A redirect needs no back end, so nothing waits for it and it waits for no policy.
        let redirect = is_route(object.key.kind) && object.wave < Wave::Route;
        if wave != Some(object.wave) {
            wave = Some(object.wave);
            earlier = earlier.or_else(|| this_wave.take());
            absent.next_wave();
        }
        let timely = quota::timely(object, desired, &extras, live);
        let state = state(&timely.object, live.get(&object.key).map(|live| &**live), ground);
        if let (State::InPlace, Some(rolling)) = (&state, &timely.waits_for) {
            let gate = Gate::NotAvailable(rolling.clone());
            plan.push(
                apply(object, live.get(&object.key).map(|live| &**live), ground, Why::Update),
                Some(gate),
            );
        }
        let own_gate = || {
            kind_gate(object.key.kind, ground)
                .or_else(|| moving_gate(object.key.kind, &desired.solution, ground))
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
            State::Leaving(leaving) => {
                let gate = Gate::Leaving {
                    key: object.key.clone(),
                    finalizers: leaving.finalizers.clone(),
                };
                plan.push(apply(object, None, ground, Why::Create), Some(gate));
                blocks(Gate::Object(object.key.clone()));
            }
            State::InFlight => {
                plan.waits.push(Gate::InFlight(object.key.clone()));
                blocks(Gate::InFlight(object.key.clone()));
            }
            State::Needs(step) => {
                let waits = match urgency(&step, object, live) {
                    Urgency::New => earlier.clone(),
                    Urgency::Repair => absent.protection.clone(),
                    Urgency::Reopening => absent.protection.clone().or(absent.needed.clone()),
                };
                let turn = || queue.gate(object, live.get(&object.key).map(|live| &**live));
                plan.push(step, waits.or_else(own_gate).or_else(turn));
                blocks(Gate::Object(object.key.clone()));
            }
        }
        if live.get(&object.key).is_none_or(|live| live.deleting.is_some()) {
            absent.note(object, ground);
        }
    }

    let in_place = earlier.is_none() && this_wave.is_none() && redirects_in_place;
    tidy(&extras, desired, in_place, ground, &mut plan);
    if in_place {
        let deployments = desired.objects.iter().filter(|o| o.key.kind == Kind::Deployment);
        let templates = deployments.filter_map(|o| Some((&o.key, o.template.as_deref()?)));
        verify::verify(templates, live, ground, &mut plan);
    }
    plan
}

/// What of the waves before is not there in any form.
#[derive(Default)]
struct Absent {
    /// The first of what protects.
    protection: Option<Gate>,
    /// The first of anything that the server did not refuse: it will come.
    needed: Option<Gate>,
    /// The same of the wave that is being looked at.
    this_wave: (Option<Gate>, Option<Gate>),
}

impl Absent {
    fn next_wave(&mut self) {
        let (protection, needed) = std::mem::take(&mut self.this_wave);
        self.protection = self.protection.take().or(protection);
        self.needed = self.needed.take().or(needed);
    }

    fn note(&mut self, object: &Form, ground: &Ground<'_>) {
        let gate = || Gate::Object(object.key.clone());
        let (protection, needed) = &mut self.this_wave;
        if protects(object.wave) {
            protection.get_or_insert_with(gate);
        }
        let setback = ground.setbacks.get(&object.key).map(|setback| &setback.outcome);
        if !matches!(setback, Some(Outcome::Rejected(_))) {
            needed.get_or_insert_with(gate);
        }
    }
}

/// Whether objects of this wave keep others out, or hold what all others lie in.
const fn protects(wave: Wave) -> bool {
    match wave {
        Wave::Namespace
        | Wave::Protection
        | Wave::Mesh
        | Wave::Authorization
        | Wave::EdgeLimits => true,
        Wave::Workload | Wave::Interceptor | Wave::Scaling | Wave::Grant | Wave::Route => false,
    }
}

/// How much of the waves before has to be in place.
enum Urgency {
    /// All of it: the object is new, or becomes another one.
    New,
    /// What protects has to be there, in whatever form.
    Repair,
    /// A route to what serves was taken away: all that it leads through has to be there.
    Reopening,
}

fn urgency(step: &Step, object: &Form, live: &Shelf) -> Urgency {
    let key = &object.key;
    let stays = |key: &ObjectKey| live.get(key).is_some_and(|live| live.deleting.is_none());
    match step {
        Step::Apply { why: Why::Repair { .. }, .. } => return Urgency::Repair,
        Step::Apply { why: Why::Create, .. } | Step::Birth { .. } => {}
        Step::Apply { why: Why::Update, .. }
        | Step::Handover { .. }
        | Step::Delete { .. }
        | Step::Survey { .. }
        | Step::ForceActivation { .. }
        | Step::Nudge { .. }
        | Step::Verified { .. } => return Urgency::New,
    }
    let any = |kind: Kind, is_its: &dyn Fn(&str) -> bool| {
        live.keys().any(|key| key.kind == kind && is_its(&key.name) && stays(key))
    };
    // Its component, if it has one of its own, else any of the solution.
    let component = object.component.as_ref().map(ComponentName::as_str);
    let of_its = |kind| any(kind, &|name| component.is_none_or(|its| name == its));
    let beside = |kind| stays(&ObjectKey { kind, ..key.clone() });
    // What comes and goes together: where one is there, the other was.
    let was_there = match key.kind {
        Kind::Deployment => beside(Kind::Service),
        Kind::Service => beside(Kind::Deployment),
        Kind::InterceptorRoute => of_its(Kind::ScaledObject),
        Kind::ScaledObject => beside(Kind::InterceptorRoute),
        Kind::ReferenceGrant => of_its(Kind::InterceptorRoute) && of_its(Kind::ScaledObject),
        kind => (is_route(kind) || protects(object.wave)) && of_its(Kind::Deployment),
    };
    match was_there {
        true if is_route(key.kind) => Urgency::Reopening,
        true => Urgency::Repair,
        false => Urgency::New,
    }
}

/// What one object of the solution needs.
enum State<'a> {
    InPlace,
    InFlight,
    Leaving(&'a Live),
    Needs(Step),
}

fn state<'a>(object: &Arc<Form>, live: Option<&'a Live>, ground: &Ground<'_>) -> State<'a> {
    match (ground.observed.in_flight.get(&object.key), live) {
        (None, _) => {}
        // What a verification writes leaves it in place.
        (Some(Flight::Mark | Flight::Wake), Some(live))
            if live.is_in_place(&object.content, &object.fields) => {}
        (Some(_), _) => return State::InFlight,
    }
    let Some(live) = live else {
        return State::Needs(if object.is_born_asleep() {
            Step::Birth { object: object.clone(), revision: ground.revision.clone() }
        } else {
            apply(object, None, ground, Why::Create)
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
        return State::Needs(apply(object, Some(live), ground, why));
    };
    if let HealthFacts::Deployment(facts) = &live.health
        && owns_replicas(fields)
        && !owns_replicas(&object.fields)
    {
        return State::Needs(Step::Handover {
            object: object.clone(),
            revision: ground.revision.clone(),
            left: left_behind(object, live),
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
    State::Needs(apply(object, Some(live), ground, why))
}

/// How the content annotation is written in a field set.
const CONTENT_FIELD: &str = "f:vitrine.dev/content";
const _: () = assert!(CONTENT_FIELD.len() == marks::CONTENT.len() + 2);

fn apply(object: &Arc<Form>, live: Option<&Live>, ground: &Ground<'_>, why: Why) -> Step {
    let left = live.and_then(|live| left_behind(object, live));
    Step::Apply { object: object.clone(), revision: ground.revision.clone(), left, why }
}

/// The most that is remembered of what is left behind: an object's annotations have 256 KiB in all.
const REMEMBERED: usize = 16 * 1024;

/// What an apply takes out of our set and does not take away, because another manager owns it too.
/// It goes with the apply, so that nobody who dies in between forgets it.
fn left_behind(object: &Form, live: &Live) -> Option<Arc<FieldSet>> {
    let nothing = FieldSet::default();
    let ours = live.fields.as_deref().unwrap_or(&nothing);
    let before = live.left.as_deref().unwrap_or(&nothing);
    let gone = ours.union(before).difference(&object.fields);
    if gone.is_empty() {
        return None;
    }
    // What is kept for the autoscaler is ours to keep.
    let others = live.others.iter().filter(|(manager, _)| **manager != *marks::HANDOVER);
    let theirs = others.fold(nothing, |all, (_, theirs)| all.union(theirs));
    let kept = gone.intersection(&theirs).within(REMEMBERED);
    (!kept.is_empty()).then(|| Arc::new(kept))
}

fn setback_gate(object: &Form, ground: &Ground<'_>) -> Option<Gate> {
    ground::setback_gate(&object.key, Some(&object.content), ground)
}

/// What is ours in the namespace and no longer desired, and not yet going.
fn extras(desired: &Outline, ground: &Ground<'_>) -> BTreeSet<ObjectKey> {
    let wanted = desired.objects.iter().map(|object| &object.key);
    deletions(&desired.solution, wanted, ground.observed)
}

/// A solution that stops sleeping: the ScaledObject goes first, without waiting for its
/// finalizer, so that KEDA does not fight the `replicas` that come next.
fn leave_the_autoscaler(
    extras: &BTreeSet<ObjectKey>,
    desired: &Outline,
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
    desired: &Outline,
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
