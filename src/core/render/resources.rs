//! What a container may use. Every container has requests and limits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::context::Context;
use super::{mesh, warm_up};
use crate::catalog::solution::Component;
use crate::model::Quantity;

pub(super) const CPU: &str = "cpu";
pub(super) const MEMORY: &str = "memory";
/// The kubelet evicts who writes more: a container cannot fill its node's disk.
pub(super) const STORAGE: &str = "ephemeral-storage";
/// What a container gets of the node's disk if nobody says anything.
const STORAGE_REQUEST: &str = "1Gi";
const STORAGE_LIMIT: &str = "5Gi";

/// What a container asks for and may take, by resource.
pub(super) struct Amounts {
    pub requests: BTreeMap<String, String>,
    pub limits: BTreeMap<String, String>,
}

impl Amounts {
    /// The `resources` of a container.
    pub fn body(&self) -> Value {
        json!({ "requests": self.requests, "limits": self.limits })
    }

    /// What the scheduler sets aside. The API server takes the limit where no request is written.
    pub fn request(&self, resource: &str) -> Option<Quantity> {
        let text = self.requests.get(resource).or_else(|| self.limits.get(resource))?;
        Quantity::parse(text).ok()
    }

    pub fn limit(&self, resource: &str) -> Option<Quantity> {
        Quantity::parse(self.limits.get(resource)?).ok()
    }
}

/// What every container of one pod of a component takes: the application's, and what runs beside
/// it (a mesh's proxy, a warm-up), so that the quota has room for all of it.
pub(super) fn containers(cx: &Context, component: &Component) -> Vec<Amounts> {
    let beside = mesh::proxy(cx).into_iter().chain(warm_up::amounts(cx, component));
    [application(component)].into_iter().chain(beside).collect()
}

/// What the application takes.
pub(super) fn application(component: &Component) -> Amounts {
    let mut requests = component.requests.clone();
    let mut limits = component.limits.clone();

    if let Some(memory) = requests.get(MEMORY) {
        limits.entry(MEMORY.to_owned()).or_insert_with(|| memory.clone());
    }
    if !requests.contains_key(STORAGE) {
        let request = smaller(STORAGE_REQUEST, limits.get(STORAGE));
        requests.insert(STORAGE.to_owned(), request);
    }
    if !limits.contains_key(STORAGE) {
        let limit = larger(STORAGE_LIMIT, requests.get(STORAGE));
        limits.insert(STORAGE.to_owned(), limit);
    }
    // Devices cannot be overcommitted: the API server refuses a request without an equal limit.
    let devices = requests.iter().filter(|(name, _)| is_device(name)).map(own);
    for (name, count) in devices.collect::<Vec<_>>() {
        limits.entry(name).or_insert(count);
    }
    Amounts { requests, limits }
}

/// Whether the component holds a device, of which a node has few.
pub(super) fn holds_device(component: &Component) -> bool {
    component.requests.keys().chain(component.limits.keys()).any(|name| is_device(name))
}

/// Extended resources have a domain: `nvidia.com/gpu`.
pub(super) fn is_device(resource: &str) -> bool {
    resource.contains('/')
}

fn own((name, count): (&String, &String)) -> (String, String) {
    (name.clone(), count.clone())
}

fn smaller(default: &str, bound: Option<&String>) -> String {
    let bound = bound.filter(|b| amount(b) < amount(default));
    bound.cloned().unwrap_or_else(|| default.to_owned())
}

fn larger(default: &str, bound: Option<&String>) -> String {
    let bound = bound.filter(|b| amount(b) > amount(default));
    bound.cloned().unwrap_or_else(|| default.to_owned())
}

/// `catalog` made it canonical; what it is not is nothing.
fn amount(quantity: &str) -> Quantity {
    Quantity::parse(quantity).unwrap_or(Quantity::count(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_compare_across_units() {
        assert!(amount("900Mi") < amount("1Gi"));
        assert!(amount("2G") > amount("1Gi"));
        assert!(amount("500m") < amount("1"));
        assert_eq!(amount("1Gi"), amount("1024Mi"));
    }

    #[test]
    fn a_default_request_never_exceeds_a_written_limit() {
        assert_eq!(smaller("1Gi", Some(&"512Mi".to_owned())), "512Mi");
        assert_eq!(smaller("1Gi", Some(&"20Gi".to_owned())), "1Gi");
        assert_eq!(larger("5Gi", Some(&"8Gi".to_owned())), "8Gi");
        assert_eq!(larger("5Gi", None), "5Gi");
    }
}
