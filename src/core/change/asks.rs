//! What an operator should see before a merge: what is more than a solution gets that asks for
//! nothing, and more than it has now. The platform allows all of it; what it forbids is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::sentence::{Sentence, several};
use crate::catalog::Platform;
use crate::catalog::platform::{Activation, HardwareClass};
use crate::catalog::solution::{Component, Scaling, Shape, Solution};
use crate::model::{Quantities, Quantity, duration};
use crate::render::isolation::Peer;
use crate::render::secret_name;

/// One phrase each. `old` is what is published now.
pub(super) fn asks(old: Option<&Solution>, new: &Solution, platform: &Platform) -> Vec<Sentence> {
    let mut asks = Vec::new();
    for component in new.components.values() {
        let before = old.and_then(|old| old.components.get(&component.name)).map(AsRef::as_ref);
        let is_part = new.shape != Shape::Single;
        let mut ask = |ask: Sentence| {
            asks.push(if is_part { ask.about(&component.name) } else { ask });
        };
        let class = platform.hardware.get(&component.hardware.class);
        machine(before, component, class, &mut ask);
        amounts(before, component, class, &mut ask);
        copies(before, component, platform, &mut ask);
        edge(before, component, platform, &mut ask);
        for egress in &component.egress {
            if before.is_none_or(|before| !before.egress.contains(egress)) {
                let cidr = egress.cidr.to_string();
                let peer = Peer::Network { cidr, port: Some(egress.port) };
                ask(Sentence::of("connections to {}", &[&peer]));
            }
        }
    }
    secrets(old, new, &mut asks);
    asks
}

fn machine(
    before: Option<&Component>,
    component: &Component,
    class: Option<&HardwareClass>,
    ask: &mut impl FnMut(Sentence),
) {
    if before.is_some_and(|before| before.hardware.class == component.hardware.class) {
        return;
    }
    let Some(class) = class else { return };
    let devices: Vec<String> = class
        .requests
        .iter()
        .chain(&class.limits)
        .filter(|(name, _)| name.contains('/'))
        .map(|(name, amount)| format!("{name} {amount}"))
        .collect();
    if let Some(device) = devices.first() {
        ask(Sentence::of("a machine of class {} with {}", &[&class.name, device]));
    } else if class.exclusive {
        ask(Sentence::of("a machine of class {} for itself alone", &[&class.name]));
    }
}

fn amounts(
    before: Option<&Component>,
    component: &Component,
    class: Option<&HardwareClass>,
    ask: &mut impl FnMut(Sentence),
) {
    let Some(class) = class else { return };
    // A copy is sure to get the one and may use the other: the larger one is what it takes.
    let most = |requests: &Quantities, limits: &Quantities| {
        let mut most = requests.clone();
        for (name, limit) in limits {
            let entry = most.entry(name.clone()).or_insert(*limit);
            *entry = (*entry).max(*limit);
        }
        most
    };
    let given = most(&class.requests, &class.limits);
    let had = before.map(|before| most(&before.requests, &before.limits)).unwrap_or_default();
    for (name, amount) in most(&component.requests, &component.limits) {
        let Some(given) = given.get(&name) else { continue };
        let raised = had.get(&name).is_none_or(|had| amount > *had);
        if amount > *given && raised {
            ask(Sentence::of(
                "{} a copy; the class {} gives {}",
                &[&format!("{name} {amount}"), &class.name, given],
            ));
        }
    }
}

