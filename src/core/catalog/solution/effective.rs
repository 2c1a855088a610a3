//! From what was written to what holds: component > solution > hardware class > platform's
//! defaults > built in, then bounded by what the platform allows.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::author::Runtime;
use super::bench::Bench;
use super::mount::FILES_MAX;
use super::setting::Setting;
use super::{Component, Hardware, Http, Probe, Range, Scaling, Target, origin, resources};
use crate::catalog::fault::code;
use crate::catalog::platform::{Activation, HardwareClass};
use crate::model::decode::Sheet;
use crate::model::yaml::{Span, Spanned};
use crate::model::{ComponentName, MountPath, Quantities, UrlPath, duration};

impl Component {
    /// The port that the paper's contract names.
    pub const PORT: u16 = 8080;
    /// How long a start may take, unless said otherwise.
    pub const STARTUP: Duration = Duration::from_secs(5 * 60);
}

/// How to mend a missing image.
pub const ADD_IMAGE: &str =
    "add `image: registry/repository:tag@sha256:<digest>`; `vitrine pin` writes the digest";

/// Completes one component. `None` if it has no image, or no sound one.
pub fn component(
    bench: &Bench<'_>,
    sheet: &Sheet,
    runtime: Runtime,
    setting: Setting<'_>,
    image_written: bool,
) -> Option<Component> {
    let platform = bench.platform;
    let class_name = runtime.hardware.as_ref().map_or(&platform.defaults.hardware, |h| &h.value);
    let fallback = HardwareClass {
        name: class_name.clone(),
        node_group: None,
        exclusive: false,
        requests: Quantities::default(),
        limits: Quantities::default(),
        caps: Quantities::default(),
        max_cooldown: None,
        price: None,
    };
    let class = platform.hardware.get(class_name).unwrap_or(&fallback);
    let (requests, limits) = resources::grant(sheet, class, &runtime);
    let scaling = scaling(bench, sheet, class, &runtime);
    let files = files(sheet, &runtime);
    let secrets = secrets(sheet, &runtime);
    let (env, depends_on) = calls(sheet, &runtime, &secrets, setting.depends_on);
    let http = http(bench, &runtime);
    if runtime.image.is_none() && !image_written {
        let message = format!("`{}` lacks `image`", setting.path);
        sheet.missing("image", setting.key, message, ADD_IMAGE, None);
    }
    let base_path = value(&runtime.base_path).unwrap_or_else(UrlPath::root);
    let component = Component {
        name: setting.name.clone(),
        title: setting.title.clone(),
        image: value(&runtime.image)?,
        command: value(&runtime.command).unwrap_or_default(),
        args: value(&runtime.args).unwrap_or_default(),
        port: value(&runtime.port).unwrap_or(Component::PORT),
        env,
        expand_variables: value(&runtime.expand_variables).unwrap_or(false),
        secrets: secrets.into_keys().collect(),
        files,
        volumes: each(&runtime.volumes),
        hardware: Hardware {
            class: class.name.clone(),
            node_group: class.node_group.clone(),
            exclusive: class.exclusive,
        },
        requests,
        limits,
        read_only_root_filesystem: value(&runtime.read_only_root_filesystem).unwrap_or(false),
        scratch: each(&runtime.scratch),
        scaling,
        startup: value(&runtime.startup)
            .unwrap_or(Component::STARTUP.min(platform.limits.startup_timeout)),
        warmup: value(&runtime.warmup).unwrap_or_default(),
        readiness: value(&runtime.readiness)
            .unwrap_or_else(|| Probe::Get { path: base_path.clone() }),
        liveness: value(&runtime.liveness),
        exposure: setting.exposure.clone(),
        depends_on,
        egress: value(&runtime.egress).unwrap_or_default(),
        http,
        metrics_path: value(&runtime.metrics_path),
        architectures: value(&runtime.architectures).unwrap_or_default(),
        base_path,
    };
    if let Some(origins) = bench.origins {
        let mut told = origin::of(&component, &runtime, &setting, class, platform);
        origins.borrow_mut().append(&mut told);
    }
    Some(component)
}

