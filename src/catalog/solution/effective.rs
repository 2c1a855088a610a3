//! From what was written to what holds: component > solution > hardware class > platform's
//! defaults > built in, then bounded by what the platform allows.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::author::Runtime;
use super::judge::Bench;
use super::mount::FILES_MAX;
use super::{Component, Exposure, Hardware, Http, Probe, Scaling, Target, resources};
use crate::catalog::fault::code;
use crate::catalog::platform::{Activation, HardwareClass};
use crate::model::ComponentName;
use crate::model::decode::Sheet;
use crate::model::yaml::{Span, Spanned};

/// The port that the paper's contract names.
const PORT: u16 = 8080;
/// How long a start may take, unless said otherwise.
const STARTUP: Duration = Duration::from_secs(5 * 60);
/// Requests at the same time that one replica is trusted with.
const CONCURRENCY: u32 = 10;

/// A component's place in its solution.
pub struct Setting<'a> {
    pub name: ComponentName,
    pub title: Option<String>,
    pub exposure: Exposure,
    pub depends_on: &'a [Spanned<String>],
    /// Where a missing image is told.
    pub key: Span,
    /// `spec`, `spec.components.web`
    pub path: String,
}

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
        requests: BTreeMap::new(),
        limits: BTreeMap::new(),
        caps: BTreeMap::new(),
        max_cooldown: None,
    };
    let class = platform.hardware.get(class_name).unwrap_or(&fallback);
    let (requests, limits) = resources::grant(sheet, class, &runtime);
    let scaling = scaling(bench, sheet, class, &runtime);
    let files = files(sheet, &runtime);
    let (env, depends_on) = calls(sheet, &runtime, setting.depends_on);
    let base_path = runtime.base_path.unwrap_or_else(|| "/".to_owned());
    if runtime.image.is_none() && !image_written {
        sheet.missing("image", setting.key, format!("`{}` lacks `image`", setting.path));
    }
    Some(Component {
        name: setting.name,
        title: setting.title,
        image: runtime.image?.value,
        command: runtime.command.unwrap_or_default(),
        args: runtime.args.unwrap_or_default(),
        port: runtime.port.unwrap_or(PORT),
        env,
        files,
        hardware: Hardware {
            class: class.name.clone(),
            node_group: class.node_group.clone(),
            exclusive: class.exclusive,
        },
        requests,
        limits,
        read_only_root_filesystem: runtime.read_only_root_filesystem.unwrap_or(false),
        scratch: runtime
            .scratch
            .unwrap_or_default()
            .into_iter()
            .map(|(path, size)| (path, size.value.to_string()))
            .collect(),
        scaling,
        startup: runtime.startup.unwrap_or(STARTUP.min(platform.limits.startup_timeout)),
        readiness: runtime.readiness.unwrap_or_else(|| Probe::Get { path: base_path.clone() }),
        liveness: runtime.liveness,
        exposure: setting.exposure,
        depends_on,
        egress: runtime.egress.unwrap_or_default(),
        http: Http {
            request_timeout: runtime.request_timeout.unwrap_or(platform.defaults.request_timeout),
            max_request_body_size: runtime
                .max_request_body_size
                .unwrap_or(platform.defaults.max_request_body_size),
        },
        base_path,
    })
}

/// Written bounds hold; an absent one adapts to the other.
fn scaling(bench: &Bench<'_>, sheet: &Sheet, class: &HardwareClass, runtime: &Runtime) -> Scaling {
    let (defaults, limits) = (&bench.platform.defaults, &bench.platform.limits);
    let written = |value: &Option<Spanned<u16>>| value.as_ref().map(|value| value.value);
    let (min, max) = match (written(&runtime.min), written(&runtime.max)) {
        (Some(min), Some(max)) => (min, max),
        (Some(min), None) => (min, defaults.max_replicas.max(min)),
        (None, Some(max)) => (defaults.min_replicas.min(max), max),
        (None, None) => (defaults.min_replicas, defaults.max_replicas),
    };
    if let (Some(min), Some(max)) = (&runtime.min, &runtime.max)
        && min.value > max.value
    {
        let message =
            format!("`minReplicas` is {}, more than `maxReplicas` ({})", min.value, max.value);
        sheet.say(code::OVER_OWN_LIMIT, min.at, message);
    }
    let most = class.max_cooldown.unwrap_or(limits.cooldown.1);
    let cooldown = match &runtime.cooldown {
        Some(written) => {
            if written.value > most {
                let message = format!(
                    "`cooldownPeriod` is {}, the hardware class `{}` allows at most {}",
                    crate::model::duration::text(written.value),
                    class.name,
                    crate::model::duration::text(most)
                );
                sheet.say(code::OVER_LIMIT, written.at, message);
            }
            written.value
        }
        None => defaults.cooldown.min(most),
    };
    let at_least_one = |n: u16| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
    let awake = matches!(bench.platform.activation, Activation::None);
    if awake || (min > 0 && min >= max) {
        return Scaling::AlwaysOn { replicas: at_least_one(min) };
    }
    Scaling::Autoscaled {
        min,
        max: at_least_one(max),
        cooldown,
        target: runtime.target.unwrap_or(Target::Concurrency(CONCURRENCY)),
    }
}

fn files(sheet: &Sheet, runtime: &Runtime) -> BTreeMap<String, Arc<[u8]>> {
    let together: usize = runtime.files.values().map(|file| file.value.len()).sum();
    if together > FILES_MAX
        && let Some(last) = runtime.files.values().max_by_key(|file| file.value.len())
    {
        let message = format!("the files have {together} bytes together, allowed are {FILES_MAX}");
        let fault = sheet.fault(code::FILES_TOO_LARGE, last.at, message);
        sheet.report(fault.help("put data into the image"));
    }
    for (path, size) in runtime.scratch.iter().flatten() {
        if runtime.files.contains_key(path) {
            let message = format!("`{path}` is mounted twice: as a file and as scratch");
            sheet.say(code::MOUNT_TWICE, size.at, message);
        }
    }
    runtime.files.iter().map(|(path, file)| (path.clone(), Arc::clone(&file.value))).collect()
}

/// The environment with the addresses of what is called.
fn calls(
    sheet: &Sheet,
    runtime: &Runtime,
    depends_on: &[Spanned<String>],
) -> (BTreeMap<String, String>, BTreeSet<ComponentName>) {
    let mut env: BTreeMap<String, String> =
        runtime.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let mut names = BTreeSet::new();
    for wanted in depends_on {
        let Ok(name) = ComponentName::parse(&wanted.value) else { continue };
        let variable = format!("{}_URL", wanted.value.to_uppercase().replace('-', "_"));
        if let Some(own) = runtime.env.get(&variable) {
            let message = format!(
                "`{variable}` is set by the platform, because of `dependsOn: [{}]`",
                wanted.value
            );
            let fault = sheet.fault(code::ENV_TAKEN, own.at, message);
            sheet.report(fault.help("delete it, or give it another name"));
        }
        env.insert(variable, format!("http://{}", wanted.value));
        names.insert(name);
    }
    (env, names)
}
