use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::catalog::snapshot::{File, Folder, Snapshot};
use crate::catalog::{self, Catalog, Memory};
use crate::model::{ContentHash, InstanceName, TreeId};

mod answers;
mod hostile;

const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  \
                        domain: demo.example\n";

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

/// A solution's file with these lines below `spec`.
fn solution(name: &str, body: &str) -> String {
    let image = if body.contains("image:") {
        String::new()
    } else {
        format!("  image: registry.example/{name}:1@sha256:{}\n", "a".repeat(64))
    };
    format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         owner: group:lab\n{image}{body}"
    )
}

/// What a commit holds with these lines below the platform's `spec` and below each solution's.
pub(crate) fn snapshot(digit: &str, platform: &str, solutions: &[(&str, &str)]) -> Snapshot {
    let folder = |name: &str, body: &str| {
        let text = solution(name, body);
        let tree = TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap();
        let files = [("solution.yaml".to_owned(), file(&text))].into_iter().collect();
        Arc::new(Folder { tree, files, oddities: BTreeMap::new() })
    };
    let folders: BTreeMap<String, Arc<Folder>> =
        solutions.iter().map(|(name, body)| ((*name).to_owned(), folder(name, body))).collect();
    Snapshot {
        revision: Revision::parse(&digit.repeat(40)).unwrap(),
        committed: Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"0".repeat(40)).unwrap(),
        platform: Some(file(&format!("{PLATFORM}{platform}"))),
        folders: Arc::new(folders),
        oddities: BTreeMap::new(),
    }
}

fn catalog(digit: &str, platform: &str, solutions: &[(&str, &str)]) -> Catalog {
    catalog::read(&snapshot(digit, platform, solutions), &mut Memory::default())
}

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn compare(base: &Catalog, head: &Catalog) -> Review {
    let instance = InstanceName::parse("prod").unwrap();
    let brake = Brake { max_removed_share: 0.2, max_deletions: 100 };
    let earlier = BTreeMap::new();
    between(base, head, &Setting { instance: &instance, now: now(), brake, earlier: &earlier })
}

/// What a merge does to the one solution `use`, on a platform with these lines.
#[track_caller]
fn touched(platform: &str, old: Option<&str>, new: Option<&str>) -> Touched {
    let side = |digit: &str, body: Option<&str>| {
        let solutions: Vec<(&str, &str)> = body.iter().map(|body| ("use", *body)).collect();
        let catalog = catalog(digit, platform, &solutions);
        assert!(catalog.platform.is_ok(), "{:#?}", catalog.platform);
        catalog
    };
    let review = compare(&side("a", old), &side("b", new));
    let one = review.touched.into_iter().next().unwrap_or_else(|| panic!("nothing is touched"));
    assert_ne!(one.what, What::Refused, "{:#?}", one.faults);
    one
}

/// What is said of a value before and after.
fn fact<'a>(one: &'a Touched, label: &str) -> Option<(Option<&'a str>, Option<&'a str>)> {
    let fact = one.facts.iter().find(|fact| fact.label() == label)?;
    Some((fact.now.as_deref(), fact.then.as_deref()))
}

fn said(sentences: &[Sentence]) -> BTreeSet<String> {
    sentences.iter().map(ToString::to_string).collect()
}
