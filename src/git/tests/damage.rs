//! The mirror is damaged while it is open, as by a bad disk, a person or another program.

use std::fs;
use std::path::{Path, PathBuf};

use super::scene::{Scene, Server, http_backend, impatient, open_with};
use crate::git::Source;
use vitrine_core::model::Revision;

/// One look of the daemon: where the branch is, and all that is read of it.
async fn look(source: &mut Source) -> Result<Revision, String> {
    let look = async {
        let tip = source.tip().await?;
        source.fetch(&tip).await?;
        let folders = source.read(&tip).await?.folders;
        assert!(folders.contains_key("use"));
        source.changes(None, &tip).await?;
        source.last_changes(&tip, &folders).await?;
        Ok(tip)
    };
    look.await.map_err(|unknown: vitrine_core::catalog::snapshot::Unknown| unknown.cause)
}

fn made_again(source: &Source) -> usize {
    source.inner.lock().unwrap().mirror.made_again()
}

fn repository(scene: &Scene) -> PathBuf {
    scene.folder.path().join("mirror/catalogue.git")
}

fn pack(scene: &Scene, end: &str) -> PathBuf {
    let packs = fs::read_dir(repository(scene).join("objects/pack")).unwrap().flatten();
    let found = packs.map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == end));
    let found = found.unwrap();
    let _ = std::process::Command::new("chmod").arg("u+w").arg(&found).status();
    found
}

/// Overwrites the middle of a file in its place.
fn garble(file: &Path) {
    use std::io::{Seek, SeekFrom, Write};
    let mut open = fs::OpenOptions::new().write(true).open(file).unwrap();
    let middle = open.metadata().unwrap().len() / 2;
    open.seek(SeekFrom::Start(middle)).unwrap();
    open.write_all(&[0xff; 24]).unwrap();
}

#[tokio::test]
async fn whatever_becomes_of_the_open_mirror_the_next_look_makes_it_again_once() {
    type Damage = fn(&Scene);
    let damages: [(&str, Damage); 9] = [
        ("a pack garbled", |s| garble(&pack(s, "pack"))),
        ("a pack cut short", |s| fs::write(pack(s, "pack"), "PACK").unwrap()),
        ("a pack deleted", |s| fs::remove_file(pack(s, "pack")).unwrap()),
        ("an index deleted", |s| fs::remove_file(pack(s, "idx")).unwrap()),
        ("the mirror deleted", |s| fs::remove_dir_all(s.local().mirror).unwrap()),
        ("the repository deleted", |s| fs::remove_dir_all(repository(s)).unwrap()),
        ("HEAD garbled", |s| fs::write(repository(s).join("HEAD"), "?").unwrap()),
        ("the ref garbled", |s| fs::write(repository(s).join("refs/vitrine/tip"), "?").unwrap()),
        ("the mark deleted", |s| fs::remove_file(s.local().mirror.join("vitrine-mirror")).unwrap()),
    ];
    for over_http in [false, true] {
        let scene = Scene::new();
        scene.published();
        let server = Server::git(&scene, None);
        let url = if over_http { server.url("work/.git") } else { scene.local().url };
        for (what, damage) in damages {
            let mut source = Source::open(&scene.settings(&url)).unwrap();
            look(&mut source).await.unwrap();
            assert_eq!(made_again(&source), 0);
            damage(&scene);
            let head = look(&mut source).await.unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(made_again(&source), 1, "{what}");
            scene.put("use/README.md", what);
            let next = scene.commit();
            assert_ne!(head, next);
            assert_eq!(look(&mut source).await.unwrap(), next, "{what}");
            assert_eq!(made_again(&source), 1, "{what}");
        }
    }
}

#[tokio::test]
async fn a_mirror_lost_while_the_remote_is_away_blames_the_remote_and_comes_back_with_it() {
    let scene = Scene::new();
    let head = scene.published();
    let mut source = scene.open();
    look(&mut source).await.unwrap();
    fs::remove_dir_all(scene.local().mirror).unwrap();
    let (here, away) = (scene.work(), scene.folder.path().join("away"));
    fs::rename(&here, &away).unwrap();
    let cause = source.fetch(&head).await.unwrap_err().cause;
    assert!(cause.contains(here.to_str().unwrap()), "{cause}");
    assert!(cause.contains("is not a Git repository"), "{cause}");
    fs::rename(&away, &here).unwrap();
    assert_eq!(look(&mut source).await.unwrap(), head);
    assert_eq!(made_again(&source), 1);
}

