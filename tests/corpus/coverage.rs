//! The valid catalogues write every key that there is, so that each is accepted at least once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine_core::catalog::contract::File;
use vitrine_core::model::decode::{Form, Schema};
use vitrine_core::model::yaml::{self, Node, Value};

/// Every key of a map and of the maps below it, as paths.
fn known(path: &str, schema: Schema, paths: &mut BTreeSet<String>) {
    for field in schema.fields() {
        let path = format!("{path}.{}", field.name);
        paths.insert(path.clone());
        if let Some(schema) = inner(&field.form) {
            known(&path, schema, paths);
        }
    }
}

/// The map that a form holds, itself or in a list or under free keys.
fn inner(form: &Form) -> Option<Schema> {
    match form {
        Form::Map(schema) => Some(**schema),
        Form::List(of, _) | Form::Free(of, _) | Form::WordOrList(_, of, _) => inner(of),
        _ => None,
    }
}

/// Every key that a file writes, as the same paths.
fn written(path: &str, form: &Form, node: &Node, paths: &mut BTreeSet<String>) {
    match (form, &node.value) {
        (Form::Map(schema), Value::Map(entries)) => {
            for (key, node) in entries {
                let Some(field) = schema.fields().iter().find(|f| f.name == key.text) else {
                    continue;
                };
                let path = format!("{path}.{}", field.name);
                paths.insert(path.clone());
                written(&path, &field.form, node, paths);
            }
        }
        (Form::Free(of, _), Value::Map(entries)) => {
            entries.iter().for_each(|(_, node)| written(path, of, node, paths));
        }
        (Form::List(of, _) | Form::WordOrList(_, of, _), Value::List(items)) => {
            items.iter().for_each(|node| written(path, of, node, paths));
        }
        _ => {}
    }
}

fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(files(&path, name));
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
    found
}

/// A component may set what the solution may: what one of them writes is enough.
fn shared(path: &str) -> String {
    path.replace(".components.", ".").replace(".configurations.scaling", ".scaling")
}

#[test]
fn the_valid_catalogues_write_every_key() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogues/valid");
    for (file, form) in [
        (File::Solution, Form::Map(&vitrine_core::catalog::contract::SOLUTION)),
        (File::Platform, Form::Map(&vitrine_core::catalog::contract::PLATFORM)),
    ] {
        let name = format!("{}.yaml", file.kind().to_lowercase());
        let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
        known("", file.schema(), &mut all);
        for path in files(&root, &name) {
            let bytes = fs::read(&path).expect("a readable file");
            let root = yaml::read(&bytes).root.expect("a document");
            written("", &form, &root, &mut seen);
        }
        let seen: BTreeSet<String> = seen.iter().map(|path| shared(path)).collect();
        let lacking: BTreeSet<String> =
            all.iter().map(|path| shared(path)).filter(|path| !seen.contains(path)).collect();
        assert!(lacking.is_empty(), "no valid {name} writes {lacking:#?}");
    }
}
