use std::collections::BTreeSet;
use std::sync::Arc;

use super::scene::{SOLUTION, Scene};
use crate::git::Source;
use vitrine_core::model::Revision;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn at_tip(scene: &Scene) -> (Source, Revision) {
    let mut source = scene.open();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    (source, tip)
}

#[tokio::test]
async fn each_commit_names_the_folders_it_changed() {
    let scene = Scene::new();
    let first = scene.published();
    scene.put("group/other/solution.yaml", SOLUTION);
    scene.put("use/inner/a.txt", "a");
    let second = scene.commit();
    scene.put("platform.yaml", "kind: Platform\n");
    scene.put("_draft/x/solution.yaml", SOLUTION);
    let third = scene.commit();
    scene.git(&["mv", "use/solution.yaml", "use/gone.yaml"]);
    let fourth = scene.commit();
    scene.git(&["rm", "-rq", "group"]);
    let fifth = scene.commit();

    let (mut source, tip) = at_tip(&scene).await;
    let changes = source.changes(Some(&first), &tip).await.unwrap();
    assert!(!changes.rewritten);
    let found: Vec<_> = changes
        .commits
        .into_iter()
        .map(|change| (change.revision, change.folders, change.platform))
        .collect();
    assert_eq!(
        found,
        [
            (second, set(&["group/other", "use"]), false),
            (third, set(&[]), true),
            (fourth.clone(), set(&["use", "use/inner"]), false),
            (fifth.clone(), set(&["group/other"]), false),
        ]
    );
    let nothing = source.changes(Some(&fifth), &fifth).await.unwrap();
    assert!(nothing.commits.is_empty() && !nothing.rewritten);
    let head = source.changes(None, &fifth).await.unwrap();
    assert_eq!(head.commits.len(), 1);
}

#[tokio::test]
async fn a_rewrite_is_told_from_a_fast_forward() {
    let scene = Scene::new();
    let first = scene.published();
    scene.put("use/solution.yaml", "kind: Solution\n# 2\n");
    let lost = scene.commit();
    let (mut source, _) = at_tip(&scene).await;

    scene.git(&["reset", "-q", "--hard", first.as_str()]);
    scene.put("use/solution.yaml", "kind: Solution\n# 3\n");
    let new = scene.commit();
    assert_eq!(source.tip().await.unwrap(), new);
    source.fetch(&new).await.unwrap();
    let changes = source.changes(Some(&lost), &new).await.unwrap();
    assert!(changes.rewritten);
    assert_eq!(changes.commits.len(), 1);
    assert_eq!(changes.commits[0].revision, new);
    assert!(!source.changes(Some(&first), &new).await.unwrap().rewritten);

    let never = Revision::parse(&"1".repeat(40)).unwrap();
    assert!(source.changes(Some(&never), &new).await.unwrap().rewritten);
    drop(source);
    let (mut again, _) = at_tip(&scene).await;
    assert!(again.changes(Some(&lost), &new).await.unwrap().rewritten, "also after a restart");
}

/// main: first - middle - merge(side) - last; the branch `side` changes `b`.
fn merged(scene: &Scene) -> [Revision; 4] {
    scene.put("a/solution.yaml", SOLUTION);
    scene.put("b/solution.yaml", SOLUTION);
    scene.put("c/solution.yaml", SOLUTION);
    let first = scene.commit();
    scene.git(&["checkout", "-q", "-b", "side"]);
    scene.put("b/solution.yaml", "kind: Solution\n# b\n");
    let side = scene.commit();
    scene.git(&["checkout", "-q", "main"]);
    scene.put("a/solution.yaml", "kind: Solution\n# a\n");
    scene.commit();
    scene.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let merge = scene.head();
    scene.put("d/solution.yaml", SOLUTION);
    let last = scene.commit();
    [first, side, merge, last]
}

#[tokio::test]
async fn a_merge_is_the_commit_that_changed_what_its_branch_changed() {
    let scene = Scene::new();
    let [first, side, merge, last] = merged(&scene);
    let (mut source, tip) = at_tip(&scene).await;
    let wanted = source.read(&tip).await.unwrap().folders;
    let found = source.last_changes(&tip, &wanted).await.unwrap();
    assert_eq!(found["b"], merge);
    assert_eq!(found["c"], first);
    assert_eq!(found["d"], last);
    assert_ne!(found["a"], merge);

    // The commit of a side branch is an ancestor although no first parent is.
    let changes = source.changes(Some(&side), &tip).await.unwrap();
    assert!(!changes.rewritten);
    assert_eq!(changes.commits.len(), 3, "{changes:?}");

    scene.put("c/solution.yaml", "kind: Solution\n# c\n");
    let newest = scene.commit();
    source.fetch(&newest).await.unwrap();
    let again = source.last_changes(&newest, &wanted).await.unwrap();
    assert_eq!(again["c"], newest);
    assert_eq!(again["b"], merge, "what an earlier walk found is still true");
    let first_now = source.last_changes(&first, &wanted).await.unwrap();
    assert_eq!(first_now["a"], first, "and is not taken for an older commit");
}

#[tokio::test]
async fn commits_that_touch_no_folder_share_the_records_of_before() {
    let scene = Scene::new();
    let first = scene.published();
    let (mut source, tip) = at_tip(&scene).await;
    let folders = source.read(&tip).await.unwrap().folders;
    let records = source.last_changes(&tip, &folders).await.unwrap();
    for text in ["one", "two"] {
        scene.put("README.md", text);
        scene.commit();
    }
    let second = source.tip().await.unwrap();
    source.fetch(&second).await.unwrap();
    let folders = source.read(&second).await.unwrap().folders;
    let again = source.last_changes(&second, &folders).await.unwrap();
    assert!(Arc::ptr_eq(&records, &again));

    // Changed and changed back: the folder is as it was, and goes by another commit.
    let text = std::fs::read_to_string(scene.work().join("use/solution.yaml")).unwrap();
    scene.put("use/solution.yaml", "kind: Solution\n# between\n");
    scene.commit();
    scene.put("use/solution.yaml", &text);
    let back = scene.commit();
    source.fetch(&back).await.unwrap();
    let folders = source.read(&back).await.unwrap().folders;
    assert_eq!(source.last_changes(&back, &folders).await.unwrap()["use"], back);
    // And of an older commit what was so then.
    assert_eq!(source.last_changes(&second, &folders).await.unwrap()["use"], first);
}