#[tokio::test]
async fn a_folder_that_another_vitrine_took_is_left_to_it() {
    let scene = Scene::new();
    let head = scene.published();
    let mut source = scene.open();
    look(&mut source).await.unwrap();
    fs::remove_dir_all(scene.local().mirror).unwrap();
    let mut other = scene.open();
    look(&mut other).await.unwrap();
    let cause = look(&mut source).await.unwrap_err();
    assert!(cause.contains("in use by another vitrine"), "{cause}");
    assert_eq!(look(&mut other).await.unwrap(), head);
    assert_eq!((made_again(&source), made_again(&other)), (0, 0));
    drop(other);
    assert_eq!(look(&mut source).await.unwrap(), head);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named_and_blamed_on_nobody_else() {
    let scene = Scene::new();
    let head = scene.published();
    let mut source = scene.open();
    look(&mut source).await.unwrap();
    let place = scene.local().mirror;
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "").unwrap();
    for _ in 0..3 {
        let cause = look(&mut source).await.unwrap_err();
        assert!(cause.contains(&format!("the mirror {} cannot be written", place.display())));
        assert!(!cause.contains(&scene.local().url), "{cause}");
    }
    fs::remove_file(&place).unwrap();
    assert_eq!(look(&mut source).await.unwrap(), head);
}

#[tokio::test]
async fn a_fetch_stops_before_the_disk_is_full_and_goes_on_when_there_is_room() {
    let scene = Scene::new();
    let head = scene.published();
    let server = Server::git(&scene, None);
    for url in [scene.local().url, server.url("work/.git")] {
        let mut settings = scene.settings(&url);
        settings.mirror = scene.folder.path().join(format!("mirror-{}", url.len()));
        let mut limits = impatient();
        limits.room = u64::MAX;
        let mut full = open_with(&settings, limits);
        for _ in 0..2 {
            let cause = look(&mut full).await.unwrap_err();
            let place = settings.mirror.display();
            assert!(cause.contains(&format!("no space left for the mirror {place}")), "{cause}");
            assert!(!cause.contains(&url), "{cause}");
        }
        drop(full);
        assert_eq!(look(&mut open_with(&settings, impatient())).await.unwrap(), head);
    }
}

