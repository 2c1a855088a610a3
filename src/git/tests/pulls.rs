//! The head of a pull request is merged in memory, read, and let go.

use super::scene::{Scene, Server, git};
use crate::git::Source;
use vitrine_core::change::How;
use vitrine_core::model::Revision;

const PULL: &str = "refs/pull/7/head";

/// A branch with `use`, and a pull request that adds `two` and was branched off before `three` came.
fn proposed() -> (Scene, Revision, Revision) {
    let scene = Scene::new();
    scene.published();
    scene.git(&["checkout", "-q", "-b", "change"]);
    scene.put("two/solution.yaml", super::scene::SOLUTION);
    let head = scene.commit();
    scene.git(&["update-ref", PULL, head.as_str()]);
    scene.git(&["checkout", "-q", "main"]);
    scene.git(&["branch", "-qD", "change"]);
    scene.put("three/solution.yaml", super::scene::SOLUTION);
    let base = scene.commit();
    (scene, base, head)
}

async fn source(settings: &vitrine_core::config::Repository) -> Source {
    let mut source = Source::open(settings).unwrap();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    source
}

#[tokio::test]
async fn what_a_merge_would_leave_is_read_and_nothing_of_it_stays() {
    let (scene, base, head) = proposed();
    let server = Server::git(&scene, None);
    for url in [scene.local().url, server.url("work/.git")] {
        let settings = scene.settings(&url);
        let mut source = source(&settings).await;
        let compared = source.compare(PULL, &head, &base).await.unwrap();
        assert_eq!(compared.how, How::Merged, "{url}");
        let folders: Vec<&String> = compared.head.folders.keys().collect();
        assert_eq!(folders, ["three", "two", "use"]);
        assert_eq!((&compared.base.revision, &compared.head.revision), (&base, &head));
        assert!(!compared.base.folders.contains_key("two"));
        let mirror = settings.mirror.join("catalogue.git");
        let refs = git(&mirror, &["for-each-ref", "--format=%(refname)"]);
        assert_eq!(refs, "refs/vitrine/tip", "{url}");
        // The tree of the merge was made in memory alone.
        let trees = git(&mirror, &["cat-file", "--batch-all-objects", "--batch-check"]);
        let trees = trees.lines().filter(|line| line.contains(" tree ")).count();
        // Two roots of the branch's commits and one of the head's; `use`, `two` and `three` are
        // one tree, because they hold the same.
        assert_eq!(trees, 4, "{url}");
        // The branch is followed as before.
        assert_eq!(source.tip().await.unwrap(), base);
        assert!(source.read(&base).await.unwrap().folders.contains_key("three"));
        drop(source);
        std::fs::remove_dir_all(&settings.mirror).unwrap();
    }
}

#[tokio::test]
async fn a_head_that_was_pushed_over_is_told_and_not_taken_for_another() {
    let (scene, base, head) = proposed();
    let settings = scene.local();
    let mut source = source(&settings).await;
    scene.git(&["update-ref", PULL, base.as_str()]);
    let told = source.compare(PULL, &head, &base).await.unwrap_err().cause;
    assert!(told.contains(head.short()) && told.contains("another one was pushed"), "{told}");
    scene.git(&["update-ref", "-d", PULL]);
    let told = source.compare(PULL, &head, &base).await.unwrap_err().cause;
    assert!(told.contains(head.short()), "{told}");
    assert_eq!(source.tip().await.unwrap(), base, "and the branch is followed as before");
}

#[tokio::test]
async fn conflicts_and_a_head_that_is_merged_already_are_told_apart() {
    let (scene, _, head) = proposed();
    scene.put("two/solution.yaml", "kind: Other\n");
    let base = scene.commit();
    let settings = scene.local();
    let mut source = source(&settings).await;
    let compared = source.compare(PULL, &head, &base).await.unwrap();
    assert_eq!(compared.how, How::Branched);
    assert!(!compared.base.folders.contains_key("three"), "it is told from where it began");
    scene.git(&["update-ref", PULL, base.as_str()]);
    let compared = source.compare(PULL, &base, &base).await.unwrap();
    assert_eq!(compared.how, How::Merged);
    assert_eq!(compared.base.root, compared.head.root);
}

#[tokio::test]
async fn a_head_that_the_base_has_changes_nothing() {
    let scene = Scene::new();
    let head = scene.published();
    scene.git(&["update-ref", PULL, head.as_str()]);
    scene.put("two/solution.yaml", super::scene::SOLUTION);
    let base = scene.commit();
    let mut source = source(&scene.local()).await;
    let compared = source.compare(PULL, &head, &base).await.unwrap();
    assert_eq!((compared.how, &compared.head.revision), (How::Merged, &head));
    assert_eq!(compared.base.root, compared.head.root, "what came after it is not taken back");
}

