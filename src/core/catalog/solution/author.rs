//! What an author wrote, value by value with its place, before any default.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Architecture, Egress, Probe, RateLimit, Schedule, Target, Volume};
use crate::model::yaml::{Span, Spanned};
use crate::model::{ImageReference, MountPath, Quantity, UrlPath};

/// Path inside a container → what is mounted there.
pub type Mounts = BTreeMap<MountPath, Spanned<Arc<[u8]>>>;
/// Example file → its contents, in the order of the author.
pub type Requests = Vec<(String, Arc<[u8]>)>;
/// Resource name → amount.
pub type Amounts = BTreeMap<String, Spanned<Quantity>>;

/// The fields that the solution, each component and (some of them) each configuration may set.
/// Every value keeps its place, so that a fault found late still points at the author's line.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    pub image: Option<Spanned<ImageReference>>,
    pub command: Option<Spanned<Vec<String>>>,
    pub args: Option<Spanned<Vec<String>>>,
    pub port: Option<Spanned<u16>>,
    pub base_path: Option<Spanned<UrlPath>>,
    pub env: BTreeMap<String, Spanned<String>>,
    pub expand_variables: Option<Spanned<bool>>,
    pub secrets: Option<Spanned<Vec<Spanned<String>>>>,
    pub files: Mounts,
    pub volumes: Option<Spanned<BTreeMap<String, Spanned<Volume>>>>,
    pub scratch: Option<Spanned<BTreeMap<MountPath, Spanned<Quantity>>>>,
    pub read_only_root_filesystem: Option<Spanned<bool>>,
    pub hardware: Option<Spanned<String>>,
    pub requests: Amounts,
    pub limits: Amounts,
    pub min: Option<Spanned<u16>>,
    pub max: Option<Spanned<u16>>,
    pub cooldown: Option<Spanned<Duration>>,
    pub target: Option<Spanned<Target>>,
    pub schedules: Option<Spanned<Vec<Spanned<Schedule>>>>,
    pub startup: Option<Spanned<Duration>>,
    pub warmup: Option<Spanned<Requests>>,
    pub readiness: Option<Spanned<Probe>>,
    pub liveness: Option<Spanned<Probe>>,
    pub egress: Option<Spanned<Vec<Egress>>>,
    pub request_timeout: Option<Spanned<Duration>>,
    pub max_request_body_size: Option<Spanned<u64>>,
    pub rate_limit: Option<Spanned<RateLimit>>,
    pub cors: Option<Spanned<Vec<String>>>,
    pub metrics_path: Option<Spanned<UrlPath>>,
    pub architectures: Option<Spanned<BTreeSet<Architecture>>>,
}

/// One entry of `components` or `configurations`.
#[derive(Clone, Debug)]
pub struct Part {
    /// As written; may be no good name (then it was reported).
    pub name: Spanned<String>,
    /// Of a configuration.
    pub title: Option<String>,
    pub runtime: Runtime,
    pub expose: Option<Expose>,
    pub depends_on: Vec<Spanned<String>>,
    /// The place of `image`, or of the entry's key: where a missing image is told.
    pub key: Span,
}

/// Under which path a component is public.
#[derive(Clone, Debug)]
pub struct Expose {
    pub path: Spanned<UrlPath>,
    pub strip_prefix: bool,
}

impl Runtime {
    /// These values, and where there is none, those of `base`: maps merge by key, lists and
    /// single values replace.
    pub fn over(self, base: &Self) -> Self {
        fn map<K: Clone + Ord, V: Clone>(
            mut own: BTreeMap<K, V>,
            base: &BTreeMap<K, V>,
        ) -> BTreeMap<K, V> {
            for (key, value) in base {
                own.entry(key.clone()).or_insert_with(|| value.clone());
            }
            own
        }
        let base = base.clone();
        Self {
            image: self.image.or(base.image),
            command: self.command.or(base.command),
            args: self.args.or(base.args),
            port: self.port.or(base.port),
            base_path: self.base_path.or(base.base_path),
            env: map(self.env, &base.env),
            expand_variables: self.expand_variables.or(base.expand_variables),
            secrets: self.secrets.or(base.secrets),
            files: map(self.files, &base.files),
            volumes: self.volumes.or(base.volumes),
            scratch: self.scratch.or(base.scratch),
            read_only_root_filesystem: self
                .read_only_root_filesystem
                .or(base.read_only_root_filesystem),
            hardware: self.hardware.or(base.hardware),
            requests: map(self.requests, &base.requests),
            limits: map(self.limits, &base.limits),
            min: self.min.or(base.min),
            max: self.max.or(base.max),
            cooldown: self.cooldown.or(base.cooldown),
            target: self.target.or(base.target),
            schedules: self.schedules.or(base.schedules),
            startup: self.startup.or(base.startup),
            warmup: self.warmup.or(base.warmup),
            readiness: self.readiness.or(base.readiness),
            liveness: self.liveness.or(base.liveness),
            egress: self.egress.or(base.egress),
            request_timeout: self.request_timeout.or(base.request_timeout),
            max_request_body_size: self.max_request_body_size.or(base.max_request_body_size),
            rate_limit: self.rate_limit.or(base.rate_limit),
            cors: self.cors.or(base.cors),
            metrics_path: self.metrics_path.or(base.metrics_path),
            architectures: self.architectures.or(base.architectures),
        }
    }
}
