//! The writes: create, replace, patch, apply, scale, delete. All of them happen at once, under
//! one lock.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cause::Cause;
use super::kinds::Resource;
use super::manage::{self, Entry, Writer};
use super::object::{finalizers, text};
use super::refusal::Refusal;
use super::store::{Place, Store};

mod change;
mod checks;

/// What is to be written, by whom and how.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    pub resource: &'a Arc<Resource>,
    /// Empty for cluster-wide kinds.
    pub namespace: &'a str,
    pub name: &'a str,
    /// Empty, `status` or `scale`.
    pub subresource: &'a str,
    pub manager: &'a str,
    pub dry_run: bool,
    /// `fieldValidation=Strict`: what the schema does not know is refused, not dropped.
    pub strict: bool,
    pub force: bool,
    pub now: &'a str,
}

/// An object as it is after a write.
#[derive(Clone, Debug)]
pub struct Done {
    pub object: Arc<Value>,
    pub created: bool,
}

/// What became of a deletion.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// Gone; its last state.
    Gone(Arc<Value>),
    /// Finalizers (or the contents of a namespace) hold it.
    Terminating(Arc<Value>),
}

/// What must be true of the object for a deletion to happen.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

impl Write<'_> {
    fn place(&self) -> Place {
        (self.namespace.to_owned(), self.name.to_owned())
    }

    fn writer(&self) -> Writer<'_> {
        Writer { manager: self.manager, subresource: self.subresource, now: self.now }
    }

    /// `POST`.
    pub fn create(&self, store: &mut Store, mut body: Value) -> Result<Done, Refusal> {
        self.address(&mut body)?;
        self.check_namespace(store)?;
        if store.has(&self.resource.table, &self.place()) {
            return Err(Refusal::already_exists(self.resource, self.name));
        }
        if text(&body, "/metadata/resourceVersion").is_some_and(|v| !v.is_empty()) {
            return Err(Refusal::bad_request(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        self.decode(&mut body)?;
        let mut object = self.newborn(store, body);
        self.fill(&mut object);
        let entries = manage::update(self.resource, None, &object, &self.writer());
        self.check(&object, None)?;
        self.bear(store, object, entries)
    }

    /// `PUT`. Of a few kinds it creates what is not there.
    pub fn replace(&self, store: &mut Store, mut body: Value) -> Result<Done, Refusal> {
        self.address(&mut body)?;
        let creates = matches!(self.resource.kind.as_str(), "Service" | "Lease");
        let fresh = text(&body, "/metadata/resourceVersion").is_none_or(str::is_empty);
        if creates && fresh && !store.has(&self.resource.table, &self.place()) {
            return self.create(store, body);
        }
        let old = self.existing(store)?;
        self.check_version(&body, &old)?;
        let unconditional = self.resource.schema.is_none() && self.resource.kind != "Lease";
        if !unconditional && text(&body, "/metadata/resourceVersion").is_none_or(str::is_empty) {
            let why = "must be specified for an update";
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), why);
            return Err(Refusal::invalid(self.resource, self.name, &[cause]));
        }
        self.decode(&mut body)?;
        self.change(store, &old, body)
    }

    /// `PATCH` other than apply; `patch` turns what is there into what is wanted.
    pub fn patch(
        &self,
        store: &mut Store,
        patch: impl FnOnce(&mut Value),
    ) -> Result<Done, Refusal> {
        let old = self.existing(store)?;
        let mut body = Value::clone(&old);
        patch(&mut body);
        if !body.is_object() {
            return Err(Refusal::bad_request("the patch leaves no object"));
        }
        self.check_version(&body, &old)?;
        let unknown = self.unknown(&body).map_err(Refusal::bad_request)?;
        if let (true, Some(_)) = (self.strict, unknown.first()) {
            let why = format!("strict decoding error: {}", unknown_fields(&unknown));
            let cause = Cause::invalid("patch", &json!("{}"), &why);
            return Err(Refusal::invalid(self.resource, self.name, &[cause]));
        }
        self.prune(&mut body, &unknown);
        self.change(store, &old, body)
    }

    /// `PATCH` as server-side apply.
    pub fn apply(&self, store: &mut Store, mut body: Value) -> Result<Done, Refusal> {
        if self.manager.is_empty() {
            return Err(Refusal::no_manager());
        }
        let stated = text(&body, "/metadata/namespace").unwrap_or_default().to_owned();
        self.address(&mut body)?;
        if body.pointer("/metadata/managedFields").is_some_and(|v| !v.is_null()) {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        let faults = self.untyped(&body);
        if !faults.is_empty() {
            return Err(Refusal::untyped(self.resource, &stated, self.name, &faults));
        }
        if self.resource.status && self.subresource != "status" {
            remove(&mut body, "status");
        }
        let Some(old) = store.get(&self.resource.table, &self.place()) else {
            return self.apply_new(store, &body);
        };
        if let Some(uid) = text(&body, "/metadata/uid")
            && Some(uid) != text(&old, "/metadata/uid")
        {
            let cause = Cause::invalid("metadata.uid", &json!(uid), "field is immutable");
            return Err(Refusal::invalid(self.resource, self.name, &[cause]));
        }
        self.check_version(&body, &old)?;
        let applied = manage::apply(self.resource, Some(&old), &body, &self.writer(), self.force)?;
        let mut object = applied.object;
        store.admit(&self.resource.table, &self.place(), &mut object);
        self.keep_what_is_not_written(&mut object, &old);
        if self.fill(&mut object) {
            object["metadata"]["generation"] = json!(generation(&old) + 1);
        }
        self.check(&object, Some(&old))?;
        if same_body(&object, &old) && same_owners(&applied.entries, &manage::entries(&old)) {
            return Ok(Done { object: old, created: false });
        }
        self.settle(store, object, applied.entries, &old)
    }

    fn apply_new(&self, store: &mut Store, body: &Value) -> Result<Done, Refusal> {
        if !self.subresource.is_empty() {
            return Err(Refusal::not_found(self.resource, self.name));
        }
        self.check_namespace(store)?;
        if let Some(uid) = text(body, "/metadata/uid") {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Refusal::conflict(self.resource, self.name, &why));
        }
        let applied = manage::apply(self.resource, None, body, &self.writer(), self.force)?;
        let mut object = self.newborn(store, applied.object);
        store.admit(&self.resource.table, &self.place(), &mut object);
        self.fill(&mut object);
        self.check(&object, None)?;
        self.bear(store, object, applied.entries)
    }

    /// `PUT` or `PATCH` of `/scale`.
    pub fn scale(&self, store: &mut Store, replicas: i64) -> Result<Done, Refusal> {
        let old = self.existing(store)?;
        if replicas < 0 {
            let why = "must be greater than or equal to 0";
            let cause = Cause::invalid("spec.replicas", &json!(replicas), why);
            return Err(Refusal::invalid(self.resource, self.name, &[cause]));
        }
        let mut object = Value::clone(&old);
        object["spec"]["replicas"] = json!(replicas);
        if object == *old {
            return Ok(Done { object: old, created: false });
        }
        let entries = manage::scale(self.resource, &old, replicas, &self.writer());
        self.settle(store, object, entries, &old)
    }

    /// `DELETE`.
    pub fn delete(&self, store: &mut Store, wanted: &Preconditions) -> Result<Deleted, Refusal> {
        let old = self.existing(store)?;
        let uid = text(&old, "/metadata/uid").unwrap_or_default();
        if let Some(wanted) = wanted.uid.as_deref().filter(|wanted| *wanted != uid) {
            return Err(self.precondition("UID", wanted, uid, "deleted and then recreated"));
        }
        let version = text(&old, "/metadata/resourceVersion").unwrap_or_default();
        if let Some(wanted) = wanted.resource_version.as_deref().filter(|w| *w != version) {
            return Err(self.precondition("ResourceVersion", wanted, version, "modified"));
        }
        let namespace = self.resource.is("", "namespaces");
        let held = namespace || !finalizers(&old).is_empty();
        if old.pointer("/metadata/deletionTimestamp").is_some() && held {
            return Ok(Deleted::Terminating(old));
        }
        if self.dry_run {
            return Ok(if held { Deleted::Terminating(old) } else { Deleted::Gone(old) });
        }
        if !held {
            let gone = store.take(&self.resource.table, &self.place()).unwrap_or(old);
            return Ok(Deleted::Gone(gone));
        }
        let mut object = Value::clone(&old);
        object["metadata"]["deletionTimestamp"] = json!(self.now);
        if namespace {
            object["status"]["phase"] = json!("Terminating");
        } else {
            object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            if self.resource.counted {
                let generation = generation(&object) + 1;
                object["metadata"]["generation"] = json!(generation);
            }
        }
        Ok(Deleted::Terminating(store.put(&self.resource.table, self.place(), object)))
    }

    fn precondition(&self, what: &str, wanted: &str, found: &str, maybe: &str) -> Refusal {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {maybe}"
        );
        Refusal::conflict(self.resource, self.name, &why)
    }

    fn existing(&self, store: &Store) -> Result<Arc<Value>, Refusal> {
        let found = store.get(&self.resource.table, &self.place());
        found.ok_or_else(|| Refusal::not_found(self.resource, self.name))
    }
}

fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0)
}

fn remove(object: &mut Value, name: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(name);
    }
}

fn unknown_fields(paths: &[String]) -> String {
    let said: Vec<String> = paths.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    said.join(", ")
}

fn same_body(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    let same_metadata = |a: &Value, b: &Value| {
        let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
        let counts = |name: &str| name != "managedFields" && name != "resourceVersion";
        a.iter().filter(|(name, _)| counts(name)).all(|(name, value)| b.get(name) == Some(value))
            && b.keys().filter(|name| counts(name)).all(|name| a.contains_key(name))
    };
    new.len() == old.len()
        && new.iter().all(|(name, value)| match old.get(name) {
            Some(before) if name == "metadata" => same_metadata(value, before),
            Some(before) => value == before,
            None => false,
        })
}

fn same_owners(new: &[Entry], old: &[Entry]) -> bool {
    new.len() == old.len()
        && new.iter().all(|entry| {
            old.iter().any(|o| {
                (&o.manager, o.operation, &o.subresource, &o.fields)
                    == (&entry.manager, entry.operation, &entry.subresource, &entry.fields)
            })
        })
}
