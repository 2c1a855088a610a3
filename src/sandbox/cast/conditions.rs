//! The conditions of a status, and what else is read of an object and written in its form.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Sets a condition; its time of transition changes with its status only.
pub(super) fn set_condition(list: &mut Vec<Value>, condition: Value, now: Timestamp) {
    let mut condition = condition;
    let before = list.iter().position(|c| c["type"] == condition["type"]);
    let same = before.filter(|at| list[*at]["status"] == condition["status"]);
    condition["lastTransitionTime"] = match same {
        Some(at) => list[at]["lastTransitionTime"].clone(),
        None => json!(seconds(now)),
    };
    match before {
        Some(at) => list[at] = condition,
        None => list.push(condition),
    }
}

/// The conditions of a status, or of a part of one.
pub(super) fn conditions(status: &Value) -> Vec<Value> {
    status["conditions"].as_array().cloned().unwrap_or_default()
}

/// A list, empty where there is none.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The time as the API writes it: whole seconds.
pub(super) fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
