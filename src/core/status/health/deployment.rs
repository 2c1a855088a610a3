//! Deployment: does it run with as many replicas of the newest form as it should?
//!
//! In: [`DeploymentFacts`], the words of its pods, what a trial found. Out: [`Condition`]. At 0
//! replicas it is asleep, and whether it would start is known from the trial alone.

use super::condition::{Condition, Proof, Setup, Trouble, asleep, starting};
use super::pod::{late, pod};
use crate::model::Party;
use crate::plan::Verified;
use crate::plan::observed::{DeploymentFacts, PodFacts, REFUSED};
use crate::status::wording::quote;
use crate::status::{Cause, Health, Stage};

/// The health of a component's Deployment. `pods`: those of its newest template. `tried`: whether it
/// is woken to see the template running, which ends with a mark.
pub fn deployment(
    facts: &DeploymentFacts,
    pods: &[&PodFacts],
    verified: Option<&Verified>,
    tried: bool,
    setup: &Setup<'_>,
) -> Condition {
    let current = facts.observed_generation >= facts.generation;
    // Where its pods are gone, what they said stands on the Deployment.
    let remembered: Vec<&PodFacts> = match verified {
        Some(Verified::Failed(pod)) => pod.iter().map(Box::as_ref).collect(),
        Some(Verified::Born | Verified::Ok) | None => Vec::new(),
    };
    if facts.wanted == 0 {
        if matches!(verified, Some(Verified::Failed(_))) {
            return failed(&remembered, setup);
        }
        return asleep(matches!(verified, Some(Verified::Ok)));
    }
    // Of what was seen running with this template only the number changes.
    let is_scaled = matches!(verified, Some(Verified::Ok))
        && facts.updated >= facts.wanted
        && facts.replicas <= facts.updated;
    if (facts.is_rolled_out() || is_scaled) && facts.available >= facts.wanted {
        return awake(facts.available);
    }
    let condition =
        |kind: &str| facts.conditions.iter().find(|c| c.kind == kind).filter(|_| current);
    let refused = condition("ReplicaFailure").filter(|c| c.status == "True");
    if let Some(refused) = refused {
        return partly(facts, "", broken(refusal(&refused.message)));
    }
    let gave_up = facts.gave_up();
    let has_failed = gave_up || matches!(verified, Some(Verified::Failed(_)));
    if pods.iter().any(|pod| pod.is_failing()) {
        // It has the time of a roll-out or a trial to come up, whatever happens on the way.
        let rolling = condition("Progressing")
            .is_some_and(|c| c.status == "True" && &*c.reason != "NewReplicaSetAvailable");
        let stays = pods.iter().any(|pod| match tried || rolling {
            true => pod.is_final && !tried,
            false => pod.keeps_failing(),
        });
        let condition = failed(pods, setup);
        let condition = if has_failed || stays { condition } else { so_far(condition) };
        return partly(facts, "restart", condition);
    }
    // The surge pod of an update can wait for a machine while all others serve.
    if let Some(queued) = pods.iter().find(|pod| pod.word.as_deref() == Some("Unschedulable")) {
        let Trouble { party, reason, next } = pod(queued, setup);
        let (stage, health) = (Stage::Queued, Health::Progressing);
        let queued = Condition { stage, health, party, reason, next, proof: Proof::Applied };
        return partly(facts, "", queued);
    }
    if has_failed {
        // A mark speaks of an earlier start; this one has said nothing yet.
        let speak = if gave_up { pods } else { &remembered };
        return partly(facts, "", failed(speak, setup));
    }
    let starting = match pods.iter().find(|pod| pod.is_thrown_out()) {
        Some(before) => {
            starting(&format!("starting again; a replica before: {}", pod(before, setup).reason))
        }
        None => starting("starting"),
    };
    if facts.available <= 0 {
        return starting;
    }
    // Visitors are served meanwhile.
    let reason = starting.reason.clone().reworded(|reason| match facts.wanted - facts.available {
        ..=0 => format!("the old version keeps serving; the new one: {reason}"),
        _ => format!("{} of {} replicas: {reason}", facts.available, facts.wanted),
    });
    Condition { stage: Stage::Awake, reason, ..starting }
}

