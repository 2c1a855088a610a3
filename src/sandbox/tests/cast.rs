//! What the played controllers decide, without any store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::cast::{Around, Door, KEDA_FINALIZER, Move, Player, Stage, Turn, affected, turn};
use crate::patch;
use vitrine_core::model::{Kind, ObjectKey};

/// A cluster of a few objects.
#[derive(Default)]
struct World(BTreeMap<ObjectKey, Arc<Value>>);

impl World {
    fn with(mut self, kind: Kind, object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let key = ObjectKey::namespaced(kind, text("/metadata/namespace"), text("/metadata/name"));
        self.0.insert(key, Arc::new(object.clone()));
        self
    }
}

impl Around for World {
    fn object(&self, key: &ObjectKey) -> Option<Arc<Value>> {
        self.0.get(key).cloned()
    }

    fn inside(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let there =
            |key: &ObjectKey| key.kind == kind && key.namespace.as_deref() == Some(namespace);
        self.0.iter().filter(|(key, _)| there(key)).map(|(_, object)| object.clone()).collect()
    }
}

fn stage() -> Stage {
    Stage {
        now: "2026-03-01T12:00:00Z".parse().unwrap(),
        delay: Duration::from_millis(10),
        cooldown: Duration::from_secs(30),
        kubelet: false,
        stuck_finalizers: false,
        visitors: BTreeMap::new(),
    }
}

fn at(kind: Kind, name: &str) -> ObjectKey {
    ObjectKey::namespaced(kind, "p", name)
}

fn live(mut object: Value) -> Value {
    object["metadata"]["namespace"] = json!("p");
    object["metadata"]["uid"] = json!("u");
    object["metadata"]["resourceVersion"] = json!("7");
    object["metadata"]["generation"] = json!(2);
    object
}

fn scaled_to(annotations: Value, status: Value) -> Value {
    let mut object = live(scaled(json!({"scaleTargetRef": {"name": "d"}, "minReplicaCount": 0,
        "maxReplicaCount": 4, "triggers": [{"type": "external-push", "metadata": {}}]})));
    object["metadata"]["annotations"] = annotations;
    object["metadata"]["finalizers"] = json!([KEDA_FINALIZER]);
    object["status"] = status;
    object
}

fn replicas_of(turn: &Turn) -> Option<i64> {
    turn.moves.iter().find_map(|made| match made {
        Move::Patch { through: Door::Scale, patch, .. } => patch["spec"]["replicas"].as_i64(),
        Move::Patch { .. } | Move::Create { .. } | Move::Delete { .. } => None,
    })
}

/// The object after the patches that a turn makes of it.
fn after(key: &ObjectKey, object: &Value, turn: &Turn) -> Value {
    let mut object = object.clone();
    for made in &turn.moves {
        if let Move::Patch { key: about, patch, .. } = made
            && about == key
        {
            patch::merge(&mut object, patch);
        }
    }
    object
}

