//! The pod template: one restricted container that answers HTTP, and what warms it up.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::image::pulled;
use super::resources::application;
use super::scheduling::scheduling;
use super::service::PORT_NAME;
use super::{config_map, mesh, warm_up};
use crate::catalog::platform::RunAsRoot;
use crate::catalog::solution::{Component, Probe, Shape};
use crate::model::ComponentName;

/// How often a starting container is asked, in seconds.
const STARTUP_PERIOD: u64 = 5;

/// The pod template of a component. Nothing in it depends on a commit or a clock, so that only a
/// change of the component itself rolls its pods.
pub(super) fn template(cx: &Context, component: &Component) -> Value {
    let mut spec = Map::from_iter([
        ("serviceAccountName".to_owned(), json!(component.name)),
        ("automountServiceAccountToken".to_owned(), json!(false)),
        ("enableServiceLinks".to_owned(), json!(false)),
        ("priorityClassName".to_owned(), json!(cx.platform.nodes.priority_class)),
        ("terminationGracePeriodSeconds".to_owned(), json!(30)),
        ("initContainers".to_owned(), warm_up::sidecar(cx, component).into_iter().collect()),
        ("containers".to_owned(), json!([container(cx, component)])),
        ("volumes".to_owned(), volumes(cx, component)),
    ]);
    spec.extend(identity(cx));
    spec.extend(scheduling(cx, component));
    json!({
        "metadata": {
            "labels": cx.pod_labels(component),
            "annotations": annotations(cx, component),
        },
        "spec": spec,
    })
}

/// As whom the containers run: never as root, or as a root that is nobody outside of the pod.
fn identity(cx: &Context) -> Map<String, Value> {
    let seccomp = json!({ "type": "RuntimeDefault" });
    let (users, security) = match cx.platform.pod_security.run_as_root {
        RunAsRoot::Refuse => {
            (Value::Null, json!({ "runAsNonRoot": true, "seccompProfile": seccomp }))
        }
        RunAsRoot::UserNamespace => (json!(false), json!({ "seccompProfile": seccomp })),
    };
    Map::from_iter([("hostUsers".to_owned(), users), ("securityContext".to_owned(), security)])
}

fn container(cx: &Context, component: &Component) -> Value {
    let (image, pull) = pulled(&component.image);
    json!({
        "name": component.name,
        "image": image,
        "imagePullPolicy": pull,
        "command": component.command,
        "args": component.args,
        "env": env(cx, component),
        "ports": [{ "name": PORT_NAME, "containerPort": component.port, "protocol": "TCP" }],
        "resources": application(component).body(),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": component.read_only_root_filesystem,
        },
        "startupProbe": probe(&component.readiness, STARTUP_PERIOD, starts(component.startup)),
        // A busy single-threaded server may be silent for a minute before it loses its visitors.
        "readinessProbe": probe(&component.readiness, 10, 6),
        "livenessProbe": component.liveness.as_ref().map(|p| probe(p, 10, 6)),
        // The endpoints forget the pod before it stops listening.
        "lifecycle": { "preStop": { "sleep": { "seconds": 5 } } },
        // The last lines of a crash reach the verdict without access to logs.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts(component),
    })
}

/// How many times a starting container may fail to answer within its budget.
fn starts(budget: Duration) -> u64 {
    budget.as_secs().div_ceil(STARTUP_PERIOD).max(1)
}

fn probe(probe: &Probe, period: u64, failures: u64) -> Value {
    let mut body = match probe {
        Probe::Get { path } => json!({ "httpGet": { "path": path, "port": PORT_NAME } }),
        Probe::TcpConnect => json!({ "tcpSocket": { "port": PORT_NAME } }),
    };
    body["periodSeconds"] = period.into();
    body["timeoutSeconds"] = 5.into();
    body["failureThreshold"] = failures.into();
    body
}

/// The author's variables, those that come from the Secret, and `<COMPONENT>_URL` for each
/// component that this one calls. A variable that the author wrote wins.
fn env(cx: &Context, component: &Component) -> Value {
    let written =
        |(name, value): (&String, &String)| (name.clone(), json!({ "name": name, "value": value }));
    let mut env = component.env.iter().map(written).collect::<Map<_, _>>();
    let secret = secret_name(cx, component);
    for key in &component.secrets {
        env.entry(key).or_insert_with(|| {
            json!({ "name": key, "valueFrom": { "secretKeyRef": { "name": secret, "key": key } } })
        });
    }
    for callee in &component.depends_on {
        let name = url_variable(callee);
        env.entry(name.clone())
            .or_insert_with(|| json!({ "name": name, "value": format!("http://{callee}") }));
    }
    env.into_iter().map(|(_, variable)| variable).collect()
}

/// The Secret that the operator provides: configurations are one image, and share theirs.
fn secret_name(cx: &Context, component: &Component) -> String {
    match cx.solution.shape {
        Shape::Single | Shape::Configurations => "app-secrets".to_owned(),
        Shape::Components => format!("{}-secrets", component.name),
    }
}

/// `part-index` is reached at `$PART_INDEX_URL`.
fn url_variable(component: &ComponentName) -> String {
    format!("{}_URL", component.as_str().to_ascii_uppercase().replace('-', "_"))
}

/// The author's names stand behind a word, so that none meets one of ours.
fn image_volume(name: &str) -> String {
    format!("image-{name}")
}

fn volumes(cx: &Context, component: &Component) -> Value {
    let files = config_map::files_name(component)
        .map(|name| json!({ "name": "files", "configMap": { "name": name } }));
    let scratch = component.scratch.values().enumerate().map(
        |(n, size)| json!({ "name": format!("scratch-{n}"), "emptyDir": { "sizeLimit": size } }),
    );
    let images = component.volumes.iter().map(|(name, volume)| {
        let (reference, pull) = pulled(&volume.image);
        json!({
            "name": image_volume(name),
            "image": { "reference": reference, "pullPolicy": pull },
        })
    });
    let examples = warm_up::volume(cx, component);
    files.into_iter().chain(scratch).chain(images).chain(examples).collect()
}

fn mounts(component: &Component) -> Value {
    let files = config_map::keys(component).map(|(path, key)| {
        json!({ "name": "files", "mountPath": path, "subPath": key, "readOnly": true })
    });
    let scratch = component
        .scratch
        .keys()
        .enumerate()
        .map(|(n, path)| json!({ "name": format!("scratch-{n}"), "mountPath": path }));
    let images = component.volumes.iter().map(|(name, volume)| {
        json!({ "name": image_volume(name), "mountPath": volume.mount_path, "readOnly": true })
    });
    files.chain(scratch).chain(images).collect()
}

/// What sleeps when idle leaves its node by itself: the node's autoscaler need not chase it.
fn annotations(cx: &Context, component: &Component) -> Value {
    let mut annotations = mesh::of_pod(cx);
    if cx.scaled(component).is_some_and(|scaled| scaled.range.min() == 0) {
        annotations.extend([
            ("cluster-autoscaler.kubernetes.io/safe-to-evict".to_owned(), json!("false")),
            ("karpenter.sh/do-not-disrupt".to_owned(), json!("true")),
        ]);
    }
    annotations.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_up_budget_is_never_cut_short() {
        assert_eq!(starts(Duration::from_secs(300)), 60);
        assert_eq!(starts(Duration::from_secs(301)), 61);
        assert_eq!(starts(Duration::ZERO), 1);
    }
}
