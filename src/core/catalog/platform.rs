//! A checked `platform.yaml`: what the operator allows and provides.
//!
//! Long because it is one file's keys as types, each with what it means and what holds without it.

mod ability;
mod edge;
mod hardware;
mod judge;
mod limits;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pattern::matches;
use super::solution::RateLimit;
use crate::model::yaml::Spanned;
use crate::model::{ContentHash, Domain, ImageReference, Network, Quantities, Quantity};

pub(crate) use ability::{Ability, NotAble};
pub(super) use hardware::is_device;
pub(super) use judge::FILE;
pub use judge::{Judged, judge};

/// The operator's file with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// A name for people, of one line; `platform` if absent.
    pub name: String,
    /// Hosts are `<solution>.<domain>`.
    pub domain: Domain,
    /// Through which object requests come in, and whose pods send them on.
    pub edge: Edge,
    /// By what a sleeping solution is woken, if anything sleeps.
    pub activation: Activation,
    /// Where the KEDA HTTP add-on lies, when it wakes solutions or the file names it: its way in
    /// stays open through a change of activation.
    pub interceptor: Option<Interceptor>,
    /// The mesh, with its answer to calls that nobody declared.
    pub mesh: Mesh,
    /// Who may read metrics; absent = nobody.
    pub monitoring: Option<Monitoring>,
    /// Which images may run, and with what secret they are pulled.
    pub registries: Registries,
    /// At least one; the first of them that [`Defaults::hardware`] names.
    pub hardware: BTreeMap<String, HardwareClass>,
    /// Who makes machines, and the label and priority that pods carry for them.
    pub nodes: Nodes,
    /// An image that has `vitrine warm`, with its digest.
    pub warmup_image: Option<ImageReference>,
    /// The standard that namespaces enforce, and what becomes of root.
    pub pod_security: PodSecurity,
    /// What holds where an author wrote nothing, within `limits`.
    pub defaults: Defaults,
    /// The bounds of what authors may write.
    pub limits: Limits,
    /// The oldest API server of this platform.
    pub cluster_version: Version,
    /// The cluster's own networks (pods, Services, nodes): no solution may call them by address.
    pub own_networks: Vec<Network>,
    /// Categories and featured solutions.
    pub gallery: Gallery,
    /// Of all prices, as three letters of ISO 4217; absent = nothing is said of cost.
    pub currency: Option<String>,
    /// What a cost is worked out with.
    pub assumptions: Assumptions,
    /// Whom a reviewer asks about what an operator should see: an account or a team of the forge,
    /// a mail address; absent = nobody is named.
    pub operators: Option<String>,
    /// How solutions are shown before a merge; absent = they are not.
    pub previews: Option<Previews>,
    /// Hash of the file's bytes: part of the key under which rendered objects are remembered.
    pub digest: ContentHash,
}

/// How pull requests are shown to those who decide about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previews {
    /// The label of the forge that asks for one; `preview` if absent.
    pub label: String,
    /// How long one stays, from when its namespace was made; 7 days if absent.
    pub keep_for: Duration,
    /// How many solutions are shown at a time, of all pull requests; 5 if absent.
    pub at_most: usize,
    /// The keys of Secrets that a preview may ask for; of all others it has none.
    pub secrets: BTreeSet<String>,
}

/// A version of the API server, as (major, minor).
pub type Version = (u32, u32);

/// How requests from outside come in, and who really sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whether routes attach to a Gateway or are Ingresses, and to which or of what class.
    pub kind: EdgeKind,
    /// Namespace of the data plane's pods; that of the Gateway unless said otherwise.
    pub data_plane_namespace: String,
    /// The account of those pods, by which the mesh knows them; absent = not named.
    pub data_plane_service_account: Option<String>,
}

/// What routes are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// HTTPRoutes that attach to this Gateway.
    Gateway(Gateway),
    /// An Ingress with the annotations of ingress-nginx.
    Ingress {
        /// The `ingressClassName`; `nginx` if absent.
        class: String,
    },
}

/// The Gateway that routes attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Decides by which objects limits are expressed.
    pub controller: Controller,
    /// `metadata.name` of the Gateway; `public` if absent.
    pub name: String,
    /// Where the Gateway lies; `edge` if absent.
    pub namespace: String,
    /// The listener for solutions; absent = any that admits the route.
    pub section_name: Option<String>,
}

/// Who implements the Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    /// Traefik: limits are Middlewares.
    Traefik,
    /// Envoy Gateway: limits are BackendTrafficPolicies.
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
    /// No mesh, or none that we know of.
    Off,
    /// Linkerd, with what becomes of a call that nobody declared.
    Linkerd(MeshPolicy),
}

/// What becomes of a call that nobody declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeshPolicy {
    /// It is refused.
    Deny,
    /// It is let through, and counted.
    Audit,
}

/// Who may read metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitoring {
    /// Where the pods of Prometheus lie.
    pub namespace: String,
    /// By which the mesh knows it; without one, a meshed solution's metrics stay closed.
    pub service_account: Option<String>,
    /// Whether PodMonitors are made for solutions that serve metrics.
    pub pod_monitors: bool,
}

/// How pods find their machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Decides how a machine is kept for one solution.
    pub provisioner: Provisioner,
    /// The node label that carries a class's `node_group`.
    pub label_key: String,
    /// The PriorityClass of solutions' pods; absent = the cluster's default.
    pub priority_class: Option<String>,
}

