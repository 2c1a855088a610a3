//! The pod template: one restricted container that answers HTTP, and what warms it up.

use std::borrow::Cow;
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

/// How often a starting container is asked, in seconds. A visitor waits for the answer: at 5 s a pod
/// that was up in 1 s was seen after 6.
const STARTUP_PERIOD: u64 = 1;

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
        "command": words(component, &component.command),
        "args": words(component, &component.args),
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
    budget.as_millis().div_ceil(u128::from(STARTUP_PERIOD) * 1000).max(1).try_into().unwrap_or(1)
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
    let written = |(name, value): (&String, &String)| {
        let value = word(component.expand_variables, value);
        (name.clone(), json!({ "name": name, "value": value }))
    };
    let mut env = component.env.iter().map(written).collect::<Map<_, _>>();
    let secret = secret_name(cx.solution.shape, &component.name);
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
    match component.expand_variables {
        true => in_order(env).into(),
        false => env.into_iter().map(|(_, variable)| variable).collect(),
    }
}

/// By name, and each behind those that it refers to: the kubelet knows only what stands before.
/// What goes in a circle stays as it is written, as everywhere in Kubernetes.
fn in_order(mut env: Map<String, Value>) -> Vec<Value> {
    fn put(name: &str, env: &mut Map<String, Value>, ordered: &mut Vec<Value>) {
        // Taken out first, so that a circle ends.
        let Some(variable) = env.remove(name) else { return };
        for named in references(variable["value"].as_str().unwrap_or_default()) {
            put(named, env, ordered);
        }
        ordered.push(variable);
    }
    let names: Vec<String> = env.keys().cloned().collect();
    let mut ordered = Vec::with_capacity(names.len());
    for name in names {
        put(&name, &mut env, &mut ordered);
    }
    ordered
}

/// The names in `$(NAME)`; `$$` is a `$` and begins none.
fn references(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        rest = match after.strip_prefix('(') {
            Some(inside) => match inside.split_once(')') {
                Some((name, behind)) => {
                    names.push(name);
                    behind
                }
                None => return names,
            },
            None => after.strip_prefix('$').unwrap_or(after),
        };
    }
    names
}

/// What the kubelet reads as the author wrote it. It takes `$(NAME)` for a variable and `$$` for a
/// `$`; everything else stays as it is, so that nothing else is another text than before.
fn word(expands: bool, text: &str) -> Cow<'_, str> {
    if expands || !text.contains("$(") && !text.contains("$$") {
        return Cow::Borrowed(text);
    }
    let mut literal = String::with_capacity(text.len() + 2);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        literal.push(character);
        if character == '$' && matches!(rest.peek(), Some('$' | '(')) {
            literal.push('$');
        }
    }
    Cow::Owned(literal)
}

fn words<'a>(component: &Component, texts: &'a [String]) -> Vec<Cow<'a, str>> {
    texts.iter().map(|text| word(component.expand_variables, text)).collect()
}

/// The Secret that the operator provides for a component: configurations are one image, and share
/// theirs.
pub fn secret_name(shape: Shape, component: &ComponentName) -> String {
    match shape {
        Shape::Single | Shape::Configurations => "app-secrets".to_owned(),
        Shape::Components => format!("{component}-secrets"),
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
    fn variables_stand_behind_those_that_they_name() {
        let variable =
            |name: &str, value: &str| (name.to_owned(), json!({ "name": name, "value": value }));
        let ordered = |variables: &[(&str, &str)]| -> Vec<String> {
            let env = variables.iter().map(|(name, value)| variable(name, value)).collect();
            let ordered = in_order(env);
            ordered.iter().map(|v| v["name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let chain = [("A", "$(B)"), ("B", "x$$(A)$(C)/$(D)"), ("C", "c"), ("D", "$(NONE)")];
        assert_eq!(ordered(&chain), ["C", "D", "B", "A"]);
        assert_eq!(ordered(&[("A", "$(B)"), ("B", "$(A)"), ("C", "$(")]), ["B", "A", "C"]);
        assert_eq!(references("$(A)$$(B)$$$(C)$D$(E"), ["A", "C"]);
    }

    #[test]
    fn a_start_up_budget_is_never_cut_short() {
        assert_eq!(starts(Duration::from_secs(300)), 300);
        assert_eq!(starts(Duration::from_millis(300_500)), 301);
        assert_eq!(starts(Duration::ZERO), 1);
    }

    /// What a container gets of a text, by the rules of the kubelet (`expansion` in Kubernetes):
    /// `$$` is a `$`, `$(A)` the value of A if there is such a variable, all else itself.
    fn kubelet(text: &str) -> String {
        let mut seen = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            seen.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                seen.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("(A)") {
                seen.push_str("value");
                rest = after;
            } else {
                seen.push('$');
            }
        }
        seen + rest
    }

    #[test]
    fn a_variable_is_read_only_where_the_author_means_it() {
        for text in ["$(A)", "$$", "$$$(A)$", "pa$$word", "$HOME/$(A)", "a$", "${A}", "$($(A))"] {
            assert_eq!(kubelet(&word(false, text)), text);
            assert_eq!(word(true, text), text);
        }
        assert_eq!(kubelet("$(A)"), "value", "unescaped, it is read");
        // What the kubelet takes as it is stays the same text, and its pods are not rolled.
        for text in ["", "$HOME", "${A}", "a$", "50 $"] {
            assert!(matches!(word(false, text), Cow::Borrowed(_)), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_container_gets_what_was_written(text in "[$()A{} a]{0,24}") {
            proptest::prop_assert_eq!(kubelet(&word(false, &text)), text);
        }
    }
}
