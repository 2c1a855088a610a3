//! Machines: a group for each class, a priority, and room for the whole catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::command;
use super::{Demand, Visit};
use crate::catalog::Platform;
use crate::model::Quantity;
use crate::plan::facts::{Facts, Look, Resource};
use crate::plan::observed::Machines;

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

/// The machines of each node group, out of what was answered; none where nobody asked.
pub fn machines(platform: &Platform, facts: &Facts) -> Machines {
    let Some(Look::Found(nodes)) = facts.look(&NODES.all(None)) else { return Machines::new() };
    let mut machines = Machines::new();
    for node in nodes {
        let labels = node.pointer("/metadata/labels");
        let group = labels.and_then(|l| l[platform.nodes.label_key.as_str()].as_str());
        let gives: BTreeMap<String, Quantity> =
            allocatable(node).map(|(name, amount)| (name.clone(), amount)).collect();
        for group in group.into_iter().chain([""]) {
            let alike = machines.entry(group.to_owned()).or_default();
            if !alike.contains(&gives) {
                alike.push(gives.clone());
            }
        }
    }
    machines
}

/// What a node has to give, as far as it can be read.
fn allocatable(node: &Value) -> impl Iterator<Item = (&String, Quantity)> {
    let amounts = node.pointer("/status/allocatable").and_then(Value::as_object);
    amounts.into_iter().flatten().filter_map(|(name, amount)| {
        Some((name, amount.as_str().and_then(|text| Quantity::parse(text).ok())?))
    })
}

/// What all solutions may ask for at once, against what the nodes have now.
fn room(visit: &mut Visit<'_>, nodes: &[Value], demand: &Demand) {
    const SUBJECT: &str = "room for all solutions at once";
    let mut there: BTreeMap<&str, Quantity> = BTreeMap::new();
    for (name, amount) in nodes.iter().flat_map(allocatable) {
        let sum = there.get(name.as_str()).map_or(amount, |sum| *sum + amount);
        there.insert(name, sum);
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
