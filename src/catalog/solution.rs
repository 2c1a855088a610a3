//! A checked solution, with every effective value. No field can hold a bad state.

mod about;
mod author;
mod effective;
mod example;
mod graph;
mod image;
mod judge;
mod mount;
mod parts;
mod readme;
mod resources;
mod runtime;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::model::{ComponentName, SolutionName, TreeId};

pub use about::{About, Contact, Evaluation, Link};
pub(super) use judge::{Bench, ROOT, Verdict, declared_name, judge};

/// One folder of the catalogue, judged and completed with the platform's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    pub name: SolutionName,
    pub title: String,
    pub description: Option<String>,
    /// The folder, relative to the catalogue's root.
    pub folder: String,
    pub tree: TreeId,
    pub shape: Shape,
    /// At least one. A solution that declares none has one, called `app`; in a solution with
    /// configurations, one a configuration.
    pub components: BTreeMap<ComponentName, Component>,
    /// From this day (UTC) on it sleeps.
    pub expires: Option<Date>,
    pub suspend: Option<Suspension>,
    /// What the gallery says about it. No object depends on it.
    pub about: About,
}

/// How a solution's containers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One component, `app`.
    Single,
    /// Several services that wake as one.
    Components,
    /// One image with several settings, each with a host of its own.
    Configurations,
}

/// Asleep on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    pub reason: String,
    /// Until this day (UTC) begins.
    pub until: Date,
}

/// One container, with its own Deployment, Service, scaling and policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub name: ComponentName,
    /// Of a configuration: what the gallery calls it.
    pub title: Option<String>,
    /// `repository[:tag]@sha256:<digest>`, or without digest where the platform allows it.
    pub image: String,
    pub command: Vec<String>,
    pub args: Vec<String>,
    /// 1024 to 65535.
    pub port: u16,
    /// Begins with `/`: the page that is opened first.
    pub base_path: String,
    pub env: BTreeMap<String, String>,
    /// Mount path → contents; together at most 512 KiB.
    pub files: BTreeMap<String, Arc<[u8]>>,
    pub hardware: Hardware,
    /// Kubernetes resource name → quantity in canonical form.
    pub requests: BTreeMap<String, String>,
    pub limits: BTreeMap<String, String>,
    pub read_only_root_filesystem: bool,
    /// Mount path → size limit (canonical quantity).
    pub scratch: BTreeMap<String, String>,
    pub scaling: Scaling,
    /// How long it may take from start to ready.
    pub startup: Duration,
    pub readiness: Probe,
    pub liveness: Option<Probe>,
    pub exposure: Exposure,
    /// The components of the same solution that this one calls.
    pub depends_on: BTreeSet<ComponentName>,
    pub egress: Vec<Egress>,
    pub http: Http,
}

/// The class of machine that a component asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    pub class: String,
    /// The value of the node label; absent = any node.
    pub node_group: Option<String>,
    /// Whether a node of the group serves one solution only.
    pub exclusive: bool,
}

/// "Asleep and always on" cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// No autoscaler: the Deployment has `replicas`.
    AlwaysOn { replicas: NonZeroU16 },
    /// KEDA decides between `min` (0 = sleeps) and `max`.
    Autoscaled { min: u16, max: NonZeroU16, cooldown: Duration, target: Target },
}

/// What one replica is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Requests at the same time.
    Concurrency(u32),
    /// Requests a second.
    RequestRate(u32),
}

/// How the kubelet asks whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// GET on the component's port answers 2xx or 3xx.
    Get { path: String },
    /// The component's port accepts a connection.
    TcpConnect,
}

/// Who can reach a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Visitors, at this host below this path.
    Public { host: String, path: String, strip_prefix: bool },
    /// Only the components that list it in `dependsOn`.
    Private,
}

/// A network that a component may open connections to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Egress {
    /// Without host bits. `0.0.0.0/0` never includes private, shared or link-local addresses.
    pub cidr: String,
    pub port: u16,
}

/// Limits at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub request_timeout: Duration,
    /// In bytes.
    pub max_request_body_size: u64,
}

impl Solution {
    /// Where visitors open it: `https://<name>.<domain>` (the first public host).
    pub fn url(&self, domain: &str) -> String {
        format!("https://{}.{domain}", self.name)
    }
}
