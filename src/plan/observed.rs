//! What the cluster holds, as far as a decision needs it. `apply` fills it from its watches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{ContentHash, FieldSet, Kind, ObjectKey, Revision};

/// The cluster as the watches tell it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub kinds: BTreeMap<Kind, KindState>,
    /// Every object that carries our instance label, by its solution label. Namespaces too.
    pub solutions: BTreeMap<String, BTreeMap<ObjectKey, Live>>,
    /// Every Namespace of the cluster, whoever it belongs to.
    pub namespaces: BTreeMap<String, NamespaceFacts>,
    /// Foreign work found in a namespace whose solution is being removed, as `Kind/name`.
    pub surveys: BTreeMap<String, Survey>,
    /// Objects with a request under way: they get no second step.
    pub in_flight: BTreeSet<ObjectKey>,
    /// Words about pods that cannot run, by solution, then by pod.
    pub pods: BTreeMap<String, BTreeMap<String, PodFacts>>,
    pub record: Record,
    pub approvals: BTreeMap<String, Approval>,
}

/// How much is known of a kind. Only a `Synced` kind can lose objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KindState {
    /// Listed completely and being watched.
    Synced,
    /// The cluster has no such kind (its CRD is missing).
    Absent,
    #[default]
    Unknown,
}

/// One object of ours (or that carries our label).
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub uid: String,
    pub resource_version: String,
    pub created: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deleting: Option<Timestamp>,
    pub finalizers: Vec<String>,
    /// The annotation `vitrine.dev/content`.
    pub content: Option<ContentHash>,
    /// The annotation `vitrine.dev/revision`, if it is one.
    pub revision: Option<Revision>,
    /// What the Apply entry of manager `vitrine` holds; absent = the entry is absent.
    pub fields: Option<Arc<FieldSet>>,
    /// The other managers' entries that are not of a subresource, in the server's order.
    pub others: Vec<(Arc<str>, Arc<FieldSet>)>,
    /// Whether manager `vitrine-birth` has an entry.
    pub birth: bool,
    pub health: HealthFacts,
}

impl Live {
    /// Ours = the instance label (else it would not be here) and an entry of a manager of ours.
    /// What only has the label is repaired, never deleted.
    pub fn is_ours(&self) -> bool {
        self.fields.is_some() || self.birth
    }
}

/// The few facts that the health rule of a kind reads.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum HealthFacts {
    /// The kind has no status, or its existence is enough.
    #[default]
    None,
    Namespace {
        active: bool,
    },
    /// Of an InterceptorRoute: whether the add-on's condition `Ready` is true.
    Ready(bool),
    Deployment(DeploymentFacts),
    Route(RouteFacts),
    ScaledObject(ScaledFacts),
    /// Of a ResourceQuota: `spec.hard` as it stands, which decides when a smaller one may come.
    Quota(BTreeMap<String, String>),
    /// Of a limit that a controller accepts or refuses.
    Policy(PolicyFacts),
}

/// Of an HTTPLocalRateLimitPolicy or a BackendTrafficPolicy.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PolicyFacts {
    pub generation: i64,
    /// Those of `status.conditions`, or of every entry of `status.ancestors`.
    pub conditions: Vec<Condition>,
}

impl PolicyFacts {
    /// The condition with which a controller refuses the newest form. Silence is none: before its
    /// target is there, a controller says nothing of a policy.
    pub fn refusal(&self) -> Option<&Condition> {
        self.conditions.iter().find(|c| {
            c.kind == "Accepted"
                && c.status == "False"
                && c.observed_generation.is_none_or(|seen| seen >= self.generation)
        })
    }
}

/// Of a Deployment.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeploymentFacts {
    pub generation: i64,
    pub observed_generation: i64,
    /// `spec.replicas`, 1 if absent.
    pub wanted: i32,
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    pub available: i32,
    pub conditions: Vec<Condition>,
    /// The annotation `vitrine.dev/verified`: `<template hash> born|ok|failed`.
    pub verified: Option<String>,
    /// The annotation `vitrine.dev/template`: hash of the pod template as we rendered it.
    pub template: Option<ContentHash>,
}

/// Of an HTTPRoute: the conditions under our parent.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RouteFacts {
    pub generation: i64,
    pub parents: Vec<RouteParent>,
}

