//! From plan, outcomes and facts to the one verdict that everybody reads.

use super::answered::{answered, leaving};
use super::case::{Case, Standing};
use super::health::{self, Answer, Trouble};
use super::left::left_behind;
use super::obstacle::{Obstacle, Slow, Wait, obstacle, slow};
use super::wording::{clock, list};
use super::would::{ACT, repair, would};
use super::{Cause, Condition, Health, Proof, Reason, Sync, Verdict, condition, trial};
use crate::catalog::snapshot::Unknown;
use crate::catalog::{Refused, Solution};
use crate::model::invisible::visible;
use crate::model::{Kind, ObjectKey, Party, SolutionName, marks};
use crate::plan::address::urls;
use crate::plan::observed::Silence;
use crate::plan::{Gate, Phase, SolutionPlan, Step, When};

/// The verdict of a solution. Every state has a reason, a party and a next step.
pub fn judge(case: &Case<'_>) -> Verdict {
    let said = match case.standing {
        Standing::Published { solution, phase, plan, objects, .. } => {
            published(case, solution, phase, plan, objects)
        }
        Standing::Refused(refused) => self::refused(case, refused),
        Standing::Frozen { reason, party } => Said {
            sync: Sync::Failed,
            party,
            reason: and_the_old(case, Cause::Frozen.says(reason), what_runs(case).as_ref()),
            next: "mend it and push".to_owned(),
            condition: what_runs(case),
        },
        Standing::Removed(plan) => removed(case, plan),
        Standing::Coming => at_once(case, Cause::Rendering.says("it is being rendered")),
        Standing::Undecided => {
            at_once(case, Cause::Reading.says("whether it is still wanted is being asked"))
        }
        Standing::Unread => at_once(case, Cause::Reading.says("the cluster is being read")),
    };
    let said = match case.unknown {
        Some(unknown) => unreadable(case, unknown, said),
        None => said,
    };
    let said = match case.silence {
        Some(silence) => silent(case, silence, said),
        None => said,
    };
    let opens = case.opens();
    let stands_still = matches!(said.sync, Sync::Failed | Sync::Blocked) && !opens.is_empty();
    let urls = match case.standing {
        Standing::Published { addresses, .. } if !stands_still => urls(addresses),
        Standing::Published { .. } => urls(opens),
        Standing::Refused(_)
        | Standing::Frozen { .. }
        | Standing::Removed(_)
        | Standing::Coming
        | Standing::Undecided
        | Standing::Unread => urls(opens),
    };
    Verdict {
        name: case.name.clone(),
        sync: said.sync,
        stage: said.condition.as_ref().map(|c| c.stage),
        health: said.condition.as_ref().map(|c| c.health),
        party: said.party,
        reason: said.reason,
        next: visible(&said.next),
        urls,
        revision: case.revision.cloned(),
        serving: if said.sync == Sync::Synced { case.revision } else { case.serving() }.cloned(),
        objects: case.objects().map_or(0, |o| o.len()),
        proof: said.condition.map_or(Proof::Applied, |c| c.proof),
    }
}

/// What ends by itself in a moment.
fn at_once(case: &Case<'_>, reason: Reason) -> Said {
    Said {
        sync: Sync::Progressing,
        party: Party::Nobody,
        reason,
        next: "wait a moment".to_owned(),
        condition: what_runs(case),
    }
}

/// A verdict in the making.
struct Said {
    sync: Sync,
    party: Party,
    reason: Reason,
    next: String,
    condition: Option<Condition>,
}

