//! Rendered objects before and after, path by path. Lists are compared by the keys by which the API
//! server tells their items apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::model::credential::is_password_name;
use crate::model::fault::harmless;
use crate::model::fields::{ListKey, Shape};
use crate::model::{ContentHash, ObjectKey, marks};
use crate::render::DesiredObject;

/// The longest value that is shown, in characters.
const LONGEST: usize = 200;

/// What stands in the place of a secret.
const STARS: &str = "*******";

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Its kind, namespace and name.
    pub key: ObjectKey,
    /// What is done to it.
    pub verb: Verb,
    /// Of an update: every field that differs.
    pub fields: Vec<Field>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Only the head asks for it.
    Create,
    /// Both ask for it, with different content.
    Update,
    /// Only the base asks for it.
    Delete,
    /// Created, updated or in place already: nobody knows what ran.
    Apply,
}

impl Verb {
    /// As people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Apply => "apply",
        }
    }

    /// As a difference marks it.
    pub fn mark(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update | Self::Apply => '~',
            Self::Delete => '-',
        }
    }
}

/// One field of an object, before and after. Credentials are stars, long texts their size and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As people write paths: `spec.template.spec.containers[name=app].image`.
    pub path: String,
    /// In force; absent = not there.
    pub now: Option<String>,
    /// After the merge; absent = not there.
    pub then: Option<String>,
}

/// Two forms of a solution, object by object, by key.
pub(super) fn compare(old: &[Arc<DesiredObject>], new: &[Arc<DesiredObject>]) -> Vec<ObjectChange> {
    let by_key = |objects: &[Arc<DesiredObject>]| -> BTreeMap<ObjectKey, Arc<DesiredObject>> {
        objects.iter().map(|object| (object.key.clone(), Arc::clone(object))).collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    let keys: BTreeSet<&ObjectKey> = old.keys().chain(new.keys()).collect();
    let change = |key: &ObjectKey| {
        let (verb, fields) = match (old.get(key), new.get(key)) {
            (None, Some(_)) => (Verb::Create, Vec::new()),
            (Some(_), None) => (Verb::Delete, Vec::new()),
            (Some(old), Some(new)) if old.content != new.content => {
                (Verb::Update, fields(key, &old.body, &new.body))
            }
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(ObjectChange { key: key.clone(), verb, fields })
    };
    keys.into_iter().filter_map(change).collect()
}

/// The same verb for all objects of a form.
pub(super) fn all(objects: &[Arc<DesiredObject>], verb: Verb) -> Vec<ObjectChange> {
    let mut all: Vec<ObjectChange> = objects
        .iter()
        .map(|object| ObjectChange { key: object.key.clone(), verb, fields: Vec::new() })
        .collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

fn fields(key: &ObjectKey, old: &Value, new: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    let mut walk = Walk { path: String::new(), found: &mut found };
    walk.differ(Shape::of(key.kind), Some(old), Some(new));
    // Hashes of what differs beside them.
    let hashes = [marks::CONTENT, marks::TEMPLATE, marks::PODS].map(|mark| format!("[{mark}]"));
    found.retain(|field| !hashes.iter().any(|hash| field.path.ends_with(hash)));
    found
}

struct Walk<'a> {
    path: String,
    found: &'a mut Vec<Field>,
}

impl Walk<'_> {
    fn differ(&mut self, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let empty = serde_json::Map::new();
        let map = |value: Option<&'_ Value>| value.is_none_or(Value::is_object);
        if map(old) && map(new) && (old.is_some() && new.is_some()) {
            let (old, new) = (
                old.and_then(Value::as_object).unwrap_or(&empty),
                new.and_then(Value::as_object).unwrap_or(&empty),
            );
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let (old, new) = (old.get(name), new.get(name));
                let by_rule = old.or(new).map_or(Shape::Atomic, Shape::by_rule);
                let inner = shape.field(name).unwrap_or(by_rule);
                let step = if name.contains(['.', '/']) {
                    format!("[{name}]")
                } else if self.path.is_empty() {
                    name.clone()
                } else {
                    format!(".{name}")
                };
                self.below(&step, inner, old, new);
            }
            return;
        }
        if let (Some(Value::Array(old)), Some(Value::Array(new))) = (old, new) {
            return self.lists(shape, old, new);
        }
        let name = self.path.rsplit_once("[name=").and_then(|(_, rest)| rest.split_once("].value"));
        let secret = name.is_some_and(|(name, _)| is_password_name(name));
        let told = |value: &Value| if secret { STARS.to_owned() } else { told(value) };
        let (now, then) = (old.map(told), new.map(told));
        self.found.push(Field { path: harmless(&self.path), now, then });
    }

    fn below(&mut self, step: &str, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        let length = self.path.len();
        self.path.push_str(step);
        self.differ(shape, old, new);
        self.path.truncate(length);
    }

    fn lists(&mut self, shape: Shape, old: &[Value], new: &[Value]) {
        const BY_NAME: &[ListKey] = &[ListKey { field: "name", default: None }];
        let keys = match shape {
            Shape::Keyed(keys, _) | Shape::KeyedAtoms(keys) => keys,
            Shape::Fields(_) | Shape::Atomic | Shape::Set => BY_NAME,
        };
        let item = match shape {
            Shape::Keyed(..) => shape.item(),
            Shape::KeyedAtoms(_) | Shape::Fields(_) | Shape::Atomic | Shape::Set => {
                Shape::Fields(&[])
            }
        };
        if let (Some(old), Some(new)) = (named(old, keys), named(new, keys)) {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let step = format!("[{name}]");
                self.below(&step, item, old.get(name).copied(), new.get(name).copied());
            }
            return;
        }
        let maps = |list: &[Value]| list.iter().all(Value::is_object);
        if maps(old) && maps(new) {
            for at in 0..old.len().max(new.len()) {
                self.below(&format!("[{at}]"), item, old.get(at), new.get(at));
            }
            return;
        }
        let told = |list: &[Value]| Some(told(&Value::Array(list.to_vec())));
        self.found.push(Field { path: harmless(&self.path), now: told(old), then: told(new) });
    }
}

