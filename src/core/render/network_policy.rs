//! NetworkPolicies: nothing in, nothing out, but for what was declared.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::Context;
use super::mesh;
use super::object::EXPOSURE;
use super::pod_monitor::scraper;
use crate::catalog::solution::{Component, Exposure};
use crate::model::{Kind, Network};

/// The label that every Namespace has, set by the API server.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Private (RFC 1918, RFC 4193), shared (RFC 6598) and link-local (RFC 3927, RFC 4291) networks,
/// the cloud's metadata service among them. A wider network never includes them.
const NOT_PUBLIC: [&str; 19] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "168.63.129.16/32", // a cloud's metadata service
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15", // nobody's on the internet, and used inside clusters
    "240.0.0.0/4",
    "64:ff9b::/96", // IPv4 in the clothes of IPv6
    "64:ff9b:1::/48",
    "2002::/16",
    "100.100.100.200/32", // clouds' metadata services, inside what may be asked for by name
    "192.0.0.192/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
];

/// The policies that all components share.
pub(super) fn shared(cx: &Context) -> Vec<DesiredObject> {
    let mut policies = vec![default_deny(cx), allow_dns(cx)];
    policies.extend(allow_edge(cx));
    policies.extend(allow_mesh(cx));
    policies.extend(allow_scrape(cx));
    policies
}

/// The policies of what one component declares: its calls, its metrics, and the networks it opens.
pub(super) fn of(cx: &Context, component: &Component) -> Vec<DesiredObject> {
    let callees = component.depends_on.iter().filter_map(|c| cx.solution.components.get(c));
    callees
        .flat_map(|callee| call(cx, component, callee))
        .chain(scrape(cx, component))
        .chain(allow_egress(cx, component))
        .collect()
}

fn default_deny(cx: &Context) -> DesiredObject {
    policy(
        cx,
        "default-deny".to_owned(),
        None,
        json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }),
    )
}

/// The cluster's DNS, and the node-local cache where there is one.
fn allow_dns(cx: &Context) -> DesiredObject {
    policy(
        cx,
        "allow-dns".to_owned(),
        None,
        json!({
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{
                "to": [
                    {
                        "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: "kube-system" } },
                        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
                    },
                    { "ipBlock": { "cidr": "169.254.20.10/32" } },
                ],
                "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
            }],
        }),
    )
}

/// Visitors reach public components through the gateway or the interceptor. Both are always
/// admitted, so that a change between them never cuts a living route.
fn allow_edge(cx: &Context) -> Option<DesiredObject> {
    let public =
        cx.solution.components.values().filter(|c| matches!(c.exposure, Exposure::Public { .. }));
    let ports = public.map(|c| c.port).collect::<BTreeSet<_>>();
    if ports.is_empty() {
        return None;
    }
    let gateway = &cx.platform.edge.data_plane_namespace;
    let mut from = vec![in_namespace(gateway)];
    if let Some(interceptor) = &cx.platform.interceptor {
        from.push(json!({
            "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: interceptor.namespace } },
            "podSelector": { "matchLabels": { "app.kubernetes.io/component": "interceptor" } },
        }));
    }
    Some(policy(
        cx,
        "allow-edge".to_owned(),
        None,
        json!({
            "podSelector": { "matchLabels": { EXPOSURE: "public" } },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": from,
                "ports": inbound(cx, ports),
            }],
        }),
    ))
}

/// A proxy gets its certificate, its addresses and its policies from the mesh's own services.
/// Absent without a mesh.
fn allow_mesh(cx: &Context) -> Option<DesiredObject> {
    mesh::policy(cx)?;
    let ports = mesh::SERVICES.into_iter().chain([mesh::INBOUND]).map(tcp);
    Some(policy(
        cx,
        "allow-mesh".to_owned(),
        None,
        json!({
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{
                "to": [in_namespace(mesh::NAMESPACE)],
                "ports": ports.collect::<Vec<_>>(),
            }],
        }),
    ))
}

/// The proxies' own metrics, for the platform's monitoring. Absent without either.
fn allow_scrape(cx: &Context) -> Option<DesiredObject> {
    mesh::policy(cx)?;
    let monitoring = cx.platform.monitoring.as_ref()?;
    Some(policy(
        cx,
        "allow-scrape".to_owned(),
        None,
        json!({
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [in_namespace(&monitoring.namespace)],
                "ports": [tcp(mesh::METRICS)],
            }],
        }),
    ))
}

/// A component's own metrics. Absent where nobody can read them.
fn scrape(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let monitoring = scraper(cx, component)?;
    Some(policy(
        cx,
        format!("scrape-{}", component.name),
        Some(component),
        json!({
            "podSelector": { "matchLabels": cx.selector(component) },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [in_namespace(&monitoring.namespace)],
                "ports": inbound(cx, [component.port]),
            }],
        }),
    ))
}

