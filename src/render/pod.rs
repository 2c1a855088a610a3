//! The pod template: one restricted container that answers HTTP.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::config_map;
use super::context::Context;
use super::resources::application;
use super::scheduling::scheduling;
use super::service::PORT_NAME;
use crate::catalog::solution::{Component, Probe};
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
        (
            "securityContext".to_owned(),
            json!({ "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } }),
        ),
        ("containers".to_owned(), json!([container(component)])),
        ("volumes".to_owned(), volumes(component)),
    ]);
    spec.extend(scheduling(cx, component));
    json!({
        "metadata": {
            "labels": cx.pod_labels(component),
            "annotations": annotations(cx, component),
        },
        "spec": spec,
    })
}

/// The image that the kubelet pulls: by digest alone where there is one, because a tag beside it
/// means nothing, and a new one would roll the same image.
fn image(component: &Component) -> (String, &'static str) {
    match component.image.split_once('@') {
        Some((name, digest)) => {
            // A colon before the last slash belongs to a port: `host:5000/name:tag`.
            let tag = name.rfind(':').filter(|at| name.rfind('/').is_none_or(|slash| slash < *at));
            let repository = tag.map_or(name, |at| name.get(..at).unwrap_or(name));
            (format!("{repository}@{digest}"), "IfNotPresent")
        }
        None => (component.image.clone(), "Always"),
    }
}

fn container(component: &Component) -> Value {
    let (image, pull) = image(component);
    json!({
        "name": component.name,
        "image": image,
        "imagePullPolicy": pull,
        "command": component.command,
        "args": component.args,
        "env": env(component),
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

/// The author's variables, and `<COMPONENT>_URL` for each component that this one calls. A
/// variable that the author wrote wins.
fn env(component: &Component) -> Value {
    let mut env = component.env.clone();
    for callee in &component.depends_on {
        env.entry(url_variable(callee)).or_insert_with(|| format!("http://{callee}"));
    }
    env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// `part-index` is reached at `$PART_INDEX_URL`.
fn url_variable(component: &ComponentName) -> String {
    format!("{}_URL", component.as_str().to_ascii_uppercase().replace('-', "_"))
}

fn volumes(component: &Component) -> Value {
    let files = config_map::files_name(component)
        .map(|name| json!({ "name": "files", "configMap": { "name": name } }));
    let scratch = component.scratch.values().enumerate().map(
        |(n, size)| json!({ "name": format!("scratch-{n}"), "emptyDir": { "sizeLimit": size } }),
    );
    files.into_iter().chain(scratch).collect()
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
    files.chain(scratch).collect()
}

/// What sleeps when idle leaves its node by itself: the node's autoscaler need not chase it.
fn annotations(cx: &Context, component: &Component) -> Value {
    if cx.scaled(component).is_some_and(|scaled| scaled.min == 0) {
        json!({
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "karpenter.sh/do-not-disrupt": "true",
        })
    } else {
        json!({})
    }
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
