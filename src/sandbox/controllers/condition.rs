//! The conditions in an object's status.

use serde_json::{Value, json};

/// Sets a condition; its time of transition changes with its status only.
pub(super) fn set_condition(list: &mut Value, condition: Value, now: &str) {
    if !list.is_array() {
        *list = json!([]);
    }
    let Some(list) = list.as_array_mut() else { return };
    let mut condition = condition;
    let before = list.iter().position(|c| c["type"] == condition["type"]);
    let same = before.filter(|at| list[*at]["status"] == condition["status"]);
    condition["lastTransitionTime"] = match same {
        Some(at) => list[at]["lastTransitionTime"].clone(),
        None => json!(now),
    };
    match before {
        Some(at) => list[at] = condition,
        None => list.push(condition),
    }
}
