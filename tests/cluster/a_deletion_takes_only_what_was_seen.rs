//! E4. Every deletion carries the UID and the resourceVersion that were observed, so whatever somebody
//! changed or made anew between the look and the deletion survives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Method;
use http_body_util::BodyExt as _;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use vitrine_core::model::{Kind, ObjectKey, marks};
use vitrine_core::plan::observed::{Live, Owner};
use vitrine_core::plan::{Outcome, Step};
use vitrine_core::status::Sync;

use super::apply::{Engine, as_applied, live, minimal, object};
use crate::render::fixtures::instance;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::objects;

scenario! {
    async fn a_delete_takes_exactly_the_object_that_was_observed(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        engine.publish(&case).await;
        let service = object(&case, Kind::Service, "app");
        engine.until("the service is there", |observed| as_applied(observed, &service)).await;
        let seen = live(engine.observed(), &service.key).clone();
        let delete = |seen: &Live| Step::Delete {
            key: service.key.clone(),
            uid: seen.uid.clone(),
            resource_version: seen.resource_version.clone(),
        };

        // Somebody changes it, then somebody makes it anew: both survive.
        let api = objects::api(&cluster.admin_client(), Kind::Service, Some("sol-use"));
        let note = json!({"metadata": {"annotations": {"example.net/note": "look"}}});
        api.patch("app", &PatchParams::default(), &Patch::Merge(&note)).await.unwrap();
        let outcomes =
            engine.carry_out("use", vec![delete(&seen)]).await;
        assert_eq!(outcomes, [Outcome::Changed]);
        api.delete("app", &DeleteParams::default()).await.unwrap();
        let anew = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"},
            "spec": {"ports": [{"port": 80}]},
        });
        api.create(&PostParams::default(), &serde_json::from_value(anew).unwrap()).await.unwrap();
        let outcomes =
            engine.carry_out("use", vec![delete(&seen)]).await;
        assert_eq!(outcomes, [Outcome::Changed]);
        assert!(cluster.get(&service.key).await.is_some());

        let account = object(&case, Kind::ServiceAccount, "app");
        engine.until("the account is there", |observed| as_applied(observed, &account)).await;
        let seen = live(engine.observed(), &account.key).clone();
        let delete = || Step::Delete {
            key: account.key.clone(),
            uid: seen.uid.clone(),
            resource_version: seen.resource_version.clone(),
        };
        assert_eq!(engine.carry_out("use", vec![delete()]).await, [Outcome::Deleted]);
        assert_eq!(cluster.get(&account.key).await, None);
        assert_eq!(engine.carry_out("use", vec![delete()]).await, [Outcome::Gone]);
    }
}

scenario! {
    async fn a_namespace_that_only_carries_our_label_is_not_ours_to_delete(cluster: &Cluster) {
        // The label hands it over to be published into; only an apply makes it ours.
        let foreign = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "sol-use", "labels": {
                marks::INSTANCE: instance().as_str(), marks::SOLUTION: "use",
            }},
        });
        objects::apply(&cluster.admin_client(), &foreign, "kubectl").await.unwrap();
        let mut engine = Engine::connect(cluster).await;
        engine
            .until("it is seen", |observed| {
                observed.namespaces.get("sol-use").is_some_and(|facts| facts.owner == Owner::ThisInstance)
            })
            .await;
        let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
        assert!(!live(engine.observed(), &key).is_ours());
    }
}

/// What was deleted: the body of each DELETE by its path, and what stood there just before.
#[derive(Clone, Default)]
struct Deletions(Arc<Mutex<BTreeMap<String, (Value, Value)>>>);

