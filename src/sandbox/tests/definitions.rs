//! Our definitions against the real ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::DEFINITIONS;

/// What a field of ours must have in common with the real field: else a body that ours accepts
/// is refused or merged in another way there.
const SAME: [&str; 5] = [
    "type",
    "default",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
];

/// What the real field may demand beyond ours, but not ours beyond the real one.
const NOT_STRICTER: [&str; 8] =
    ["enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"];

fn compare(ours: &Value, real: &Value, path: &str, found: &mut Vec<String>) {
    for field in SAME {
        if ours.get(field) != real.get(field) {
            found.push(format!(
                "{path}: {field} is {:?}, really {:?}",
                ours.get(field),
                real.get(field)
            ));
        }
    }
    for field in NOT_STRICTER {
        if ours.get(field).is_some() && ours.get(field) != real.get(field) {
            found.push(format!(
                "{path}: {field} is {:?}, really {:?}",
                ours.get(field),
                real.get(field)
            ));
        }
    }
    if ours.get("required") != real.get("required") {
        found.push(format!("{path}: required differs"));
    }
    for (name, schema) in ours["properties"].as_object().into_iter().flatten() {
        match real["properties"].get(name) {
            Some(real) => compare(schema, real, &format!("{path}.{name}"), found),
            None => found.push(format!("{path}.{name} does not exist")),
        }
    }
    if ours["items"].is_object() {
        compare(&ours["items"], &real["items"], &format!("{path}[]"), found);
    }
}

fn collect(folder: &Path, found: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            found.push(serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
        }
    }
}

/// Needs the real definitions in the folder `VITRINE_TEST_CRDS` or beside the project; without them
/// the check is left out.
#[test]
fn our_definitions_are_a_true_subset_of_the_real_ones() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/crds");
    let named = std::env::var_os("VITRINE_TEST_CRDS").map(PathBuf::from);
    let Some(folder) = named.or_else(|| beside.is_dir().then_some(beside)) else {
        let said = "left out: whether the sandbox's definitions are a subset of upstream's, \
                    because they are not beside the project, and VITRINE_TEST_CRDS names no \
                    folder of them";
        // Past the capture of a test that passes.
        let _ = writeln!(std::io::stderr(), "{said}");
        return;
    };
    let mut real = Vec::new();
    collect(&folder, &mut real);
    let mut found = Vec::new();
    for ours in DEFINITIONS {
        let ours: Value = serde_saphyr::from_str(ours).unwrap();
        let name = &ours["metadata"]["name"];
        let real = real.iter().find(|d| d["metadata"]["name"] == *name).unwrap();
        assert_eq!(ours["spec"]["scope"], real["spec"]["scope"]);
        for version in ours["spec"]["versions"].as_array().unwrap() {
            let versions = real["spec"]["versions"].as_array().unwrap();
            let theirs = versions.iter().find(|v| v["name"] == version["name"]).unwrap();
            assert_eq!(version["storage"], theirs["storage"], "{name}");
            let status = |v: &Value| v.pointer("/subresources/status").is_some();
            assert_eq!(status(version), status(theirs), "{name}");
            let schema = |v: &Value| v["schema"]["openAPIV3Schema"].clone();
            compare(&schema(version), &schema(theirs), name.as_str().unwrap(), &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_custom_kind_that_we_render_has_a_definition() {
    let s = sandbox();
    for kind in vitrine_core::model::Kind::RENDERED {
        assert!(s.resource(kind).is_some(), "{kind}");
    }
}
