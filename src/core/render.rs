//! Turns a solution into the Kubernetes objects that publish it.
//!
//! In: [`Solution`], [`Platform`], the instance and the [`Phase`]. Out: [`Desired`]. Cannot fail:
//! `catalog` checked everything. One file a kind; the golden files show what reaches the cluster.

mod amounts;
mod authorization_policy;
mod backend_traffic_policy;
mod body;
mod callers;
mod config_map;
pub mod container;
mod context;
mod deployment;
mod desired;
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
pub mod phase;
mod pod;
mod pod_disruption_budget;
mod pod_monitor;
mod read;
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

pub use self::body::Body;
pub use self::config_map::is_hashed;
pub(crate) use self::deployment::NODE_AND_IMAGE;
pub use self::desired::{Desired, DesiredObject, Phase, Wave};
pub use self::pod::secret_name;
pub use self::resource_quota::widened;
pub use self::yaml::yaml;
use crate::catalog::{Platform, Solution};
use crate::model::InstanceName;
use context::Context;

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
