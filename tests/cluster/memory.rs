//! What the daemon remembers between two lives on its Lease. Without it nothing is deleted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine::cluster;
use vitrine_core::model::{Kind, ObjectKey};

use super::publish;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::objects;

/// A client that is refused the Lease as long as the flag is up.
fn without_the_lease(client: kube::Client, refused: Arc<AtomicBool>) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let (client, refused) = (client.clone(), Arc::clone(&refused));
        async move {
            let about = request.uri().path().contains("/leases/");
            if about && refused.load(Ordering::SeqCst) {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503,
                    "reason": "ServiceUnavailable", "message": "no Lease today",
                });
                let body = kube::client::Body::from(serde_json::to_vec(&status).unwrap());
                return Ok(http::Response::builder().status(503).body(body).unwrap());
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, "default")
}

/// What is there of solutions.
pub async fn observed(cluster: &Cluster) -> BTreeSet<ObjectKey> {
    let mut keys = publish::observed(cluster).await;
    keys.retain(|key| key.namespace.as_deref() != Some(DAEMON_NAMESPACE));
    keys
}

async fn lease(cluster: &Cluster) -> Option<Value> {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"namespace": DAEMON_NAMESPACE},
    });
    let api = objects::api_of(&cluster.admin_client(), &lease).unwrap();
    let found = api.get_opt(&format!("vitrine-{INSTANCE}")).await.unwrap();
    found.map(|lease| serde_json::to_value(lease).unwrap())
}

/// Writes an annotation onto the Lease, as if it had been recorded so.
pub async fn remember(cluster: &Cluster, annotation: &str, value: &str) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"namespace": DAEMON_NAMESPACE},
    });
    let patch = json!({"metadata": {"annotations": {annotation: value}}});
    let api = objects::api_of(&cluster.admin_client(), &lease).unwrap();
    let name = format!("vitrine-{INSTANCE}");
    api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

/// Deletes a Service by hand and waits until the daemon put it back.
pub async fn is_repaired(cluster: &Cluster, solution: &str) {
    let service = ObjectKey::namespaced(Kind::Service, format!("sol-{solution}"), "app");
    let uid = cluster.get(&service).await.unwrap()["metadata"]["uid"].clone();
    objects::api(&cluster.admin_client(), service.kind, service.namespace.as_deref())
        .delete(&service.name, &Default::default())
        .await
        .unwrap();
    cluster
        .wait_for(&service, "there again", |o| o.is_some_and(|o| o["metadata"]["uid"] != uid))
        .await;
}

scenario! {
    async fn a_lease_that_is_read_late_is_adopted(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-l", "beta-l", "gamma-l", "delta-l", "omega-l"]);
        catalogue.write("NOTES.md", "Will be rewritten.\n");
        let applied = catalogue.commit("A note");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&applied).await;
        daemon.stop().await;
        let removals = json!([{"name": "gone-l", "at": Timestamp::now()}]).to_string();
        remember(cluster, "vitrine.dev/removals", &removals).await;
        let before = observed(cluster).await;
        let remembered = lease(cluster).await.unwrap()["metadata"]["annotations"].clone();
        assert_eq!(remembered["vitrine.dev/applied"], applied.to_string());

        // Meanwhile the branch is rewritten, and its new past lacks a solution.
        catalogue.remove("beta-l");
        catalogue.git(&["add", "-A"]);
        catalogue.git(&["commit", "-q", "--amend", "-m", "Another past"]);
        let head = catalogue.head();

        let refused = Arc::new(AtomicBool::new(true));
        let client = without_the_lease(cluster.client(), Arc::clone(&refused));
        let mut daemon = Daemon::through(client, settings(&catalogue)).await;
        daemon
            .board("without the Lease", |b| {
                b.revision.as_ref() == Some(&head)
                    && b.problems.iter().any(|p| p.contains("no Lease today"))
                    && b.verdicts.iter().filter(|v| v.is_good()).count() == 4
            })
            .await;
        // What needs no memory goes on.
        is_repaired(cluster, "alpha-l").await;
        let now = lease(cluster).await.unwrap()["metadata"]["annotations"].clone();
        assert_eq!(now, remembered, "nothing is recorded over what was not read");
        assert_eq!(observed(cluster).await, before, "nothing is deleted");

        refused.store(false, Ordering::SeqCst);
        let rewritten = "and the branch's history was rewritten";
        daemon
            .board("held", |b| b.held.as_ref().is_some_and(|h| h.reason.ends_with(rewritten)))
            .await;
        assert_eq!(observed(cluster).await, before);

        // Approved, the record counts this removal beside the one that it knew of.
        let held = daemon.boards.borrow().held.clone().unwrap();
        let of = cluster::Settings::of(&settings(&catalogue));
        let harm = held.harm.clone();
        cluster::approve(cluster.admin_client(), &of, &held.hash.first(12), &harm).await.unwrap();
        daemon.board("tidied", |b| b.held.is_none() && b.verdicts.len() == 4).await;
        let now = lease(cluster).await.unwrap()["metadata"]["annotations"].clone();
        let removals = now["vitrine.dev/removals"].as_str().unwrap();
        assert!(removals.contains("gone-l") && removals.contains("beta-l"), "{removals}");
        daemon.stop().await;
    }
}

scenario! {
    async fn no_board_stands_without_a_row_for_each_solution(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-b", "beta-b", "gamma-b"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
        // Gone from the catalogue, broken in it, and good: each has a row from the first board on.
        catalogue.remove("beta-b");
        catalogue.edit("gamma-b/solution.yaml", "image", "imagge");
        let head = catalogue.commit("One of each");
        let client = with_slow_lists(cluster.client());
        let mut daemon = Daemon::through(client, settings(&catalogue)).await;
        let board = daemon.board("of this commit", |b| b.revision.as_ref() == Some(&head)).await;
        let names: Vec<&str> = board.verdicts.iter().map(|v| v.name.as_str()).collect();
        assert!(names.contains(&"alpha-b") && names.contains(&"gamma-b"), "{board:#?}");
        let alpha = board.verdicts.iter().find(|v| v.name.as_str() == "alpha-b").unwrap();
        assert!(!alpha.is_settled(), "nobody looked at the cluster yet: {alpha:?}");
        assert_eq!(&*alpha.reason, "the cluster is being read");
        daemon.stop().await;
    }
}

/// A client that waits long for what it watches.
fn with_slow_lists(client: kube::Client) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let client = client.clone();
        async move {
            if request.uri().query().unwrap_or_default().contains("watch=1") {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, "default")
}