/// What was written, without its place.
fn value<T: Clone>(written: &Option<Spanned<T>>) -> Option<T> {
    written.as_ref().map(|written| written.value.clone())
}

/// The entries of a map that was written, without their places.
fn each<K: Clone + Ord, T: Clone>(
    written: &Option<Spanned<BTreeMap<K, Spanned<T>>>>,
) -> BTreeMap<K, T> {
    let entries = written.iter().flat_map(|written| &written.value);
    entries.map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
}

fn http(bench: &Bench<'_>, runtime: &Runtime) -> Http {
    let defaults = &bench.platform.defaults;
    Http {
        request_timeout: value(&runtime.request_timeout).unwrap_or(defaults.request_timeout),
        max_request_body_size: value(&runtime.max_request_body_size)
            .unwrap_or(defaults.max_request_body_size),
        body_limit_asked: runtime.max_request_body_size.is_some(),
        rate_limit: value(&runtime.rate_limit).unwrap_or(defaults.rate_limit),
        cors: value(&runtime.cors).unwrap_or_default(),
    }
}

/// Written bounds hold; an absent one adapts to the other, and to the schedules.
fn scaling(bench: &Bench<'_>, sheet: &Sheet, class: &HardwareClass, runtime: &Runtime) -> Scaling {
    let defaults = &bench.platform.defaults;
    let schedules = value(&runtime.schedules).unwrap_or_default();
    let scheduled = schedules.iter().map(|s| s.value.replicas.get()).max().unwrap_or(0);
    let (min, max) = match (value(&runtime.min), value(&runtime.max)) {
        (Some(min), Some(max)) => (min, max),
        (Some(min), None) => (min, defaults.max_replicas.max(min).max(scheduled)),
        (None, Some(max)) => (defaults.min_replicas.min(max), max),
        (None, None) => (defaults.min_replicas, defaults.max_replicas.max(scheduled)),
    };
    if let (Some(min), Some(max)) = (&runtime.min, &runtime.max)
        && min.value > max.value
    {
        let message =
            format!("`minReplicas` is {}, more than `maxReplicas` ({})", min.value, max.value);
        sheet.say(code::OVER_OWN_LIMIT, min.at, message);
    }
    for schedule in schedules.iter().filter(|s| s.value.replicas.get() > max) {
        let desired = schedule.value.replicas;
        let message = format!("`desiredReplicas` is {desired}, more than `maxReplicas` ({max})");
        sheet.say(code::OVER_OWN_LIMIT, schedule.at, message);
    }
    let cooldown = cooldown(bench, sheet, class, runtime);
    let at_least_one = |n: u16| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
    let awake = matches!(bench.platform.activation, Activation::None);
    let range = Range::new(min, at_least_one(max)).filter(|_| !awake);
    let Some(range) = range else {
        let schedules = runtime.schedules.as_ref().filter(|written| !written.value.is_empty());
        let cooldown = runtime.cooldown.as_ref().map(|written| ("cooldownPeriod", written.at));
        let idle = schedules.map(|written| ("schedules", written.at)).into_iter().chain(cooldown);
        for (key, at) in idle {
            let why = if awake { "nothing sleeps on this platform" } else { "it never sleeps" };
            sheet.say(code::NO_EFFECT, at, format!("`{key}` has no effect: {why}"));
        }
        return Scaling::AlwaysOn { replicas: at_least_one(min) };
    };
    Scaling::Autoscaled {
        range,
        cooldown,
        target: value(&runtime.target).unwrap_or(Target::USUAL),
        schedules: schedules.into_iter().map(|schedule| schedule.value).collect(),
    }
}

