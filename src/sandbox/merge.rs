//! How two versions of an object are merged and compared, field by field.

use serde_json::{Map, Value};

use vitrine_core::model::FieldSet;
use vitrine_core::model::fields::{ListKey, Shape, keyed_element, set_element};

/// `live` with everything that `applied` says, as server-side apply merges.
pub fn merge(shape: Shape, live: &Value, applied: &Value) -> Value {
    match (shape, live, applied) {
        (Shape::Fields(_), Value::Object(live), Value::Object(applied)) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                if value.is_null() {
                    merged.remove(name);
                    continue;
                }
                let inner = shape.field(name).unwrap_or_else(|| Shape::by_rule(value));
                let before = live.get(name).unwrap_or(&Value::Null);
                merged.insert(name.clone(), merge(inner, before, value));
            }
            Value::Object(merged)
        }
        (
            Shape::Keyed(keys, _) | Shape::KeyedAtoms(keys),
            Value::Array(live),
            Value::Array(new),
        ) => Value::Array(merge_items(
            live,
            new,
            |item| keyed_element(keys, item),
            |a, b| {
                if matches!(shape, Shape::KeyedAtoms(_)) {
                    b.clone()
                } else {
                    merge(shape.item(), a, b)
                }
            },
        )),
        (Shape::Set, Value::Array(live), Value::Array(new)) => {
            Value::Array(merge_items(live, new, |item| Some(set_element(item)), |_, b| b.clone()))
        }
        _ => applied.clone(),
    }
}

/// Items of both lists: in the order of the new one, with what only the old one has in its place.
fn merge_items(
    live: &[Value],
    new: &[Value],
    element: impl Fn(&Value) -> Option<String>,
    both: impl Fn(&Value, &Value) -> Value,
) -> Vec<Value> {
    let live_elements: Vec<_> = live.iter().map(&element).collect();
    let new_elements: Vec<_> = new.iter().map(&element).collect();
    let only_live = |i: usize| !new_elements.contains(&live_elements[i]);
    let mut merged = Vec::with_capacity(live.len().max(new.len()));
    let mut next = 0;
    for (item, at) in new.iter().zip(&new_elements) {
        let place = live_elements.iter().position(|e| e == at && e.is_some());
        // What only the old list has comes first, up to the place of this item or the next one
        // that both have.
        while next < live.len() && (only_live(next) || place.is_some_and(|place| next < place)) {
            if only_live(next) {
                merged.push(live[next].clone());
            }
            next += 1;
        }
        match place {
            Some(place) => {
                next = next.max(place + 1);
                merged.push(both(&live[place], item));
            }
            None => merged.push(item.clone()),
        }
    }
    merged.extend((next..live.len()).filter(|i| only_live(*i)).map(|i| live[i].clone()));
    merged
}

/// Takes out of `value` what is in `last` and in no set of `kept`, with all that lies below.
pub fn take_out(shape: Shape, value: &mut Value, last: &FieldSet, kept: &FieldSet) {
    for (element, below) in last.children() {
        let nothing = FieldSet::default();
        // An item goes with all that is in it, unless somebody owns the item itself.
        let item = !element.starts_with("f:");
        let stays = match kept.child(element).filter(|stays| !item || stays.is_member()) {
            Some(stays) => stays,
            // Nobody owns the name that is in it, yet it stays.
            None if element == "f:metadata" => &nothing,
            None => {
                remove(shape, value, element);
                continue;
            }
        };
        if below.is_empty() {
            continue;
        }
        if let Some((inner, value)) = descend(shape, value, element) {
            take_out(inner, value, below, stays);
        }
    }
}

fn remove(shape: Shape, value: &mut Value, element: &str) {
    match value {
        Value::Object(map) => {
            if let Some(name) = element.strip_prefix("f:") {
                map.remove(name);
            }
        }
        Value::Array(items) => {
            items.retain(|item| element_of(shape, item).as_deref() != Some(element));
        }
        _ => {}
    }
}

fn descend<'a>(
    shape: Shape,
    value: &'a mut Value,
    element: &str,
) -> Option<(Shape, &'a mut Value)> {
    match value {
        Value::Object(map) => {
            let name = element.strip_prefix("f:")?;
            let inner = map.get_mut(name)?;
            Some((shape.field(name).unwrap_or_else(|| Shape::by_rule(inner)), inner))
        }
        Value::Array(items) => {
            let item =
                items.iter_mut().find(|i| element_of(shape, i).as_deref() == Some(element))?;
            Some((shape.item(), item))
        }
        _ => None,
    }
}

