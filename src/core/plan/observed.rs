//! What the cluster holds, as far as a decision needs it. `cluster` fills it from its watches.
//!
//! Long because it is a list of facts, each with what it means and what its absence means.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use litemap::LiteMap;
use smol_str::SmolStr;

use super::address::Address;
use super::approval::Harm;
use super::said::{NewMachine, Probed};
use crate::model::{
    ContentHash, FieldSet, Kind, ObjectKey, Quantity, Quoted, Revision, SolutionName, Uid,
};

/// What is known of a solution's objects. Not a [`BTreeMap`], whose leaves have room for eleven: most
/// solutions have sixteen objects. Boxed, because room is made for twice as many as there were.
pub type Shelf = LiteMap<ObjectKey, Box<Live>>;

/// The cluster as the watches tell it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// How much is known of each kind; one that is absent here is [`KindState::Unknown`].
    pub kinds: BTreeMap<Kind, KindState>,
    /// The resourceVersion of each CRD of ours.
    pub definitions: BTreeMap<Kind, String>,
    /// Every object that carries our instance label, by the solution that its address names.
    /// Namespaces too.
    pub solutions: BTreeMap<SolutionName, Shelf>,
    /// Every Namespace of the cluster, whoever it belongs to.
    pub namespaces: BTreeMap<SmolStr, NamespaceFacts>,
    /// Foreign work found in a namespace whose solution is being removed, as `Kind/name`.
    pub surveys: BTreeMap<SmolStr, Survey>,
    /// Objects with a request under way: they get no second step.
    pub in_flight: BTreeMap<ObjectKey, Flight>,
    /// Words about pods that cannot run, by solution, then by pod.
    pub pods: BTreeMap<SolutionName, BTreeMap<SmolStr, PodFacts>>,
    /// What the daemon's Lease remembers.
    pub record: Record,
    /// Every approval, by the name of its ConfigMap. Those that are too old are there too.
    pub approvals: BTreeMap<String, Approval>,
    /// The machines of each node group, as far as anybody looked.
    pub machines: Machines,
    /// What the Gateway or its listener says is wrong with it, as far as anybody looked.
    pub gateway: Option<GatewayFault>,
}

/// Why a Gateway lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayFault {
    /// What is so: `listener https of edge/public is not ResolvedRefs: secret "tls" not found`.
    pub sentence: Quoted,
    /// What to do.
    pub next: String,
}

/// What the machines of each node group have to give (`status.allocatable`), by resource. Machines
/// that are alike stand there once; the empty name stands for all, of whatever group.
pub type Machines = BTreeMap<String, Vec<BTreeMap<String, Quantity>>>;

/// What a request that is under way will have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flight {
    /// What the object is, or whether it is there at all.
    Body,
    /// What stands on it of a verification; what was applied stays as it is.
    Mark,
    /// As [`Flight::Mark`]: it begins a trial.
    Wake,
}

/// How much is known of a kind. Only a `Synced` kind can lose objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KindState {
    /// Listed completely and being watched.
    Synced,
    /// The cluster has no such kind (its CRD is missing).
    Absent,
    #[default]
    /// Not listed completely yet, or it may not be listed.
    Unknown,
}

/// One object of ours (or that carries our label).
#[cfg_attr(test, derive(Default))]
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// `metadata.uid`: tells it from another object of the same name.
    pub uid: Uid,
    /// `metadata.resourceVersion`: another one after every write.
    pub resource_version: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deleting: Option<Timestamp>,
    /// `metadata.finalizers`: what has to let go before a deletion ends.
    pub finalizers: Vec<String>,
    /// The annotation `vitrine.dev/content`.
    pub content: Option<ContentHash>,
    /// The annotation `vitrine.dev/revision`, if it is one.
    pub revision: Option<Arc<Revision>>,
    /// What the Apply entry of manager `vitrine` holds; absent = the entry is absent.
    pub fields: Option<Arc<FieldSet>>,
    /// The other managers' entries that are not of a subresource, in the server's order.
    pub others: Box<[(Arc<str>, Arc<FieldSet>)]>,
    /// The annotation `vitrine.dev/left-behind`: what was ours and another manager kept.
    pub left: Option<Arc<FieldSet>>,
    /// What our last write asked for and was not in its answer, though the server calls it ours:
    /// admission took it away. Absent = nothing, or nobody wrote since the start.
    pub taken: Option<Arc<FieldSet>>,
    /// Whether manager `vitrine-birth` has an entry.
    pub birth: bool,
    /// What a health rule reads of it.
    pub health: HealthFacts,
}