fn cooldown(
    bench: &Bench<'_>,
    sheet: &Sheet,
    class: &HardwareClass,
    runtime: &Runtime,
) -> Duration {
    let most = class.max_cooldown.unwrap_or(bench.platform.limits.cooldown.1);
    let Some(written) = &runtime.cooldown else {
        return bench.platform.defaults.cooldown.min(most);
    };
    if written.value > most {
        let message = format!(
            "`cooldownPeriod` is {}, the hardware class `{}` allows at most {}",
            duration::text(written.value),
            class.name,
            duration::text(most)
        );
        sheet.say(code::OVER_LIMIT, written.at, message);
    }
    written.value
}

/// The names of secret variables, each with its place. One that is public as well is a fault.
fn secrets(sheet: &Sheet, runtime: &Runtime) -> BTreeMap<String, Span> {
    let names = runtime.secrets.iter().flat_map(|written| &written.value);
    let names: BTreeMap<String, Span> = names.map(|name| (name.value.clone(), name.at)).collect();
    for (name, at) in names.iter().filter(|(name, _)| runtime.env.contains_key(*name)) {
        let message = format!("`{name}` stands under `env` and under `secrets`");
        let fault = sheet.fault(code::ENV_TWICE, *at, message);
        sheet.report(fault.help("take one of them out"));
    }
    names
}

fn files(sheet: &Sheet, runtime: &Runtime) -> BTreeMap<MountPath, Arc<[u8]>> {
    let together: usize = runtime.files.values().map(|file| file.value.len()).sum();
    if together > FILES_MAX
        && let Some(last) = runtime.files.values().max_by_key(|file| file.value.len())
    {
        let message = format!("the files have {together} bytes together, allowed are {FILES_MAX}");
        let fault = sheet.fault(code::FILES_TOO_LARGE, last.at, message);
        sheet.report(fault.help("put data into the image"));
    }
    let mut mounted: BTreeMap<&MountPath, &str> =
        runtime.files.keys().map(|path| (path, "as a file")).collect();
    for (path, file) in &runtime.files {
        if let Some(above) = runtime.files.keys().find(|other| path.is_below(other)) {
            let message = format!("`{path}` lies below the file `{above}`");
            sheet.say(code::MOUNT_TWICE, file.at, message);
        }
    }
    let scratch = runtime.scratch.iter().flat_map(|written| &written.value);
    let scratch = scratch.map(|(path, size)| (path, size.at, "as scratch"));
    let volumes = runtime.volumes.iter().flat_map(|written| written.value.values());
    let volumes = volumes.map(|v| (&v.value.mount_path, v.at, "as a volume"));
    for (path, at, what) in scratch.chain(volumes) {
        if let Some(first) = mounted.insert(path, what) {
            let message = format!("`{path}` is mounted twice: {first} and {what}");
            sheet.say(code::MOUNT_TWICE, at, message);
        }
    }
    runtime.files.iter().map(|(path, file)| (path.clone(), Arc::clone(&file.value))).collect()
}

/// The environment with the addresses of what is called.
fn calls(
    sheet: &Sheet,
    runtime: &Runtime,
    secrets: &BTreeMap<String, Span>,
    depends_on: &[Spanned<String>],
) -> (BTreeMap<String, String>, BTreeSet<ComponentName>) {
    let mut env: BTreeMap<String, String> =
        runtime.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let mut names = BTreeSet::new();
    for wanted in depends_on {
        let Ok(name) = ComponentName::parse(&wanted.value) else { continue };
        let variable = format!("{}_URL", wanted.value.to_uppercase().replace('-', "_"));
        let own = runtime.env.get(&variable).map(|own| own.at);
        if let Some(at) = own.or_else(|| secrets.get(&variable).copied()) {
            let message = format!(
                "`{variable}` is set by the platform, because of `dependsOn: [{}]`",
                wanted.value
            );
            let fault = sheet.fault(code::ENV_TAKEN, at, message);
            sheet.report(fault.help("delete it, or give it another name"));
        }
        env.insert(variable, format!("http://{}", wanted.value));
        names.insert(name);
    }
    (env, names)
}
