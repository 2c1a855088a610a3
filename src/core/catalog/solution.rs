//! A checked solution, with every effective value. No field can hold a bad state.

mod about;
mod author;
mod bench;
mod effective;
pub mod example;
mod graph;
pub(super) mod image;
mod judge;
mod mount;
mod origin;
mod over_limit;
mod parts;
pub mod readme;
mod resources;
mod runtime;
mod scaling;
mod secret;
mod setting;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::model::{
    ComponentName, Cron, HostName, ImageReference, MountPath, Network, Quantities, Quantity,
    Revision, SolutionName, TreeId, UrlPath,
};

pub(super) use bench::{Bench, Verdict};
pub(super) use judge::judge;
pub use origin::{Effective, Origin};

/// One folder of the catalogue, judged and completed with the platform's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The last name of its folder, and the first label of its host.
    pub name: SolutionName,
    /// For people: as written, else the first heading of README.md, else the name.
    pub title: String,
    /// For people: as written, else the first paragraph of README.md, if there is one.
    pub description: Option<String>,
    /// The folder, relative to the catalogue's root.
    pub folder: String,
    /// The folder's tree: while it and `platform.yaml` stay the same, so does this solution.
    pub tree: TreeId,
    /// What its components are to each other.
    pub shape: Shape,
    /// At least one. A solution that declares none has one, called `app`; in a solution with
    /// configurations, one a configuration. Boxed, because most solutions have one, and a map has
    /// room for eleven.
    pub components: BTreeMap<ComponentName, Box<Component>>,
    /// From this day (UTC) on it sleeps.
    pub expires: Option<Date>,
    /// Asleep until a day, which may be over; absent = not asked for.
    pub suspend: Option<Suspension>,
    /// What the gallery says about it. No object depends on it.
    pub about: About,
    /// Of a preview: the head of the pull request that it shows.
    pub preview: Option<Revision>,
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
    /// Why, in one line for everyone.
    pub reason: String,
    /// Until this day (UTC) begins.
    pub until: Date,
}

/// The card of a solution in the gallery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Words to find it by, in the order of the file.
    pub tags: Vec<String>,
    /// Pages about it elsewhere, in the order of the file.
    pub links: Vec<Link>,
    /// `demo`, `service` or `pipeline`.
    pub kind: Option<String>,
    /// `experimental`, `production` or `deprecated`.
    pub lifecycle: Option<String>,
    /// `user:NAME` or `group:NAME`.
    pub owner: Option<String>,
    /// Whom visitors may ask; always there when the lifecycle is `production`.
    pub contact: Option<Contact>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// One of the platform's categories; any word where it lists none.
    pub category: Option<String>,
    /// Exactly one, of however many code points.
    pub emoji: Option<String>,
    /// Files of the folder.
    pub thumbnail: Option<String>,
    /// Pictures of the folder, by path below it.
    pub screenshots: Vec<String>,
    /// The models that it uses, as the author names them.
    pub models: Vec<String>,
    /// The data that it was made with, as the author names it.
    pub datasets: Vec<String>,
    /// What was measured of it, in the order of the file.
    pub evaluation: Vec<Evaluation>,
    /// Path of the OpenAPI document.
    pub openapi: Option<UrlPath>,
    /// Path of the page that documents the API.
    pub docs: Option<UrlPath>,
    /// Example files of the folder.
    pub examples: Vec<String>,
}

/// A page elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the link says.
    pub title: String,
    /// `http` or `https`.
    pub url: String,
    /// What is behind it, in a word of the author's such as `paper`; absent = not said.
    pub kind: Option<String>,
}

/// Whom to ask. At least one of `email` and `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// A person or a team; absent = not said.
    pub name: Option<String>,
    /// An address for mail, without a name before it.
    pub email: Option<String>,
    /// A page, at `http` or `https`, without a password.
    pub url: Option<String>,
}

/// A measured quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What was measured, in a word of the author's such as `spearman`.
    pub metric: String,
    /// In the metric's own unit; finite.
    pub value: f64,
    /// On which data; absent = not said.
    pub dataset: Option<String>,
}

