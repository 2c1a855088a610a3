//! The schema of a custom resource: what it may hold, what is filled in, how it is merged.

use std::collections::BTreeMap;

use serde_json::Value;

use vitrine_core::model::fields::schema::{Fields, META};
use vitrine_core::model::fields::{ListKey, Shape};

mod judge;

/// A structural schema (the part of OpenAPI that a CustomResourceDefinition may use and ours do).
#[derive(Debug, Default)]
pub struct Schema {
    kind: Type,
    properties: BTreeMap<String, Schema>,
    /// Of a map: what every value is.
    values: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    allowed: Vec<Value>,
    default: Option<Value>,
    list: List,
    least: Option<f64>,
    most: Option<f64>,
    /// Of a text its length, of a list its items.
    shortest: Option<u64>,
    longest: Option<u64>,
    /// Holds what no rule describes.
    open: bool,
    /// Of a map: one value, whatever is in it.
    whole: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Type {
    #[default]
    Any,
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
}

#[derive(Debug, Default)]
enum List {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

impl Schema {
    /// Reads the `openAPIV3Schema` of whole objects. The server knows `apiVersion`, `kind` and
    /// `metadata` of every object, whether the schema says so or not.
    pub fn of_objects(value: &Value) -> Self {
        let mut schema = Self::read(value);
        for (name, kind) in
            [("apiVersion", Type::Text), ("kind", Type::Text), ("metadata", Type::Object)]
        {
            let known = Self { kind, ..Self::default() };
            schema.properties.entry(name.to_owned()).or_insert(known);
        }
        schema
    }

    /// Reads an `openAPIV3Schema`. What it does not know it does not enforce.
    fn read(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let count = |key: &str| value.get(key).and_then(Value::as_u64);
        let texts = |key: &str| -> Vec<String> {
            let list = value.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let kind = match text("type") {
            Some("object") => Type::Object,
            Some("array") => Type::Array,
            Some("string") => Type::Text,
            Some("integer") => Type::Integer,
            Some("number") => Type::Number,
            Some("boolean") => Type::Boolean,
            _ => Type::Any,
        };
        let properties: BTreeMap<_, _> = value
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.clone(), Self::read(schema)))
            .collect();
        Self {
            kind,
            values: value
                .get("additionalProperties")
                .filter(|v| v.is_object())
                .map(|v| Box::new(Self::read(v))),
            items: value.get("items").map(|v| Box::new(Self::read(v))),
            required: texts("required"),
            allowed: value.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            default: value.get("default").cloned(),
            list: match text("x-kubernetes-list-type") {
                Some("set") => List::Set,
                Some("map") => List::Map(texts("x-kubernetes-list-map-keys")),
                _ => List::Atomic,
            },
            least: value.get("minimum").and_then(Value::as_f64),
            most: value.get("maximum").and_then(Value::as_f64),
            shortest: count("minLength").or_else(|| count("minItems")),
            longest: count("maxLength").or_else(|| count("maxItems")),
            open: value.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)),
            whole: text("x-kubernetes-map-type") == Some("atomic"),
            properties,
        }
    }

    /// How whole objects are merged. Lives as long as the process.
    pub fn shape(&self) -> Shape {
        let fields: Vec<(&'static str, Shape)> =
            std::iter::once(META).chain(self.field_shapes("metadata")).collect();
        Shape::Fields(fields.leak())
    }

    fn field_shapes(&self, except: &str) -> Vec<(&'static str, Shape)> {
        let fields = self.properties.iter().filter(|(name, _)| *name != except);
        fields
            .filter_map(|(name, schema)| {
                let shape = schema.own_shape()?;
                Some((&*name.clone().leak(), shape))
            })
            .collect()
    }

    /// The shape, if it is not what the rule gives anyway.
    fn own_shape(&self) -> Option<Shape> {
        match (self.kind, &self.list) {
            (Type::Object, _) if self.whole => Some(Shape::Atomic),
            (Type::Object, _) => {
                let fields: Fields = self.field_shapes("").leak();
                (!fields.is_empty()).then_some(Shape::Fields(fields))
            }
            (Type::Array, List::Set) => Some(Shape::Set),
            (Type::Array, List::Map(keys)) => {
                let item = self.items.as_deref();
                let mut keys: Vec<&String> = keys.iter().collect();
                keys.sort();
                let keys: Vec<ListKey> = keys
                    .into_iter()
                    .map(|key| ListKey {
                        field: key.clone().leak(),
                        default: item
                            .and_then(|i| i.properties.get(key)?.default.as_ref()?.as_str())
                            .map(|text| &*text.to_owned().leak()),
                    })
                    .collect();
                let fields = item.map(|i| i.field_shapes("")).unwrap_or_default();
                Some(Shape::Keyed(keys.leak(), fields.leak()))
            }
            _ => None,
        }
    }

    /// The paths that no rule describes, as the strict decoder names them.
    pub fn unknown(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_unknown(value, "", true, &mut found);
        found
    }

    fn collect_unknown(&self, value: &Value, path: &str, top: bool, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    let below = join(path, name);
                    match self.properties.get(name).or(self.values.as_deref()) {
                        _ if top && name == "metadata" => {}
                        Some(schema) => schema.collect_unknown(inner, &below, false, found),
                        None if self.open || self.kind != Type::Object => {}
                        None => found.push(below),
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = &self.items else { return };
                for (i, item) in items.iter().enumerate() {
                    schema.collect_unknown(item, &format!("{path}[{i}]"), false, found);
                }
            }
            _ => {}
        }
    }

    /// Drops what no rule describes.
    pub fn prune(&self, value: &mut Value, top: bool) {
        match value {
            Value::Object(map) => {
                if self.kind == Type::Object && !self.open && self.values.is_none() {
                    map.retain(|name, _| {
                        self.properties.contains_key(name) || top && name == "metadata"
                    });
                }
                for (name, inner) in map {
                    if let Some(schema) = self.properties.get(name).or(self.values.as_deref())
                        && !(top && name == "metadata")
                    {
                        schema.prune(inner, false);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.prune(item, false));
                }
            }
            _ => {}
        }
    }

    /// Fills in what is absent, or null, and has a default.
    pub fn fill(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, schema) in &self.properties {
                    let absent = map.get(name).is_none_or(Value::is_null);
                    if let (Some(default), true) = (&schema.default, absent) {
                        map.insert(name.clone(), default.clone());
                    }
                    if let Some(inner) = map.get_mut(name) {
                        schema.fill(inner);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.fill(item));
                }
            }
            _ => {}
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
