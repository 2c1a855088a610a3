//! A checked `platform.yaml`: what the operator allows and provides.

mod ability;
mod edge;
mod hardware;
mod judge;
mod limits;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::solution::RateLimit;
use crate::model::yaml::Spanned;
use crate::model::{ContentHash, Domain, ImageReference, Network, Quantity};

pub use ability::{Ability, NotAble};
pub(super) use hardware::is_device;
pub(super) use judge::FILE;
pub use judge::{Judged, judge};

/// The operator's file with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    pub name: String,
    /// Hosts are `<solution>.<domain>`.
    pub domain: Domain,
    pub edge: Edge,
    pub activation: Activation,
    /// Where the KEDA HTTP add-on lies, when it wakes solutions or the file names it: its way in
    /// stays open through a change of activation.
    pub interceptor: Option<Interceptor>,
    pub mesh: Mesh,
    pub monitoring: Option<Monitoring>,
    pub registries: Registries,
    /// At least one; the first of them that [`Defaults::hardware`] names.
    pub hardware: BTreeMap<String, HardwareClass>,
    pub nodes: Nodes,
    /// An image that has `vitrine warm`, with its digest.
    pub warmup_image: Option<ImageReference>,
    pub pod_security: PodSecurity,
    pub defaults: Defaults,
    pub limits: Limits,
    /// The oldest API server of this platform.
    pub cluster_version: Version,
    pub gallery: Gallery,
    /// Hash of the file's bytes: part of the key under which rendered objects are remembered.
    pub digest: ContentHash,
}

/// A version of the API server, as (major, minor).
pub type Version = (u32, u32);

/// How requests from outside come in, and who really sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub kind: EdgeKind,
    /// Namespace of the data plane's pods; that of the Gateway unless said otherwise.
    pub data_plane_namespace: String,
    pub data_plane_service_account: Option<String>,
}

/// What routes are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    Gateway(Gateway),
    /// An Ingress with the annotations of ingress-nginx.
    Ingress {
        class: String,
    },
}

/// The Gateway that routes attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub controller: Controller,
    pub name: String,
    pub namespace: String,
    pub section_name: Option<String>,
}

/// Who implements the Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    Traefik,
    EnvoyGateway,
    /// Nothing but the Gateway API is used.
    Other,
}

/// How a sleeping solution is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activation {
    /// KEDA's HTTP add-on holds the request and wakes the target.
    Interceptor(Interceptor),
    /// KEDA asks Prometheus how many requests the edge saw.
    Prometheus(Prometheus),
    /// Nothing sleeps.
    None,
}

/// Where Prometheus is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// `http` or `https`.
    pub server_address: String,
    /// The scrape job of the edge: when it is gone, nothing falls asleep for it.
    pub job: String,
}

/// Whether a service mesh encrypts and authorizes what solutions say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mesh {
    Off,
    Linkerd(MeshPolicy),
}

/// What becomes of a call that nobody declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeshPolicy {
    Deny,
    Audit,
}

/// Who may read metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitoring {
    pub namespace: String,
    /// By which the mesh knows it; without one, a meshed solution's metrics stay closed.
    pub service_account: Option<String>,
    pub pod_monitors: bool,
}

/// How pods find their machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    pub provisioner: Provisioner,
    /// The node label that carries a class's `node_group`.
    pub label_key: String,
    pub priority_class: Option<String>,
}

/// Who makes machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioner {
    ClusterAutoscaler,
    Karpenter,
}

/// What containers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    pub level: Level,
    pub run_as_root: RunAsRoot,
}

/// A Pod Security Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Restricted,
    Baseline,
}

impl Level {
    /// As the namespace's label says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Baseline => "baseline",
        }
    }
}

/// What becomes of images that run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAsRoot {
    Refuse,
    /// Root in the container is nobody outside.
    UserNamespace,
}

/// Where the KEDA HTTP add-on lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interceptor {
    pub namespace: String,
    /// The Service that routes point at.
    pub service: String,
    pub service_account: String,
    /// The external scaler's Service.
    pub scaler: String,
    /// How long the interceptor holds a request while the target starts.
    pub hold_requests_for: Duration,
}

/// Which images may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registries {
    /// Patterns with `*`; empty = any.
    pub allow: Vec<String>,
    pub require_digest: bool,
    /// Name of the pull secret that the operator's replicator puts into each namespace.
    pub pull_secret: Option<String>,
}

/// A class of machine that authors may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardwareClass {
    pub name: String,
    pub node_group: Option<String>,
    pub exclusive: bool,
    pub requests: BTreeMap<String, Quantity>,
    pub limits: BTreeMap<String, Quantity>,
    /// The most that an author may ask for.
    pub caps: BTreeMap<String, Quantity>,
    pub max_cooldown: Option<Duration>,
}

