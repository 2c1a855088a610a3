//! The writes: create, replace, patch, apply, scale, delete. All of them happen at once, under
//! one lock.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::Resource;
use super::manage::{self, Entry, Writer};
use super::refusal::{Cause, Refusal};
use super::rules;
use super::store::{Place, Store};

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
        if store.get(&self.resource.table, &self.place()).is_some() {
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

    /// `PUT`.
    pub fn replace(&self, store: &mut Store, mut body: Value) -> Result<Done, Refusal> {
        self.address(&mut body)?;
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
        let Some(old) = store.get(&self.resource.table, &self.place()).cloned() else {
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
        self.keep_what_is_not_written(&mut object, &old);
        self.fill(&mut object);
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
        let entries = manage::scale(self.resource, &old, &self.writer());
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
        let found = store.get(&self.resource.table, &self.place()).cloned();
        found.ok_or_else(|| Refusal::not_found(self.resource, self.name))
    }

    /// The body must be of the kind, name and namespace of the path; what it omits is filled in.
    fn address(&self, body: &mut Value) -> Result<(), Refusal> {
        if !body.is_object() {
            return Err(Refusal::bad_request("the body of the request is not an object"));
        }
        for (field, right) in
            [("apiVersion", self.resource.api_version()), ("kind", self.resource.kind.clone())]
        {
            match body.get(field).and_then(Value::as_str) {
                None | Some("") => body[field] = json!(right),
                Some(found) if found == right => {}
                Some(found) => {
                    return Err(Refusal::bad_request(format!(
                        "the {field} in the data ({found}) does not match the expected {field} ({right})"
                    )));
                }
            }
        }
        if !body.get("metadata").is_some_and(Value::is_object) {
            body["metadata"] = json!({});
        }
        match text(body, "/metadata/name") {
            None | Some("") => body["metadata"]["name"] = json!(self.name),
            Some(found) if found == self.name => {}
            Some(found) => {
                return Err(Refusal::bad_request(format!(
                    "the name of the object ({found}) does not match the name on the URL ({})",
                    self.name
                )));
            }
        }
        match text(body, "/metadata/namespace") {
            _ if !self.resource.namespaced => remove(&mut body["metadata"], "namespace"),
            None | Some("") => body["metadata"]["namespace"] = json!(self.namespace),
            Some(found) if found == self.namespace => {}
            Some(_) => {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
        Ok(())
    }

    fn check_namespace(&self, store: &Store) -> Result<(), Refusal> {
        if !self.resource.namespaced {
            return Ok(());
        }
        let place = (String::new(), self.namespace.to_owned());
        let namespace = store
            .get("namespaces.", &place)
            .ok_or_else(|| Refusal::namespace_not_found(self.namespace))?;
        if namespace.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(Refusal::terminating(self.resource, self.namespace, self.name));
        }
        Ok(())
    }

    fn check_version(&self, body: &Value, old: &Value) -> Result<(), Refusal> {
        let version = text(body, "/metadata/resourceVersion").filter(|v| !v.is_empty());
        if version.is_some_and(|v| Some(v) != text(old, "/metadata/resourceVersion")) {
            return Err(Refusal::modified(self.resource, self.name));
        }
        let uid = text(body, "/metadata/uid").filter(|uid| !uid.is_empty());
        if let (Some(wanted), Some(found)) = (uid, text(old, "/metadata/uid"))
            && wanted != found
        {
            return Err(self.precondition("UID", wanted, found, "deleted and then recreated"));
        }
        Ok(())
    }

    fn unknown(&self, body: &Value) -> Result<Vec<String>, String> {
        match &self.resource.schema {
            Some(schema) => {
                let mut unknown = schema.unknown(body);
                unknown.extend(rules::unknown_metadata(body)?);
                Ok(unknown)
            }
            None => rules::unknown_fields(self.resource, body),
        }
    }

    /// Refuses what the type does not know, or drops it.
    fn decode(&self, body: &mut Value) -> Result<(), Refusal> {
        let Resource { version, kind, .. } = &**self.resource;
        let refuse = |why: String| {
            Refusal::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
            ))
        };
        let unknown = self.unknown(body).map_err(refuse)?;
        if self.strict && !unknown.is_empty() {
            let why = format!("strict decoding error: {}", unknown_fields(&unknown));
            return Err(refuse(why));
        }
        self.prune(body, &unknown);
        Ok(())
    }

    fn prune(&self, body: &mut Value, unknown: &[String]) {
        match &self.resource.schema {
            Some(schema) => {
                schema.prune(body, true);
                let metadata = unknown.iter().filter(|path| path.starts_with("metadata."));
                metadata.for_each(|path| remove_path(body, path));
            }
            None => unknown.iter().for_each(|path| remove_path(body, path)),
        }
    }

    /// What an apply cannot be read for.
    fn untyped(&self, body: &Value) -> Vec<String> {
        let undeclared = |path: String| format!(".{path}: field not declared in schema");
        match &self.resource.schema {
            Some(schema) => {
                let mut faults = schema.mistyped(body);
                match self.unknown(body) {
                    Ok(unknown) => faults.extend(unknown.into_iter().map(undeclared)),
                    Err(why) => faults.push(why),
                }
                faults
            }
            None => match rules::unknown_fields(self.resource, body) {
                Ok(unknown) => unknown.into_iter().map(undeclared).collect(),
                Err(why) => vec![why],
            },
        }
    }

    fn newborn(&self, store: &mut Store, mut object: Value) -> Value {
        if self.resource.status {
            remove(&mut object, "status");
        }
        let metadata = &mut object["metadata"];
        for given in
            ["resourceVersion", "managedFields", "deletionTimestamp", "selfLink", "generation"]
        {
            remove(metadata, given);
        }
        metadata["uid"] = json!(store.fresh_uid());
        metadata["creationTimestamp"] = json!(self.now);
        if self.resource.counted {
            metadata["generation"] = json!(1);
        }
        if self.resource.is("", "namespaces") {
            metadata["labels"]["kubernetes.io/metadata.name"] = json!(self.name);
        }
        object
    }

    fn fill(&self, object: &mut Value) {
        match &self.resource.schema {
            Some(schema) => schema.fill(object),
            None => rules::fill(self.resource, object),
        }
    }

    fn check(&self, object: &Value, old: Option<&Value>) -> Result<(), Refusal> {
        let mut causes = rules::judge_metadata(self.resource, object);
        match &self.resource.schema {
            Some(schema) => causes.extend(schema.judge(object)),
            None => causes.extend(rules::judge(self.resource, object, old)),
        }
        if let Some(old) = old.filter(|o| o.pointer("/metadata/deletionTimestamp").is_some()) {
            let before = finalizers(old);
            let fresh: Vec<&str> =
                finalizers(object).into_iter().filter(|f| !before.contains(f)).collect();
            if !fresh.is_empty() {
                let why = format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{fresh:?}}}"
                );
                causes.push(Cause::forbidden("metadata.finalizers", &why));
            }
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid(self.resource, self.name, &causes))
        }
    }

    fn bear(
        &self,
        store: &mut Store,
        mut object: Value,
        entries: Vec<Entry>,
    ) -> Result<Done, Refusal> {
        let number = store.fresh_number();
        rules::allot(self.resource, &mut object, number);
        manage::record(&mut object, entries);
        let object = if self.dry_run {
            Arc::new(object)
        } else {
            store.put(&self.resource.table, self.place(), object)
        };
        Ok(Done { object, created: true })
    }

    fn change(
        &self,
        store: &mut Store,
        old: &Arc<Value>,
        mut body: Value,
    ) -> Result<Done, Refusal> {
        self.keep_what_is_not_written(&mut body, old);
        self.fill(&mut body);
        self.check(&body, Some(old))?;
        let entries = manage::update(self.resource, Some(old), &body, &self.writer());
        self.settle(store, body, entries, old)
    }

    /// What this door does not write stays as it was.
    fn keep_what_is_not_written(&self, object: &mut Value, old: &Value) {
        if self.subresource == "status" {
            let status = object.get("status").cloned();
            *object = old.clone();
            match status {
                Some(status) => object["status"] = status,
                None => remove(object, "status"),
            }
            return;
        }
        if self.resource.status {
            keep(object, old, "status");
        }
        if self.resource.is("", "namespaces") {
            keep(object, old, "spec");
        }
        if self.resource.is("", "services")
            && let (Some(spec), Some(before)) = (object.get_mut("spec"), old.get("spec"))
            && spec.is_object()
        {
            for allotted in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if spec.get(allotted).is_none() {
                    keep(spec, before, allotted);
                }
            }
        }
        let (Some(metadata), Some(before)) = (object.get_mut("metadata"), old.get("metadata"))
        else {
            return;
        };
        for field in [
            "uid",
            "creationTimestamp",
            "generation",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
            "resourceVersion",
            "selfLink",
        ] {
            keep(metadata, before, field);
        }
        if self.resource.is("", "namespaces") && !metadata["labels"].is_object() {
            metadata["labels"] = json!({});
        }
        if self.resource.is("", "namespaces") {
            metadata["labels"]["kubernetes.io/metadata.name"] = json!(self.name);
        }
    }

    /// Writes a changed object, unless nothing changed; the last finalizer of a dying object
    /// takes it along.
    fn settle(
        &self,
        store: &mut Store,
        mut object: Value,
        entries: Vec<Entry>,
        old: &Arc<Value>,
    ) -> Result<Done, Refusal> {
        if self.resource.counted && !same_spec(self.resource, &object, old) {
            let generation = generation(old) + 1;
            object["metadata"]["generation"] = json!(generation);
        }
        manage::record(&mut object, entries);
        if object == **old {
            return Ok(Done { object: old.clone(), created: false });
        }
        if self.dry_run {
            return Ok(Done { object: Arc::new(object), created: false });
        }
        let dying = object.pointer("/metadata/deletionTimestamp").is_some()
            && finalizers(&object).is_empty()
            && !self.resource.is("", "namespaces");
        let table = &self.resource.table;
        let object = store.put(table, self.place(), object);
        let last = if dying { store.take(table, &self.place()) } else { None };
        Ok(Done { object: last.unwrap_or(object), created: false })
    }
}

