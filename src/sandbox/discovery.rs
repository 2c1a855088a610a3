//! What the API says about itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kinds::{Kinds, Resource};

const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];

/// `GET /version`.
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3+sandbox", "gitCommit": "",
        "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
        "compiler": "", "platform": "sandbox",
    })
}

/// `GET /api`.
pub fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// `GET /apis`.
pub fn groups(kinds: &Kinds) -> Value {
    let groups: Vec<Value> = by_group(kinds)
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .keys()
                .map(|v| json!({"groupVersion": format!("{group}/{v}"), "version": v}))
                .collect();
            json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `GET /apis/GROUP`.
pub fn group(kinds: &Kinds, name: &str) -> Option<Value> {
    let mut group = groups(kinds)["groups"].as_array()?.iter().find(|g| g["name"] == name)?.clone();
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

/// `GET /api/v1`, `GET /apis/GROUP/VERSION`.
pub fn resources(kinds: &Kinds, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for r in kinds.all().filter(|r| r.group == group && r.version == version) {
        list.push(json!({
            "name": r.plural, "singularName": r.singular, "namespaced": r.namespaced,
            "kind": r.kind, "verbs": VERBS, "shortNames": r.short_names,
        }));
        for (name, kind) in subresources(r) {
            let mut entry = json!({
                "name": format!("{}/{name}", r.plural), "singularName": "",
                "namespaced": r.namespaced, "kind": kind, "verbs": ["get", "patch", "update"],
            });
            if kind == "Scale" {
                entry["group"] = json!("autoscaling");
                entry["version"] = json!("v1");
            }
            list.push(entry);
        }
    }
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    (!list.is_empty()).then(|| {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list})
    })
}

/// The aggregated form (`apidiscovery.k8s.io/v2`) of `/api` (core) or `/apis` (all others).
pub fn aggregated(kinds: &Kinds, core: bool) -> Value {
    let items: Vec<Value> = by_group(kinds)
        .iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let metadata = if core { json!({}) } else { json!({"name": group}) };
            let versions: Vec<Value> = versions
                .iter()
                .map(|(version, resources)| {
                    let resources: Vec<Value> = resources.iter().map(|r| described(r)).collect();
                    json!({"version": version, "freshness": "Current", "resources": resources})
                })
                .collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items,
    })
}

fn described(r: &Resource) -> Value {
    let subresources: Vec<Value> = subresources(r)
        .map(|(name, kind)| {
            let (group, version) =
                if kind == "Scale" { ("autoscaling", "v1") } else { (&*r.group, &*r.version) };
            json!({
                "subresource": name,
                "responseKind": {"group": group, "version": version, "kind": kind},
                "verbs": ["get", "patch", "update"],
            })
        })
        .collect();
    json!({
        "resource": r.plural,
        "responseKind": {"group": r.group, "version": r.version, "kind": r.kind},
        "scope": if r.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": r.singular,
        "verbs": VERBS,
        "shortNames": r.short_names,
        "subresources": subresources,
    })
}

fn subresources(r: &Resource) -> impl Iterator<Item = (&'static str, &str)> {
    let status = r.status.then_some(("status", r.kind.as_str()));
    status.into_iter().chain(r.scale.then_some(("scale", "Scale")))
}

type Versions<'a> = BTreeMap<&'a str, Vec<&'a Resource>>;

fn by_group(kinds: &Kinds) -> BTreeMap<&str, Versions<'_>> {
    let mut groups: BTreeMap<&str, Versions<'_>> = BTreeMap::new();
    for r in kinds.all() {
        groups.entry(&r.group).or_default().entry(&r.version).or_default().push(r);
    }
    groups
}
