//! Notes of a component, value by value, where it came from.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::author::Runtime;
use super::setting::Setting;
use super::{Component, Exposure, Probe, Scaling, Target};
use crate::catalog::platform::{Ability, HardwareClass, Platform};
use crate::model::yaml::{Span, Spanned};
use crate::model::{Quantity, duration};

/// One value that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The component that it belongs to.
    pub component: String,
    /// As in the file, below the component: `scaling.minReplicas`, `env.WINDOW`.
    pub path: String,
    /// As it would be written.
    pub value: String,
    /// Who decided it.
    pub origin: Origin,
    /// What becomes of it on this platform, if not what it says.
    pub note: Option<String>,
}

/// Who decided a value: the first of these who said anything, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The component or configuration, on this line of `solution.yaml`.
    Component {
        /// 1-based.
        line: u32,
    },
    /// The solution, on this line of `solution.yaml`.
    Solution {
        /// 1-based.
        line: u32,
    },
    /// The hardware class of this name.
    Class(String),
    /// `spec.defaults` of `platform.yaml`, or what its other keys ask for.
    Platform,
    /// vitrine itself.
    BuiltIn,
    /// It follows from another value of the author's.
    Follows(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { line } => write!(f, "component, line {line}"),
            Self::Solution { line } => write!(f, "solution, line {line}"),
            Self::Class(name) => write!(f, "hardware class {name}"),
            Self::Platform => f.write_str("platform"),
            Self::BuiltIn => f.write_str("built in"),
            Self::Follows(what) => write!(f, "follows from {what}"),
        }
    }
}

/// Every effective value of a component. `runtime` is what was written of it, by itself or by its
/// solution.
pub fn of(
    component: &Component,
    runtime: &Runtime,
    setting: &Setting<'_>,
    class: &HardwareClass,
    platform: &Platform,
) -> Vec<Effective> {
    let mut notes = Notes { component: component.name.to_string(), told: Vec::new() };
    notes.of_address(component, setting);
    notes.of_container(component, runtime, setting.base);
    notes.of_resources(component, runtime, setting.base, class);
    notes.of_scaling(component, runtime, setting.base, platform, class);
    notes.of_requests(component, runtime, setting.base, platform);
    notes.of_calls(component, runtime, setting);
    notes.told
}

struct Notes {
    component: String,
    told: Vec<Effective>,
}

/// Who wrote a value: the solution if its own value stands at the same place.
fn written<T, U>(value: &Option<Spanned<T>>, base: &Option<Spanned<U>>) -> Option<Origin> {
    let at = value.as_ref()?.at;
    Some(by(at, base.as_ref().map(|base| base.at)))
}

fn by(at: Span, base: Option<Span>) -> Origin {
    if base == Some(at) {
        Origin::Solution { line: at.line }
    } else {
        Origin::Component { line: at.line }
    }
}

/// As a flow list.
fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

impl Notes {
    fn say(&mut self, path: impl Into<String>, value: impl Display, origin: Origin) {
        self.told.push(Effective {
            component: self.component.clone(),
            path: path.into(),
            value: value.to_string(),
            origin,
            note: None,
        });
    }

    /// Says a map key by key.
    fn say_map<K: Display + Ord, T>(
        &mut self,
        path: &str,
        own: &BTreeMap<K, Spanned<T>>,
        base: &BTreeMap<K, Spanned<T>>,
        shown: impl Fn(&T) -> String,
    ) {
        for (key, value) in own {
            let origin = by(value.at, base.get(key).map(|base| base.at));
            self.say(format!("{path}.{key}"), shown(&value.value), origin);
        }
    }

    fn of_address(&mut self, component: &Component, setting: &Setting<'_>) {
        match &component.exposure {
            Exposure::Public { host, path, .. } => {
                let origin = Origin::Follows("the name and the platform's domain");
                self.say("(address)", format!("https://{host}{path}"), origin);
            }
            Exposure::Private => {
                let origin = Origin::Component { line: setting.key.line };
                self.say("(address)", "none: private", origin);
            }
        }
    }