fn awake(replicas: i32) -> Condition {
    Condition {
        stage: Stage::Awake,
        health: Health::Healthy,
        party: Party::Nobody,
        reason: Cause::Serving.says(if replicas == 1 {
            "1 replica".to_owned()
        } else {
            format!("{replicas} replicas")
        }),
        next: "nothing to do".to_owned(),
        proof: Proof::Applied,
    }
}

fn broken(Trouble { party, reason, next }: Trouble) -> Condition {
    let (stage, health) = (Stage::WakeFailed, Health::Degraded);
    Condition { stage, health, party, reason, next, proof: Proof::Applied }
}

/// A component that did not come up, in the words of its pods.
fn failed(pods: &[&PodFacts], setup: &Setup<'_>) -> Condition {
    let speaks = pods
        .iter()
        .find(|pod| pod.is_failing())
        .or_else(|| pods.iter().find(|pod| pod.word.is_some()));
    broken(speaks.map_or_else(late, |facts| match facts.word.as_deref() {
        Some(REFUSED) => refusal(&facts.message),
        _ => pod(facts, setup),
    }))
}

/// It does not come up, and still may.
fn so_far(failed: Condition) -> Condition {
    let reason = failed.reason.reworded(|reason| format!("starting; so far: {reason}"));
    Condition { stage: Stage::Waking, health: Health::Progressing, reason, ..failed }
}

/// The rest serves visitors meanwhile.
fn partly(facts: &DeploymentFacts, verb: &str, condition: Condition) -> Condition {
    if facts.available <= 0 {
        return condition;
    }
    let missing = facts.wanted - facts.available;
    let reason = condition.reason.clone().reworded(|reason| match (missing, verb) {
        // As many as should serve do, but not all of the newest form.
        (..=0, _) => format!("the old version keeps serving; the new one: {reason}"),
        (_, "") => format!("{missing} of {} replicas: {reason}", facts.wanted),
        (1, verb) => format!("1 of {} replicas {verb}s: {reason}", facts.wanted),
        (_, verb) => format!("{missing} of {} replicas {verb}: {reason}", facts.wanted),
    });
    Condition { stage: Stage::Awake, reason, ..condition }
}

