use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::scene::{Scene, Server, git, http_backend, impatient, reply};
use crate::git::remote::Reach;
use crate::git::{Inner, Source, watch};
use vitrine_core::config::Auth;
use vitrine_core::model::Revision;

async fn all(source: &mut Source) -> Revision {
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    assert!(source.read(&tip).await.unwrap().folders.contains_key("use"));
    tip
}

#[tokio::test]
async fn a_poll_over_http_is_one_request() {
    let scene = Scene::new();
    let head = scene.published();
    scene.git(&["branch", "main2"]);
    let server = Server::git(&scene, None);
    let mut source = Source::open(&scene.settings(&server.url("work/.git"))).unwrap();
    assert_eq!(all(&mut source).await, head);
    let before = server.count();
    assert_eq!(source.tip().await.unwrap(), head);
    source.fetch(&head).await.unwrap();
    assert_eq!(server.count() - before, 1, "{:?}", server.lines.lock().unwrap());

    scene.put("use/README.md", "more");
    let next = scene.commit();
    assert_eq!(all(&mut source).await, next);
}

#[tokio::test]
async fn a_server_without_version_2_is_asked_in_the_old_way_and_remembered() {
    let scene = Scene::new();
    let head = scene.published();
    let root = scene.folder.path().to_owned();
    let server = Server::new(move |request| {
        // As a proxy that drops the header.
        let mut request = super::scene::Request {
            line: request.line.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        request.headers.retain(|(name, _)| name != "git-protocol");
        if request.line.starts_with("POST") && request.body.starts_with(b"0014command=ls-refs") {
            return reply("200 OK", "Content-Type: application/x-git-upload-pack-result\r\n", b"");
        }
        http_backend(&root, &request)
    });
    let mut source = Source::open(&scene.settings(&server.url("work/.git"))).unwrap();
    assert_eq!(source.tip().await.unwrap(), head);
    assert_eq!(server.count(), 2);
    assert_eq!(all(&mut source).await, head);
    let before = server.count();
    source.tip().await.unwrap();
    assert_eq!(server.count() - before, 1);
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_by_the_first_request_alone() {
    let scene = Scene::new();
    let head = scene.published();
    let root = scene.folder.path().to_owned();
    let server = Server::new(move |request| {
        let target = request.line.split_whitespace().nth(1).unwrap();
        match target.strip_prefix("/old") {
            Some(rest) => reply("301 Moved", &format!("Location: /work/.git{rest}\r\n"), b"moved"),
            None => http_backend(&root, request),
        }
    });
    let mut source = Source::open(&scene.settings(&server.url("old"))).unwrap();
    assert_eq!(all(&mut source).await, head);
    for line in server.lines.lock().unwrap().iter().skip(1) {
        assert!(!line.starts_with("POST /old"), "{line}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_refused_and_gets_no_token() {
    let scene = Scene::new();
    scene.published();
    let other = Server::new(|_| reply("200 OK", "", b""));
    let away = other.url("work/.git").replace("127.0.0.1", "localhost");
    let server = Server::new(move |_| {
        let to = format!("Location: {away}/info/refs?service=git-upload-pack\r\n");
        reply("302 Found", &to, b"")
    });
    let mut settings = scene.settings(&server.url("work/.git"));
    settings.auth = Some(Auth::Token { token_file: scene.file("token", "secret\n") });
    let unknown = Source::open(&settings).unwrap().tip().await.unwrap_err();
    assert!(unknown.cause.contains("redirects to http://localhost"), "{}", unknown.cause);
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn a_renewed_token_is_used_at_once_and_a_wrong_one_is_asked_for_once() {
    let scene = Scene::new();
    let head = scene.published();
    let server = Server::git(&scene, Some("right"));
    let mut settings = scene.settings(&server.url("work/.git"));
    let token_file = scene.file("token", "wrong\n");
    settings.auth = Some(Auth::Token { token_file: token_file.clone() });
    let mut source = Source::open(&settings).unwrap();

    let unknown = source.tip().await.unwrap_err();
    assert_eq!(server.count(), 1);
    assert!(
        unknown.cause.contains("(401)") && unknown.cause.contains("token"),
        "{}",
        unknown.cause
    );
    assert!(!unknown.cause.contains("wrong"), "{}", unknown.cause);
    let unknown = source.fetch(&head).await.unwrap_err();
    assert_eq!(server.count(), 2);
    assert!(unknown.cause.contains("(401)"), "{}", unknown.cause);

    std::fs::write(&token_file, "right\n").unwrap();
    assert_eq!(all(&mut source).await, head);
    std::fs::remove_file(&token_file).unwrap();
    let unknown = source.tip().await.unwrap_err();
    assert!(unknown.cause.contains("cannot read the credential file"), "{}", unknown.cause);
    settings.auth = None;
    drop(source);
    let unknown = Source::open(&settings).unwrap().tip().await.unwrap_err();
    assert!(unknown.cause.contains("set repository.auth"), "{}", unknown.cause);
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is_for_exactly_as_long() {
    for (status, word) in [("429 Slow Down", "asked too often (429)"), ("503 Busy", "answered 503")]
    {
        let scene = Scene::new();
        let head = scene.published();
        let root = scene.folder.path().to_owned();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let server = Server::new(move |request| {
            let mut log = log.lock().unwrap();
            log.push(Instant::now());
            if log.len() == 1 {
                return reply(status, "Retry-After: 1\r\n", b"");
            }
            http_backend(&root, request)
        });
        let settings = scene.settings(&server.url("work/.git"));
        let mut source = Source::open(&settings).unwrap();
        assert_eq!(source.quiet_until().await, None);
        let cause = source.tip().await.unwrap_err().cause;
        assert!(cause.contains(word) && cause.contains("is left alone until "), "{cause}");
        assert!(cause.contains(" UTC"), "{cause}");
        let until = source.quiet_until().await.unwrap();
        // Neither a hint nor another errand nor a new start with other settings asks sooner.
        source.tip().await.unwrap_err();
        source.fetch(&head).await.unwrap_err();
        source
            .fetch_notes(&vitrine_core::model::InstanceName::parse("demo").unwrap())
            .await
            .unwrap_err();
        drop(source);
        let mut source = Source::open(&settings).unwrap();
        source.tip().await.unwrap_err();
        assert_eq!(server.count(), 1);
        tokio::time::sleep_until(until.into()).await;
        assert_eq!(all(&mut source).await, head);
        let asked = asked.lock().unwrap();
        assert!(asked[1] - asked[0] >= Duration::from_millis(990), "{:?}", asked[1] - asked[0]);
    }
}

/// An `ssh` that runs the command here and writes down what it was given.
fn over_ssh(scene: &Scene, settings: &vitrine_core::config::Repository, script: &str) -> Source {
    let mut inner = Inner::open(settings).unwrap();
    let Reach::Ssh(server) = &inner.remote.reach else { panic!("not ssh") };
    let server = crate::git::ssh::Server {
        address: server.address.clone(),
        shown: server.shown.clone(),
        auth: server.auth.clone(),
        limits: impatient(),
        program: scene.program("ssh", script),
    };
    inner.remote.reach = Reach::Ssh(std::sync::Arc::new(server));
    Source::new(inner)
}

#[tokio::test]
async fn a_repository_is_read_and_noted_through_ssh() {
    let scene = Scene::new();
    let head = scene.published();
    let folder = scene.folder.path().to_owned();
    git(&folder, &["clone", "-q", "--bare", "work", "it's bare.git"]);
    let path = folder.join("it's bare.git");
    let mut settings = scene.settings(&format!("git@git.example:{}", path.display()));
    settings.auth =
        Some(Auth::SshKey { key_file: "/key".into(), known_hosts_file: "/hosts".into() });
    let log = folder.join("log");
    let script =
        format!("echo \"$@\" >> {}\nfor last; do :; done\nexec sh -c \"$last\"", log.display());
    let mut source = over_ssh(&scene, &settings, &script);
    assert_eq!(all(&mut source).await, head);
    let said = std::fs::read_to_string(&log).unwrap();
    for option in
        ["BatchMode=yes", "-i /key", "UserKnownHostsFile=\"/hosts\"", "StrictHostKeyChecking=yes"]
    {
        assert!(said.contains(option), "{said}");
    }
    super::noted::note_and_check(&mut source, &path, &head).await;
}

#[tokio::test]
async fn what_ssh_complains_about_is_passed_on() {
    let scene = Scene::new();
    scene.published();
    let settings = scene.settings("git@git.example:c.git");
    let mut source =
        over_ssh(&scene, &settings, "echo 'Host key verification failed.' >&2; exit 255");
    let unknown = source.tip().await.unwrap_err();
    assert!(unknown.cause.contains("Host key verification failed"), "{}", unknown.cause);
    assert!(unknown.cause.contains("ssh://git@git.example/c.git"), "{}", unknown.cause);
}

#[tokio::test]
async fn an_ssh_that_hangs_is_ended() {
    let scene = Scene::new();
    scene.published();
    let mut settings = scene.settings("git@git.example:c.git");
    settings.mirror = scene.folder.path().join("other");
    let mut source = over_ssh(&scene, &settings, "exec sleep 600");
    {
        let mut inner = source.inner.lock().unwrap();
        let Reach::Ssh(server) = &mut inner.remote.reach else { panic!("not ssh") };
        std::sync::Arc::get_mut(server).unwrap().limits.total = Duration::from_millis(300);
    }
    let unknown = source.tip().await.unwrap_err();
    assert!(unknown.cause.contains("did not finish"), "{}", unknown.cause);
}

#[tokio::test]
async fn a_commit_is_seen_within_a_second_and_our_reading_is_not() {
    let scene = Scene::new();
    let head = scene.published();
    let mut watched = watch(&scene.local()).unwrap().unwrap();
    let mut source = scene.open();
    source.fetch(&head).await.unwrap();
    source.tip().await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(300), watched.changed()).await;
    assert!(quiet.is_err(), "reading woke the watch");

    scene.put("use/README.md", "more");
    scene.commit();
    tokio::time::timeout(Duration::from_secs(1), watched.changed()).await.unwrap().unwrap();

    assert!(watch(&scene.settings("https://git.example/c.git")).unwrap().is_none());
    assert!(watch(&scene.settings("/nowhere/at/all")).is_err());
}

#[tokio::test]
async fn a_commit_is_heard_although_the_listener_was_called_away() {
    let scene = Scene::new();
    scene.published();
    let mut watched = watch(&scene.local()).unwrap().unwrap();
    scene.commit();
    // Long enough to notice, too short for the pause after it.
    let away = tokio::time::timeout(Duration::from_millis(30), watched.changed()).await;
    assert!(away.is_err(), "it waits until Git is done");
    tokio::time::timeout(Duration::from_secs(5), watched.changed()).await.unwrap().unwrap();
}
