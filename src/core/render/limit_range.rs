//! The LimitRange: sizes for containers that others put into a solution's pods without any.
//!
//! The quota refuses pods with a container that does not say what it takes.

use std::collections::BTreeMap;

use serde_json::json;

use super::DesiredObject;
use super::amounts::{Amounts, CPU, MEMORY, STORAGE};
use super::context::Context;
use super::resources;
use crate::model::{Kind, Quantity};

/// What a container gets that says nothing: it asks for the first, may take the second.
const DEFAULTS: [(&str, Quantity, Quantity); 3] = [
    (CPU, Quantity::milli(50), Quantity::milli(500)),
    (MEMORY, Quantity::mebibytes(64), Quantity::mebibytes(256)),
    (STORAGE, Quantity::mebibytes(64), Quantity::gibibytes(1)),
];

/// Only what each of our own containers says itself is given to the others: a default would
/// otherwise reach ours as well and throttle what is meant to be unbounded. No container is
/// refused by it.
pub(super) fn limit_range(cx: &Context) -> Option<DesiredObject> {
    let components = cx.solution.components.values();
    let ours: Vec<Amounts> =
        components.flat_map(|component| resources::containers(cx, component)).collect();
    let pick = |said: fn(&Amounts, &str) -> bool, amount: fn(&(_, _, _)) -> Quantity| {
        let all_say = |name: &str| ours.iter().all(|amounts| said(amounts, name));
        let picked = DEFAULTS.iter().filter(|(name, ..)| all_say(name));
        picked.map(|row| (row.0, amount(row))).collect::<BTreeMap<&str, Quantity>>()
    };
    let requests = pick(|a, name| a.request(name).is_some(), |row| row.1);
    let limits = pick(|a, name| a.limit(name).is_some(), |row| row.2);
    (!requests.is_empty() || !limits.is_empty()).then(|| {
        cx.object(
            Kind::LimitRange,
            "defaults",
            None,
            json!({
                "spec": {
                    "limits": [
                        { "type": "Container", "default": limits, "defaultRequest": requests },
                    ],
                },
            }),
        )
    })
}
