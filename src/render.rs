//! Turns a solution into the Kubernetes objects that publish it.
//!
//! Cannot fail: `catalog` checked everything. One file a kind; the golden files show what
//! reaches the cluster.

use std::sync::Arc;

use serde_json::Value;

use crate::model::{ComponentName, ContentHash, FieldSet, ObjectKey, SolutionName};

/// What one solution should be on the cluster, in the order of its waves.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    pub solution: SolutionName,
    pub objects: Vec<Arc<DesiredObject>>,
}

/// One object as it will be applied, without the annotation that names the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObject {
    pub key: ObjectKey,
    pub component: Option<ComponentName>,
    pub wave: Wave,
    /// Labels and the content annotation included.
    pub body: Value,
    /// Hash of the body before its two annotations were spliced in.
    pub content: ContentHash,
    /// Of a Deployment: the hash in its annotation `vitrine.dev/template`.
    pub template: Option<ContentHash>,
    /// What the API server will record as ours, the revision annotation included.
    pub fields: Arc<FieldSet>,
}

/// The order of publication; removal runs backwards. ENGINE: each wave begins when the objects
/// of the waves before it are in place and their gates are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wave {
    /// Gate: Active, and not being deleted.
    Namespace,
    /// Policies, accounts, config maps.
    Protection,
    /// Services and Deployments.
    Workload,
    /// InterceptorRoutes.
    Interceptor,
    /// ScaledObjects.
    Scaling,
    /// ReferenceGrants.
    Grant,
    /// HTTPRoutes: never public without all of the above.
    Route,
}

/// Whether the clock lets a solution run. `reconcile` decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Live,
    Suspended,
    Expired,
}
