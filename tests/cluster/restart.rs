//! A daemon that dies anywhere ends where it would have ended.

use std::time::Duration;

use vitrine_core::model::{Kind, ObjectKey};

use super::publish::observed;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};

scenario! {
    async fn a_kill_at_any_point_changes_nothing_of_the_end(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-r", "beta-r", "gamma-r", "delta-r", "omega-r"]);
        let mut pause = 3;
        for round in 0..20 {
            match round {
                5 => catalogue.edit("alpha-r/solution.yaml", &image('a'), &image('b')),
                10 => catalogue.remove("beta-r"),
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
            .board("settled without beta-r", |b| {
                b.revision.as_ref() == Some(&catalogue.head())
                    && b.verdicts.len() == 4
                    && b.verdicts.iter().all(vitrine_core::status::Verdict::is_good)
            })
            .await;
        let mut names: Vec<String> = observed(cluster)
            .await
            .into_iter()
            .filter(|key| key.kind == vitrine_core::model::Kind::Namespace)
            .map(|key| key.name)
            .collect();
        names.retain(|name| name != "sol-beta-r"); // may still be Terminating
        assert_eq!(names, ["sol-alpha-r", "sol-delta-r", "sol-gamma-r", "sol-omega-r"]);
        daemon.stop().await;

        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}

/// A client whose requests about Leases take long.
fn with_a_slow_lease(client: kube::Client) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let client = client.clone();
        async move {
            if request.uri().path().contains("/leases") {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, "default")
}

scenario! {
    async fn what_left_the_catalogue_meanwhile_goes_although_the_lease_is_read_last(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-s", "beta-s", "gamma-s"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
        catalogue.remove("beta-s");
        catalogue.commit("Nobody looks at beta-s");

        let client = with_a_slow_lease(cluster.client());
        let daemon = Daemon::through(client, settings(&catalogue)).await;
        let beta = ObjectKey::cluster(Kind::Namespace, "sol-beta-s");
        let leaving = |o: Option<&serde_json::Value>| {
            o.is_none_or(|o| !o["metadata"]["deletionTimestamp"].is_null())
        };
        cluster.wait_for(&beta, "leaving", leaving).await;
        daemon.stop().await;
    }
}
