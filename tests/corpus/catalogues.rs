//! The catalogues of `tests/catalogues`: what is accepted, and what is refused in which words.
//!
//! A folder below `valid/` must be read without a fault. A folder below `invalid/` holds
//! `expected.txt`: what a person sees. `UPDATE_GOLDEN=1` rewrites them; read the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine_core::catalog::fault::{code, human};
use vitrine_core::catalog::solution::{Exposure, Scaling, Shape};
use vitrine_core::catalog::{self, Catalog, Memory};
use vitrine_core::model::ClaimedName;

use super::from_folder::snapshot;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogues")
}

/// The day on which the corpus is read.
const TODAY: jiff::civil::Date = jiff::civil::Date::constant(2026, 11, 26);

/// The cases of a sort, by name.
pub fn cases(sort: &str) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(root().join(sort)).expect("the corpus is there");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let folders = paths.filter(|path| path.is_dir());
    folders
        .map(|path| {
            let name = path.file_name().expect("a folder has a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect()
}

fn read(folder: &Path) -> Catalog {
    catalog::read(&snapshot(folder), &mut Memory::default())
}

/// Everything that is wrong, as a person reads it.
fn told(catalog: &Catalog) -> String {
    let mut text = String::new();
    for fault in catalog.platform.as_ref().err().into_iter().flatten() {
        let _ = writeln!(text, "{}", human(fault));
    }
    for fault in catalog.refused.values().flat_map(|refused| &refused.faults) {
        let _ = writeln!(text, "{}", human(fault));
    }
    for fault in catalog.warnings.iter().chain(catalog.said_on(TODAY)) {
        let _ = writeln!(text, "{}", human(fault));
    }
    let good: Vec<&str> = catalog.solutions.keys().map(|name| name.as_str()).collect();
    let refused: Vec<&str> = catalog.refused.keys().map(ClaimedName::as_str).collect();
    let names: Vec<&str> = catalog.protected.names.iter().map(ClaimedName::as_str).collect();
    let _ = writeln!(text, "solutions: {}", good.join(", "));
    let _ = writeln!(text, "refused: {}", refused.join(", "));
    let _ = writeln!(text, "protected: {}", names.join(", "));
    if let Some(reason) = &catalog.protected.all {
        let _ = writeln!(text, "protected altogether: {reason}");
    }
    text
}

#[test]
fn every_valid_catalogue_is_read_without_a_fault() {
    let cases = cases("valid");
    assert!(cases.len() >= 6, "{}", cases.len());
    for (name, folder) in cases {
        let catalog = read(&folder);
        assert!(catalog.platform.is_ok(), "{name}:\n{}", told(&catalog));
        assert!(catalog.refused.is_empty(), "{name}:\n{}", told(&catalog));
        assert!(!catalog.solutions.is_empty(), "{name} holds no solution");
        assert_eq!(catalog.protected, catalog::Protected::default(), "{name}");
    }
}

#[test]
fn every_invalid_catalogue_is_refused_in_the_words_of_its_golden_file() {
    let cases = cases("invalid");
    assert!(cases.len() >= 25, "{}", cases.len());
    let mut wrong = String::new();
    for (name, folder) in cases {
        let catalog = read(&folder);
        assert!(!catalog.refused.is_empty() || catalog.platform.is_err(), "{name} is accepted");
        let golden = folder.join("expected.txt");
        let told = told(&catalog);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &told).expect("the golden file can be written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if told != expected {
            let _ = writeln!(wrong, "--- {name}: expected\n{expected}\n+++ found\n{told}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_refused_name_is_always_protected() {
    for (name, folder) in cases("invalid") {
        let catalog = read(&folder);
        for refused in catalog.refused.values() {
            let last = refused.folder.rsplit('/').next().unwrap_or_default();
            assert!(catalog.protected.covers(last), "{name}: {last}");
            assert!(!refused.faults.is_empty(), "{name}: {last} is refused without a word");
        }
        if catalog.platform.is_err() {
            assert!(catalog.protected.all.is_some(), "{name}");
        }
        for solution in catalog.solutions.keys() {
            assert!(!catalog.refused.contains_key(solution.as_str()), "{name}: {solution}");
        }
    }
}

#[test]
fn every_fault_of_the_corpus_has_a_code_of_the_table_and_a_place() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, folder) in cases("invalid") {
        let catalog = read(&folder);
        let of_platform = catalog.platform.as_ref().err().into_iter().flatten();
        let of_folders = catalog.refused.values().flat_map(|refused| &refused.faults);
        for fault in
            of_platform.chain(of_folders).chain(&catalog.warnings).chain(catalog.said_on(TODAY))
        {
            assert!(code::title(fault.code).is_some(), "{name}: {}", fault.code);
            assert!(fault.line >= 1 && fault.column >= 1, "{name}: {fault}");
            *seen.entry(fault.code).or_default() += 1;
        }
    }
    for page in code::pages() {
        let elsewhere = GENERATED.iter().any(|(code, _)| *code == page.code);
        let settings = page.code.starts_with("V07"); // src/core/config/tests.rs
        let shown = seen.contains_key(page.code);
        assert!(shown || settings || elsewhere, "no case shows {}: {}", page.code, page.title);
        assert!(!(shown && elsewhere), "{} has a case now: take it off the list", page.code);
    }
}

/// Codes that no small folder of plain files can show, and the test that shows them.
const GENERATED: [(&str, &str); 16] = [
    (code::TOO_MANY_FAULTS, "corpus::hostile::hostile_files_get_a_named_fault_and_get_it_promptly"),
    (code::TOO_LARGE, "corpus::hostile::hostile_files_get_a_named_fault_and_get_it_promptly"),
    (code::TOO_MANY_NODES, "corpus::hostile::hostile_files_get_a_named_fault_and_get_it_promptly"),
    (code::SYMBOLIC_LINK, "cli::check::what_is_no_plain_file_is_named_and_never_opened"),
    (code::SUBMODULE, "cli::check::what_is_no_plain_file_is_named_and_never_opened"),
    (code::NAME_NOT_UTF8, "cli::check::what_is_no_plain_file_is_named_and_never_opened"),
    (code::TOO_MANY_FILES, "cli::check::a_folder_of_ten_thousand_files_is_refused_alone"),
    (code::NOT_A_FILE, "cli::check::what_is_no_plain_file_is_named_and_never_opened"),
    (
        code::REFUSED_BY_CLUSTER,
        "cluster::what_would_be_refused_is_told_before_the_merge::\
         a_policy_of_the_cluster_fails_the_head_of_who_may_write::sandbox",
    ),
    (code::IMAGE_NOT_HAD, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (code::NO_IMAGE, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (code::IMAGE_PROCESSOR, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (code::IMAGE_ROOT, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (code::IMAGE_USER_NAMED, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (code::IMAGE_PORT, "cli::images::what_a_registry_says_stands_at_the_line_of_each_image"),
    (
        code::IMAGE_ONE_PROCESSOR,
        "cli::images::what_a_registry_says_stands_at_the_line_of_each_image",
    ),
];

#[test]
fn the_example_catalogue_is_read_without_a_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let catalog = read(&folder);
    assert!(catalog.refused.is_empty() && catalog.platform.is_ok(), "{}", told(&catalog));
    assert_eq!(catalog.warnings, [], "{}", told(&catalog));
    let names: Vec<&str> = catalog.solutions.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["anomaly", "part-comparer", "tourism", "use"]);

    let anomaly = &catalog.solutions["anomaly"];
    assert_eq!(anomaly.shape, Shape::Configurations);
    let hosts: Vec<&str> = anomaly
        .components
        .values()
        .filter_map(|component| match &component.exposure {
            Exposure::Public { host, .. } => Some(host.as_str()),
            Exposure::Private => None,
        })
        .collect();
    assert_eq!(
        hosts,
        [
            "anomaly--conveyors.demo.example",
            "anomaly--pumps.demo.example",
            "anomaly--spindles.demo.example"
        ]
    );
    let pumps = &anomaly.components["pumps"];
    assert_eq!(pumps.env["ALGORITHM"], "isolation-forest");
    assert_eq!(pumps.env["LOG_LEVEL"], "info");
    assert!(pumps.files.contains_key("/config/model.yaml"));

    let comparer = &catalog.solutions["part-comparer"];
    assert_eq!(comparer.components["api"].env["COMPARE_URL"], "http://compare");
    assert_eq!(comparer.components["compare"].exposure, Exposure::Private);
    let Scaling::Autoscaled { range, cooldown, .. } = &comparer.components["web"].scaling else {
        unreachable!("the web page sleeps")
    };
    assert_eq!((range.min(), cooldown.as_secs()), (0, 45 * 60));
}
