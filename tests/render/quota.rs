//! What a solution may take of the cluster is no less than what it needs, and little more.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_core::catalog::solution::{Scaling, Target};
use vitrine_core::model::{Kind, Quantity};
use vitrine_core::render::Desired;

use super::fixtures::{between, cases, components, copies, single};
use super::rules::{find, live, of_kind};

fn amount(value: &Value) -> Quantity {
    Quantity::parse(value.as_str().unwrap()).unwrap()
}

/// The most pods of a Deployment at once, read from what is rendered.
fn most_pods(desired: &Desired, deployment: &Value) -> u32 {
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let scaled = of_kind(desired, Kind::ScaledObject).find(|o| o.key.name == name);
    let wanted = match scaled {
        Some(scaled) => scaled.body["spec"]["maxReplicaCount"].as_u64().unwrap(),
        None => deployment["spec"]["replicas"].as_u64().unwrap(),
    };
    let surge = &deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"];
    u32::try_from(wanted + surge.as_u64().unwrap_or(0)).unwrap()
}

/// What a container counts as in a quota, by the quota's words.
fn counted(container: &Value) -> BTreeMap<String, Quantity> {
    let mut counted = BTreeMap::new();
    for sort in ["limits", "requests"] {
        for (name, value) in container["resources"][sort].as_object().unwrap() {
            if sort == "limits" {
                // The API server asks for what is limited where nothing is asked for.
                counted.entry(format!("requests.{name}")).or_insert(amount(value));
            }
            counted.insert(format!("{sort}.{name}"), amount(value));
        }
    }
    counted
}

/// The containers of a Deployment's pods, with those that run beside the application: an init
/// container that stays counts like any other, and a mesh puts a proxy of the announced size in.
fn running(desired: &Desired, deployment: &Value) -> Vec<Value> {
    let pod = &deployment["spec"]["template"]["spec"];
    let mut running = pod["containers"].as_array().unwrap().clone();
    for init in pod["initContainers"].as_array().into_iter().flatten() {
        assert_eq!(init["restartPolicy"], "Always", "no other is rendered");
        running.push(init.clone());
    }
    let namespace = of_kind(desired, Kind::Namespace).next().unwrap();
    let annotations = &namespace.body["metadata"]["annotations"];
    if annotations["linkerd.io/inject"] == "enabled" {
        let size = |what: &str| annotations[format!("config.linkerd.io/proxy-{what}")].clone();
        running.push(json!({"name": "linkerd-proxy", "resources": {
            "requests": {"cpu": size("cpu-request"), "memory": size("memory-request")},
            "limits": {
                "cpu": size("cpu-limit"), "memory": size("memory-limit"),
                "ephemeral-storage": size("ephemeral-storage-limit"),
            },
        }}));
    }
    running
}

/// Whether the API server would take every pod of a solution at once.
pub fn has_room(name: &str, desired: &Desired) {
    let hard = find(desired, Kind::ResourceQuota, "limits").body["spec"]["hard"].clone();
    let mut needed: BTreeMap<String, Quantity> = BTreeMap::new();
    let mut pods = 0;
    for deployment in of_kind(desired, Kind::Deployment) {
        let most = most_pods(desired, &deployment.body);
        pods += most;
        for container in running(desired, &deployment.body) {
            let counted = counted(&container);
            for resource in hard.as_object().unwrap().keys() {
                let ours = ["requests.", "limits."].iter().any(|sort| resource.starts_with(sort));
                let device = resource.contains('/');
                assert!(
                    !ours || device || counted.contains_key(resource),
                    "{name}: {} without {resource} is refused",
                    container["name"]
                );
            }
            for (resource, amount) in counted {
                let sum = needed.entry(resource).or_insert(Quantity::count(0));
                *sum = *sum + amount * most;
            }
        }
    }
    for (resource, value) in hard.as_object().unwrap() {
        if let Some(needed) = needed.get(resource) {
            assert!(amount(value) >= *needed, "{name}: {resource} {value} < {needed}");
        }
    }
    // A suspended solution keeps the room that it had.
    assert!(amount(&hard["pods"]) >= Quantity::count(pods), "{name}: {pods} pods");
}

#[test]
fn the_quota_has_room_for_every_pod_that_can_run_at_once_and_for_a_roll_out() {
    for case in cases() {
        has_room(case.name, &case.render());
    }
}

#[test]
fn the_quota_counts_copies_surge_and_devices() {
    let desired = live(&components(
        "portal",
        &[
            ("web", Some("/"), &[], |c| {
                c.scaling = Scaling::Autoscaled {
                    range: between(0, 3),
                    cooldown: std::time::Duration::from_secs(300),
                    target: Target::Concurrency(10),
                    schedules: Vec::new(),
                };
            }),
            ("model", None, &[], |c| {
                c.requests.insert("nvidia.com/gpu".to_owned(), Quantity::count(2));
                c.scaling = Scaling::AlwaysOn { replicas: copies(1) };
            }),
        ],
    ));
    let hard = &find(&desired, Kind::ResourceQuota, "limits").body["spec"]["hard"];
    let expected = json!({
        "pods": "5", // 3 + 1 of web; 1 of model, whose device has no room for a second
        "requests.cpu": "1250m", "requests.memory": "5Gi", "limits.memory": "5Gi",
        "requests.ephemeral-storage": "5Gi", "limits.ephemeral-storage": "25Gi",
        "requests.nvidia.com/gpu": "2",
        "services.loadbalancers": "0", "services.nodeports": "0", "persistentvolumeclaims": "0",
    });
    assert_eq!(*hard, expected);
}

#[test]
fn what_one_container_leaves_open_is_neither_bounded_nor_filled_in() {
    let desired = live(&single("use", |app| {
        app.requests.remove("memory");
        app.limits.clear();
    }));
    let hard = &find(&desired, Kind::ResourceQuota, "limits").body["spec"]["hard"];
    assert_eq!(hard.get("requests.memory"), None);
    assert_eq!(hard["requests.cpu"], "500m");
    let limits = &find(&desired, Kind::LimitRange, "defaults").body["spec"]["limits"][0];
    assert_eq!(limits["default"].get("memory"), None, "it would be killed at a size nobody wrote");
    assert_eq!(limits["default"].get("cpu"), None, "it would be throttled");
    assert_eq!(limits["defaultRequest"]["cpu"], "50m");
    let bounded =
        live(&single("use", |app| _ = app.limits.insert("cpu".into(), Quantity::count(2))));
    assert_eq!(
        find(&bounded, Kind::ResourceQuota, "limits").body["spec"]["hard"]["limits.cpu"],
        "4"
    );
}

#[test]
fn a_disruption_budget_never_keeps_a_single_copy_on_its_node() {
    for (copies_wanted, budgets) in [(1, 0), (2, 1), (5, 1)] {
        let desired = live(&single("use", |app| {
            app.scaling = Scaling::AlwaysOn { replicas: copies(copies_wanted) };
        }));
        assert_eq!(
            of_kind(&desired, Kind::PodDisruptionBudget).count(),
            budgets,
            "{copies_wanted}"
        );
    }
    assert_eq!(of_kind(&live(&single("use", |_| {})), Kind::PodDisruptionBudget).count(), 0);
}
