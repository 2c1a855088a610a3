//! Stage and health of a solution, from the facts of its members alone.
//!
//! One rule a kind; the worst member speaks for the solution.

use crate::catalog::Solution;
use crate::catalog::solution::Scaling;
use crate::model::{ComponentName, Kind, ObjectKey, Party};
use crate::plan::observed::{DeploymentFacts, HealthFacts, PodFacts, ScaledFacts};
use crate::plan::{Observed, Phase, Verified, verify};

use super::wording::{clock, minutes};
use super::{Health, Stage};

/// How a solution, or one member of it, is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub stage: Stage,
    pub health: Health,
    pub party: Party,
    pub reason: String,
    pub next: String,
    pub proof: Proof,
}

/// What a green status stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Proof {
    /// Applied, but nothing of it was ever started.
    #[default]
    Applied,
    /// Seen running with exactly this template.
    SeenRunning,
}

impl Proof {
    /// As the commit's status says it. Without a clock, so that it does not change by itself.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied; starts at the next visit",
            Self::SeenRunning => "applied, and seen running at this revision",
        }
    }
}

/// The condition of a solution whose objects are in place: that of its worst member.
pub fn condition(solution: &Solution, phase: Phase, observed: &Observed) -> Condition {
    if let Some(asleep) = on_purpose(solution, phase) {
        return asleep;
    }
    let members: Vec<Condition> =
        solution.components.values().map(|c| member(solution, &c.name, observed)).collect();
    let proof = members.iter().map(|m| m.proof).min().unwrap_or_default();
    let ready = members.iter().filter(|m| m.stage == Stage::Awake).count();
    let asleep = members.iter().all(|m| m.stage == Stage::Asleep);
    let Some(worst) = members.iter().max_by_key(|m| alarm(m)).cloned() else {
        return sleeping(None, Proof::Applied);
    };
    let reason = match (worst.stage, members.len()) {
        // A solution wakes as one; a configuration of it sleeps on its own.
        (Stage::Asleep | Stage::Awake, 2..) if !asleep && ready < members.len() => {
            format!("{ready} of {} components awake", members.len())
        }
        (Stage::Awake, 2..) => format!("all {} components awake", members.len()),
        (Stage::Waking, 2..) => {
            format!("{}; {ready} of {} components ready", worst.reason, members.len())
        }
        _ => worst.reason.clone(),
    };
    let stage = if worst.stage == Stage::Asleep && ready > 0 { Stage::Awake } else { worst.stage };
    Condition { stage, reason, proof, ..worst }
}