/// The items of a list by what tells them apart; `None` if an item lacks it, or two have the same.
fn named<'v>(list: &'v [Value], keys: &[ListKey]) -> Option<BTreeMap<String, &'v Value>> {
    let mut named = BTreeMap::new();
    for item in list {
        let mut parts = Vec::new();
        for ListKey { field, default } in keys {
            let value = match (item.as_object()?.get(*field), default) {
                (Some(Value::String(text)), _) => text.clone(),
                (Some(value), _) => value.to_string(),
                (None, Some(default)) => {
                    if keys.len() > 1 {
                        continue;
                    }
                    (*default).to_owned()
                }
                (None, None) => return None,
            };
            parts.push(format!("{field}={value}"));
        }
        if named.insert(parts.join(","), item).is_some() {
            return None;
        }
    }
    Some(named)
}

/// The same without the values of variables that are called as secrets are.
fn starred(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(starred).collect(),
        Value::Object(fields) => {
            let secret = fields.get("name").and_then(Value::as_str).is_some_and(is_password_name);
            let field = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                ("value", Value::String(_)) if secret => (key.clone(), STARS.into()),
                _ => (key.clone(), starred(value)),
            };
            fields.iter().map(field).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A value on one line: a text as it is, anything else as JSON.
fn told(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => starred(other).to_string(),
    };
    if text.chars().count() > LONGEST || text.trim_end().contains('\n') {
        let digest = ContentHash::of(text.as_bytes());
        return format!("({} bytes, sha256 {})", text.len(), digest.first(12));
    }
    harmless(&text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Kind;

    fn differ(
        kind: Kind,
        old: &Value,
        new: &Value,
    ) -> Vec<(String, Option<String>, Option<String>)> {
        let key = ObjectKey::namespaced(kind, "sol-use", "app");
        fields(&key, old, new).into_iter().map(|f| (f.path, f.now, f.then)).collect()
    }

    fn field(
        path: &str,
        now: Option<&str>,
        then: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        (path.to_owned(), now.map(str::to_owned), then.map(str::to_owned))
    }

    fn pod(containers: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn items_of_a_list_are_told_by_their_keys_and_not_by_their_places() {
        let old = pod(&json!([{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}]));
        let new = pod(&json!([{"name": "b", "image": "y"}, {"name": "a", "image": "x:2"}]));
        let path = "spec.template.spec.containers[name=a].image";
        assert_eq!(differ(Kind::Deployment, &old, &new), [field(path, Some("x:1"), Some("x:2"))]);
        let gone = pod(&json!([{"name": "b", "image": "y"}]));
        let item = r#"{"image":"x:1","name":"a"}"#;
        let path = "spec.template.spec.containers[name=a]";
        assert_eq!(differ(Kind::Deployment, &old, &gone), [field(path, Some(item), None)]);
    }

    #[test]
    fn a_list_without_keys_is_told_item_by_item_or_as_a_whole() {
        let rules = |cidr: &str| {
            json!({"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
                                       {"to": [{"ipBlock": {"cidr": cidr}}]}]}})
        };
        let path = "spec.egress[1].to[0].ipBlock.cidr";
        assert_eq!(
            differ(Kind::NetworkPolicy, &rules("1.0.0.0/8"), &rules("2.0.0.0/8")),
            [field(path, Some("1.0.0.0/8"), Some("2.0.0.0/8"))]
        );
        let hosts = |hosts: &[&str]| json!({"spec": {"hostnames": hosts}});
        assert_eq!(
            differ(Kind::HttpRoute, &hosts(&["a"]), &hosts(&["b", "c"])),
            [field("spec.hostnames", Some(r#"["a"]"#), Some(r#"["b","c"]"#))]
        );
    }

    #[test]
    fn nothing_masked_is_shown_and_nothing_long() {
        let env = |name: &str, value: &str| {
            pod(&json!([{"name": "a", "env": [{"name": name, "value": value}]}]))
        };
        let of = |name: &str, value: &str| {
            let found = differ(Kind::Deployment, &env(name, "x"), &env(name, value));
            found.into_iter().next().and_then(|(_, _, then)| then).unwrap()
        };
        assert_eq!(of("WINDOW", "60"), "60");
        assert_eq!(of("DB_PASSWORD", "hunter2"), "*******");
        // A variable that is new, or goes, has no value before or after.
        let (with, without) =
            (env("DB_PASSWORD", "two words"), pod(&json!([{"name": "a", "env": []}])));
        let item = r#"{"name":"DB_PASSWORD","value":"*******"}"#;
        let path = "spec.template.spec.containers[name=a].env[name=DB_PASSWORD]";
        let [appears, goes] = [(&without, &with), (&with, &without)]
            .map(|(old, new)| differ(Kind::Deployment, old, new));
        assert_eq!(appears, [field(path, None, Some(item))]);
        assert_eq!(goes, [field(path, Some(item), None)]);
        let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
        assert!(!of("ANY", token).contains("ghp_"), "{}", of("ANY", token));
        assert!(of("ANY", &"a".repeat(1000)).starts_with("(1000 bytes, sha256 "));
        assert!(of("ANY", "a\nb").starts_with("(3 bytes, sha256 "));
    }

    #[test]
    fn hashes_of_the_rest_are_no_difference_of_their_own() {
        let of = |hash: &str| json!({"metadata": {"annotations": {marks::CONTENT: hash, "a.b/c": hash}}});
        let path = "metadata.annotations[a.b/c]";
        assert_eq!(differ(Kind::Service, &of("1"), &of("2")), [field(path, Some("1"), Some("2"))]);
    }
}
