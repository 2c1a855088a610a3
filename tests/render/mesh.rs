//! Who may call whom in a mesh, and who reads metrics.

use std::collections::BTreeSet;

use serde_json::json;
use vitrine_core::catalog::Platform;
use vitrine_core::catalog::platform::{Activation, MeshPolicy};
use vitrine_core::catalog::solution::{Scaling, Target};
use vitrine_core::model::{Kind, marks};
use vitrine_core::render::{Desired, Phase};

use super::fixtures::{between, meshed, monitored, page, part_comparer, platform, single};
use super::rules::{find, live, of_kind, on};

fn in_a_mesh(change: impl FnOnce(&mut Platform)) -> Platform {
    let mut platform = platform();
    meshed(&mut platform, MeshPolicy::Deny);
    change(&mut platform);
    platform
}

/// The accounts that a component answers, as `namespace/name`.
fn callers(desired: &Desired, component: &str) -> BTreeSet<String> {
    let all = of_kind(desired, Kind::MeshTlsAuthentication).filter(|o| o.key.name == component);
    let refs = all.flat_map(|o| o.body["spec"]["identityRefs"].as_array().unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    refs.map(|r| format!("{}/{}", text(&r["namespace"]), text(&r["name"]))).collect()
}

const GATEWAY: &str = "edge/traefik";
const INTERCEPTOR: &str = "keda/keda-add-ons-http-interceptor";

#[test]
fn a_change_of_activation_cuts_no_living_route_in_a_mesh_either() {
    let wakes = in_a_mesh(|_| {});
    let stays = in_a_mesh(|platform| platform.activation = Activation::None);
    for platform in [wakes, stays] {
        let desired = on(&part_comparer(), &platform, Phase::Live);
        for public in ["web", "api"] {
            assert_eq!(callers(&desired, public), [GATEWAY, INTERCEPTOR].map(str::to_owned).into());
        }
    }
}

#[test]
fn a_private_component_answers_those_who_declared_it_alone() {
    let platform = in_a_mesh(monitored);
    let desired = on(&part_comparer(), &platform, Phase::Live);
    assert_eq!(callers(&desired, "compare"), BTreeSet::from(["sol-part-comparer/api".to_owned()]));

    let mut lonely = part_comparer();
    for component in lonely.components.values_mut() {
        component.depends_on.clear();
    }
    let desired = on(&lonely, &platform, Phase::Live);
    assert_eq!(find(&desired, Kind::Server, "compare").body["spec"]["accessPolicy"], "deny");
    for kind in [Kind::MeshTlsAuthentication, Kind::AuthorizationPolicy] {
        assert!(of_kind(&desired, kind).all(|o| o.key.name != "compare"), "an empty {kind}");
    }
}

#[test]
fn metrics_are_open_to_monitoring_and_only_where_it_can_read_them() {
    let solution = single("use", |app| app.metrics_path = Some(page("/metrics")));
    let monitors = |platform: &Platform| {
        let desired = on(&solution, platform, Phase::Live);
        let opened = of_kind(&desired, Kind::NetworkPolicy).any(|o| o.key.name == "scrape-app");
        assert_eq!(opened, of_kind(&desired, Kind::PodMonitor).count() == 1);
        (opened, callers(&desired, "app").contains("monitoring/prometheus"))
    };
    assert_eq!(monitors(&in_a_mesh(monitored)), (true, true));
    let mut platform = platform();
    assert_eq!(monitors(&platform), (false, false), "nobody reads metrics");
    monitored(&mut platform);
    assert_eq!(monitors(&platform), (true, false));
    // It would be refused at each scrape, for ever.
    let unknown = in_a_mesh(|platform| {
        monitored(platform);
        platform.monitoring.as_mut().unwrap().service_account = None;
    });
    assert_eq!(monitors(&unknown), (false, false));

    let silent = on(&single("use", |_| {}), &in_a_mesh(monitored), Phase::Live);
    assert_eq!(of_kind(&silent, Kind::PodMonitor).count(), 0);
    let own = &find(&silent, Kind::NetworkPolicy, "allow-scrape").body["spec"]["ingress"][0];
    assert_eq!(own["ports"], json!([{ "port": 4191, "protocol": "TCP" }]), "the proxy's own");
}

#[test]
fn what_comes_through_the_mesh_is_let_in_at_the_proxys_port() {
    let desired = on(&part_comparer(), &in_a_mesh(|_| {}), Phase::Live);
    for name in ["allow-edge", "calls-api--compare", "called-compare--api"] {
        let spec = &find(&desired, Kind::NetworkPolicy, name).body["spec"];
        let rule = spec.get("ingress").or(spec.get("egress")).unwrap();
        let ports = rule[0]["ports"].as_array().unwrap();
        assert!(ports.iter().any(|port| port["port"] == 4143), "{name}: {ports:?}");
        assert!(ports.iter().any(|port| port["port"] != 4143), "{name}: {ports:?}");
    }
    let without = live(&part_comparer());
    let all = of_kind(&without, Kind::NetworkPolicy).map(|o| o.body.to_string());
    assert!(all.into_iter().all(|text| !text.contains("4143")));
}

#[test]
fn joining_the_mesh_rolls_what_runs_and_changes_no_selector() {
    let before = live(&part_comparer());
    let after = on(&part_comparer(), &in_a_mesh(|_| {}), Phase::Live);
    for old in of_kind(&before, Kind::Deployment) {
        let new = find(&after, Kind::Deployment, &old.key.name);
        assert_ne!(old.template, new.template);
        assert_eq!(old.body["spec"]["selector"], new.body["spec"]["selector"]);
        let server = find(&after, Kind::Server, &old.key.name);
        let selected = server.body["spec"]["podSelector"]["matchLabels"].as_object().unwrap();
        let keys = selected.keys().map(String::as_str).collect::<BTreeSet<_>>();
        assert_eq!(keys, BTreeSet::from([marks::SOLUTION, marks::COMPONENT]));
    }
}

/// The edge tells visitors apart, the mesh does not: its limit must not be met before the edge's.
#[test]
fn the_backstop_stands_behind_the_edges_limit_and_behind_what_copies_are_meant_to_serve() {
    let limit = |target, most| {
        let solution = single("use", |app| {
            app.scaling = Scaling::Autoscaled {
                range: between(0, most),
                cooldown: std::time::Duration::from_secs(300),
                target,
                schedules: Vec::new(),
            };
        });
        let desired = on(&solution, &in_a_mesh(|_| {}), Phase::Live);
        let policy = find(&desired, Kind::HttpLocalRateLimitPolicy, "app");
        policy.body["spec"]["total"]["requestsPerSecond"].as_u64().unwrap()
    };
    assert_eq!(limit(Target::Concurrency(10), 1), 50, "one visitor's burst");
    assert_eq!(limit(Target::Concurrency(10), 3), 150);
    assert_eq!(limit(Target::RequestRate(200), 3), 600);
    let private = on(&part_comparer(), &in_a_mesh(|_| {}), Phase::Live);
    let limited = of_kind(&private, Kind::HttpLocalRateLimitPolicy);
    assert!(limited.into_iter().all(|o| o.key.name != "compare"));
}
