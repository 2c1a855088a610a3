//! Each test is a fact about a real API server (1.36.3) that the sandbox must repeat.

use http::Method;
use serde_json::{Value, json};

use super::request::Request;
use super::{Options, Sandbox};

mod apply;
mod cast;
mod controllers;
mod definitions;
mod faults;
mod openapi;
mod quotas;
mod watches;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(Options::default());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p"}});
    sandbox.create("test", namespace).unwrap();
    sandbox
}

/// Sends a request; the code and the body of its answer.
async fn send(
    sandbox: &Sandbox,
    method: Method,
    uri: &str,
    kind: &str,
    body: &Value,
) -> (u16, Value) {
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", kind)
        .header("user-agent", "curl/8");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    let answer = sandbox.answer(Request::read(&parts, body.into())).await.unwrap();
    let code = answer.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn get(sandbox: &Sandbox, uri: &str) -> (u16, Value) {
    send(sandbox, Method::GET, uri, "", &Value::Null).await
}

async fn apply(sandbox: &Sandbox, uri: &str, body: &Value) -> (u16, Value) {
    send(sandbox, Method::PATCH, uri, "application/apply-patch+yaml", body).await
}

async fn merge(sandbox: &Sandbox, uri: &str, body: &Value) -> (u16, Value) {
    send(sandbox, Method::PATCH, uri, "application/merge-patch+json", body).await
}

async fn post(sandbox: &Sandbox, uri: &str, body: &Value) -> (u16, Value) {
    send(sandbox, Method::POST, uri, "application/json", body).await
}

/// The fields of a manager's entry.
fn fields(object: &Value, manager: &str) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    entries.iter().find(|e| e["manager"] == manager).map(|e| e["fieldsV1"].clone())
}

const MAPS: &str = "/api/v1/namespaces/p/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/p/deployments";
const SCALED: &str = "/apis/keda.sh/v1alpha1/namespaces/p/scaledobjects";

fn map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn deployment(replicas: Option<i64>) -> Value {
    let mut body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"a": "b"}},
        "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {
                "metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]},
            },
        },
    });
    if let Some(replicas) = replicas {
        body["spec"]["replicas"] = json!(replicas);
    }
    body
}

fn scaled(spec: Value) -> Value {
    json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "s"}, "spec": spec})
}
