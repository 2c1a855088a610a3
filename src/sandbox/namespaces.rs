//! The end of a namespace: its contents go first, and it says what holds it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::object::finalizers;
use super::store::{Place, Store};

/// Table of the namespaces.
pub const TABLE: &str = "namespaces.";

/// Whether a namespace is being deleted.
pub fn is_terminating(store: &Store, name: &str) -> bool {
    let place = (String::new(), name.to_owned());
    store.get(TABLE, &place).is_some_and(|ns| ns.pointer("/metadata/deletionTimestamp").is_some())
}

/// Does what the namespace controller does to a terminating namespace: deletes what is in it,
/// says what is left, and takes the namespace away when nothing is.
pub fn settle(store: &mut Store, name: &str, now: &str) {
    if !is_terminating(store, name) {
        return;
    }
    let contents: Vec<(String, Place, bool, bool)> = store
        .tables()
        .flat_map(|(table, held)| {
            let first = (name.to_owned(), String::new());
            let inside = held.objects.range(first..).take_while(|((ns, _), _)| ns == name);
            inside.map(move |(place, object)| {
                let object = object.open();
                let kept = !finalizers(&object).is_empty();
                let dying = object.pointer("/metadata/deletionTimestamp").is_some();
                (table.to_owned(), place.clone(), kept, dying)
            })
        })
        .collect();
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for (table, place, kept, dying) in contents {
        if !kept {
            store.take(&table, &place);
            continue;
        }
        let Some(object) = store.get(&table, &place) else { continue };
        *left.entry(table.clone()).or_default() += 1;
        for finalizer in finalizers(&object) {
            *holders.entry(finalizer.to_owned()).or_default() += 1;
        }
        if !dying {
            let mut object = Value::clone(&object);
            object["metadata"]["deletionTimestamp"] = json!(now);
            object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            if let Some(generation) = object["metadata"]["generation"].as_i64() {
                object["metadata"]["generation"] = json!(generation + 1);
            }
            store.put(&table, place, object);
        }
    }
    let place = (String::new(), name.to_owned());
    if left.is_empty() {
        store.take(TABLE, &place);
        return;
    }
    let Some(namespace) = store.get(TABLE, &place) else { return };
    let conditions = conditions(&left, &holders, now);
    let same = |a: &Value, b: &Value| {
        ["type", "status", "reason", "message"].iter().all(|field| a.get(field) == b.get(field))
    };
    let before = namespace.pointer("/status/conditions").and_then(Value::as_array);
    if before.is_some_and(|before| {
        before.len() == conditions.len() && before.iter().zip(&conditions).all(|(a, b)| same(a, b))
    }) {
        return;
    }
    let mut namespace = Value::clone(&namespace);
    namespace["status"]["conditions"] = Value::Array(conditions);
    store.put(TABLE, place, namespace);
}

fn conditions(
    left: &BTreeMap<String, usize>,
    holders: &BTreeMap<String, usize>,
    now: &str,
) -> Vec<Value> {
    let say = |kind: &str, status: &str, reason: &str, message: String| json!({"type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message});
    let remaining: Vec<String> =
        left.iter().map(|(what, n)| format!("{what} has {n} resource instances")).collect();
    let held: Vec<String> =
        holders.iter().map(|(what, n)| format!("{what} in {n} resource instances")).collect();
    vec![
        say(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        say(
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        say(
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        say(
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            format!("Some resources are remaining: {}", remaining.join(", ")),
        ),
        say(
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            format!("Some content in the namespace has finalizers remaining: {}", held.join(", ")),
        ),
    ]
}
