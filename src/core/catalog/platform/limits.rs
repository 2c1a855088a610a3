//! `limits`, `defaults`, and what a class of hardware may promise: bounds that must agree.

use std::collections::BTreeMap;

use super::{Ability, EgressLimit, Limits, Platform};
use crate::catalog::fault::code;
use crate::catalog::network;
use crate::model::decode::{Cursor, Fields, certain, nearest};
use crate::model::yaml::{Spanned, Value};
use crate::model::{Quantity, duration};

/// Resource name → amount, with its place.
pub type Amounts = BTreeMap<String, Spanned<Quantity>>;

/// Reads `spec.limits`.
pub fn limits(cursor: &Cursor<'_>, limits: &mut Limits) {
    let Some(fields) = cursor.fields() else {
        return;
    };
    let count = |key| Some(fields.get(key)?.whole()?.value);
    if let Some(n) = count("maxReplicas") {
        limits.max_replicas = small(n);
    }
    if let Some(n) = count("minReplicas") {
        limits.min_replicas = small(n);
    }
    if let Some(n) = count("maxComponents") {
        limits.max_components = usize::from(small(n));
    }
    if let Some(n) = count("maxConfigurations") {
        limits.max_configurations = usize::from(small(n));
    }
    if let Some(size) = fields.get("maxRequestBodySize").and_then(|c| c.size()) {
        limits.max_request_body_size = size.value.whole();
    }
    if let Some(timeout) = fields.get("requestTimeout").and_then(|c| c.time()) {
        limits.request_timeout = timeout.value;
    }
    if let Some(timeout) = fields.get("startupTimeout").and_then(|c| c.time()) {
        limits.startup_timeout = timeout.value;
    }
    if let Some(cursor) = fields.get("cooldownPeriod")
        && let Some(bounds) = cursor.fields()
    {
        let bound = |key| Some(bounds.get(key)?.time()?.value);
        limits.cooldown.0 = bound("min").unwrap_or(limits.cooldown.0);
        limits.cooldown.1 = bound("max").unwrap_or(limits.cooldown.1);
        if limits.cooldown.0 > limits.cooldown.1 {
            let message = format!("`{}`: `min` is more than `max`", cursor.path);
            cursor.say(code::OVER_OWN_LIMIT, message);
        }
    }
    if let Some(limit) = fields.get("egress").and_then(|c| egress(&c)) {
        limits.egress = limit;
    }
}

/// `public`, `allowed`, `forbidden`, or a list of networks.
fn egress(cursor: &Cursor<'_>) -> Option<EgressLimit> {
    if !matches!(cursor.node.value, Value::List(_)) {
        return Some(match cursor.word()?.value {
            "forbidden" => EgressLimit::Forbidden,
            "allowed" => EgressLimit::Allowed,
            _ => EgressLimit::Public,
        });
    }
    let networks = cursor.list()?;
    let parsed = networks.iter().filter_map(network::read);
    Some(EgressLimit::Only(parsed.collect()))
}

fn small(n: u64) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Reads `spec.defaults`, and bounds what is not written by the limits.
pub fn defaults(spec: &Fields<'_>, first_class: Option<&str>, platform: &mut Platform) {
    let limits = platform.limits.clone();
    let defaults = &mut platform.defaults;
    if !platform.hardware.contains_key(&defaults.hardware)
        && let Some(first) = first_class
    {
        first.clone_into(&mut defaults.hardware);
    }
    defaults.max_replicas = defaults.max_replicas.min(limits.max_replicas);
    defaults.cooldown = defaults.cooldown.max(limits.cooldown.0).min(limits.cooldown.1);
    defaults.request_timeout = defaults.request_timeout.min(limits.request_timeout);
    defaults.max_request_body_size =
        defaults.max_request_body_size.min(limits.max_request_body_size);

    let Some(fields) = spec.get("defaults").and_then(|c| c.fields()) else { return };
    if let Some(cursor) = fields.get("hardware")
        && let Some(class) = cursor.text()
    {
        if platform.hardware.contains_key(&class.value) {
            platform.defaults.hardware = class.value;
        } else {
            let names = platform.hardware.keys().map(String::as_str);
            let message = format!("no class of `spec.hardware` is called `{}`", class.value);
            let mut fault = cursor.fault(code::NO_HARDWARE, message);
            let sure = certain(&class.value, names.clone());
            fault.help = nearest(&class.value, names).map(|near| format!("did you mean `{near}`?"));
            let fix = sure.and_then(|name| cursor.instead(&class.value, name));
            cursor.sheet.report(fault.fix(fix));
        }
    }
    platform.defaults.written.extend(fields.has("hardware").then_some("hardware"));
    if let Some(cursor) = fields.get("scaling") {
        scaling(&cursor, platform, &limits);
    }
    if let Some(cursor) = fields.get("http") {
        http(&cursor, platform, &limits);
    }
}