/// A client whose deletions are read along. Before its first DELETE of the Service at `slow`,
/// somebody else deletes that Service and makes one of their own. Its ServiceAccount is not deleted
/// before that is done: the namespace would be empty in between, and go.
fn read_along(cluster: &Cluster, slow: Option<ObjectKey>) -> (kube::Client, Deletions) {
    let (made, is_made) = watch::channel(slow.is_none());
    let made = Arc::new(made);
    let (deletions, slow) = (Deletions::default(), Arc::new(Mutex::new(slow)));
    let (client, admin, log) = (cluster.client(), cluster.admin_client(), deletions.clone());
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, admin, log, slow) = (client.clone(), admin.clone(), log.clone(), slow.clone());
        let (made, mut is_made) = (made.clone(), is_made.clone());
        async move {
            if request.method() != Method::DELETE {
                return client.send(request).await;
            }
            let (head, body) = request.into_parts();
            let path = head.uri.path().to_owned();
            let body = body.collect().await.expect("a body that was just made").to_bytes();
            if path.ends_with("/serviceaccounts/app") {
                is_made.wait_for(|made| *made).await.expect("it is made in the end");
            }
            let get = http::Request::get(&path).body(Vec::new()).unwrap();
            let before = admin.request::<Value>(get).await.unwrap_or_default();
            let said = serde_json::from_slice(&body).expect("options are JSON");
            log.0.lock().unwrap().entry(path.clone()).or_insert((said, before));
            let overtaken = {
                let mut slow = slow.lock().unwrap();
                let is_it = |key: &ObjectKey| {
                    let namespace = key.namespace.as_deref().unwrap_or_default();
                    path.ends_with(&format!("/{namespace}/services/{}", key.name))
                };
                if slow.as_ref().is_some_and(is_it) { slow.take() } else { None }
            };
            if let Some(key) = overtaken {
                make_anew(&admin, &key).await;
                made.send_replace(true);
            }
            client.send(http::Request::from_parts(head, Body::from(body.to_vec()))).await
        }
    });
    (kube::Client::new(service, "default"), deletions)
}

/// Somebody deletes a Service and makes another of that name.
async fn make_anew(admin: &kube::Client, key: &ObjectKey) {
    let api = objects::api(admin, key.kind, key.namespace.as_deref());
    api.delete(&key.name, &DeleteParams::default()).await.unwrap();
    let anew = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": key.name},
        "spec": {"ports": [{"port": 80}]},
    });
    api.create(&PostParams::default(), &serde_json::from_value(anew).unwrap()).await.unwrap();
}

scenario! {
    async fn every_deletion_of_a_removal_carries_both_preconditions(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let (client, deletions) = read_along(cluster, None);
        let mut daemon = Daemon::through(client, settings(&catalogue)).await;
        daemon.settled(&catalogue.head()).await;
        catalogue.remove("beta");
        // One of those that stay loses some of its objects.
        let always = "spec:\n  scaling: {minReplicas: 1, maxReplicas: 1}";
        catalogue.edit("alpha/solution.yaml", "spec:", always);
        catalogue.commit("Beta is over, alpha is always on");
        daemon.board("without beta", |b| b.verdicts.len() == 2 && b.verdicts.iter().all(|v| v.is_good())).await;
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-beta");
        cluster.wait_for(&namespace, "gone", |o| o.is_none()).await;
        let all = deletions.0.lock().unwrap().clone();
        assert!(all.keys().any(|path| path.contains("sol-alpha/scaledobjects/")), "{:?}", all.keys());
        assert!(all.contains_key("/api/v1/namespaces/sol-beta"), "{:?}", all.keys());
        for (path, (said, before)) in all {
            let wanted = &said["preconditions"];
            assert_eq!(wanted["uid"], before["metadata"]["uid"], "{path}: {said}");
            // KEDA may have written its finalizer or a status since.
            assert!(wanted["resourceVersion"].is_string(), "{path}: {said}");
            assert!(before["metadata"]["labels"][marks::INSTANCE].is_string(), "{path}: {before}");
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn what_somebody_makes_anew_before_the_deletion_survives_it(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta", "gamma"]);
        let service = ObjectKey::namespaced(Kind::Service, "sol-beta", "app");
        let (client, deletions) = read_along(cluster, Some(service.clone()));
        let mut daemon = Daemon::through(client, settings(&catalogue)).await;
        daemon.settled(&catalogue.head()).await;
        let ours = cluster.get(&service).await.unwrap();
        catalogue.remove("beta");
        catalogue.commit("Beta is over");
        let verdict = daemon.verdict("beta", "blocked by it", |v| v.sync == Sync::Blocked).await;
        assert!(verdict.reason.contains("Service/app"), "{}", verdict.reason);
        let all = deletions.0.lock().unwrap().clone();
        assert!(all.keys().any(|path| path.ends_with("sol-beta/services/app")), "{:?}", all.keys());
        let theirs = cluster.get(&service).await.expect("it is theirs");
        assert_ne!(theirs["metadata"]["uid"], ours["metadata"]["uid"]);
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-beta");
        let left = cluster.get(&namespace).await.unwrap();
        assert!(left["metadata"]["deletionTimestamp"].is_null());
        daemon.stop().await;
    }
}
