//! Stage and health of a solution, from the facts of its members alone.
//!
//! One pure rule a kind, in the file of its name; the worst member speaks for the solution. Kinds
//! without a status (Service, NetworkPolicy, ReferenceGrant, ...) are well when they are there.

mod condition;
mod deployment;
mod http_route;
mod interceptor_route;
mod namespace;
mod pod;
mod policy;
#[cfg(test)]
mod sample;
mod scaled_object;
#[cfg(test)]
mod words;

use crate::catalog::Solution;
use crate::catalog::solution::{Exposure, Shape};
use crate::model::{Kind, ObjectKey, Party, SolutionName};
use crate::plan::observed::{GatewayFault, HealthFacts, Live, PodFacts, ScaledFacts};
use crate::plan::{Observed, Phase, Verified, verify};

use super::wording::clock;
use super::{Cause, Health, Stage};
pub(super) use condition::{Answer, Setup, Trouble};
pub use condition::{Condition, Proof};
use condition::{asleep, sleeps, starting};
pub use namespace::NAMESPACE_PATIENCE;
pub(super) use namespace::namespace;
use scaled_object::{Scaler, scaled_object};

/// The condition of a solution whose objects are in place: that of its worst member.
pub fn condition(solution: &Solution, phase: Phase, observed: &Observed) -> Condition {
    if let Some(asleep) = on_purpose(solution, phase) {
        return asleep;
    }
    let members = solution.components.values().map(|component| Member {
        is_public: component.exposure != Exposure::Private,
        condition: member(&solution.name, &Setup::of(component, &observed.machines), observed),
    });
    worst(members.collect(), solution.shape)
}

/// One component, and whether visitors meet it.
struct Member {
    is_public: bool,
    condition: Condition,
}

/// The condition of what runs of a solution, or could, whatever the catalogue says of it now;
/// `None` if nothing does.
pub(super) fn what_runs(solution: &SolutionName, observed: &Observed) -> Option<Condition> {
    let live = observed.solutions.get(solution)?;
    let deployments = live.keys().filter(|key| key.kind == Kind::Deployment);
    let members = deployments.map(|key| {
        let setup = Setup { name: &key.name, ..Setup::default() };
        // What is no longer described may all have been public.
        Member { is_public: true, condition: member(solution, &setup, observed) }
    });
    let members: Vec<Member> = members.collect();
    (!members.is_empty()).then(|| worst(members, Shape::Components))
}

/// The condition of public components, of which each serves.
#[cfg(test)]
pub(super) fn together(conditions: Vec<Condition>) -> Condition {
    let member = |condition| Member { is_public: true, condition };
    worst(conditions.into_iter().map(member).collect(), Shape::Components)
}

/// The condition of the worst member, in words for all of them.
fn worst(members: Vec<Member>, shape: Shape) -> Condition {
    let stage = stage(&members, shape);
    let members: Vec<Condition> = members.into_iter().map(|member| member.condition).collect();
    let proof = members.iter().map(|m| m.proof).min().unwrap_or_default();
    let ready = members.iter().filter(|m| m.stage == Stage::Awake).count();
    let all_asleep = members.iter().all(|m| m.stage == Stage::Asleep);
    let Some(worst) = members.iter().max_by_key(|m| alarm(m)).cloned() else {
        return asleep(true);
    };
    let all = members.len();
    let well = worst.health == Health::Healthy && worst.party == Party::Nobody;
    let reason = match (worst.stage, all) {
        // A solution wakes as one; a configuration of it sleeps on its own.
        (Stage::Asleep | Stage::Awake, 2..) if well && !all_asleep && ready < all => {
            Cause::Serving.says(format!("{ready} of {all} components awake"))
        }
        (Stage::Awake, 2..) if well => Cause::Serving.says(format!("all {all} components awake")),
        (Stage::Waking, 2..) => worst
            .reason
            .clone()
            .reworded(|reason| format!("{reason}; {ready} of {all} components ready")),
        _ => worst.reason.clone(),
    };
    Condition { stage, reason, proof, ..worst }
}

