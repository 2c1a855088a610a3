use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::scene::{Scene, Server, git};
use crate::git::{Courier, Source};
use vitrine_core::engine::{Event, Repository};
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::{CommitState, CommitStatus};

const REF: &str = "refs/notes/vitrine/demo";

fn demo() -> InstanceName {
    InstanceName::parse("demo").unwrap()
}

fn status(state: CommitState, context: &str, description: &str) -> CommitStatus {
    CommitStatus {
        state,
        context: context.to_owned(),
        description: description.to_owned(),
        url: "https://gallery.example/r/use".to_owned(),
    }
}

fn batch(revision: &Revision, statuses: &[CommitStatus]) -> BTreeMap<Revision, Vec<CommitStatus>> {
    BTreeMap::from([(revision.clone(), statuses.to_vec())])
}

/// Notes as the git program shows them.
fn shown(folder: &Path, revision: &Revision) -> String {
    git(folder, &["notes", "--ref", REF, "show", revision.as_str()])
}

pub async fn note_and_check(source: &mut Source, folder: &Path, head: &Revision) {
    let pending = status(CommitState::Pending, "vitrine/demo/use", "applying");
    let total = status(CommitState::Pending, "vitrine/demo", "applying 1\tchanged\nsolution");
    source.write_notes(&demo(), &batch(head, &[pending, total])).await.unwrap();
    let done = status(CommitState::Success, "vitrine/demo/use", "live");
    source.write_notes(&demo(), &batch(head, std::slice::from_ref(&done))).await.unwrap();
    let expected = "pending\tvitrine/demo\tapplying 1 changed solution\thttps://gallery.example/r/use\n\
                    success\tvitrine/demo/use\tlive\thttps://gallery.example/r/use";
    assert_eq!(shown(folder, head), expected);
    let log = git(folder, &["log", "-1", "--notes=vitrine/demo", head.as_str()]);
    assert!(log.contains("success\tvitrine/demo/use\tlive"), "{log}");

    let tip = git(folder, &["rev-parse", REF]);
    source.write_notes(&demo(), &batch(head, std::slice::from_ref(&done))).await.unwrap();
    assert_eq!(git(folder, &["rev-parse", REF]), tip, "nothing new, no commit");
    let read = source.read_notes(&demo(), &BTreeSet::from([head.clone()])).await.unwrap();
    assert_eq!(read[head].len(), 2);
    assert!(read[head].contains(&done));
}

#[tokio::test]
async fn notes_are_written_into_a_local_repository() {
    let scene = Scene::new();
    let head = scene.published();
    note_and_check(&mut scene.open(), &scene.work(), &head).await;
}

#[tokio::test]
async fn notes_are_pushed_and_read_back_after_a_restart() {
    let scene = Scene::new();
    let head = scene.published();
    let server = Server::git(&scene, Some("right"));
    let mut settings = scene.settings(&server.url("work/.git"));
    let token_file = scene.file("token", "right");
    settings.auth = Some(vitrine_core::config::Auth::Token { token_file });
    let mut source = Source::open(&settings).unwrap();
    source.fetch(&head).await.unwrap();
    note_and_check(&mut source, &scene.work(), &head).await;

    drop(source);
    std::fs::remove_dir_all(&settings.mirror).unwrap();
    let mut again = Source::open(&settings).unwrap();
    let wanted = BTreeSet::from([head.clone()]);
    assert!(again.read_notes(&demo(), &wanted).await.unwrap().is_empty(), "no copy yet");
    again.fetch_notes(&demo()).await.unwrap();
    assert_eq!(again.read_notes(&demo(), &wanted).await.unwrap()[&head].len(), 2);

    scene.git(&["update-ref", "-d", REF]);
    again.fetch_notes(&demo()).await.unwrap();
    assert!(
        again.read_notes(&demo(), &wanted).await.unwrap().is_empty(),
        "removed there, gone here"
    );
}