fn published(
    case: &Case<'_>,
    solution: &Solution,
    phase: Phase,
    plan: &SolutionPlan,
    objects: usize,
) -> Said {
    let condition = case.lives().then(|| condition(solution, phase, case.observed));
    let say = |sync, party, reason: Reason, next: &str| Said {
        sync,
        party,
        reason,
        next: next.to_owned(),
        condition: condition.clone(),
    };
    // The loudest gate speaks: what needs a person before what only needs time. A try that begins
    // now is as one under way.
    let begins: Vec<Gate> = plan.ready().map(|step| Gate::InFlight(step.key())).collect();
    let gates = plan.gates().chain(&begins);
    let obstacle = gates.filter_map(|gate| obstacle(case, gate)).max_by_key(|o| o.rank);
    if let Some(obstacle) = obstacle {
        let Obstacle { reason, keeps_the_old, .. } = obstacle;
        let reason = if keeps_the_old {
            and_the_old(case, reason, condition.as_ref())
        } else {
            broken(reason, condition.as_ref()).0
        };
        return say(obstacle.sync, obstacle.party, reason, &obstacle.next);
    }
    if let Some(would) = case.reports.then(|| would(plan)).flatten() {
        let sync = Sync::OutOfSync;
        return say(sync, Party::Operator, Cause::Reported.says(would), ACT);
    }
    if let Some((fields, manager, key)) = plan.steps.iter().find_map(repair) {
        let what = if fields.is_empty() {
            "its marks".to_owned()
        } else {
            list(fields.iter().map(String::as_str))
        };
        let who = manager.map_or_else(String::new, |m| format!(" by {m}"));
        return say(
            Sync::OutOfSync,
            Party::Vitrine,
            Cause::Edited.says(format!("{key} was edited{who} ({what}), repairing")),
            "nothing to do; change the catalogue instead of the cluster",
        );
    }
    if let Some(Trouble { party, reason, next }) = leaving(case, plan) {
        let reason = reason.reworded(|reason| format!("waits: {reason}"));
        return say(Sync::Progressing, party, reason, &next);
    }
    if let Some(rolling) = rolling(plan) {
        // A roll-out that fails is told by its pods, not by what waits for it.
        if condition.as_ref().is_none_or(|c| c.health != Health::Degraded) {
            let reason =
                Cause::RollingOut.says(format!("the rest follows when {rolling} is rolled out"));
            return say(Sync::Progressing, Party::Nobody, reason, "wait a moment");
        }
    } else if trial::is_all(plan)
        && let Some(said) = unanswered(case, phase, condition.as_ref())
    {
        return said;
    } else if !plan.is_empty() && !trial::only_notes(plan, case.objects()) {
        let told = |Trouble { party, reason, next }| say(Sync::Progressing, party, reason, &next);
        match plan.gates().find_map(slow) {
            Some(Slow { reason, wait: Wait::For(look) }) => {
                return waiting(case, reason, look, condition);
            }
            Some(Slow { reason, wait: Wait::Only(next) }) => {
                return say(Sync::Progressing, Party::Nobody, reason, next);
            }
            None => {}
        }
        let missing = plan.steps.len().min(objects);
        let reason = match plan.steps.first().map(|p| &p.step) {
            Some(Step::ForceActivation { .. } | Step::Nudge { .. } | Step::Verified { .. }) => {
                return told(trial::so_far(condition.as_ref()));
            }
            Some(Step::Delete { .. } | Step::Survey { .. }) => {
                Cause::Tidying.says("tidying up what is no longer asked for")
            }
            None if trial::runs(plan) => return told(trial::so_far(condition.as_ref())),
            _ => Cause::Applying.says(format!("applying {} of {objects} objects", missing.max(1))),
        };
        return say(Sync::Progressing, Party::Nobody, reason, "wait a moment");
    }
    if let Some(said) = unanswered(case, phase, condition.as_ref()) {
        return said;
    }
    if let Some((reason, next)) = left_behind(case) {
        let reason = broken(reason, condition.as_ref()).0;
        return say(Sync::Blocked, Party::Operator, reason, &next);
    }
    match condition.clone() {
        Some(c) => Said {
            sync: Sync::Synced,
            party: c.party,
            reason: c.reason.clone(),
            next: c.next.clone(),
            condition: Some(c),
        },
        None => say(
            Sync::Progressing,
            Party::Nobody,
            Cause::Nothing.says("nothing of it is on the cluster yet"),
            "wait a moment",
        ),
    }
}

/// What another controller refuses, or has not answered.
fn unanswered(case: &Case<'_>, phase: Phase, condition: Option<&Condition>) -> Option<Said> {
    match answered(case, phase)? {
        Answer::Refused(Trouble { party, reason, next }) => {
            let reason = broken(reason, condition).0;
            Some(Said { sync: Sync::Blocked, party, reason, next, condition: condition.cloned() })
        }
        Answer::Waiting { reason, look } => Some(waiting(case, reason, look, condition.cloned())),
        Answer::Taken => None,
    }
}

/// Another controller has not answered yet. What runs may be broken all the same; and after a while
/// somebody should look at it.
fn waiting(case: &Case<'_>, reason: Reason, look: &str, condition: Option<Condition>) -> Said {
    let degraded = condition.as_ref().filter(|c| c.health == Health::Degraded);
    let (sync, party, next) = match degraded {
        _ if case.late => (Sync::Blocked, Party::Operator, look.to_owned()),
        Some(c) => (Sync::Progressing, c.party, c.next.clone()),
        None => {
            let next = format!("wait a moment; if it stays, {look}");
            (Sync::Progressing, Party::Nobody, next)
        }
    };
    let reason =
        if case.late { reason.reworded(|r| format!("{r}, for over a minute")) } else { reason };
    let reason = broken(reason, degraded).0;
    Said { sync, party, reason, next, condition }
}

/// The Deployment that everything that is left waits for.
fn rolling(plan: &SolutionPlan) -> Option<&ObjectKey> {
    let mut only = None;
    for step in &plan.steps {
        let When::After(Gate::NotAvailable(key)) = &step.when else { return None };
        only = Some(key);
    }
    only.filter(|_| plan.waits.is_empty())
}

fn refused(case: &Case<'_>, refused: &Refused) -> Said {
    let (reason, party) = match refused.faults.as_slice() {
        [] => (Cause::Refused.says(format!("{} was refused", refused.folder)), Party::Author),
        [fault] => (Cause::Fault(fault.code).says(fault.to_string()), fault.party),
        [fault, rest @ ..] => {
            let said = format!("{fault} (and {} more)", rest.len());
            (Cause::Fault(fault.code).says(said), fault.party)
        }
    };
    Said {
        sync: Sync::Failed,
        party,
        reason: and_the_old(case, reason, what_runs(case).as_ref()),
        next: "mend the line and push".to_owned(),
        condition: what_runs(case),
    }
}

