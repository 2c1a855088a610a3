//! A checked `platform.yaml`: what the operator allows and provides.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ContentHash;

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

/// Where solutions may open connections to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressLimit {
    Allowed,
    Forbidden,
    /// Only inside these networks.
    Only(Vec<String>),
}
