//! E8. What other controllers write is theirs: an hour of KEDA's scaling between 0 and 5, a mesh that
//! injects its proxy, and the server's own defaults cost no write, and the verdict stays Synced.

use std::collections::BTreeSet;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine_core::engine::world::{Act, World};
use vitrine_core::model::{Kind, ObjectKey, marks};
use vitrine_core::status::{Stage, Sync, Verdict};

use super::counts::counted;
use super::what_a_hand_changed_is_put_right::bodies;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;
use crate::support::objects;

fn app() -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, "sol-one", "app")
}

/// Whether the Deployment says that it was seen running.
fn is_noted(deployment: Option<&Value>) -> bool {
    let mark = deployment.and_then(|d| d["metadata"]["annotations"][marks::VERIFIED].as_str());
    mark.is_some_and(|mark| mark.ends_with(" ok"))
}

scenario! {
    async fn the_autoscaler_and_the_pods_cost_no_write(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one", "two"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let renders = daemon.tally.renders();
        // The first time that it runs is noted, once.
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        cluster.wait_for(&app(), "noted", is_noted).await;
        cluster.requests().take();
        for round in 0..50 {
            let replicas = 1 + round % 5;
            cluster.players().visit("sol-one", "app", replicas).await.unwrap();
            cluster.players().visit("sol-one", "app", 0).await.unwrap();
        }
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        daemon.verdict("one", "awake", |v| v.stage == Some(Stage::Awake)).await;
        assert_eq!(counted(cluster), [""; 0], "100 times scaled");
        assert_eq!(daemon.tally.renders(), renders);
        daemon.stop().await;
    }
}

mod an_hour_of_scaling_costs_no_step {
    use super::*;

    /// On the engine in its model of the world, whose hour is short.
    #[test]
    fn sandbox() {
        let names: Vec<String> = (0..20).map(|n| format!("demo-{n:02}")).collect();
        let mut world = World::settled(&names.iter().map(String::as_str).collect::<Vec<_>>());
        // The first time that one runs is noted, once.
        for to in [1, 0] {
            for name in &names {
                let key = ObjectKey::namespaced(Kind::Deployment, format!("sol-{name}"), "app");
                world.server.scale(&key, to);
            }
            world.round();
            world.act(&Act::Pass(30));
            world.round();
        }
        let (before, first) = (world.steps, world.now.wall);
        // Two changes a minute.
        for turn in 0..120_usize {
            for (n, name) in names.iter().enumerate() {
                let key = ObjectKey::namespaced(Kind::Deployment, format!("sol-{name}"), "app");
                let to = if (turn + n) % 2 == 0 { 5 } else { 0 };
                world.server.scale(&key, to);
            }
            assert_eq!(world.round(), [], "turn {turn}");
            world.act(&Act::Pass(30));
            assert_eq!(world.round(), [], "half a minute after turn {turn}");
            let board = world.engine.board();
            assert_eq!(board.verdicts.len(), names.len());
            for verdict in &board.verdicts {
                assert_eq!(verdict.sync, Sync::Synced, "{verdict:?}");
            }
            let stages: BTreeSet<_> = board.verdicts.iter().filter_map(|v| v.stage).collect();
            assert!(
                stages.contains(&Stage::Awake) && stages.contains(&Stage::Asleep),
                "{stages:?}"
            );
        }
        assert_eq!(world.now.wall.duration_since(first).as_hours(), 1);
        assert_eq!(world.steps, before);
        assert_eq!(world.wrong, [""; 0]);
    }
}

scenario! {
    async fn what_others_add_and_scale_is_left_alone(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        // The first time that it runs is noted, once.
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        cluster.wait_for(&app(), "noted", is_noted).await;
        cluster.requests().take();
        let deployment = app();
        let note = json!({"metadata": {"annotations": {"example.org/seen": "yes"}}});
        objects::api(&cluster.admin_client(), deployment.kind, deployment.namespace.as_deref())
            .patch(&deployment.name, &PatchParams::default(), &Patch::Merge(&note))
            .await
            .unwrap();
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        daemon
            .verdict("one", "awake", |v| v.stage == Some(Stage::Awake))
            .await;
        cluster.players().visit("sol-one", "app", 0).await.unwrap();
        daemon
            .verdict("one", "asleep", |v| v.stage == Some(Stage::Asleep))
            .await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}

scenario! {
    async fn a_mesh_that_injects_its_proxy_is_no_drift(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let head = catalogue.head();
        daemon.settled(&head).await;
        // The first time that it runs is noted, once.
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        cluster.wait_for(&app(), "noted", is_noted).await;
        cluster.requests().take();
        let deployment = app();
        let injected = json!({"spec": {"template": {
            "metadata": {"annotations": {"linkerd.io/proxy-version": "edge-1"}},
            "spec": {
                "initContainers": [{"name": "linkerd-init", "image": "registry.example/init:1"}],
                "containers": [{
                    "name": "linkerd-proxy", "image": "registry.example/proxy:1",
                    "ports": [{"name": "linkerd-admin", "containerPort": 4191}],
                }],
                "volumes": [{"name": "linkerd-identity", "emptyDir": {"medium": "Memory"}}],
            },
        }}});
        let by = PatchParams {
            field_manager: Some("linkerd-proxy-injector".into()), ..Default::default()
        };
        objects::api(&cluster.admin_client(), deployment.kind, deployment.namespace.as_deref())
            .patch(&deployment.name, &by, &Patch::Strategic(&injected))
            .await
            .unwrap();
        let has_both = |o: Option<&Value>| {
            let containers = |o: &Value| {
                let all = o["spec"]["template"]["spec"]["containers"].as_array().cloned();
                all.unwrap_or_default().iter().map(|c| c["name"].to_string()).collect::<Vec<_>>()
            };
            o.is_some_and(|o| containers(o).len() == 2)
        };
        cluster.wait_for(&deployment, "injected", has_both).await;
        // Somebody wakes it: the daemon has seen everything by then.
        cluster.players().visit("sol-one", "app", 1).await.unwrap();
        daemon.verdict("one", "awake", |v| v.stage == Some(Stage::Awake) && v.is_good()).await;
        assert_eq!(counted(cluster), [""; 0]);
        assert!(has_both(cluster.get(&deployment).await.as_ref()), "it is still there");

        // The same for a daemon that starts now.
        daemon.stop().await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}

scenario! {
    async fn what_the_server_adds_by_itself_is_no_drift(cluster: &Cluster) {
        let catalogue = Catalogue::example();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let head = catalogue.head();
        daemon.settled(&head).await;
        let service = ObjectKey::namespaced(Kind::Service, "sol-use", "app");
        let live = cluster.get(&service).await.unwrap();
        assert_eq!(live["spec"]["sessionAffinity"], "None", "it adds nothing: {live:#}");
        let rendered = &bodies(&catalogue, "use")[&service];
        assert!(rendered["spec"]["sessionAffinity"].is_null(), "it is ours: {rendered:#}");
        // Every solution is thought about again, at a hint and after a restart.
        cluster.requests().take();
        daemon.hint();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.settled(&head).await;
        assert!(board.verdicts.iter().all(Verdict::is_good), "{board:#?}");
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;
    }
}
