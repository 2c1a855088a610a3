//! A repository over HTTP that goes away, lies, and comes back.

use std::time::Duration;

use serde_json::json;
use vitrine_core::config::Config;
use vitrine_core::model::{Kind, ObjectKey, Party};
use vitrine_core::status::{Board, Sync, Verdict};

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
    async fn whatever_is_not_a_whole_answer_deletes_nothing(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let (server, settings) = served(&catalogue);
        let mut daemon = Daemon::with(cluster, settings).await;
        daemon.settled(&catalogue.head()).await;

        for (manner, word) in [
            (Manner::WebPage, "web page"),
            (Manner::NoRefs, "has no branch `main`"),
            (Manner::Broken, "500"),
        ] {
            cluster.requests().take();
            server.turn(manner);
            let board = daemon
                .board(word, |b| is_unknown(b) && b.unknown.as_ref().unwrap().cause.contains(word))
                .await;
            assert_eq!(board.verdicts.len(), 3, "{manner:?}");
            assert!(board.held.is_none(), "there is nothing to approve: {manner:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(cluster.requests().take_writes(), [], "{manner:?}");
            server.turn(Manner::Well);
            daemon.board("good again", is_good).await;
            assert_eq!(cluster.requests().take_writes(), [], "the same commit asks for nothing");
        }

        // A transfer that breaks off: the new commit is known by name only.
        catalogue.remove("beta");
        catalogue.edit("alpha/solution.yaml", &image('a'), &image('b'));
        server.turn(Manner::CutShort);
        let head = catalogue.commit("Broken off");
        let board = daemon.board("unknown", is_unknown).await;
        assert_ne!(board.revision.as_ref(), Some(&head));
        assert_eq!(cluster.requests().take_writes(), []);
        server.turn(Manner::Well);
        daemon
            .board("without beta", |b| {
                b.revision.as_ref() == Some(&head) && b.verdicts.len() == 2 && is_good(b)
            })
            .await;
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