#[test]
fn every_player_is_content_with_what_it_has_just_said() {
    let route =
        live(json!({"metadata": {"name": "r"}, "spec": {"parentRefs": [{"name": "public"}],
        "rules": [{"backendRefs": [{"name": "gone"}]}]}}));
    let objects = [
        (Kind::Deployment, "d", live(deployment(Some(2)))),
        (Kind::ScaledObject, "s", scaled_to(json!({}), json!({"healthStatus": {}}))),
        (Kind::InterceptorRoute, "i", live(json!({"metadata": {"name": "i"}}))),
        (Kind::HttpRoute, "r", route),
        (
            Kind::BackendTrafficPolicy,
            "b",
            live(json!({"metadata": {"name": "b"},
                "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "r"}]}})),
        ),
        (
            Kind::HttpLocalRateLimitPolicy,
            "l",
            live(json!({"metadata": {"name": "l"}, "spec": {"targetRef": {"name": "none"}}})),
        ),
    ];
    let world = objects.iter().fold(World::default(), |world, (kind, _, o)| world.with(*kind, o));
    let mut played = std::collections::BTreeSet::new();
    for (kind, name, object) in &objects {
        let key = at(*kind, name);
        let first = turn(&key, object, &world, &stage());
        assert_eq!(first, turn(&key, object, &world, &stage()), "{key}: equal input, equal turn");
        assert!(!first.moves.is_empty(), "{key} gets an answer");
        let said = after(&key, object, &first);
        let later = Stage { now: "2026-03-01T12:00:20Z".parse().unwrap(), ..stage() };
        let mut rest = turn(&key, &said, &world, &later).moves;
        // Nobody carried that one out here.
        rest.retain(|made| !matches!(made, Move::Patch { through: Door::Scale, .. }));
        assert_eq!(rest, [], "{key}");
        played.insert(Player::of(*kind).unwrap());
    }
    assert_eq!(played.into_iter().collect::<Vec<_>>(), Player::ALL);
}

#[test]
fn without_a_kubelet_all_that_is_asked_for_is_ready_and_no_pod_is_made() {
    let mut object = live(deployment(Some(3)));
    object["status"] = json!({"unavailableReplicas": 3,
        "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]});
    let key = at(Kind::Deployment, "d");
    let made = turn(&key, &object, &World::default(), &stage());
    assert_eq!(made.again, None);
    let [Move::Patch { manager, through: Door::Status, .. }] = &made.moves[..] else {
        panic!("{made:?}")
    };
    assert_eq!(*manager, "kube-controller-manager");
    let status = after(&key, &object, &made)["status"].clone();
    assert_eq!(status["availableReplicas"], 3);
    assert_eq!(status.get("unavailableReplicas"), None);
    let kinds: Vec<&Value> =
        status["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
    assert_eq!(kinds, ["Available", "Progressing"]);
}

#[test]
fn with_a_kubelet_a_deployment_begins_with_its_pods() {
    let with = Stage { kubelet: true, ..stage() };
    let key = at(Kind::Deployment, "d");
    let made = turn(&key, &live(deployment(Some(2))), &World::default(), &with);
    let pods = made.moves.iter().filter(|made| matches!(made, Move::Create { .. })).count();
    assert_eq!((pods, made.again), (2, Some(stage().delay)));
}

#[test]
fn a_slow_program_is_ready_when_it_has_run_for_eight_seconds_and_not_before() {
    let mut object = live(deployment(Some(1)));
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("lab/slow-start:1");
    let key = at(Kind::Deployment, "d");
    let later = |seconds: i64| {
        let now = stage().now + jiff::SignedDuration::from_secs(seconds);
        Stage { now, kubelet: true, ..stage() }
    };
    let born = turn(&key, &object, &World::default(), &later(0));
    let mut pod = born.moves.into_iter().find_map(|made| match made {
        Move::Create { object, .. } => Some(object),
        Move::Patch { .. } | Move::Delete { .. } => None,
    });
    let pod = pod.as_mut().unwrap();
    let ready = |pod: &Value| pod["status"]["containerStatuses"][0]["ready"].clone();
    for (seconds, wanted, again) in [(0, false, 0), (7, false, 1), (8, true, 0)] {
        let world = World::default().with(Kind::Pod, pod);
        let made = turn(&key, &object, &world, &later(seconds));
        let place = at(Kind::Pod, pod["metadata"]["name"].as_str().unwrap());
        *pod = after(&place, pod, &made);
        assert_eq!(ready(pod), json!(wanted), "after {seconds} s");
        if again > 0 {
            assert_eq!(made.again, Some(Duration::from_secs(again)));
        }
    }
}

#[test]
fn a_scaled_object_follows_its_pause_then_its_visitors_then_its_cooldown() {
    let key = at(Kind::ScaledObject, "s");
    let paused = json!({"autoscaling.keda.sh/paused-replicas": "3",
        "autoscaling.keda.sh/force-activation": "true"});
    let forced = json!({"autoscaling.keda.sh/force-activation": "true"});
    let seen = json!({"lastActiveTime": "2026-03-01T11:59:31Z"});
    let long_ago = json!({"lastActiveTime": "2026-03-01T11:59:30Z"});
    for (annotations, status, visitors, found, wanted) in [
        (json!({}), json!({}), None, 1, Some(0)),
        (json!({}), json!({}), None, 0, None),
        (json!({}), json!({}), Some(3), 0, Some(3)),
        (json!({}), json!({}), Some(9), 0, Some(4)),
        (json!({}), json!({}), Some(0), 2, Some(0)),
        (forced.clone(), json!({}), Some(0), 0, Some(1)),
        (forced, json!({}), None, 0, Some(1)),
        (paused, json!({}), Some(1), 1, Some(3)),
        (json!({}), seen, None, 0, Some(1)),
        (json!({}), long_ago, None, 1, Some(0)),
    ] {
        let told = format!("{annotations} {status} {visitors:?} {found}");
        let object = scaled_to(annotations, status);
        let world = World::default().with(Kind::Deployment, &live(deployment(Some(found))));
        let visitors = visitors.map(|number| (key.clone(), number)).into_iter().collect();
        let made = turn(&key, &object, &world, &Stage { visitors, ..stage() });
        assert_eq!(replicas_of(&made), wanted, "{told}");
    }
}

#[test]
fn keda_touches_its_own_finalizer_only_and_only_at_the_version_it_saw() {
    let key = at(Kind::ScaledObject, "s");
    let mut object = scaled_to(json!({}), json!({}));
    object["metadata"]["finalizers"] = json!(["another", KEDA_FINALIZER]);
    object["metadata"]["deletionTimestamp"] = json!("2026-03-01T11:00:00Z");
    let made = turn(&key, &object, &World::default(), &stage());
    let [Move::Patch { through: Door::Object, patch, .. }] = &made.moves[..] else {
        panic!("{made:?}")
    };
    let expected = json!({"metadata": {"resourceVersion": "7", "finalizers": ["another"]}});
    assert_eq!(*patch, expected);
    let stuck = Stage { stuck_finalizers: true, ..stage() };
    let made = turn(&key, &object, &World::default(), &stuck);
    assert_eq!((made.moves, made.again), (Vec::new(), Some(stage().delay)));
}

#[test]
fn what_an_object_refers_to_makes_its_player_look_again() {
    let route = live(json!({"metadata": {"name": "r"}}));
    let grant = live(json!({"metadata": {"name": "g"}, "spec": {"from": [{"namespace": "p"}]}}));
    let world = World::default()
        .with(Kind::HttpRoute, &route)
        .with(Kind::ReferenceGrant, &grant)
        .with(Kind::ScaledObject, &scaled_to(json!({}), json!({})));
    let (route, scaled) = (at(Kind::HttpRoute, "r"), at(Kind::ScaledObject, "s"));
    assert_eq!(affected(&at(Kind::Service, "any"), &world), std::slice::from_ref(&route));
    assert_eq!(affected(&at(Kind::ReferenceGrant, "g"), &world), [route]);
    let deployment = at(Kind::Deployment, "d");
    assert_eq!(affected(&deployment, &world), [deployment.clone(), scaled]);
    // A player that does not read a kind cannot be told of it.
    for kind in [Kind::Service, Kind::ReferenceGrant, Kind::HttpRoute] {
        assert!(Player::Gateway.watches().contains(&kind));
    }
}

#[test]
fn a_turn_reads_no_clock_but_the_stages() {
    let key = at(Kind::InterceptorRoute, "i");
    let object = live(json!({"metadata": {"name": "i"}}));
    let late: Timestamp = "2031-01-01T00:00:00Z".parse().unwrap();
    let made = turn(&key, &object, &World::default(), &Stage { now: late, ..stage() });
    let said = after(&key, &object, &made);
    assert_eq!(said["status"]["conditions"][0]["lastTransitionTime"], "2031-01-01T00:00:00Z");
}
