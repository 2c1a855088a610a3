//! What a schema objects to in an object.

use serde_json::{Map, Value};

use super::{Schema, Type, join};
use crate::cause::Cause;

impl Schema {
    /// Values of another type than the schema's, as an apply names them. Only these stop an
    /// apply before validation.
    pub fn mistyped(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_mistyped(value, "", &mut found);
        found
    }

    fn collect_mistyped(&self, value: &Value, path: &str, found: &mut Vec<String>) {
        let expected = match (self.kind, value) {
            (_, Value::Null)
            | (Type::Any, _)
            | (Type::Text, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Number | Type::Integer, Value::Number(_)) => return,
            (Type::Object, Value::Object(map)) => {
                for (name, inner) in map {
                    if let Some(schema) = self.properties.get(name).or(self.values.as_deref()) {
                        schema.collect_mistyped(inner, &format!("{path}.{name}"), found);
                    }
                }
                return;
            }
            (Type::Array, Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    if let Some(schema) = &self.items {
                        schema.collect_mistyped(item, &format!("{path}[{i}]"), found);
                    }
                }
                return;
            }
            (Type::Object, _) => "map",
            (Type::Array, _) => "list",
            (Type::Text, _) => "string",
            (Type::Integer | Type::Number, _) => "numeric (int or float)",
            (Type::Boolean, _) => "boolean",
        };
        found.push(format!("{path}: expected {expected}, got {}", type_name(value)));
    }

    /// What the rules object to in a whole object.
    pub fn judge(&self, value: &Value) -> Vec<Cause> {
        let mut causes = Vec::new();
        self.collect_causes(value, "", &mut causes);
        causes
    }

    fn collect_causes(&self, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        let in_body = |what: &str| format!("{path} in body {what}");
        if !self.mistyped_here(value) {
            self.check_scalar(value, path, &in_body, causes);
        } else {
            let why =
                in_body(&format!("must be of type {}: \"{}\"", self.kind.name(), type_name(value)));
            let reason = "FieldValueTypeInvalid";
            causes.push(Cause { reason, ..Cause::invalid(path, &type_name(value).into(), &why) });
            return;
        }
        match value {
            Value::Object(map) => self.check_map(map, path, causes),
            Value::Array(items) => {
                let count = items.len() as u64;
                if let Some(n) = self.shortest.filter(|n| count < *n) {
                    let why = in_body(&format!("should have at least {n} items"));
                    causes.push(Cause::invalid(path, &Value::from(count), &why));
                }
                if let Some(n) = self.longest.filter(|n| count > *n) {
                    let why = format!("must have at most {n} items");
                    causes.push(Cause::invalid(path, &Value::from(count), &why));
                }
                if let Some(schema) = &self.items {
                    for (i, item) in items.iter().enumerate() {
                        schema.collect_causes(item, &format!("{path}[{i}]"), causes);
                    }
                }
            }
            _ => {}
        }
    }

    fn check_map(&self, map: &Map<String, Value>, path: &str, causes: &mut Vec<Cause>) {
        for name in &self.required {
            if !map.contains_key(name) {
                causes.push(Cause::required(join(path, name)));
            }
        }
        for (name, inner) in map {
            if let Some(schema) = self.properties.get(name).or(self.values.as_deref())
                && !(path.is_empty() && name == "metadata")
            {
                schema.collect_causes(inner, &join(path, name), causes);
            }
        }
    }

    fn check_scalar(
        &self,
        value: &Value,
        path: &str,
        in_body: &dyn Fn(&str) -> String,
        causes: &mut Vec<Cause>,
    ) {
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            causes.push(Cause::unsupported(path, value, &self.allowed));
        }
        if let Some(number) = value.as_f64() {
            if let Some(least) = self.least.filter(|n| number < *n) {
                let why = in_body(&format!("should be greater than or equal to {least}"));
                causes.push(Cause::invalid(path, value, &why));
            }
            if let Some(most) = self.most.filter(|n| number > *n) {
                let why = in_body(&format!("should be less than or equal to {most}"));
                causes.push(Cause::invalid(path, value, &why));
            }
        }
        if let Some(text) = value.as_str() {
            let length = text.chars().count() as u64;
            if let Some(n) = self.shortest.filter(|n| length < *n) {
                let why = in_body(&format!("should be at least {n} chars long"));
                causes.push(Cause::invalid(path, value, &why));
            }
            if let Some(n) = self.longest.filter(|n| length > *n) {
                causes.push(Cause {
                    reason: "FieldValueTooLong",
                    message: format!("Too long: may not be more than {n} bytes"),
                    field: path.to_owned(),
                });
            }
        }
    }

    fn mistyped_here(&self, value: &Value) -> bool {
        match self.kind {
            Type::Any => false,
            Type::Object => !value.is_object(),
            Type::Array => !value.is_array(),
            Type::Text => !value.is_string(),
            Type::Integer => !(value.is_i64() || value.is_u64()),
            Type::Number => !value.is_number(),
            Type::Boolean => !value.is_boolean(),
        }
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Object => "object",
            Self::Array => "array",
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}
