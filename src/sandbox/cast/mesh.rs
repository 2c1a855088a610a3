//! The mesh's policy controller: accepts the rate limit of a Server that is there.

use serde_json::{Value, json};

use super::conditions::{conditions, set_condition};
use super::moves::Turn;
use super::stage::{Around, Stage};
use crate::object::text;
use vitrine_core::model::{Kind, ObjectKey};

const MANAGER: &str = "policy.linkerd.io";

/// A look at an HTTPLocalRateLimitPolicy.
pub fn rate_limit(
    key: &ObjectKey,
    policy: &Value,
    around: &impl Around,
    stage: &Stage,
) -> Option<Turn> {
    let namespace = key.namespace.as_deref()?;
    let target = policy.pointer("/spec/targetRef").cloned().unwrap_or_default();
    let name = text(&target, "/name").unwrap_or_default();
    let server = around.object(&ObjectKey::namespaced(Kind::Server, namespace, name));
    let (status, reason, message) = match server {
        Some(_) => ("True", "Accepted", String::new()),
        None => ("False", "NoMatchingTarget", format!("Server {namespace}/{name} not found")),
    };
    let mut said = conditions(&policy["status"]);
    let condition =
        json!({"type": "Accepted", "status": status, "reason": reason, "message": message});
    set_condition(&mut said, condition, stage.now);
    let mut turn = Turn::default();
    turn.status(MANAGER, key, policy, json!({"conditions": said, "targetRef": target}));
    Some(turn)
}