#[tokio::test]
async fn an_author_without_an_address_does_not_hide_where_a_branch_began() {
    let (scene, _, head) = proposed();
    let tip = scene.head();
    let tree = scene.git(&["rev-parse", "HEAD^{tree}"]);
    let text = format!(
        "tree {tree}\nparent {}\nauthor A 1700000000 +0000\ncommitter A 1700000000 +0000\n\nodd\n",
        tip.as_str()
    );
    let text = scene.file("commit", &text);
    let make = format!("git hash-object -t commit -w --literally {}", text.display());
    scene.git(&["reset", "-q", "--hard", &scene.shell(&make)]);
    let base = scene.commit();
    let mut source = source(&scene.local()).await;
    let compared = source.compare(PULL, &head, &base).await.unwrap();
    assert_eq!(compared.how, How::Merged);
    let folders: Vec<&String> = compared.head.folders.keys().collect();
    assert_eq!(folders, ["three", "two", "use"], "nothing of the base is taken for removed");
}

#[tokio::test]
async fn a_folder_that_is_as_it_was_before_names_the_commit() {
    let scene = Scene::new();
    let first = scene.published();
    scene.put("use/README.md", "# Other\n");
    let base = scene.commit();
    scene.git(&["revert", "--no-edit", "HEAD"]);
    let head = scene.head();
    scene.git(&["update-ref", PULL, head.as_str()]);
    scene.git(&["reset", "-q", "--hard", base.as_str()]);
    let mut source = source(&scene.local()).await;
    let compared = source.compare(PULL, &head, &base).await.unwrap();
    assert_eq!(compared.earlier["use"].revision, first);
    assert_eq!(compared.earlier.len(), 1);
}

/// A pull request at another commit, which `make` leaves in the work tree.
fn pushes(scene: &Scene, head: &Revision, make: impl Fn(&Scene)) -> Revision {
    scene.git(&["checkout", "-q", head.as_str()]);
    make(scene);
    let head = scene.commit();
    scene.git(&["update-ref", PULL, head.as_str()]);
    scene.git(&["checkout", "-q", "main"]);
    head
}

#[tokio::test]
async fn noise_that_a_stranger_pushes_takes_no_room_and_can_be_merged_all_the_same() {
    let (scene, base, head) = proposed();
    let settings = scene.local();
    let mut source = source(&settings).await;
    let packs = settings.mirror.join("catalogue.git/objects/pack");
    let held = || -> u64 {
        let all = std::fs::read_dir(&packs).unwrap().flatten();
        all.map(|entry| entry.metadata().unwrap().len()).sum()
    };
    let before = held();
    let mut newest = head;
    for _ in 0..2 {
        newest = pushes(&scene, &newest, |scene| {
            scene.shell("head -c 9437184 /dev/urandom > two/noise.bin");
        });
        let compared = source.compare(PULL, &newest, &base).await.unwrap();
        assert!(compared.head.folders.contains_key("two"));
        assert!(held() < before + (1 << 20), "{} bytes more", held() - before);
    }
    scene.git(&["merge", "-q", "--no-edit", newest.as_str()]);
    let tip = source.tip().await.unwrap();
    assert_ne!(tip, base);
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("two"));
    let mirror = settings.mirror.join("catalogue.git");
    git(&mirror, &["fsck", "--connectivity-only", "--no-dangling"]);
}

#[tokio::test]
async fn a_few_kilobytes_that_unfold_to_more_than_anybody_may_hold_are_told() {
    let (scene, base, head) = proposed();
    let newest = pushes(&scene, &head, |scene| {
        let text = " ".repeat(512 * 1024);
        for solution in ["a", "b", "c"] {
            scene.put(&format!("{solution}/solution.yaml"), &format!("# {solution}\n"));
            for number in 0..62 {
                scene.put(&format!("{solution}/{number}.txt"), &text);
            }
        }
    });
    let mut source = source(&scene.local()).await;
    let told = source.compare(PULL, &newest, &base).await.unwrap_err().cause;
    assert!(told.contains("more than 64 MiB"), "{told}");
    assert!(source.compare(PULL, &newest, &base).await.is_err(), "and nobody else is hurt");
    assert_eq!(source.tip().await.unwrap(), base);
}
