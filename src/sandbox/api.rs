//! From a request to what it does.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::answer::{List, Reply};
use super::kinds::Resource;
use super::object::text;
use super::refusal::Refusal;
use super::request::{Objects, Request, Target};
use super::selector::{EVENT_FIELDS, Selector};
use super::store::{DEFINITIONS, Place};
use super::watch::{self, Course, Wanted};
use super::write::{Deleted, Done, Preconditions, Write};
use super::{Sandbox, State, discovery, openapi, patch};

impl Sandbox {
    /// Does what a request asks for.
    pub(super) fn respond(&self, request: &Request) -> Result<Reply, Refusal> {
        let state = self.lock();
        let kinds = &state.store.kinds;
        let aggregated = request.aggregated() && !state.faults.old_discovery;
        let found = match request.target() {
            Target::Ready => return Ok(Reply::Text(200, "ok")),
            Target::Version => Some(discovery::version()),
            Target::CoreVersions if aggregated => {
                return Ok(Reply::Discovery(discovery::aggregated(kinds, true)));
            }
            Target::Groups if aggregated => {
                return Ok(Reply::Discovery(discovery::aggregated(kinds, false)));
            }
            Target::CoreVersions => Some(discovery::core_versions()),
            Target::Groups => Some(discovery::groups(kinds)),
            Target::Group(group) => discovery::group(kinds, &group),
            Target::Resources { group, version } => discovery::resources(kinds, &group, &version),
            Target::Schemas => Some(openapi::index(kinds)),
            Target::Schema { group, version } => openapi::document(&state.store, &group, &version),
            Target::Nothing => return Ok(Reply::Text(404, "404 page not found\n")),
            Target::Objects(objects) => {
                let resource = kinds
                    .at(&objects.group, &objects.version, &objects.plural)
                    .ok_or_else(Refusal::no_such_path)?;
                drop(state);
                return self.objects(request, &objects, &resource);
            }
        };
        found.map(|value| Reply::Json(200, value)).ok_or_else(Refusal::no_such_path)
    }

