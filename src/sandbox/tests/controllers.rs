//! What the controllers of the demo do.

use std::time::Duration;

use super::*;
use vitrine_core::model::{Kind, ObjectKey};

fn demo() -> Sandbox {
    let options = Options {
        controllers: true,
        controller_delay: Duration::from_millis(1),
        cooldown: Duration::from_secs(1),
        ..Options::default()
    };
    let sandbox = Sandbox::new(options);
    for name in ["p", "keda"] {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        sandbox.create("test", namespace).unwrap();
    }
    sandbox
}

/// Waits until an object is as it should be.
async fn until(sandbox: &Sandbox, key: &ObjectKey, what: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2_000 {
        if let Some(object) = sandbox.get(key).filter(&what) {
            return object;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {:#}", sandbox.get(key).unwrap_or_default());
}

fn is(object: &Value, kind: &str, status: &str) -> bool {
    let list = object.pointer("/status/conditions").and_then(Value::as_array);
    list.into_iter().flatten().any(|c| c["type"] == kind && c["status"] == status)
}

fn deploy(sandbox: &Sandbox, image: &str, replicas: i64) -> ObjectKey {
    let mut body = deployment(Some(replicas));
    body["metadata"]["namespace"] = json!("p");
    body["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    sandbox.create("test", body).unwrap();
    ObjectKey::namespaced(Kind::Deployment, "p", "d")
}

fn scaled_for(sandbox: &Sandbox, annotations: Value) -> ObjectKey {
    let mut body =
        scaled(json!({"scaleTargetRef": {"name": "d"}, "minReplicaCount": 0, "maxReplicaCount": 1,
        "triggers": [{"type": "external-push", "metadata": {}}]}));
    body["metadata"]["namespace"] = json!("p");
    body["metadata"]["annotations"] = annotations;
    sandbox.create("test", body).unwrap();
    ObjectKey::namespaced(Kind::ScaledObject, "p", "s")
}

fn pods(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.all_objects().into_iter().filter(|o| o["kind"] == "Pod").collect()
}

#[tokio::test]
async fn a_deployment_becomes_available_and_follows_a_new_template() {
    let s = demo();
    let key = deploy(&s, "good", 2);
    let complete = |o: &Value| {
        is(o, "Available", "True")
            && o["status"]["observedGeneration"] == o["metadata"]["generation"]
            && o["status"]["updatedReplicas"] == 2
            && o["status"]["replicas"] == 2
            && o["status"].get("unavailableReplicas").is_none()
    };
    until(&s, &key, complete).await;
    assert_eq!(pods(&s).len(), 2);
    s.edit("t", &key, |o| {
        o["spec"]["template"]["spec"]["containers"][0]["image"] = json!("better");
    })
    .unwrap();
    until(&s, &key, |o| o["metadata"]["generation"] == 2 && complete(o)).await;
    assert!(pods(&s).iter().all(|p| p["spec"]["containers"][0]["image"] == "better"));
}

#[tokio::test]
async fn a_deployment_of_nothing_is_available_without_pods() {
    let s = demo();
    let key = deploy(&s, "fails-pull", 0);
    until(&s, &key, |o| is(o, "Available", "True")).await;
    assert!(pods(&s).is_empty());
}

#[tokio::test]
async fn a_failing_image_fails_in_the_words_of_the_kubelet_while_the_old_pods_stay() {
    for (image, word) in [
        ("r/fails-pull", "/status/containerStatuses/0/state/waiting/reason"),
        ("r/fails-oom", "/status/containerStatuses/0/lastState/terminated/reason"),
        ("r/fails-exit", "/status/containerStatuses/0/state/waiting/reason"),
        ("r/fails-start", "/status/containerStatuses/0/lastState/terminated/reason"),
        ("r/fails-root", "/status/containerStatuses/0/state/waiting/reason"),
        ("r/no-machine", "/status/conditions/0/reason"),
    ] {
        let s = demo();
        let key = deploy(&s, "good", 1);
        until(&s, &key, |o| o["status"]["availableReplicas"] == 1).await;
        s.edit("t", &key, |o| {
            o["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        })
        .unwrap();
        until(&s, &key, |o| o["status"]["observedGeneration"] == 2 && o["status"]["replicas"] == 2)
            .await;
        let failing = loop {
            let found = pods(&s).into_iter().find(|p| {
                p["spec"]["containers"][0]["image"] == image && p.pointer(word).is_some()
            });
            match found {
                Some(pod) => break pod,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let said = failing.pointer(word).unwrap().as_str().unwrap();
        let expected = [
            "ImagePullBackOff",
            "OOMKilled",
            "CrashLoopBackOff",
            "StartError",
            "CreateContainerConfigError",
            "Unschedulable",
        ];
        assert!(expected.contains(&said), "{image}: {said}");
        assert_eq!(failing["metadata"]["labels"]["app"], "a");
        let live = s.get(&key).unwrap();
        assert!(is(&live, "Available", "True"), "the old pod still serves");
        assert_eq!(live["status"]["unavailableReplicas"], 1);
    }
}

#[tokio::test]
async fn a_program_that_falls_once_comes_up_and_one_that_never_answers_is_ended_by_its_probe() {
    let s = demo();
    let key = deploy(&s, "fails-once", 1);
    until(&s, &key, |o| o["status"]["availableReplicas"] == 1).await;
    let [pod] = pods(&s).try_into().unwrap();
    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!((&container["ready"], &container["restartCount"]), (&json!(true), &json!(1)));
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 1);

    s.edit("t", &key, |o| {
        let container = &mut o["spec"]["template"]["spec"]["containers"][0];
        container["image"] = json!("never-ready");
        container["startupProbe"] = json!({"failureThreshold": 1, "periodSeconds": 1});
    })
    .unwrap();
    let ended = loop {
        let of = |p: &Value| p["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
        let silent = |p: &&Value| p["spec"]["containers"][0]["image"] == "never-ready";
        match pods(&s).iter().find(silent).map(of).filter(|ended| !ended.is_null()) {
            Some(ended) => break ended,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    // The program obeyed: that it was ended shows only in the time that it lived.
    assert_eq!((&ended["reason"], &ended["exitCode"]), (&json!("Completed"), &json!(0)));
    assert_ne!(ended["startedAt"], ended["finishedAt"]);
}

#[tokio::test]
async fn what_is_woken_has_no_deadline_as_its_form_was_complete_before() {
    let s = demo();
    let key = deploy(&s, "never-ready", 0);
    until(&s, &key, |o| is(o, "Progressing", "True")).await;
    s.edit("t", &key, |o| {
        o["spec"]["progressDeadlineSeconds"] = json!(1);
        o["spec"]["replicas"] = json!(1);
    })
    .unwrap();
    until(&s, &key, |o| o["status"]["replicas"] == 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let live = s.get(&key).unwrap();
    assert!(is(&live, "Progressing", "True") && is(&live, "Available", "False"), "{live}");
}

#[tokio::test]
async fn a_rollout_past_its_deadline_says_so() {
    let s = demo();
    let key = deploy(&s, "never-ready", 1);
    s.edit("t", &key, |o| o["spec"]["progressDeadlineSeconds"] = json!(1)).unwrap();
    let live = until(&s, &key, |o| is(o, "Progressing", "False")).await;
    let conditions = live["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|c| c["reason"] == "ProgressDeadlineExceeded"));
}

#[tokio::test]
async fn keda_wakes_what_is_forced_and_lets_it_sleep_again() {
    let s = demo();
    let target = deploy(&s, "good", 0);
    let key = scaled_for(&s, json!({}));
    let live = until(&s, &key, |o| is(o, "Ready", "True") && is(o, "Active", "False")).await;
    assert_eq!(live["metadata"]["finalizers"], json!(["finalizer.keda.sh"]));
    assert_eq!(live["status"]["externalMetricNames"], json!(["s0-s"]));
    s.edit("vitrine-verify", &key, |o| {
        o["metadata"]["annotations"] = json!({"autoscaling.keda.sh/force-activation": "true"});
    })
    .unwrap();
    until(&s, &target, |o| o["status"]["availableReplicas"] == 1).await;
    until(&s, &key, |o| is(o, "Active", "True")).await;
    s.edit("vitrine-verify", &key, |o| o["metadata"]["annotations"] = json!({})).unwrap();
    until(&s, &target, |o| o["spec"]["replicas"] == 0 && pods(&s).is_empty()).await;
    until(&s, &key, |o| is(o, "Active", "False")).await;
}

#[tokio::test]
async fn a_visit_wakes() {
    let s = demo();
    let target = deploy(&s, "good", 0);
    let key = scaled_for(&s, json!({}));
    until(&s, &key, |o| is(o, "Ready", "True")).await;
    s.visit(&key).unwrap();
    until(&s, &target, |o| o["spec"]["replicas"] == 1).await;
    until(&s, &target, |o| o["spec"]["replicas"] == 0).await;
}

#[tokio::test]
async fn a_paused_scaled_object_pins_its_replicas() {
    let s = demo();
    let target = deploy(&s, "good", 1);
    let key = scaled_for(
        &s,
        json!({"autoscaling.keda.sh/paused-replicas": "0", "autoscaling.keda.sh/force-activation": "true"}),
    );
    until(&s, &key, |o| is(o, "Paused", "True")).await;
    until(&s, &target, |o| o["spec"]["replicas"] == 0).await;
}

#[tokio::test]
async fn keda_lets_a_deleted_scaled_object_go_unless_it_is_stuck() {
    let s = demo();
    let key = scaled_for(&s, json!({}));
    until(&s, &key, |o| o["metadata"]["finalizers"] == json!(["finalizer.keda.sh"])).await;
    s.faults(|f| f.stuck_finalizers = true);
    assert_eq!(s.remove(&key), Ok(false));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(s.get(&key).is_some());
    s.faults(|f| f.stuck_finalizers = false);
    for _ in 0..2_000 {
        if s.get(&key).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("still there");
}

#[tokio::test]
async fn a_route_is_accepted_and_resolved_once_it_is_granted() {
    let s = demo();
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "edge", "namespace": "p"},
        "spec": {"parentRefs": [{"name": "public", "namespace": "edge"}], "hostnames": ["a.example"],
            "rules": [{"backendRefs": [{"name": "proxy", "namespace": "keda", "port": 8080}]}]}});
    s.create("test", route).unwrap();
    let key = ObjectKey::namespaced(Kind::HttpRoute, "p", "edge");
    let reason = |o: &Value, n: usize| {
        o.pointer(&format!("/status/parents/0/conditions/{n}/reason")).cloned()
    };
    let live = until(&s, &key, |o| reason(o, 1) == Some(json!("RefNotPermitted"))).await;
    assert_eq!(reason(&live, 0), Some(json!("Accepted")));
    assert_eq!(live.pointer("/status/parents/0/parentRef/kind"), Some(&json!("Gateway")));
    assert_eq!(live.pointer("/status/parents/0/conditions/0/observedGeneration"), Some(&json!(1)));
    let grant = json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
        "metadata": {"name": "g", "namespace": "keda"},
        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "p"}],
            "to": [{"group": "", "kind": "Service", "name": "proxy"}]}});
    s.create("test", grant).unwrap();
    until(&s, &key, |o| reason(o, 1) == Some(json!("ResolvedRefs"))).await;
}

#[tokio::test]
async fn a_limit_of_the_edge_is_accepted_once_its_route_is_there() {
    let s = demo();
    let policy = json!({"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "BackendTrafficPolicy",
        "metadata": {"name": "edge", "namespace": "p"},
        "spec": {"targetRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "edge"}],
            "requestBuffer": {"limit": "10Mi"}}});
    s.create("test", policy).unwrap();
    let key = ObjectKey::namespaced(Kind::BackendTrafficPolicy, "p", "edge");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(s.get(&key).unwrap().get("status").is_none(), "nothing is said of no route");
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "edge", "namespace": "p"},
        "spec": {"parentRefs": [{"name": "public", "namespace": "edge"}]}});
    s.create("test", route).unwrap();
    let accepted =
        |o: &Value| o.pointer("/status/ancestors/0/conditions/0/status") == Some(&json!("True"));
    let live = until(&s, &key, accepted).await;
    assert_eq!(live.pointer("/status/ancestors/0/ancestorRef/name"), Some(&json!("public")));
}

#[tokio::test]
async fn a_limit_of_the_mesh_is_accepted_once_its_server_is_there() {
    let s = demo();
    let policy = json!({"apiVersion": "policy.linkerd.io/v1alpha1", "kind": "HTTPLocalRateLimitPolicy",
        "metadata": {"name": "app", "namespace": "p"},
        "spec": {"targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "app"},
            "total": {"requestsPerSecond": 50}}});
    s.create("test", policy).unwrap();
    let key = ObjectKey::namespaced(Kind::HttpLocalRateLimitPolicy, "p", "app");
    until(&s, &key, |o| is(o, "Accepted", "False")).await;
    let server = json!({"apiVersion": "policy.linkerd.io/v1beta3", "kind": "Server",
        "metadata": {"name": "app", "namespace": "p"}, "spec": {"port": "http"}});
    let server = s.create("test", server).unwrap();
    assert_eq!(server["spec"]["accessPolicy"], "deny");
    until(&s, &key, |o| is(o, "Accepted", "True")).await;
}

#[tokio::test]
async fn an_interceptor_route_is_ready() {
    let s = demo();
    let body = json!({"apiVersion": "http.keda.sh/v1beta1", "kind": "InterceptorRoute",
        "metadata": {"name": "app", "namespace": "p"},
        "spec": {"target": {"service": "app", "port": 80}, "scalingMetric": {"requestRate": {"targetValue": 10}}}});
    s.create("test", body).unwrap();
    let key = ObjectKey::namespaced(Kind::InterceptorRoute, "p", "app");
    let live = until(&s, &key, |o| is(o, "Ready", "True")).await;
    assert_eq!(live["spec"]["scalingMetric"]["requestRate"]["window"], "1m");
}

#[tokio::test]
async fn controllers_at_rest_write_nothing() {
    let s = demo();
    let target = deploy(&s, "good", 1);
    let key = scaled_for(&s, json!({}));
    until(&s, &target, |o| o["spec"]["replicas"] == 0 && o["status"].get("replicas").is_none())
        .await;
    until(&s, &key, |o| is(o, "Ready", "True")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = s.all_objects();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(s.all_objects(), before);
}