/// A disk of 6 MiB of its own, where the system lets us have one. Without the guard libgit2 fails
/// for a reason that cannot be told apart, or the process is ended by the system.
#[tokio::test]
async fn a_disk_that_fills_up_while_a_pack_arrives_ends_the_fetch_and_not_the_daemon() {
    if let Ok(places) = std::env::var("VITRINE_TEST_SMALL_DISK") {
        let (url, mirror) = places.split_once(' ').unwrap();
        let mut settings = Scene::new().settings(url);
        settings.mirror = mirror.into();
        let mut source = Source::open(&settings).unwrap();
        let cause = look(&mut source).await.unwrap_err();
        assert!(cause.contains("no space left for the mirror"), "{cause}");
        return;
    }
    let apart = |line: &str| {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["-rm", "sh", "-c", line]);
        unshare
    };
    if !apart("true").output().is_ok_and(|output| output.status.success()) {
        let said =
            "left out: a disk that fills up, because `unshare` makes no disk of its own here";
        // Past the capture of a test that passes.
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{said}\n"));
        return;
    }
    let scene = Scene::new();
    let noise: String = (0..12_000_000).map(|_| fastrand::alphanumeric()).collect();
    scene.put("use/noise.md", &noise);
    scene.published();
    let root = scene.folder.path().to_owned();
    let server = Server::new(move |request| http_backend(&root, request));
    let mirror = scene.local().mirror;
    fs::create_dir(&mirror).unwrap();
    let this = "git::tests::damage::\
                a_disk_that_fills_up_while_a_pack_arrives_ends_the_fetch_and_not_the_daemon";
    let output = apart("mount -t tmpfs -o size=6m none \"$0\" && exec \"$@\"")
        .arg(&mirror)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env("VITRINE_TEST_SMALL_DISK", format!("{} {}", server.url("work/.git"), mirror.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
}

#[tokio::test]
async fn objects_broken_at_the_remote_are_blamed_on_it_and_cost_no_clone() {
    let scene = Scene::new();
    scene.published();
    let mut source = scene.open();
    look(&mut source).await.unwrap();
    scene.put("use/README.md", "soon broken");
    scene.commit();
    let blob = scene.git(&["rev-parse", "HEAD:use/README.md"]);
    let file = scene.work().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let whole = fs::read(&file).unwrap();
    let _ = std::process::Command::new("chmod").arg("u+w").arg(&file).status();
    fs::write(&file, "not what zlib knows").unwrap();
    for _ in 0..5 {
        let cause = look(&mut source).await.unwrap_err();
        assert!(cause.contains(scene.work().to_str().unwrap()), "{cause}");
        assert!(cause.contains("cannot be read") && cause.contains("git fsck"), "{cause}");
    }
    assert_eq!(made_again(&source), 0);
    fs::write(&file, whole).unwrap();
    look(&mut source).await.unwrap();
    assert_eq!(made_again(&source), 0);
}

#[tokio::test]
async fn what_a_new_mirror_lacks_as_well_is_not_asked_for_again_at_every_look() {
    let scene = Scene::new();
    scene.published();
    let tree = scene.git(&["write-tree"]);
    let mut source = scene.open();
    look(&mut source).await.unwrap();
    // A reader that finds an object missing, whatever the mirror holds.
    let missing = |source: &Source, at: &Revision| {
        let mut inner = source.inner.lock().unwrap();
        inner.soundly(crate::git::Use::Snapshot, Some(at), |inner| {
            let absent = git2::Oid::from_str(&"9".repeat(40)).unwrap();
            inner.mirror.repository().find_blob(absent).map(|_| ()).map_err(Into::into)
        })
    };
    let head = scene.head();
    for _ in 0..5 {
        let trouble = missing(&source, &head).unwrap_err();
        assert!(trouble.sentence.contains("not even to a new mirror"), "{trouble}");
        assert!(trouble.sentence.contains(scene.work().to_str().unwrap()), "{trouble}");
    }
    assert_eq!(made_again(&source), 1);
    scene.commit_tree(&tree);
    let next = look(&mut source).await.unwrap();
    assert_ne!(next, head);
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_not_a_rewritten_one() {
    let scene = Scene::new();
    let first = scene.published();
    scene.commit();
    let tip = scene.commit();
    look(&mut scene.open()).await.unwrap();
    let object = super::failures::unpacked(&scene, first.as_str());
    fs::remove_file(&object).unwrap();
    fs::write(&object, "not what zlib knows").unwrap();
    let mut source = scene.open();
    let changes = source.changes(Some(&first), &tip).await.unwrap();
    assert!(!changes.rewritten && changes.commits.len() == 2, "{changes:?}");
    assert_eq!(made_again(&source), 1);
}

#[tokio::test]
async fn a_mirror_made_anew_after_a_rewrite_is_read_though_it_lacks_what_was_read_before() {
    let scene = Scene::new();
    scene.published();
    let server = Server::git(&scene, None);
    let mut settings = scene.settings(&server.url("work/.git"));
    settings.mirror = scene.folder.path().join("anew");
    let mut source = Source::open(&settings).unwrap();
    look(&mut source).await.unwrap();
    scene.put("README.md", "amended");
    scene.git(&["add", "-A"]);
    scene.git(&["commit", "-q", "--amend", "-m", "another first commit"]);
    scene.git(&["reflog", "expire", "--expire=now", "--all"]);
    scene.git(&["gc", "-q", "--prune=now"]);
    fs::remove_dir_all(&settings.mirror).unwrap();
    let tip = scene.head();
    assert_eq!(look(&mut source).await, Ok(tip.clone()));
    assert_eq!(look(&mut source).await, Ok(tip));
}