impl Live {
    /// Where visitors reach something through it now.
    pub fn opens(&self) -> Option<&[Address]> {
        match &self.health {
            HealthFacts::Route(facts) if facts.is_accepted(None) => Some(&*facts.addresses),
            HealthFacts::Ingress(addresses) => Some(&**addresses),
            _ => None,
        }
        .filter(|_| self.deleting.is_none())
    }

    /// Ours = the instance label (else it would not be here) and an entry of a manager of ours.
    /// What only has the label is repaired, never deleted.
    pub fn is_ours(&self) -> bool {
        self.fields.is_some() || self.birth
    }

    /// What was ours, left the catalogue and is kept by another manager, by managers. Those that
    /// have let go since are not among them.
    pub fn left_behind(&self) -> impl Iterator<Item = (&str, FieldSet)> {
        self.left.iter().flat_map(|left| {
            self.others
                .iter()
                .map(|(manager, theirs)| (&**manager, left.intersection(theirs)))
                .filter(|(_, kept)| !kept.is_empty())
        })
    }

    /// Whether it is what we applied, and is to stay.
    pub(super) fn is_in_place(&self, content: &ContentHash, fields: &Arc<FieldSet>) -> bool {
        self.deleting.is_none()
            && self.content.as_ref() == Some(content)
            && self.fields.as_ref() == Some(fields)
            && self.taken.is_none()
    }
}

/// The few facts that the health rule of a kind reads. The large ones are boxed: of most kinds there
/// is none.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum HealthFacts {
    /// The kind has no status, or its existence is enough.
    #[default]
    None,
    /// Of a Namespace.
    Namespace {
        /// Whether nobody has asked for its deletion.
        active: bool,
    },
    /// Of an InterceptorRoute: whether the add-on's condition `Ready` is true.
    Ready(bool),
    /// Of a Deployment: its replicas, its conditions and our two annotations.
    Deployment(Box<DeploymentFacts>),
    /// Of an HTTPRoute: the Gateways that it asks and their answers.
    Route(Box<RouteFacts>),
    /// Of an Ingress: where visitors open it; empty if it sends them elsewhere.
    Ingress(Box<[Address]>),
    /// Of a ScaledObject: what KEDA says of it and what it is told.
    ScaledObject(Box<ScaledFacts>),
    /// Of a ResourceQuota: `spec.hard` as it stands, which decides when a smaller one may come.
    Quota(LiteMap<SmolStr, SmolStr>),
    /// Of a limit at the edge that a controller accepts or refuses.
    Policy(Box<PolicyFacts>),
}

/// Of a Deployment.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeploymentFacts {
    /// `metadata.generation`: counts the changes of its spec.
    pub generation: i64,
    /// `status.observedGeneration`: the form that the status speaks of; 0 if it speaks of none.
    pub observed_generation: i64,
    /// `spec.replicas`, 1 if absent.
    pub wanted: i32,
    /// `status.replicas`: its pods, of whatever template.
    pub replicas: i32,
    /// `status.updatedReplicas`: its pods of the newest template.
    pub updated: i32,
    /// `status.readyReplicas`: its pods that are ready.
    pub ready: i32,
    /// `status.availableReplicas`: its pods that have been ready for `minReadySeconds`.
    pub available: i32,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// The annotation `vitrine.dev/verified`: `<template hash> born|ok|failed`.
    pub verified: Option<String>,
    /// The annotation `vitrine.dev/template`: hash of what its pods run, as we rendered it.
    pub template: Option<ContentHash>,
    /// The annotation `vitrine.dev/pods`: hash of the whole pod template; its newest pods carry it.
    pub pods: Option<ContentHash>,
}

