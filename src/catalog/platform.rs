//! A checked `platform.yaml`: what the operator allows and provides.

mod hardware;
mod judge;
mod limits;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{ContentHash, Quantity};

pub use judge::{Judged, judge};

/// The operator's file with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    pub name: String,
    /// Hosts are `<solution>.<domain>`.
    pub domain: String,
    pub gateway: Gateway,
    pub activation: Activation,
    pub registries: Registries,
    /// At least one; the first of them that [`Defaults::hardware`] names.
    pub hardware: BTreeMap<String, HardwareClass>,
    /// The node label that carries a class's `node_group`.
    pub node_label: String,
    pub priority_class: Option<String>,
    pub defaults: Defaults,
    pub limits: Limits,
    /// The oldest API server of this platform, as (major, minor).
    pub cluster_version: (u32, u32),
    pub gallery: Gallery,
    /// Hash of the file's bytes: part of the key under which rendered objects are remembered.
    pub digest: ContentHash,
}

/// The Gateway that routes attach to, and who really sends its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub name: String,
    pub namespace: String,
    pub section_name: Option<String>,
    /// Namespace of the data plane's pods; that of the Gateway unless said otherwise.
    pub data_plane_namespace: String,
    pub data_plane_service_account: Option<String>,
}

/// How a sleeping solution is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activation {
    /// KEDA's HTTP add-on holds the request and wakes the target.
    Interceptor(Interceptor),
    /// Nothing sleeps.
    None,
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
    pub requests: BTreeMap<String, String>,
    pub limits: BTreeMap<String, String>,
    /// The most that an author may ask for.
    pub caps: BTreeMap<String, String>,
    pub max_cooldown: Option<Duration>,
}

/// What a solution gets that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    pub hardware: String,
    pub min_replicas: u16,
    pub max_replicas: u16,
    pub cooldown: Duration,
    pub request_timeout: Duration,
    /// In bytes.
    pub max_request_body_size: u64,
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
    /// Names of solutions that stand first.
    pub featured: Vec<String>,
}

/// Where solutions may open connections to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressLimit {
    Allowed,
    Forbidden,
    /// Only inside these networks.
    Only(Vec<String>),
}

impl Platform {
    /// What a platform is that says its domain and nothing else. It works on a bare cluster with
    /// the Gateway API and the KEDA HTTP add-on.
    pub fn bare(domain: &str) -> Self {
        let class = HardwareClass::basic();
        Self {
            name: "platform".to_owned(),
            domain: domain.to_owned(),
            gateway: Gateway {
                name: "public".to_owned(),
                namespace: "edge".to_owned(),
                section_name: None,
                data_plane_namespace: "edge".to_owned(),
                data_plane_service_account: None,
            },
            activation: Activation::Interceptor(Interceptor::default()),
            registries: Registries { allow: Vec::new(), require_digest: true, pull_secret: None },
            defaults: Defaults {
                hardware: class.name.clone(),
                min_replicas: 0,
                max_replicas: 1,
                cooldown: Duration::from_secs(30 * 60),
                request_timeout: Duration::from_secs(60),
                max_request_body_size: 10 * MEBIBYTE,
            },
            hardware: BTreeMap::from([(class.name.clone(), class)]),
            node_label: "vitrine.dev/node-group".to_owned(),
            priority_class: None,
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
        let amounts = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, amount)| ((*name).to_owned(), (*amount).to_owned())).collect()
        };
        Self {
            name: "cpu-basic".to_owned(),
            node_group: None,
            exclusive: false,
            requests: amounts(&[("cpu", "250m"), ("memory", "1Gi")]),
            limits: amounts(&[("memory", "1Gi"), ("ephemeral-storage", "5Gi")]),
            caps: amounts(&[("cpu", "2"), ("memory", "8Gi"), ("ephemeral-storage", "20Gi")]),
            max_cooldown: None,
        }
    }

    /// The most of a resource that an author may ask for.
    pub fn cap(&self, resource: &str) -> Option<Quantity> {
        self.caps.get(resource).and_then(|cap| Quantity::parse(cap).ok())
    }
}
