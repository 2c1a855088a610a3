//! What the real server objects to, for the built-in kinds and for all metadata.

use k8s_openapi::api::{apps, batch, coordination, core, networking, policy};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cause::Cause;
use super::kinds::Resource;
use vitrine_core::model::Quantity;

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
        ("", "ResourceQuota") => round::<core::v1::ResourceQuota>(object),
        ("", "LimitRange") => round::<core::v1::LimitRange>(object),
        ("", "Service") => round::<core::v1::Service>(object),
        ("", "Pod") => round::<core::v1::Pod>(object),
        ("", "PersistentVolumeClaim") => round::<core::v1::PersistentVolumeClaim>(object),
        ("apps", "Deployment") => round::<apps::v1::Deployment>(object),
        ("apps", "StatefulSet") => round::<apps::v1::StatefulSet>(object),
        ("batch", "Job") => round::<batch::v1::Job>(object),
        ("networking.k8s.io", "NetworkPolicy") => round::<networking::v1::NetworkPolicy>(object),
        ("networking.k8s.io", "Ingress") => round::<networking::v1::Ingress>(object),
        ("policy", "PodDisruptionBudget") => round::<policy::v1::PodDisruptionBudget>(object),
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
            if at("/spec/strategy/type") == Some(&json!("Recreate"))
                && at("/spec/strategy/rollingUpdate").is_some()
            {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
            }
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
            for (i, port) in items(at("/spec/ports")) {
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
        ("", "ResourceQuota") => judge_amounts(at("/spec/hard"), "spec.hard", &mut causes),
        ("", "LimitRange") => {
            for (i, limit) in items(at("/spec/limits")) {
                judge_limit(limit, &format!("spec.limits[{i}]"), &mut causes);
            }
        }
        ("policy", "PodDisruptionBudget") => {
            if let (Some(_), Some(most)) = (at("/spec/minAvailable"), at("/spec/maxUnavailable")) {
                let why = "minAvailable and maxUnavailable cannot be both set";
                causes.push(Cause::invalid("spec", &json!({ "maxUnavailable": most }), why));
            }
        }
        ("networking.k8s.io", "Ingress") => {
            if at("/spec/rules").is_none() && at("/spec/defaultBackend").is_none() {
                let why = "either `defaultBackend` or `rules` must be specified";
                let spec = at("/spec").cloned().unwrap_or_default();
                causes.push(Cause::invalid("spec", &spec, why));
            }
            for (i, rule) in items(at("/spec/rules")) {
                for (j, path) in items(rule.pointer("/http/paths")) {
                    judge_path(path, &format!("spec.rules[{i}].http.paths[{j}]"), &mut causes);
                }
            }
        }
        _ => {}
    }
    causes
}

/// Every amount must be a quantity.
fn judge_amounts(amounts: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    for (name, amount) in amounts.and_then(Value::as_object).into_iter().flatten() {
        if amount.as_str().is_none_or(|text| Quantity::parse(text).is_err()) {
            causes.push(Cause::invalid(
                format!("{path}[{name}]"),
                amount,
                "must be greater than or equal to 0",
            ));
        }
    }
}

/// What is given when nothing is said must itself be allowed.
fn judge_limit(limit: &Value, path: &str, causes: &mut Vec<Cause>) {
    for amounts in ["min", "max", "default", "defaultRequest"] {
        judge_amounts(limit.get(amounts), &format!("{path}.{amounts}"), causes);
    }
    for (less, more) in
        [("min", "defaultRequest"), ("defaultRequest", "default"), ("default", "max")]
    {
        for (name, amount) in limit.get(less).and_then(Value::as_object).into_iter().flatten() {
            let parse = |value: &Value| Quantity::parse(value.as_str()?).ok();
            let bound = limit.pointer(&format!("/{more}/{}", name.replace('/', "~1")));
            if let (Some(low), Some(high)) = (parse(amount), bound.and_then(parse))
                && low > high
            {
                let why = format!("{less} value {low} is greater than {more} value {high}");
                causes.push(Cause::invalid(format!("{path}.{less}[{name}]"), amount, &why));
            }
        }
    }
}

fn judge_path(rule: &Value, path: &str, causes: &mut Vec<Cause>) {
    let kinds = ["Exact", "Prefix", "ImplementationSpecific"].map(Value::from);
    match rule.get("pathType") {
        None => causes.push(Cause::required(format!("{path}.pathType"))),
        Some(kind) if !kinds.contains(kind) => {
            causes.push(Cause::unsupported(format!("{path}.pathType"), kind, &kinds));
        }
        Some(kind) if kind != "ImplementationSpecific" => {
            let written = rule.get("path").and_then(Value::as_str).unwrap_or_default();
            if !written.starts_with('/') {
                let why = "must be an absolute path";
                causes.push(Cause::invalid(format!("{path}.path"), &json!(written), why));
            }
        }
        Some(_) => {}
    }
    if rule.pointer("/backend/service").is_some() && rule.pointer("/backend/resource").is_some() {
        let why = "cannot set both resource and service backends";
        causes.push(Cause::invalid(format!("{path}.backend"), &json!(""), why));
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = (usize, &Value)> {
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