/// Of an HTTPRoute: whom it asks, and what anybody answered.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RouteFacts {
    /// `metadata.generation`: the form that an answer has to be about.
    pub generation: i64,
    /// The parents in `spec.parentRefs`, written like [`RouteParent::gateway`].
    pub asked: Vec<String>,
    /// `status.parents`: every answer, also of those that it does not ask.
    pub parents: Vec<RouteParent>,
    /// Where visitors open it, sorted and each once; empty if it only redirects.
    pub addresses: Box<[Address]>,
}

/// One entry of `status.parents`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RouteParent {
    /// `controllerName`: who answers, written like a path (`example.org/gateway`).
    pub controller: String,
    /// `namespace/name` of the Gateway, with `#section` or `:port` where the reference has one.
    pub gateway: String,
    /// The answer: `Accepted`, `ResolvedRefs` and what else a controller says.
    pub conditions: Vec<Condition>,
}

impl RouteParent {
    /// Whether what it says is about the form of this generation.
    fn is_about(&self, generation: i64) -> bool {
        let routing = |c: &&Condition| matches!(c.kind.as_str(), "Accepted" | "ResolvedRefs");
        self.conditions.iter().filter(routing).all(|c| c.is_about(generation))
    }

    fn holds(&self, kind: &str, generation: i64) -> bool {
        self.conditions
            .iter()
            .any(|c| c.kind == kind && c.status == "True" && c.is_about(generation))
    }
}

impl RouteFacts {
    /// The answers of one parent that count: by `controller` where it is known. Once one of them
    /// speaks of the newest form, those that speak of an older one do not count: a Gateway that
    /// changed its controller leaves the old one's entry behind.
    pub fn answers<'a>(&'a self, parent: &str, controller: Option<&str>) -> Vec<&'a RouteParent> {
        let mut answers: Vec<&RouteParent> = self
            .parents
            .iter()
            .filter(|p| p.gateway == parent && controller.is_none_or(|c| c == p.controller))
            .collect();
        if answers.iter().any(|p| p.is_about(self.generation)) {
            answers.retain(|p| p.is_about(self.generation));
        }
        answers
    }

    /// Whether every parent that it asks accepts its newest form and finds its back ends. What
    /// others say who were not asked does not matter.
    pub fn is_accepted(&self, controller: Option<&str>) -> bool {
        let accepts = |parent: &String| {
            let answers = self.answers(parent, controller);
            !answers.is_empty()
                && answers.iter().all(|p| {
                    p.holds("Accepted", self.generation) && p.holds("ResolvedRefs", self.generation)
                })
        };
        !self.asked.is_empty() && self.asked.iter().all(accepts)
    }
}

/// Of an HTTPLocalRateLimitPolicy or a BackendTrafficPolicy.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PolicyFacts {
    /// `metadata.generation`: the form that an answer has to be about.
    pub generation: i64,
    /// Those of `status.conditions`, or of every entry of `status.ancestors`.
    pub conditions: Vec<Condition>,
}

/// Of a ScaledObject.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ScaledFacts {
    /// `metadata.generation`: counts the changes of its spec.
    pub generation: i64,
    /// `status.conditions`, as KEDA writes them.
    pub conditions: Vec<Condition>,
    /// Whether `autoscaling.keda.sh/force-activation` is `"true"`.
    pub forced: bool,
    /// Whether it is `"false"`, as a nudge leaves it.
    pub nudged: bool,
    /// How KEDA is told to leave its target alone; `None` if it is not.
    pub paused: Option<Pause>,
    /// How many triggers it has whose metric KEDA has to serve.
    pub triggers: usize,
    /// How many metrics KEDA serves for it (`status.externalMetricNames`).
    pub metrics: usize,
    /// `status.lastActiveTime`: when a trigger was active last.
    pub last_active: Option<Timestamp>,
    /// A time zone that KEDA says it does not know, where an Event says so.
    pub unknown_zone: Option<Quoted>,
}

/// How KEDA is told to leave a target alone. Ours only while a solution is suspended or expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// `autoscaling.keda.sh/paused-replicas`, and what stands there.
    At(Quoted),
    /// `autoscaling.keda.sh/paused: "true"`.
    AsItIs,
}

