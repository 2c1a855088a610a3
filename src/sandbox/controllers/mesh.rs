//! The mesh's policy controller: accepts the rate limit of a Server that is there.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::write::text;
use super::Sandbox;
use super::condition::set_condition;
use vitrine_core::model::{Kind, ObjectKey};

/// One step for an HTTPLocalRateLimitPolicy.
pub fn rate_limit(sandbox: &Sandbox, key: &ObjectKey, policy: &Value) -> Option<Duration> {
    let now = sandbox.now();
    let namespace = key.namespace.as_deref()?;
    let target = policy.pointer("/spec/targetRef").cloned().unwrap_or_default();
    let name = text(&target, "/name").unwrap_or_default();
    let server = sandbox.get(&ObjectKey::namespaced(Kind::Server, namespace, name));
    let (status, reason, message) = match server {
        Some(_) => ("True", "Accepted", String::new()),
        None => ("False", "NoMatchingTarget", format!("Server {namespace}/{name} not found")),
    };
    let _ = sandbox.edit_status("policy.linkerd.io", key, |object| {
        let mut conditions = object["status"]["conditions"].take();
        let condition = json!({"type": "Accepted", "status": status, "reason": reason,
            "message": message});
        set_condition(&mut conditions, condition, &now);
        object["status"] = json!({ "conditions": conditions, "targetRef": target });
    });
    None
}