/// Who makes machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioner {
    /// A machine is kept for one solution by an anti-affinity of its pods against others.
    ClusterAutoscaler,
    /// It labels a node for the solution, and pods select that label.
    Karpenter,
}

/// What containers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    /// The standard that solutions' namespaces enforce.
    pub level: Level,
    /// What becomes of an image that runs as root.
    pub run_as_root: RunAsRoot,
}

/// A Pod Security Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `restricted`: the strictest of the standards.
    Restricted,
    /// `baseline`: prevents known escalations of privilege.
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
    /// They do not start.
    Refuse,
    /// Root in the container is nobody outside.
    UserNamespace,
}

/// Where the KEDA HTTP add-on lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interceptor {
    /// Where the pods and Services of the add-on lie; `keda` if absent.
    pub namespace: String,
    /// The Service that routes point at.
    pub service: String,
    /// The interceptor's account, by which the mesh knows it.
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
    /// Whether a tag alone is refused; `true` if absent.
    pub require_digest: bool,
    /// Name of the pull secret that the operator's replicator puts into each namespace.
    pub pull_secret: Option<String>,
}

impl Registries {
    /// Whether a pattern allows an image and names the host that it lies on, without a `*`.
    pub fn names(&self, image: &ImageReference) -> bool {
        let image = image.full_repository();
        let host = |text: &str| text.split_once('/').map(|(host, _)| host.to_owned());
        let host_of_it = host(&image);
        self.allow.iter().any(|pattern| host(pattern) == host_of_it && matches(pattern, &image))
    }
}

/// A class of machine that authors may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardwareClass {
    /// What authors ask for, and the key in [`Platform::hardware`].
    pub name: String,
    /// The value of the label [`Nodes::label_key`]; absent = any node.
    pub node_group: Option<String>,
    /// Whether a machine serves one solution at a time.
    pub exclusive: bool,
    /// Resource name → what a replica is sure to get, unless its author asks otherwise.
    pub requests: Quantities,
    /// Resource name → what a replica may use at most, unless its author asks otherwise.
    pub limits: Quantities,
    /// The most that an author may ask for.
    pub caps: Quantities,
    /// The longest idle time on this class; absent = that of [`Limits::cooldown`].
    pub max_cooldown: Option<Duration>,
    /// What a replica costs that asks for no more than the class gives; absent = not said.
    pub price: Option<Price>,
}

/// What something costs for an hour, in [`Platform::currency`]: from nothing to 9 999.9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    ten_thousandths: u32,
}

impl Price {
    /// Reads digits with at most four of them behind a point: `0.95`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str, most| {
            (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        if !digits(whole, 4) || !digits(part, 4) {
            return None;
        }
        let ten_thousandths = format!("{whole}{part:0<4}").parse().ok()?;
        Some(Self { ten_thousandths })
    }

    /// In the currency.
    pub fn per_hour(self) -> f64 {
        f64::from(self.ten_thousandths) / 10_000.0
    }
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.per_hour())
    }
}

/// What a month is taken to be when a cost is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// How many visits wake a solution on a day, one after the other; 20 if absent.
    pub visits_per_day: u16,
    /// How long one visit keeps it awake, its cooldown included: a solution with a longer cooldown
    /// is awake for that; 30 minutes if absent.
    pub awake_per_visit: Duration,
}

/// What a solution gets that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Which of them the operator wrote, as paths below `spec.defaults`; the others are built in.
    pub written: BTreeSet<&'static str>,
    /// A class of [`Platform::hardware`]; if absent `cpu-basic`, else the first one.
    pub hardware: String,
    /// 0 if absent: it sleeps.
    pub min_replicas: u16,
    /// 1 if absent; at least 1, and not below `min_replicas`.
    pub max_replicas: u16,
    /// How long nobody must ask before it sleeps; 30 minutes if absent.
    pub cooldown: Duration,
    /// The longest that an answer may take; 60 seconds if absent.
    pub request_timeout: Duration,
    /// In bytes.
    pub max_request_body_size: u64,
    /// For one client; 10 a second and 50 at once if absent.
    pub rate_limit: RateLimit,
}

/// What no solution may exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most that an author's `maxReplicas` may be; 5 if absent.
    pub max_replicas: u16,
    /// The most that an author's `minReplicas` may be; 1 if absent.
    pub min_replicas: u16,
    /// The most components of a solution; 12 if absent.
    pub max_components: usize,
    /// The most configurations of a solution; 50 if absent.
    pub max_configurations: usize,
    /// In bytes; 100 MiB if absent.
    pub max_request_body_size: u64,
    /// The longest that an author may let an answer take; 15 minutes if absent.
    pub request_timeout: Duration,
    /// The least and the greatest idle time; 5 minutes and 24 hours if absent.
    pub cooldown: (Duration, Duration),
    /// The longest that a start may take; 30 minutes if absent.
    pub startup_timeout: Duration,
    /// Where authors may let solutions connect to; the public internet if absent.
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
    /// To the networks that their authors name, but for private ones.
    Public,
    /// To the networks that their authors name.
    Allowed,
    /// To none.
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
                egress: EgressLimit::Public,
            },
            cluster_version: (1, 33),
            own_networks: Vec::new(),
            gallery: Gallery::default(),
            currency: None,
            assumptions: Assumptions {
                visits_per_day: 20,
                awake_per_visit: Duration::from_secs(30 * 60),
            },
            operators: None,
            previews: None,
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
            price: None,
        }
    }

    /// The most of a resource that an author may ask for.
    pub fn cap(&self, resource: &str) -> Option<Quantity> {
        self.caps.get(resource).copied()
    }
}