fn removed(case: &Case<'_>, plan: &SolutionPlan) -> Said {
    let left = case.objects().map_or(0, |o| o.len());
    if let Some(obstacle) =
        plan.gates().filter_map(|gate| obstacle(case, gate)).max_by_key(|o| o.rank)
    {
        return Said {
            sync: obstacle.sync,
            party: obstacle.party,
            reason: obstacle.reason,
            next: obstacle.next,
            condition: what_runs(case),
        };
    }
    if let Some(would) = case.reports.then(|| would(plan)).flatten() {
        return Said {
            sync: Sync::OutOfSync,
            party: Party::Operator,
            reason: Cause::Reported.says(format!("its folder is gone; {would}")),
            next: ACT.to_owned(),
            condition: what_runs(case),
        };
    }
    let objects = if left == 1 { "1 object".to_owned() } else { format!("{left} objects") };
    let mut remains = case.objects().into_iter().flatten();
    if plan.is_empty() && !remains.any(|(_, object)| object.is_ours()) {
        return Said {
            sync: Sync::Blocked,
            party: Party::Operator,
            reason: Cause::NotOurs
                .says(format!("{objects} carry vitrine's labels and are not vitrine's")),
            next: format!("take the label `{}` off, or delete them", marks::INSTANCE),
            condition: what_runs(case),
        };
    }
    let mut party = Party::Nobody;
    let mut next = "wait a moment".to_owned();
    let why = plan.gates().find_map(|gate| match gate {
        Gate::Additions(names) => Some(format!(
            "waits for {} to be published, so that a rename has no gap",
            list(names.iter().map(SolutionName::as_str))
        )),
        Gate::Leaving { key, finalizers }
            if !finalizers.is_empty() && key.kind != Kind::Namespace =>
        {
            party = Party::Operator;
            next = "if it stays, look at the controller that owns the finalizer".to_owned();
            Some(format!("{} of {key} holds it", list(finalizers.iter().map(String::as_str))))
        }
        _ => None,
    });
    let why = why.or_else(|| {
        let trouble = leaving(case, plan)?;
        (party, next) = (trouble.party, trouble.next);
        Some(trouble.reason.text)
    });
    Said {
        sync: Sync::Removing,
        party,
        reason: Cause::Removing.says(
            why.map_or_else(|| format!("{objects} left"), |why| format!("{objects} left; {why}")),
        ),
        next,
        condition: None,
    }
}

/// The repository cannot be read: what runs goes on, and everybody is told since when.
fn unreadable(case: &Case<'_>, unknown: &Unknown, said: Said) -> Said {
    let keeps = match (case.in_force.or(case.revision), case.serves()) {
        (Some(revision), true) => format!("; revision {} keeps serving", revision.short()),
        (None, true) => "; what runs keeps serving".to_owned(),
        (_, false) => String::new(),
    };
    Said {
        sync: Sync::Unknown,
        party: Party::Operator,
        reason: Cause::Unreadable.says(format!(
            "the repository cannot be read since {}: {}{keeps}",
            clock(unknown.since),
            unknown.cause
        )),
        next: "mend the connection or the credentials; vitrine goes on by itself".to_owned(),
        condition: said.condition,
    }
}

/// Nobody knows how anything is while the cluster tells nothing. A fault of the author stays one.
fn silent(case: &Case<'_>, silence: &Silence, said: Said) -> Said {
    match case.standing {
        Standing::Refused(_) | Standing::Frozen { .. } => Said { condition: None, ..said },
        Standing::Published { .. }
        | Standing::Removed(_)
        | Standing::Coming
        | Standing::Undecided
        | Standing::Unread => Said {
            sync: Sync::Unknown,
            party: Party::Operator,
            reason: Cause::ClusterUnread.says(format!(
                "the cluster cannot be read since {}: {}; what runs goes on",
                clock(silence.since),
                silence.cause
            )),
            next: format!("{}; vitrine goes on by itself", silence.next),
            condition: None,
        },
    }
}

/// Stage and health of what runs of a solution, whatever the catalogue says of it now.
fn what_runs(case: &Case<'_>) -> Option<Condition> {
    health::what_runs(case.name.solution()?, case.observed)
}

/// A reason why something new is not applied, with what became of the old.
fn and_the_old(case: &Case<'_>, reason: Reason, old: Option<&Condition>) -> Reason {
    match broken(reason, old) {
        (reason, true) => reason,
        (reason, false) => case.keeps(reason),
    }
}

/// A reason that has nothing to do with what runs, with what is broken there. `true`: something is.
fn broken(reason: Reason, runs: Option<&Condition>) -> (Reason, bool) {
    match runs.filter(|runs| runs.health == Health::Degraded) {
        Some(runs) => {
            let broken = &runs.reason;
            (reason.reworded(|reason| format!("{reason}; what runs is broken: {broken}")), true)
        }
        None => (reason, false),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