    fn objects(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        match objects.subresource.as_str() {
            "" => {}
            "status" if resource.status => {}
            "scale" if resource.scale => return self.scale_door(request, objects, resource),
            _ => return Err(Refusal::no_such_path()),
        }
        let one = !objects.name.is_empty();
        match request.method {
            Method::GET if one && !request.flag("watch") => self.read(request, objects, resource),
            Method::GET => self.list_or_watch(request, objects, resource),
            Method::DELETE if one => self.delete(request, objects, resource),
            Method::POST if !one => self.write(request, objects, resource),
            Method::PUT | Method::PATCH if one => self.write(request, objects, resource),
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    fn read(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        let place = (objects.namespace.clone(), objects.name.clone());
        let object = self.lock().store.get(&resource.table, &place);
        let object = object.ok_or_else(|| Refusal::not_found(resource, &objects.name))?;
        Ok(Reply::Object {
            code: 200,
            resource: resource.clone(),
            object,
            metadata_only: request.metadata_only(),
        })
    }

    fn list_or_watch(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        let more = if resource.is("", "events") { &EVENT_FIELDS[..] } else { &[] };
        let (labels, fields) = (request.param("labelSelector"), request.param("fieldSelector"));
        let selector = Selector::parse(labels, fields, more)?;
        let wanted = Wanted {
            resource: resource.clone(),
            namespace: objects.namespace.clone(),
            name: objects.name.clone(),
            selector,
            metadata_only: request.metadata_only(),
        };
        if request.flag("watch") {
            return self.watch(request, wanted);
        }
        let after: Option<Place> = request
            .param("continue")
            .split_once('/')
            .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        let limit = match request.param("limit") {
            "" | "0" => usize::MAX,
            limit => limit.parse().map_err(|_| Refusal::bad_request("limit is not a number"))?,
        };
        let state = self.lock();
        let all = state.store.table(&resource.table).map(|t| &t.objects).into_iter().flatten();
        let later = |place: &Place| after.as_ref().is_none_or(|after| place > after);
        let mut rest = all
            .filter(|(place, _)| later(place))
            .map(|(place, object)| (place, object.open()))
            .filter(|(place, object)| wanted.matches(place, object));
        let mut items = Vec::new();
        let mut last = None;
        while items.len() < limit
            && let Some((place, object)) = rest.next()
        {
            items.push(object);
            last = Some(place);
        }
        let left = rest.count();
        let rest = last.filter(|_| left > 0).map(|(ns, name)| (format!("{ns}/{name}"), left));
        Ok(Reply::List(List {
            resource: resource.clone(),
            items,
            version: state.store.version(),
            rest,
            metadata_only: wanted.metadata_only,
        }))
    }

    fn watch(&self, request: &Request, wanted: Wanted) -> Result<Reply, Refusal> {
        let number = |name: &str| -> Result<Option<u64>, Refusal> {
            let text = request.param(name);
            if text.is_empty() {
                return Ok(None);
            }
            let bad = |_| Refusal::bad_request(format!("{name} `{text}` is not a number"));
            text.parse().map(Some).map_err(bad)
        };
        let initial = request.flag("sendInitialEvents");
        let course = Course {
            from: number("resourceVersion")?.filter(|v| *v > 0 && !initial),
            mark_initial: initial && request.flag("allowWatchBookmarks"),
            bookmarks: request.flag("allowWatchBookmarks"),
            timeout: Duration::from_secs(number("timeoutSeconds")?.unwrap_or(1800)),
            bookmark_every: self.options().bookmark_every,
        };
        Ok(Reply::stream(watch::lines(self.clone(), wanted, course)))
    }

    fn write(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        if request.content_type.contains("protobuf") || request.content_type.contains("cbor") {
            return Err(Refusal::unsupported_media_type(&request.content_type));
        }
        let apply = request.content_type.starts_with("application/apply-patch");
        let body = if apply { read_yaml(&request.body)? } else { read_json(&request.body)? };
        let (manager, now) = (request.manager(), self.now());
        let mut state = self.lock();
        let state = &mut *state;
        let mut name = objects.name.clone();
        if request.method == Method::POST {
            name = match text(&body, "/metadata/name").filter(|n| !n.is_empty()) {
                Some(name) => name.to_owned(),
                None => {
                    let prefix = text(&body, "/metadata/generateName").unwrap_or_default();
                    if prefix.is_empty() {
                        return Err(Refusal::bad_request("resource name may not be empty"));
                    }
                    format!("{prefix}{:05x}", state.store.fresh_number())
                }
            };
        }
        let write = Write {
            resource,
            namespace: &objects.namespace,
            name: &name,
            subresource: &objects.subresource,
            manager: if apply { request.param("fieldManager") } else { &manager },
            dry_run: request.param("dryRun") == "All",
            strict: request.param("fieldValidation") == "Strict",
            force: request.flag("force"),
            now: &now,
        };
        let store = &mut state.store;
        let done = match request.method {
            Method::POST => write.create(store, body)?,
            Method::PUT => write.replace(store, body)?,
            _ if apply => write.apply(store, body)?,
            _ => match request.content_type.split(';').next().unwrap_or_default().trim() {
                "application/merge-patch+json" => {
                    write.patch(store, |object| patch::merge(object, &body))?
                }
                "application/strategic-merge-patch+json" if resource.schema.is_none() => write
                    .patch(store, |object| {
                        patch::strategic(resource.shape, object, &body);
                    })?,
                other => return Err(Refusal::unsupported_media_type(other)),
            },
        };
        if !write.dry_run {
            self.after_write(state, resource, &objects.namespace, &name, &now);
        }
        let Done { object, created } = done;
        Ok(Reply::Object {
            code: if created { 201 } else { 200 },
            resource: resource.clone(),
            object,
            metadata_only: request.metadata_only(),
        })
    }

    fn scale_door(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        let (manager, now) = (request.manager(), self.now());
        let mut state = self.lock();
        let place = (objects.namespace.clone(), objects.name.clone());
        let object = state.store.get(&resource.table, &place);
        let mut object = object.ok_or_else(|| Refusal::not_found(resource, &objects.name))?;
        if matches!(request.method, Method::PUT | Method::PATCH) {
            let body = read_json(&request.body)?;
            let before = text(&body, "/metadata/resourceVersion").filter(|v| !v.is_empty());
            if before.is_some_and(|v| Some(v) != text(&object, "/metadata/resourceVersion")) {
                return Err(Refusal::modified(resource, &objects.name));
            }
            let replicas = body.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
            let write = Write {
                resource,
                namespace: &objects.namespace,
                name: &objects.name,
                subresource: "scale",
                manager: &manager,
                dry_run: request.param("dryRun") == "All",
                strict: false,
                force: false,
                now: &now,
            };
            object = write.scale(&mut state.store, replicas)?.object;
        } else if request.method != Method::GET {
            return Err(Refusal::method_not_allowed());
        }
        Ok(Reply::Json(200, scale_of(&object)))
    }

    fn delete(
        &self,
        request: &Request,
        objects: &Objects,
        resource: &Arc<Resource>,
    ) -> Result<Reply, Refusal> {
        let options = if request.body.is_empty() { json!({}) } else { read_json(&request.body)? };
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        let wanted =
            |field: &str| text(&options, &format!("/preconditions/{field}")).map(str::to_owned);
        let dry_run =
            request.param("dryRun") == "All" || options.get("dryRun") == Some(&json!(["All"]));
        let write = Write {
            resource,
            namespace: &objects.namespace,
            name: &objects.name,
            subresource: "",
            manager: "",
            dry_run,
            strict: false,
            force: false,
            now: &now,
        };
        let preconditions =
            Preconditions { uid: wanted("uid"), resource_version: wanted("resourceVersion") };
        let deleted = write.delete(&mut state.store, &preconditions)?;
        if !dry_run {
            self.after_write(state, resource, &objects.namespace, &objects.name, &now);
        }
        Ok(match deleted {
            Deleted::Terminating(object) => Reply::Object {
                code: 200,
                resource: resource.clone(),
                object,
                metadata_only: request.metadata_only(),
            },
            Deleted::Gone(object) => {
                let mut details = json!({
                    "name": objects.name, "kind": resource.plural,
                    "uid": object["metadata"]["uid"],
                });
                if !resource.group.is_empty() {
                    details["group"] = json!(resource.group);
                }
                Reply::Json(
                    200,
                    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
                )
            }
        })
    }
}

/// The `Scale` of an object that has replicas.
fn scale_of(object: &Value) -> Value {
    let selector = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let selector: Vec<String> = selector
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let metadata = &object["metadata"];
    // Zero is left out.
    let replicas = object.pointer("/spec/replicas").filter(|n| n.as_i64() != Some(0));
    let spec = replicas.map_or(json!({}), |n| json!({"replicas": n}));
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": object.pointer("/status/replicas").cloned().unwrap_or(json!(0)),
            "selector": selector.join(","),
        },
    })
}

