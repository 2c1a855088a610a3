//! Addresses: what visitors can open, read from a route as it is to be and as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use smol_str::SmolStr;

/// A host and a path below which a route leads on to a back end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// `use.demo.example`.
    pub host: SmolStr,
    /// `/`, or `/api`.
    pub path: SmolStr,
    /// Who lets visitors in, to whom the host's name leads: `edge/public`, or `Ingress nginx`.
    pub gateway: SmolStr,
}

/// As people type it: `https://use.demo.example/api`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path.trim_end_matches('/'))
    }
}

/// What visitors type: one address a host, that of its shortest path.
pub fn urls<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    let mut hosts: BTreeMap<&str, &str> = BTreeMap::new();
    for Address { host, path, gateway: _ } in addresses {
        let shortest = hosts.entry(host).or_insert(path);
        if path.len() < shortest.len() {
            *shortest = path;
        }
    }
    hosts
        .into_iter()
        .map(|(host, path)| format!("https://{host}{}", path.trim_end_matches('/')))
        .collect()
}

/// `spec` of an HTTPRoute, as far as it says what it is opened by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteSpec {
    parent_refs: Option<Vec<ParentRef>>,
    hostnames: Option<Vec<String>>,
    rules: Option<Vec<RouteRule>>,
}

/// Whom a route asks to let visitors in, or who answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ParentRef {
    kind: Option<String>,
    namespace: Option<String>,
    name: String,
    section_name: Option<String>,
    port: Option<u16>,
}

impl ParentRef {
    /// `edge/public`. A parent without namespace is one beside the object (in `own`).
    fn gateway(&self, own: &str) -> String {
        let kind = self.kind.as_deref().filter(|kind| *kind != "Gateway");
        let kind = kind.map_or_else(String::new, |kind| format!("{kind} "));
        format!("{kind}{}/{}", self.namespace.as_deref().unwrap_or(own), self.name)
    }

