//! E14: a change for all replaces the pods of a few running solutions at a time.

use std::time::Duration;

use vitrine_core::status::{Cause, Sync, Verdict};

use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::players::Player;

const NAMES: [&str; 5] = ["five", "four", "one", "three", "two"];

/// The solutions whose Deployment was written since this was last asked.
fn restarted(cluster: &Cluster) -> Vec<String> {
    let writes = cluster.requests().take_writes().into_iter();
    let mut names: Vec<String> = writes
        .filter(|request| request.path.ends_with("/deployments/app"))
        .filter_map(|request| {
            Some(request.path.split("/sol-").nth(1)?.split('/').next()?.to_owned())
        })
        .collect();
    names.sort();
    names
}

fn waits(verdict: &Verdict) -> bool {
    verdict.sync == Sync::Progressing && verdict.reason.cause == Cause::AwaitsTurn
}

scenario! {
    async fn a_changed_platform_waits_for_turns_and_an_authors_commit_does_not(cluster: &Cluster) {
        let catalogue = Catalogue::of(&NAMES);
        for name in NAMES {
            let file = format!("{name}/solution.yaml");
            catalogue.edit(&file, "spec:", "spec:\n  scaling: {minReplicas: 1, maxReplicas: 1}");
        }
        let head = catalogue.commit("Always on");
        let mut settings = settings(&catalogue);
        settings.rollouts.max_parallel = 2;
        let mut daemon = Daemon::with(cluster, settings.clone()).await;
        daemon.settled(&head).await;

        // No new pod comes up for now.
        cluster.players().stop(Player::Deployments).await;
        cluster.requests().take();
        catalogue.edit("platform.yaml", "spec:", "spec:\n  nodes: {priorityClassName: demonstrators}");
        let image = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
        catalogue.edit("two/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("Another priority, and a newer image of one");
        let board = daemon
            .board("two solutions wait for their turn", |board| {
                board.verdicts.iter().filter(|verdict| waits(verdict)).count() == 2
            })
            .await;
        assert_eq!(board.revision.as_ref(), Some(&head));
        // Two by turn, one by its own commit.
        let mut begun = restarted(cluster);
        while begun.len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            begun.extend(restarted(cluster));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        begun.extend(restarted(cluster));
        begun.sort();
        assert_eq!(begun, ["five", "four", "two"]);

        cluster.players().start(Player::Deployments);
        let board = daemon.settled(&head).await;
        assert!(board.verdicts.iter().all(Verdict::is_good), "{board:#?}");
        assert_eq!(restarted(cluster), ["one", "three"]);
        daemon.stop().await;
    }
}
