//! The controllers that a demo needs: what makes Deployments ready, ScaledObjects and routes
//! accepted. Each looks at one object, does one step, and says when to look again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::store::Changed;
use super::write::text;
use super::{Inner, Sandbox};
use vitrine_core::model::{Kind, ObjectKey};

mod condition;
mod deployment;
mod gateway;
mod keda;
mod mesh;

/// Starts them; they end with the sandbox. Needs a tokio runtime.
pub fn start(sandbox: &Sandbox) {
    let mut feed = sandbox.lock().store.feed();
    let delay = sandbox.options().controller_delay;
    let weak = Arc::downgrade(&sandbox.0);
    tokio::spawn(async move {
        let mut queue = Queue::default();
        loop {
            let due = queue.next();
            tokio::select! {
                changed = feed.recv() => {
                    let Some(changed) = changed else { return };
                    let Some(sandbox) = alive(&weak) else { return };
                    for key in affected(&sandbox, &changed) {
                        queue.add(key, Instant::now() + delay);
                    }
                }
                () = sleep_until(due) => {
                    let Some(sandbox) = alive(&weak) else { return };
                    for key in queue.take_due(Instant::now()) {
                        if let Some(again) = step(&sandbox, &key) {
                            queue.add(key, Instant::now() + again.max(Duration::from_millis(1)));
                        }
                    }
                }
            }
        }
    });
}

fn alive(weak: &Weak<Inner>) -> Option<Sandbox> {
    weak.upgrade().map(Sandbox)
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What to look at, and when. An object stands in it once, at its earliest time.
#[derive(Default)]
struct Queue {
    by_time: BTreeSet<(Instant, ObjectKey)>,
    by_key: BTreeMap<ObjectKey, Instant>,
}

impl Queue {
    fn add(&mut self, key: ObjectKey, due: Instant) {
        match self.by_key.get(&key) {
            Some(earlier) if *earlier <= due => return,
            Some(later) => {
                self.by_time.remove(&(*later, key.clone()));
            }
            None => {}
        }
        self.by_key.insert(key.clone(), due);
        self.by_time.insert((due, key));
    }

    fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(due, _)| *due)
    }

    fn take_due(&mut self, now: Instant) -> Vec<ObjectKey> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.by_time.first()
            && *at <= now
            && let Some((_, key)) = self.by_time.pop_first()
        {
            self.by_key.remove(&key);
            due.push(key);
        }
        due
    }
}

/// Whose controller has to look when this changed.
fn affected(sandbox: &Sandbox, (table, (namespace, name)): &Changed) -> Vec<ObjectKey> {
    let here = |kind| vec![ObjectKey::namespaced(kind, namespace, name)];
    match table.as_str() {
        "deployments.apps" => {
            let mut keys = here(Kind::Deployment);
            let scaled = sandbox.inside(Kind::ScaledObject, namespace);
            let targets = scaled
                .iter()
                .filter(|o| text(o, "/spec/scaleTargetRef/name") == Some(name))
                .filter_map(|o| text(o, "/metadata/name"));
            keys.extend(targets.map(|n| ObjectKey::namespaced(Kind::ScaledObject, namespace, n)));
            keys
        }
        "scaledobjects.keda.sh" => here(Kind::ScaledObject),
        "interceptorroutes.http.keda.sh" => here(Kind::InterceptorRoute),
        "httplocalratelimitpolicies.policy.linkerd.io" => here(Kind::HttpLocalRateLimitPolicy),
        "servers.policy.linkerd.io" => all(sandbox, Kind::HttpLocalRateLimitPolicy, namespace),
        "backendtrafficpolicies.gateway.envoyproxy.io" => here(Kind::BackendTrafficPolicy),
        "httproutes.gateway.networking.k8s.io" => {
            let mut keys = here(Kind::HttpRoute);
            keys.extend(all(sandbox, Kind::BackendTrafficPolicy, namespace));
            keys
        }
        "services." => all(sandbox, Kind::HttpRoute, namespace),
        "referencegrants.gateway.networking.k8s.io" => {
            let key = ObjectKey::namespaced(Kind::ReferenceGrant, namespace, name);
            let grant = sandbox.get(&key).unwrap_or_default();
            let from = grant.pointer("/spec/from").and_then(Value::as_array);
            let namespaces = from.into_iter().flatten().filter_map(|f| text(f, "/namespace"));
            namespaces.flat_map(|namespace| all(sandbox, Kind::HttpRoute, namespace)).collect()
        }
        _ => Vec::new(),
    }
}

/// All objects of a kind in a namespace.
fn all(sandbox: &Sandbox, kind: Kind, namespace: &str) -> Vec<ObjectKey> {
    let objects = sandbox.inside(kind, namespace);
    let names = objects.iter().filter_map(|object| text(object, "/metadata/name"));
    names.map(|name| ObjectKey::namespaced(kind, namespace, name)).collect()
}

/// One step for one object; the time until the next one, if there is one.
fn step(sandbox: &Sandbox, key: &ObjectKey) -> Option<Duration> {
    let object = sandbox.get(key)?;
    match key.kind {
        Kind::Deployment => deployment::step(sandbox, key, &object),
        Kind::ScaledObject => keda::scaled_object(sandbox, key, &object),
        Kind::InterceptorRoute => keda::interceptor_route(sandbox, key, &object),
        Kind::HttpRoute => gateway::route(sandbox, key, &object),
        Kind::BackendTrafficPolicy => gateway::traffic_policy(sandbox, key, &object),
        Kind::HttpLocalRateLimitPolicy => mesh::rate_limit(sandbox, key, &object),
        Kind::Namespace
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::Server
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::PodDisruptionBudget
        | Kind::PodMonitor
        | Kind::Middleware
        | Kind::Ingress
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::NetworkPolicy
        | Kind::Service
        | Kind::ReferenceGrant
        | Kind::Pod => None,
    }
}

impl Sandbox {
    /// All objects of a kind in a namespace.
    fn inside(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let Some(resource) = self.resource(kind) else { return Vec::new() };
        let state = self.lock();
        let Some(table) = state.store.table(&resource.table) else { return Vec::new() };
        let first = (namespace.to_owned(), String::new());
        let inside = table.objects.range(first..).take_while(|((ns, _), _)| ns == namespace);
        inside.map(|(_, object)| object.clone()).collect()
    }
}
