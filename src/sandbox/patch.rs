//! Patches other than apply.

use serde_json::{Map, Value};

use vitrine_core::model::fields::Shape;

/// RFC 7386.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Kubernetes' own patch: like [`merge`], but lists with keys are merged item by item, and
/// `$patch: delete|replace`, `$setElementOrder/...` and `$deleteFromPrimitiveList/...` steer it.
pub fn strategic(shape: Shape, target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        let rest = patch.iter().filter(|(name, _)| *name != "$patch");
        *target = Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect());
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(Value::Array(items)) = target.get_mut(list) {
                items.retain(|item| !gone.contains(item));
            }
        } else if name.starts_with('$') {
            // `$retainKeys` and the order of a list: nothing that a field depends on.
        } else if value.is_null() {
            target.remove(name);
        } else {
            let inner = shape.field(name).unwrap_or_else(|| Shape::by_rule(value));
            let before = target.entry(name.clone()).or_insert(Value::Null);
            let ordered = patch.contains_key(&format!("$setElementOrder/{name}"));
            strategic_field(inner, before, value, ordered);
        }
    }
}

/// `ordered`: the patch says where its items stand, which for kubectl is where they stood, and at
/// the end for new ones.
fn strategic_field(shape: Shape, before: &mut Value, value: &Value, ordered: bool) {
    match (shape, value) {
        (_, Value::Object(_)) => strategic(shape, before, value),
        (Shape::Keyed(keys, _) | Shape::KeyedAtoms(keys), Value::Array(items)) => {
            let server = before.as_array().cloned().unwrap_or_default();
            // A patch names an item by its first key: two ports may share a number.
            let Some(key) = keys.first() else { return };
            let same = |a: &Value, b: &Value| a.get(key.field) == b.get(key.field);
            let deletes =
                |item: &Value| item.get("$patch").and_then(Value::as_str) == Some("delete");
            let mut patched: Vec<(Option<usize>, Value)> = Vec::new();
            for item in items.iter().filter(|item| !deletes(item)) {
                let place = server.iter().position(|other| same(other, item));
                let mut fresh = place.map_or(Value::Null, |place| server[place].clone());
                strategic(shape.item(), &mut fresh, item);
                patched.push((place, fresh));
            }
            let untouched = server.iter().enumerate();
            let untouched: Vec<(Option<usize>, Value)> = untouched
                .filter(|(_, other)| !items.iter().any(|item| same(item, other)))
                .map(|(place, other)| (Some(place), other.clone()))
                .collect();
            let merged = in_order(patched, untouched, ordered);
            *before = Value::Array(merged);
        }
        (Shape::Set, Value::Array(items)) => {
            let server = before.as_array().cloned().unwrap_or_default();
            let fresh = items.iter().filter(|item| !server.contains(item)).cloned();
            *before = Value::Array(fresh.chain(server.iter().cloned()).collect());
        }
        _ => *before = value.clone(),
    }
}

/// The items of a patch and those that it does not touch, each with its old place. Without an
/// order of its own the patch keeps its sequence, and new items come as early as they can.
fn in_order(
    mut patched: Vec<(Option<usize>, Value)>,
    untouched: Vec<(Option<usize>, Value)>,
    ordered: bool,
) -> Vec<Value> {
    if ordered {
        patched.extend(untouched);
        patched.sort_by_key(|(place, _)| place.unwrap_or(usize::MAX));
        return patched.into_iter().map(|(_, item)| item).collect();
    }
    let mut merged = Vec::with_capacity(patched.len() + untouched.len());
    let mut untouched = untouched.into_iter().peekable();
    for (place, item) in patched {
        while let Some((_, other)) =
            untouched.next_if(|(other, _)| place.is_some() && *other < place)
        {
            merged.push(other);
        }
        merged.push(item);
    }
    merged.extend(untouched.map(|(_, item)| item));
    merged
}
