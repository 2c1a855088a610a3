//! Which fields of a set an object does not have.

use serde_json::Value;

use super::{FieldSet, SELF};

impl FieldSet {
    /// The fields of this set that an object lacks: what admission took away after the server had
    /// written down whose they are.
    #[must_use]
    pub fn lacking_in(&self, object: &Value) -> Self {
        let mut lacking = Self::default();
        for (element, below) in &self.0 {
            if &**element == SELF {
                continue;
            }
            match found(element, object) {
                None => lacking.put(element, below.clone()),
                Some(value) => {
                    let inner = below.lacking_in(value);
                    // A way that leads nowhere would be a member.
                    if !inner.is_empty() {
                        lacking.put(element, inner);
                    }
                }
            }
        }
        lacking
    }
}

/// What a path element leads to: a field, or an item of a list by its keys, its value or its place.
fn found<'a>(element: &str, object: &'a Value) -> Option<&'a Value> {
    let (sort, name) = element.split_once(':')?;
    match sort {
        "f" => object.get(name),
        "k" => {
            let keys: Value = serde_json::from_str(name).ok()?;
            let is_it = |item: &&Value| {
                keys.as_object().is_some_and(|keys| {
                    keys.iter().all(|(key, value)| item.get(key) == Some(value))
                })
            };
            object.as_array()?.iter().find(is_it)
        }
        "v" => {
            let value: Value = serde_json::from_str(name).ok()?;
            object.as_array()?.iter().find(|item| **item == value)
        }
        "i" => object.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_object_lacks_is_found_in_maps_and_in_every_sort_of_list() {
        let set = FieldSet::recorded(&json!({
            "f:metadata": {"f:labels": {"f:team": {}}, "f:finalizers": {"v:\"a/b\"": {}}},
            "f:spec": {
                "f:replicas": {},
                "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
                "f:containers": {"k:{\"name\":\"app\"}": {
                    ".": {}, "f:name": {}, "f:image": {},
                    "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:value": {}}},
                }},
                "f:args": {"i:1": {}},
            },
        }));
        let whole = json!({
            "metadata": {"labels": {"team": "x", "other": "y"}, "finalizers": ["z", "a/b"]},
            "spec": {
                "replicas": 1, "ports": [{"port": 80, "protocol": "TCP", "name": "web"}],
                "containers": [{"name": "side"}, {
                    "name": "app", "image": "a", "env": [{"name": "A", "value": "1"}],
                }],
                "args": [0, 1],
            },
        });
        assert_eq!(set.lacking_in(&whole), FieldSet::default());
        assert!(set.lacking_in(&json!({})).contains(&set), "all of it");
        for (pointer, missing) in [
            ("/metadata/labels/team", "metadata.labels.team"),
            ("/metadata/finalizers/1", "metadata.finalizers[a/b]"),
            ("/spec/replicas", "spec.replicas"),
            ("/spec/containers/1/image", "spec.containers[name=app].image"),
            ("/spec/containers/1/env/0", "spec.containers[name=app].env[name=A]"),
            ("/spec/containers/1/env", "spec.containers[name=app].env[name=A]"),
            ("/spec/args/1", "spec.args[1]"),
        ] {
            let mut object = whole.clone();
            let (above, last) = pointer.rsplit_once('/').unwrap_or_default();
            match object.pointer_mut(above) {
                Some(Value::Object(map)) => drop(map.remove(last)),
                Some(Value::Array(list)) => drop(list.remove(last.parse().unwrap_or(9))),
                _ => panic!("{pointer}"),
            }
            let paths = set.lacking_in(&object).paths();
            assert!(paths.iter().any(|path| path == missing), "{pointer}: {paths:?}");
            assert!(paths.iter().all(|path| path.starts_with(missing)), "{pointer}: {paths:?}");
        }
    }
}
