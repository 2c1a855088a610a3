//! The daemon has the rights that `deploy/rbac.yaml` ships and no more, and the played controllers
//! answer as their originals do.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use std::time::{Duration, Instant};
use vitrine_core::model::{Kind, ObjectKey, marks};

use crate::support::clear::clear;
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::objects;
use crate::support::players::{KEDA_FINALIZER, Player};

scenario! {
    only real, because "the sandbox knows no rights";
    async fn the_daemon_may_do_what_the_engine_needs_and_nothing_else(cluster: &Cluster) {
        let client = cluster.client();
        let everything = ["get", "list", "watch", "create", "patch", "delete"];
        let looked_at =
            [Kind::Namespace, Kind::Service, Kind::ServiceAccount, Kind::Deployment];
        for kind in Kind::RENDERED {
            let facts = kind.facts();
            for verb in everything {
                if verb == "get" && !looked_at.contains(&kind) {
                    continue;
                }
                assert!(
                    may(&client, verb, facts.group, facts.plural, Some("sol-x")).await,
                    "may not {verb} {}", facts.plural
                );
            }
            let by_name = (!looked_at.contains(&kind)).then_some("get");
            for verb in ["update", "deletecollection"].into_iter().chain(by_name) {
                assert!(
                    !may(&client, verb, facts.group, facts.plural, Some("sol-x")).await,
                    "may {verb} {}", facts.plural
                );
            }
        }
        for (group, resource) in [
            ("", "persistentvolumeclaims"),
            ("apps", "statefulsets"),
            ("batch", "jobs"),
        ] {
            assert!(may(&client, "list", group, resource, None).await, "may not list {resource}");
            for verb in ["get", "watch", "create", "patch", "update", "delete"] {
                assert!(!may(&client, verb, group, resource, None).await, "may {verb} {resource}");
            }
        }
        for (group, resource) in [
            ("", "secrets"),
            ("", "serviceaccounts/token"),
            ("", "pods/exec"),
            ("", "pods/log"),
            ("apps", "deployments/scale"),
            ("apps", "deployments/status"),
            ("rbac.authorization.k8s.io", "roles"),
            ("rbac.authorization.k8s.io", "clusterroles"),
            ("rbac.authorization.k8s.io", "rolebindings"),
            ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ] {
            for verb in everything.into_iter().chain(["update", "escalate", "bind"]) {
                for namespace in [None, Some(DAEMON_NAMESPACE), Some("sol-x")] {
                    assert!(
                        !may(&client, verb, group, resource, namespace).await,
                        "may {verb} {resource} in {namespace:?}"
                    );
                }
            }
        }
        // What is looked at once, at the start: one verb each.
        for (group, resource, can) in [
            ("", "nodes", "list"),
            ("apps", "daemonsets", "get"),
            ("scheduling.k8s.io", "priorityclasses", "get"),
            ("networking.k8s.io", "ingressclasses", "get"),
            ("gateway.networking.k8s.io", "gatewayclasses", "get"),
            ("gateway.networking.k8s.io", "gateways", "get"),
            ("cert-manager.io", "certificates", "list"),
            ("apiregistration.k8s.io", "apiservices", "get"),
            ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "get"),
        ] {
            for verb in everything.into_iter().chain(["update"]) {
                let may = may(&client, verb, group, resource, None).await;
                assert_eq!(may, verb == can, "{verb} {resource}");
            }
        }
        for verb in ["get", "create", "patch", "update", "delete"] {
            assert!(!may(&client, verb, "", "pods", Some("sol-x")).await, "may {verb} pods");
        }
        for verb in ["create", "patch", "update", "delete"] {
            assert!(
                !may(&client, verb, "apiextensions.k8s.io", "customresourcedefinitions", None).await,
                "may {verb} definitions"
            );
        }
        let leases = "coordination.k8s.io";
        for verb in ["get", "create", "patch"] {
            assert!(may(&client, verb, leases, "leases", Some(DAEMON_NAMESPACE)).await, "{verb}");
            assert!(!may(&client, verb, leases, "leases", Some("kube-system")).await, "{verb}");
        }
    }
}

scenario! {
    only real, because "the sandbox knows no rights";
    async fn the_daemon_publishes_a_namespace_and_is_refused_secrets(cluster: &Cluster) {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "sol-rights", "labels": {marks::INSTANCE: "tests"}},
        });
        objects::apply(&cluster.client(), &namespace, marks::MANAGER).await.unwrap();
        let writes = cluster.requests().take_writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert_eq!(writes[0].path, "/api/v1/namespaces/sol-rights");
        assert_eq!(writes[0].manager().as_deref(), Some(marks::MANAGER));
        assert_eq!(writes[0].status, Some(201));

        let secrets: Api<k8s_openapi::api::core::v1::Secret> =
            Api::namespaced(cluster.client(), "sol-rights");
        match secrets.list(&ListParams::default()).await {
            Err(kube::Error::Api(status)) => assert_eq!(status.code, 403, "{status:?}"),
            other => panic!("Secrets were not refused: {other:?}"),
        }
    }
}

