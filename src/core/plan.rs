//! Compares what the catalogue asks for with what is in the cluster.
//!
//! In: [`Desired`], [`Observed`]. Out: [`SolutionPlan`] per solution and one [`Hold`] for all.
//! Every deletion is decided here, where it can be tested without a cluster.

pub mod approval;
mod between;
pub mod brake;
pub mod facts;
pub mod observed;
pub mod outline;
pub mod publish;
mod quota;
pub mod remove;
pub mod setback;
pub mod step;
pub mod verify;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub use approval::deletions_hash;
pub use between::{Change, Difference, between};
pub use brake::{Hold, brake};
pub use observed::{Live, Observed};
pub use outline::{Outline, is_settled};
pub use publish::publish;
pub use remove::remove;
pub use setback::{Setback, Setbacks};
pub use step::{Outcome, Rejection, Step, Why};
pub use verify::Verified;

use crate::catalog::Standing;
use crate::model::{ContentHash, Kind, ObjectKey, Revision};
pub use crate::render::{Desired, DesiredObject, Phase, Wave};

/// What to do for one solution, in order. The same for the same inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SolutionPlan {
    pub steps: Vec<Planned>,
    /// Something of which no step can be said yet.
    pub waits: Vec<Gate>,
}

/// A step and when it may begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub step: Step,
    pub when: When,
}

/// Now, or when a fact about [`Observed`] has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    Now,
    After(Gate),
}

/// Why a step cannot begin yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// An object of an earlier wave is not in place.
    Object(ObjectKey),
    /// A request for this object is under way.
    InFlight(ObjectKey),
    /// The cluster does not have this kind; its CRD is missing.
    MissingKind(Kind),
    /// The kind could not be listed yet.
    UnknownKind(Kind),
    /// The Namespace exists and is not ours.
    ForeignNamespace {
        namespace: String,
        /// The other instance that it belongs to, if it carries such a label.
        instance: Option<String>,
    },
    /// The object is being deleted; these finalizers hold it.
    Leaving { key: ObjectKey, finalizers: Vec<String> },
    /// The add-on has not seen this InterceptorRoute yet.
    NotReady(ObjectKey),
    /// The Deployment is not available yet.
    NotAvailable(ObjectKey),
    /// The gateway has not accepted this route yet.
    NotAccepted(ObjectKey),
    /// It was refused or could not be sent; tried again at this time.
    BackOff { key: ObjectKey, until: Timestamp },
    /// The deletions are held until a person approves them.
    Held,
    /// What the daemon remembers on its Lease has not been read, or the commit was not compared
    /// with it yet.
    Record,
    /// The repository has not answered since the start.
    Unheard,
    /// The catalogue is still being rendered, so nobody knows yet all that it asks to delete.
    Rendering,
    /// Solutions that are just being added, so that a rename has no gap.
    Additions(Vec<String>),
    /// Work in the namespace that is not ours.
    ForeignWork(Vec<String>),
    /// All verification slots are taken.
    Slot,
}

/// As `vitrine plan` says it, after "waits".
impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Object(key) => write!(f, "after {key}"),
            Self::InFlight(key) => write!(f, "a request for {key} is under way"),
            Self::MissingKind(kind) => write!(f, "the cluster has no {kind}"),
            Self::UnknownKind(kind) => write!(f, "{kind} could not be listed yet"),
            Self::ForeignNamespace { namespace, .. } => {
                write!(f, "Namespace {namespace} exists and is not vitrine's")
            }
            Self::Leaving { key, finalizers } if finalizers.is_empty() => {
                write!(f, "{key} is being deleted")
            }
            Self::Leaving { key, finalizers } => {
                write!(f, "{key} is being deleted, held by {}", finalizers.join(", "))
            }
            Self::NotReady(key) => write!(f, "{key} is not ready"),
            Self::NotAvailable(key) => write!(f, "{key} is not available"),
            Self::NotAccepted(key) => write!(f, "the gateway has not accepted {key}"),
            Self::BackOff { key, until } => write!(f, "{key} is tried again at {until}"),
            Self::Held => f.write_str("held until it is approved"),
            Self::Record => f.write_str("the daemon's Lease has not been read"),
            Self::Unheard => f.write_str("the repository has not answered since the start"),
            Self::Rendering => f.write_str("the catalogue is being rendered"),
            Self::Additions(names) => write!(f, "after {} is published", names.join(", ")),
            Self::ForeignWork(names) => write!(f, "foreign work is left: {}", names.join(", ")),
            Self::Slot => f.write_str("all verification slots are taken"),
        }
    }
}

