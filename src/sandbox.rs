//! A Kubernetes API in memory, for the demo and the tests.
//!
//! Behind [`Sandbox::client`] in this process, or over HTTP on loopback ([`Sandbox::serve`]): the
//! kinds that vitrine writes and reads, with server-side apply and its field ownership, watches,
//! conflicts, preconditions, finalizers and strict validation as a real API server has them.
//! What it knows of the real one was seen there, and each such fact is a test beside this code.
//! [`Options::controllers`] adds those controllers that a demo needs; [`Sandbox::faults`] makes
//! things go wrong.
//!
//! One lock over everything, never held across an await.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::model::{Kind, ObjectKey};

mod answer;
mod api;
mod controllers;
mod discovery;
mod fault;
mod kinds;
mod manage;
mod merge;
mod namespaces;
mod refusal;
mod request;
mod rules;
mod schema;
mod selector;
mod store;
mod watch;
mod write;

#[cfg(test)]
mod tests;

pub use fault::Faults;
pub use refusal::Refusal;

use kinds::{Kinds, Resource};
use request::Request;
use store::Store;
use write::{Deleted, Preconditions, Write};

/// How a sandbox behaves.
#[derive(Clone)]
pub struct Options {
    /// Whether Deployments become ready, ScaledObjects and routes accepted, and so on.
    pub controllers: bool,
    /// How long a controller takes for a step.
    pub controller_delay: Duration,
    /// How long a woken ScaledObject stays active after its last sign of life.
    pub cooldown: Duration,
    /// How long the contents of a deleted namespace outlive the request; zero = not at all.
    pub namespace_delay: Duration,
    /// How often an idle watch hears where it stands.
    pub bookmark_every: Duration,
    /// Changes of each kind that a late watch can still be told.
    pub history: usize,
    /// CustomResourceDefinitions to begin with, as YAML.
    pub definitions: Vec<&'static str>,
    /// The clock behind every timestamp.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            controllers: false,
            controller_delay: Duration::from_millis(300),
            cooldown: Duration::from_secs(3),
            namespace_delay: Duration::ZERO,
            bookmark_every: Duration::from_secs(60),
            history: 16_384,
            definitions: DEFINITIONS.to_vec(),
            clock: Arc::new(Timestamp::now),
        }
    }
}

/// The custom kinds that vitrine renders, as far as it relies on them.
pub const DEFINITIONS: [&str; 4] = [
    include_str!("../tests/crds/interceptorroute.yaml"),
    include_str!("../tests/crds/scaledobject.yaml"),
    include_str!("../tests/crds/referencegrant.yaml"),
    include_str!("../tests/crds/httproute.yaml"),
];

/// A Kubernetes API in memory. Clones share it.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    options: Options,
    state: Mutex<State>,
}

/// What the lock guards.
struct State {
    store: Store,
    faults: Faults,
    log: VecDeque<Logged>,
    /// Raised to cut every watch that runs.
    epoch: u64,
}

/// A request, as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub method: String,
    pub path: String,
    /// The parameters of the query, as `name=value`, sorted.
    pub query: Vec<String>,
    pub user_agent: String,
    pub accept: String,
    /// Length of the body.
    pub bytes: usize,
}

impl Logged {
    /// Whether this is a watch.
    pub fn is_watch(&self) -> bool {
        self.query.iter().any(|q| q == "watch=true" || q == "watch=1")
    }

    /// Whether this asks to change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// More requests than this are not remembered: the oldest go.
const LOG_LENGTH: usize = 200_000;

impl Sandbox {
    /// An empty cluster with the namespaces `default` and `kube-system`. With
    /// [`Options::controllers`] this must be called inside a tokio runtime.
    pub fn new(options: Options) -> Self {
        let store = Store::new(Kinds::built_in(), options.history);
        let controllers = options.controllers;
        let definitions = options.definitions.clone();
        let state = State { store, faults: Faults::default(), log: VecDeque::new(), epoch: 0 };
        let sandbox = Self(Arc::new(Inner { options, state: Mutex::new(state) }));
        for definition in definitions {
            sandbox.install_definition(definition);
        }
        for name in ["default", "kube-system"] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let _ = sandbox.create("kube-apiserver", namespace);
        }
        if controllers {
            controllers::start(&sandbox);
        }
        sandbox
    }

