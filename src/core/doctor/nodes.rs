//! Machines: a group for each class, a priority, and room for the whole catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::command;
use super::{Demand, Visit};
use crate::model::Quantity;
use crate::plan::facts::Resource;

const NODES: Resource = Resource::new("", "v1", "nodes");
const PRIORITIES: Resource = Resource::new("scheduling.k8s.io", "v1", "priorityclasses");

/// Everything about machines.
pub(super) fn nodes(visit: &mut Visit<'_>) {
    let platform = visit.patient.platform;
    if let Some(name) = &platform.nodes.priority_class {
        let mend = command::priority_class(name);
        visit.there(&format!("PriorityClass {name}"), PRIORITIES.one(None, name), &mend);
    }
    let groups: BTreeSet<&str> =
        platform.hardware.values().filter_map(|class| class.node_group.as_deref()).collect();
    if groups.is_empty() && visit.patient.demand.is_none() {
        return;
    }
    let Some(nodes) = visit.all("nodes", NODES.all(None)) else { return };
    for group in groups {
        let (key, subject) = (&platform.nodes.label_key, format!("node group {group}"));
        let is_in = |node: &&Value| {
            let labels = node.pointer("/metadata/labels");
            labels.is_some_and(|labels| labels[key.as_str()].as_str() == Some(group))
        };
        match nodes.iter().filter(is_in).count() {
            0 => visit.warn(
                &subject,
                format!("has no node with {key}={group}; right only if an autoscaler makes them"),
                format!("kubectl label node <node> {key}={group}"),
            ),
            1 => visit.fine(&subject, "has 1 node"),
            n => visit.fine(&subject, format!("has {n} nodes")),
        }
    }
    if let Some(demand) = visit.patient.demand {
        room(visit, nodes, demand);
    }
}

/// What all solutions may ask for at once, against what the nodes have now.
fn room(visit: &mut Visit<'_>, nodes: &[Value], demand: &Demand) {
    const SUBJECT: &str = "room for all solutions at once";
    let mut there: BTreeMap<&str, Quantity> = BTreeMap::new();
    for node in nodes {
        let amounts = node.pointer("/status/allocatable").and_then(Value::as_object);
        for (name, amount) in amounts.into_iter().flatten() {
            let amount = amount.as_str().and_then(|text| Quantity::parse(text).ok());
            let Some(amount) = amount else { continue };
            let sum = there.get(name.as_str()).map_or(amount, |sum| *sum + amount);
            there.insert(name, sum);
        }
    }
    let none = Quantity::count(0);
    let short: Vec<String> = demand
        .iter()
        .map(|(name, most)| (name, most, there.get(name.as_str()).unwrap_or(&none)))
        .filter(|(_, most, has)| most > has)
        .map(|(name, most, has)| format!("{name} {most}, the nodes have {has}"))
        .collect();
    if short.is_empty() {
        visit.fine(SUBJECT, "is there, also while they roll out");
    } else {
        visit.warn(
            SUBJECT,
            format!("is not there now: they may ask for {}", short.join("; ")),
            "an autoscaler can mend it; else add nodes, or lower limits.maxReplicas",
        );
    }
}
