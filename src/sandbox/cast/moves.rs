//! What a player does at one look: its writes, and when to look again.

use std::time::Duration;

use serde_json::{Map, Value, json};

use vitrine_core::model::{Kind, ObjectKey};

/// What a player does at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// In this order. One that is refused does not keep the others from being tried.
    pub moves: Vec<Move>,
    /// When to look again although nothing changes.
    pub again: Option<Duration>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// A JSON merge patch (RFC 7396).
    Patch {
        manager: &'static str,
        key: ObjectKey,
        through: Door,
        patch: Value,
    },
    /// A child of this kind.
    Create {
        manager: &'static str,
        kind: Kind,
        object: Value,
    },
    Delete {
        key: ObjectKey,
    },
}

/// Where a patch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Object,
    Status,
    Scale,
}

impl Turn {
    /// Makes the status of an object this one, which is a move only if it differs.
    pub(super) fn status(
        &mut self,
        manager: &'static str,
        key: &ObjectKey,
        object: &Value,
        status: Value,
    ) {
        let before = object.get("status").cloned().unwrap_or_else(|| json!({}));
        if let Some(patch) = difference(&before, &status) {
            let (key, patch) = (key.clone(), json!({ "status": patch }));
            self.moves.push(Move::Patch { manager, key, through: Door::Status, patch });
        }
    }
}

/// The merge patch from one value to another; `None` if they are equal.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return Some(after.clone());
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in new {
        let changed = match old.get(name) {
            Some(before) => difference(before, value),
            None => Some(value.clone()),
        };
        if let Some(changed) = changed {
            patch.insert(name.clone(), changed);
        }
    }
    Some(Value::Object(patch))
}
