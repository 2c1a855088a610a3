//! How a changed object becomes the next version.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Done, Write, generation, remove};
use crate::defaults;
use crate::kinds::Resource;
use crate::manage::{self, Entry};
use crate::object::finalizers;
use crate::quota;
use crate::refusal::Refusal;
use crate::store::Store;

impl Write<'_> {
    pub(super) fn newborn(&self, store: &mut Store, mut object: Value) -> Value {
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

    /// Fills in what the server fills in; whether that is a change by itself: the real server
    /// counts (and writes) a policy's empty list of rules each time that it is sent.
    pub(super) fn fill(&self, object: &mut Value) -> bool {
        let is_empty = |rules: &str| object.pointer(rules) == Some(&json!([]));
        let emptied = self.resource.is("networking.k8s.io", "networkpolicies")
            && (is_empty("/spec/ingress") || is_empty("/spec/egress"));
        defaults::drop_empty_metadata(object);
        match &self.resource.schema {
            Some(schema) => schema.fill(object),
            None => defaults::fill(self.resource, object),
        }
        emptied
    }

    pub(super) fn bear(
        &self,
        store: &mut Store,
        mut object: Value,
        entries: Vec<Entry>,
    ) -> Result<Done, Refusal> {
        if let Some(why) = quota::exceeded(store, self.resource, self.namespace, &object) {
            return Err(Refusal::forbidden(self.resource, self.name, &why));
        }
        let number = store.fresh_number();
        defaults::allot(self.resource, &mut object, number);
        manage::record(&mut object, entries);
        let object = if self.dry_run {
            Arc::new(object)
        } else {
            store.put(&self.resource.table, self.place(), object)
        };
        Ok(Done { object, created: true })
    }

    pub(super) fn change(
        &self,
        store: &mut Store,
        old: &Arc<Value>,
        mut body: Value,
    ) -> Result<Done, Refusal> {
        self.keep_what_is_not_written(&mut body, old);
        if self.fill(&mut body) {
            body["metadata"]["generation"] = json!(generation(old) + 1);
        }
        self.check(&body, Some(old))?;
        let entries = manage::update(self.resource, Some(old), &body, &self.writer());
        self.settle(store, body, entries, old)
    }

    /// What this door does not write stays as it was.
    pub(super) fn keep_what_is_not_written(&self, object: &mut Value, old: &Value) {
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
    pub(super) fn settle(
        &self,
        store: &mut Store,
        mut object: Value,
        entries: Vec<Entry>,
        old: &Arc<Value>,
    ) -> Result<Done, Refusal> {
        // A Deployment's annotations count like its spec, as on the real server.
        let annotated = self.resource.is("apps", "deployments")
            && object["metadata"]["annotations"] != old["metadata"]["annotations"];
        if self.resource.counted && (annotated || !same_spec(self.resource, &object, old)) {
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

fn keep(object: &mut Value, old: &Value, name: &str) {
    match old.get(name) {
        Some(value) => object[name] = value.clone(),
        None => remove(object, name),
    }
}

fn same_spec(resource: &Resource, new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    let counts = |name: &str| name != "metadata" && !(resource.status && name == "status");
    new.iter().filter(|(name, _)| counts(name)).all(|(name, value)| old.get(name) == Some(value))
        && old.keys().filter(|name| counts(name)).all(|name| new.contains_key(name))
}