/// What every decision of one pass stands on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    pub observed: &'a Observed,
    /// The commit that is being applied.
    pub revision: &'a Revision,
    pub setbacks: &'a Setbacks,
    pub hold: Option<&'a Hold>,
    /// Why nothing at all may be deleted, whatever the brake says.
    pub nothing_deleted: Option<&'a Gate>,
    /// Whether a changed pod template is woken once.
    pub verify: bool,
    /// Verifications that may still begin.
    pub slots: usize,
    /// Deployments whose start-up budget is over although they were woken to be verified.
    pub overdue: &'a BTreeSet<ObjectKey>,
    pub now: Timestamp,
}

/// The limits of the brake and what it remembers.
#[derive(Clone, Copy, Debug)]
pub struct BrakeSettings<'a> {
    /// The share of the solutions that may disappear within an hour, 0.0 to 1.0.
    pub max_removed_share: f64,
    /// The number of objects that may be deleted at once.
    pub max_deletions: usize,
    pub approvals_expire_after: SignedDuration,
    /// Where the catalogue lies in the repository, to notice that it moved.
    pub root: &'a str,
    /// Whether the last applied commit is not an ancestor of this one.
    pub rewritten: bool,
    pub now: Timestamp,
}

impl SolutionPlan {
    /// The steps that can begin.
    pub fn ready(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|p| p.when == When::Now).map(|p| &p.step)
    }

    /// Nothing to do and nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.waits.is_empty()
    }

    /// Why what cannot begin cannot begin, each once.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        let after = self.steps.iter().filter_map(|p| match &p.when {
            When::Now => None,
            When::After(gate) => Some(gate),
        });
        self.waits.iter().chain(after)
    }

    fn push(&mut self, step: Step, gate: Option<Gate>) {
        self.steps.push(Planned { step, when: gate.map_or(When::Now, When::After) });
    }
}

/// The plan for one name by what the catalogue says of it. `additions` as for [`remove()`].
pub fn of_name(
    name: &str,
    standing: Standing<&Desired>,
    additions: &[String],
    ground: &Ground<'_>,
) -> SolutionPlan {
    match standing {
        Standing::Published(desired) => publish(desired, ground),
        Standing::Frozen => SolutionPlan::default(),
        Standing::Gone => remove(name, additions, ground),
    }
}

/// The deletions that a solution asks for: what is ours and not `wanted`, which is nothing when it
/// is absent from the catalogue. What is already going does not count.
pub fn deletions<'a>(
    solution: &str,
    wanted: impl IntoIterator<Item = &'a ObjectKey>,
    observed: &Observed,
) -> BTreeSet<ObjectKey> {
    let Some(live) = observed.solutions.get(solution) else { return BTreeSet::new() };
    let wanted: BTreeSet<&ObjectKey> = wanted.into_iter().collect();
    live.iter()
        .filter(|(key, live)| live.is_ours() && live.deleting.is_none() && !wanted.contains(key))
        .map(|(key, _)| key.clone())
        .collect()
}

/// Whether a deletion is part of every roll-out: a config map whose name carries the hash of its
/// content, superseded by the next one. The brake does not count it.
pub fn is_routine(key: &ObjectKey) -> bool {
    crate::render::is_hashed(key)
}

/// Why this object may not be touched now although the plan would: it failed lately.
fn setback_gate(
    key: &ObjectKey,
    content: Option<&ContentHash>,
    ground: &Ground<'_>,
) -> Option<Gate> {
    let setback = ground.setbacks.get(key)?;
    if setback.content.as_ref() != content {
        return None;
    }
    (setback.until > ground.now).then(|| Gate::BackOff { key: key.clone(), until: setback.until })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