scenario! {
    async fn the_players_answer_as_the_controllers_do_that_are_not_there(cluster: &Cluster) {
        let admin = cluster.admin_client();
        for object in a_solution("sol-players") {
            objects::apply(&admin, &object, "tests").await.unwrap();
        }
        let key = |kind| ObjectKey { kind, namespace: Some("sol-players".into()), name: "app".into() };
        let deployment = key(Kind::Deployment);
        let scaled = key(Kind::ScaledObject);

        cluster
            .wait_for(&deployment, "asleep", |d| d.is_some_and(|d| {
                d["spec"]["replicas"] == 0 && d["status"]["conditions"][0]["status"] == "True"
            }))
            .await;
        cluster
            .wait_for(&scaled, "ready and kept", |s| s.is_some_and(|s| {
                s["metadata"]["finalizers"][0] == KEDA_FINALIZER
                    && s["status"]["conditions"][0]["status"] == "True"
            }))
            .await;
        cluster
            .wait_for(&key(Kind::InterceptorRoute), "ready", |r| r.is_some_and(|r| {
                r["status"]["conditions"][0]["type"] == "Ready"
            }))
            .await;
        cluster
            .wait_for(&key(Kind::HttpRoute), "accepted", |r| r.is_some_and(|r| {
                r["status"]["parents"][0]["conditions"][0]["type"] == "Accepted"
            }))
            .await;

        cluster.players().visit("sol-players", "app", 3).await.unwrap();
        cluster
            .wait_for(&deployment, "awake", |d| {
                d.is_some_and(|d| d["status"]["availableReplicas"] == 3)
            })
            .await;

        // Without KEDA its finalizer stays; when KEDA comes back, the object goes.
        cluster.players().stop(Player::Keda).await;
        let objects = objects::api(&admin, Kind::ScaledObject, Some("sol-players"));
        objects.delete("app", &DeleteParams::default()).await.unwrap();
        let stuck = cluster.get(&scaled).await.expect("the finalizer keeps it");
        assert!(!stuck["metadata"]["deletionTimestamp"].is_null());
        cluster.players().start(Player::Keda);
        cluster.wait_for(&scaled, "gone", |s| s.is_none()).await;
    }
}

/// May whoever the client is do this? In all namespaces where none is named.
async fn may(
    client: &Client,
    verb: &str,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
) -> bool {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                namespace: namespace.map(str::to_owned),
                ..Default::default()
            }),
            ..Default::default()
        },
        ..Default::default()
    };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}

/// The smallest objects that the players answer to, in a namespace.
fn a_solution(namespace: &str) -> [serde_json::Value; 5] {
    let metadata = json!({"name": "app", "namespace": namespace});
    let labels = json!({"app": "app"});
    [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
            },
        }}),
        json!({
            "apiVersion": "http.keda.sh/v1beta1", "kind": "InterceptorRoute", "metadata": metadata,
            "spec": {
                "target": {"service": "app", "port": 8080},
                "rules": [{"hosts": ["app.demo.example"]}],
                "scalingMetric": {"concurrency": {"targetValue": 10}},
            },
        }),
        json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": {
            "scaleTargetRef": {"name": "app"},
            "minReplicaCount": 0,
            "triggers": [{"type": "external-push", "metadata": {"scalerAddress": "x:9090"}}],
        }}),
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata,
            "spec": {"parentRefs": [{"name": "public", "namespace": "edge"}]},
        }),
    ]
}

scenario! {
    only real, because "the sandbox empties no namespace by its name";
    async fn clearing_away_takes_nothing_from_the_next_scenario(cluster: &Cluster) {
        let admin = cluster.admin_client();
        let plane = cluster.plane();
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sol-one"},
        });
        // The controller's visit for this deletion comes about 5 s later.
        objects::apply(&admin, &namespace, "tests").await.unwrap();
        clear(&admin, plane).await.unwrap();
        let first = Instant::now();
        // Clearing away takes a moment: one of these deletions is under way when the visit comes.
        let mut wave = 0;
        while first.elapsed() < Duration::from_millis(5600) {
            if first.elapsed() < Duration::from_millis(4200) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            objects::apply(&admin, &namespace, "tests").await.unwrap();
            clear(&admin, plane).await.unwrap();
            objects::apply(&admin, &namespace, "tests").await.unwrap();
            let map = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("kept-{wave}"), "namespace": "sol-one"},
            });
            objects::apply(&admin, &map, "tests").await.unwrap();
            let key = ObjectKey::namespaced(Kind::ConfigMap, "sol-one", format!("kept-{wave}"));
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                assert!(cluster.get(&key).await.is_some(), "wave {wave}, after {:?}", first.elapsed());
            }
            wave += 1;
        }
    }
}