fn over(cursor: &Cursor<'_>, found: &str, limit: &str) {
    let message = format!("`{}` is {found}, `spec.limits` allows {limit}", cursor.path);
    cursor.say(code::DEFAULT_OVER_LIMIT, message);
}

fn scaling(cursor: &Cursor<'_>, platform: &mut Platform, limits: &Limits) {
    let Some(fields) = cursor.fields() else { return };
    let defaults = &mut platform.defaults;
    let keys = ["minReplicas", "maxReplicas", "cooldownPeriod"];
    defaults.written.extend(keys.into_iter().filter(|key| fields.has(key)));
    for (key, limit, value) in [
        ("minReplicas", limits.min_replicas, &mut defaults.min_replicas),
        ("maxReplicas", limits.max_replicas, &mut defaults.max_replicas),
    ] {
        let Some(cursor) = fields.get(key) else { continue };
        let Some(n) = cursor.whole() else { continue };
        if n.value > u64::from(limit) {
            over(&cursor, &n.value.to_string(), &limit.to_string());
        } else {
            *value = small(n.value);
        }
    }
    defaults.max_replicas = defaults.max_replicas.max(defaults.min_replicas).max(1);
    if let Some(cursor) = fields.get("cooldownPeriod")
        && let Some(cooldown) = cursor.time()
    {
        let (least, most) = limits.cooldown;
        if cooldown.value < least || cooldown.value > most {
            let range = format!("{} to {}", duration::text(least), duration::text(most));
            over(&cursor, &duration::text(cooldown.value), &range);
        } else {
            defaults.cooldown = cooldown.value;
        }
    }
}

fn http(cursor: &Cursor<'_>, platform: &mut Platform, limits: &Limits) {
    let Some(fields) = cursor.fields() else { return };
    let keys = ["maxRequestBodySize", "requestTimeout", "rateLimit"];
    platform.defaults.written.extend(keys.into_iter().filter(|key| fields.has(key)));
    if let Some(cursor) = fields.get("maxRequestBodySize")
        && let Some(size) = cursor.size()
    {
        if size.value.whole() > limits.max_request_body_size {
            let limit = Quantity::bytes(limits.max_request_body_size).to_string();
            over(&cursor, &size.value.to_string(), &limit);
        } else {
            platform.defaults.max_request_body_size = size.value.whole();
        }
    }
    if let Some(cursor) = fields.get("requestTimeout")
        && let Some(timeout) = cursor.time()
    {
        if timeout.value > limits.request_timeout {
            let limit = duration::text(limits.request_timeout);
            over(&cursor, &duration::text(timeout.value), &limit);
        } else {
            platform.defaults.request_timeout = timeout.value;
        }
    }
    if let Some(rate) = fields.get("rateLimit").and_then(|c| crate::catalog::rate_limit(&c)) {
        platform.defaults.rate_limit = rate.value;
    }
    for (key, ability) in [
        ("maxRequestBodySize", Ability::BodyLimit),
        ("requestTimeout", Ability::RequestTimeout),
        ("rateLimit", Ability::RateLimit),
    ] {
        if let (Some(cursor), Some(not_able)) = (fields.or_null(key), platform.lacks(ability)) {
            crate::catalog::not_enforced(&cursor, not_able);
        }
    }
}

/// A class must be able to grant what it asks for by default.
pub fn class(item: &Cursor<'_>, requests: &Amounts, limits: &Amounts, caps: &Amounts) {
    for (name, request) in requests {
        if let Some(limit) = limits.get(name).filter(|limit| limit.value < request.value) {
            let message = format!(
                "`limits.{name}` is {}, less than `requests.{name}` ({})",
                limit.value, request.value
            );
            item.sheet.say(code::OVER_OWN_LIMIT, limit.at, message);
        }
    }
    for (kind, amounts) in [("requests", requests), ("limits", limits)] {
        for (name, amount) in amounts {
            if let Some(cap) = caps.get(name).filter(|cap| cap.value < amount.value) {
                let message = format!(
                    "`{kind}.{name}` is {}, over the class's own cap of {}",
                    amount.value, cap.value
                );
                item.sheet.say(code::DEFAULT_OVER_LIMIT, amount.at, message);
            }
        }
    }
}
