//! A daemon that dies anywhere ends where it would have ended.

use std::time::Duration;

use super::publish::observed;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;

scenario! {
    async fn a_kill_at_any_point_changes_nothing_of_the_end(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma", "delta", "omega"]);
        let mut pause = 3;
        for round in 0..20 {
            match round {
                5 => catalogue.edit("alpha/solution.yaml", &image('a'), &image('b')),
                10 => catalogue.remove("beta"),
                _ => {}
            }
            if matches!(round, 5 | 10) {
                catalogue.commit("Another step");
            }
            let daemon = Daemon::start(cluster, &catalogue).await;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            daemon.kill();
            pause = pause * 3 / 2 % 97 + 1;
        }
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon
            .board("settled without beta", |b| {
                b.revision.as_ref() == Some(&catalogue.head())
                    && b.verdicts.len() == 4
                    && b.verdicts.iter().all(vitrine::status::Verdict::is_good)
            })
            .await;
        let mut names: Vec<String> = observed(cluster)
            .await
            .into_iter()
            .filter(|key| key.kind == vitrine::model::Kind::Namespace)
            .map(|key| key.name)
            .collect();
        names.retain(|name| name != "sol-beta"); // may still be Terminating
        assert_eq!(names, ["sol-alpha", "sol-delta", "sol-gamma", "sol-omega"]);
        daemon.stop().await;

        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}
