//! `docs/faults`: one page a code, made from the table of codes, and examples that are true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine_core::catalog::{self, Memory};
use vitrine_core::config;
use vitrine_core::model::Party;
use vitrine_core::model::fault::Fault;
use vitrine_core::model::fault::code::{self, Example, Page};

use super::from_folder::{Files, of_files};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults")
}

/// What the folder should hold, by file name.
fn pages() -> Vec<(String, String)> {
    let mut index = "# Faults\n\nEvery fault that `vitrine check` and the daemon can tell, by its \
                     code. `vitrine check --explain V0207` prints a page. These pages are made from \
                     the table in `src/core/model/fault/code/`; `UPDATE_GOLDEN=1` writes them anew \
                     (`tests/corpus/pages.rs`).\n"
        .to_owned();
    let titles = [
        ("V01", "Files and YAML"),
        ("V02", "Keys and sorts of values"),
        ("V03", "Values and limits"),
        ("V04", "References"),
        ("V05", "Across a file or the catalogue"),
        ("V06", "The platform"),
        ("V07", "The daemon's settings"),
        ("V08", "Images, where `check --images` asks for them"),
        ("V10", "The cluster, where the daemon asks it before a merge"),
        ("V90", "Warnings, which refuse nobody"),
    ];
    for (start, title) in titles {
        let _ = writeln!(index, "\n## {title}\n\n| code | | mended by |\n|---|---|---|");
        for page in code::pages().filter(|page| page.code.starts_with(start)) {
            let mends: Vec<String> = page.mends.iter().map(Party::to_string).collect();
            let Page { code, title, .. } = page;
            let _ = writeln!(index, "| [{code}]({code}.md) | {title} | {} |", mends.join(" or "));
        }
    }
    let mut all: Vec<(String, String)> =
        code::pages().map(|page| (format!("{}.md", page.code), page.markdown())).collect();
    all.push(("README.md".to_owned(), index));
    all
}

#[test]
fn the_pages_are_those_of_the_table() {
    let pages = pages();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
        for (name, text) in &pages {
            fs::write(folder().join(name), text).unwrap();
        }
    }
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<String> = pages.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(there, wanted);
    for (name, text) in pages {
        let found = fs::read_to_string(folder().join(&name)).unwrap();
        assert_eq!(found, text, "docs/faults/{name} is stale: UPDATE_GOLDEN=1 writes it anew");
        assert!(!text.contains("  \n"), "{name}");
    }
    let index = fs::read_to_string(folder().join("README.md")).unwrap();
    assert!(code::pages().all(|page| index.contains(&format!("[{}]", page.code))));
}

const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  \
                        domain: demo.example\n  registries: {allow: [\"registry.example/*\"]}\n  \
                        gallery: {categories: [product-development]}\n";
const IMAGE: &str = "  image: registry.example/lab/use:1@sha256:\
                     a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\n";
const ENVELOPE: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}\n";

/// The catalogue that an example is a file of.
fn files(example: &Example) -> Option<Files> {
    let (platform, solution) = match example {
        Example::Spec(lines) => {
            let has_image = lines.starts_with("image:") || lines.starts_with("components:");
            let image = if has_image { "" } else { IMAGE };
            (PLATFORM.to_owned(), format!("{ENVELOPE}{}{image}", example.text()))
        }
        Example::Solution(_) => (PLATFORM.to_owned(), example.text()),
        Example::Platform(_) => {
            let envelope = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\n";
            (format!("{envelope}{}", example.text()), format!("{ENVELOPE}spec:\n{IMAGE}"))
        }
        Example::Settings(_) | Example::Shown(_) => return None,
    };
    let files = [
        ("platform.yaml", platform.as_str()),
        ("use/solution.yaml", solution.as_str()),
        ("use/configs/model.yaml", "a: 1\n"),
        ("use/examples/embed.json", "{\"path\": \"/embed\"}\n"),
    ];
    Some(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
}

/// Everything that is said about an example which is a file.
fn judged(example: &Example) -> Option<Vec<Fault>> {
    if let Example::Settings(text) = example {
        let file = config::File { name: "vitrine.yaml", text };
        let read = config::read(Some(file), &BTreeMap::new(), &BTreeMap::new());
        return Some(read.err().unwrap_or_default());
    }
    let files = files(example)?;
    let catalog = catalog::read(&of_files(&files, Default::default()), &mut Memory::default());
    let mut faults = catalog.platform.as_ref().err().cloned().unwrap_or_default();
    faults.extend(catalog.refused.values().flat_map(|refused| refused.faults.clone()));
    let today = jiff::civil::Date::constant(2026, 11, 26);
    faults.extend(catalog.said_on(today).cloned());
    faults.extend(catalog.warnings);
    Some(faults)
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{}: {fault}\n", fault.code)).collect()
}

#[test]
fn a_wrong_example_has_its_fault_and_a_right_one_has_none_of_it() {
    let (mut judged_ones, mut untrue) = (0, String::new());
    for page in code::pages() {
        let Page { code, wrong, right, .. } = page;
        if let Some(faults) = judged(wrong) {
            judged_ones += 1;
            if !faults.iter().any(|fault| fault.code == *code) {
                let _ = writeln!(untrue, "{code}, wrong:\n{}", told(&faults));
            }
        }
        if let Some(faults) = judged(right) {
            // A right example may be a part of a file; what it shows must be right.
            let whole =
                matches!(right, Example::Spec(_) | Example::Platform(_) | Example::Settings(_));
            let bad: Vec<Fault> = faults
                .into_iter()
                .filter(|f| f.code == *code || (whole && f.code < "V9"))
                .collect();
            if !bad.is_empty() {
                let _ = writeln!(untrue, "{code}, right:\n{}", told(&bad));
            }
        }
    }
    assert!(untrue.is_empty(), "{untrue}");
    assert!(judged_ones > 45, "{judged_ones}");
}

/// Pages that show something else than a fix writes: a shorter file, the digest behind a tag, times
/// that one would want, a domain without the quotes that it had.
const OTHERWISE: [&str; 4] = ["V0110", "V0308", "V0324", "V0602"];

#[test]
fn what_check_fix_writes_is_what_the_page_shows() {
    let (mut alike, mut otherwise) = (0, BTreeSet::new());
    for Page { code, wrong, right, .. } in code::pages() {
        let (Some(wrong), Some(right)) = (files(wrong), files(right)) else { continue };
        let mended = catalog::mend(&of_files(&wrong, Default::default()), |_| true);
        for (file, text) in mended.written {
            if right[&file] == *text {
                alike += 1;
            } else {
                otherwise.insert(*code);
            }
        }
    }
    assert_eq!(otherwise, OTHERWISE.into());
    assert!(alike > 10, "{alike}");
}
