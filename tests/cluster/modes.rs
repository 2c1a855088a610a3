//! A solution changes between sleeping, always on and suspended without a gap, and what the
//! cluster lacks is waited for.

use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::{Stage, Sync};

use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;
use crate::support::players::Player;
use crate::support::requests::Request;

fn key(kind: Kind, name: &str) -> ObjectKey {
    ObjectKey::namespaced(kind, "sol-one", name)
}

/// Where among the writes the first of this method and kind is.
fn place(writes: &[Request], method: http::Method, plural: &str) -> usize {
    let found = writes.iter().position(|r| r.method == method && r.path.contains(plural));
    found.unwrap_or_else(|| panic!("no {method} of {plural}: {writes:#?}"))
}

fn back_end(route: &Value) -> &str {
    let rules = route["spec"]["rules"].as_array().unwrap();
    rules.last().unwrap()["backendRefs"][0]["name"].as_str().unwrap()
}

scenario! {
    async fn always_on_and_back_to_sleep_cuts_no_living_route(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one", "two", "three", "four", "five"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;

        cluster.requests().take();
        catalogue.edit("one/solution.yaml", "spec:", "spec:\n  scaling: {minReplicas: 1, maxReplicas: 1}");
        let head = catalogue.commit("Always on");
        let board = daemon.settled(&head).await;
        let one = board.verdicts.iter().find(|v| v.name.as_str() == "one").unwrap();
        assert!(one.is_good() && one.stage == Some(Stage::Awake), "{one:?}");
        let writes = cluster.requests().take_writes();
        let scaler_goes = place(&writes, http::Method::DELETE, "/scaledobjects/");
        let deployment = place(&writes, http::Method::PATCH, "/deployments/");
        let route = place(&writes, http::Method::PATCH, "/httproutes/");
        let interceptor_goes = place(&writes, http::Method::DELETE, "/interceptorroutes/");
        assert!(scaler_goes < deployment && deployment < route && route < interceptor_goes, "{writes:#?}");
        let live = cluster.get(&key(Kind::Deployment, "app")).await.unwrap();
        assert_eq!(live["spec"]["replicas"], 1);
        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        assert_eq!(back_end(&route), "app");
        cluster.wait_for(&key(Kind::ScaledObject, "app"), "gone", |o| o.is_none()).await;

        catalogue.edit("one/solution.yaml", "  scaling: {minReplicas: 1, maxReplicas: 1}\n", "");
        let head = catalogue.commit("It may sleep again");
        cluster.requests().take();
        let board = daemon.settled(&head).await;
        assert!(board.verdicts.iter().all(|v| v.is_good()), "{board:#?}");
        let writes = cluster.requests().take_writes();
        let handed = writes.iter().position(|r| r.manager().as_deref() == Some("vitrine-handover"));
        let handed = handed.unwrap_or_else(|| panic!("no hand-over: {writes:#?}"));
        let deployment = handed + 1 + place(&writes[handed + 1..], http::Method::PATCH, "/deployments/");
        let interceptor = place(&writes, http::Method::PATCH, "/interceptorroutes/");
        let scaler = place(&writes, http::Method::PATCH, "/scaledobjects/");
        let grant = place(&writes, http::Method::PATCH, "/referencegrants/");
        let route = place(&writes, http::Method::PATCH, "/httproutes/");
        let order = [handed, deployment, interceptor, scaler, grant, route];
        assert!(order.is_sorted(), "{order:?}: {writes:#?}");
        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        assert_ne!(back_end(&route), "app");
        daemon.stop().await;
    }
}

