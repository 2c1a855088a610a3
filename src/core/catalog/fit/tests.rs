#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::catalog::snapshot::{File, Folder};
use crate::catalog::{Memory, Snapshot, read};
use crate::model::{ContentHash, Revision, TreeId};

const DIGEST: &str = "sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b";
const SECURE: &str = "podSecurity: {runAsRoot: refuse}";
const NEW: &str = "cluster: {version: \"1.35\"}";
const RELAXED: &str = "cluster: {version: \"1.35\"}\n  podSecurity: {runAsRoot: userNamespace}";

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

fn build(architecture: &str) -> Build {
    Build {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
        user: "10001".to_owned(),
        ..Build::default()
    }
}

fn image(builds: impl IntoIterator<Item = Build>) -> Result<Image, NotHad> {
    Ok(Image { digest: DIGEST.to_owned(), builds: builds.into_iter().collect() })
}

/// `code line message` of each fault of a solution with these lines below `spec`, where every
/// registry says the same of every image.
#[track_caller]
fn faults(platform: &str, body: &str, said: &Result<Image, NotHad>) -> Vec<String> {
    let platform = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n  \
         {platform}\n"
    );
    let text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: use}}\nspec:\n{body}"
    );
    let tree = TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap();
    let files = [("solution.yaml".to_owned(), file(&text))].into_iter().collect();
    let folder = Arc::new(Folder { tree, files, oddities: BTreeMap::new() });
    let snapshot = Snapshot {
        revision: Revision::parse(&"0".repeat(40)).unwrap(),
        committed: jiff::Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"0".repeat(40)).unwrap(),
        platform: Some(file(&platform)),
        folders: BTreeMap::from([("nlp/use".to_owned(), folder)]).into(),
        oddities: BTreeMap::new(),
    };
    let catalog = read(&snapshot, &mut Memory::default());
    let solution = catalog.solutions.get("use").unwrap_or_else(|| panic!("{:#?}", catalog.refused));
    let platform = catalog.platform.as_ref().unwrap();
    let found = judge(solution, platform, text.as_bytes(), |_| Some(said));
    found
        .iter()
        .map(|fault| {
            assert_eq!(fault.file, "nlp/use/solution.yaml");
            assert!(
                fault.snippet.as_deref().is_some_and(|line| line.contains("image")),
                "{fault:?}"
            );
            format!("{} {} {}", fault.code, fault.line, fault.message)
        })
        .collect()
}

fn single(lines: &str) -> String {
    format!("  image: registry.example/lab/use:1@{DIGEST}\n{lines}")
}

#[test]
fn an_image_that_fits_is_told_of_by_nobody() {
    let amd = Build { ports: BTreeSet::from([8080, 9090]), ..build("amd64") };
    let good = image([amd, build("arm64")]);
    assert_eq!(faults(SECURE, &single(""), &good), Vec::<String>::new());
    assert_eq!(
        faults(SECURE, &single("  architectures: [amd64, arm64]\n"), &good),
        Vec::<String>::new()
    );
}

#[test]
fn who_an_image_runs_as_is_a_number_of_somebody_else_than_root() {
    for (user, told) in [
        ("", Some("V0804")),
        ("0", Some("V0804")),
        ("0:1000", Some("V0804")),
        ("00", Some("V0804")),
        ("root", Some("V0805")),
        ("app:app", Some("V0805")),
        ("-1", Some("V0805")),
        ("1000", None),
        ("65532:65532", None),
        ("10001:root", None),
    ] {
        let said = image([Build { user: user.to_owned(), ..build("amd64") }]);
        let found = faults(SECURE, &single(""), &said);
        let codes: Vec<&str> = found.iter().filter_map(|fault| fault.get(..5)).collect();
        assert_eq!(codes, told.into_iter().collect::<Vec<_>>(), "{user}");
        // Where root is nobody outside of the pod, everybody may be it.
        assert_eq!(faults(RELAXED, &single(""), &said), Vec::<String>::new(), "{user}");
    }
}

#[test]
fn an_image_is_built_for_each_node_that_it_may_get() {
    let both = || single("  architectures: [amd64, arm64]\n");
    let arm = || single("  architectures: [arm64]\n");
    let windows = Build { os: "windows".to_owned(), ..build("amd64") };
    for (body, said, expected) in [
        (
            both(),
            image([build("amd64")]),
            "V0803 5 `architectures` allows nodes of arm64, for which",
        ),
        (
            arm(),
            image([build("amd64")]),
            "V0803 5 `architectures` allows nodes of arm64, for which",
        ),
        (single(""), image([build("arm64")]), "V9011 5 the image is built for arm64 only"),
        (single(""), image([windows]), "V0803 5 the image is built for windows/amd64"),
        (single(""), image([build("riscv64")]), "V0803 5 the image is built for linux/riscv64"),
        (single(""), image([]), "V0803 5 the image is built for nothing"),
    ] {
        let found = faults(SECURE, &body, &said);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    }
    assert_eq!(faults(SECURE, &arm(), &image([build("arm64")])), Vec::<String>::new());
    // The build for the nodes that it never gets may run as whom it likes.
    let root = Build { user: String::new(), ..build("amd64") };
    assert_eq!(faults(SECURE, &arm(), &image([root, build("arm64")])), Vec::<String>::new());
}

#[test]
fn a_port_is_told_where_every_build_names_others() {
    let exposing =
        |ports: &[u16]| Build { ports: ports.iter().copied().collect(), ..build("amd64") };
    let found = faults(SECURE, &single(""), &image([exposing(&[7860, 80])]));
    let expected =
        "V9010 5 the image names the port 80 and 7860, the component `app` is asked at 8080";
    assert_eq!(found, [expected]);
    let one_says_nothing = image([exposing(&[80]), build("arm64")]);
    assert_eq!(faults(SECURE, &single(""), &one_says_nothing), Vec::<String>::new());
    assert_eq!(
        faults(SECURE, &single("  port: 7860\n"), &image([exposing(&[7860])])),
        Vec::<String>::new()
    );
}

#[test]
fn what_cannot_be_had_is_told_at_each_line_that_names_it_once() {
    let not_had = |code| NotHad {
        denial: Denial::Lacks,
        code,
        what: "registry.example has no tag `1`".to_owned(),
        help: "push it".to_owned(),
        party: Party::Author,
    };
    let missing = Err(not_had(code::IMAGE_NOT_HAD));
    let body = format!(
        "  components:\n    web:\n      image: registry.example/lab/web:1@{DIGEST}\n      expose: \
         {{path: /}}\n      dependsOn: [api]\n    api:\n      image: registry.example/lab/api:1@{DIGEST}\n      \
         volumes:\n        - {{name: model, image: \"registry.example/lab/model:1@{DIGEST}\", \
         mountPath: /model}}\n"
    );
    let lines = ["V0801 7 ", "V0801 11 ", "V0801 13 "]
        .map(|line| format!("{line}registry.example has no tag `1`"));
    assert_eq!(faults(NEW, &body, &missing), lines);
    // A mounted one need not be an image.
    let chart = Err(not_had(code::NO_IMAGE));
    let found = faults(NEW, &body, &chart);
    assert_eq!(found.len(), 2, "{found:?}");
    // Configurations share a line, and its faults, also those that name a component.
    let shared =
        single("  configurations:\n    small: {title: Small}\n    large: {title: Large}\n");
    assert_eq!(faults(SECURE, &shared, &missing).len(), 1);
    let elsewhere = image([Build { ports: BTreeSet::from([7860]), ..build("amd64") }]);
    assert_eq!(faults(SECURE, &shared, &elsewhere).len(), 1);
}
