//! What a quota refuses, whoever made it. The words are judged on a real server too, by the
//! scenario of `tests/cluster/quota.rs`.

use super::*;
use vitrine_core::model::{Kind, ObjectKey};

/// Somebody's quota, and what the quota controller says of it.
fn quota(sandbox: &Sandbox, name: &str, spec: Value) {
    let hard = spec["hard"].clone();
    let metadata = json!({"name": name, "namespace": "p"});
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec});
    sandbox.create("operator", quota).unwrap();
    let key = ObjectKey::namespaced(Kind::ResourceQuota, "p", name);
    let told = |quota: &mut Value| quota["status"] = json!({ "hard": hard });
    sandbox.edit_status("kube-controller-manager", &key, told).unwrap();
}

async fn apply_map(sandbox: &Sandbox, name: &str, data: Value) -> (u16, Value) {
    apply(sandbox, &format!("{MAPS}/{name}?fieldManager=m"), &map(name, data)).await
}

#[tokio::test]
async fn one_object_too_many_is_refused_in_the_words_of_the_plugin() {
    let s = sandbox();
    quota(
        &s,
        "lab",
        json!({"hard": {"count/configmaps": "1", "configmaps": "1", "services": "0"}}),
    );
    assert_eq!(apply_map(&s, "a", json!({})).await.0, 201);
    let (code, status) = apply_map(&s, "b", json!({})).await;
    assert_eq!((code, &status["reason"]), (403, &json!("Forbidden")));
    assert_eq!(
        status["message"],
        "configmaps \"b\" is forbidden: exceeded quota: lab, requested: configmaps=1,count/configmaps=1, \
         used: configmaps=1,count/configmaps=1, limited: configmaps=1,count/configmaps=1"
    );
    // What is there may change, and what goes makes room.
    assert_eq!(apply_map(&s, "a", json!({"a": "b"})).await.0, 200);
    send(&s, Method::DELETE, &format!("{MAPS}/a"), "", &Value::Null).await;
    assert_eq!(post(&s, MAPS, &map("b", json!({}))).await.0, 201);
}

#[tokio::test]
async fn a_quota_counts_its_own_namespace_and_nothing_that_it_does_not_name() {
    let s = sandbox();
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "q"}});
    s.create("t", other).unwrap();
    quota(&s, "lab", json!({"hard": {"count/deployments.apps": "0", "pods": "0"}}));
    assert_eq!(post(&s, MAPS, &map("a", json!({}))).await.0, 201);
    let elsewhere = DEPLOYMENTS.replace("/p/", "/q/");
    assert_eq!(post(&s, &elsewhere, &deployment(None)).await.0, 201);
    let (code, status) = post(&s, DEPLOYMENTS, &deployment(None)).await;
    assert_eq!(code, 403);
    assert_eq!(
        status["message"],
        "deployments.apps \"d\" is forbidden: exceeded quota: lab, requested: count/deployments.apps=1, \
         used: count/deployments.apps=0, limited: count/deployments.apps=0"
    );
}

#[tokio::test]
async fn a_quota_of_a_scope_is_about_pods() {
    let s = sandbox();
    quota(&s, "lab", json!({"hard": {"count/configmaps": "0"}, "scopes": ["NotTerminating"]}));
    assert_eq!(post(&s, MAPS, &map("a", json!({}))).await.0, 201);
}

#[tokio::test]
async fn a_service_counts_for_the_ways_in_that_it_opens() {
    let s = sandbox();
    quota(&s, "lab", json!({"hard": {"services.nodeports": "1", "services.loadbalancers": "0"}}));
    let service = |name: &str, kind: &str, ports: &[i64]| {
        let ports: Vec<Value> =
            ports.iter().map(|p| json!({"name": format!("p{p}"), "port": p})).collect();
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": kind, "selector": {"a": "b"}, "ports": ports}})
    };
    let path = "/api/v1/namespaces/p/services";
    for (name, kind, ports, expected) in [
        ("inner", "ClusterIP", &[1, 2][..], 201),
        ("two", "NodePort", &[1, 2], 403),
        ("one", "NodePort", &[1], 201),
        ("balanced", "LoadBalancer", &[1], 403),
    ] {
        assert_eq!(post(&s, path, &service(name, kind, ports)).await.0, expected, "{name}");
    }
}

#[tokio::test]
async fn a_quota_that_no_controller_has_looked_at_holds_nobody_up() {
    let s = sandbox();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "lab", "namespace": "p"}, "spec": {"hard": {"configmaps": "0"}}});
    s.create("operator", quota).unwrap();
    assert_eq!(post(&s, MAPS, &map("a", json!({}))).await.0, 201);
}