/// Why the cluster creates no pods.
fn refusal(message: &str) -> Trouble {
    let operator = |cause: Cause, reason: String, next: &str| Trouble {
        party: Party::Operator,
        reason: cause.says(reason),
        next: next.to_owned(),
    };
    if let Some((_, quota)) = message.split_once("exceeded quota: ") {
        return operator(
            Cause::Quota,
            format!("the quota is used up: {}", quote(quota)),
            "raise the quota, or make room in it",
        );
    }
    if let Some((_, rule)) = message.split_once("violates PodSecurity ") {
        return operator(
            Cause::PodSecurity,
            format!("Pod Security refuses its pods: {}", quote(rule)),
            "look at what changes its pods on the way (a mesh's injector, a policy, a hand)",
        );
    }
    operator(
        Cause::PodsRefused,
        format!("the cluster refuses its pods: {}", quote(message)),
        "raise the quota or mend the policy that the message names",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::health::sample::{SETUP, fact};

    /// wanted, replicas, updated, available
    fn counts(wanted: i32, replicas: i32, updated: i32, available: i32) -> DeploymentFacts {
        DeploymentFacts {
            generation: 2,
            observed_generation: 2,
            wanted,
            replicas,
            updated,
            available,
            ready: available,
            ..DeploymentFacts::default()
        }
    }

    fn with(
        mut facts: DeploymentFacts,
        kind: &str,
        status: &str,
        reason: &str,
        message: &str,
    ) -> DeploymentFacts {
        facts.conditions = vec![fact(kind, status, reason, message)];
        facts
    }

    fn said(condition: &Condition) -> String {
        let Condition { stage, health, party, reason, .. } = condition;
        format!("{stage:?} {health:?} {party}: {reason}")
    }

    #[test]
    fn a_deployment_is_as_its_counts_conditions_and_pods_say() {
        let late = |facts| with(facts, "Progressing", "False", "ProgressDeadlineExceeded", "");
        let quota = "pods \"app-1\" is forbidden: exceeded quota: solution, requested: limits.cpu=2, used: limits.cpu=8, limited: limits.cpu=8";
        let security = "pods \"app-1\" is forbidden: violates PodSecurity \"restricted:v1.33\": runAsNonRoot != true";
        let refused =
            |facts, message| with(facts, "ReplicaFailure", "True", "FailedCreate", message);
        let stale = |mut facts: DeploymentFacts| {
            facts.generation = 3;
            facts
        };
        let failed = || {
            Some(Verified::Failed(Some(Box::new(PodFacts {
                word: Some("CrashLoopBackOff".into()),
                exit_code: Some(2),
                message: "no model".into(),
                ..PodFacts::default()
            }))))
        };
        let cases: Vec<(DeploymentFacts, &[&str], Option<Verified>, &str)> = vec![
            (
                counts(0, 0, 0, 0),
                &[],
                None,
                "Asleep Healthy nobody: sleeps, not yet seen running; wakes on visit",
            ),
            (
                counts(0, 0, 0, 0),
                &[],
                Some(Verified::Born),
                "Asleep Healthy nobody: sleeps, not yet seen running; wakes on visit",
            ),
            (
                counts(0, 0, 0, 0),
                &["Evicted"],
                Some(Verified::Ok),
                "Asleep Healthy nobody: sleeps, wakes on visit",
            ),
            (
                counts(1, 1, 1, 0),
                &[],
                failed(),
                "WakeFailed Degraded author: crashes with exit code 2: no model",
            ),
            (
                counts(1, 1, 1, 0),
                &["Unready"],
                failed(),
                "WakeFailed Degraded author: crashes with exit code 2: no model",
            ),
            (
                counts(0, 0, 0, 0),
                &[],
                Some(Verified::Failed(Some(Box::new(PodFacts {
                    word: Some(REFUSED.into()),
                    message: quota.into(),
                    ..PodFacts::default()
                })))),
                "WakeFailed Degraded operator: the quota is used up: solution, requested: limits.cpu=2, used: limits.cpu=8, limited: limits.cpu=8",
            ),
            (
                counts(0, 0, 0, 0),
                &[],
                failed(),
                "WakeFailed Degraded author: crashes with exit code 2: no model",
            ),
            (counts(1, 1, 1, 1), &[], None, "Awake Healthy nobody: 1 replica"),
            (counts(2, 2, 2, 2), &["OOMKilled"], None, "Awake Healthy nobody: 2 replicas"),
            (
                stale(counts(2, 2, 2, 2)),
                &[],
                None,
                "Awake Progressing nobody: the old version keeps serving; the new one: starting",
            ),
            (
                stale(counts(2, 2, 2, 2)),
                &[],
                Some(Verified::Ok),
                "Awake Healthy nobody: 2 replicas",
            ),
            (counts(2, 2, 2, 1), &[], None, "Awake Progressing nobody: 1 of 2 replicas: starting"),
            (
                counts(2, 2, 2, 1),
                &["Unschedulable"],
                None,
                "Awake Progressing operator: 1 of 2 replicas: no machine of class gpu-l4 free",
            ),
            (
                counts(2, 3, 2, 2),
                &[],
                None,
                "Awake Progressing nobody: the old version keeps serving; the new one: starting",
            ),
            (counts(1, 1, 1, 0), &[], None, "Waking Progressing nobody: starting"),
            (
                late(counts(1, 1, 1, 0)),
                &[],
                None,
                "WakeFailed Degraded author: was not ready when its time was over",
            ),
            (
                late(counts(1, 1, 1, 0)),
                &["Unready"],
                None,
                "WakeFailed Degraded author: runs, and did not answer on port 8080 in its time",
            ),
            (stale(late(counts(1, 1, 1, 0))), &[], None, "Waking Progressing nobody: starting"),
            (
                late(counts(1, 1, 1, 0)),
                &["Evicted"],
                None,
                "WakeFailed Degraded operator: its machine threw it out",
            ),
            (
                counts(1, 1, 1, 0),
                &["Evicted"],
                None,
                "Waking Progressing nobody: starting again; a replica before: its machine threw it out",
            ),
            (
                counts(2, 2, 2, 1),
                &["OOMKilled"],
                None,
                "Awake Degraded author: 1 of 2 replicas restarts: out of memory at 3 GiB",
            ),
            (
                counts(3, 3, 3, 1),
                &["OOMKilled"],
                None,
                "Awake Degraded author: 2 of 3 replicas restart: out of memory at 3 GiB",
            ),
            (
                counts(1, 2, 1, 1),
                &["InvalidImageName"],
                None,
                "Awake Degraded author: the old version keeps serving; the new one: `image` is not a name that can be pulled",
            ),
            (
                counts(1, 1, 1, 0),
                &["Unschedulable"],
                None,
                "Queued Progressing operator: no machine of class gpu-l4 free",
            ),
            (
                refused(counts(1, 0, 0, 0), quota),
                &[],
                None,
                "WakeFailed Degraded operator: the quota is used up: solution, requested: limits.cpu=2, used: limits.cpu=8, limited: limits.cpu=8",
            ),
            (
                refused(counts(3, 2, 2, 2), quota),
                &[],
                None,
                "Awake Degraded operator: 1 of 3 replicas: the quota is used up: solution, requested: limits.cpu=2, used: limits.cpu=8, limited: limits.cpu=8",
            ),
            (
                refused(counts(1, 0, 0, 0), security),
                &[],
                None,
                "WakeFailed Degraded operator: Pod Security refuses its pods: \"restricted:v1.33\": runAsNonRoot != true",
            ),
            (
                refused(counts(1, 0, 0, 0), "admission webhook denied"),
                &[],
                None,
                "WakeFailed Degraded operator: the cluster refuses its pods: admission webhook denied",
            ),
            (
                with(counts(1, 1, 1, 0), "ReplicaFailure", "False", "", quota),
                &[],
                None,
                "Waking Progressing nobody: starting",
            ),
        ];
        for (facts, words, verified, expected) in cases {
            let pods: Vec<PodFacts> = words
                .iter()
                .map(|word| PodFacts { word: Some((*word).into()), ..PodFacts::default() })
                .collect();
            let pods: Vec<&PodFacts> = pods.iter().collect();
            let condition = deployment(&facts, &pods, verified.as_ref(), false, &SETUP);
            assert_eq!(said(&condition), expected, "{facts:?}");
            assert!(!condition.next.is_empty());
        }
    }

    /// A container that ended with code 2, so many times before it was looked at again.
    fn fallen(restarts: i32, word: &str) -> PodFacts {
        PodFacts {
            word: Some(word.into()),
            exit_code: Some(2),
            restarts,
            message: "no database".into(),
            ..PodFacts::default()
        }
    }

    #[test]
    fn one_fall_is_no_failure_while_there_is_time_to_come_up() {
        let rolling = |counts| with(counts, "Progressing", "True", "ReplicaSetUpdated", "");
        let woken = |counts| with(counts, "Progressing", "True", "NewReplicaSetAvailable", "");
        let up = counts(1, 1, 1, 0);
        let so_far =
            "Waking Progressing author: starting; so far: crashes with exit code 2: no database";
        let fails = "WakeFailed Degraded author: crashes with exit code 2: no database";
        let last = PodFacts { is_final: true, ..fallen(0, "Error") };
        let loops = fallen(4, "CrashLoopBackOff");
        for (case, facts, pod, tried, expected) in [
            ("a visit, first fall", woken(up.clone()), fallen(1, "Error"), false, so_far),
            ("a visit, loops", woken(up.clone()), loops.clone(), false, fails),
            ("a roll-out, loops", rolling(up.clone()), loops.clone(), false, so_far),
            ("a trial, loops", woken(up.clone()), loops.clone(), true, so_far),
            ("a roll-out, no retry mends it", rolling(up.clone()), last.clone(), false, fails),
            ("a visit, no retry mends it", woken(up.clone()), last, false, fails),
            (
                "a roll-out out of time",
                with(up, "Progressing", "False", "ProgressDeadlineExceeded", ""),
                loops,
                false,
                fails,
            ),
        ] {
            let condition = deployment(&facts, &[&pod], None, tried, &SETUP);
            assert_eq!(said(&condition), expected, "{case}");
            assert_eq!(condition.next, "run the image as the cluster does and mend what it says");
        }
    }
}
