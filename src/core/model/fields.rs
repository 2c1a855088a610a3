//! Which fields of an object are whose: the sets that server-side apply records.
//!
//! One code for the three who need it: `render` computes what we will own, `apply` reads what the
//! server recorded, the sandbox records it like the server. Proven equal to a real API server.
//!
//! Long because a set, how it is put together and its three notations are one type.

use std::collections::BTreeMap;

use serde::Deserializer;
use serde_json::{Map, Value};

use super::{ContentHash, Kind};

mod lacking;
mod prune;
mod reading;
mod recorded;
pub mod schema;

pub use prune::meaningful;
pub use recorded::Recorded;
pub use schema::{ListKey, Shape};

/// A set of fields, as a tree of path elements in the API server's own notation
/// (`f:spec`, `k:{"name":"web"}`, `v:"x"`, `.`), sorted.
///
/// A node without children, or with a child `.`, is itself in the set; any other node is only
/// the way to its children.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldSet(BTreeMap<Box<str>, FieldSet>);

/// The child that says that a node with children is itself in the set.
const SELF: &str = ".";

impl FieldSet {
    /// The fields that a server-side apply of `body` would own. `apiVersion`, `kind`,
    /// `metadata.name` and `metadata.namespace` are nobody's.
    pub fn owned(kind: Kind, body: &Value) -> Self {
        Self::of(Shape::of(kind), body)
    }

    /// As [`FieldSet::owned`], for an object of any shape. What only the server writes
    /// (`metadata.uid` and its like) is nobody's either.
    pub fn of(shape: Shape, body: &Value) -> Self {
        let mut set = Self::under(Some(shape), body);
        set.strip_nobodys();
        set
    }

    /// Takes out the fields that no manager owns.
    pub fn strip_nobodys(&mut self) {
        for nobody in ["f:apiVersion", "f:kind"] {
            self.0.remove(nobody);
        }
        if let Some(metadata) = self.0.get_mut("f:metadata") {
            for nobody in NOBODYS_METADATA {
                metadata.0.remove(nobody);
            }
            metadata.0.remove(SELF);
            if metadata.0.is_empty() {
                self.0.remove("f:metadata");
            }
        }
    }

    /// Reads the `fieldsV1` of an entry of `managedFields`. What is not a map has no fields.
    pub fn recorded(fields_v1: &Value) -> Self {
        let entries = fields_v1.as_object().into_iter().flatten();
        Self(
            entries
                .map(|(element, below)| (element.as_str().into(), Self::recorded(below)))
                .collect(),
        )
    }

    /// As [`FieldSet::recorded`], read from the JSON itself: there is one such entry or more for
    /// every object that is seen.
    ///
    /// # Errors
    /// That of the deserializer, where it is no JSON.
    pub fn read<'de, D: Deserializer<'de>>(fields_v1: D) -> Result<Self, D::Error> {
        fields_v1.deserialize_any(reading::Reading(Self))
    }

    /// The set as an entry of `managedFields` carries it.
    pub fn to_fields_v1(&self) -> Value {
        Value::Object(
            self.0.iter().map(|(e, below)| (e.to_string(), below.to_fields_v1())).collect(),
        )
    }

    /// SHA-256 over the set, for those who only compare.
    pub fn digest(&self) -> ContentHash {
        ContentHash::of(self.to_fields_v1().to_string().as_bytes())
    }

    /// Whether no field is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every field of `other` is in this set.
    pub fn contains(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Whether this very path, or anything below it, is in the set.
    pub fn has(&self, path: &[&str]) -> bool {
        match path.split_first() {
            None => true,
            Some((first, rest)) => self.child(first).is_some_and(|below| below.has(rest)),
        }
    }

    /// What either holds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::combine(self, other, |a, b| a || b).unwrap_or_default()
    }