    fn of_container(&mut self, component: &Component, runtime: &Runtime, base: &Runtime) {
        let built_in = || Origin::BuiltIn;
        let origin = written(&runtime.image, &base.image).unwrap_or_else(built_in);
        self.say("image", &component.image, origin);
        for (path, words, origin) in [
            ("command", &component.command, written(&runtime.command, &base.command)),
            ("args", &component.args, written(&runtime.args, &base.args)),
        ] {
            if let Some(origin) = origin {
                self.say(path, list(words), origin);
            }
        }
        let origin = written(&runtime.port, &base.port).unwrap_or_else(built_in);
        self.say("port", component.port, origin);
        let origin = written(&runtime.base_path, &base.base_path).unwrap_or_else(built_in);
        self.say("basePath", &component.base_path, origin);
        self.say_map("env", &runtime.env, &base.env, |text| format!("{text:?}"));
        if let Some(origin) = written(&runtime.expand_variables, &base.expand_variables) {
            self.say("expandVariables", component.expand_variables, origin);
        }
        if let Some(origin) = written(&runtime.secrets, &base.secrets) {
            self.say("secrets", list(&component.secrets), origin);
        }
        self.say_map("files", &runtime.files, &base.files, |b| format!("{} bytes", b.len()));
        if let Some(origin) = written(&runtime.volumes, &base.volumes) {
            let shown = component.volumes.iter().map(|(n, v)| format!("{n} at {}", v.mount_path));
            self.say("volumes", list(shown), origin);
        }
        if let Some(origin) = written(&runtime.scratch, &base.scratch) {
            let shown = component.scratch.iter().map(|(path, size)| format!("{path}: {size}"));
            self.say("scratch", list(shown), origin);
        }
        let (own, base_value) =
            (&runtime.read_only_root_filesystem, &base.read_only_root_filesystem);
        let origin = written(own, base_value).unwrap_or_else(built_in);
        self.say("readOnlyRootFilesystem", component.read_only_root_filesystem, origin);
        if let Some(origin) = written(&runtime.architectures, &base.architectures) {
            let words = component.architectures.iter().map(|a| a.as_str());
            self.say("architectures", list(words), origin);
        }
    }

    fn of_resources(
        &mut self,
        component: &Component,
        runtime: &Runtime,
        base: &Runtime,
        class: &HardwareClass,
    ) {
        let origin = written(&runtime.hardware, &base.hardware).unwrap_or(Origin::Platform);
        self.say("hardware", &component.hardware.class, origin);
        for (path, granted, own, base, of_class) in [
            ("requests", &component.requests, &runtime.requests, &base.requests, &class.requests),
            ("limits", &component.limits, &runtime.limits, &base.limits, &class.limits),
        ] {
            for (name, amount) in granted {
                let at = own.get(name).map(|own| by(own.at, base.get(name).map(|base| base.at)));
                let of_class = of_class.get(name).filter(|of_class| *of_class == amount);
                let origin = match (at, of_class) {
                    (Some(origin), _) => origin,
                    (None, Some(_)) => Origin::Class(class.name.clone()),
                    (None, None) => Origin::Follows("the other bound"),
                };
                self.say(format!("resources.{path}.{name}"), amount, origin);
            }
        }
    }

    fn of_scaling(
        &mut self,
        component: &Component,
        runtime: &Runtime,
        base: &Runtime,
        platform: &Platform,
        class: &HardwareClass,
    ) {
        let default = |key| of_default(platform, key);
        let origin = |own, base, key| written(own, base).unwrap_or_else(|| default(key));
        let min = origin(&runtime.min, &base.min, "minReplicas");
        let max = origin(&runtime.max, &base.max, "maxReplicas");
        match &component.scaling {
            Scaling::AlwaysOn { replicas } => {
                self.say("scaling.minReplicas", replicas, min);
                self.say("scaling.maxReplicas", replicas, max);
                self.note("it never sleeps");
            }
            Scaling::Autoscaled { range, cooldown, target, schedules } => {
                let (least, most) = (range.min(), range.max());
                let adapted = |own: &Option<Spanned<u16>>, found: u16, default: u16| {
                    own.is_none() && found != default
                };
                let defaults = &platform.defaults;
                let min = if adapted(&runtime.min, least, defaults.min_replicas) {
                    Origin::Follows("maxReplicas")
                } else {
                    min
                };
                let max = if adapted(&runtime.max, most.get(), defaults.max_replicas) {
                    Origin::Follows("minReplicas or schedules")
                } else {
                    max
                };
                self.say("scaling.minReplicas", least, min);
                self.say("scaling.maxReplicas", most, max);
                let origin = match written(&runtime.cooldown, &base.cooldown) {
                    Some(origin) => origin,
                    None if class.max_cooldown.is_some_and(|m| m < defaults.cooldown) => {
                        Origin::Class(class.name.clone())
                    }
                    None => default("cooldownPeriod"),
                };
                self.say("scaling.cooldownPeriod", duration::text(*cooldown), origin);
                let origin = written(&runtime.target, &base.target).unwrap_or(Origin::BuiltIn);
                let shown = match target {
                    Target::Concurrency(n) => format!("{{concurrency: {n}}}"),
                    Target::RequestRate(n) => format!("{{requestRate: {n}}}"),
                };
                self.say("scaling.target", shown, origin);
                if matches!(target, Target::Concurrency(_)) {
                    self.note_lack(platform, Ability::Concurrency);
                }
                if let Some(origin) = written(&runtime.schedules, &base.schedules) {
                    let shown = schedules.iter().map(|s| {
                        format!("{} to {} ({}): {}", s.start, s.end, s.timezone, s.replicas)
                    });
                    self.say("scaling.schedules", list(shown), origin);
                }
            }
        }
        let origin = written(&runtime.startup, &base.startup).unwrap_or(Origin::BuiltIn);
        self.say("startup.timeout", duration::text(component.startup), origin);
        if let Some(origin) = written(&runtime.warmup, &base.warmup) {
            self.say("startup.warmup", list(component.warmup.iter().map(|(path, _)| path)), origin);
            if platform.warmup_image.is_none() && !component.warmup.is_empty() {
                self.note("no effect: this platform names no image for it");
            }
        }
    }

