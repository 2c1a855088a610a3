//! The classes of machines that a platform offers.

use std::collections::BTreeMap;

use super::names::{is_label_key, is_label_value, object_name};
use super::{HardwareClass, Platform, Price, limits};
use crate::catalog::fault::code;
use crate::model::decode::{Cursor, Fields, certain, nearest};
use crate::model::yaml::Span;

/// Reads the classes of machines; the name of the first one.
pub fn hardware(spec: &Fields<'_>, platform: &mut Platform) -> Option<String> {
    let items = spec.get("hardware")?.list()?;
    let mut classes: BTreeMap<String, HardwareClass> = BTreeMap::new();
    let mut first = None;
    for item in items {
        let Some((name, class)) = class(&item) else { continue };
        if classes.contains_key(&class.name) {
            let message = format!("the class `{}` stands here a second time", class.name);
            spec.sheet.say(code::CLASS_TWICE, name, message);
            continue;
        }
        first.get_or_insert_with(|| class.name.clone());
        classes.insert(class.name.clone(), class);
    }
    if !classes.is_empty() {
        platform.hardware = classes;
    }
    first
}

fn class(item: &Cursor<'_>) -> Option<(Span, HardwareClass)> {
    let fields = item.fields()?;
    let cursor = fields.required("name")?;
    let name = object_name(&cursor)?;
    let amounts = |key| amounts(&fields, key);
    let (requests, limits, caps) = (amounts("requests"), amounts("limits"), amounts("caps"));
    let group = fields.or_null("nodeGroup").and_then(|cursor| {
        let text = cursor.text()?.value;
        if text.is_empty() || !is_label_value(&text) {
            cursor.say(code::BAD_NAME, format!("`{text}` is not the value of a label"));
            return None;
        }
        Some(text)
    });
    let isolation = fields.get("isolation").and_then(|c| c.word());
    let max_cooldown = fields.get("maxCooldown").and_then(|c| c.time());
    let price = fields.get("price").and_then(|c| price(&c));
    let plain = |amounts: &limits::Amounts| {
        amounts.iter().map(|(name, amount)| (name.clone(), amount.value)).collect()
    };
    let class = HardwareClass {
        name,
        node_group: group,
        exclusive: isolation.is_some_and(|word| word.value == "exclusive"),
        requests: plain(&requests),
        limits: plain(&limits),
        caps: plain(&caps),
        max_cooldown: max_cooldown.map(|cooldown| cooldown.value),
        price,
    };
    limits::class(item, &requests, &limits, &caps);
    Some((cursor.at(), class))
}

/// Reads `price`.
fn price(cursor: &Cursor<'_>) -> Option<Price> {
    let per_hour = cursor.fields()?.required("perHour")?;
    let text = per_hour.text()?.value;
    let price = Price::parse(&text);
    if price.is_none() {
        let message = format!("`{}` is `{text}`, which is not a price", per_hour.path);
        let help = "write digits, with at most four behind a point, in quotes: \"0.95\"";
        per_hour.sheet.report(per_hour.fault(code::BAD_TEXT, message).help(help));
    }
    price
}

/// Whether a resource is counted in whole devices, such as `nvidia.com/gpu`.
pub fn is_device(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| domain.contains('.') && is_label_key(name))
}

/// Resource name → amount, of one key of a class.
fn amounts(fields: &Fields<'_>, key: &str) -> limits::Amounts {
    let Some(cursor) = fields.get(key) else { return limits::Amounts::new() };
    let known = ["cpu", "memory", "ephemeral-storage"];
    let mut amounts = limits::Amounts::new();
    for (name, cursor) in cursor.free_map() {
        let device = is_device(&name.value);
        if !known.contains(&name.value.as_str()) && !device {
            let mut fault = cursor.sheet.fault(
                code::NOT_ONE_OF,
                name.at,
                format!("`{}` is not a resource", name.value),
            );
            let near = nearest(&name.value, known.into_iter());
            fault.help = Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "cpu, memory, ephemeral-storage, or a device such as nvidia.com/gpu".into(),
            });
            let sure = certain(&name.value, known.into_iter());
            let fix = sure.and_then(|known| cursor.sheet.reword(name.at, &name.value, known));
            cursor.sheet.report(fault.fix(fix));
            continue;
        }
        let counts_bytes = matches!(name.value.as_str(), "memory" | "ephemeral-storage");
        let amount = if counts_bytes { cursor.size() } else { cursor.quantity() };
        let Some(amount) = amount else { continue };
        if device && !amount.value.is_whole() {
            cursor.say(code::BAD_QUANTITY, format!("`{}` counts whole devices", cursor.path));
            continue;
        }
        amounts.insert(name.value, amount);
    }
    amounts
}
