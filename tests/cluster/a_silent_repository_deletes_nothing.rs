//! E1. Whatever keeps the repository from being read, nothing is deleted: the verdict is Unknown with
//! the cause, and the last whole snapshot stays in force.
//!
//! In each case the commit that cannot be read removes a solution and changes another. What was
//! published stays, is repaired, and follows that commit once it was read.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use vitrine::cluster;
use vitrine_core::config::Config;
use vitrine_core::model::{Kind, ObjectKey, Party, Revision};
use vitrine_core::status::{Board, Sync, Verdict};

use super::memory::{is_repaired, observed, remember};
use crate::cli::scene::{Scene, verdicts};
use crate::cli::status::{board, serving};
use crate::support::binary::{Running, vitrine};
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::git_server::{GitServer, Manner};

/// The catalogue behind a server, and settings that lead there.
fn served(catalogue: &Catalogue) -> (GitServer, Config) {
    let server = GitServer::over(catalogue.path().parent().unwrap());
    let mut settings = settings(catalogue);
    settings.repository.url = server.url("catalogue");
    // Shorter than a person may set it, so that nobody waits.
    settings.repository.poll = Some(Duration::from_millis(100));
    (server, settings)
}

fn is_unknown(board: &Board) -> bool {
    board.unknown.is_some() && board.verdicts.iter().all(|v| v.sync == Sync::Unknown)
}

fn is_good(board: &Board) -> bool {
    board.unknown.is_none() && board.verdicts.iter().all(Verdict::is_good)
}

fn is_note_push(request: &str) -> bool {
    request.starts_with("POST") && request.ends_with("/git-receive-pack")
}

/// Makes the daemon at this address take the mirror for one of this repository, which it read when
/// there was nothing the matter with it.
fn move_to(url: String, settings: &mut Config) {
    let mark = settings.repository.mirror.join("vitrine-mirror");
    let text = std::fs::read_to_string(&mark).unwrap();
    assert!(text.contains(&settings.repository.url), "{text}");
    std::fs::write(mark, text.replace(&settings.repository.url, &url)).unwrap();
    settings.repository.url = url;
}

/// Removes `beta` and changes `alpha`.
fn edit(catalogue: &Catalogue) {
    catalogue.remove("beta");
    catalogue.edit("alpha/solution.yaml", &image('a'), &image('b'));
}

/// While the repository cannot be read, for a cause with these words: Unknown, nothing written, the
/// snapshot of this commit in force.
async fn keeps(cluster: &Cluster, daemon: &mut Daemon, at: &Revision, words: &str) {
    let board = daemon
        .board(words, |b| is_unknown(b) && b.unknown.as_ref().unwrap().cause.contains(words))
        .await;
    assert_eq!(board.revision.as_ref(), Some(at), "the last snapshot stays in force: {words}");
    assert!(board.held.is_none(), "there is nothing to approve: {words}");
    let names: Vec<&str> = board.verdicts.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["alpha", "beta", "gamma"], "{words}");
    for verdict in &board.verdicts {
        assert_eq!(verdict.party, Party::Operator, "{verdict:?}");
        assert!(verdict.reason.contains("cannot be read since"), "{}", verdict.reason);
        assert!(verdict.reason.contains(words), "{}", verdict.reason);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(cluster.requests().take_writes(), [], "{words}");
    // Also what the commit that nobody could read takes out is kept as it was.
    is_repaired(cluster, "beta").await;
    let writes = cluster.requests().take_writes();
    assert!(writes.iter().all(|r| r.method == http::Method::PATCH), "{words}: {writes:#?}");
}

/// The repository is as it should be: what was asked for is done.
async fn follows(cluster: &Cluster, daemon: &mut Daemon, head: &Revision) {
    daemon
        .board("without beta", |b| {
            b.revision.as_ref() == Some(head) && b.verdicts.len() == 2 && is_good(b)
        })
        .await;
    let namespace = ObjectKey::cluster(Kind::Namespace, "sol-beta");
    cluster.wait_for(&namespace, "gone", |o| o.is_none()).await;
}

/// Takes the repository away; [`bring_back`] brings it back.
fn take_away(catalogue: &Catalogue) -> PathBuf {
    let away = catalogue.path().with_extension("away");
    std::fs::rename(catalogue.path(), &away).unwrap();
    away
}