/// One container, with its own Deployment, Service, scaling and policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Of its Deployment and Service, unique in the solution.
    pub name: ComponentName,
    /// Of a configuration: what the gallery calls it.
    pub title: Option<String>,
    /// With a digest, unless the platform allows it to have none.
    pub image: ImageReference,
    /// Replaces the image's entry point, word by word; empty = the image's.
    pub command: Vec<String>,
    /// Replaces the image's arguments; empty = the image's.
    pub args: Vec<String>,
    /// 1024 to 65535.
    pub port: u16,
    /// The page that is opened first.
    pub base_path: UrlPath,
    /// Environment variables, with `<COMPONENT>_URL` for each one in `depends_on`.
    pub env: BTreeMap<String, String>,
    /// Whether `$(NAME)` in `env`, `command` and `args` stands for the variable of that name;
    /// otherwise all of it is text.
    pub expand_variables: bool,
    /// Environment variables whose values are keys of the Secret `<component>-secrets`; that of a
    /// solution without components, and of each configuration, is `app-secrets`.
    pub secrets: BTreeSet<String>,
    /// Mount path → contents; together at most 512 KiB.
    pub files: BTreeMap<MountPath, Arc<[u8]>>,
    /// Volume name → an image that is mounted read-only.
    pub volumes: BTreeMap<String, Volume>,
    /// The class of machine that its pods run on.
    pub hardware: Hardware,
    /// Kubernetes resource name → how much of it.
    pub requests: Quantities,
    /// Kubernetes resource name → the most that a replica may use; what is not here has no limit.
    pub limits: Quantities,
    /// Whether it may write to `scratch` only.
    pub read_only_root_filesystem: bool,
    /// Mount path → size limit.
    pub scratch: BTreeMap<MountPath, Quantity>,
    /// How many replicas run, and when none.
    pub scaling: Scaling,
    /// How long it may take from start to ready.
    pub startup: Duration,
    /// Example files and their contents: requests that are made before the first visitor's, in
    /// this order.
    pub warmup: Vec<(String, Arc<[u8]>)>,
    /// Whether a replica can take requests; also asked while it starts.
    pub readiness: Probe,
    /// Whether a replica must be restarted; absent = never asked.
    pub liveness: Option<Probe>,
    /// Visitors, or its sibling components only.
    pub exposure: Exposure,
    /// The components of the same solution that this one calls.
    pub depends_on: BTreeSet<ComponentName>,
    /// What it may open connections to, beside the components that it calls; empty = nothing.
    pub egress: Vec<Egress>,
    /// What the edge holds visitors to.
    pub http: Http,
    /// Where it serves metrics to the platform's monitoring.
    pub metrics_path: Option<UrlPath>,
    /// Empty = any.
    pub architectures: BTreeSet<Architecture>,
}

/// An OCI image whose files a container reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// With a digest, unless the platform allows it to have none.
    pub image: ImageReference,
    /// The folder at which the image's files appear in the container.
    pub mount_path: MountPath,
}

/// A processor that an image is built for, as Kubernetes labels nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Architecture {
    /// The value of the node label `kubernetes.io/arch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// The class of machine that a component asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// Its key in [`Platform::hardware`](super::Platform::hardware).
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
    AlwaysOn {
        /// How many run, at every time.
        replicas: NonZeroU16,
    },
    /// KEDA decides how many replicas run.
    Autoscaled {
        /// Between which numbers.
        range: Range,
        /// How long nobody must ask before it sleeps.
        cooldown: Duration,
        /// How much makes another replica necessary.
        target: Target,
        /// Times at which it is awake without a visitor; empty = none.
        schedules: Vec<Schedule>,
    },
}

/// From how many replicas (0 = sleeps) to how many. The greatest number is above the least one:
/// a range of one number is [`Scaling::AlwaysOn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    min: u16,
    max: NonZeroU16,
}

impl Range {
    /// `None` unless `min` < `max`.
    pub fn new(min: u16, max: NonZeroU16) -> Option<Self> {
        (min < max.get()).then_some(Self { min, max })
    }

    /// The least number; 0 = sleeps.
    pub fn min(self) -> u16 {
        self.min
    }

    /// The greatest number; above the least one.
    pub fn max(self) -> NonZeroU16 {
        self.max
    }
}

/// A time at which replicas are kept awake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// An exact IANA name.
    pub timezone: String,
    /// When they are woken, by the clock of `timezone`.
    pub start: Cron,
    /// When they may sleep again, by the clock of `timezone`; another time than `start`.
    pub end: Cron,
    /// How many are kept awake; at most as many as the range allows.
    pub replicas: NonZeroU16,
}

/// What one replica is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Requests at the same time.
    Concurrency(u32),
    /// Requests a second.
    RequestRate(u32),
}

impl Target {
    /// What one replica is trusted with, unless its author says otherwise.
    pub const USUAL: Self = Self::Concurrency(10);
}

/// How the kubelet asks whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// GET on the component's port answers 2xx or 3xx.
    Get {
        /// The page that is asked for, without a query.
        path: UrlPath,
    },
    /// The component's port accepts a connection.
    TcpConnect,
}

/// Who can reach a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Visitors, at this host below this path.
    Public {
        /// The solution's own, or that of the configuration.
        host: HostName,
        /// `/`, or a path that does not end with `/`; a longer one of a sibling wins.
        path: UrlPath,
        /// Whether the path is taken off before the component sees it.
        strip_prefix: bool,
    },
    /// Only the components that list it in `dependsOn`.
    Private,
}

/// A network that a component may open connections to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Egress {
    /// `0.0.0.0/0` never includes private, shared or link-local addresses.
    pub cidr: Network,
    /// One TCP port, 1 to 65 535.
    pub port: u16,
}

/// Limits at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The longest that an answer may take.
    pub request_timeout: Duration,
    /// In bytes.
    pub max_request_body_size: u64,
    /// Whether the author asked for that limit: an edge that can only limit by holding whole
    /// requests back does so for nobody else.
    pub body_limit_asked: bool,
    /// For one client; some edges count all clients together.
    pub rate_limit: RateLimit,
    /// Origins of pages that may call it from a browser; `*` is every page.
    pub cors: Vec<String>,
}

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// At least 1.
    pub requests_per_second: u32,
    /// At once; at least `requests_per_second`.
    pub burst: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_up() {
        let range = |min, max| NonZeroU16::new(max).and_then(|max| Range::new(min, max));
        assert!(range(0, 1).is_some() && range(2, 3).is_some());
        assert!(range(1, 1).is_none() && range(3, 2).is_none());
    }
}