fn element_of(shape: Shape, item: &Value) -> Option<String> {
    match shape {
        Shape::Keyed(keys, _) | Shape::KeyedAtoms(keys) => keyed_element(keys, item),
        Shape::Set => Some(set_element(item)),
        Shape::Fields(_) | Shape::Atomic => None,
    }
}

/// What changed between two versions of an object.
#[derive(Debug, Default)]
pub struct Changes {
    pub added: FieldSet,
    pub modified: FieldSet,
    pub removed: FieldSet,
}

/// Compares two versions of an object. `always` names maps and lists that every object of its
/// kind has, so that they do not count as added with their first field.
pub fn compare(shape: Shape, old: &Value, new: &Value, always: &[&str]) -> Changes {
    let mut walk = Walk { changes: Changes::default(), path: Vec::new(), always };
    walk.both(shape, old, new);
    walk.changes
}

struct Walk<'a> {
    changes: Changes,
    path: Vec<String>,
    always: &'a [&'a str],
}

#[derive(Clone, Copy)]
enum Change {
    Added,
    Modified,
    Removed,
}

impl Walk<'_> {
    fn both(&mut self, shape: Shape, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        match (shape, old, new) {
            (Shape::Fields(_), Value::Object(old), Value::Object(new)) => {
                self.maps(shape, old, new);
            }
            (Shape::Keyed(keys, _) | Shape::KeyedAtoms(keys), Value::Array(a), Value::Array(b)) => {
                self.lists(shape, a, b, &|item| keyed(keys, item));
            }
            (Shape::Set, Value::Array(a), Value::Array(b)) => self.lists(shape, a, b, &set_element),
            _ => self.mark(Change::Modified),
        }
    }

    fn maps(&mut self, shape: Shape, old: &Map<String, Value>, new: &Map<String, Value>) {
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
        for name in names {
            let (a, b) = (old.get(name), new.get(name));
            if a == b {
                continue;
            }
            self.path.push(format!("f:{name}"));
            let value = b.or(a).unwrap_or(&Value::Null);
            let inner = shape.field(name).unwrap_or_else(|| Shape::by_rule(value));
            self.either(inner, a, b);
            self.path.pop();
        }
    }

    fn lists(
        &mut self,
        shape: Shape,
        old: &[Value],
        new: &[Value],
        name: &dyn Fn(&Value) -> String,
    ) {
        let find = |list: &'_ [Value], element: &str| list.iter().position(|i| name(i) == element);
        for item in old {
            let element = name(item);
            let after = find(new, &element).map(|i| &new[i]);
            self.path.push(element);
            self.either(shape.item(), Some(item), after);
            self.path.pop();
        }
        for item in new {
            let element = name(item);
            if find(old, &element).is_none() {
                self.path.push(element);
                self.either(shape.item(), None, Some(item));
                self.path.pop();
            }
        }
    }

    fn either(&mut self, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (Some(old), Some(new)) => self.both(shape, old, new),
            (None, Some(new)) => self.one(shape, new, Change::Added),
            (Some(old), None) => self.one(shape, old, Change::Removed),
            (None, None) => {}
        }
    }

    /// Everything at and below a value that only one side has.
    fn one(&mut self, shape: Shape, value: &Value, change: Change) {
        let given = self.path.last().and_then(|e| e.strip_prefix("f:"));
        let always = given.is_some_and(|name| self.always.contains(&name));
        let mut inside = false;
        match (shape, value) {
            (Shape::Fields(_), Value::Object(map)) => {
                for (name, inner) in map {
                    let below = shape.field(name).unwrap_or_else(|| Shape::by_rule(inner));
                    self.path.push(format!("f:{name}"));
                    self.one(below, inner, change);
                    self.path.pop();
                    inside = true;
                }
            }
            (Shape::Keyed(..) | Shape::KeyedAtoms(_) | Shape::Set, Value::Array(items)) => {
                for item in items {
                    let Some(element) = element_of(shape, item) else { continue };
                    self.path.push(element);
                    self.one(shape.item(), item, change);
                    self.path.pop();
                    inside = true;
                }
            }
            _ => {}
        }
        let empty = value.as_object().is_some_and(Map::is_empty);
        if !((inside || empty) && always && matches!(change, Change::Added)) {
            self.mark(change);
        }
    }

    fn mark(&mut self, change: Change) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let set = match change {
            Change::Added => &mut self.changes.added,
            Change::Modified => &mut self.changes.modified,
            Change::Removed => &mut self.changes.removed,
        };
        set.insert(&path);
    }
}

fn keyed(keys: &[ListKey], item: &Value) -> String {
    keyed_element(keys, item).unwrap_or_default()
}
