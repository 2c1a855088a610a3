//! What a reviewer is told of a change.

mod pages;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use vitrine_core::catalog::{self, Catalog};
use vitrine_core::change::{self, Brake, Earlier, Review, Setting};
use vitrine_core::model::{InstanceName, Revision};

use super::from_folder::{Files, of_files};

/// The files of the example catalogue.
fn example() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let mut files = Files::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Replaces text in a file; it must be there.
#[track_caller]
fn edit(files: &mut Files, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    files.insert(file.to_owned(), text.replacen(from, to, 1).into_bytes());
}

fn remove(files: &mut Files, folder: &str) {
    files.retain(|path, _| !path.starts_with(&format!("{folder}/")));
}

/// The smallest solution, with more lines of `spec`.
fn minimal(name: &str, more: &str) -> Vec<u8> {
    format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         owner: group:lab\n  image: registry.example/lab/{name}:1.0.0@sha256:{}\n{more}",
        "a".repeat(64)
    )
    .into_bytes()
}

fn read(files: &Files, digit: &str) -> Catalog {
    let mut snapshot = of_files(files, BTreeMap::new());
    snapshot.revision = Revision::parse(&digit.repeat(40)).unwrap();
    catalog::read(&snapshot, &mut catalog::Memory::default())
}

/// The day of every review here.
fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn review(old: &Files, new: &Files, earlier: &[&str]) -> Review {
    let instance = InstanceName::parse("prod").unwrap();
    let then = Earlier {
        revision: Revision::parse(&"c".repeat(40)).unwrap(),
        committed: now() - SignedDuration::from_hours(3 * 24),
    };
    let earlier = earlier.iter().map(|folder| ((*folder).to_owned(), then.clone())).collect();
    let setting = Setting {
        instance: &instance,
        now: now(),
        brake: Brake { max_removed_share: 0.2, max_deletions: 100 },
        earlier: &earlier,
    };
    change::between(&read(old, "a"), &read(new, "b"), &setting)
}
