//! What a hand changed is put right, and what others own is left to them.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine_core::model::{Kind, ObjectKey, marks};

use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE};
use crate::support::objects;

/// Merges a patch as `kubectl edit` would.
async fn edit(cluster: &Cluster, key: &ObjectKey, patch: Value) {
    let parameters =
        PatchParams { field_manager: Some("kubectl-edit".into()), ..Default::default() };
    objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref())
        .patch(&key.name, &parameters, &Patch::Merge(&patch))
        .await
        .unwrap();
}

scenario! {
    async fn an_edit_a_lost_label_and_a_deletion_by_hand_are_repaired(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let service = ObjectKey::namespaced(Kind::Service, "sol-one", "app");
        let policy = ObjectKey::namespaced(Kind::NetworkPolicy, "sol-one", "default-deny");
        let account = ObjectKey::namespaced(Kind::ServiceAccount, "sol-one", "app");

        cluster.requests().take();
        edit(cluster, &service, json!({"spec": {"selector": {"vitrine.dev/component": "mine"}}})).await;
        cluster
            .wait_for(&service, "as it was", |o| {
                o.is_some_and(|o| o["spec"]["selector"]["vitrine.dev/component"] == "app")
            })
            .await;

        edit(cluster, &policy, json!({"metadata": {"labels": {marks::INSTANCE: null}}})).await;
        cluster
            .wait_for(&policy, "marked again", |o| o.is_some_and(|o| o["metadata"]["labels"][marks::INSTANCE] == INSTANCE))
            .await;

        edit(cluster, &policy, json!({"metadata": {"labels": {marks::SOLUTION: "another"}}})).await;
        cluster
            .wait_for(&policy, "its own again", |o| o.is_some_and(|o| o["metadata"]["labels"][marks::SOLUTION] == "one"))
            .await;

        let uid = cluster.get(&account).await.unwrap()["metadata"]["uid"].clone();
        objects::api(&cluster.admin_client(), account.kind, account.namespace.as_deref())
            .delete(&account.name, &Default::default())
            .await
            .unwrap();
        cluster
            .wait_for(&account, "there again", |o| o.is_some_and(|o| o["metadata"]["uid"] != uid))
            .await;
        daemon.settled(&catalogue.head()).await;
        let writes = cluster.requests().take_writes();
        assert!(writes.iter().all(|r| r.method == http::Method::PATCH), "{writes:?}");
        assert_eq!(writes.len(), 4, "one PATCH a repair: {writes:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn what_others_add_and_scale_is_left_alone(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        cluster.requests().take();
        let deployment = ObjectKey::namespaced(Kind::Deployment, "sol-one", "app");
        edit(cluster, &deployment, json!({"metadata": {"annotations": {"example.org/seen": "yes"}}})).await;
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        daemon
            .verdict("one", "awake", |v| v.stage == Some(vitrine_core::status::Stage::Awake))
            .await;
        cluster.players().visit("sol-one", "app", 0).await.unwrap();
        daemon
            .verdict("one", "asleep", |v| v.stage == Some(vitrine_core::status::Stage::Asleep))
            .await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}