fn bring_back(catalogue: &Catalogue, away: &PathBuf) {
    std::fs::rename(away, catalogue.path()).unwrap();
}

scenario! {
    async fn whatever_is_not_a_whole_answer_deletes_nothing(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let (server, settings) = served(&catalogue);
        let mut daemon = Daemon::with(cluster, settings).await;
        let first = catalogue.head();
        daemon.settled(&first).await;

        for (manner, words) in [
            (Manner::Says(401), "asks for credentials (401)"),
            (Manner::Says(404), "does not exist or may not be seen"),
            (Manner::Broken, "answered 500"),
            (Manner::WebPage, "web page"),
            (Manner::NoRefs, "has no branch `main`"),
            (Manner::CutShort, &server.url("catalogue")),
        ] {
            cluster.requests().take();
            server.turn(manner);
            edit(&catalogue);
            catalogue.commit("While nobody can read it");
            keeps(cluster, &mut daemon, &first, words).await;
            // It was a mistake, and is taken back before it could be read.
            catalogue.git(&["reset", "-q", "--hard", first.as_str()]);
            server.turn(Manner::Well);
            daemon.board("good again", is_good).await;
            assert_eq!(cluster.requests().take_writes(), [], "the same commit asks for nothing");
        }

        // A transfer that breaks off: the new commit is known by name only, and then read.
        server.turn(Manner::CutShort);
        edit(&catalogue);
        let head = catalogue.commit("Broken off");
        keeps(cluster, &mut daemon, &first, &server.url("catalogue")).await;
        server.turn(Manner::Well);
        follows(cluster, &mut daemon, &head).await;
        daemon.stop().await;
    }
}

/// A daemon that finds the repository at an address that leads nowhere: it goes on from its mirror.
async fn leads_nowhere(cluster: &Cluster, url: &str, words: &str) {
    let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
    let (server, mut settings) = served(&catalogue);
    let mut daemon = Daemon::with(cluster, settings.clone()).await;
    let first = catalogue.head();
    daemon.settled(&first).await;
    daemon.stop().await;
    edit(&catalogue);
    let head = catalogue.commit("Where nobody finds it");

    cluster.requests().take();
    move_to(url.to_owned(), &mut settings);
    let mut daemon = Daemon::with(cluster, settings.clone()).await;
    keeps(cluster, &mut daemon, &first, words).await;
    daemon.stop().await;

    move_to(server.url("catalogue"), &mut settings);
    let mut daemon = Daemon::with(cluster, settings).await;
    follows(cluster, &mut daemon, &head).await;
    daemon.stop().await;
}

scenario! {
    async fn a_name_that_dns_does_not_know_deletes_nothing(cluster: &Cluster) {
        leads_nowhere(cluster, "http://nowhere.invalid/catalogue", "dns error").await;
    }
}

/// A door with a certificate that nobody vouches for, open until the test ends.
fn behind_a_stranger_s_certificate() -> SocketAddr {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let tls = Arc::new(tls);
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    std::thread::spawn(move || {
        for visitor in door.incoming() {
            let (mut visitor, tls) = (visitor.unwrap(), Arc::clone(&tls));
            let mut shaken = rustls::ServerConnection::new(tls).unwrap();
            // The visitor ends it, which is an error.
            let _ = shaken.complete_io(&mut visitor);
        }
    });
    address
}

scenario! {
    async fn a_certificate_that_nobody_vouches_for_deletes_nothing(cluster: &Cluster) {
        let port = behind_a_stranger_s_certificate().port();
        leads_nowhere(cluster, &format!("https://localhost:{port}/catalogue"), "certificate").await;
    }
}

scenario! {
    async fn a_folder_that_cannot_be_read_deletes_nothing(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let first = catalogue.head();
        daemon.settled(&first).await;
        cluster.requests().take();

        // The commit is whole but for one folder, before the branch shows it.
        edit(&catalogue);
        catalogue.git(&["add", "-A"]);
        let tree = catalogue.git(&["write-tree"]);
        let commit = ["commit-tree", "-p", "HEAD", "-m", "A bad sector", tree.trim()];
        let commit = catalogue.git(&commit).trim().to_owned();
        let folder = catalogue.git(&["rev-parse", &format!("{commit}:alpha")]);
        let (start, end) = folder.trim().split_at(2);
        let object = catalogue.path().join(".git/objects").join(start).join(end);
        let away = catalogue.path().join(".git/away");
        std::fs::rename(&object, &away).unwrap();
        catalogue.git(&["update-ref", "refs/heads/main", &commit]);
        keeps(cluster, &mut daemon, &first, folder.trim()).await;

        std::fs::rename(&away, &object).unwrap();
        daemon.hint();
        follows(cluster, &mut daemon, &catalogue.head()).await;
        daemon.stop().await;
    }
}