/// A declared call needs both ends. `--` cannot stand in a component's name, so no two pairs
/// share a policy.
fn call(cx: &Context, caller: &Component, callee: &Component) -> [DesiredObject; 2] {
    let ports = inbound(cx, [callee.port]);
    [
        policy(
            cx,
            format!("calls-{}--{}", caller.name, callee.name),
            Some(caller),
            json!({
                "podSelector": { "matchLabels": cx.selector(caller) },
                "policyTypes": ["Egress"],
                "egress": [{
                    "to": [{ "podSelector": { "matchLabels": cx.selector(callee) } }],
                    "ports": ports,
                }],
            }),
        ),
        policy(
            cx,
            format!("called-{}--{}", callee.name, caller.name),
            Some(callee),
            json!({
                "podSelector": { "matchLabels": cx.selector(callee) },
                "policyTypes": ["Ingress"],
                "ingress": [{
                    "from": [{ "podSelector": { "matchLabels": cx.selector(caller) } }],
                    "ports": ports,
                }],
            }),
        ),
    ]
}

fn allow_egress(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let rules = component.egress.iter().map(|egress| {
        json!({
            "to": [{ "ipBlock": { "cidr": egress.cidr, "except": except(egress.cidr, &cx.platform.own_networks) } }],
            "ports": [tcp(egress.port)],
        })
    });
    let rules = rules.collect::<Vec<_>>();
    (!rules.is_empty()).then(|| {
        policy(
            cx,
            format!("egress-{}", component.name),
            Some(component),
            json!({
                "podSelector": { "matchLabels": cx.selector(component) },
                "policyTypes": ["Egress"],
                "egress": rules,
            }),
        )
    })
}

fn policy(cx: &Context, name: String, of: Option<&Component>, spec: Value) -> DesiredObject {
    cx.object(Kind::NetworkPolicy, name, of, json!({ "spec": spec }))
}

/// All pods of a namespace.
fn in_namespace(name: &str) -> Value {
    json!({ "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: name } } })
}

/// The ports on which applications are reached: their own, and beside them the proxy's, because
/// what comes from the mesh arrives there.
fn inbound(cx: &Context, ports: impl IntoIterator<Item = u16>) -> Vec<Value> {
    let mut ports = ports.into_iter().collect::<BTreeSet<_>>();
    ports.extend(mesh::policy(cx).map(|_| mesh::INBOUND));
    ports.into_iter().map(tcp).collect()
}

fn tcp(port: u16) -> Value {
    json!({ "protocol": "TCP", "port": port })
}

/// The networks that `cidr` contains but must not open: those that are not public, and the cluster's
/// own. One that *is* such a network, or lies in one, was asked for by name and stays.
fn except(cidr: Network, own: &[Network]) -> Vec<Network> {
    let known = NOT_PUBLIC.into_iter().filter_map(|text| Network::parse(text).ok());
    let known: Vec<Network> = known.collect();
    let own = own.iter().filter(|own| !known.contains(own));
    let all = known.iter().chain(own).copied();
    let inside: Vec<Network> = all.filter(|inner| is_wider(cidr, *inner)).collect();
    let widest = |inner: &&Network| !inside.iter().any(|outer| is_wider(*outer, **inner));
    inside.iter().filter(widest).copied().collect()
}

/// Whether `outer` holds all of `inner` and more.
fn is_wider(outer: Network, inner: Network) -> bool {
    outer != inner && outer.contains(inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn except(cidr: &str) -> Vec<String> {
        let all = super::except(Network::parse(cidr).unwrap(), &[]);
        all.iter().map(Network::to_string).collect()
    }

    #[test]
    fn every_network_of_the_list_is_one() {
        for text in NOT_PUBLIC {
            assert_eq!(Network::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_whole_internet_never_includes_the_inside() {
        assert_eq!(
            except("0.0.0.0/0"),
            [
                "10.0.0.0/8",
                "100.64.0.0/10",
                "168.63.129.16/32",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.0.0.0/24",
                "192.168.0.0/16",
                "198.18.0.0/15",
                "240.0.0.0/4"
            ]
        );
        assert_eq!(
            except("::/0"),
            ["64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10"]
        );
    }

    #[test]
    fn nor_does_it_include_the_clusters_own_networks_where_these_are_public() {
        let network = |text: &str| Network::parse(text).unwrap();
        let own = [network("198.51.100.0/24"), network("10.96.0.0/12")];
        let left_out = super::except(network("0.0.0.0/0"), &own);
        assert!(left_out.contains(&own[0]));
        assert!(!left_out.contains(&own[1]), "10.0.0.0/8 has it");
    }

    #[test]
    fn half_the_internet_does_not_either() {
        assert_eq!(except("0.0.0.0/1"), ["10.0.0.0/8", "100.64.0.0/10"]);
        assert_eq!(except("8.0.0.0/6"), ["10.0.0.0/8"]);
        assert_eq!(except("192.0.0.0/8"), ["192.0.0.0/24", "192.168.0.0/16"]);
        assert_eq!(except("fc00::/6"), ["fc00::/7", "fe80::/10", "fec0::/10"]);
    }

    #[test]
    fn a_network_asked_for_by_name_is_opened() {
        for cidr in ["10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24", "fd12::/16", "198.51.100.7/32"] {
            assert!(except(cidr).is_empty(), "{cidr}");
        }
    }

    #[test]
    fn a_metadata_service_stays_out_of_reach_of_a_network_around_it() {
        assert_eq!(except("100.64.0.0/10"), ["100.100.100.200/32"]);
        assert_eq!(except("192.0.0.0/24"), ["192.0.0.192/32"]);
        assert_eq!(except("fd00::/8"), ["fd00:ec2::254/128", "fd20:ce::254/128"]);
    }
}
