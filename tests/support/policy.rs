//! An admission policy that says no, as an operator may have one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use kube::Client;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use super::cluster::DAEMON_NAMESPACE;
use super::objects;

/// The name of the policy and of its binding on the real server.
const NAME: &str = "the-tests-deny";
const GROUP: &str = "admissionregistration.k8s.io/v1";
/// How long the server may take to know of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the real server says, and the sandbox after it.
pub fn refusal(words: &str) -> String {
    format!("ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: {words}")
}

/// Denies writes of Deployments in these namespaces, giving no reason of its own: the server then
/// answers 422. Comes back when the server obeys.
pub async fn deny(admin: &Client, places: &[&str], words: &str) -> anyhow::Result<()> {
    let places: Vec<&str> = places.iter().copied().chain([DAEMON_NAMESPACE]).collect();
    let elsewhere = format!("!(object.metadata.namespace in {})", json!(places));
    let policy = json!({
        "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"], "resources": ["deployments"],
            }]},
            "validations": [{"expression": elsewhere, "message": words}],
        },
    });
    let binding = json!({
        "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    });
    objects::apply(admin, &policy, "tests").await?;
    objects::apply(admin, &binding, "tests").await?;

    obeys(admin, true).await
}

/// Waits until the server refuses Deployments as [`deny`] says, or does not any more.
async fn obeys(admin: &Client, denies: bool) -> anyhow::Result<()> {
    // A good one, because the policy is asked last.
    let labels = json!({"probe": "yes"});
    let probe = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "probe", "namespace": DAEMON_NAMESPACE},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "x", "image": "registry.example/x:1"}]},
            },
        },
    });
    let (begun, parameters) =
        (Instant::now(), PostParams { dry_run: true, ..PostParams::default() });
    loop {
        let object = serde_json::from_value(probe.clone())?;
        let denied = match objects::api_of(admin, &probe)?.create(&parameters, &object).await {
            Err(kube::Error::Api(status)) => status.message.contains(NAME),
            Ok(_) => false,
            Err(why) => return Err(why.into()),
        };
        if denied == denies {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the server does not obey the policy");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes `env` away from the first container of the Deployments of a namespace. Comes back when the
/// server obeys.
pub async fn take_env(admin: &Client, namespace: &str) -> anyhow::Result<()> {
    let places = json!([namespace, DAEMON_NAMESPACE]);
    let env = "spec.template.spec.containers[0]";
    let policy = json!({
        "apiVersion": GROUP, "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"], "resources": ["deployments"],
            }]},
            "matchConditions": [
                {"name": "here", "expression": format!("object.metadata.namespace in {places}")},
                {"name": "env", "expression": format!("has(object.{env}.env)")},
            ],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression":
                "[JSONPatch{op: \"remove\", path: \"/spec/template/spec/containers/0/env\"}]",
            }}],
        },
    });
    let binding = json!({
        "apiVersion": GROUP, "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME},
    });
    objects::apply(admin, &policy, "tests").await?;
    objects::apply(admin, &binding, "tests").await?;

    let labels = json!({"probe": "yes"});
    let container =
        json!({"name": "x", "image": "registry.example/x:1", "env": [{"name": "A", "value": "1"}]});
    let probe = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "probe", "namespace": DAEMON_NAMESPACE},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    });
    let (begun, parameters) =
        (Instant::now(), PostParams { dry_run: true, ..PostParams::default() });
    loop {
        let object = serde_json::from_value(probe.clone())?;
        let made = objects::api_of(admin, &probe)?.create(&parameters, &object).await?;
        if made.data.pointer("/spec/template/spec/containers/0/env").is_none() {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the server does not obey the policy");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes the policies away, if there are any. Comes back when the server denies nothing any more.
pub async fn remove(admin: &Client) -> anyhow::Result<()> {
    for kind in [
        "ValidatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
    ] {
        let object = json!({"apiVersion": GROUP, "kind": kind});
        match objects::api_of(admin, &object)?.delete(NAME, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(why) => return Err(why).context(kind),
        }
    }
    obeys(admin, false).await
}
