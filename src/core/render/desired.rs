//! What a solution should be on the cluster: its objects, the wave of each, and whether it rests.

use std::sync::Arc;

use serde_json::Value;

use crate::model::{ComponentName, ContentHash, FieldSet, ObjectKey, SolutionName};

/// What one solution should be on the cluster, in the order of its waves.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Whose objects these are.
    pub solution: SolutionName,
    /// By wave, then by key.
    pub objects: Vec<Arc<DesiredObject>>,
}

/// One object as it will be applied, without the annotation that names the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObject {
    /// Its kind, namespace and name.
    pub key: ObjectKey,
    /// The component that it belongs to; none if to the whole solution.
    pub component: Option<ComponentName>,
    /// When it is published.
    pub wave: Wave,
    /// Labels and the content annotation included.
    pub body: Value,
    /// Hash of the body before its two annotations were spliced in.
    pub content: ContentHash,
    /// Of a Deployment: the hash in its annotation `vitrine.dev/template`.
    pub template: Option<ContentHash>,
    /// Of a Deployment: the hash in its annotation `vitrine.dev/pods`.
    pub pods: Option<ContentHash>,
    /// What the API server will record as ours, the revision annotation included.
    pub fields: Arc<FieldSet>,
}

/// The order of publication; removal runs backwards. ENGINE: each wave begins when the objects
/// of the waves before it are in place and their gates are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wave {
    /// Gate: Active, and not being deleted.
    Namespace,
    /// Quotas, limits, policies, accounts, config maps; and a route that only redirects, which
    /// reaches no back end and must not wait for one.
    Protection,
    /// The mesh's Servers and authentications. A Server answers nobody before the next wave.
    Mesh,
    /// What refers to them: authorizations and the mesh's rate limits.
    Authorization,
    /// Services and Deployments, with what guards and watches their pods.
    Workload,
    /// InterceptorRoutes.
    Interceptor,
    /// ScaledObjects.
    Scaling,
    /// The edge's limits: they name the route or are named by it.
    EdgeLimits,
    /// ReferenceGrants.
    Grant,
    /// HTTPRoutes and Ingresses: never public without all of the above.
    Route,
}

/// Whether the clock lets a solution run, as [`phase`](super::phase) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It may run.
    Live,
    /// `suspend` keeps it asleep until its day.
    Suspended,
    /// The day of `expires` has come.
    Expired,
}
