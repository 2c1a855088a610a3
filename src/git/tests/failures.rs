use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::scene::{SOLUTION, Scene, Server, http_backend, impatient, open_with, reply};
use crate::git::Source;
use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::config::Repository;
use vitrine_core::model::Revision;

const RESULT: &str = "Content-Type: application/x-git-upload-pack-result\r\n";

/// The poll's failure, which must name the address and hold one sentence.
async fn poll(settings: &Repository) -> String {
    let Unknown { cause, .. } = open_with(settings, impatient()).tip().await.unwrap_err();
    assert!(cause.contains(&settings.url) && !cause.contains('\n'), "{cause}");
    cause
}

#[tokio::test]
async fn what_a_server_answers_instead_of_the_branch_becomes_one_sentence() {
    let scene = Scene::new();
    scene.published();
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let cases: [(&str, &str, &'static [u8], &str); 9] = [
        ("401 Unauthorized", "", b"", "asks for credentials (401)"),
        ("403 Forbidden", "", b"", "does not allow this with no credentials (403)"),
        ("404 Not Found", "", b"", "does not exist or may not be seen"),
        ("429 Slow Down", "", b"", "asked too often (429)"),
        ("500 Broken", "", b"", "answered 500; the Git server must be mended"),
        ("200 OK", html, b"<html>sign in</html>", "web page instead of Git data"),
        ("200 OK", RESULT, b"0000", "has no branch `main`"),
        ("200 OK", RESULT, b"003d0123", "is cut off"),
        ("200 OK", RESULT, b"", "does not answer in Git's smart protocol"),
    ];
    for (status, headers, body, expected) in cases {
        let server = Server::new(move |_| reply(status, headers, body));
        let cause = poll(&scene.settings(&server.url("c.git"))).await;
        assert!(cause.contains(expected), "{status}: {cause}");
        assert!(server.count() <= 2, "{status}: asked {} times", server.count());
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_with_the_reason() {
    let scene = Scene::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let refused = poll(&scene.settings(&format!("http://{address}/c.git"))).await;
    assert!(refused.contains("cannot be reached") && refused.contains("refused"), "{refused}");
    let unknown_host = poll(&scene.settings("http://nowhere.invalid/c.git")).await;
    assert!(unknown_host.contains("dns error"), "{unknown_host}");

    let plain = Server::new(|_| reply("200 OK", "", b""));
    let no_tls = poll(&scene.settings(&format!("https://{}/c.git", plain.address))).await;
    assert!(no_tls.contains("cannot be reached"), "{no_tls}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let scene = Scene::new();
    let server = Server::new(|_| {
        std::thread::sleep(Duration::from_secs(5));
        Vec::new()
    });
    let cause = poll(&scene.settings(&server.url("c.git"))).await;
    assert!(cause.contains("was silent for 1 s"), "{cause}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_its_file_and_by_nothing_else() {
    let scene = Scene::new();
    let head = scene.published();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let root = scene.folder.path().to_owned();
    let server = Server::start(Some(Arc::new(tls)), move |request| http_backend(&root, request));
    let url = format!("https://localhost:{}/work/.git", server.address.port());
    let mut settings = scene.settings(&url);

    let cause = poll(&settings).await;
    assert!(cause.contains("certificate"), "{cause}");
    settings.ca_file = Some(scene.file("ca.pem", "not a certificate"));
    let unknown = open_with(&settings, impatient()).tip().await.unwrap_err();
    assert!(unknown.cause.contains("PEM certificates"), "{}", unknown.cause);
    settings.ca_file = Some(scene.file("ca.pem", &made.cert.pem()));
    let mut source = open_with(&settings, impatient());
    assert_eq!(source.tip().await.unwrap(), head);
    source.fetch(&head).await.unwrap();
}

/// A server that cuts packs after `keep` bytes while `broken`.
fn cutting(scene: &Scene, broken: Arc<AtomicBool>, keep: usize) -> Server {
    let root = scene.folder.path().to_owned();
    Server::new(move |request| {
        let answer = http_backend(&root, request);
        let is_pack = request.body.windows(5).any(|bytes| bytes == b"want ");
        if !is_pack || !broken.load(Ordering::SeqCst) {
            return answer;
        }
        let at = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        // A whole HTTP answer with half a pack: nothing below Git can notice.
        reply("200 OK", RESULT, &answer[at..answer.len().min(at + keep)])
    })
}

#[tokio::test]
async fn half_a_pack_is_no_snapshot_and_the_mirror_stays_usable() {
    let scene = Scene::new();
    let first = scene.published();
    let broken = Arc::new(AtomicBool::new(false));
    for keep in [0, 8, 60, 200] {
        let server = cutting(&scene, broken.clone(), keep);
        let mut settings = scene.settings(&server.url("work/.git"));
        settings.mirror = scene.folder.path().join(format!("mirror-{keep}"));
        let mut source = open_with(&settings, impatient());
        source.fetch(&first).await.unwrap();
        for n in 0..40 {
            scene.put(&format!("use/{keep}-{n}.md"), &format!("{n}-{}", fastrand::u128(..)));
        }
        let second = scene.commit();
        broken.store(true, Ordering::SeqCst);
        assert_eq!(source.tip().await.unwrap(), second);
        let unknown = source.fetch(&second).await.unwrap_err();
        assert!(unknown.cause.contains(&settings.url), "{}", unknown.cause);
        source.read(&second).await.unwrap_err();
        assert!(source.read(&first).await.unwrap().folders.contains_key("use"));
        broken.store(false, Ordering::SeqCst);
        source.fetch(&second).await.unwrap();
        source.read(&second).await.unwrap();
    }
}

#[tokio::test]
async fn a_repository_that_is_too_large_is_given_up() {
    let scene = Scene::new();
    let noise: String = (0..100_000).map(|_| fastrand::alphanumeric()).collect();
    scene.put("use/solution.yaml", &noise);
    let head = scene.commit();
    let server = Server::git(&scene, None);
    let mut limits = impatient();
    limits.bytes = 10_000;
    let mut source = open_with(&scene.settings(&server.url("work/.git")), limits);
    let unknown = source.fetch(&head).await.unwrap_err();
    assert!(unknown.cause.contains("keep models and data out"), "{}", unknown.cause);
}

#[tokio::test]
async fn a_local_repository_that_cannot_be_read_is_unknown() {
    let scene = Scene::new();
    let cause = poll(&scene.local()).await;
    assert!(cause.contains("has no branch `main`"), "an empty repository: {cause}");
    scene.published();
    let mut settings = scene.local();
    settings.branch = "mian".to_owned();
    assert!(poll(&settings).await.contains("has no branch `mian`"));
    assert!(poll(&scene.settings("/nowhere/at/all")).await.contains("is not a Git repository"));
    let inside = scene.work().join("use");
    let cause = poll(&scene.settings(inside.to_str().unwrap())).await;
    assert!(cause.contains("is not a Git repository"), "a folder inside one: {cause}");
    settings.branch = "a..b".to_owned();
    assert!(Source::open(&settings).is_err());
}

async fn all(source: &mut Source) -> Revision {
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("use"));
    tip
}

#[tokio::test]
async fn a_mirror_that_lost_objects_is_made_again() {
    let scene = Scene::new();
    scene.published();
    let mut source = scene.open();
    let tip = all(&mut source).await;
    let tree = scene.git(&["rev-parse", "HEAD:use"]);
    drop(source);
    std::fs::remove_file(unpacked(&scene, &tree)).unwrap();
    // Opening does not read every object; reading does.
    let mut source = scene.open();
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("use"));
    assert_eq!(source.inner.lock().unwrap().mirror.made_again(), 1);
}

/// Unpacks the mirror and gives the file of one object, to be damaged as by a bad disk.
pub fn unpacked(scene: &Scene, object: &str) -> std::path::PathBuf {
    let mirror = scene.folder.path().join("mirror/catalogue.git");
    for entry in std::fs::read_dir(mirror.join("objects/pack")).unwrap().flatten() {
        let path = entry.path();
        let away = scene.folder.path().join("away.pack");
        if path.extension().is_some_and(|end| end == "pack") {
            std::fs::copy(&path, &away).unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::remove_file(path.with_extension("idx")).unwrap();
            let unpack = format!("git unpack-objects -q < {}", away.display());
            let mut shell = std::process::Command::new("sh");
            shell.current_dir(&mirror).args(["-c", &unpack]);
            assert!(shell.status().unwrap().success());
        }
    }
    let (folder, name) = object.split_at(2);
    mirror.join("objects").join(folder).join(name)
}

#[tokio::test]
async fn whatever_a_killed_process_left_the_mirror_opens() {
    let scene = Scene::new();
    let head = scene.published();
    let mirror = scene.folder.path().join("mirror/catalogue.git");
    all(&mut scene.open()).await;
    let leave: [(&str, &dyn Fn()); 6] = [
        ("a lock on a ref", &|| {
            std::fs::write(mirror.join("refs/vitrine/tip.lock"), "").unwrap();
        }),
        ("a lock on the configuration", &|| {
            std::fs::write(mirror.join("config.lock"), "").unwrap();
        }),
        ("a half-written pack", &|| {
            std::fs::write(mirror.join("objects/pack/pack_git2_x"), "PACK").unwrap();
        }),
        ("an empty ref", &|| std::fs::write(mirror.join("refs/vitrine/tip"), "").unwrap()),
        ("no HEAD", &|| std::fs::remove_file(mirror.join("HEAD")).unwrap()),
        ("a fresh clone half made", &|| {
            std::fs::create_dir_all(mirror.parent().unwrap().join("fresh.git/objects")).unwrap();
            std::fs::remove_dir_all(&mirror).unwrap();
        }),
    ];
    for (what, leave) in leave {
        leave();
        let mut source = Source::open(&scene.local()).unwrap_or_else(|e| panic!("{what}: {e:?}"));
        assert_eq!(all(&mut source).await, head, "{what}");
        assert!(!mirror.join("objects/pack/pack_git2_x").exists());
    }
}

#[tokio::test]
async fn a_fetch_killed_half_way_harms_nothing() {
    if let Ok(url) = std::env::var("VITRINE_TEST_KILLED_FETCH") {
        // The process to be killed. It fetches for ever from a server that stops half-way.
        let (url, mirror) = url.split_once(' ').unwrap();
        let mut settings = Scene::new().settings(url);
        settings.mirror = mirror.into();
        let mut source = Source::open(&settings).unwrap();
        let tip = source.tip().await.unwrap();
        let fetched = source.fetch(&tip).await;
        panic!("ended: {fetched:?}");
    }
    let scene = Scene::new();
    let first = scene.published();
    let root = scene.folder.path().to_owned();
    let stalled = Arc::new(AtomicBool::new(false));
    let stall = stalled.clone();
    let slow = Server::streaming(move |request, stream| {
        let answer = http_backend(&root, request);
        let is_pack = request.body.windows(5).any(|bytes| bytes == b"want ");
        let length = if is_pack { answer.len() - 50 } else { answer.len() };
        stream.write_all(&answer[..length]).unwrap();
        if is_pack {
            stall.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(20));
        }
    });
    let mut settings = scene.settings(&slow.url("work/.git"));
    let this = "git::tests::failures::a_fetch_killed_half_way_harms_nothing";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env("VITRINE_TEST_KILLED_FETCH", format!("{} {}", settings.url, settings.mirror.display()))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if stalled.load(Ordering::SeqCst) {
            break;
        }
    }
    assert!(stalled.load(Ordering::SeqCst), "the fetch never began");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let busy = Source::open(&settings).err().unwrap();
    assert!(busy.cause.contains("in use by another vitrine"), "{}", busy.cause);
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();

    let server = Server::git(&scene, None);
    settings.url = server.url("work/.git");
    assert_eq!(all(&mut Source::open(&settings).unwrap()).await, first);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_unknown_until_it_does() {
    if let Ok(places) = std::env::var("VITRINE_TEST_FULL_DISK") {
        // The process that may not write large files.
        let (url, mirror) = places.split_once(' ').unwrap();
        let mut settings = Scene::new().settings(url);
        settings.mirror = mirror.into();
        let mut source = Source::open(&settings).unwrap();
        let tip = source.tip().await.unwrap();
        for _ in 0..2 {
            let unknown = source.fetch(&tip).await.unwrap_err();
            let names_it = unknown.cause.contains(mirror) && unknown.cause.contains("disk's space");
            assert!(names_it && !unknown.cause.contains(url), "{}", unknown.cause);
            source.read(&tip).await.unwrap_err();
        }
        return;
    }
    let scene = Scene::new();
    let noise: String = (0..100_000).map(|_| fastrand::alphanumeric()).collect();
    scene.put("use/noise.md", &noise);
    let head = scene.published();
    let server = Server::git(&scene, None);
    for url in [scene.local().url, server.url("work/.git")] {
        let settings = scene.settings(&url);
        let this = "git::tests::failures::a_disk_that_takes_no_more_is_unknown_until_it_does";
        let output = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env("VITRINE_TEST_FULL_DISK", format!("{url} {}", settings.mirror.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(all(&mut Source::open(&settings).unwrap()).await, head);
    }
}

#[tokio::test]
async fn the_mirror_of_another_repository_is_made_again_and_other_files_are_never_touched() {
    let scene = Scene::new();
    let head = scene.published();
    all(&mut scene.open()).await;
    let other = Scene::new();
    other.put("use/solution.yaml", SOLUTION);
    other.put("only/solution.yaml", SOLUTION);
    let other_head = other.commit();
    let mut settings = other.local();
    settings.mirror = scene.local().mirror;
    let mut source = Source::open(&settings).unwrap();
    source.read(&head).await.unwrap_err();
    assert_eq!(all(&mut source).await, other_head);
    drop(source);

    settings.mirror = scene.work();
    let unknown = Source::open(&settings).err().unwrap();
    assert!(unknown.cause.contains("set repository.mirror"), "{}", unknown.cause);
    assert_eq!(scene.head(), head, "a work tree is no mirror");
    settings.mirror = scene.file("file", "");
    assert!(Source::open(&settings).is_err());
}

#[tokio::test]
async fn past_fifty_packs_the_mirror_is_cloned_anew() {
    let scene = Scene::new();
    scene.published();
    let mut source = scene.open();
    all(&mut source).await;
    let packs = scene.folder.path().join("mirror/catalogue.git/objects/pack");
    for n in 0..51 {
        std::fs::write(packs.join(format!("pack-{n:040}.pack")), "").unwrap();
    }
    scene.put("use/README.md", "more");
    let next = scene.commit();
    assert_eq!(all(&mut source).await, next);
    let left = std::fs::read_dir(&packs).unwrap().count();
    assert!(left < 5, "{left} files");
}
