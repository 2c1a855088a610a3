//! What the real server fills in and objects to, for the built-in kinds.

use k8s_openapi::api::{apps, batch, coordination, core, networking};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::kinds::Resource;
use super::refusal::Cause;

/// Reads an object as its type and writes it again; what is lost the type does not know.
///
/// # Errors
/// The decoder's words, if a value has the wrong type.
pub fn unknown_fields(resource: &Resource, object: &Value) -> Result<Vec<String>, String> {
    fn round<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Vec<String>, String> {
        let typed = T::deserialize(object).map_err(|e| e.to_string())?;
        let again = serde_json::to_value(typed).map_err(|e| e.to_string())?;
        let mut lost = Vec::new();
        collect_lost(object, &again, "", &mut lost);
        Ok(lost)
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") => round::<core::v1::Namespace>(object),
        ("", "ServiceAccount") => round::<core::v1::ServiceAccount>(object),
        ("", "ConfigMap") => round::<core::v1::ConfigMap>(object),
        ("", "Service") => round::<core::v1::Service>(object),
        ("", "Pod") => round::<core::v1::Pod>(object),
        ("", "PersistentVolumeClaim") => round::<core::v1::PersistentVolumeClaim>(object),
        ("apps", "Deployment") => round::<apps::v1::Deployment>(object),
        ("apps", "StatefulSet") => round::<apps::v1::StatefulSet>(object),
        ("batch", "Job") => round::<batch::v1::Job>(object),
        ("networking.k8s.io", "NetworkPolicy") => round::<networking::v1::NetworkPolicy>(object),
        ("networking.k8s.io", "Ingress") => round::<networking::v1::Ingress>(object),
        ("coordination.k8s.io", "Lease") => round::<coordination::v1::Lease>(object),
        ("apiextensions.k8s.io", _) => round::<apiextensions::v1::CustomResourceDefinition>(object),
        _ => Ok(Vec::new()),
    }
}

/// The same for the metadata of a custom resource.
///
/// # Errors
/// The decoder's words, if a value has the wrong type.
pub fn unknown_metadata(object: &Value) -> Result<Vec<String>, String> {
    let Some(metadata) = object.get("metadata") else { return Ok(Vec::new()) };
    let typed = ObjectMeta::deserialize(metadata).map_err(|e| e.to_string())?;
    let again = serde_json::to_value(typed).map_err(|e| e.to_string())?;
    let mut lost = Vec::new();
    collect_lost(metadata, &again, "metadata", &mut lost);
    Ok(lost)
}

fn collect_lost(sent: &Value, kept: &Value, path: &str, lost: &mut Vec<String>) {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match kept.get(name) {
                    Some(kept) => collect_lost(value, kept, &below, lost),
                    None if value.is_null() => {}
                    None => lost.push(below),
                }
            }
        }
        (Value::Array(sent), Value::Array(kept)) => {
            for (i, (sent, kept)) in sent.iter().zip(kept).enumerate() {
                collect_lost(sent, kept, &format!("{path}[{i}]"), lost);
            }
        }
        _ => {}
    }
}

/// Fills in what the real server fills in before a write is recorded.
pub fn fill(resource: &Resource, object: &mut Value) {
    drop_nulls(object);
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
        ("networking.k8s.io", "NetworkPolicy") => {
            let spec = entry(map, "spec");
            let mut types = vec![json!("Ingress")];
            if spec.get("egress").is_some() {
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

/// What the real server objects to in a built-in object, beside its types.
pub fn judge(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let at = |pointer: &str| object.pointer(pointer);
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet") => {
            let selector = at("/spec/selector/matchLabels").and_then(Value::as_object);
            let labels = at("/spec/template/metadata/labels").and_then(Value::as_object);
            if at("/spec/selector").is_none() {
                causes.push(Cause::required("spec.selector"));
            } else if let Some(selector) = selector
                && !selector.iter().all(|(k, v)| labels.is_some_and(|l| l.get(k) == Some(v)))
            {
                let labels = at("/spec/template/metadata/labels").unwrap_or(&Value::Null);
                let why = "`selector` does not match template `labels`";
                causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
            }
            judge_pod(at("/spec/template/spec"), "spec.template.spec", &mut causes);
            if let Some(before) = old.and_then(|o| o.pointer("/spec/selector"))
                && let Some(now) = at("/spec/selector")
                && before != now
            {
                causes.push(Cause::invalid("spec.selector", now, "field is immutable"));
            }
        }
        ("", "Pod") => judge_pod(at("/spec"), "spec", &mut causes),
        ("", "Service") => {
            let before = old.and_then(|o| o.pointer("/spec/clusterIP"));
            if let (Some(before), Some(now)) = (before, at("/spec/clusterIP"))
                && before != now
            {
                causes.push(Cause::invalid("spec.clusterIPs[0]", now, "may not change once set"));
            }
            for (i, port) in ports(at("/spec/ports")) {
                let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
                if !(1..=65535).contains(&number) {
                    let why = "must be between 1 and 65535, inclusive";
                    causes.push(Cause::invalid(
                        format!("spec.ports[{i}].port"),
                        &json!(number),
                        why,
                    ));
                }
            }
        }
        _ => {}
    }
    causes
}

fn ports(list: Option<&Value>) -> impl Iterator<Item = (usize, &Value)> {
    list.and_then(Value::as_array).into_iter().flatten().enumerate()
}

fn judge_pod(spec: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let containers = spec.and_then(|s| s.get("containers")).and_then(Value::as_array);
    if containers.is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{path}.containers")));
    }
    for (i, container) in containers.into_iter().flatten().enumerate() {
        for field in ["name", "image"] {
            if container.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                causes.push(Cause::required(format!("{path}.containers[{i}].{field}")));
            }
        }
    }
}

/// The rules for names, labels and annotations of any object.
pub fn judge_metadata(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    let text = name.as_str().unwrap_or_default();
    let one_label = matches!(resource.kind.as_str(), "Namespace" | "Service");
    let good = if one_label { is_label(text) } else { is_subdomain(text) };
    if !good {
        let why = if one_label {
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
        } else {
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        };
        causes.push(Cause::invalid("metadata.name", &name, why));
    }
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        if !is_qualified(key) {
            let why = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
            causes.push(Cause::invalid("metadata.labels", &json!(key), why));
        }
        if !value.as_str().is_some_and(is_label_value) {
            let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
            causes.push(Cause::invalid("metadata.labels", value, why));
        }
    }
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, _) in annotations.into_iter().flatten() {
        if !is_qualified(&key.to_lowercase()) {
            let why = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
            causes.push(Cause::invalid("metadata.annotations", &json!(key), why));
        }
    }
    causes
}

fn is_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ends = |b: Option<u8>| b.is_some_and(|b| b != b'-');
    (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && ends(text.bytes().next())
        && ends(text.bytes().last())
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|part| part.len() <= 253 && is_label_of_any_length(part))
}

fn is_label_of_any_length(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.is_empty()
        || text.len() <= 63
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && ends(text.chars().next())
            && ends(text.chars().last())
}

fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && !name.is_empty() && is_label_value(name),
        None => !key.is_empty() && is_label_value(key),
    }
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
pub fn entry<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
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
