//! Repositories that lack something, and commits that only git reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::scene::{SOLUTION, Scene, Server, git, impatient, open_with};
use crate::git::Source;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::{CommitState, CommitStatus};

/// One repository, reached in the three ways, each with a mirror of its own.
fn every_way(scene: &Scene, server: &Server, name: &str) -> Vec<(String, Source)> {
    let path = scene.folder.path().join(name);
    let path = path.to_str().unwrap();
    let urls = [path.to_owned(), format!("file://{path}"), server.url(name)];
    urls.into_iter()
        .enumerate()
        .map(|(n, url)| {
            let mut settings = scene.settings(&url);
            settings.mirror = mirror(scene, name, n);
            (url, open_with(&settings, impatient()))
        })
        .collect()
}

fn mirror(scene: &Scene, name: &str, n: usize) -> PathBuf {
    scene.folder.path().join(format!("mirror-{name}-{n}"))
}

/// Fetches twice in vain. The sentence blames the repository alone, and the mirror is not made
/// again for it.
async fn in_vain(mirror: &Path, source: &mut Source) -> String {
    let witness = mirror.join("catalogue.git/witness");
    std::fs::write(&witness, "").unwrap();
    let mut cause = String::new();
    for _ in 0..2 {
        let told = match source.tip().await {
            Ok(tip) => source.fetch(&tip).await.unwrap_err().cause,
            Err(unknown) => unknown.cause,
        };
        assert!(!told.contains("the mirror of"), "{told}");
        assert!(!told.contains('\n'), "{told}");
        cause = told;
    }
    assert!(witness.exists(), "the mirror was made again");
    cause
}

async fn read(source: &mut Source) -> Revision {
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("use"));
    tip
}

fn three_commits() -> Scene {
    let scene = Scene::new();
    for n in 0..3 {
        scene.put("use/solution.yaml", SOLUTION);
        scene.put("use/notes.md", &format!("{n}\n"));
        scene.commit();
    }
    scene
}

#[tokio::test]
async fn a_shallow_repository_is_named_with_its_cure() {
    let scene = three_commits();
    let clone = ["clone", "-q", "--no-local", "--bare", "--depth", "2", "work", "shallow"];
    git(scene.folder.path(), &clone);
    let server = Server::git(&scene, None);
    let mut ways = every_way(&scene, &server, "shallow");
    for (n, (url, source)) in ways.iter_mut().enumerate() {
        let cause = in_vain(&mirror(&scene, "shallow", n), source).await;
        assert!(cause.contains("shallow"), "{url}: {cause}");
        assert!(cause.contains("git fetch --unshallow"), "{url}: {cause}");
        assert!(cause.contains("`fetch-depth: 0`"), "{url}: {cause}");
    }
    git(&scene.folder.path().join("shallow"), &["fetch", "-q", "--unshallow"]);
    for (_, source) in &mut ways {
        assert_eq!(read(source).await, scene.head());
    }
}

#[tokio::test]
async fn a_partial_clone_is_named_with_its_cure() {
    let scene = three_commits();
    scene.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", scene.work().display());
    let clone = ["clone", "-q", "--bare", "--filter=blob:none", from.as_str(), "partial"];
    git(scene.folder.path(), &clone);
    // Git would fetch what is missing from where it was cloned.
    std::fs::rename(scene.work(), scene.folder.path().join("away")).unwrap();
    std::fs::create_dir(scene.work()).unwrap();
    git(&scene.work(), &["init", "-q", "-b", "main"]);
    let server = Server::git(&scene, None);
    for (n, (url, mut source)) in every_way(&scene, &server, "partial").into_iter().enumerate() {
        let cause = in_vain(&mirror(&scene, "partial", n), &mut source).await;
        if url.starts_with("http") {
            assert!(cause.contains("git fsck"), "{url}: {cause}");
        } else {
            assert!(cause.contains("partial clone"), "{url}: {cause}");
        }
        assert!(cause.contains("without `--filter`"), "{url}: {cause}");
    }
}

