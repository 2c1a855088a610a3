//! `demo`: its one pass, and what it says when it cannot begin.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::binary::{Finished, finish, vitrine};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The demo as on a fresh clone; only its temporary files go elsewhere.
fn demo(home: &Path, arguments: &[&str]) -> Finished {
    finish(vitrine(home).current_dir(ROOT).arg("demo").args(arguments))
}

#[test]
fn the_demo_publishes_four_solutions_and_leaves() {
    let home = tempfile::tempdir().unwrap();
    let run = demo(home.path(), &["--once"]).exits(0).says(&["4 solutions: 4 Synced"]);
    for name in ["anomaly", "part-comparer", "tourism", "use"] {
        let row = run.out.lines().find(|line| line.starts_with(name)).expect(name);
        assert!(row.contains("Synced"), "{row}");
    }
    assert_eq!(run.err, "");
    assert!(!run.out.contains(ROOT), "where it was built is nobody's business: {}", run.out);
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().collect();
    assert!(left.is_empty(), "its temporary folder stays behind: {left:?}");
}

#[test]
fn the_demo_as_json_is_one_document() {
    let home = tempfile::tempdir().unwrap();
    let run = demo(home.path(), &["--once", "--format", "json"]).exits(0);
    let board = run.json();
    assert_eq!(board["revision"].as_str().map(str::len), Some(40), "{board:#}");
    let solutions = board["solutions"].as_array().unwrap();
    assert_eq!(solutions.len(), 4);
    for solution in solutions {
        let keys: Vec<&str> = solution.as_object().unwrap().keys().map(String::as_str).collect();
        for key in ["name", "sync", "stage", "health", "party", "reason", "next", "url"] {
            assert!(solution[key].is_string(), "{key} of {keys:?}");
        }
        assert_eq!(solution["sync"], "Synced");
        assert_eq!(solution["revision"], board["revision"]);
        assert!(solution["objects"].as_u64().unwrap() > 5);
    }
    assert!(!run.out.contains(ROOT));
}

#[test]
fn a_demo_without_a_catalogue_says_so() {
    let home = tempfile::tempdir().unwrap();
    finish(vitrine(home.path()).args(["demo", "--once"]))
        .exits(2)
        .says(&["there is no folder catalog", "--catalog"]);
    demo(home.path(), &["--once", "--catalog", "no/such/folder"])
        .exits(2)
        .says(&["there is no folder no/such/folder", "--catalog"]);
}

#[test]
fn a_demo_of_an_empty_folder_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("empty")).unwrap();
    finish(vitrine(home.path()).args(["demo", "--once", "--catalog", "empty"])).exits(1).says(&[
        "platform.yaml",
        "nothing is published without it",
        "no solution",
    ]);
}

#[test]
fn a_port_in_use_is_named_before_anything_is_begun() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = demo(home.path(), &["--listen", &address]).exits(2);
    let run = run.says(&[&address, "in use", "--listen"]);
    assert!(!run.err.contains("settings"), "the demo has none: {}", run.err);
    let kept = home.path().join("kept");
    demo(home.path(), &["--listen", &address, "--dir", kept.to_str().unwrap()]).exits(2);
    assert!(!kept.exists(), "half a demo is left behind");
    demo(home.path(), &["--listen", "nonsense"]).exits(2).says(&["nonsense", "--listen"]);
}

#[test]
fn the_demo_leaves_the_folder_it_was_given_as_a_repository() {
    let home = tempfile::tempdir().unwrap();
    demo(home.path(), &["--once", "--dir", home.path().join("kept").to_str().unwrap()]).exits(0);
    let mut git = Command::new("git");
    git.arg("-C").arg(home.path().join("kept/catalogue")).args(["status", "--porcelain"]);
    let done = git.output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "", "the work tree is clean");
}
