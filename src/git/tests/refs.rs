use std::collections::BTreeMap;
use std::path::Path;

use super::scene::{Scene, Server, git};
use crate::git::Source;
use vitrine_core::config::Repository;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::{CommitState, CommitStatus};

fn mirror(settings: &Repository) -> std::path::PathBuf {
    settings.mirror.join("catalogue.git")
}

/// The refs of a repository, each on a line.
fn refs(repository: &Path) -> String {
    git(repository, &["for-each-ref", "--format=%(refname)"])
}

async fn follow(settings: &Repository) -> Revision {
    let mut source = Source::open(settings).unwrap();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("use"));
    tip
}

#[tokio::test]
async fn a_branch_named_like_the_folder_of_another_is_followed_in_the_same_mirror() {
    for (first, second) in [("release", "release/v1"), ("release/v1", "release")] {
        let scene = Scene::new();
        scene.published();
        let server = Server::git(&scene, None);
        for url in [scene.local().url, server.url("work/.git")] {
            let mut settings = scene.settings(&url);
            for branch in [first, second] {
                for old in ["release", "release/v1"] {
                    scene.shell(&format!("git branch -qD {old} 2>&1 || true"));
                }
                scene.put("use/README.md", &format!("{branch} {}", fastrand::u64(..)));
                let head = scene.commit();
                scene.git(&["branch", branch]);
                settings.branch = branch.to_owned();
                assert_eq!(follow(&settings).await, head, "{branch} after {first}");
            }
            assert_eq!(refs(&mirror(&settings)), "refs/vitrine/tip");
        }
    }
}

#[tokio::test]
async fn the_mirror_of_the_version_before_is_taken_over_without_a_second_copy() {
    let scene = Scene::new();
    let head = scene.published();
    let server = Server::git(&scene, None);
    let settings = scene.settings(&server.url("work/.git"));
    follow(&settings).await;
    // As it was kept before: under the branch's own name, beside a copy of notes and an outgoing
    // batch that a killed process left.
    let kept = mirror(&settings);
    for name in ["refs/heads/main", "refs/vitrine/notes/demo", "refs/vitrine/outgoing/demo"] {
        git(&kept, &["update-ref", name, head.as_str()]);
    }
    git(&kept, &["update-ref", "-d", "refs/vitrine/tip"]);
    let before = server.count();
    follow(&settings).await;
    assert_eq!(server.count() - before, 1, "only the poll");
    assert_eq!(refs(&kept), "refs/vitrine/notes/demo\nrefs/vitrine/tip");

    scene.put("use/README.md", "more");
    assert_eq!(scene.commit(), follow(&settings).await);
}

#[tokio::test]
async fn commits_are_found_by_the_names_that_people_use_though_the_mirror_has_others() {
    let scene = Scene::new();
    let first = scene.published();
    let second = scene.commit();
    let server = Server::git(&scene, None);
    let settings = scene.settings(&server.url("work/.git"));
    follow(&settings).await;
    let mut source = Source::open(&settings).unwrap();
    for name in ["main", "HEAD", "@", "origin/main", "refs/heads/main", second.as_str()] {
        assert_eq!(source.resolve(name).await.unwrap(), second, "{name}");
    }
    for name in ["main~1", "HEAD^", "origin/main~1", &first.as_str()[..10]] {
        assert_eq!(source.resolve(name).await.unwrap(), first, "{name}");
    }
    source.resolve("mainly").await.unwrap_err();
}

#[tokio::test]
async fn a_ref_that_is_in_the_way_of_the_notes_is_named_with_what_to_do() {
    let instance = InstanceName::parse("demo").unwrap();
    for name in ["refs/notes/vitrine", "refs/notes/vitrine/demo/old"] {
        let scene = Scene::new();
        let head = scene.published();
        scene.git(&["update-ref", name, head.as_str()]);
        let server = Server::git(&scene, None);
        let line = CommitStatus {
            state: CommitState::Success,
            context: "vitrine/demo".to_owned(),
            description: "live".to_owned(),
            url: String::new(),
        };
        let lines = BTreeMap::from([(head.clone(), vec![line])]);
        for url in [scene.local().url, server.url("work/.git")] {
            let mut source = Source::open(&scene.settings(&url)).unwrap();
            let unknown = source.write_notes(&instance, &lines).await.unwrap_err();
            let cause = unknown.cause;
            assert!(cause.starts_with(&url) || cause.contains(&url), "{cause}");
            assert!(cause.contains(&format!("`{name}`, which is in the way")), "{cause}");
            assert!(cause.contains(&format!("git update-ref -d {name}")), "{cause}");
        }
        scene.git(&["update-ref", "-d", name]);
        for url in [scene.local().url, server.url("work/.git")] {
            let mut source = Source::open(&scene.settings(&url)).unwrap();
            source.write_notes(&instance, &lines).await.unwrap();
        }
    }
}