#[tokio::test]
async fn a_batch_is_one_commit_and_one_push() {
    let scene = Scene::new();
    let commits: Vec<_> = (0..30).map(|_| scene.commit()).collect();
    let server = Server::git(&scene, None);
    let mut source = Source::open(&scene.settings(&server.url("work/.git"))).unwrap();
    let line = status(CommitState::Success, "vitrine/demo/use", "live");
    let lines = |text: &str| {
        let line = CommitStatus { description: text.to_owned(), ..line.clone() };
        commits.iter().map(|commit| (commit.clone(), vec![line.clone()])).collect()
    };
    source.write_notes(&demo(), &lines("one")).await.unwrap();
    assert_eq!(scene.git(&["rev-list", "--count", REF]), "1");
    let before = server.count();
    source.write_notes(&demo(), &lines("two")).await.unwrap();
    assert_eq!(scene.git(&["rev-list", "--count", REF]), "2");
    assert_eq!(server.count() - before, 2, "one advertisement, one push");
    let quiet = server.count();
    source.write_notes(&demo(), &lines("two")).await.unwrap();
    assert_eq!(server.count(), quiet, "nothing new, no request");
    assert_eq!(scene.git(&["notes", "--ref", REF, "list"]).lines().count(), 30);
    assert!(shown(&scene.work(), &commits[7]).contains("\ttwo\t"));
}

#[tokio::test]
async fn a_note_of_someone_else_is_kept_whatever_its_layout() {
    let scene = Scene::new();
    let head = scene.published();
    let other = scene.commit();
    scene.git(&["notes", "--ref", REF, "add", "-m", "by hand", head.as_str()]);
    scene.git(&["notes", "--ref", REF, "add", "-m", "other", other.as_str()]);
    let line = status(CommitState::Success, "vitrine/demo", "live");
    let mut source = scene.open();
    source.write_notes(&demo(), &batch(&head, std::slice::from_ref(&line))).await.unwrap();
    let note = shown(&scene.work(), &head);
    assert!(note.contains("by hand") && note.contains("live"), "{note}");
    assert_eq!(shown(&scene.work(), &other), "other");
    let read = source.read_notes(&demo(), &BTreeSet::from([head.clone(), other])).await.unwrap();
    assert_eq!(read, batch(&head, &[line]));
    scene.git(&["notes", "--ref", REF, "append", "-m", "later", head.as_str()]);
    assert!(shown(&scene.work(), &head).contains("later"), "git can go on with our tree");
}