#[tokio::test]
async fn an_object_that_the_repository_lacks_is_its_own_fault() {
    for what in ["HEAD:use", "HEAD:use/notes.md", "HEAD~1", "HEAD~1^{tree}"] {
        let scene = three_commits();
        let lost = scene.git(&["rev-parse", what]);
        git(scene.folder.path(), &["clone", "-q", "--bare", "work", "lacking"]);
        let lacking = scene.folder.path().join("lacking");
        let file = |at: &Path| at.join("objects").join(&lost[..2]).join(&lost[2..]);
        let aside = scene.folder.path().join("aside");
        std::fs::rename(file(&lacking), &aside).unwrap();
        let server = Server::git(&scene, None);
        let mut ways = every_way(&scene, &server, "lacking");
        for (n, (url, source)) in ways.iter_mut().enumerate() {
            let cause = in_vain(&mirror(&scene, "lacking", n), source).await;
            assert!(cause.contains("git fsck"), "{url}, {what}: {cause}");
            if !url.starts_with("http") {
                assert!(cause.contains(&lost), "{url}, {what}: {cause}");
            }
        }
        std::fs::rename(&aside, file(&lacking)).unwrap();
        for (_, source) in &mut ways {
            assert_eq!(read(source).await, scene.head(), "{what}");
        }
    }
}

fn instance() -> InstanceName {
    InstanceName::parse("prod").unwrap()
}

async fn note(source: &mut Source, revision: &Revision) {
    let status = CommitStatus {
        state: CommitState::Success,
        context: "vitrine/use".to_owned(),
        description: "Synced".to_owned(),
        url: String::new(),
    };
    let lines = BTreeMap::from([(revision.clone(), vec![status])]);
    source.write_notes(&instance(), &lines).await.unwrap();
}

/// Commits that `git log` shows and libgit2 refuses.
const ODD: [&str; 4] = [
    "author A 1 +0000\ncommitter A <a@x> 12 +0000\n\nno address\n",
    "committer A <a@x> 12 +0000\n\nno author\n",
    "author A <a@x> 1 +0000\ncommitter\n\nno committer\n",
    "author A <a@x> 1\ncommitter > 12 +99999999999999999999\nencoding\n\nno zone\n",
];

#[tokio::test]
async fn a_commit_that_only_git_reads_is_read_and_what_comes_after_it_too() {
    for odd in ODD {
        let scene = Scene::new();
        let first = scene.published();
        let server = Server::git(&scene, None);
        let mut ways = every_way(&scene, &server, "work/.git");
        ways.remove(1);
        for (_, source) in &mut ways {
            assert_eq!(read(source).await, first);
        }
        scene.put("other/solution.yaml", SOLUTION);
        scene.git(&["add", "-A"]);
        let tree = scene.git(&["write-tree"]);
        let text = scene.file("commit", &format!("tree {tree}\nparent {}\n{odd}", first.as_str()));
        let make = format!("git hash-object -t commit -w --literally {}", text.display());
        let second = scene.shell(&make);
        scene.git(&["log", "-1", &second]);
        scene.git(&["update-ref", "refs/heads/main", &second]);
        let second = Revision::parse(&second).unwrap();
        for (url, source) in &mut ways {
            assert_eq!(read(source).await, second, "{url}: {odd}");
            let changes = source.changes(Some(&first), &second).await.unwrap();
            assert!(!changes.rewritten, "{url}: {odd}");
            assert_eq!(changes.commits.len(), 1);
            note(source, &second).await;
        }
        scene.put("use/more.md", "more\n");
        let third = scene.commit();
        for (url, source) in &mut ways {
            for _ in 0..2 {
                assert_eq!(read(source).await, third, "{url}: {odd}");
            }
            let changes = source.changes(Some(&first), &third).await.unwrap();
            assert!(!changes.rewritten, "{url}: {odd}");
            assert_eq!(changes.commits.len(), 2);
            let folders = source.read(&third).await.unwrap().folders;
            let last = source.last_changes(&third, &folders).await.unwrap();
            let expected = [("other", &second), ("use", &third)]
                .map(|(folder, at)| (folder.to_owned(), at.clone()));
            assert_eq!(*last, BTreeMap::from(expected), "{url}: {odd}");
            note(source, &third).await;
            source.fetch_notes(&instance()).await.unwrap();
            let wanted = BTreeSet::from([second.clone(), third.clone()]);
            assert_eq!(source.read_notes(&instance(), &wanted).await.unwrap().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_commit_that_nobody_reads_is_named() {
    let scene = Scene::new();
    scene.published();
    let text = scene.file("commit", "author A <a@x> 1 +0000\n\nno tree\n");
    let make = format!("git hash-object -t commit -w --literally {}", text.display());
    let broken = scene.shell(&make);
    std::fs::write(scene.work().join(".git/refs/heads/main"), format!("{broken}\n")).unwrap();
    let mut source = scene.open();
    let cause = in_vain(&scene.local().mirror, &mut source).await;
    assert!(cause.contains(&broken) && cause.contains("git cat-file"), "{cause}");
}