/// Where a solution stands between sleep and service: as visitors meet it. It is awake when every
/// public component has a replica that serves; configurations have hosts of their own, and one of
/// them is enough. What is private alone makes nothing awake.
fn stage(members: &[Member], shape: Shape) -> Stage {
    let public: Vec<Stage> =
        members.iter().filter(|m| m.is_public).map(|m| m.condition.stage).collect();
    let awake = public.iter().filter(|stage| **stage == Stage::Awake).count();
    let enough = if shape == Shape::Configurations { 1 } else { public.len().max(1) };
    if awake >= enough {
        return Stage::Awake;
    }
    let on_its_way = public.iter().copied().filter(|stage| *stage != Stage::Awake);
    on_its_way.max_by_key(|stage| loudness(*stage)).unwrap_or(Stage::Asleep)
}

/// Suspended and expired solutions are a success with the reason in words.
fn on_purpose(solution: &Solution, phase: Phase) -> Option<Condition> {
    let (reason, next) = match phase {
        Phase::Live => return None,
        Phase::Suspended => {
            let suspension = solution.suspend.as_ref()?;
            (
                Cause::Suspended
                    .says(format!("suspended until {}: {}", suspension.until, suspension.reason)),
                "nothing to do; it wakes by itself that day".to_owned(),
            )
        }
        Phase::Expired => (
            Cause::Expired.says(format!("expired on {}", solution.expires?)),
            "a new date in `expires` wakes it".to_owned(),
        ),
    };
    Some(Condition {
        stage: Stage::Asleep,
        health: Health::Healthy,
        party: Party::Nobody,
        reason,
        next,
        proof: Proof::Applied,
    })
}

/// Greater = speaks louder.
fn alarm(member: &Condition) -> (Health, u8, bool) {
    // Of two that sleep, the one of which less is known.
    let unknown = member.stage == Stage::Asleep && member.proof == Proof::Applied;
    (member.health, loudness(member.stage), unknown)
}

const fn loudness(stage: Stage) -> u8 {
    match stage {
        Stage::Asleep => 0,
        Stage::Awake => 1,
        Stage::Waking => 2,
        Stage::Queued => 3,
        Stage::WakeFailed => 4,
    }
}

/// The condition of one component.
fn member(solution: &SolutionName, setup: &Setup<'_>, observed: &Observed) -> Condition {
    let namespace = solution.namespace();
    let live = observed.solutions.get(solution);
    let key = |kind| ObjectKey::namespaced(kind, namespace.clone(), setup.name);
    let deployment = live.and_then(|l| l.get(&key(Kind::Deployment)));
    let Some((deployment, HealthFacts::Deployment(facts))) = deployment.map(|d| (d, &d.health))
    else {
        return starting("waiting for the cluster to show its Deployment");
    };
    let verified =
        facts.template.as_ref().and_then(|template| verify::result(deployment, template));
    let pods: Vec<&PodFacts> = observed
        .pods
        .get(solution)
        .into_iter()
        .flat_map(|pods| pods.values())
        .filter(|pod| pod.component == setup.name && facts.is_newest(pod))
        .collect();
    let scaler = key(Kind::ScaledObject);
    let scaled = live.and_then(|l| l.get(&scaler));
    let tried = verified.is_none()
        && scaled.is_some_and(
            |live| matches!(&live.health, HealthFacts::ScaledObject(facts) if facts.forced),
        );
    let condition = deployment::deployment(facts, &pods, verified.as_ref(), tried, setup);
    let runs = condition.stage == Stage::Awake && condition.health == Health::Healthy;
    let proof = if runs || matches!(verified, Some(Verified::Ok)) {
        Proof::SeenRunning
    } else {
        Proof::Applied
    };
    let condition = match scaled.map(|live| (live, &live.health)) {
        Some((live, HealthFacts::ScaledObject(facts))) => scales(&scaler, live, facts, condition),
        _ => condition,
    };
    match condition.health {
        Health::Degraded => condition,
        Health::Healthy | Health::Progressing => Condition { proof, ..condition },
    }
}

