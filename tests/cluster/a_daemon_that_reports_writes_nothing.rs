//! With `cluster.mode: report` nothing is written, neither onto the cluster nor into the notes, and the
//! board says what would be.

use std::time::Duration;

use vitrine_core::config::Mode;
use vitrine_core::status::{Board, Sync, Verdict};

use super::removal::versions;
use crate::support::catalogue::{Catalogue, image, minimal};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};

scenario! {
    async fn what_would_be_done_is_said_and_nothing_is_written(cluster: &Cluster) {
        let catalogue =
            Catalogue::of(&["changed-r", "goes-r", "stays-r", "one-r", "two-r"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
        let before = versions(cluster).await;

        catalogue.edit("changed-r/solution.yaml", &image('a'), &image('b'));
        catalogue.write("new-r/solution.yaml", &minimal("new-r"));
        catalogue.remove("goes-r");
        let head = catalogue.commit("Three things at once");
        cluster.requests().take();
        let mut only = settings(&catalogue);
        only.cluster.mode = Mode::Report;
        let mut daemon = Daemon::with(cluster, only).await.patient(Duration::from_secs(60));
        let told = |board: &Board| {
            board.revision.as_ref() == Some(&head)
                && board.verdicts.len() == 6
                && board.verdicts.iter().all(Verdict::is_settled)
        };
        let board = daemon.board("what would be", told).await.clone();
        for (name, says) in [
            ("changed-r", "would update 1 of its objects"),
            ("new-r", "would create "),
            ("goes-r", "its folder is gone; would delete "),
        ] {
            let verdict = board.verdicts.iter().find(|v| v.name.as_str() == name).unwrap();
            assert_eq!(verdict.sync, Sync::OutOfSync, "{verdict:?}");
            assert!(verdict.reason.starts_with(says), "{verdict:?}");
        }
        let good = board.verdicts.iter().filter(|verdict| verdict.is_good());
        assert_eq!(good.count(), 3, "{board:?}");
        assert!(board.reports && board.problems.is_empty(), "{board:?}");
        let mut writes = cluster.requests().take();
        writes.retain(|request| request.is_write());
        assert!(writes.is_empty(), "{writes:#?}");
        assert_eq!(versions(cluster).await, before);
        let noted = catalogue.git(&["notes", &format!("--ref=vitrine/{INSTANCE}"), "list"]);
        assert!(!noted.is_empty() && !noted.contains(head.as_str()), "{noted}");
        daemon.stop().await;

        // Told to act, it does.
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon
            .board("done", |b| {
                b.revision.as_ref() == Some(&head)
                    && b.verdicts.len() == 5
                    && b.verdicts.iter().all(Verdict::is_good)
            })
            .await;
        daemon.stop().await;
    }
}
