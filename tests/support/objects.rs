//! Kubernetes objects as JSON values: read from YAML, sent, fetched.

use std::path::Path;

use anyhow::Context as _;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey};

/// Every document of a YAML file.
pub fn read(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file:?}"))?;
    serde_saphyr::from_multiple::<Value>(&text)
        .map(|all| all.into_iter().filter(|value| !value.is_null()).collect())
        .map_err(|fault| anyhow::anyhow!("{}: {fault}", file.display()))
}

/// The door to objects of a kind that vitrine knows; `None` = cluster-wide, or all namespaces.
pub fn api(client: &Client, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let facts = kind.facts();
    let gvk = GroupVersionKind::gvk(facts.group, facts.version, facts.kind);
    doors(client, &ApiResource::from_gvk_with_plural(&gvk, facts.plural), namespace)
}

/// The object at `key`, or `None` if there is none.
pub async fn get(client: &Client, key: &ObjectKey) -> anyhow::Result<Option<Value>> {
    let found = api(client, key.kind, key.namespace.as_deref()).get_opt(&key.name).await?;
    Ok(found.map(serde_json::to_value).transpose()?)
}

/// The door to an object of any kind, by what stands in it. The plural is guessed as kube does.
pub fn api_of(client: &Client, object: &Value) -> anyhow::Result<Api<DynamicObject>> {
    let (api_version, kind) = (text(object, "/apiVersion")?, text(object, "/kind")?);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Ok(doors(client, &resource, object.pointer("/metadata/namespace").and_then(Value::as_str)))
}

/// Server-side apply, strictly judged, as `manager`. Answers what the server made of it.
pub async fn apply(client: &Client, object: &Value, manager: &str) -> anyhow::Result<Value> {
    let name = text(object, "/metadata/name")?;
    let params = PatchParams::apply(manager).force().validation_strict();
    let stored = api_of(client, object)?
        .patch(name, &params, &Patch::Apply(object))
        .await
        .with_context(|| format!("applying {} {name}", object["kind"]))?;
    Ok(serde_json::to_value(stored)?)
}

/// The text at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("no text at {pointer}"))
}

fn doors(client: &Client, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}
