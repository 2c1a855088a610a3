//! The contract as JSON Schema (draft 7), for editors.

use serde_json::{Map, Value, json};

use super::File;
use crate::model::decode::{Field, Form, Schema};

/// The JSON Schema of a file. It accepts what the reader of the file accepts structurally: keys,
/// types, words and bounds; what several values say together is left to `vitrine check`.
pub fn json_schema(file: File) -> Value {
    let mut root = object(file.schema());
    root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    root["title"] = format!("vitrine {}", file.kind()).into();
    root["definitions"] = json!({
        "quantity": {
            "description": "An amount as Kubernetes writes it, such as 500m, 2 or 1Gi.",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "minLength": 1 }],
        },
        "duration": {
            "description": "A duration such as 30m or 1h30m.",
            "type": "string",
            "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
        },
    });
    root
}

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
        Form::Line(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
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