/// What a solution gets that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Which of them the operator wrote, as paths below `spec.defaults`; the others are built in.
    pub written: BTreeSet<&'static str>,
    pub hardware: String,
    pub min_replicas: u16,
    pub max_replicas: u16,
    pub cooldown: Duration,
    pub request_timeout: Duration,
    /// In bytes.
    pub max_request_body_size: u64,
    pub rate_limit: RateLimit,
}

/// What no solution may exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_replicas: u16,
    pub min_replicas: u16,
    pub max_components: usize,
    pub max_configurations: usize,
    pub max_request_body_size: u64,
    pub request_timeout: Duration,
    pub cooldown: (Duration, Duration),
    pub startup_timeout: Duration,
    pub egress: EgressLimit,
}

/// How the gallery is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gallery {
    /// The categories that a solution may name; empty = any word.
    pub categories: Vec<String>,
    /// Names of solutions that stand first, as written.
    pub featured: Vec<Spanned<String>>,
}

/// Where solutions may open connections to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressLimit {
    Allowed,
    Forbidden,
    /// Only inside these networks.
    Only(Vec<Network>),
}

impl Platform {
    /// What a platform is that says its domain and nothing else. It works on a bare cluster with
    /// the Gateway API and the KEDA HTTP add-on.
    pub fn bare(domain: Domain) -> Self {
        let class = HardwareClass::basic();
        Self {
            name: "platform".to_owned(),
            domain,
            edge: Edge {
                kind: EdgeKind::Gateway(Gateway::default()),
                data_plane_namespace: "edge".to_owned(),
                data_plane_service_account: None,
            },
            activation: Activation::Interceptor(Interceptor::default()),
            interceptor: Some(Interceptor::default()),
            mesh: Mesh::Off,
            monitoring: None,
            registries: Registries { allow: Vec::new(), require_digest: true, pull_secret: None },
            defaults: Defaults {
                written: BTreeSet::new(),
                hardware: class.name.clone(),
                min_replicas: 0,
                max_replicas: 1,
                cooldown: Duration::from_secs(30 * 60),
                request_timeout: Duration::from_secs(60),
                max_request_body_size: 10 * MEBIBYTE,
                rate_limit: RateLimit { requests_per_second: 10, burst: 50 },
            },
            hardware: BTreeMap::from([(class.name.clone(), class)]),
            nodes: Nodes {
                provisioner: Provisioner::ClusterAutoscaler,
                label_key: "vitrine.dev/node-group".to_owned(),
                priority_class: None,
            },
            warmup_image: None,
            pod_security: PodSecurity { level: Level::Restricted, run_as_root: RunAsRoot::Refuse },
            limits: Limits {
                max_replicas: 5,
                min_replicas: 1,
                max_components: 12,
                max_configurations: 50,
                max_request_body_size: 100 * MEBIBYTE,
                request_timeout: Duration::from_secs(15 * 60),
                cooldown: (Duration::from_secs(5 * 60), Duration::from_secs(24 * 60 * 60)),
                startup_timeout: Duration::from_secs(30 * 60),
                egress: EgressLimit::Allowed,
            },
            cluster_version: (1, 33),
            gallery: Gallery::default(),
            digest: ContentHash::of(b""),
        }
    }
}

const MEBIBYTE: u64 = 1024 * 1024;

impl Default for Gateway {
    /// The one of a bare cluster.
    fn default() -> Self {
        Self {
            controller: Controller::Other,
            name: "public".to_owned(),
            namespace: "edge".to_owned(),
            section_name: None,
        }
    }
}

impl Default for Interceptor {
    /// The names that the add-on's chart gives.
    fn default() -> Self {
        Self {
            namespace: "keda".to_owned(),
            service: "keda-add-ons-http-interceptor-proxy".to_owned(),
            service_account: "keda-add-ons-http-interceptor".to_owned(),
            scaler: "keda-add-ons-http-external-scaler".to_owned(),
            hold_requests_for: Duration::from_secs(55),
        }
    }
}

impl HardwareClass {
    /// The class of a platform that declares none: small, on any node.
    fn basic() -> Self {
        let amounts = |pairs: &[(&str, Quantity)]| {
            pairs.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect()
        };
        let gib = Quantity::gibibytes;
        Self {
            name: "cpu-basic".to_owned(),
            node_group: None,
            exclusive: false,
            requests: amounts(&[("cpu", Quantity::milli(250)), ("memory", gib(1))]),
            limits: amounts(&[("memory", gib(1)), ("ephemeral-storage", gib(5))]),
            caps: amounts(&[
                ("cpu", Quantity::count(2)),
                ("memory", gib(8)),
                ("ephemeral-storage", gib(20)),
            ]),
            max_cooldown: None,
        }
    }

    /// The most of a resource that an author may ask for.
    pub fn cap(&self, resource: &str) -> Option<Quantity> {
        self.caps.get(resource).copied()
    }
}