fn read_json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|e| {
        Refusal::bad_request(format!("couldn't get version/kind; json parse error: {e}"))
    })
}

fn read_yaml(body: &[u8]) -> Result<Value, Refusal> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let bad = |why: String| Refusal::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(body).map_err(|e| bad(e.to_string()))?;
    serde_saphyr::from_str(text).map_err(|e| bad(e.to_string()))
}

impl State {
    /// The kind of a definition is served from the moment that the definition is there.
    pub(super) fn follow_definition(&mut self, name: &str, now: &str) {
        let place = (String::new(), name.to_owned());
        let Some(definition) = self.store.get(DEFINITIONS, &place) else {
            if self.store.kinds.of_table(name).is_some_and(|r| r.schema.is_some()) {
                let objects = self.store.table(name).map(|t| t.objects.keys().cloned().collect());
                let objects: Vec<Place> = objects.unwrap_or_default();
                objects.iter().for_each(|place| {
                    self.store.take(name, place);
                });
                self.store.kinds.uninstall(name);
                self.store.nudge();
            }
            return;
        };
        self.store.kinds.install(&definition);
        if definition.pointer("/status/conditions").is_none() {
            let mut definition = Value::clone(&definition);
            let condition = |kind: &str, reason: &str| {
                json!({"type": kind, "status": "True", "reason": reason, "message": "",
                       "lastTransitionTime": now})
            };
            definition["status"] = json!({
                "conditions": [
                    condition("NamesAccepted", "NoConflicts"),
                    condition("Established", "InitialNamesAccepted"),
                ],
                "acceptedNames": definition["spec"]["names"],
                "storedVersions": [],
            });
            self.store.put(DEFINITIONS, place, definition);
        }
    }
}
