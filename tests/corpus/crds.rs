//! Our own CustomResourceDefinitions say nothing that the upstream projects' do not say.
//!
//! `src/sandbox/definitions` holds just the fields that we render or read. Whatever ours admit, the real ones
//! must admit, and server-side apply must cut both into the same fields. So every field of ours
//! exists there with the same type and the same list type and keys, every value of ours is a value
//! there, and what is required there is required here.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::left_out;
use crate::support::real::Crds;

#[test]
fn ours_are_a_true_subset_of_the_real_ones() {
    let real = Crds::at_hand();
    if !matches!(real, Crds::Upstream(_)) {
        left_out(
            "whether our definitions are a subset of upstream's",
            "they are not beside the project, and VITRINE_TEST_CRDS names no folder of them",
        );
        return;
    }
    let real = real.read().unwrap();
    let ours = Crds::ours().read().unwrap();
    let mut found = Vec::new();
    for ours in &ours {
        let name = ours["metadata"]["name"].as_str().unwrap();
        match real.iter().find(|real| real["metadata"]["name"] == name) {
            Some(real) => found.extend(definition(ours, real)),
            None => found.push(format!("{name}: there is no such definition upstream")),
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_kind_of_ours_that_is_not_built_in_has_its_definition() {
    let ours = Crds::ours().read().unwrap();
    let there: BTreeSet<&str> =
        ours.iter().map(|crd| crd["metadata"]["name"].as_str().unwrap()).collect();
    for kind in vitrine_core::model::Kind::RENDERED {
        if let Some(name) = kind.crd() {
            assert!(there.contains(name.as_str()), "src/sandbox/definitions lacks {name}");
            let version = ours
                .iter()
                .filter(|crd| crd["metadata"]["name"] == name.as_str())
                .flat_map(|crd| crd["spec"]["versions"].as_array().unwrap())
                .find(|version| version["name"] == kind.facts().version);
            assert!(version.is_some_and(|v| v["served"] == true), "{name}: version not served");
        }
    }
}

/// What a definition of ours says that the real one does not.
fn definition(ours: &Value, real: &Value) -> Vec<String> {
    let name = ours["metadata"]["name"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for pointer in ["/spec/group", "/spec/scope", "/spec/names/kind", "/spec/names/plural"] {
        if ours.pointer(pointer) != real.pointer(pointer) {
            found.push(format!("{name}: {pointer} differs"));
        }
    }
    for version in ours["spec"]["versions"].as_array().into_iter().flatten() {
        let versions = real["spec"]["versions"].as_array().into_iter().flatten();
        let path = format!("{name} {}", version["name"].as_str().unwrap_or_default());
        let Some(real) = versions.into_iter().find(|real| real["name"] == version["name"]) else {
            found.push(format!("{path}: no such version upstream"));
            continue;
        };
        if version["served"] == true && real["served"] != true {
            found.push(format!("{path}: not served upstream"));
        }
        let status = |version: &Value| version.pointer("/subresources/status").is_some();
        if status(version) != status(real) {
            found.push(format!("{path}: only one of both has a status subresource"));
        }
        schema(
            &version["schema"]["openAPIV3Schema"],
            &real["schema"]["openAPIV3Schema"],
            &path,
            &mut found,
        );
    }
    found
}

/// These must be the same: they decide what a value is, and how apply cuts it into fields.
const SAME: [&str; 7] = [
    "type",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "nullable",
];

/// A limit of ours may be absent; one that is written down must be the real one.
const LIMITS: [&str; 9] = [
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
];

fn schema(ours: &Value, real: &Value, path: &str, found: &mut Vec<String>) {
    for word in SAME {
        if ours[word] != real[word] {
            found.push(format!("{path}: {word} is {}, upstream {}", ours[word], real[word]));
        }
    }
    for word in LIMITS {
        if !ours[word].is_null() && ours[word] != real[word] {
            found.push(format!("{path}: {word} is {}, upstream {}", ours[word], real[word]));
        }
    }
    let values = |schema: &Value| schema["enum"].as_array().cloned();
    match (values(ours), values(real)) {
        (Some(ours), Some(real)) => {
            for value in ours.iter().filter(|value| !real.contains(value)) {
                found.push(format!("{path}: {value} is no value upstream"));
            }
        }
        (None, Some(real)) => {
            found.push(format!("{path}: upstream admits only {}", json!(real)));
        }
        (Some(_) | None, None) => {}
    }
    let required = |schema: &Value| -> BTreeSet<String> {
        let list = schema["required"].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    // Some definition upstream has the word beside a list, where it means nothing.
    let of_map = ours["type"] != "array";
    for field in required(real).difference(&required(ours)).filter(|_| of_map) {
        // A default is filled in before anything is missed.
        if real["properties"][field]["default"].is_null() {
            found.push(format!("{path}.{field}: required upstream"));
        }
    }
    for (field, below) in ours["properties"].as_object().into_iter().flatten() {
        match &real["properties"][field] {
            Value::Null => found.push(format!("{path}.{field}: unknown upstream")),
            real => schema(below, real, &format!("{path}.{field}"), found),
        }
    }
    for (word, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        match (&ours[word], &real[word]) {
            (Value::Null, _) => {}
            (_, Value::Null) => found.push(format!("{path}: upstream has no {word}")),
            (ours, real) => schema(ours, real, &format!("{path}{mark}"), found),
        }
    }
}

mod tests {
    use super::*;

    fn said(ours: Value, real: Value) -> Vec<String> {
        let mut found = Vec::new();
        schema(&ours, &real, "spec", &mut found);
        found
    }

    #[test]
    fn what_the_real_one_would_refuse_is_found() {
        let text = json!({"type": "string"});
        for (ours, real, expected) in [
            (
                json!({"properties": {"a": text}}),
                json!({"properties": {}}),
                "spec.a: unknown upstream",
            ),
            (
                text.clone(),
                json!({"type": "integer"}),
                "spec: type is \"string\", upstream \"integer\"",
            ),
            (
                json!({"properties": {"a": {}}}),
                json!({"properties": {"a": {}}, "required": ["a"]}),
                "spec.a: required upstream",
            ),
            (
                json!({"enum": ["A", "B"]}),
                json!({"enum": ["A"]}),
                "spec: \"B\" is no value upstream",
            ),
            (json!({}), json!({"enum": ["A"]}), "spec: upstream admits only [\"A\"]"),
            (
                json!({"items": {"x-kubernetes-list-type": "map"}}),
                json!({"items": {"x-kubernetes-list-type": "atomic"}}),
                "spec[]: x-kubernetes-list-type is \"map\", upstream \"atomic\"",
            ),
            (json!({"maxItems": 9}), json!({"maxItems": 8}), "spec: maxItems is 9, upstream 8"),
        ] {
            assert_eq!(said(ours, real), [expected]);
        }
    }

    #[test]
    fn saying_less_is_no_difference() {
        let real = json!({
            "type": "object", "required": ["b"],
            "properties": {"a": {"type": "string", "pattern": "x"}, "b": {"default": 1}, "c": {}},
        });
        let ours = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        assert_eq!(said(ours, real), [""; 0]);
    }
}