    fn of_requests(
        &mut self,
        component: &Component,
        runtime: &Runtime,
        base: &Runtime,
        platform: &Platform,
    ) {
        let origin =
            written(&runtime.readiness, &base.readiness).unwrap_or(Origin::Follows("basePath"));
        self.say("readinessProbe", probe(&component.readiness), origin);
        match (&component.liveness, written(&runtime.liveness, &base.liveness)) {
            (Some(liveness), Some(origin)) => self.say("livenessProbe", probe(liveness), origin),
            _ => self.say("livenessProbe", "none", Origin::BuiltIn),
        }
        if let Exposure::Public { .. } = component.exposure {
            self.of_edge(component, runtime, base, platform);
        }
        let origin = written(&runtime.egress, &base.egress).unwrap_or(Origin::BuiltIn);
        let shown =
            component.egress.iter().map(|egress| format!("{}:{}", egress.cidr, egress.port));
        self.say("network.egress", list(shown), origin);
        if let (Some(path), Some(origin)) =
            (&component.metrics_path, written(&runtime.metrics_path, &base.metrics_path))
        {
            self.say("metricsPath", path, origin);
            if platform.monitoring.is_none() {
                self.note("no effect: this platform has no monitoring");
            }
        }
    }

    fn of_edge(
        &mut self,
        component: &Component,
        runtime: &Runtime,
        base: &Runtime,
        platform: &Platform,
    ) {
        let default = |key| of_default(platform, key);
        let http = &component.http;
        let origin = written(&runtime.max_request_body_size, &base.max_request_body_size)
            .unwrap_or_else(|| default("maxRequestBodySize"));
        let size = Quantity::bytes(http.max_request_body_size);
        self.say("http.maxRequestBodySize", size, origin);
        self.note_lack(platform, Ability::BodyLimit);
        let origin = written(&runtime.request_timeout, &base.request_timeout)
            .unwrap_or_else(|| default("requestTimeout"));
        self.say("http.requestTimeout", duration::text(http.request_timeout), origin);
        self.note_lack(platform, Ability::RequestTimeout);
        let origin =
            written(&runtime.rate_limit, &base.rate_limit).unwrap_or_else(|| default("rateLimit"));
        let (rate, burst) = (http.rate_limit.requests_per_second, http.rate_limit.burst);
        let shown = format!("{{requestsPerSecond: {rate}, burst: {burst}}}");
        self.say("http.rateLimit", shown, origin);
        self.note_lack(platform, Ability::RateLimit);
        if let Some(origin) = written(&runtime.cors, &base.cors) {
            self.say("http.cors.allowOrigins", list(&http.cors), origin);
            self.note_lack(platform, Ability::Cors);
        }
    }

    fn of_calls(&mut self, component: &Component, runtime: &Runtime, setting: &Setting<'_>) {
        let written = setting.depends_on.iter().map(|name| name.at.line).min();
        let own = runtime.env.keys();
        let given = component.env.iter().filter(|(name, _)| !own.clone().any(|own| own == *name));
        for (name, value) in given {
            self.say(format!("env.{name}"), format!("{value:?}"), Origin::Follows("dependsOn"));
        }
        if let Some(line) = written {
            self.say("dependsOn", list(&component.depends_on), Origin::Component { line });
        }
    }

    fn note(&mut self, note: impl Into<String>) {
        if let Some(last) = self.told.last_mut() {
            last.note = Some(note.into());
        }
    }

    fn note_lack(&mut self, platform: &Platform, ability: Ability) {
        if let Some(lack) = platform.lacks(ability) {
            self.note(lack.why());
        }
    }
}

fn of_default(platform: &Platform, key: &str) -> Origin {
    if platform.defaults.written.contains(key) { Origin::Platform } else { Origin::BuiltIn }
}

fn probe(probe: &Probe) -> String {
    match probe {
        Probe::Get { path } => format!("GET {path} answers 2xx or 3xx"),
        Probe::TcpConnect => "the port accepts a connection".to_owned(),
    }
}
