//! The Gateway controller: accepts routes, and resolves what they refer to.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{conditions, list, set_condition};
use super::moves::Turn;
use super::stage::{Around, Stage};
use crate::object::text;
use vitrine_core::model::{Kind, ObjectKey};

/// The name under which it writes into `status.parents`.
pub const CONTROLLER: &str = "sandbox.vitrine.dev/gateway";
const MANAGER: &str = "gateway";

/// A look at an HTTPRoute.
pub fn route(key: &ObjectKey, route: &Value, around: &impl Around, stage: &Stage) -> Option<Turn> {
    let namespace = key.namespace.as_deref()?;
    let (resolved, reason, message) = match unresolved(around, namespace, route) {
        None => ("True", "ResolvedRefs", String::new()),
        Some((reason, message)) => ("False", reason, message),
    };
    let generation = &route["metadata"]["generation"];
    let said = [
        json!({"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
            "observedGeneration": generation}),
        json!({"type": "ResolvedRefs", "status": resolved, "reason": reason, "message": message,
            "observedGeneration": generation}),
    ];
    let before = &route["status"]["parents"];
    let entries: Vec<Value> = list(route, "/spec/parentRefs")
        .map(|parent| entry("parentRef", parent, before, &said, stage.now))
        .collect();
    let mut status = route.get("status").cloned().unwrap_or_else(|| json!({}));
    status["parents"] = json!(entries);
    let mut turn = Turn::default();
    turn.status(MANAGER, key, route, status);
    Some(turn)
}

/// A look at a BackendTrafficPolicy: accepted for each Gateway of the routes that it names.
/// Of routes that are not there (yet) the real one says nothing either.
pub fn traffic_policy(
    key: &ObjectKey,
    policy: &Value,
    around: &impl Around,
    stage: &Stage,
) -> Option<Turn> {
    let namespace = key.namespace.as_deref()?;
    let routes: Vec<Arc<Value>> = list(policy, "/spec/targetRefs")
        .filter(|target| text(target, "/kind") == Some("HTTPRoute"))
        .filter_map(|target| text(target, "/name"))
        .filter_map(|name| around.object(&ObjectKey::namespaced(Kind::HttpRoute, namespace, name)))
        .collect();
    let mut parents: Vec<&Value> = Vec::new();
    for parent in routes.iter().flat_map(|route| list(route, "/spec/parentRefs")) {
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    if parents.is_empty() {
        return None;
    }
    let said = [json!({"type": "Accepted", "status": "True", "reason": "Accepted",
        "message": "Policy has been accepted.",
        "observedGeneration": policy["metadata"]["generation"]})];
    let before = &policy["status"]["ancestors"];
    let entries: Vec<Value> = parents
        .into_iter()
        .map(|parent| entry("ancestorRef", parent, before, &said, stage.now))
        .collect();
    let mut status = policy.get("status").cloned().unwrap_or_else(|| json!({}));
    status["ancestors"] = json!(entries);
    let mut turn = Turn::default();
    turn.status(MANAGER, key, policy, status);
    Some(turn)
}

/// What the controller says of one Gateway, which stands in the field `named`.
fn entry(named: &str, gateway: &Value, before: &Value, said: &[Value], now: Timestamp) -> Value {
    let old = before.as_array().into_iter().flatten().find(|entry| entry[named] == *gateway);
    let mut list = old.map(conditions).unwrap_or_default();
    for condition in said {
        set_condition(&mut list, condition.clone(), now);
    }
    json!({named: gateway, "controllerName": CONTROLLER, "conditions": list})
}

/// Why a back end of the route cannot be reached. Services of other namespaces need a grant there;
/// whether they exist is not looked at, because a demo has no interceptor.
fn unresolved(
    around: &impl Around,
    namespace: &str,
    route: &Value,
) -> Option<(&'static str, String)> {
    let backends = list(route, "/spec/rules").flat_map(|rule| list(rule, "/backendRefs"));
    for backend in backends {
        let name = text(backend, "/name").unwrap_or_default();
        let there = text(backend, "/namespace").unwrap_or(namespace);
        if there == namespace {
            let service = ObjectKey::namespaced(Kind::Service, namespace, name);
            if around.object(&service).is_none() {
                return Some(("BackendNotFound", format!("service {namespace}/{name} not found")));
            }
        } else if !granted(around, namespace, there, name) {
            return Some(("RefNotPermitted", format!("no grant for service {there}/{name}")));
        }
    }
    None
}

fn granted(around: &impl Around, from: &str, there: &str, service: &str) -> bool {
    around.inside(Kind::ReferenceGrant, there).iter().any(|grant| {
        let comes = list(grant, "/spec/from")
            .any(|f| text(f, "/namespace") == Some(from) && text(f, "/kind") == Some("HTTPRoute"));
        let goes = list(grant, "/spec/to").any(|t| {
            text(t, "/kind") == Some("Service")
                && text(t, "/name").is_none_or(|name| name == service)
        });
        comes && goes
    })
}
