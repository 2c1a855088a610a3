//! NetworkPolicies and the mesh's authorizations, read as their controllers read them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pods::Pod;
use super::statement::Peer;
use crate::model::Kind;
use crate::render::read::{items, of_kind, text, texts};
use crate::render::{Desired, DesiredObject};

/// The ports by which a proxy of the mesh takes requests, and by which it tells its own metrics.
const PROXY: u64 = 4143;
const PROXY_METRICS: u64 = 4191;
/// Where names are asked for.
const DNS: u64 = 53;
/// Where a node keeps a cache of names, if it does. Any other network at that port is a way out.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";
/// The label that every Namespace has, set by the API server.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The rules about connections, and the pods that they are about.
pub struct Network<'a> {
    namespace: Option<&'a str>,
    pods: &'a BTreeMap<String, Pod<'a>>,
    policies: Vec<&'a Value>,
    servers: Vec<Server<'a>>,
}

/// Who the mesh lets in at a port of some pods.
struct Server<'a> {
    body: &'a Value,
    /// (namespace, account)
    allowed: BTreeSet<(String, String)>,
}

/// A way on which two ends agree, or not: by whom or whither, at which port.
type Way = (Peer, Option<u64>);

impl<'a> Network<'a> {
    pub fn new(desired: &'a Desired, pods: &'a BTreeMap<String, Pod<'a>>) -> Self {
        let policies: Vec<&Value> =
            of_kind(desired, Kind::NetworkPolicy).map(|object| &object.body).collect();
        let servers = of_kind(desired, Kind::Server);
        let servers =
            servers.map(|object| Server { body: &object.body, allowed: allowed(desired, object) });
        Self {
            namespace: of_kind(desired, Kind::Namespace).next().map(|o| o.key.name.as_str()),
            pods,
            policies,
            servers: servers.collect(),
        }
    }

    /// Who may open a connection to a component for its requests, and is let in.
    pub fn admitted(&self, component: &str) -> BTreeSet<Peer> {
        let ways = self.open(component, "Ingress", "/spec/ingress", "/from");
        let ways = ways.into_iter().filter(|(_, port)| !matches!(port, Some(PROXY_METRICS)));
        let peers: BTreeSet<Peer> = ways.map(|(peer, _)| peer).collect();
        let known = peers.into_iter().filter(|peer| match peer {
            Peer::Component(caller) => self
                .open(caller, "Egress", "/spec/egress", "/to")
                .iter()
                .any(|(to, _)| *to == Peer::Component(component.to_owned()) || *to == Peer::Anyone),
            Peer::Namespace(_) | Peer::Network { .. } | Peer::Anyone => true,
        });
        known.filter(|peer| self.is_authorized(peer, component)).collect()
    }

    /// What a component may open connections to and is let in by, if it is of the solution. Names
    /// and the mesh's control plane are left out: everyone needs them, and they carry nothing.
    pub fn reached(&self, component: &str) -> BTreeSet<Peer> {
        let ways = self.open(component, "Egress", "/spec/egress", "/to");
        let told = ways.into_iter().filter(|(peer, port)| match peer {
            Peer::Component(to) => {
                self.admitted(to).contains(&Peer::Component(component.to_owned()))
            }
            Peer::Namespace(name) => {
                !(name == "kube-system" && *port == Some(DNS)) && name != "linkerd"
            }
            Peer::Network { cidr, port } => {
                !(cidr == NODE_LOCAL_DNS && port.map(u64::from) == Some(DNS))
            }
            Peer::Anyone => true,
        });
        told.map(|(peer, _)| peer).collect()
    }

    /// Whether the mesh lets undeclared calls in and counts them.
    pub fn is_audited(&self, component: &str) -> bool {
        let mut servers = self.servers_of(component).peekable();
        servers.peek().is_some() && servers.all(|server| server.is_audited())
    }

    /// Every way that the policies of one direction open for a component's pods. Without a policy
    /// of that direction everything is open.
    fn open(&self, component: &str, direction: &str, rules: &str, ends: &str) -> BTreeSet<Way> {
        let Some(pod) = self.pods.get(component) else { return BTreeSet::new() };
        let about = self.policies.iter().filter(|policy| {
            let types = items(policy, "/spec/policyTypes");
            types.iter().any(|word| word == direction)
                && selects(policy.pointer("/spec/podSelector"), &pod.labels)
        });
        let about: Vec<&&Value> = about.collect();
        if about.is_empty() {
            return BTreeSet::from([(Peer::Anyone, None)]);
        }
        let rules = about.into_iter().flat_map(|policy| items(policy, rules));
        rules.flat_map(|rule| self.ways(rule, ends)).collect()
    }

