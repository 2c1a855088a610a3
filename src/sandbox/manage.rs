//! Who owns which field: `metadata.managedFields`, kept as the real server keeps it.

use serde_json::{Value, json};

use super::kinds::Resource;
use super::merge::{self, Changes};
use super::refusal::Refusal;
use vitrine_core::model::FieldSet;
use vitrine_core::model::fields::Shape;

/// One manager's share of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub manager: String,
    pub operation: Operation,
    /// Empty, `status` or `scale`.
    pub subresource: String,
    pub api_version: String,
    /// Absent on what came through `/scale`.
    pub time: Option<String>,
    pub fields: FieldSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

/// Who writes, and when.
#[derive(Clone, Debug)]
pub struct Writer<'a> {
    pub manager: &'a str,
    pub subresource: &'a str,
    pub now: &'a str,
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        Some(Self {
            manager: text("manager")?.to_owned(),
            operation: match text("operation")? {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            subresource: text("subresource").unwrap_or_default().to_owned(),
            api_version: text("apiVersion").unwrap_or_default().to_owned(),
            time: text("time").map(str::to_owned),
            fields: FieldSet::recorded(value.get("fieldsV1").unwrap_or(&Value::Null)),
        })
    }

    fn to_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager,
            "operation": match self.operation { Operation::Apply => "Apply", Operation::Update => "Update" },
            "apiVersion": self.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_fields_v1(),
        });
        if let Some(time) = &self.time {
            entry["time"] = json!(time);
        }
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }

    fn is_of(&self, writer: &Writer<'_>, operation: Operation) -> bool {
        self.manager == writer.manager
            && self.operation == operation
            && self.subresource == writer.subresource
    }

    /// As a conflict names it.
    fn whose(&self) -> String {
        let mut text = format!("\"{}\"", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource \"{}\"", self.subresource));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

/// The entries of an object.
pub fn entries(object: &Value) -> Vec<Entry> {
    let list = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Entry::read).collect()
}

/// Puts the entries into an object in the server's order, the empty ones left out.
pub fn record(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        (a.operation, &a.time, &a.manager, &a.subresource).cmp(&(
            b.operation,
            &b.time,
            &b.manager,
            &b.subresource,
        ))
    });
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        let list = entries.iter().map(Entry::to_json).collect();
        metadata.insert("managedFields".to_owned(), Value::Array(list));
    }
}

/// An apply, merged but neither defaulted nor validated.
pub struct Applied {
    pub object: Value,
    pub entries: Vec<Entry>,
}