scenario! {
    async fn another_activation_and_another_edge_cut_no_living_route(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        catalogue.edit("platform.yaml", "controller: other", "controller: traefik");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.commit("Behind Traefik")).await;
        let limit = key(Kind::Middleware, "rate-limit");
        assert!(cluster.get(&limit).await.is_some());

        cluster.requests().take();
        let prometheus = "mode: prometheus\n    prometheus: {serverAddress: \"http://prometheus.monitoring:9090\", job: traefik}";
        catalogue.edit("platform.yaml", "mode: interceptor", prometheus);
        daemon.settled(&catalogue.commit("Prometheus wakes")).await;
        let writes = cluster.requests().take_writes();
        let scaler = place(&writes, http::Method::PATCH, "/scaledobjects/");
        let route = place(&writes, http::Method::PATCH, "/httproutes/");
        let interceptor_goes = place(&writes, http::Method::DELETE, "/interceptorroutes/");
        let grant_goes = place(&writes, http::Method::DELETE, "/referencegrants/");
        assert!(scaler < route && route < interceptor_goes.min(grant_goes), "{writes:#?}");
        let deployments = writes.iter().filter(|r| r.path.contains("/deployments/")).count();
        assert_eq!(deployments, 0, "nobody restarts, nobody takes the replicas: {writes:#?}");
        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        assert_eq!(back_end(&route), "app");
        let scaled = cluster.get(&key(Kind::ScaledObject, "app")).await.unwrap();
        assert_eq!(scaled["spec"]["triggers"][0]["type"], "prometheus");

        cluster.requests().take();
        catalogue.edit("platform.yaml", "kind: Gateway\n    controller: traefik", "kind: Ingress");
        daemon.settled(&catalogue.commit("An Ingress")).await;
        cluster.wait_for(&limit, "gone", |o| o.is_none()).await;
        let writes = cluster.requests().take_writes();
        let ingress = place(&writes, http::Method::PATCH, "/ingresses/");
        let route_goes = place(&writes, http::Method::DELETE, "/httproutes/");
        let limit_goes = place(&writes, http::Method::DELETE, "/middlewares/");
        assert!(ingress < route_goes && route_goes < limit_goes, "{writes:#?}");
        assert!(cluster.get(&key(Kind::Ingress, "edge")).await.is_some());
        daemon.stop().await;
    }
}

scenario! {
    async fn a_quota_grows_before_a_roll_out_and_shrinks_after_it(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let two = "spec:\n  scaling: {minReplicas: 1, maxReplicas: 1}\n  resources: {limits: {memory: 512Mi}}\n";
        catalogue.edit("one/solution.yaml", "spec:\n", two);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.commit("Always on, with a size")).await;
        let memory = |object: Option<Value>| object.unwrap()["spec"]["hard"]["limits.memory"].clone();
        let quota = key(Kind::ResourceQuota, "limits");
        assert_eq!(memory(cluster.get(&quota).await), "1Gi", "one pod and the one that replaces it");

        for (from, to, hard, quota_first) in
            [("512Mi", "768Mi", "1536Mi", true), ("768Mi", "256Mi", "512Mi", false)]
        {
            cluster.requests().take();
            catalogue.edit("one/solution.yaml", from, to);
            daemon.settled(&catalogue.commit("Another size")).await;
            let writes = cluster.requests().take_writes();
            let quota_at = place(&writes, http::Method::PATCH, "/resourcequotas/");
            let rolled_at = place(&writes, http::Method::PATCH, "/deployments/");
            assert_eq!(quota_at < rolled_at, quota_first, "{from} to {to}: {writes:#?}");
            assert_eq!(writes.len(), 2, "one write an object: {writes:#?}");
            assert_eq!(memory(cluster.get(&quota).await), hard);
        }

        // As long as the new pods are not there, the quota has room for the old ones.
        cluster.players().stop(Player::Deployments).await;
        catalogue.edit("one/solution.yaml", "256Mi", "128Mi");
        let head = catalogue.commit("Smaller still");
        let says = "the rest follows when Deployment/app is rolled out";
        daemon.verdict("one", "rolling", |v| *v.reason == *says).await;
        assert_eq!(memory(cluster.get(&quota).await), "512Mi");
        cluster.players().start(Player::Deployments);
        daemon.settled(&head).await;
        assert_eq!(memory(cluster.get(&quota).await), "256Mi");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_suspended_solution_sleeps_and_wakes_with_the_next_commit(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let until = jiff::Zoned::now().date().tomorrow().unwrap().tomorrow().unwrap();
        let line = format!("  suspend: {{reason: incident 12, until: {until}}}\n");
        catalogue.edit("one/solution.yaml", "spec:\n", &format!("spec:\n{line}"));
        let head = catalogue.commit("Asleep on purpose");
        let board = daemon.settled(&head).await;
        assert_eq!(board.verdicts[0].sync, Sync::Synced);
        assert_eq!(board.verdicts[0].reason.text, format!("suspended until {until}: incident 12"));
        let scaled = cluster.get(&key(Kind::ScaledObject, "app")).await.unwrap();
        assert_eq!(scaled["metadata"]["annotations"]["autoscaling.keda.sh/paused-replicas"], "0");
        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        assert!(route.to_string().contains("RequestRedirect"), "{route:#}");

        catalogue.edit("one/solution.yaml", &line, "");
        let head = catalogue.commit("Mended");
        let board = daemon.settled(&head).await;
        assert!(board.verdicts[0].is_good(), "{board:#?}");
        let scaled = cluster.get(&key(Kind::ScaledObject, "app")).await.unwrap();
        assert!(scaled["metadata"]["annotations"]["autoscaling.keda.sh/paused-replicas"].is_null());
        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        assert!(!route.to_string().contains("RequestRedirect"), "{route:#}");
        daemon.stop().await;
    }
}