    /// What both hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self::combine(self, other, |a, b| a && b).unwrap_or_default()
    }

    /// What this set holds and `other` does not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self::combine(self, other, |a, b| a && !b).unwrap_or_default()
    }

    /// The fields of this set that `other` lacks, as people write paths:
    /// `spec.template.spec.containers[name=web].image`, `metadata.labels[vitrine.dev/solution]`.
    /// A list item that is gone as a whole is named once.
    pub fn missing_from(&self, other: &Self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_missing(other, &mut String::new(), &mut paths);
        paths
    }

    /// All fields, as people write paths.
    pub fn paths(&self) -> Vec<String> {
        self.missing_from(&Self::default())
    }

    /// All members as a conflict names them: `.spec.containers[name="web"].image`.
    pub fn dotted(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_dotted(&mut String::new(), &mut paths);
        paths
    }

    /// Puts a subtree below a path element, in the place of what was there.
    pub fn put(&mut self, element: &str, below: Self) {
        self.0.insert(element.into(), below);
    }

    /// As much of the set as its elements fit into so many bytes, in their order.
    #[must_use]
    pub fn within(&self, bytes: usize) -> Self {
        self.cut(&mut { bytes })
    }

    fn cut(&self, left: &mut usize) -> Self {
        let mut kept = BTreeMap::new();
        for (element, below) in &self.0 {
            // Quotes, colon, braces and comma, and a backslash before each quote of a key.
            let cost = element.len() + element.matches('"').count() + 6;
            let Some(rest) = left.checked_sub(cost) else { break };
            *left = rest;
            let inner = below.cut(left);
            // A way that leads nowhere would be a member.
            if below.0.is_empty() || !inner.0.is_empty() {
                kept.insert(element.clone(), inner);
            }
        }
        Self(kept)
    }

    /// The children: path element in the server's notation, and what lies below.
    pub fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.0.iter().map(|(e, s)| (&**e, s)).filter(|(e, _)| *e != SELF)
    }

    /// What lies below a path element, if it is on the way to a member or one itself.
    pub fn child(&self, element: &str) -> Option<&Self> {
        self.0.get(element)
    }

    /// Whether the node that this is the subtree of is itself in the set.
    pub fn is_member(&self) -> bool {
        self.0.is_empty() || self.0.contains_key(SELF)
    }

    /// Puts the node at `path` (elements in the server's notation) into the set.
    pub fn insert(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else { return };
        let fresh = !self.0.contains_key(*first);
        let child = self.0.entry((*first).into()).or_default();
        if rest.is_empty() {
            child.mark(fresh);
        } else {
            if !fresh && child.0.is_empty() {
                child.0.insert(SELF.into(), Self::default());
            }
            child.insert(rest);
        }
    }

    /// Takes out the node at `path` with everything below. Nodes that then lead nowhere go too.
    pub fn remove(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.0.remove(*first);
        } else if let Some(child) = self.0.get_mut(*first)
            && !child.0.is_empty()
        {
            child.remove(rest);
            if child.0.is_empty() {
                self.0.remove(*first);
            }
        }
    }

    fn mark(&mut self, fresh: bool) {
        if !fresh && !self.0.is_empty() {
            self.0.insert(SELF.into(), Self::default());
        }
    }

    /// What a walk over a value of this shape finds.
    fn under(shape: Option<Shape>, value: &Value) -> Self {
        match (shape.unwrap_or_else(|| Shape::by_rule(value)), value) {
            (shape @ Shape::Fields(_), Value::Object(map)) => Self::of_map(shape, map),
            (Shape::Keyed(keys, _), Value::Array(items)) => Self::of_list(
                items,
                |item| keyed_element(keys, item),
                |item| Self::under(shape.map(Shape::item), item),
            ),
            (Shape::KeyedAtoms(keys), Value::Array(items)) => {
                Self::of_list(items, |item| keyed_element(keys, item), |_| Self::default())
            }
            (Shape::Set, Value::Array(items)) => {
                Self::of_list(items, |item| Some(set_element(item)), |_| Self::default())
            }
            _ => Self::default(),
        }
    }

    fn of_map(shape: Shape, map: &Map<String, Value>) -> Self {
        let mut set = BTreeMap::new();
        for (name, value) in map {
            let inner = shape.field(name);
            // An empty list that is taken apart has no items, hence no fields, not even itself.
            let leads_nowhere = value.as_array().is_some_and(Vec::is_empty)
                && matches!(inner, Some(Shape::Keyed(..) | Shape::KeyedAtoms(_) | Shape::Set));
            if !leads_nowhere {
                set.insert(format!("f:{name}").into_boxed_str(), Self::under(inner, value));
            }
        }
        Self(set)
    }

    fn of_list(
        items: &[Value],
        element: impl Fn(&Value) -> Option<String>,
        below: impl Fn(&Value) -> Self,
    ) -> Self {
        let mut set = BTreeMap::new();
        for item in items {
            let Some(element) = element(item) else { continue };
            let mut fields = below(item);
            if !fields.0.is_empty() {
                fields.0.insert(SELF.into(), Self::default());
            }
            set.insert(element.into_boxed_str(), fields);
        }
        Self(set)
    }

    /// Walks two sets at once; `keep` decides for each node from whether it is in the one and in
    /// the other. `None` if nothing is kept.
    fn combine(a: &Self, b: &Self, keep: fn(bool, bool) -> bool) -> Option<Self> {
        let mut kept = BTreeMap::new();
        let elements = a.0.keys().chain(b.0.keys().filter(|e| !a.0.contains_key(*e)));
        for element in elements.filter(|e| ***e != *SELF) {
            let (left, right) = (a.0.get(element), b.0.get(element));
            let nothing = Self::default();
            let member =
                keep(left.is_some_and(Self::is_member), right.is_some_and(Self::is_member));
            let below = Self::combine(left.unwrap_or(&nothing), right.unwrap_or(&nothing), keep);
            match (member, below) {
                (false, None) => {}
                (true, None) => {
                    kept.insert(element.clone(), Self::default());
                }
                (member, Some(mut below)) => {
                    if member {
                        below.0.insert(SELF.into(), Self::default());
                    }
                    kept.insert(element.clone(), below);
                }
            }
        }
        (!kept.is_empty()).then_some(Self(kept))
    }

    fn collect_dotted(&self, path: &mut String, found: &mut Vec<String>) {
        for (element, below) in self.children() {
            let length = path.len();
            push_dotted(path, element);
            if below.is_member() {
                found.push(path.clone());
            }
            below.collect_dotted(path, found);
            path.truncate(length);
        }
    }

    fn collect_missing(&self, other: &Self, path: &mut String, found: &mut Vec<String>) {
        for (element, below) in self.children() {
            let length = path.len();
            push_human(path, element);
            let theirs = other.0.get(element);
            if below.is_member() && !theirs.is_some_and(Self::is_member) {
                found.push(path.clone());
            } else {
                let nothing = Self::default();
                below.collect_missing(theirs.unwrap_or(&nothing), path, found);
            }
            path.truncate(length);
        }
    }
}

