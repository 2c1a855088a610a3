//! The sandbox without its API: what a test does on behalf of everybody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Sandbox;
use super::cast;
use super::kinds::Resource;
use super::object::text;
use super::refusal::Refusal;
use super::store::{DEFINITIONS, Store};
use super::write::{Deleted, Preconditions, Write};
use vitrine_core::model::ObjectKey;

impl Sandbox {
    /// Serves a custom kind. `definition` is YAML.
    /// A text that is no definition installs nothing.
    pub fn install_definition(&self, definition: &str) {
        if let Ok(definition) = serde_saphyr::from_str::<Value>(definition) {
            let _ = self.create("kube-apiserver", definition);
        }
    }

    /// Takes a custom kind away with all its objects; `name` is `plural.group`.
    pub fn remove_definition(&self, name: &str) {
        let now = self.now();
        let mut state = self.lock();
        let place = (String::new(), name.to_owned());
        state.store.take(DEFINITIONS, &place);
        state.follow_definition(name, &now);
    }

    /// The object at an address.
    pub fn get(&self, key: &ObjectKey) -> Option<Value> {
        let resource = self.resource(key.kind)?;
        let place = (key.namespace.clone().unwrap_or_default().into(), key.name.to_string());
        self.lock().store.get(&resource.table, &place).map(Arc::unwrap_or_clone)
    }

    /// Any object: `api_version` and `kind` as in its own fields, namespace empty if it has none.
    pub fn find(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Value> {
        let state = self.lock();
        let resource = state.store.kinds.named(api_version, kind)?;
        let place = (namespace.to_owned(), name.to_owned());
        state.store.get(&resource.table, &place).map(Arc::unwrap_or_clone)
    }

    /// Creates an object of any served kind, as somebody else would (`kubectl create`).
    ///
    /// # Errors
    /// What the API would answer.
    pub fn create(&self, manager: &str, object: Value) -> Result<Value, Refusal> {
        let named = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (named("apiVersion"), named("kind"));
        let resource = self.lock().store.kinds.named(version, kind);
        let resource = resource.ok_or_else(Refusal::no_such_path)?;
        let at = |pointer: &str| text(&object, pointer).unwrap_or_default().to_owned();
        let (namespace, name) = (at("/metadata/namespace"), at("/metadata/name"));
        self.write_directly(&resource, &namespace, &name, "", manager, |write, store| {
            write.create(store, object).map(|done| Value::clone(&done.object))
        })
    }

    /// Edits an object, as somebody else would (`kubectl edit`): an update by `manager`.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn edit(
        &self,
        manager: &str,
        key: &ObjectKey,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Refusal> {
        self.edit_through("", manager, key, change)
    }

    /// Edits the status of an object, as a controller would.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn edit_status(
        &self,
        manager: &str,
        key: &ObjectKey,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Refusal> {
        self.edit_through("status", manager, key, change)
    }

    fn edit_through(
        &self,
        subresource: &str,
        manager: &str,
        key: &ObjectKey,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Refusal> {
        let resource = self.resource(key.kind).ok_or_else(Refusal::no_such_path)?;
        let namespace = key.namespace.as_deref().unwrap_or_default();
        self.write_directly(
            &resource,
            namespace,
            &key.name,
            subresource,
            manager,
            |write, store| write.patch(store, change).map(|done| Value::clone(&done.object)),
        )
    }

    /// Scales a Deployment, as an autoscaler would.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn scale(&self, manager: &str, key: &ObjectKey, replicas: i64) -> Result<(), Refusal> {
        let resource = self.resource(key.kind).ok_or_else(Refusal::no_such_path)?;
        let namespace = key.namespace.as_deref().unwrap_or_default();
        self.write_directly(&resource, namespace, &key.name, "scale", manager, |write, store| {
            write.scale(store, replicas).map(|_| ())
        })
    }

    /// Somebody opens the page of what this ScaledObject scales: it wakes, and falls asleep again
    /// after [`Options::cooldown`]. Needs [`Options::controllers`].
    ///
    /// # Errors
    /// What the API would answer.
    pub fn visit(&self, scaled_object: &ObjectKey) -> Result<(), Refusal> {
        let now = self.now();
        let active = |object: &mut Value| object["status"]["lastActiveTime"] = json!(now);
        self.edit_status(cast::KEDA, scaled_object, active).map(|_| ())
    }

    /// Deletes an object, as somebody else would (`kubectl delete`). `false`: finalizers hold it.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn remove(&self, key: &ObjectKey) -> Result<bool, Refusal> {
        let resource = self.resource(key.kind).ok_or_else(Refusal::no_such_path)?;
        let namespace = key.namespace.as_deref().unwrap_or_default();
        self.write_directly(&resource, namespace, &key.name, "", "kubectl", |write, store| {
            let deleted = write.delete(store, &Preconditions::default())?;
            Ok(matches!(deleted, Deleted::Gone(_)))
        })
    }

    /// Every object, sorted by kind, namespace and name.
    pub fn all_objects(&self) -> Vec<Value> {
        let state = self.lock();
        let tables = state.store.tables().flat_map(|(_, table)| table.objects.values());
        tables.map(|object| Arc::unwrap_or_clone(object.open())).collect()
    }

    /// What two clusters that went different ways to the same state have in common: every object
    /// by `Kind/namespace/name`, without the fields that tell when and how often it was written.
    pub fn end_state(&self) -> BTreeMap<String, Value> {
        let strip = |mut object: Value| {
            let text = |pointer: &str| text(&object, pointer).unwrap_or_default().to_owned();
            let key = format!(
                "{}/{}/{}",
                text("/kind"),
                text("/metadata/namespace"),
                text("/metadata/name")
            );
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                for told in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
                    metadata.remove(told);
                }
                let entries = metadata.get_mut("managedFields").and_then(Value::as_array_mut);
                for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
                    entry.remove("time");
                }
            }
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            (key, object)
        };
        self.all_objects().into_iter().map(strip).collect()
    }

    fn write_directly<T>(
        &self,
        resource: &Arc<Resource>,
        namespace: &str,
        name: &str,
        subresource: &str,
        manager: &str,
        act: impl FnOnce(&Write<'_>, &mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let now = self.now();
        let mut state = self.lock();
        let write = Write {
            resource,
            namespace,
            name,
            subresource,
            manager,
            dry_run: false,
            strict: true,
            force: true,
            now: &now,
        };
        let done = act(&write, &mut state.store)?;
        self.after_write(&mut state, resource, namespace, name, &now);
        Ok(done)
    }
}
