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

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::IntoResponse as _;
use axum::serve::ListenerExt as _;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinHandle;

use vitrine_core::model::Kind;

mod answer;
mod api;
pub mod cast;
mod cause;
mod controllers;
mod defaults;
mod direct;
mod discovery;
mod fault;
mod kinds;
mod manage;
mod merge;
mod namespaces;
mod object;
mod openapi;
mod patch;
mod quota;
mod refusal;
mod request;
mod rules;
mod schema;
mod selector;
mod store;
mod watch;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

pub use cause::Cause;
pub use fault::{Denial, Fault, Faults, Meets, Verb, Which};
pub use refusal::Refusal;

use fault::Asked;
use kinds::{Kinds, Resource};
use request::Request;
use store::{Store, Taking};

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
pub const DEFINITIONS: [&str; 11] = [
    include_str!("definitions/server.yaml"),
    include_str!("definitions/meshtlsauthentication.yaml"),
    include_str!("definitions/authorizationpolicy.yaml"),
    include_str!("definitions/httplocalratelimitpolicy.yaml"),
    include_str!("definitions/podmonitor.yaml"),
    include_str!("definitions/middleware.yaml"),
    include_str!("definitions/backendtrafficpolicy.yaml"),
    include_str!("definitions/interceptorroute.yaml"),
    include_str!("definitions/scaledobject.yaml"),
    include_str!("definitions/referencegrant.yaml"),
    include_str!("definitions/httproute.yaml"),
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
            sandbox.start_controllers();
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

    /// Answers over HTTP until the task is aborted. Where a fault refuses or loses a connection in
    /// this process, this door closes it without an answer.
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
                    Err(lost) => http::Response::new(axum::body::Body::new(answer::lost(lost))),
                }
            }
        });
        // As API servers do: with Nagle's algorithm an event may wait 40 ms for the one before.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
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

    /// Whether a text is such a kubeconfig, be it that `kubectl config` wrote it anew.
    pub fn is_kubeconfig(text: &str) -> bool {
        let Ok(config) = serde_saphyr::from_str::<serde_json::Value>(text) else { return false };
        let clusters = config["clusters"].as_array();
        clusters.is_some_and(|clusters| {
            let ours = |cluster: &serde_json::Value| {
                let server = cluster["cluster"]["server"].as_str().unwrap_or_default();
                cluster["name"] == "sandbox" && server.starts_with("http://127.0.0.1:")
            };
            !clusters.is_empty() && clusters.iter().all(ours)
        })
    }

    async fn answer(&self, request: Request) -> io::Result<http::Response<answer::Body>> {
        let met = {
            let mut state = self.lock();
            state.remember(&request);
            let asked = Asked::of(&request, &state.store.kinds);
            state.faults.meet(&asked)
        };
        if !met.delay.is_zero() {
            tokio::time::sleep(met.delay).await;
        }
        let as_usual = || {
            let done = self.respond(&request);
            done.map_or_else(|no| answer::refused(&no), answer::Reply::into_response)
        };
        match met.end {
            None | Some(Meets::Delay(_)) => Ok(as_usual()),
            Some(Meets::Refusal(refusal)) => Ok(answer::refused(&refusal)),
            Some(Meets::Hang) => std::future::pending().await,
            Some(Meets::Unreached) => {
                Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the API is down"))
            }
            Some(Meets::LostAnswer) => {
                as_usual();
                Err(io::Error::new(io::ErrorKind::ConnectionReset, "the answer was lost"))
            }
            Some(Meets::Cut(after)) if request.flag("watch") => {
                Ok(as_usual().map(|body| answer::cut(body, after)))
            }
            Some(Meets::Cut(_)) => Ok(as_usual()),
        }
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().log.iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.lock().log.clear();
    }

    /// Admission takes a field, by its JSON pointer, away from each object of a kind that is applied
    /// in this namespace; nothing any more without one.
    pub fn take_away(&self, of: Option<(Kind, &str, &str)>) {
        let taking = |(kind, namespace, pointer): (Kind, &str, &str)| Taking {
            table: kind.resource(),
            namespace: namespace.to_owned(),
            pointer: pointer.to_owned(),
        };
        self.lock().store.takes = of.map(taking).into_iter().collect();
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