/// What only a process of its own can meet. The board is read as its readers read it.
struct Process {
    scene: Scene,
    server: GitServer,
    running: Option<Running>,
    address: String,
    first: Revision,
}

impl Process {
    /// A daemon that has published, started by a line of a shell in front of it.
    fn published(line: &str) -> Self {
        let scene = Scene::of(&["alpha", "beta", "gamma"]);
        let server = GitServer::over(scene.catalogue.path().parent().unwrap());
        let url = server.url("catalogue");
        scene.settle(|s| {
            s["repository"]["url"] = json!(url);
            let anywhere = json!({"listen": "127.0.0.1:0"});
            s["web"] = json!({"public": anywhere, "private": anywhere});
        });
        let first = scene.catalogue.head();
        let mut process = Self { scene, server, running: None, address: String::new(), first };
        process.start(line);
        process.shows("published", |b| {
            verdicts(b).len() == 3 && verdicts(b).values().all(|v| v["sync"] == "Synced")
        });
        process.scene.api.sandbox.clear_requests();
        process
    }

    fn start(&mut self, line: &str) {
        let program = vitrine(self.scene.home());
        let mut shell = Command::new("sh");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let line = format!("{line} exec \"$0\" \"$@\"");
        shell.current_dir(self.scene.home()).args(["-c", &line]).arg(program.get_program());
        let (running, address) = serving(shell.args(["run", "--config", "vitrine.yaml"]));
        (self.running, self.address) = (Some(running), address);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it was started")
    }

    fn shows(&self, told: &str, is: impl Fn(&Value) -> bool) -> Value {
        board(self.running(), &self.address, told, is)
    }

    /// As [`keeps`].
    fn keeps(&self, words: &str) {
        let now = self.shows("unknown", |b| {
            b["unknown"]["cause"].as_str().is_some_and(|cause| cause.contains(words))
                && verdicts(b).len() == 3
                && verdicts(b).values().all(|v| v["sync"] == "Unknown")
        });
        assert_eq!(now["revision"], self.first.as_str());
        assert_eq!(now["held"], Value::Null);
        let service = ObjectKey::namespaced(Kind::Service, "sol-beta", "app");
        let sandbox = &self.scene.api.sandbox;
        assert!(sandbox.remove(&service).unwrap());
        let begun = Instant::now();
        while sandbox.get(&service).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is not repaired");
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = sandbox.requests();
        assert!(sent.iter().all(|request| request.method != "DELETE"), "{sent:#?}");
    }

    /// As [`follows`].
    fn follows(&self, head: &Revision) {
        self.shows("without beta", |b| b["revision"] == head.as_str() && verdicts(b).len() == 2);
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-beta");
        assert_eq!(self.scene.api.sandbox.get(&namespace), None);
    }

    fn end(&mut self, signal: &str) {
        self.running().signal(signal);
        self.running.take().expect("it runs").ended();
    }
}

mod a_full_disk_deletes_nothing {
    use super::*;

    /// Only on the sandbox: the disk of one process is full, and it reaches the API over HTTP.
    #[test]
    fn sandbox() {
        // No file grows beyond 32 KiB, which is what a full disk is to a pack.
        let mut process = Process::published("trap '' XFSZ; ulimit -f 64;");
        edit(&process.scene.catalogue);
        let noise: String = (0..200_000).map(|_| fastrand::alphanumeric()).collect();
        process.scene.catalogue.write("gamma/noise.md", &noise);
        let head = process.scene.catalogue.commit("More than fits");
        process.running().signal("HUP");
        process.keeps("disk's space");
        process.end("TERM");
        process.start("");
        process.follows(&head);
        process.end("TERM");
    }
}

mod a_daemon_killed_in_a_fetch_deletes_nothing {
    use super::*;