impl ScaledFacts {
    /// Whether KEDA refused it, and looks at it again only after a pause of its own. One trigger of
    /// several that fails is no refusal: the others wake it.
    pub fn is_refused(&self) -> bool {
        let partly = |c: &Condition| &*c.reason == "TriggerError" && self.triggers > 1;
        let refuses = |c: &Condition| c.kind == "Ready" && c.status == "False" && !partly(c);
        self.paused.is_none() && self.conditions.iter().any(refuses)
    }
}

impl Pause {
    /// The annotation that says so.
    pub const fn annotation(&self) -> &'static str {
        match self {
            Self::At(_) => "autoscaling.keda.sh/paused-replicas",
            Self::AsItIs => "autoscaling.keda.sh/paused",
        }
    }
}

impl DeploymentFacts {
    /// Its controller said that the newest form did not come up in time.
    pub fn gave_up(&self) -> bool {
        self.observed_generation >= self.generation
            && self.conditions.iter().any(|c| {
                c.kind == "Progressing"
                    && c.status == "False"
                    && &*c.reason == "ProgressDeadlineExceeded"
            })
    }

    /// Whether a pod is of the newest template, as far as both say.
    pub fn is_newest(&self, pod: &PodFacts) -> bool {
        self.pods.is_none() || self.pods == pod.pods
    }

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

    /// Of a route: see [`RouteFacts::is_accepted`].
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Route(route) if route.is_accepted(None))
    }
}

/// A Kubernetes condition.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Condition {
    /// Its `type`: `Available`, `Accepted`.
    pub kind: SmolStr,
    /// `True`, `False` or `Unknown`.
    pub status: SmolStr,
    /// Its `reason`: one word for programs, such as `ProgressDeadlineExceeded`.
    pub reason: Quoted,
    /// Its `message`, for people; a long one is cut.
    pub message: Quoted,
    /// Its `observedGeneration`: the form that it speaks of; absent if it does not say.
    pub observed_generation: Option<i64>,
    /// Its `lastTransitionTime`: when its status changed last.
    pub since: Option<Timestamp>,
}

impl Condition {
    /// Whether it speaks of the form of this generation. Controllers that say no generation are
    /// believed.
    pub fn is_about(&self, generation: i64) -> bool {
        self.observed_generation.is_none_or(|seen| seen >= generation)
    }
}

/// Of any Namespace of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceFacts {
    /// Whose it is by its label.
    pub owner: Owner,
    /// When its deletion was asked for.
    pub deleting: Option<Timestamp>,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// While it is being deleted: the conditions that say what holds it.
    pub remains: Vec<Condition>,
}

/// Whose a Namespace is, by its instance label. One that an operator labelled for us is ours to
/// publish into; it is not ours to delete before we applied it (see [`Live::is_ours`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Its label names our instance.
    ThisInstance,
    /// Its label names this other instance.
    OtherInstance(String),
    /// It has no such label.
    Nobody,
}

/// What a look into a namespace found that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Each as `Kind/name`, the first ones if there are many; empty if none was found.
    pub foreign: Vec<String>,
    /// When it was looked.
    pub at: Timestamp,
}

/// Of a pod of ours that is not well.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// The name of its component, from its label; empty without the label.
    pub component: String,
    /// The container that the word is about; empty = the pod as a whole. Not always the
    /// component's own: a mesh adds some.
    pub container: Quoted,
    /// The kubelet's word: `ImagePullBackOff`, `OOMKilled`, `Unschedulable`, `CrashLoopBackOff`. Of
    /// a pod that obeyed when it was thrown out: `Evicted` where an Event says so, else `Succeeded`.
    pub word: Option<Quoted>,
    /// What was said with the word: the last line of a program, the end of anything else that is
    /// long. Empty if nothing was.
    pub message: Quoted,
    /// Of the container that ended, where the word is about an end.
    pub exit_code: Option<i32>,
    /// The restarts of that one of its containers that has the most.
    pub restarts: i32,
    /// Whether the kubelet's word is proof that no retry can mend it.
    pub is_final: bool,
    /// Its annotation `vitrine.dev/pods`: of which template it is.
    pub pods: Option<ContentHash>,
    /// Of one that is not ready: what the kubelet's probe of its component got, where an Event says
    /// so.
    pub probed: Option<Probed>,
    /// Of one without a machine: what the cluster's autoscaler does for it, where an Event says so.
    pub machine: Option<NewMachine>,
}

