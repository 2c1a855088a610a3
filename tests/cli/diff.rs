//! `diff`: what a merge would change, in a clone and without anything else.

use std::path::Path;

use serde_json::Value;

use crate::support::binary::{Finished, finish, vitrine};
use crate::support::catalogue::{Catalogue, image, minimal};

/// Runs it in a folder of the clone.
fn diff(at: &Path, arguments: &[&str]) -> Finished {
    finish(vitrine(at).arg("diff").args(arguments))
}

/// `main` with a later commit of its own, and `feature` that changes one, adds one, removes one.
fn branched() -> Catalogue {
    let catalogue = Catalogue::of(&["one", "two", "three"]);
    catalogue.git(&["checkout", "-q", "-b", "feature"]);
    catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    catalogue.remove("two");
    catalogue.write("four/solution.yaml", &minimal("four"));
    catalogue.commit("This and that");
    catalogue.git(&["checkout", "-q", "main"]);
    catalogue.write("five/solution.yaml", &minimal("five"));
    catalogue.commit("Meanwhile");
    catalogue
}

fn whats(review: &Value) -> Vec<(String, String)> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let all = review["solutions"].as_array().unwrap().iter();
    all.map(|one| (text(one, "name"), text(one, "what"))).collect()
}

#[test]
fn what_a_merge_would_change_is_told_and_not_what_the_branch_lacks() {
    let catalogue = branched();
    let run = diff(&catalogue.path(), &["main..feature", "--format", "json"]);
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let review: Value = serde_json::from_str(&run.out).unwrap();
    let expected = [("four", "appears"), ("one", "changes"), ("two", "disappears")];
    assert_eq!(whats(&review), expected.map(|(name, what)| (name.to_owned(), what.to_owned())));
    assert_eq!(review["untouched"], 2, "five, which the branch lacks, stays");
    for same in ["main...feature", "refs/heads/main..feature"] {
        let again = diff(&catalogue.path(), &[same, "--format", "json"]);
        assert_eq!(again.out, run.out, "{same}");
    }
    let page = diff(&catalogue.path(), &["main..feature"]).out;
    for word in
        ["1 new, 1 changed, 1 removed; 2 solutions as before", "who can reach it", "two  removed"]
    {
        assert!(page.contains(word), "{page}");
    }
    let page = diff(&catalogue.path(), &["main..feature", "--objects"]).out;
    assert!(page.contains("spec.template.spec.containers[name=app].image"), "{page}");
    let page = diff(&catalogue.path(), &["main..feature", "--format", "markdown"]).out;
    assert!(page.contains("### `four` · new"), "{page}");
}

#[test]
fn a_clone_is_read_from_any_folder_of_it_and_nothing_is_written_there() {
    let catalogue = branched();
    let objects = || {
        let count = catalogue.git(&["count-objects", "-v"]);
        (count, catalogue.git(&["status", "--porcelain"]), catalogue.git(&["for-each-ref"]))
    };
    let before = objects();
    let here = diff(&catalogue.path(), &["main..feature"]);
    assert_eq!(diff(&catalogue.path().join("one"), &["main..feature"]).out, here.out);
    let path = catalogue.path();
    let named = diff(Path::new("/"), &["main..feature", "--repo", path.to_str().unwrap()]);
    assert_eq!(named.out, here.out);
    assert_eq!(objects(), before);
}

#[test]
fn a_catalogue_in_a_folder_of_the_repository_is_found() {
    let catalogue = Catalogue::of(&["one"]);
    catalogue.git(&["checkout", "-q", "-b", "moved"]);
    std::fs::create_dir(catalogue.path().join("demos")).unwrap();
    for entry in ["one", "platform.yaml"] {
        let to = catalogue.path().join("demos").join(entry);
        std::fs::rename(catalogue.path().join(entry), to).unwrap();
    }
    catalogue.commit("Below");
    catalogue.edit("demos/one/solution.yaml", &image('a'), &image('b'));
    catalogue.commit("Another image");
    let below = catalogue.path().join("demos");
    let run = diff(&below, &["HEAD~1"]);
    assert!(run.code == Some(1) && run.out.contains("one  changed"), "{}{}", run.out, run.err);
    let run = diff(&catalogue.path(), &["HEAD~1", "--catalog", "demos"]);
    assert!(run.code == Some(1) && run.out.contains("one  changed"), "{}{}", run.out, run.err);
}