/// The fields of `metadata` that no manager owns.
const NOBODYS_METADATA: [&str; 8] = [
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
];

/// The path element of an item of a keyed list; `None` if it lacks a key that has no default.
pub fn keyed_element(keys: &[ListKey], item: &Value) -> Option<String> {
    let mut named = Map::new();
    for key in keys {
        let value = item.get(key.field).filter(|v| !v.is_null());
        let value = value.cloned().or_else(|| key.default.map(Value::from))?;
        named.insert(key.field.to_owned(), value);
    }
    Some(format!("k:{}", Value::Object(named)))
}

/// The path element of an item of a set.
pub fn set_element(item: &Value) -> String {
    format!("v:{item}")
}

/// Appends a path element as people write it.
fn push_human(path: &mut String, element: &str) {
    let (notation, text) = element.split_once(':').unwrap_or(("", element));
    match notation {
        "f" if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(text);
        }
        "k" => match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(keys) => {
                let keys: Vec<String> =
                    keys.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
                path.push_str(&format!("[{}]", keys.join(",")));
            }
            Err(_) => path.push_str(&format!("[{text}]")),
        },
        "v" => {
            let value = serde_json::from_str(text).unwrap_or(Value::from(text));
            path.push_str(&format!("[{}]", plain(&value)));
        }
        _ => path.push_str(&format!("[{text}]")),
    }
}