    /// A client that talks to it in this process. Needs a tokio runtime.
    pub fn client(&self) -> kube::Client {
        let sandbox = self.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let sandbox = sandbox.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                sandbox.answer(Request::read(&parts, body)).await
            }
        });
        kube::Client::new(service, "default")
    }

    /// Answers over HTTP until the task is aborted. Where [`Faults::down`] refuses a connection
    /// in this process, this door answers 503.
    pub fn serve(&self, listener: tokio::net::TcpListener) -> JoinHandle<io::Result<()>> {
        let sandbox = self.clone();
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let sandbox = sandbox.clone();
            async move {
                let (parts, body) = request.into_parts();
                let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
                    return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
                };
                match sandbox.answer(Request::read(&parts, body)).await {
                    Ok(answer) => answer.map(axum::body::Body::new),
                    Err(_) => http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await })
    }

    /// A kubeconfig for [`Sandbox::serve`] at this address.
    pub fn kubeconfig(address: SocketAddr) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "sandbox", "user": {}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        })
        .to_string()
    }

    async fn answer(&self, request: Request) -> io::Result<http::Response<answer::Body>> {
        let (latency, met, down) = {
            let mut state = self.lock();
            state.remember(&request);
            (state.faults.latency, state.faults.next(), state.faults.down)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if down {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the API is down"));
        }
        let done = match met {
            Some(refusal) => Err(refusal),
            None => self.respond(&request),
        };
        {
            let mut state = self.lock();
            if state.faults.lost_answers > 0 {
                state.faults.lost_answers -= 1;
                return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the answer was lost"));
            }
        }
        Ok(done.map_or_else(|refusal| answer::refused(&refusal), answer::Reply::into_response))
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().log.iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.lock().log.clear();
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        let now = self.now();
        let mut state = self.lock();
        change(&mut state.faults);
        if !state.faults.stuck_namespaces {
            let names: Vec<String> = state
                .store
                .table(namespaces::TABLE)
                .map(|t| t.objects.keys().map(|(_, name)| name.clone()).collect())
                .unwrap_or_default();
            names.iter().for_each(|name| namespaces::settle(&mut state.store, name, &now));
        }
    }

    /// Cuts every watch that runs; its client may come back where it stopped.
    pub fn drop_watches(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        state.store.nudge();
    }

    /// Forgets the past: every watch ends with a 410 and has to list again.
    pub fn expire_watches(&self) {
        let mut state = self.lock();
        state.store.forget();
        state.store.nudge();
    }

    /// Serves a custom kind. `definition` is YAML.
    ///
    /// # Panics
    /// Never; a text that is no definition installs nothing.
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
        state.store.take("customresourcedefinitions.apiextensions.k8s.io", &place);
        state.follow_definition(name, &now);
    }

    /// The object at an address.
    pub fn get(&self, key: &ObjectKey) -> Option<Value> {
        let resource = self.resource(key.kind)?;
        let place = (key.namespace.clone().unwrap_or_default(), key.name.clone());
        self.lock().store.get(&resource.table, &place).map(|object| Value::clone(object))
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
        state.store.get(&resource.table, &place).map(|object| Value::clone(object))
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
        let at = |pointer: &str| write::text(&object, pointer).unwrap_or_default().to_owned();
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
        self.edit_status("keda", scaled_object, active).map(|_| ())
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
        tables.map(|object| Value::clone(object)).collect()
    }

    /// What two clusters that went different ways to the same state have in common: every object
    /// by `Kind/namespace/name`, without the fields that tell when and how often it was written.
    pub fn end_state(&self) -> BTreeMap<String, Value> {
        let strip = |mut object: Value| {
            let text = |pointer: &str| write::text(&object, pointer).unwrap_or_default().to_owned();
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

    /// What follows from a write: a definition is served, a dying namespace is emptied.
    fn after_write(
        &self,
        state: &mut State,
        resource: &Resource,
        namespace: &str,
        name: &str,
        now: &str,
    ) {
        if resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
            state.follow_definition(name, now);
        }
        let namespace = if resource.is("", "namespaces") { name } else { namespace };
        if !namespaces::is_terminating(&state.store, namespace) || state.faults.stuck_namespaces {
            return;
        }
        let delay = self.0.options.namespace_delay;
        if delay.is_zero() {
            namespaces::settle(&mut state.store, namespace, now);
            return;
        }
        let (sandbox, namespace) = (self.clone(), namespace.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let now = sandbox.now();
            let mut state = sandbox.lock();
            if !state.faults.stuck_namespaces {
                namespaces::settle(&mut state.store, &namespace, &now);
            }
        });
    }

    fn resource(&self, kind: Kind) -> Option<Arc<Resource>> {
        let facts = kind.facts();
        self.lock().store.kinds.at(facts.group, facts.version, facts.plural)
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    /// The time as the API writes it: whole seconds.
    fn now(&self) -> String {
        let now = (self.0.options.clock)();
        Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, request: &Request) {
        if self.log.len() >= LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(Logged {
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.iter().map(|(k, v)| format!("{k}={v}")).collect(),
            user_agent: request.user_agent.clone(),
            accept: request.accept.clone(),
            bytes: request.body.len(),
        });
    }
}

/// The largest body that the HTTP door reads, as etcd's default limit would have it.
const LARGEST_BODY: usize = 3 << 20;

use axum::response::IntoResponse as _;
