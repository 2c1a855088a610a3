//! Golden files: `tests/golden/<case>/<Kind>-<name>.yaml`, one object a file.
//!
//! `UPDATE_GOLDEN=1 cargo test --test all golden` rewrites them; the diff is for a person.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine_core::render;

use super::fixtures::{Case, cases};

/// What a person still reads line by line.
const MOST_LINES: usize = 200;

#[test]
fn every_case_renders_to_its_golden_files() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differences = Vec::new();
    for case in cases() {
        let folder = golden().join(case.name);
        let rendered = rendered(&case);
        if update {
            write(&folder, &rendered);
        }
        let recorded = recorded(&folder);
        for name in rendered.keys().chain(recorded.keys()) {
            let (rendered, recorded) = (rendered.get(name), recorded.get(name));
            if rendered != recorded {
                differences.push(format!("{}/{name}: {}", case.name, first(rendered, recorded)));
            }
        }
    }
    differences.sort();
    differences.dedup();
    assert!(
        differences.is_empty(),
        "not as recorded (UPDATE_GOLDEN=1 rewrites):\n{}",
        differences.join("\n")
    );
}

#[test]
fn no_golden_folder_is_left_without_its_case() {
    let cases = cases();
    for entry in fs::read_dir(golden()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(cases.iter().any(|case| case.name == name), "tests/golden/{name} has no case");
    }
}

#[test]
fn a_golden_file_is_short_enough_to_be_read() {
    for case in cases() {
        for (name, text) in rendered(&case) {
            let lines = text.lines().count();
            assert!(lines <= MOST_LINES, "{}/{name} has {lines} lines", case.name);
        }
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// File name → text of what a case shows.
fn rendered(case: &Case) -> BTreeMap<String, String> {
    let desired = case.render();
    let shown = desired
        .objects
        .iter()
        .filter(|object| case.shows.is_empty() || case.shows.contains(&object.key.kind));
    let files = shown
        .map(|o| (format!("{}-{}.yaml", o.key.kind, o.key.name), render::yaml(&o.body)))
        .collect::<BTreeMap<_, _>>();
    assert!(!files.is_empty(), "{} shows nothing", case.name);
    files
}

fn recorded(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect()
}

fn write(folder: &Path, files: &BTreeMap<String, String>) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

/// The first line that differs, in words.
fn first(rendered: Option<&String>, recorded: Option<&String>) -> String {
    let (rendered, recorded) = match (rendered, recorded) {
        (None, _) => return "recorded, but no longer rendered".to_owned(),
        (_, None) => return "rendered, but not recorded".to_owned(),
        (Some(rendered), Some(recorded)) => (rendered, recorded),
    };
    let pairs = rendered.lines().zip(recorded.lines()).zip(1..);
    let different = pairs.into_iter().find(|((a, b), _)| a != b);
    match different {
        Some(((now, then), line)) => format!("line {line} was `{then}`, is `{now}`"),
        None => "one ends before the other".to_owned(),
    }
}
