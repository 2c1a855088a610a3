//! The contract as JSON Schema (draft 7), for editors.

use serde_json::{Map, Value, json};

use super::File;
use crate::model::decode;

/// The JSON Schema of a file. It accepts what the reader of the file accepts structurally: keys,
/// types, words, lengths and bounds of numbers. The forms of texts, and most of what several
/// values say together, are left to `vitrine check`.
pub fn json_schema(file: File) -> Value {
    let mut root = decode::json_schema(file.schema(), &format!("vitrine {}", file.kind()));
    let (place, rule) = match file {
        File::Solution => ("/properties/spec", image()),
        File::Platform => ("/properties/spec/properties/activation", prometheus()),
    };
    if let Some(map) = root.pointer_mut(place).and_then(Value::as_object_mut) {
        map.extend(rule);
    }
    root
}

/// Something to run: an image for all, or one for each component.
fn image() -> Map<String, Value> {
    let own = json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "required": ["image"] },
    });
    let each = json!({ "required": ["components"], "properties": { "components": own } });
    Map::from_iter([("anyOf".to_owned(), json!([{ "required": ["image"] }, each]))])
}

/// Who asks Prometheus says where it is.
fn prometheus() -> Map<String, Value> {
    let asked =
        json!({ "required": ["mode"], "properties": { "mode": { "const": "prometheus" } } });
    Map::from_iter([
        ("if".to_owned(), asked),
        ("then".to_owned(), json!({ "required": ["prometheus"] })),
    ])
}
