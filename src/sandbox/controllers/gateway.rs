//! The Gateway controller: accepts routes, and resolves what they refer to.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::write::text;
use super::Sandbox;
use super::condition::set_condition;
use vitrine_core::model::{Kind, ObjectKey};

/// The name under which it writes into `status.parents`.
const CONTROLLER: &str = "sandbox.vitrine.dev/gateway";

/// One step for an HTTPRoute.
pub fn route(sandbox: &Sandbox, key: &ObjectKey, route: &Value) -> Option<Duration> {
    let now = sandbox.now();
    let namespace = key.namespace.as_deref()?;
    let (resolved, reason, message) = match unresolved(sandbox, namespace, route) {
        None => ("True", "ResolvedRefs", String::new()),
        Some((reason, message)) => ("False", reason, message),
    };
    let generation = route.pointer("/metadata/generation").cloned().unwrap_or_default();
    let parents = list(route, "/spec/parentRefs").cloned().collect::<Vec<_>>();
    let _ = sandbox.edit_status("gateway", key, |object| {
        let before = object["status"]["parents"].take();
        let entries: Vec<Value> = parents
            .iter()
            .map(|parent| {
                let old =
                    before.as_array().into_iter().flatten().find(|p| p["parentRef"] == *parent);
                let mut conditions = old.map(|p| p["conditions"].clone()).unwrap_or_default();
                for (kind, status, reason, message) in [
                    ("Accepted", "True", "Accepted", ""),
                    ("ResolvedRefs", resolved, reason, &message),
                ] {
                    let condition = json!({"type": kind, "status": status, "reason": reason,
                        "message": message, "observedGeneration": generation});
                    set_condition(&mut conditions, condition, &now);
                }
                json!({"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
            })
            .collect();
        object["status"]["parents"] = json!(entries);
    });
    None
}

/// One step for a BackendTrafficPolicy: accepted for each Gateway of the routes that it names.
/// Of routes that are not there (yet) the real one says nothing either.
pub fn traffic_policy(sandbox: &Sandbox, key: &ObjectKey, policy: &Value) -> Option<Duration> {
    let now = sandbox.now();
    let namespace = key.namespace.as_deref()?;
    let generation = policy.pointer("/metadata/generation").cloned().unwrap_or_default();
    let routes = list(policy, "/spec/targetRefs")
        .filter(|target| text(target, "/kind") == Some("HTTPRoute"))
        .filter_map(|target| text(target, "/name"))
        .filter_map(|name| sandbox.get(&ObjectKey::namespaced(Kind::HttpRoute, namespace, name)));
    let mut parents: Vec<Value> = Vec::new();
    for parent in
        routes.flat_map(|route| list(&route, "/spec/parentRefs").cloned().collect::<Vec<_>>())
    {
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    if parents.is_empty() {
        return None;
    }
    let _ = sandbox.edit_status("gateway", key, |object| {
        let before = object["status"]["ancestors"].take();
        let entries: Vec<Value> = parents
            .iter()
            .map(|parent| {
                let old =
                    before.as_array().into_iter().flatten().find(|a| a["ancestorRef"] == *parent);
                let mut conditions = old.map(|a| a["conditions"].clone()).unwrap_or_default();
                let condition = json!({"type": "Accepted", "status": "True", "reason": "Accepted",
                    "message": "Policy has been accepted.", "observedGeneration": generation});
                set_condition(&mut conditions, condition, &now);
                json!({"ancestorRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
            })
            .collect();
        object["status"]["ancestors"] = json!(entries);
    });
    None
}

/// Why a back end of the route cannot be reached. Services of other namespaces need a grant there;
/// whether they exist is not looked at, because a demo has no interceptor.
fn unresolved(sandbox: &Sandbox, namespace: &str, route: &Value) -> Option<(&'static str, String)> {
    let backends = list(route, "/spec/rules").flat_map(|rule| list(rule, "/backendRefs"));
    for backend in backends {
        let name = text(backend, "/name").unwrap_or_default();
        let there = text(backend, "/namespace").unwrap_or(namespace);
        if there == namespace {
            let service = ObjectKey::namespaced(Kind::Service, namespace, name);
            if sandbox.get(&service).is_none() {
                return Some(("BackendNotFound", format!("service {namespace}/{name} not found")));
            }
        } else if !granted(sandbox, namespace, there, name) {
            return Some(("RefNotPermitted", format!("no grant for service {there}/{name}")));
        }
    }
    None
}

fn granted(sandbox: &Sandbox, from: &str, there: &str, service: &str) -> bool {
    sandbox.inside(Kind::ReferenceGrant, there).iter().any(|grant| {
        let comes = list(grant, "/spec/from")
            .any(|f| text(f, "/namespace") == Some(from) && text(f, "/kind") == Some("HTTPRoute"));
        let goes = list(grant, "/spec/to").any(|t| {
            text(t, "/kind") == Some("Service")
                && text(t, "/name").is_none_or(|name| name == service)
        });
        comes && goes
    })
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
