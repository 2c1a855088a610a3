//! A description of a file as JSON Schema (draft 7), for editors.

use serde_json::{Map, Value, json};

use super::form::{Choice, Field, Form, Schema};
use super::scalar::OFF;

/// The JSON Schema of a file that a description judges.
pub fn json_schema(schema: Schema, title: &str) -> Value {
    let mut root = object(schema);
    root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    root["title"] = title.into();
    root["definitions"] = json!({
        "quantity": {
            "description": "An amount as Kubernetes writes it, such as 500m, 2 or 1Gi.",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": QUANTITY }],
        },
        "duration": {
            "description": "A duration such as 30m or 1h30m.",
            "type": "string",
            "pattern": DURATION,
        },
    });
    root
}

/// What [`crate::model::Quantity`] reads.
const QUANTITY: &str = "^([0-9]+\\.?[0-9]*|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";
/// What [`crate::model::duration`] reads.
const DURATION: &str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";
/// One line with something on it.
const LINE: &str = "^[^\\r\\n]*\\S\\s*$";
/// A resource that is counted in whole devices: a domain, a slash and a name.
const DEVICE: &str =
    "^(?=.{1,253}/)[a-z0-9.-]*\\.[a-z0-9.-]*/[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$";

fn object(schema: Schema) -> Value {
    let mut properties = Map::new();
    for field in schema.fields() {
        properties.insert(field.name.to_owned(), property(field));
    }
    let required: Vec<&str> =
        schema.fields().iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    if let Some(Choice { one, other, why_not_both }) = schema.choice {
        let word = if why_not_both.is_some() { "oneOf" } else { "anyOf" };
        object[word] = json!([{ "required": [one] }, { "required": [other] }]);
    }
    object
}

fn property(field: &Field) -> Value {
    let mut value = form(&field.form);
    if field.nullable {
        value = json!({ "anyOf": [value, { "type": "null" }] });
    }
    // Beside a reference, draft 7 ignores everything else.
    if value.get("$ref").is_some() {
        value = json!({ "allOf": [value] });
    }
    value["title"] = field.name.into();
    value["description"] = field.about.into();
    if let Some(default) = field.default.filter(|default| !default.starts_with('(')) {
        value["default"] = written(default);
    }
    if let Some(example) = field.example {
        value["examples"] = json!([written(example)]);
    }
    value
}

fn form(form: &Form) -> Value {
    match form {
        Form::Any => json!({}),
        Form::Text => json!({ "type": "string" }),
        Form::Like(pattern) => json!({ "type": "string", "pattern": pattern }),
        Form::Line(most) => {
            json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": LINE })
        }
        // What nobody may write yet.
        Form::Word([]) => json!({ "not": {} }),
        Form::Word(words) if words.contains(&OFF) => {
            let words = words.iter().map(|word| json!(word)).chain([json!(false)]);
            json!({ "enum": words.collect::<Vec<_>>() })
        }
        Form::Word(words) => json!({ "type": "string", "enum": words }),
        Form::Bool => json!({ "type": "boolean" }),
        Form::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Form::Number => json!({ "type": "number" }),
        Form::Quantity => json!({ "$ref": "#/definitions/quantity" }),
        Form::Duration(..) => json!({ "$ref": "#/definitions/duration" }),
        Form::List(of, most) => {
            json!({ "type": "array", "items": self::form(of), "maxItems": most })
        }
        Form::Map(schema) => object(**schema),
        Form::Free(of, most) => json!({
            "type": "object",
            "additionalProperties": self::form(of),
            "maxProperties": most,
        }),
        Form::Amounts(most) => json!({
            "type": "object",
            "propertyNames": {
                "anyOf": [
                    { "enum": ["cpu", "memory", "ephemeral-storage"] },
                    { "pattern": DEVICE },
                ],
            },
            "additionalProperties": self::form(&Form::Quantity),
            "maxProperties": most,
        }),
        Form::WordOrList(words, of, most) => json!({
            "anyOf": [
                { "type": "string", "enum": words },
                { "type": "array", "items": self::form(of), "maxItems": most },
            ],
        }),
    }
}

/// A value of the table, which is written as YAML, in JSON.
fn written(text: &str) -> Value {
    let document = crate::model::yaml::read(text.as_bytes());
    document.root.map_or(Value::Null, |root| root.to_json())
}
