//! What the real server fills in, for the built-in kinds.

use serde_json::{Map, Value, json};

use super::kinds::Resource;

/// Fills in what the real server fills in before a write is recorded.
pub fn fill(resource: &Resource, object: &mut Value) {
    drop_nulls(object);
    drop_empties(object);
    let Some(map) = object.as_object_mut() else { return };
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => {
            let spec = entry(map, "spec");
            set(spec, "replicas", json!(1));
            set(spec, "revisionHistoryLimit", json!(10));
            set(spec, "progressDeadlineSeconds", json!(600));
            let strategy = entry(spec, "strategy");
            set(strategy, "type", json!("RollingUpdate"));
            if strategy.get("type") == Some(&json!("RollingUpdate")) {
                let rolling = entry(strategy, "rollingUpdate");
                set(rolling, "maxSurge", json!("25%"));
                set(rolling, "maxUnavailable", json!("25%"));
            }
            fill_template(spec);
        }
        ("apps", "StatefulSet") => {
            let spec = entry(map, "spec");
            set(spec, "replicas", json!(1));
            set(spec, "podManagementPolicy", json!("OrderedReady"));
            fill_template(spec);
        }
        ("batch", "Job") => fill_template(entry(map, "spec")),
        ("", "Pod") => fill_pod(entry(map, "spec")),
        ("", "Service") => {
            let spec = entry(map, "spec");
            set(spec, "type", json!("ClusterIP"));
            set(spec, "sessionAffinity", json!("None"));
            set(spec, "internalTrafficPolicy", json!("Cluster"));
            for port in list(spec, "ports") {
                set(port, "protocol", json!("TCP"));
                let number = port.get("port").cloned().unwrap_or_default();
                set(port, "targetPort", number);
            }
        }
        ("", "LimitRange") => {
            for limit in list(entry(map, "spec"), "limits") {
                fill_limit(limit);
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            let spec = entry(map, "spec");
            let mut types = vec![json!("Ingress")];
            if spec.contains_key("egress") {
                types.push(json!("Egress"));
            }
            set(spec, "policyTypes", Value::Array(types));
            for rules in ["ingress", "egress"] {
                for rule in list(spec, rules) {
                    for port in list(rule, "ports") {
                        set(port, "protocol", json!("TCP"));
                    }
                }
            }
        }
        _ => {}
    }
}

/// A container's limit fills in what is absent of its default limit, that its default request, and
/// the least its request.
fn fill_limit(limit: &mut Map<String, Value>) {
    if limit.get("type") != Some(&json!("Container")) {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
    {
        let Some(amounts) = limit.get(from).and_then(Value::as_object).cloned() else { continue };
        let filled = entry(limit, to);
        for (name, amount) in amounts {
            filled.entry(name).or_insert(amount);
        }
    }
}

/// What the server allots to a new object, owned by nobody.
pub fn allot(resource: &Resource, object: &mut Value, number: u64) {
    let Some(map) = object.as_object_mut() else { return };
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") => {
            set(entry(map, "spec"), "finalizers", json!(["kubernetes"]));
            set(entry(map, "status"), "phase", json!("Active"));
        }
        ("", "Service") => {
            let spec = entry(map, "spec");
            let address =
                format!("10.{}.{}.{}", 96 + (number >> 16) % 4, number >> 8 & 255, number & 255);
            set(spec, "clusterIP", json!(address));
            let address = spec.get("clusterIP").cloned().unwrap_or_default();
            set(spec, "clusterIPs", json!([address]));
            set(spec, "ipFamilies", json!(["IPv4"]));
            set(spec, "ipFamilyPolicy", json!("SingleStack"));
            set(entry(map, "status"), "loadBalancer", json!({}));
        }
        ("apps", "Deployment" | "StatefulSet") | ("batch", "Job") => {
            entry(map, "status");
        }
        ("", "ResourceQuota") | ("policy", "PodDisruptionBudget") => {
            entry(map, "status");
        }
        ("networking.k8s.io", "Ingress") => {
            set(entry(map, "status"), "loadBalancer", json!({}));
        }
        ("", "Pod") => set(entry(map, "status"), "phase", json!("Pending")),
        _ => {}
    }
}

fn fill_template(spec: &mut Map<String, Value>) {
    let template = entry(spec, "template");
    entry(template, "metadata");
    fill_pod(entry(template, "spec"));
}

fn fill_pod(spec: &mut Map<String, Value>) {
    set(spec, "restartPolicy", json!("Always"));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "schedulerName", json!("default-scheduler"));
    set(spec, "securityContext", json!({}));
    for containers in ["initContainers", "containers"] {
        for container in list(spec, containers) {
            let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
            let tagged = image.contains('@')
                || image
                    .rsplit('/')
                    .next()
                    .is_some_and(|n| n.contains(':') && !n.ends_with(":latest"));
            set(
                container,
                "imagePullPolicy",
                json!(if tagged { "IfNotPresent" } else { "Always" }),
            );
            set(container, "resources", json!({}));
            set(container, "terminationMessagePath", json!("/dev/termination-log"));
            set(container, "terminationMessagePolicy", json!("File"));
            for port in list(container, "ports") {
                set(port, "protocol", json!("TCP"));
            }
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                if let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) {
                    set(probe, "timeoutSeconds", json!(1));
                    set(probe, "periodSeconds", json!(10));
                    set(probe, "successThreshold", json!(1));
                    set(probe, "failureThreshold", json!(3));
                    if let Some(http) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
                        set(http, "path", json!("/"));
                        set(http, "scheme", json!("HTTP"));
                    }
                }
            }
        }
    }
    for volume in list(spec, "volumes") {
        if let Some(map) = volume.get_mut("configMap").and_then(Value::as_object_mut) {
            set(map, "defaultMode", json!(420));
        }
    }
}

/// Empty labels, annotations and the like are absent ones.
pub fn drop_empty_metadata(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !is_empty(value) && !value.is_null());
    }
}

/// The built-in types do not keep empty lists, nor empty maps of texts; an empty struct they do
/// keep (`emptyDir: {}`).
fn drop_empties(value: &mut Value) {
    const MAPS: [&str; 9] = [
        "hard",
        "labels",
        "annotations",
        "matchLabels",
        "data",
        "binaryData",
        "nodeSelector",
        "limits",
        "requests",
    ];
    match value {
        Value::Object(map) => {
            map.retain(|name, v| !(is_empty(v) && (v.is_array() || MAPS.contains(&name.as_str()))));
            map.values_mut().for_each(drop_empties);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empties),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// A null in an object is an absent field.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn set(map: &mut Map<String, Value>, name: &str, value: Value) {
    map.entry(name).or_insert(value);
}

/// The map at `name`, made if it is not there. What is no map becomes one.
fn entry<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(name).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

fn list<'a>(
    map: &'a mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let items = map.get_mut(name).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}
