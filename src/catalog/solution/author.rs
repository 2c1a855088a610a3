//! What an author wrote, value by value with its place, before any default.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Egress, Probe, Target};
use crate::model::Quantity;
use crate::model::yaml::{Span, Spanned};

/// Path inside a container → what is mounted there.
pub type Mounts = BTreeMap<String, Spanned<Arc<[u8]>>>;
/// Resource name → amount.
pub type Amounts = BTreeMap<String, Spanned<Quantity>>;

/// The fields that the solution, each component and (some of them) each configuration may set.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    pub image: Option<Spanned<String>>,
    pub command: Option<Vec<String>>,
    pub args: Option<Vec<String>>,
    pub port: Option<u16>,
    pub base_path: Option<String>,
    pub env: BTreeMap<String, Spanned<String>>,
    pub files: Mounts,
    pub scratch: Option<BTreeMap<String, Spanned<Quantity>>>,
    pub read_only_root_filesystem: Option<bool>,
    pub hardware: Option<Spanned<String>>,
    pub requests: Amounts,
    pub limits: Amounts,
    pub min: Option<Spanned<u16>>,
    pub max: Option<Spanned<u16>>,
    pub cooldown: Option<Spanned<Duration>>,
    pub target: Option<Target>,
    pub startup: Option<Duration>,
    pub readiness: Option<Probe>,
    pub liveness: Option<Probe>,
    pub egress: Option<Vec<Egress>>,
    pub request_timeout: Option<Duration>,
    pub max_request_body_size: Option<u64>,
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
    pub path: Spanned<String>,
    pub strip_prefix: bool,
}

impl Runtime {
    /// These values, and where there is none, those of `base`: maps merge by key, lists and
    /// single values replace.
    pub fn over(self, base: &Self) -> Self {
        fn map<V: Clone>(
            mut own: BTreeMap<String, V>,
            base: &BTreeMap<String, V>,
        ) -> BTreeMap<String, V> {
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
            files: map(self.files, &base.files),
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
            startup: self.startup.or(base.startup),
            readiness: self.readiness.or(base.readiness),
            liveness: self.liveness.or(base.liveness),
            egress: self.egress.or(base.egress),
            request_timeout: self.request_timeout.or(base.request_timeout),
            max_request_body_size: self.max_request_body_size.or(base.max_request_body_size),
        }
    }
}
