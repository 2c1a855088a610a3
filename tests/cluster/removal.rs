//! A deleted folder disappears, and nothing else does.

use std::collections::BTreeMap;
use std::time::Duration;

use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::Sync;

use super::publish::observed;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;

/// The resourceVersion of every object of the instance, once the other controllers have said what
/// they have to say: the last status of a Deployment may come after its solution is settled.
pub async fn versions(cluster: &Cluster) -> BTreeMap<ObjectKey, String> {
    let mut last = versions_now(cluster).await;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = versions_now(cluster).await;
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("somebody writes all the time: {last:#?}");
}

async fn versions_now(cluster: &Cluster) -> BTreeMap<ObjectKey, String> {
    let mut all = BTreeMap::new();
    for key in observed(cluster).await {
        // What ended meanwhile has no version.
        let Some(object) = cluster.get(&key).await else { continue };
        all.insert(key, object["metadata"]["resourceVersion"].as_str().unwrap().to_owned());
    }
    all
}

scenario! {
    async fn a_deleted_folder_takes_its_objects_and_its_namespace_along(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma", "delta", "omega"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let mut before = versions(cluster).await;

        cluster.requests().take();
        catalogue.remove("beta");
        let head = catalogue.commit("Beta is over");
        daemon
            .board("without beta", |b| {
                b.revision.as_ref() == Some(&head) && b.verdicts.iter().all(|v| v.name.as_str() != "beta")
            })
            .await;
        cluster
            .wait_for(&ObjectKey::cluster(Kind::Namespace, "sol-beta"), "gone", |o| o.is_none())
            .await;
        before.retain(|key, _| !(key.name.ends_with("beta") || key.namespace.as_deref() == Some("sol-beta")));
        assert_eq!(versions(cluster).await, before, "nobody else was touched");

        let deletes: Vec<_> = cluster.requests().take_writes();
        assert!(deletes.iter().all(|r| r.method == http::Method::DELETE), "{deletes:?}");
        assert!(deletes.first().unwrap().path.contains("/httproutes/"), "{deletes:?}");
        assert!(deletes.last().unwrap().path.ends_with("/namespaces/sol-beta"), "{deletes:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn foreign_work_keeps_its_namespace_and_is_named(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha3", "beta3", "gamma3", "delta3", "omega3"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let claim = serde_json::json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "results", "namespace": "sol-beta3"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        });
        let api = crate::support::objects::api_of(&cluster.admin_client(), &claim).unwrap();
        api.create(&Default::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();

        catalogue.remove("beta3");
        catalogue.commit("Beta is over");
        let verdict = daemon
            .verdict("beta3", "blocked by the claim", |v| v.sync == Sync::Blocked)
            .await;
        assert!(verdict.reason.contains("PersistentVolumeClaim/results"), "{}", verdict.reason);
        let left = cluster.get(&ObjectKey::cluster(Kind::Namespace, "sol-beta3")).await.unwrap();
        assert!(left["metadata"]["deletionTimestamp"].is_null());
        daemon.stop().await;
    }
}

scenario! {
    async fn a_renamed_folder_has_no_gap(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha4", "beta4", "gamma4", "delta4", "omega4"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        cluster.requests().take();
        catalogue.git(&["mv", "beta4", "renamed4"]);
        catalogue.edit("renamed4/solution.yaml", "name: beta4", "name: renamed4");
        let head = catalogue.commit("A better name");
        daemon
            .board("renamed", |b| {
                b.revision.as_ref() == Some(&head)
                    && b.verdicts.iter().all(|v| v.name.as_str() != "beta4" && v.is_settled())
            })
            .await;
        let writes = cluster.requests().take_writes();
        let route = writes.iter().position(|r| r.path.contains("sol-renamed4/httproutes")).unwrap();
        let first = writes.iter().position(|r| r.method == http::Method::DELETE).unwrap();
        assert!(route < first, "the new name is routed before the old one goes");
        daemon.stop().await;
    }
}