/// Two sources write in turn and at once; each line must survive.
async fn race(scene: &Scene, url: &str, rounds: usize) {
    let commits: Vec<_> = (0..rounds).map(|_| scene.commit()).collect();
    let mut writers = Vec::new();
    for name in ["left", "right"] {
        let mut settings = scene.settings(url);
        settings.mirror = scene.folder.path().join(name);
        let mut source = Source::open(&settings).unwrap();
        let commits = commits.clone();
        writers.push(tokio::spawn(async move {
            for commit in &commits {
                let line = status(CommitState::Success, &format!("vitrine/demo/{name}"), name);
                // Five lost races in a row are an error by promise; the caller tries again.
                while let Err(unknown) =
                    source.write_notes(&demo(), &batch(commit, std::slice::from_ref(&line))).await
                {
                    assert!(unknown.cause.contains("another writer"), "{}", unknown.cause);
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for commit in &commits {
        let note = shown(&scene.work(), commit);
        assert!(note.contains("left") && note.contains("right"), "{note}");
    }
}

#[tokio::test]
async fn two_racing_writers_lose_no_line_over_http() {
    let scene = Scene::new();
    let server = Server::git(&scene, None);
    race(&scene, &server.url("work/.git"), 8).await;
}

#[tokio::test]
async fn two_racing_writers_lose_no_line_in_a_local_repository() {
    // Again and again, because the first write, which creates the ref, is the tightest race.
    for _ in 0..6 {
        let scene = Scene::new();
        let url = scene.work().display().to_string();
        race(&scene, &url, 4).await;
    }
}

#[tokio::test]
async fn a_push_that_a_hook_declined_is_an_error() {
    let scene = Scene::new();
    let head = scene.published();
    std::fs::create_dir_all(scene.work().join(".git/hooks")).unwrap();
    let hook = scene.program("hook", "echo 'no notes here' >&2; exit 1");
    std::fs::rename(hook, scene.work().join(".git/hooks/pre-receive")).unwrap();
    let server = Server::git(&scene, None);
    let mut source = Source::open(&scene.settings(&server.url("work/.git"))).unwrap();
    let line = status(CommitState::Success, "vitrine/demo", "live");
    let unknown =
        source.write_notes(&demo(), &batch(&head, std::slice::from_ref(&line))).await.unwrap_err();
    assert!(unknown.cause.contains("declined the push"), "{}", unknown.cause);
    assert!(source.read_notes(&demo(), &BTreeSet::from([head.clone()])).await.unwrap().is_empty());

    std::fs::remove_file(scene.work().join(".git/hooks/pre-receive")).unwrap();
    source.write_notes(&demo(), &batch(&head, &[line])).await.unwrap();
    assert!(shown(&scene.work(), &head).contains("live"));
}

#[tokio::test]
async fn notes_that_nobody_wants_are_dropped_and_records_are_kept() {
    let scene = Scene::new();
    let commits = scene.many_commits(Source::KEPT_NOTES + 3);
    let line = status(CommitState::Success, "vitrine/demo", "live");
    let lines = commits.iter().map(|commit| (commit.clone(), vec![line.clone()])).collect();
    let mut source = scene.open();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    source.write_notes(&demo(), &lines).await.unwrap();
    let records = BTreeMap::from([("use".to_owned(), commits[0].clone())]);
    source.retain_notes(&tip, &Arc::new(records)).await.unwrap();
    let new = status(CommitState::Success, "vitrine/demo", "still live");
    source.write_notes(&demo(), &batch(&tip, &[new])).await.unwrap();
    let found = source.read_notes(&demo(), &commits.iter().cloned().collect()).await.unwrap();
    assert_eq!(found.len(), Source::KEPT_NOTES + 1);
    assert!(found.contains_key(&commits[0]), "a record");
    assert!(!found.contains_key(&commits[1]) && !found.contains_key(&commits[2]));
}

#[tokio::test]
async fn a_note_that_is_no_note_is_not_read_into_memory() {
    let scene = Scene::new();
    let head = scene.published();
    let server = Server::git(&scene, None);
    for url in [scene.local().url, server.url("work/.git")] {
        let vast = scene.file("vast", &"0".repeat(2 << 20));
        let file = vast.to_str().unwrap();
        let add = ["notes", "--ref", "vitrine/demo", "add", "-f", "-F", file, head.as_str()];
        scene.git(&add);
        let mut settings = scene.settings(&url);
        settings.mirror = scene.folder.path().join(format!("mirror-{}", url.len()));
        let mut source = Source::open(&settings).unwrap();
        let tip = source.tip().await.unwrap();
        source.fetch(&tip).await.unwrap();
        source.fetch_notes(&demo()).await.unwrap();
        let wanted = BTreeSet::from([head.clone()]);
        assert!(source.read_notes(&demo(), &wanted).await.unwrap().is_empty(), "{url}");
        let done = status(CommitState::Success, "vitrine/demo/use", "live");
        source.write_notes(&demo(), &batch(&head, &[done])).await.unwrap();
        assert_eq!(source.read_notes(&demo(), &wanted).await.unwrap().len(), 1, "{url}");
        let shown = scene.git(&["notes", "--ref", "vitrine/demo", "show", head.as_str()]);
        assert!(shown.len() < 200, "{url}: {} letters", shown.len());
    }
}

#[tokio::test]
async fn what_stands_in_the_notes_is_told_again_when_older_commits_come_to_count() {
    let scene = Scene::new();
    let first = scene.published();
    let mut source = scene.open();
    let done = status(CommitState::Success, "vitrine/demo/use", "live");
    source.write_notes(&demo(), &batch(&first, std::slice::from_ref(&done))).await.unwrap();
    scene.git(&["rm", "-rq", "use"]);
    scene.commit();
    let mut courier = Courier::start(source, &scene.local(), demo(), true);
    let mut told = Vec::new();
    for since in [None, Some(first.clone())] {
        courier.follow(since);
        let Some(Event::Repository(Repository::Commit(commit))) = courier.next().await else {
            panic!("the head is read")
        };
        told.push(commit.noted.and_then(|noted| noted.get(&first).cloned()));
    }
    assert_eq!(told[1], Some(vec![done]), "{told:?}");
    courier.stop().await;
}
