//! Whether the API server would take what a merge changes: what it is asked, and what its refusals
//! are to a reviewer.
//!
//! A refusal that the same merge may end is told as a risk and not as a fault: the server judges
//! each object against what is there now.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Review;
use super::between::Setting;
use super::objects::{ObjectChange, Verb};
use super::sentence::Sentence;
use super::touched::{Touched, What};
use crate::catalog::Catalog;
use crate::model::fault::{Fault, Severity, code};
use crate::model::{InstanceName, Kind, ObjectKey, Party, Quoted, SolutionName};
use crate::plan::{Form, Rejection};
use crate::render;
use crate::render::phase::phase_at;

/// The most objects that are asked about, for one review.
const MOST: usize = 200;
/// The longest part of the server's words that is told, in characters.
const LONGEST: usize = 300;

/// What the API server said of the objects of [`to_try`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DryRun {
    /// Those that it would not take, or not as they are.
    pub refused: Vec<(ObjectKey, Rejection)>,
    /// Why it did not answer for all of them: a sentence for the operator.
    pub silent: Option<String>,
}

/// The objects that a merge would create or change, in the order of their solutions and at most
/// 200. Of a new solution its namespace alone: in one that is not there nothing can be tried.
pub fn to_try(review: &Review, head: &Catalog, setting: &Setting<'_>) -> Vec<Arc<Form>> {
    let Ok(platform) = &head.platform else { return Vec::new() };
    let mut forms = Vec::new();
    for one in review.touched.iter().filter(|one| is_written(one)) {
        let Some(solution) = head.solutions.get(one.name.as_str()) else { continue };
        if forms.len() >= MOST {
            break;
        }
        let keys: BTreeSet<&ObjectKey> = written(one).collect();
        let phase = phase_at(solution, setting.now);
        let desired = render::all(solution, platform, setting.instance, phase);
        let wanted = desired.objects.iter().filter(|object| keys.contains(&object.key));
        forms.extend(wanted.map(|object| Arc::new(Form::whole(object))));
    }
    forms.truncate(MOST);
    forms
}

/// The objects of a solution that can be tried.
fn written(one: &Touched) -> impl Iterator<Item = &ObjectKey> {
    let name = SolutionName::read(one.name.as_str());
    let home = name.map(|name| name.namespace());
    let is_tried = move |object: &&ObjectChange| match object.verb {
        Verb::Delete => false,
        _ if object.key.kind == Kind::Namespace => true,
        _ if one.what == What::Appears => false,
        // Nobody chooses by a pull request in which namespace of others something is tried.
        Verb::Create | Verb::Apply => object.key.namespace == home,
        Verb::Update => true,
    };
    one.objects.iter().filter(is_tried).map(|object| &object.key)
}

/// Whether a merge would write objects of it.
fn is_written(one: &Touched) -> bool {
    matches!(one.what, What::Appears | What::Changes | What::WasFrozen)
}

impl Review {
    /// Adds what the API server said.
    pub fn with_dry_run(mut self, instance: &InstanceName, said: &DryRun) -> Self {
        let mut room = MOST;
        for one in self.touched.iter_mut().filter(|one| is_written(one)) {
            let written = written(one).count();
            if written > room {
                one.risks.push(Sentence::of(
                    "the API server was not asked about all of it, because the merge changes too \
                     much",
                    &[],
                ));
            }
            room = room.saturating_sub(written);
            if said.silent.is_some() && written > 0 {
                one.risks.push(Sentence::of(
                    "nobody could ask the API server about all of it; the daemon's log says why",
                    &[],
                ));
            }
            for (key, rejection) in &said.refused {
                let solution = key.solution(instance);
                if solution.is_none_or(|solution| solution.as_str() != one.name.as_str()) {
                    continue;
                }
                if is_judged_by_what_changes(one, key) {
                    one.risks.push(Sentence::of(
                        "as its namespace is now the API server would refuse {}, and the same merge \
                         changes the namespace: {}",
                        &[key, &words(&rejection.message)],
                    ));
                } else {
                    one.faults.push(fault(one, key, rejection));
                }
            }
            one.faults.sort_by_key(|fault| fault.severity != Severity::Error);
        }
        self
    }
}

/// Whether the same merge changes its namespace, by whose labels policies go.
fn is_judged_by_what_changes(one: &Touched, key: &ObjectKey) -> bool {
    one.objects.iter().any(|other| {
        other.key.kind == Kind::Namespace
            && key.namespace.as_ref() == Some(&other.key.name)
            && matches!(other.verb, Verb::Create | Verb::Update)
    })
}

fn fault(one: &Touched, key: &ObjectKey, rejection: &Rejection) -> Fault {
    let said = words(&rejection.message);
    let (message, help) = if rejection.is_taken_away() {
        (
            format!("admission would take {said} away from {key}"),
            "an operator has to change the webhook or the policy that does so",
        )
    } else if rejection.code == 403 {
        (
            format!("the API server would refuse {key}: {said}"),
            "mend what it names, or let an operator look: a policy of the cluster is against it, or \
             the daemon lacks the right (deploy/rbac.yaml)",
        )
    } else {
        (
            format!("the API server would refuse {key}: {said}"),
            "mend what it names, or let an operator look which policy of the cluster says so",
        )
    };
    let file = match one.by_platform {
        true => "platform.yaml".to_owned(),
        false => format!("{}/solution.yaml", one.folder),
    };
    // A 403 is a right that the daemon lacks, or a policy; what a namespace is like, the operator's.
    let operators = one.by_platform
        || rejection.is_taken_away()
        || rejection.code == 403
        || key.kind == Kind::Namespace;
    let party = if operators { Party::Operator } else { Party::Author };
    Fault::new(code::REFUSED_BY_CLUSTER, file, party, message).help(help)
}

fn words(message: &Quoted) -> String {
    message.short(LONGEST)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "dry_run/tests.rs"]
mod tests;
