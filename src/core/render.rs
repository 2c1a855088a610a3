//! Turns a solution into the Kubernetes objects that publish it.
//!
//! In: [`Solution`], [`Platform`], the instance and the [`Phase`]. Out: [`Desired`]. Cannot fail:
//! `catalog` checked everything. One file a kind; the golden files show what reaches the cluster.

mod authorization_policy;
mod backend_traffic_policy;
mod config_map;
mod context;
mod deployment;
mod door;
mod duration;
mod http_local_rate_limit_policy;
mod http_route;
mod image;
mod ingress;
mod interceptor_route;
pub mod isolation;
mod limit_range;
mod limits;
mod mesh;
mod mesh_tls_authentication;
mod middleware;
mod namespace;
mod network_policy;
mod object;
mod pod;
mod pod_disruption_budget;
mod pod_monitor;
mod reference_grant;
mod resource_quota;
mod resources;
mod scaled_object;
mod scheduling;
mod server;
mod service;
mod service_account;
mod visits;
mod waking_page;
mod warm_up;
mod yaml;

use std::sync::Arc;

use serde_json::Value;

pub use self::config_map::is_hashed;
pub use self::resource_quota::widened;
pub use self::yaml::yaml;
use crate::catalog::{Platform, Solution};
use crate::model::{
    ComponentName, ContentHash, FieldSet, InstanceName, ObjectKey, Revision, SolutionName, marks,
};
use context::Context;

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

/// Whether the clock lets a solution run. `reconcile` decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Live,
    Suspended,
    Expired,
}

/// Every object of a solution, in the order of the waves.
///
/// The same arguments give the same objects, byte for byte: no clock, no commit, no chance.
pub fn all(
    solution: &Solution,
    platform: &Platform,
    instance: &InstanceName,
    phase: Phase,
) -> Desired {
    let cx = Context { solution, platform, instance, phase };

    let mut objects = vec![namespace::namespace(&cx), resource_quota::resource_quota(&cx)];
    objects.extend(limit_range::limit_range(&cx));
    objects.extend(network_policy::shared(&cx));
    objects.extend(config_map::waking_page(&cx));
    for component in solution.components.values() {
        objects.push(service_account::service_account(&cx, component));
        objects.extend(network_policy::of(&cx, component));
        objects.extend(config_map::files(&cx, component));
        objects.extend(config_map::warm_up(&cx, component));
        objects.extend(server::server(&cx, component));
        objects.extend(mesh_tls_authentication::mesh_tls_authentication(&cx, component));
        objects.extend(authorization_policy::authorization_policy(&cx, component));
        objects.extend(http_local_rate_limit_policy::http_local_rate_limit_policy(&cx, component));
        objects.push(service::service(&cx, component));
        objects.push(deployment::deployment(&cx, component));
        objects.extend(pod_disruption_budget::pod_disruption_budget(&cx, component));
        objects.extend(pod_monitor::pod_monitor(&cx, component));
        objects.extend(scaled_object::scaled_object(&cx, component));
    }
    for door in cx.doors() {
        objects.extend(interceptor_route::interceptor_routes(&cx, &door));
    }
    objects.extend(reference_grant::reference_grant(&cx));
    objects.extend(middleware::middlewares(&cx));
    objects.extend(backend_traffic_policy::backend_traffic_policies(&cx));
    objects.extend(http_route::http_routes(&cx));
    objects.extend(ingress::ingresses(&cx));

    objects.sort_by(|a, b| (a.wave, &a.key).cmp(&(b.wave, &b.key)));
    Desired {
        solution: solution.name.clone(),
        objects: objects.into_iter().map(Arc::new).collect(),
    }
}

impl DesiredObject {
    /// The body as it is sent: with the commit that last changed the object.
    pub fn with_revision(&self, revision: &Revision) -> Value {
        let mut body = self.body.clone();
        body["metadata"]["annotations"][marks::REVISION] = revision.as_str().into();
        body
    }
}
