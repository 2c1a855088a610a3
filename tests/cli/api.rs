//! API servers for a program in another process: the one in memory, and one that grants nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use vitrine_core::model::marks;
use vitrine_sandbox::{Options, Sandbox};

use crate::support::cluster::{DAEMON_NAMESPACE, INTERCEPTOR_NAMESPACE};

/// The API in memory, served on loopback until this is dropped.
pub struct Api {
    pub sandbox: Sandbox,
    address: SocketAddr,
    /// Keeps the controllers and the door alive.
    _runtime: Runtime,
}

impl Api {
    /// With the controllers of the demo, and what an operator sets up before vitrine comes.
    pub fn start() -> Self {
        let runtime = runtime();
        let (sandbox, address) = runtime.block_on(async {
            let sandbox = Sandbox::new(Options {
                controllers: true,
                controller_delay: std::time::Duration::from_millis(20),
                ..Options::default()
            });
            for name in [DAEMON_NAMESPACE, INTERCEPTOR_NAMESPACE, "edge"] {
                let namespace = json!({
                    "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name},
                });
                sandbox.create("operator", namespace).unwrap();
            }
            let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = door.local_addr().unwrap();
            sandbox.serve(door);
            (sandbox, address)
        });
        Self { sandbox, address, _runtime: runtime }
    }

    /// Writes the kubeconfig for it.
    pub fn write_kubeconfig(&self, to: &Path) {
        std::fs::write(to, Sandbox::kubeconfig(self.address)).unwrap();
    }

    /// Everything there is, but for what the daemon says of itself: its Lease, which tells the time,
    /// and the list of what it holds.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let mut state = self.sandbox.end_state();
        state.retain(|key, object| {
            !key.starts_with("Lease/") && object["metadata"]["labels"][marks::HELD].is_null()
        });
        state
    }
}

/// What a server that grants nothing still shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Nothing,
    /// Which kinds it has, as a cluster does to everyone who has a name in it.
    Kinds,
}

/// Answers 403 to everything but what it [`Shows`].
pub struct Forbidding {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Forbidding {
    pub fn start(shows: Shows) -> Self {
        let runtime = runtime();
        let address = runtime.block_on(async {
            let app = axum::Router::new().fallback(move |uri: http::Uri| async move {
                match (shows, uri.path()) {
                    (Shows::Kinds, "/api") => axum::Json(json!({
                        "kind": "APIVersions", "versions": ["v1"],
                    }))
                    .into_response(),
                    (Shows::Kinds, "/apis") => axum::Json(json!({
                        "kind": "APIGroupList", "apiVersion": "v1", "groups": [],
                    }))
                    .into_response(),
                    (_, path) => forbidden(path),
                }
            });
            let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = door.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(door, app).await });
            address
        });
        Self { address, _runtime: runtime }
    }

    pub fn write_kubeconfig(&self, to: &Path) {
        std::fs::write(to, Sandbox::kubeconfig(self.address)).unwrap();
    }
}

fn forbidden(path: &str) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "reason": "Forbidden", "code": 403,
        "message": format!("forbidden: User \"somebody\" cannot use {path}"),
    });
    (StatusCode::FORBIDDEN, axum::Json(status)).into_response()
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}