    /// The same with the part of it that is meant: `edge/public#https`, `edge/public:443`.
    pub fn written(&self, own: &str) -> String {
        let section = self.section_name.as_deref().map_or_else(String::new, |s| format!("#{s}"));
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{section}{port}", self.gateway(own))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RouteRule {
    matches: Option<Vec<RouteMatch>>,
    backend_refs: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteMatch {
    path: Option<RoutePath>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RoutePath {
    value: Option<String>,
}

impl RouteSpec {
    /// Whom it asks to let visitors in; it lies in the namespace `own`.
    pub fn asked(&self, own: &str) -> Vec<String> {
        self.parent_refs.as_deref().unwrap_or_default().iter().map(|p| p.written(own)).collect()
    }

    /// What it leads on. A rule that only redirects leads nowhere.
    pub fn addresses(&self, own: &str) -> BTreeSet<Address> {
        let leads = |rule: &&RouteRule| rule.backend_refs.as_ref().is_some_and(|b| !b.is_empty());
        let mut paths = BTreeSet::new();
        for rule in self.rules.iter().flatten().filter(leads) {
            let matches = rule.matches.as_deref().unwrap_or_default();
            if matches.is_empty() {
                paths.insert("/");
            }
            for one in matches {
                paths.insert(one.path.as_ref().and_then(|p| p.value.as_deref()).unwrap_or("/"));
            }
        }
        let gateways = self.parent_refs.iter().flatten().map(|parent| parent.gateway(own));
        let hosts: Vec<&str> = self.hostnames.iter().flatten().map(String::as_str).collect();
        gateways.flat_map(|gateway| of_all(hosts.iter().copied(), &paths, &gateway)).collect()
    }
}

/// `spec` of an Ingress, as far as it says what it is opened by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IngressSpec {
    ingress_class_name: Option<String>,
    rules: Option<Vec<IngressRule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IngressRule {
    host: String,
    http: IngressPaths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IngressPaths {
    paths: Option<Vec<IngressPath>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IngressPath {
    path: Option<String>,
}

impl IngressSpec {
    /// What it leads on, if its annotations do not send everybody elsewhere.
    pub fn addresses(&self) -> BTreeSet<Address> {
        let mut addresses = BTreeSet::new();
        let class = self.ingress_class_name.as_deref().unwrap_or_default();
        let gateway = format!("Ingress {class}");
        for rule in self.rules.iter().flatten() {
            // A pattern begins with its prefix: `/api(/|$)(.*)`.
            let plain = |path: &IngressPath| {
                let path = path.path.as_deref().unwrap_or("/");
                path.split('(').next().unwrap_or(path).to_owned()
            };
            let paths: Vec<String> = rule.http.paths.iter().flatten().map(plain).collect();
            let paths = paths.iter().map(|path| if path.is_empty() { "/" } else { path });
            addresses.extend(of_all([rule.host.as_str()], &paths.collect(), gateway.trim_end()));
        }
        addresses
    }
}

fn of_all<'a>(
    hosts: impl IntoIterator<Item = &'a str>,
    paths: &BTreeSet<&str>,
    gateway: &str,
) -> BTreeSet<Address> {
    let all = hosts.into_iter().flat_map(|host| {
        paths.iter().map(move |path| Address {
            host: host.into(),
            path: (*path).into(),
            gateway: gateway.into(),
        })
    });
    all.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of_route(spec: Value) -> Vec<String> {
        let mut spec = spec;
        spec["parentRefs"] = json!([{"name": "public", "namespace": "edge"}]);
        urls(&RouteSpec::deserialize(spec).unwrap().addresses("sol-use"))
    }

    #[test]
    fn a_route_is_opened_at_its_hosts_where_it_leads_on() {
        let leads = |path: &str| json!({"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [{}]});
        let redirects = json!({"matches": [{"path": {"value": "/"}}], "filters": [{}]});
        let hosts = json!(["a.example", "b.example"]);
        let route = json!({"hostnames": hosts, "rules": [leads("/api"), leads("/"), redirects]});
        assert_eq!(of_route(route), ["https://a.example", "https://b.example"]);
        let below = json!({"hostnames": ["a.example"], "rules": [leads("/api/v2"), leads("/api")]});
        assert_eq!(of_route(below), ["https://a.example/api"]);
        let all = json!({"hostnames": ["a.example"], "rules": [{"backendRefs": [{}]}]});
        assert_eq!(of_route(all), ["https://a.example"]);
        let nowhere = json!({"hostnames": ["a.example"], "rules": [redirects]});
        assert_eq!(of_route(nowhere), [""; 0]);
        assert_eq!(of_route(json!({"hostnames": null, "rules": null})), [""; 0]);
    }

    #[test]
    fn an_address_is_one_of_each_gateway_whatever_the_listener() {
        let of = |parents: Value| {
            let rules = json!([{"backendRefs": [{}]}]);
            let spec = json!({"parentRefs": parents, "hostnames": ["a.example"], "rules": rules});
            let addresses = RouteSpec::deserialize(spec).unwrap().addresses("sol-use");
            addresses.into_iter().map(|address| address.gateway).collect::<Vec<_>>()
        };
        let listener = |name: &str| json!({"name": "gw", "namespace": "edge", "sectionName": name});
        assert_eq!(of(json!([listener("https")])), ["edge/gw"]);
        assert_eq!(of(json!([listener("https"), listener("http")])), ["edge/gw"]);
        assert_eq!(of(json!([{"name": "gw"}, listener("https")])), ["edge/gw", "sol-use/gw"]);
        assert_eq!(of(json!([])), [""; 0], "nobody lets visitors in");
    }

    #[test]
    fn an_ingress_is_opened_at_its_hosts_without_its_patterns() {
        let spec = json!({"rules": [
            {"host": "a.example", "http": {"paths": [{"path": "/api(/|$)(.*)"}, {"path": "/ui"}]}},
            {"host": "b.example", "http": {"paths": [{"path": "/()(.*)"}]}},
            {"host": "c.example"},
        ]});
        let addresses = IngressSpec::deserialize(spec).unwrap().addresses();
        assert_eq!(urls(&addresses), ["https://a.example/ui", "https://b.example"]);
        assert_eq!(addresses.len(), 3);
    }
}