/// Appends a path element as the API server writes it in a conflict.
fn push_dotted(path: &mut String, element: &str) {
    let (notation, text) = element.split_once(':').unwrap_or(("", element));
    let keys = match notation {
        "f" => {
            path.push('.');
            path.push_str(text);
            return;
        }
        "k" => serde_json::from_str::<Map<String, Value>>(text).ok(),
        _ => None,
    };
    let inside = match keys {
        Some(keys) => {
            let keys: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
            keys.join(",")
        }
        None => format!("={text}"),
    };
    path.push_str(&format!("[{inside}]"));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(value: Value) -> FieldSet {
        FieldSet::recorded(&value)
    }

    /// Bodies, and what kube-apiserver 1.36.3 recorded when they were applied.
    #[test]
    fn what_we_compute_is_what_the_api_server_records() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("fields/recorded.json")).unwrap();
        assert!(!cases.is_empty());
        for case in &cases {
            let body = &case["body"];
            let kind =
                Kind::named(body["apiVersion"].as_str().unwrap(), body["kind"].as_str().unwrap());
            let (ours, theirs) =
                (FieldSet::owned(kind.unwrap(), body), FieldSet::recorded(&case["fieldsV1"]));
            assert_eq!(ours.missing_from(&theirs), [""; 0], "{body} computed too much");
            assert_eq!(theirs.missing_from(&ours), [""; 0], "{body} computed too little");
            assert_eq!(ours, theirs, "{body}");
        }
    }

    #[test]
    fn a_recorded_set_is_written_back_as_it_was() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("fields/recorded.json")).unwrap();
        for case in &cases {
            assert_eq!(FieldSet::recorded(&case["fieldsV1"]).to_fields_v1(), case["fieldsV1"]);
        }
    }

    #[test]
    fn nobody_owns_the_name_of_an_object() {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1"}});
        assert!(FieldSet::owned(Kind::ConfigMap, &body).is_empty());
    }

    #[test]
    fn a_lost_field_is_named_as_people_write_it() {
        let ours = set(json!({
            "f:metadata": {"f:labels": {"f:vitrine.dev/solution": {}}, "f:finalizers": {"v:\"x\"": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}},
                       "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:name": {}}}},
        }));
        let theirs = set(json!({
            "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}}}},
        }));
        assert_eq!(
            ours.missing_from(&theirs),
            [
                "metadata.finalizers[x]",
                "metadata.labels[vitrine.dev/solution]",
                "spec.containers[name=web].image",
                "spec.ports[port=80,protocol=TCP]",
            ]
        );
        assert_eq!(theirs.missing_from(&ours), [""; 0]);
    }

    #[test]
    fn sets_are_combined_member_by_member() {
        let a = set(json!({"f:x": {"k:{\"n\":1}": {".": {}, "f:p": {}, "f:q": {}}}, "f:y": {}}));
        let b = set(json!({"f:x": {"k:{\"n\":1}": {"f:p": {}}}, "f:z": {}}));
        assert_eq!(
            a.difference(&b),
            set(json!({"f:x": {"k:{\"n\":1}": {".": {}, "f:q": {}}}, "f:y": {}}))
        );
        assert_eq!(a.intersection(&b), set(json!({"f:x": {"k:{\"n\":1}": {"f:p": {}}}})));
        assert!(a.union(&b).contains(&a) && a.union(&b).contains(&b));
        assert!(!a.contains(&b));
        assert!(a.difference(&a).is_empty());
    }

    #[test]
    fn a_member_keeps_standing_when_its_children_go() {
        let item = set(json!({"f:x": {"k:{\"n\":1}": {".": {}, "f:p": {}}}}));
        let child = set(json!({"f:x": {"k:{\"n\":1}": {"f:p": {}}}}));
        assert_eq!(item.difference(&child), set(json!({"f:x": {"k:{\"n\":1}": {}}})));
    }

    #[test]
    fn a_set_that_is_cut_is_a_part_of_itself_and_fits() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("fields/recorded.json")).unwrap();
        for case in &cases {
            let whole = FieldSet::recorded(&case["fieldsV1"]);
            for bytes in [0, 10, 100, 400, 1000] {
                let part = whole.within(bytes);
                assert!(whole.contains(&part), "{bytes}: {:?}", part.missing_from(&whole));
                assert!(part.to_fields_v1().to_string().len() <= bytes + 2, "{bytes}");
            }
            assert_eq!(whole.within(1 << 20), whole);
        }
    }

    #[test]
    fn inserting_and_removing_leave_no_empty_ways() {
        let mut fields = FieldSet::default();
        fields.insert(&["f:spec", "f:replicas"]);
        fields.insert(&["f:spec", "f:paused"]);
        fields.remove(&["f:spec", "f:replicas"]);
        assert_eq!(fields, set(json!({"f:spec": {"f:paused": {}}})));
        fields.remove(&["f:spec", "f:paused"]);
        assert!(fields.is_empty());
    }

    #[test]
    fn what_is_no_map_has_no_fields_whichever_way_it_is_read() {
        let read = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            let read = FieldSet::read(&mut serde_json::Deserializer::from_str(text)).unwrap();
            assert_eq!(read, FieldSet::recorded(&value), "{text}");
            assert_eq!(read, FieldSet::read(value).unwrap(), "{text}");
            read
        };
        for nothing in ["\"text\"", "null", "[1, {}]", "1", "-1", "1.5", "true"] {
            assert!(read(nothing).is_empty());
            assert!(!read(&format!("{{\"f:a\": {nothing}}}")).is_empty());
        }
    }
}