    fn ways(&self, rule: &Value, ends: &str) -> Vec<Way> {
        let ports: Vec<Option<u64>> = match items(rule, "/ports") {
            [] => vec![None],
            ports => ports.iter().map(|port| port.get("port").and_then(Value::as_u64)).collect(),
        };
        let peers: Vec<Peer> = match items(rule, ends) {
            [] => vec![Peer::Anyone],
            ends => ends.iter().flat_map(|end| self.peers(end, &ports)).collect(),
        };
        let pairs = peers.into_iter().flat_map(|peer| {
            ports.iter().filter(|port| **port != Some(PROXY)).map(move |port| (peer.clone(), *port))
        });
        pairs.collect()
    }

    fn peers(&self, end: &Value, ports: &[Option<u64>]) -> Vec<Peer> {
        if let Some(cidr) = text(end, "/ipBlock/cidr") {
            let networks = ports.iter().map(|port| Peer::Network {
                cidr: cidr.to_owned(),
                port: port.and_then(|port| u16::try_from(port).ok()),
            });
            return networks.collect();
        }
        let pods = end.get("podSelector");
        let Some(namespaces) = end.get("namespaceSelector") else {
            let own = self.pods.iter().filter(|(_, pod)| selects(pods, &pod.labels));
            return own.map(|(name, _)| Peer::Component(name.clone())).collect();
        };
        let name = texts(namespaces, "/matchLabels").remove(NAMESPACE_NAME);
        match name {
            Some(name) if self.namespace == Some(&name) => {
                let own = self.pods.iter().filter(|(_, pod)| selects(pods, &pod.labels));
                own.map(|(name, _)| Peer::Component(name.clone())).collect()
            }
            Some(name) => vec![Peer::Namespace(name)],
            // A selector by another label is open to whoever gets that label.
            None => vec![Peer::Anyone],
        }
    }

    fn servers_of(&self, component: &str) -> impl Iterator<Item = &Server<'a>> {
        let labels = self.pods.get(component).map(|pod| &pod.labels);
        self.servers.iter().filter(move |server| {
            labels.is_some_and(|labels| selects(server.body.pointer("/spec/podSelector"), labels))
        })
    }

    /// Whether the mesh lets a peer in. Where it only counts, everybody is.
    fn is_authorized(&self, peer: &Peer, component: &str) -> bool {
        self.servers_of(component).all(|server| {
            server.is_audited()
                || server.allowed.iter().any(|(namespace, account)| match peer {
                    Peer::Component(caller) => {
                        Some(namespace.as_str()) == self.namespace
                            && self.pods.get(caller).is_some_and(|pod| pod.account == *account)
                    }
                    Peer::Namespace(name) => name == namespace,
                    Peer::Network { .. } | Peer::Anyone => false,
                })
        })
    }
}

impl Server<'_> {
    fn is_audited(&self) -> bool {
        text(self.body, "/spec/accessPolicy") == Some("audit")
    }
}

/// The accounts that some authorization of a Server requires.
fn allowed(desired: &Desired, server: &DesiredObject) -> BTreeSet<(String, String)> {
    let policies = of_kind(desired, Kind::AuthorizationPolicy).filter(|policy| {
        text(&policy.body, "/spec/targetRef/kind") == Some("Server")
            && text(&policy.body, "/spec/targetRef/name") == Some(&server.key.name)
    });
    let required: BTreeSet<&str> = policies
        .flat_map(|policy| items(&policy.body, "/spec/requiredAuthenticationRefs"))
        .filter_map(|required| text(required, "/name"))
        .collect();
    let authentications = of_kind(desired, Kind::MeshTlsAuthentication)
        .filter(|authentication| required.contains(authentication.key.name.as_str()));
    let accounts = authentications.flat_map(|authentication| {
        let own = authentication.key.namespace.clone().unwrap_or_default();
        items(&authentication.body, "/spec/identityRefs").iter().filter_map(move |identity| {
            let namespace = text(identity, "/namespace").unwrap_or(&own).to_owned();
            Some((namespace, text(identity, "/name")?.to_owned()))
        })
    });
    accounts.collect()
}

/// Whether a selector of labels selects. An empty one selects all, an absent one none.
fn selects(selector: Option<&Value>, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = selector else { return false };
    let wanted = texts(selector, "/matchLabels");
    // We render no expressions. One would be something that this statement does not understand.
    selector.get("matchExpressions").is_none()
        && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
