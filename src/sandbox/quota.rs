//! What the quotas of a namespace refuse, as far as they count objects.
//!
//! In: the store, and an object that is about to be created. Out: why not, in the words of the API
//! server's quota plugin. Pods are not counted, nor what they ask for: no kubelet is here to say.
//! As in the plugin, a quota holds from when its status says what is hard, which is the quota
//! controller's word and comes from whoever plays it. What is used is counted here and now, as if
//! that controller had just looked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use vitrine_core::model::Quantity;

use super::kinds::Resource;
use super::object::text;
use super::store::Store;

const QUOTAS: &str = "resourcequotas.";
/// The kinds whose plural alone names a count too.
const PLAIN: [&str; 6] = [
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// Why a quota does not let this object into its namespace, if one does not.
pub fn exceeded(
    store: &Store,
    resource: &Resource,
    namespace: &str,
    object: &Value,
) -> Option<String> {
    let asked = usage(resource, object);
    let used = |name: &str| -> i64 {
        let inside = inside(store, &resource.table, namespace);
        inside.filter_map(|object| usage(resource, &object).get(name).copied()).sum()
    };
    // A quota of a scope is about pods.
    let quotas = inside(store, QUOTAS, namespace).filter(|quota| {
        let spec = &quota["spec"];
        spec["scopes"].as_array().is_none_or(Vec::is_empty) && spec["scopeSelector"].is_null()
    });
    for quota in quotas {
        let hard = quota.pointer("/status/hard").and_then(Value::as_object);
        let mut over = Vec::new();
        for (name, most) in hard.into_iter().flatten() {
            let most = most.as_str().and_then(|most| Quantity::parse(most).ok());
            let (Some(asked), Some(most)) = (asked.get(name.as_str()), most) else { continue };
            let used = used(name);
            let sum = u64::try_from(used + asked).unwrap_or(u64::MAX);
            if sum > most.whole() {
                over.push((name, *asked, used, most));
            }
        }
        if !over.is_empty() {
            over.sort_by_key(|(name, ..)| *name);
            let told = |say: &dyn Fn(i64, i64, Quantity) -> String| {
                let all = over.iter().map(|(name, a, u, m)| format!("{name}={}", say(*a, *u, *m)));
                all.collect::<Vec<_>>().join(",")
            };
            return Some(format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                text(&quota, "/metadata/name").unwrap_or_default(),
                told(&|asked, _, _| asked.to_string()),
                told(&|_, used, _| used.to_string()),
                told(&|_, _, most| most.to_string()),
            ));
        }
    }
    None
}

/// What an object counts for, by the names that a quota has for it; never zero.
fn usage(resource: &Resource, object: &Value) -> BTreeMap<String, i64> {
    let mut usage = BTreeMap::new();
    if !resource.namespaced || resource.is("", "pods") {
        return usage;
    }
    usage.insert(format!("count/{}", resource.qualified()), 1);
    if resource.group.is_empty() && PLAIN.contains(&resource.plural.as_str()) {
        usage.insert(resource.plural.clone(), 1);
    }
    if resource.is("", "services") {
        let spec = &object["spec"];
        let ports = spec["ports"].as_array().map_or(&[][..], Vec::as_slice);
        let fixed = ports.iter().filter(|port| port["nodePort"].as_i64().unwrap_or(0) != 0);
        let (all, fixed) = (ports.len(), fixed.count());
        let node_ports = match spec["type"].as_str() {
            Some("NodePort") => all,
            Some("LoadBalancer") if spec["allocateLoadBalancerNodePorts"] == false => fixed,
            Some("LoadBalancer") => all,
            _ => 0,
        };
        usage.insert("services.nodeports".to_owned(), i64::try_from(node_ports).unwrap_or(0));
        let balancers = i64::from(spec["type"] == "LoadBalancer");
        usage.insert("services.loadbalancers".to_owned(), balancers);
    }
    usage.retain(|_, count| *count > 0);
    usage
}

/// The objects of a table in a namespace.
fn inside<'a>(
    store: &'a Store,
    table: &str,
    namespace: &'a str,
) -> impl Iterator<Item = Arc<Value>> {
    let first = (namespace.to_owned(), String::new());
    let held = store.table(table).map(|table| table.objects.range(first..));
    let inside = held.into_iter().flatten().take_while(move |((ns, _), _)| ns == namespace);
    inside.map(|(_, object)| object.open())
}
