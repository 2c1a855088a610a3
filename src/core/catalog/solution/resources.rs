//! How much of a machine a component gets: what the author asks for, within its class.

use super::author::{Amounts, Runtime};
use super::bench::Bench;
use crate::catalog::fault::code;
use crate::catalog::platform::{self, HardwareClass};
use crate::model::decode::{Cursor, Sheet, certain, nearest};
use crate::model::yaml::Spanned;
use crate::model::{Quantities, Quantity};

/// Reads `hardware`: the name of a class of the platform.
pub fn class(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Spanned<String>> {
    let text = cursor.text()?;
    let classes = &bench.platform.hardware;
    if classes.contains_key(&text.value) {
        return Some(text);
    }
    let names: Vec<&str> = classes.keys().map(String::as_str).collect();
    let mut help = format!("allowed: {}", names.join(", "));
    if let Some(near) = nearest(&text.value, names.iter().copied()) {
        help = format!("did you mean `{near}`? {help}");
    }
    let message = format!("this platform has no hardware class `{}`", text.value);
    let sure = certain(&text.value, names.iter().copied());
    let fix = sure.and_then(|name| cursor.instead(&text.value, name));
    cursor.sheet.report(cursor.fault(code::NO_HARDWARE, message).help(help).fix(fix));
    None
}

/// Reads `resources`.
pub fn read(cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let Some(fields) = cursor.fields() else { return };
    let amounts = |key| {
        let mut amounts = Amounts::new();
        let Some(cursor) = fields.get(key) else { return amounts };
        for (name, cursor) in cursor.free_map() {
            if let Some(amount) = amount(&name, &cursor) {
                amounts.insert(name.value, amount);
            }
        }
        amounts
    };
    runtime.requests = amounts("requests");
    runtime.limits = amounts("limits");
}

const KNOWN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

fn amount(name: &Spanned<String>, cursor: &Cursor<'_>) -> Option<Spanned<Quantity>> {
    let device = platform::is_device(&name.value);
    if !device && !KNOWN.contains(&name.value.as_str()) {
        let mut help = format!("allowed: {}", KNOWN.join(", "));
        if let Some(near) = nearest(&name.value, KNOWN.into_iter()) {
            help = format!("did you mean `{near}`? {help}");
        }
        let message = format!("`{}` is not a resource", name.value);
        let fault = cursor.sheet.fault(code::NOT_ONE_OF, name.at, message);
        let fix = certain(&name.value, KNOWN.into_iter());
        let fix = fix.and_then(|known| cursor.sheet.reword(name.at, &name.value, known));
        cursor.sheet.report(fault.help(help).fix(fix));
        return None;
    }
    let counts_bytes = matches!(name.value.as_str(), "memory" | "ephemeral-storage");
    let amount = if counts_bytes { cursor.size()? } else { cursor.quantity()? };
    if device && !amount.value.is_whole() {
        cursor.say(code::BAD_QUANTITY, format!("`{}` counts whole devices", cursor.path));
        return None;
    }
    if amount.value.is_zero() {
        cursor.say(code::BAD_QUANTITY, format!("`{}` is 0", cursor.path));
        return None;
    }
    Some(amount)
}

/// Requests and limits.
pub type Granted = (Quantities, Quantities);

/// What a component gets: the class's amounts, replaced by written ones, within the class's caps.
///
/// Only a written value can be over a cap or over the other written value. An absent one adapts:
/// an absent limit rises to a written request, an absent request falls to a written limit.
pub fn grant(sheet: &Sheet, class: &HardwareClass, runtime: &Runtime) -> Granted {
    for (kind, amounts) in [("requests", &runtime.requests), ("limits", &runtime.limits)] {
        for (name, amount) in amounts {
            within(sheet, class, kind, name, amount);
        }
    }
    let mut requests = class.requests.clone();
    let mut limits = class.limits.clone();
    requests.extend(runtime.requests.iter().map(|(name, q)| (name.clone(), q.value)));
    limits.extend(runtime.limits.iter().map(|(name, q)| (name.clone(), q.value)));

    // A memory request without a limit would let one demonstrator take a shared machine down.
    if let (None, Some(memory)) = (limits.get("memory"), requests.get("memory")) {
        limits.insert("memory".to_owned(), *memory);
    }
    let names: Vec<String> = limits.keys().cloned().collect();
    for name in names {
        let (Some(limit), Some(request)) = (limits.get(&name), requests.get(&name)) else {
            continue;
        };
        if request <= limit {
            continue;
        }
        match (runtime.requests.get(&name), runtime.limits.get(&name)) {
            (Some(request), Some(limit)) => sheet.say(
                code::OVER_OWN_LIMIT,
                request.at,
                format!(
                    "the request of {} {name} is more than the limit of {}",
                    request.value, limit.value
                ),
            ),
            (_, Some(limit)) => _ = requests.insert(name, limit.value),
            (Some(request), None) => _ = limits.insert(name, request.value),
            (None, None) => _ = limits.insert(name, *request),
        }
    }
    // Devices are not shared: Kubernetes wants request and limit to be equal.
    let devices: Vec<String> =
        requests.keys().chain(limits.keys()).filter(|name| name.contains('/')).cloned().collect();
    for name in devices {
        let (request, limit) = (requests.get(&name).copied(), limits.get(&name).copied());
        if let Some(amount) = request.max(limit) {
            requests.insert(name.clone(), amount);
            limits.insert(name, amount);
        }
    }
    (requests, limits)
}

fn within(
    sheet: &Sheet,
    class: &HardwareClass,
    kind: &str,
    name: &str,
    amount: &Spanned<Quantity>,
) {
    let declared = class.requests.contains_key(name) || class.limits.contains_key(name);
    if name.contains('/') && !declared && !class.caps.contains_key(name) {
        let message = format!("the hardware class `{}` has no `{name}`", class.name);
        sheet.say(code::NO_HARDWARE, amount.at, message);
        return;
    }
    if let Some(cap) = class.cap(name).filter(|cap| amount.value > *cap) {
        let message = format!(
            "`resources.{kind}.{name}` is {}, the hardware class `{}` allows at most {cap}",
            amount.value, class.name
        );
        sheet.say(code::OVER_LIMIT, amount.at, message);
    }
}