/// [`PodFacts::word`] where the kubelet ended a container for not becoming ready in its time. It has
/// no word of its own for that.
pub const STARTUP_PROBE: &str = "StartupProbe";

/// [`PodFacts::word`] where the component's program runs and is not ready. Every start is that for a
/// while; it is a trouble when the time for it is over.
pub const UNREADY: &str = "Unready";

/// [`PodFacts::word`] of a trial in which no pod was let in: a quota, or a policy. The message is
/// that of the Deployment's condition of this name.
pub const REFUSED: &str = "ReplicaFailure";

/// [`PodFacts::word`] of a trial in which no pod was asked for: nobody scaled the Deployment.
pub const NOT_WOKEN: &str = "NotWoken";

impl PodFacts {
    /// Whether it has failed beyond a first time: many a program ends once until what it needs is
    /// up, and many a pull works the second time.
    pub fn keeps_failing(&self) -> bool {
        let first = match self.word.as_deref() {
            Some("ErrImagePull") => true,
            Some("CrashLoopBackOff") => false,
            _ => self.exit_code.is_some() && self.restarts < 2,
        };
        self.is_final || (self.is_failing() && !first)
    }

    /// Whether a container of it ended and is started again.
    pub fn has_fallen(&self) -> bool {
        self.is_failing() && self.exit_code.is_some()
    }

    /// Whether two say the same trouble. The kubelet has one word for a fall and one for the pause
    /// after it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let kind = |pod: &Self| match pod.word.as_deref() {
            Some("ErrImagePull" | "ImagePullBackOff") => Some("image".to_owned()),
            Some("Error" | "CrashLoopBackOff") => Some("crash".to_owned()),
            word => word.map(str::to_owned),
        };
        (kind(self), self.exit_code) == (kind(other), other.exit_code)
    }

    /// Whether the kubelet threw it out: another takes its place, and the old one lies about for
    /// weeks. One that obeyed and ended with 0 counts as one that succeeded.
    pub fn is_thrown_out(&self) -> bool {
        matches!(self.word.as_deref(), Some("Evicted" | "Succeeded"))
    }

    /// Whether the kubelet's word means that it will not come up by itself. An evicted pod is not
    /// that: another takes its place, and the old one lies about for weeks.
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
                    | "StartError"
                    | STARTUP_PROBE
                    | "CreateContainerConfigError"
                    | "CreateContainerError"
                    | "RunContainerError"
            )
        )
    }
}

/// Why something of the cluster cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A sentence for the operator: `services cannot be watched: the API server answered 500`.
    pub sentence: String,
    /// What is said of everything that is asked now: `the API server answered 500`. `None`: the
    /// problem is this one thing's alone, such as a missing right.
    pub silence: Option<String>,
    /// What to do.
    pub next: String,
}

impl Problem {
    /// A problem of one thing.
    pub fn of_one(sentence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), silence: None, next: next.into() }
    }
}

/// Since when the API server as a whole tells nothing, and why now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When everything that is watched had failed, by the wall clock.
    pub since: Timestamp,
    /// What the newest try was answered, in one sentence.
    pub cause: String,
    /// What to do.
    pub next: String,
}

/// What the daemon's own Lease remembers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Record {
    /// Not read yet: nothing may be deleted.
    #[default]
    Unread,
    /// There is no Lease: every deletion of what already runs is held.
    Missing,
    /// There is a Lease; what it does not say is `None` or empty.
    Kept {
        /// The last completely applied commit.
        applied: Option<Revision>,
        /// The catalogue's root, as a path in the repository.
        root: Option<String>,
        /// Solutions removed lately, or opened elsewhere since.
        removals: Vec<Removal>,
    },
}

/// A solution that somebody may miss, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whose name it is, or was.
    pub name: SolutionName,
    /// When it began, by the wall clock.
    pub at: Timestamp,
    /// What became of it.
    pub why: Went,
}

/// What became of a solution that somebody may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// It is gone.
    Removed,
    /// It is opened elsewhere.
    Moved,
}

/// A person's word that exactly this harm may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The hash of `harm`.
    pub hash: ContentHash,
    /// What may be taken away.
    pub harm: Harm,
    /// When its ConfigMap was created.
    pub created: Timestamp,
}