/// Suspended and expired solutions are a success with the reason in words.
fn on_purpose(solution: &Solution, phase: Phase) -> Option<Condition> {
    let (reason, next) = match phase {
        Phase::Live => return None,
        Phase::Suspended => {
            let suspension = solution.suspend.as_ref()?;
            (
                format!("suspended until {}: {}", suspension.until, suspension.reason),
                "nothing to do; it wakes by itself that day".to_owned(),
            )
        }
        Phase::Expired => (
            format!("expired on {}", solution.expires?),
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
fn alarm(member: &Condition) -> (Health, u8) {
    let stage = match member.stage {
        Stage::Asleep => 0,
        Stage::Awake => 1,
        Stage::Waking => 2,
        Stage::Queued => 3,
        Stage::WakeFailed => 4,
    };
    (member.health, stage)
}

/// The condition of one component.
fn member(solution: &Solution, name: &ComponentName, observed: &Observed) -> Condition {
    let namespace = solution.name.namespace();
    let live = observed.solutions.get(solution.name.as_str());
    let key = |kind| ObjectKey::namespaced(kind, &namespace, name.as_str());
    let deployment = live.and_then(|l| l.get(&key(Kind::Deployment)));
    let scaled = live.and_then(|l| l.get(&key(Kind::ScaledObject))).and_then(|l| match &l.health {
        HealthFacts::ScaledObject(facts) => Some(facts),
        _ => None,
    });
    let Some((deployment, HealthFacts::Deployment(facts))) = deployment.map(|d| (d, &d.health))
    else {
        return starting("waiting for the cluster to show its Deployment");
    };
    let verified =
        facts.template.as_ref().and_then(|template| verify::result(deployment, template));
    let always_on = solution
        .components
        .get(name)
        .is_some_and(|c| matches!(c.scaling, Scaling::AlwaysOn { .. }));
    let proof = if always_on || matches!(verified, Some(Verified::Ok)) {
        Proof::SeenRunning
    } else {
        Proof::Applied
    };
    let pods: Vec<&PodFacts> = observed
        .pods
        .get(solution.name.as_str())
        .into_iter()
        .flat_map(|pods| pods.values())
        .filter(|pod| pod.component == name.as_str())
        .collect();

    if let Some(broken) = scaled.and_then(|facts| autoscaler(name, facts)) {
        return broken;
    }
    let minutes =
        minutes(solution.components.get(name).map_or(std::time::Duration::ZERO, |c| c.startup));
    if facts.wanted == 0 {
        if let Some(Verified::Failed { word, message }) = verified {
            // Its pods are gone; what they said stands on the Deployment.
            let remembered = PodFacts { word, message, ..PodFacts::default() };
            return failed(&[&remembered], &minutes);
        }
        return sleeping(scaled, proof);
    }
    let condition = awake(facts, &pods, verified.as_ref(), &minutes);
    match condition.health {
        Health::Degraded => condition,
        Health::Healthy | Health::Progressing => Condition { proof, ..condition },
    }
}

/// A Deployment that should have pods.
fn awake(
    facts: &DeploymentFacts,
    pods: &[&PodFacts],
    verified: Option<&Verified>,
    minutes: &str,
) -> Condition {
    let out_of_time = facts.conditions.iter().any(|c| {
        c.kind == "Progressing" && c.status == "False" && c.reason == "ProgressDeadlineExceeded"
    });
    if let Some(refused) =
        facts.conditions.iter().find(|c| c.kind == "ReplicaFailure" && c.status == "True")
    {
        return Condition {
            stage: Stage::WakeFailed,
            health: Health::Degraded,
            party: Party::Operator,
            reason: format!("the cluster refuses its pods: {}", first_line(&refused.message)),
            next: "raise the quota or mend the policy that the message names".to_owned(),
            proof: Proof::Applied,
        };
    }
    if facts.is_rolled_out() && facts.available >= facts.wanted {
        let replicas = facts.available;
        return Condition {
            stage: Stage::Awake,
            health: Health::Healthy,
            party: Party::Nobody,
            reason: if replicas == 1 {
                "1 replica".to_owned()
            } else {
                format!("{replicas} replicas")
            },
            next: "nothing to do".to_owned(),
            proof: Proof::Applied,
        };
    }
    let failing = pods.iter().any(|pod| pod.is_failing());
    if facts.available > 0 && failing {
        let mut condition = failed(pods, minutes);
        condition.stage = Stage::Awake;
        condition.reason = format!(
            "{} of {} replicas: {}",
            facts.wanted - facts.available,
            facts.wanted,
            condition.reason
        );
        return condition;
    }
    if out_of_time || failing || matches!(verified, Some(Verified::Failed { .. })) {
        return failed(pods, minutes);
    }
    if let Some(pod) = pods.iter().find(|pod| pod.word.as_deref() == Some("Unschedulable")) {
        return Condition {
            stage: Stage::Queued,
            health: Health::Progressing,
            party: Party::Operator,
            reason: format!("no machine is free for it: {}", first_line(&pod.message)),
            next: "add a node of its class, or wait until one is free".to_owned(),
            proof: Proof::Applied,
        };
    }
    starting("starting")
}

/// A component that did not come up, in the words of its pods.
fn failed(pods: &[&PodFacts], minutes: &str) -> Condition {
    let pod = pods.iter().find(|pod| pod.is_failing());
    let (party, reason, next) = match pod.map(|pod| (pod.word.as_deref().unwrap_or_default(), pod))
    {
        Some(("ImagePullBackOff" | "ErrImagePull" | "InvalidImageName", pod)) => (
            Party::Author,
            format!("the image cannot be pulled: {}", first_line(&pod.message)),
            "check `image` and that the registry still has this digest",
        ),
        Some(("OOMKilled", pod)) => (
            Party::Author,
            format!("out of memory; restarted {} times", pod.restarts),
            "raise `resources.limits.memory` or make it need less",
        ),
        Some(("CreateContainerConfigError", pod)) => (
            Party::Operator,
            format!("its container cannot be set up: {}", first_line(&pod.message)),
            "provide what the message names",
        ),
        Some((word, pod)) => (
            Party::Author,
            match (pod.exit_code, first_line(&pod.message)) {
                (Some(code), "") => format!("crashes with exit code {code}"),
                (Some(code), said) => format!("crashes with exit code {code}: {said}"),
                (None, "") => format!("does not start: {word}"),
                (None, said) => format!("does not start: {word}: {said}"),
            },
            "run the image as the cluster does and mend what it says",
        ),
        None => (
            Party::Author,
            format!("did not answer within {minutes}"),
            "check the port and the readiness page, or raise `startup.timeout`",
        ),
    };
    Condition {
        stage: Stage::WakeFailed,
        health: Health::Degraded,
        party,
        reason,
        next: next.to_owned(),
        proof: Proof::Applied,
    }
}

/// A ScaledObject that KEDA cannot serve: nothing would wake its target.
fn autoscaler(name: &ComponentName, facts: &ScaledFacts) -> Option<Condition> {
    let broken = facts.conditions.iter().find(|c| c.kind == "Ready" && c.status == "False")?;
    Some(Condition {
        stage: Stage::WakeFailed,
        health: Health::Degraded,
        party: Party::Operator,
        reason: format!("KEDA cannot scale ScaledObject/{name}: {}", first_line(&broken.message)),
        next: "look at KEDA and its HTTP add-on; vitrine goes on by itself".to_owned(),
        proof: Proof::Applied,
    })
}

fn sleeping(scaled: Option<&ScaledFacts>, proof: Proof) -> Condition {
    let reason = match scaled.and_then(|facts| facts.last_active) {
        Some(at) => format!("sleeps since {}, wakes on visit", clock(at)),
        None => "sleeps, wakes on visit".to_owned(),
    };
    Condition {
        stage: Stage::Asleep,
        health: Health::Healthy,
        party: Party::Nobody,
        reason,
        next: "open it".to_owned(),
        proof,
    }
}

fn starting(reason: &str) -> Condition {
    Condition {
        stage: Stage::Waking,
        health: Health::Progressing,
        party: Party::Nobody,
        reason: reason.to_owned(),
        next: "wait a moment".to_owned(),
        proof: Proof::Applied,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
