//! The ResourceQuota: the most that a solution can take of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use litemap::LiteMap;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::DesiredObject;
use super::amounts::{Amounts, CPU, MEMORY, STORAGE};
use super::context::Context;
use super::deployment::surge;
use super::object::sealed;
use super::resources::{self, is_device};
use crate::model::{Kind, Quantity, marks};

/// What a solution never has: a way in beside the edge, and state.
const NEVER: [&str; 3] = ["persistentvolumeclaims", "services.loadbalancers", "services.nodeports"];

/// Room for the greatest number of copies of every component at once, and for the pod that a
/// roll-out adds. It does not depend on whether the solution is suspended: nothing falls when it
/// goes to rest, and nothing waits when it comes back.
///
/// A resource is bounded if every container says how much of it it takes, because a quota refuses
/// a pod of which one does not: a CPU limit is rare, so `limits.cpu` is too.
pub(super) fn resource_quota(cx: &Context) -> DesiredObject {
    let pods: Vec<(u32, Vec<Amounts>)> = cx
        .solution
        .components
        .values()
        .map(|component| {
            let most = u32::from(cx.bounds(component).1) + u32::from(surge(component));
            (most, resources::containers(cx, component))
        })
        .collect();
    let mut hard: BTreeMap<String, String> =
        NEVER.iter().map(|name| ((*name).to_owned(), "0".to_owned())).collect();
    let number = pods.iter().map(|(most, _)| most).sum();
    hard.insert("pods".to_owned(), Quantity::count(number).to_string());
    for resource in [CPU, MEMORY, STORAGE] {
        if let Some(sum) = sum(&pods, |amounts| amounts.request(resource)) {
            hard.insert(format!("requests.{resource}"), sum.to_string());
        }
        if let Some(sum) = sum(&pods, |amounts| amounts.limit(resource)) {
            hard.insert(format!("limits.{resource}"), sum.to_string());
        }
    }
    for device in devices(&pods) {
        let count = |amounts: &Amounts| Some(amounts.request(device).unwrap_or(Quantity::count(0)));
        if let Some(sum) = sum(&pods, count) {
            hard.insert(format!("requests.{device}"), sum.to_string());
        }
    }
    cx.object(Kind::ResourceQuota, "limits", None, json!({ "spec": { "hard": hard } }))
}

/// What all pods take together; `None` if one container does not say.
fn sum(
    pods: &[(u32, Vec<Amounts>)],
    amount: impl Fn(&Amounts) -> Option<Quantity>,
) -> Option<Quantity> {
    let mut sum = None;
    for (most, containers) in pods {
        for amounts in containers {
            let part = amount(amounts)? * *most;
            sum = Some(sum.map_or(part, |sum| sum + part));
        }
    }
    sum
}

fn devices(pods: &[(u32, Vec<Amounts>)]) -> BTreeSet<&str> {
    let containers = pods.iter().flat_map(|(_, containers)| containers);
    let names = containers.flat_map(|amounts| amounts.requests.keys().chain(amounts.limits.keys()));
    names.map(String::as_str).filter(|name| is_device(name)).collect()
}

/// The form of a quota for the time of a roll-out, if a value falls from what stands on the
/// cluster (`hard`): old and new pods run at once, so of each value the greater, and no bound that
/// is new. `None` if nothing falls.
///
/// Where nothing rises at the same time, that is what stands there already, to the last digit.
pub fn widened(quota: &DesiredObject, hard: &LiteMap<SmolStr, SmolStr>) -> Option<DesiredObject> {
    let wanted = quota.body.pointer("/spec/hard").and_then(Value::as_object)?;
    let mut falls = false;
    let mut wide = BTreeMap::new();
    for (name, new) in wanted {
        let (Some(new), Some(old)) = (new.as_str(), hard.get(name.as_str())) else {
            falls = true;
            continue;
        };
        let less = match (Quantity::parse(new), Quantity::parse(old)) {
            (Ok(new), Ok(old)) => new < old,
            _ => false,
        };
        falls |= less;
        wide.insert(name.as_str(), if less { old.as_str() } else { new });
    }
    falls.then(|| {
        let mut body = quota.body.clone();
        if let Some(annotations) = body["metadata"]["annotations"].as_object_mut() {
            annotations.remove(marks::CONTENT);
        }
        body["spec"]["hard"] = json!(wide);
        sealed(quota.key.clone(), quota.wave, quota.component.clone(), body)
    })
}