/// Server-side apply of `body` onto `live` (or onto nothing).
///
/// # Errors
/// A conflict with the fields of other managers, unless forced.
pub fn apply(
    resource: &Resource,
    live: Option<&Value>,
    body: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Applied, Refusal> {
    let shape = resource.shape;
    let mut managed = live.map(entries).unwrap_or_default();
    if let Some(live) = live.filter(|_| managed.is_empty()) {
        let before = Writer { manager: "before-first-apply", subresource: "", now: writer.now };
        let mut fields = FieldSet::of(shape, live);
        fields.remove(&["f:status"]);
        managed.push(entry(resource, &before, Operation::Update, fields));
    }
    let mut ours = FieldSet::of(shape, body);
    keep_to_subresource(&mut ours, resource, writer.subresource);

    let nothing = json!({});
    let base = live.unwrap_or(&nothing);
    let mut merged = merge::merge(shape, base, body);
    let last = managed
        .iter()
        .position(|e| e.is_of(writer, Operation::Apply))
        .map(|at| managed.remove(at).fields)
        .unwrap_or_default();
    let kept = managed.iter().fold(ours.clone(), |kept, entry| kept.union(&entry.fields));
    merge::take_out(shape, &mut merged, &last, &kept);

    let changes = merge::compare(shape, base, &merged, &[]);
    give_way(&mut managed, &changes, force)?;
    managed.push(entry(resource, writer, Operation::Apply, ours));
    Ok(Applied { object: merged, entries: managed })
}

/// The entries after a write that is no apply. What it changes is its manager's from then on.
///
/// An object that nobody tracked stays untracked, as on the real server.
pub fn update(
    resource: &Resource,
    live: Option<&Value>,
    new: &Value,
    writer: &Writer<'_>,
) -> Vec<Entry> {
    let mut managed = live.map(entries).unwrap_or_default();
    if live.is_some() && managed.is_empty() {
        return managed;
    }
    let nothing = json!({});
    let always: &[&str] = if resource.schema.is_some() { &["metadata"] } else { ALWAYS };
    let mut changes = compare_owned(resource.shape, live.unwrap_or(&nothing), new, always);
    for set in [&mut changes.added, &mut changes.modified, &mut changes.removed] {
        keep_to_subresource(set, resource, writer.subresource);
    }
    if changes.added.is_empty() && changes.modified.is_empty() && changes.removed.is_empty() {
        return managed;
    }
    let mine = managed
        .iter()
        .position(|e| e.is_of(writer, Operation::Update))
        .map(|at| managed.remove(at).fields)
        .unwrap_or_default();
    // Forced: an update never conflicts.
    let _ = give_way(&mut managed, &changes, true);
    let fields = mine.difference(&changes.removed).union(&changes.added).union(&changes.modified);
    managed.push(entry(resource, writer, Operation::Update, fields));
    managed
}

/// A write through `/scale`: leaves an entry only if somebody owned the replicas before, and none
/// for zero replicas, because a `Scale` leaves a zero out.
pub fn scale(resource: &Resource, live: &Value, replicas: i64, writer: &Writer<'_>) -> Vec<Entry> {
    let mut managed = entries(live);
    let mut field = FieldSet::default();
    field.insert(&["f:spec", "f:replicas"]);
    let owned = managed.iter().any(|e| e.fields.contains(&field));
    if owned {
        let changes = Changes { modified: field.clone(), ..Changes::default() };
        let _ = give_way(&mut managed, &changes, true);
        managed.retain(|e| !e.is_of(writer, Operation::Update));
        if replicas > 0 {
            let mut fresh = entry(resource, writer, Operation::Update, field);
            fresh.time = None;
            managed.push(fresh);
        }
    }
    managed
}

fn entry(
    resource: &Resource,
    writer: &Writer<'_>,
    operation: Operation,
    fields: FieldSet,
) -> Entry {
    Entry {
        manager: writer.manager.to_owned(),
        operation,
        subresource: writer.subresource.to_owned(),
        api_version: resource.api_version(),
        time: Some(writer.now.to_owned()),
        fields,
    }
}

/// Takes what changed out of the others' sets.
fn give_way(managed: &mut Vec<Entry>, changes: &Changes, force: bool) -> Result<(), Refusal> {
    let written = changes.added.union(&changes.modified);
    let mut conflicts: Vec<(String, Vec<String>)> = Vec::new();
    for entry in managed.iter() {
        let lost = entry.fields.intersection(&written);
        if !lost.is_empty() {
            conflicts.push((entry.whose(), lost.dotted()));
        }
    }
    if !force && !conflicts.is_empty() {
        conflicts.sort();
        return Err(Refusal::field_conflicts(&conflicts));
    }
    for entry in managed.iter_mut() {
        entry.fields = entry.fields.difference(&written).difference(&changes.removed);
    }
    managed.retain(|entry| !entry.fields.is_empty());
    Ok(())
}

fn compare_owned(shape: Shape, old: &Value, new: &Value, always: &[&str]) -> Changes {
    let mut changes = merge::compare(shape, old, new, always);
    for set in [&mut changes.added, &mut changes.modified, &mut changes.removed] {
        set.strip_nobodys();
    }
    changes
}

/// Nobody owns through one door what is written through another.
fn keep_to_subresource(fields: &mut FieldSet, resource: &Resource, subresource: &str) {
    if !resource.status {
        return;
    }
    if subresource == "status" {
        let status = fields.child("f:status").cloned();
        *fields = FieldSet::default();
        if let Some(status) = status {
            fields.put("f:status", status);
        }
    } else {
        fields.remove(&["f:status"]);
    }
}

/// Maps and lists that every object of a built-in kind has, even if empty.
const ALWAYS: &[&str] =
    &["metadata", "spec", "status", "template", "strategy", "containers", "podSelector"];
