//! What a container may use. Every container has requests and limits.

use serde_json::{Value, json};

use crate::catalog::solution::Component;

const MEMORY: &str = "memory";
/// The kubelet evicts who writes more: a container cannot fill its node's disk.
const STORAGE: &str = "ephemeral-storage";
/// What a container gets of the node's disk if nobody says anything.
const STORAGE_REQUEST: &str = "1Gi";
const STORAGE_LIMIT: &str = "5Gi";

/// The `resources` of a container.
pub(super) fn resources(component: &Component) -> Value {
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
    json!({ "requests": requests, "limits": limits })
}

/// Whether the component holds a device, of which a node has few.
pub(super) fn holds_device(component: &Component) -> bool {
    component.requests.keys().chain(component.limits.keys()).any(|name| is_device(name))
}

/// Extended resources have a domain: `nvidia.com/gpu`.
fn is_device(resource: &str) -> bool {
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

/// A quantity as a number, exact enough to compare sizes. `catalog` made it canonical.
fn amount(quantity: &str) -> f64 {
    const UNITS: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("m", 0.001),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let unit = UNITS.iter().find_map(|(u, size)| Some((quantity.strip_suffix(u)?, *size)));
    let (digits, size) = unit.unwrap_or((quantity, 1.0));
    digits.parse::<f64>().unwrap_or(0.0) * size
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