#[test]
fn a_merge_that_people_must_decide_is_told_from_where_it_branched_off() {
    let catalogue = branched();
    catalogue.edit("one/solution.yaml", &image('a'), &image('c'));
    catalogue.commit("The same line");
    let run = diff(&catalogue.path(), &["main..feature"]);
    assert!(run.err.contains("a merge would have conflicts"), "{}", run.err);
    assert!(run.out.contains("one  changed") && !run.out.contains("five"), "{}", run.out);
}

#[test]
fn a_revert_is_known_as_one() {
    let catalogue = Catalogue::of(&["one"]);
    let first = catalogue.head();
    catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    catalogue.commit("Another image");
    catalogue.git(&["checkout", "-q", "-b", "back"]);
    catalogue.git(&["revert", "--no-edit", "HEAD"]);
    let run = diff(&catalogue.path(), &["main"]);
    let told = format!("identical to revision {} of just now", first.short());
    assert!(run.out.contains(&told), "{}", run.out);
}

#[test]
fn what_is_the_same_is_said_in_a_line_and_what_names_nothing_is_said_too() {
    let catalogue = branched();
    let at = catalogue.path();
    let run = diff(&at, &["main"]);
    assert!(
        run.code == Some(0) && run.out.contains("nothing changes; 4 solutions as before"),
        "{}",
        run.out
    );
    for (commits, words) in [
        ("no-such..main", "`no-such`"),
        ("main..no-such", "`no-such`"),
        ("..feature", "names no base"),
        ("HEAD:platform.yaml", "no commit"),
    ] {
        let run = diff(&at, &[commits]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{commits}");
        assert!(run.err.contains(words) && run.err.lines().count() == 1, "{}", run.err);
    }
    let empty = tempfile::tempdir().unwrap();
    let run = diff(empty.path(), &["main"]);
    assert!(run.code == Some(2) && run.err.contains("no Git repository"), "{}", run.err);
}

#[test]
fn a_refused_folder_and_a_refused_platform_are_told_with_their_faults() {
    let catalogue = Catalogue::of(&["one", "two"]);
    catalogue.git(&["checkout", "-q", "-b", "slip"]);
    catalogue.edit("one/solution.yaml", "spec:", "spec:\n  replica: 3");
    catalogue.commit("A typo");
    let run = diff(&catalogue.path(), &["main"]);
    assert_eq!(run.code, Some(1));
    for word in ["one  refused", "one/solution.yaml:6:3", "nothing of it is changed or deleted"] {
        assert!(run.out.contains(word), "{}", run.out);
    }
    // What a program reads of a fault, it reads of every command.
    catalogue.edit("one/solution.yaml", "replica: 3", "prot: 8081");
    catalogue.commit("Another one");
    let run = diff(&catalogue.path(), &["main", "--format", "json"]);
    let review: Value = serde_json::from_str(&run.out).unwrap();
    let fault = &review["solutions"][0]["faults"][0];
    assert_eq!(fault["fix"]["edits"][0]["text"], "port", "{fault:#}");
    catalogue.write("platform.yaml", "kind: [\n");
    catalogue.commit("A worse one");
    let run = diff(&catalogue.path(), &["main"]);
    assert!(run.code == Some(2) && run.err.contains("cannot be told"), "{}", run.err);
    assert!(run.out.contains("platform.yaml  refused"), "{}", run.out);
}