/// The condition of a Deployment, and what its ScaledObject adds to it.
fn scales(key: &ObjectKey, live: &Live, facts: &ScaledFacts, condition: Condition) -> Condition {
    let well = condition.health == Health::Healthy;
    match scaled_object(key, facts, hand(live, facts)) {
        // A container that cannot start is told first, whoever paused it.
        Scaler::Paused(_) if !well => condition,
        Scaler::Paused(Trouble { party, reason, next }) if condition.stage == Stage::Asleep => {
            Condition { party, reason, next, ..condition }
        }
        Scaler::Paused(Trouble { party, reason, next }) => Condition {
            party,
            reason: reason.reworded(|reason| format!("{}, {reason}", condition.reason)),
            next,
            ..condition
        },
        Scaler::Broken(Trouble { party, reason, next }) => Condition {
            // What runs goes on running.
            stage: if condition.stage == Stage::Awake { Stage::Awake } else { Stage::WakeFailed },
            health: Health::Degraded,
            party,
            reason,
            next,
            proof: Proof::Applied,
        },
        Scaler::Serves { active: true, .. } if well && condition.stage == Stage::Asleep => {
            starting("a visitor wakes it")
        }
        Scaler::Serves { warning: Some(Trouble { party, reason, next }), .. }
            if well && (condition.stage == Stage::Awake || reason.cause == Cause::Unscalable) =>
        {
            Condition {
                party,
                reason: reason.reworded(|reason| format!("{}; {reason}", condition.reason)),
                next,
                ..condition
            }
        }
        Scaler::Serves { .. } | Scaler::Waiting { .. } => match facts.last_active {
            Some(at) if well && condition.stage == Stage::Asleep => Condition {
                reason: sleeps(&format!("sleeps since {}", clock(at)), condition.proof),
                ..condition
            },
            _ => condition,
        },
    }
}

/// The field manager that wrote the annotation which pauses.
fn hand<'a>(live: &'a Live, facts: &ScaledFacts) -> Option<&'a str> {
    let annotation = format!("f:{}", facts.paused.as_ref()?.annotation());
    let path = ["f:metadata", "f:annotations", &annotation];
    live.others.iter().find(|(_, fields)| fields.has(&path)).map(|(manager, _)| manager.as_ref())
}

/// What another controller has to say of one of our objects, if its kind has anybody who says
/// something. A solution at rest needs nobody to wake it.
pub(super) fn answer(
    key: &ObjectKey,
    live: &Live,
    phase: Phase,
    gateway: Option<&GatewayFault>,
) -> Answer {
    match &live.health {
        // No file says yet which controller is the Gateway's: every one that answers for it counts.
        HealthFacts::Route(facts) => http_route::http_route(key, facts, None, gateway),
        HealthFacts::Policy(facts) => policy::policy(key, facts),
        HealthFacts::ScaledObject(facts) => match scaled_object(key, facts, None) {
            Scaler::Waiting { reason, look } if phase == Phase::Live => {
                Answer::Waiting { reason, look }
            }
            // The rest is told with the component that it scales.
            Scaler::Waiting { .. }
            | Scaler::Serves { .. }
            | Scaler::Paused(_)
            | Scaler::Broken(_) => Answer::Taken,
        },
        HealthFacts::Ready(seen) => interceptor_route::interceptor_route(key, *seen),
        // Namespace: told while it goes. The rest has no status.
        HealthFacts::Namespace { .. }
        | HealthFacts::Ingress(_)
        | HealthFacts::Deployment(_)
        | HealthFacts::Quota(_)
        | HealthFacts::None => Answer::Taken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awake_is_what_visitors_meet() {
        use Stage::{Asleep, Awake, WakeFailed, Waking};
        let private = |stage| (false, stage);
        let public = |stage| (true, stage);
        for (members, shape, expected) in [
            (vec![public(Awake), private(Waking)], Shape::Components, Awake),
            (vec![public(Awake), private(WakeFailed)], Shape::Components, Awake),
            (vec![public(Asleep), private(Awake)], Shape::Components, Asleep),
            (vec![public(Awake), public(Waking)], Shape::Components, Waking),
            (vec![public(Awake), public(Asleep)], Shape::Components, Asleep),
            (vec![public(Awake), public(Asleep)], Shape::Configurations, Awake),
            (vec![public(Waking), public(Asleep)], Shape::Configurations, Waking),
            (vec![public(Awake)], Shape::Single, Awake),
        ] {
            let member = |(is_public, stage)| Member {
                is_public,
                condition: Condition { stage, ..asleep(true) },
            };
            let members: Vec<Member> = members.into_iter().map(member).collect();
            assert_eq!(stage(&members, shape), expected);
        }
    }
}
