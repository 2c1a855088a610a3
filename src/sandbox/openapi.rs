//! What the API says of its schemas (`/openapi/v3`), as far as a client asks before it applies.
//!
//! For each group and version the kinds it serves, and that a write may ask for validation by the
//! server (`fieldValidation`): then `kubectl apply` sends what it has, and the server judges. What
//! is in an object is told of custom kinds only, in their definitions' own words.

use serde_json::{Map, Value, json};

use super::kinds::{Kinds, Resource};
use super::store::{DEFINITIONS, Store};

/// `GET /openapi/v3`: where the document of each group and version lies.
pub fn index(kinds: &Kinds) -> Value {
    let paths: Map<String, Value> = kinds
        .all()
        .map(|resource| {
            let path = root(&resource.group, &resource.version);
            let place = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
            (path, place)
        })
        .collect();
    json!({ "paths": paths })
}

/// `GET /openapi/v3/api/v1`, `GET /openapi/v3/apis/GROUP/VERSION`.
pub fn document(store: &Store, group: &str, version: &str) -> Option<Value> {
    let mut paths = Map::new();
    let mut components = Map::new();
    for resource in store.kinds.all().filter(|r| r.group == group && r.version == version) {
        let name = component(resource);
        let schema = defined(store, resource);
        let mut schema = schema.unwrap_or_else(|| json!({"type": "object"}));
        schema["x-kubernetes-group-version-kind"] = json!([kind_of(resource)]);
        components.insert(name.clone(), schema);
        let inside = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
        let all = format!("/{}/{inside}{}", root(group, version), resource.plural);
        let one = format!("{all}/{{name}}");
        paths.insert(all, json!({"post": operation(resource, &name, "post")}));
        let verbs = ["get", "put", "patch", "delete"];
        let operations = verbs.map(|verb| (verb.to_owned(), operation(resource, &name, verb)));
        paths.insert(one, Value::Object(operations.into_iter().collect()));
    }
    (!paths.is_empty()).then(|| {
        json!({
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.36.3+sandbox"},
            "paths": paths,
            "components": {"schemas": components},
        })
    })
}

/// The schema in a custom kind's definition.
fn defined(store: &Store, resource: &Resource) -> Option<Value> {
    let place = (String::new(), resource.table.clone());
    let definition = store.get(DEFINITIONS, &place)?;
    let versions = definition.pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == *resource.version)?;
    version.pointer("/schema/openAPIV3Schema").cloned()
}

fn operation(resource: &Resource, component: &str, verb: &str) -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters = match verb {
        "get" => Vec::new(),
        "delete" => vec![parameter("dryRun")],
        _ => ["dryRun", "fieldManager", "fieldValidation"].map(parameter).to_vec(),
    };
    let schema = json!({"$ref": format!("#/components/schemas/{component}")});
    json!({
        "parameters": parameters,
        "responses": {"200": {"description": "OK",
            "content": {"application/json": {"schema": schema}}}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind_of(resource),
    })
}

fn kind_of(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

/// The name of a kind's schema: `io.k8s.apps.v1.Deployment`, or the group the other way round.
fn component(resource: &Resource) -> String {
    let group = match &*resource.group {
        "" => "io.k8s.api.core".to_owned(),
        group if group.contains('.') && !group.ends_with(".k8s.io") => {
            group.rsplit('.').collect::<Vec<_>>().join(".")
        }
        group => format!("io.k8s.api.{}", group.split('.').next().unwrap_or(group)),
    };
    format!("{group}.{}.{}", resource.version, resource.kind)
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}