    /// Only on the sandbox, as the test before.
    #[test]
    fn sandbox() {
        let mut process = Process::published("");
        let packs = |process: &Process| {
            let asked = process.server.requests();
            asked.iter().filter(|r| r.starts_with("POST") && r.ends_with("git-upload-pack")).count()
        };
        let before = packs(&process);
        process.server.turn(Manner::NoObjects);
        edit(&process.scene.catalogue);
        let head = process.scene.catalogue.commit("Never arrives");
        process.running().signal("HUP");
        // Where the branch is, and then its objects, which do not come.
        let begun = Instant::now();
        while packs(&process) < before + 2 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", process.server.requests());
            std::thread::sleep(Duration::from_millis(10));
        }
        process.end("KILL");
        process.server.turn(Manner::Broken);
        process.start("");
        process.keeps("answered 500");
        process.server.turn(Manner::Well);
        process.running().signal("HUP");
        process.follows(&head);
        process.end("TERM");
    }
}

scenario! {
    async fn a_restart_without_the_repository_goes_on_from_the_mirror(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-m", "beta-m", "gamma-m", "delta-m"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        // Held, so the mirror is ahead of what was applied.
        for name in ["beta-m", "gamma-m", "delta-m"] {
            catalogue.remove(name);
        }
        let head = catalogue.commit("A big tidy-up");
        let board = daemon
            .board("held", |b| b.revision.as_ref() == Some(&head) && b.held.is_some())
            .await;
        assert!(board.held.is_some());
        daemon.stop().await;
        let away = take_away(&catalogue);
        let down = Timestamp::now();

        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon
            .board("going on", |b| {
                b.unknown.is_some() && b.revision.as_ref() == Some(&head) && b.held.is_some()
            })
            .await;
        let outage = board.unknown.clone().unwrap();
        assert!(outage.since <= down, "heard before it went: {} and {down}", outage.since);
        assert_eq!(board.verdicts.len(), 4);
        assert!(board.verdicts.iter().all(|v| v.sync == Sync::Unknown), "{board:#?}");
        is_repaired(cluster, "alpha-m").await;

        bring_back(&catalogue, &away);
        daemon.hint();
        daemon
            .board("heard again", |b| b.unknown.is_none() && b.held.is_some())
            .await;
        daemon.stop().await;
    }
}