/// The finalizers of an object.
pub fn finalizers(object: &Value) -> Vec<&str> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The text at a pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0)
}

fn unknown_fields(paths: &[String]) -> String {
    let said: Vec<String> = paths.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    said.join(", ")
}

fn remove(object: &mut Value, name: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(name);
    }
}

fn keep(object: &mut Value, old: &Value, name: &str) {
    match old.get(name) {
        Some(value) => object[name] = value.clone(),
        None => remove(object, name),
    }
}

/// Removes the field at a path as the decoder names it (`spec.ports[0].foo`).
fn remove_path(object: &mut Value, path: &str) {
    let (first, rest) = match path.find(['.', '[']) {
        Some(end) => (&path[..end], &path[end..]),
        None => return remove(object, path),
    };
    let Some(mut inner) = object.get_mut(first) else { return };
    let mut rest = rest;
    while let Some(indexed) = rest.strip_prefix('[') {
        let Some((index, after)) = indexed.split_once(']') else { return };
        let item = index.parse::<usize>().ok().and_then(|i| inner.get_mut(i));
        let Some(item) = item else { return };
        (inner, rest) = (item, after);
    }
    if let Some(rest) = rest.strip_prefix('.') {
        remove_path(inner, rest);
    }
}

fn same_spec(resource: &Resource, new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    let counts = |name: &str| name != "metadata" && !(resource.status && name == "status");
    new.iter().filter(|(name, _)| counts(name)).all(|(name, value)| old.get(name) == Some(value))
        && old.keys().filter(|name| counts(name)).all(|name| new.contains_key(name))
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