fn copies(
    before: Option<&Component>,
    component: &Component,
    platform: &Platform,
    ask: &mut impl FnMut(Sentence),
) {
    let defaults = &platform.defaults;
    let bounds = |component: &Component| match &component.scaling {
        Scaling::AlwaysOn { replicas } => (replicas.get(), replicas.get()),
        Scaling::Autoscaled { range, .. } => (range.min(), range.max().get()),
    };
    let (least, most) = bounds(component);
    let had = before.map_or((0, 0), bounds);
    // Where nothing sleeps, each has a copy that is awake.
    let given = match platform.activation {
        Activation::None => defaults.min_replicas.max(1),
        Activation::Interceptor(_) | Activation::Prometheus(_) => defaults.min_replicas,
    };
    if least > given && least > had.0 {
        let copies = if least == 1 { "1 copy".to_owned() } else { format!("{least} copies") };
        ask(Sentence::of("{} kept awake at all times", &[&copies]));
    }
    if most > defaults.max_replicas && most > had.1 && most > least {
        ask(Sentence::of("up to {} copies; {} unless asked for", &[&most, &defaults.max_replicas]));
    }
    let Scaling::Autoscaled { cooldown, schedules, .. } = &component.scaling else { return };
    let (had_cooldown, had_schedules) = match before.map(|before| &before.scaling) {
        Some(Scaling::Autoscaled { cooldown, schedules, .. }) => (*cooldown, schedules.as_slice()),
        Some(Scaling::AlwaysOn { .. }) | None => (std::time::Duration::ZERO, &[][..]),
    };
    if *cooldown > defaults.cooldown && *cooldown > had_cooldown {
        let (asked, given) = (duration::text(*cooldown), duration::text(defaults.cooldown));
        ask(Sentence::of("awake for {} after a visit; {} unless asked for", &[&asked, &given]));
    }
    for schedule in schedules.iter().filter(|schedule| !had_schedules.contains(schedule)) {
        ask(Sentence::of(
            "kept awake from {} to {} ({})",
            &[&schedule.start, &schedule.end, &schedule.timezone],
        ));
    }
}

fn edge(
    before: Option<&Component>,
    component: &Component,
    platform: &Platform,
    ask: &mut impl FnMut(Sentence),
) {
    let (http, defaults) = (&component.http, &platform.defaults);
    let had = before.map(|before| &before.http);
    let size = http.max_request_body_size;
    if size > defaults.max_request_body_size
        && had.is_none_or(|had| size > had.max_request_body_size)
    {
        let given = Quantity::bytes(defaults.max_request_body_size);
        let asked = Quantity::bytes(size);
        ask(Sentence::of("requests of up to {}; {} unless asked for", &[&asked, &given]));
    }
    let timeout = http.request_timeout;
    if timeout > defaults.request_timeout && had.is_none_or(|had| timeout > had.request_timeout) {
        let (asked, given) = (duration::text(timeout), duration::text(defaults.request_timeout));
        ask(Sentence::of("answers that take up to {}; {} unless asked for", &[&asked, &given]));
    }
    let rate = http.rate_limit.requests_per_second;
    if rate > defaults.rate_limit.requests_per_second
        && had.is_none_or(|had| rate > had.rate_limit.requests_per_second)
    {
        let given = defaults.rate_limit.requests_per_second;
        let ours = "{} requests a second for one client; {} unless asked for";
        ask(Sentence::of(ours, &[&rate, &given]));
    }
}

/// A key that is not in its Secret keeps a pod from starting.
fn secrets(old: Option<&Solution>, new: &Solution, asks: &mut Vec<Sentence>) {
    let of = |solution: &'_ Solution| -> BTreeSet<(String, String)> {
        let components = solution.components.values();
        let keys = components.flat_map(|component| {
            let secret = secret_name(solution.shape, &component.name);
            component.secrets.iter().map(move |key| (secret.clone(), key.clone()))
        });
        keys.collect()
    };
    // Whichever component had it: components share a Secret.
    let had = old.map(of).unwrap_or_default();
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (secret, key) in of(new).difference(&had) {
        wanted.entry(secret.clone()).or_default().push(key.clone());
    }
    for (secret, names) in wanted {
        asks.push(Sentence::of(
            "the Secret {} in the namespace {} with {}, before it can start",
            &[&secret, &new.name.namespace(), &several(names)],
        ));
    }
}