scenario! {
    async fn before_the_repository_answered_nothing_is_deleted(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-o", "beta-o"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        catalogue.remove("alpha-o");
        catalogue.remove("beta-o");
        let head = catalogue.commit("All of it");
        let board = daemon
            .board("held", |b| b.revision.as_ref() == Some(&head) && b.held.is_some())
            .await;
        let held = board.held.clone().unwrap();
        daemon.stop().await;
        let away = take_away(&catalogue);
        let before = observed(cluster).await;

        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.board("going on", |b| b.unknown.is_some() && b.held.is_some()).await;
        let of = cluster::Settings::of(&settings(&catalogue));
        let harm = held.harm.clone();
        cluster::approve(cluster.admin_client(), &of, &held.hash.first(12), &harm).await.unwrap();
        daemon.board("approved", |b| b.held.is_none()).await;
        // A look at the repository later everything was thought about again.
        let approved = Timestamp::now();
        daemon.hint();
        while daemon.boards.borrow().checked_at.is_none_or(|at| at <= approved) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(observed(cluster).await, before);

        bring_back(&catalogue, &away);
        daemon.hint();
        daemon.board("tidied", |b| b.unknown.is_none() && b.verdicts.is_empty()).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_mirror_that_is_older_than_the_lease_is_not_gone_on_from(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-n"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
        let newer = Revision::parse(&"e".repeat(40)).unwrap();
        remember(cluster, "vitrine.dev/applied", newer.as_str()).await;
        let away = take_away(&catalogue);

        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.board("unknown", |b| b.unknown.is_some()).await;
        assert_eq!(board.revision, None, "nobody knows what is in force");
        assert_eq!(cluster.requests().take_writes(), []);
        bring_back(&catalogue, &away);
        daemon.hint();
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn the_example_catalogue_comes_over_http_and_an_outage_changes_nothing(cluster: &Cluster) {
        let catalogue = Catalogue::example();
        let (server, settings) = served(&catalogue);
        let mut daemon = Daemon::with(cluster, settings).await;
        let first = catalogue.head();
        let board = daemon.settled(&first).await;
        assert_eq!(board.verdicts.len(), 4);
        assert!(is_good(&board), "{board:#?}");

        // The notes are on the other side, one line a solution and one for all.
        let note = noted(&catalogue, &first.to_string(), "4 solutions: 4 Synced").await;
        assert_eq!(note.lines().count(), 5, "{note}");
        assert!(server.requests().iter().any(|r| is_note_push(r)), "{:?}", server.requests());

        // Down, with a commit on the other side that removes and changes.
        cluster.requests().take();
        server.go_down();
        catalogue.remove("tourism");
        catalogue.edit("use/solution.yaml", "sha256:a3b1", "sha256:b3b1");
        let second = catalogue.commit("While nobody can hear it");
        let board = daemon.board("unknown", is_unknown).await;
        assert_eq!(board.revision.as_ref(), Some(&first), "the last snapshot stays in force");
        let outage = board.unknown.clone().unwrap();
        assert!(outage.cause.contains("cannot be reached"), "{}", outage.cause);
        assert!(outage.cause.contains(&server.url("catalogue")), "{}", outage.cause);
        assert_eq!(board.verdicts.len(), 4);
        for verdict in &board.verdicts {
            assert_eq!(verdict.party, Party::Operator, "{verdict:?}");
            assert!(verdict.reason.contains("cannot be read since"), "{}", verdict.reason);
            assert!(verdict.reason.contains(first.short()), "{}", verdict.reason);
            assert!(!verdict.next.is_empty());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(cluster.requests().take_writes(), [], "an outage writes nothing");

        // Drift is mended all the same, to what the last snapshot says.
        let key = ObjectKey::namespaced(Kind::Service, "sol-use", "app");
        let right = cluster.get(&key).await.expect("the example has it");
        let mut hijacked = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "app", "namespace": "sol-use"},
        });
        hijacked["spec"] = json!({"selector": {"app.kubernetes.io/name": "somebody-else"}});
        crate::support::objects::apply(&cluster.admin_client(), &hijacked, "kubectl").await.unwrap();
        let mended = cluster
            .wait_for(&key, "mended", |o| {
                o.is_some_and(|o| o["spec"]["selector"] == right["spec"]["selector"])
            })
            .await
            .unwrap();
        assert_eq!(mended["spec"]["ports"], right["spec"]["ports"]);
        let board = daemon.board("still unknown", is_unknown).await;
        assert_eq!(board.unknown.as_ref().map(|u| u.since), Some(outage.since), "since the first");

        // Back: the new commit is applied, the notes follow.
        server.come_back();
        let board = daemon
            .board("at the new commit", |b| {
                b.revision.as_ref() == Some(&second) && b.verdicts.len() == 3 && is_good(b)
            })
            .await;
        assert!(board.problems.is_empty(), "{:?}", board.problems);
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-tourism");
        cluster.wait_for(&namespace, "gone", |o| o.is_none()).await;
        noted(&catalogue, &second.to_string(), "3 solutions: 3 Synced").await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_folder_deleted_while_no_daemon_ran_is_removed_by_the_next(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let (_server, settings) = served(&catalogue);
        let mut daemon = Daemon::with(cluster, settings.clone()).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;

        catalogue.remove("beta");
        catalogue.commit("While nobody looks");
        let daemon = Daemon::with(cluster, settings).await;
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-beta");
        cluster.wait_for(&namespace, "gone", |o| o.is_none()).await;
        daemon.stop().await;
    }
}

/// Waits until the note of a commit, on the other side, holds these words.
async fn noted(catalogue: &Catalogue, commit: &str, words: &str) -> String {
    let mut note = String::new();
    for _ in 0..400 {
        let names = catalogue.git(&["for-each-ref", "refs/notes/vitrine/test"]);
        if !names.is_empty() {
            let list = catalogue.git(&["notes", "--ref", "refs/notes/vitrine/test", "list"]);
            if list.contains(commit) {
                note =
                    catalogue.git(&["notes", "--ref", "refs/notes/vitrine/test", "show", commit]);
            }
            if note.contains(words) {
                return note;
            }
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the note of {commit} lacks {words:?}: {note}");
}