/// One entry of `status.parents`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RouteParent {
    pub controller: String,
    /// `namespace/name` of the Gateway.
    pub gateway: String,
    pub conditions: Vec<Condition>,
}

/// Of a ScaledObject.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ScaledFacts {
    pub generation: i64,
    pub conditions: Vec<Condition>,
    /// Whether `autoscaling.keda.sh/force-activation` is `"true"`.
    pub forced: bool,
    /// Whether `autoscaling.keda.sh/paused-replicas` or `autoscaling.keda.sh/paused` is there.
    pub paused: bool,
    pub last_active: Option<Timestamp>,
}

impl DeploymentFacts {
    /// Every pod that should run is of the newest template.
    pub fn is_rolled_out(&self) -> bool {
        self.observed_generation >= self.generation
            && self.updated >= self.wanted
            && self.replicas <= self.updated
    }
}

impl HealthFacts {
    /// Of a Deployment: whether its newest form is completely rolled out and available (also at
    /// 0 replicas).
    pub fn is_available(&self) -> bool {
        match self {
            Self::Deployment(facts) => facts.is_rolled_out() && facts.available >= facts.wanted,
            _ => false,
        }
    }

    /// Of a route: whether every gateway that answered accepts its newest form and finds its back
    /// ends, and at least one answered.
    pub fn is_accepted(&self) -> bool {
        let Self::Route(route) = self else { return false };
        let holds = |parent: &RouteParent, kind: &str| {
            parent.conditions.iter().any(|c| {
                c.kind == kind
                    && c.status == "True"
                    && c.observed_generation.is_none_or(|seen| seen >= route.generation)
            })
        };
        !route.parents.is_empty()
            && route.parents.iter().all(|p| holds(p, "Accepted") && holds(p, "ResolvedRefs"))
    }
}

/// A Kubernetes condition.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Condition {
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: String,
    pub message: String,
    pub observed_generation: Option<i64>,
    pub since: Option<Timestamp>,
}

/// Of any Namespace of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceFacts {
    pub owner: Owner,
    pub deleting: Option<Timestamp>,
    pub created: Option<Timestamp>,
}

/// Whose a Namespace is, by its instance label. One that an operator labelled for us is ours to
/// publish into; it is not ours to delete before we applied it (see [`Live::is_ours`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    ThisInstance,
    OtherInstance(String),
    Nobody,
}

/// What a look into a namespace found that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub foreign: Vec<String>,
    pub at: Timestamp,
}

/// Of a pod of ours that is not well.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PodFacts {
    pub component: String,
    /// The kubelet's word: `ImagePullBackOff`, `OOMKilled`, `Unschedulable`, `CrashLoopBackOff`.
    pub word: Option<String>,
    pub message: String,
    pub exit_code: Option<i32>,
    pub restarts: i32,
}

impl PodFacts {
    /// Whether the kubelet's word means that it will not come up by itself.
    pub fn is_failing(&self) -> bool {
        matches!(
            self.word.as_deref(),
            Some(
                "ImagePullBackOff"
                    | "ErrImagePull"
                    | "InvalidImageName"
                    | "ErrImageNeverPull"
                    | "CrashLoopBackOff"
                    | "OOMKilled"
                    | "Error"
                    | "CreateContainerConfigError"
                    | "CreateContainerError"
                    | "RunContainerError"
                    | "Evicted"
            )
        )
    }

    /// Exit code and message in one line, as far as there are any.
    pub fn said(&self) -> String {
        let message =
            self.message.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
        match (self.exit_code, message) {
            (Some(code), "") => format!("exit code {code}"),
            (Some(code), message) => format!("exit code {code}: {message}"),
            (None, message) => message.to_owned(),
        }
    }
}

/// What the daemon's own Lease remembers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Record {
    /// Not read yet: nothing may be deleted.
    #[default]
    Unread,
    /// There is no Lease: every deletion of what already runs is held.
    Missing,
    Kept {
        /// The last completely applied commit.
        applied: Option<Revision>,
        /// The catalogue's root, as a path in the repository.
        root: Option<String>,
        /// Solutions removed lately.
        removals: Vec<(String, Timestamp)>,
    },
}

/// A person's word that exactly these deletions may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub hash: ContentHash,
    pub deletions: BTreeSet<ObjectKey>,
    pub created: Timestamp,
}
