//! What the mesh's proxy beside every application needs to be told.

use serde_json::{Map, Value, json};

use super::amounts::{Amounts, CPU, MEMORY, STORAGE};
use super::context::Context;
use crate::catalog::platform::{Mesh, MeshPolicy};
use crate::model::{Quantities, Quantity};

/// Where the mesh's own services live.
pub(super) const NAMESPACE: &str = "linkerd";
/// Its services that a proxy asks: identity, destination, policy.
pub(super) const SERVICES: [u16; 3] = [8080, 8086, 8090];
/// Where a proxy takes what other proxies send, whatever the application's port is.
pub(super) const INBOUND: u16 = 4143;
/// Where a proxy serves its own metrics.
pub(super) const METRICS: u16 = 4191;

const INJECT: (&str, &str) = ("linkerd.io/inject", "enabled");

/// What a proxy asks for and may take: a quota refuses a pod of which one container does not say.
const REQUESTS: [(&str, Quantity, &str); 2] = [
    (CPU, Quantity::milli(20), "config.linkerd.io/proxy-cpu-request"),
    (MEMORY, Quantity::mebibytes(32), "config.linkerd.io/proxy-memory-request"),
];
const LIMITS: [(&str, Quantity, &str); 3] = [
    (CPU, Quantity::milli(500), "config.linkerd.io/proxy-cpu-limit"),
    (MEMORY, Quantity::mebibytes(128), "config.linkerd.io/proxy-memory-limit"),
    (STORAGE, Quantity::mebibytes(64), "config.linkerd.io/proxy-ephemeral-storage-limit"),
];

/// Whether a call that nobody declared is refused or only noted; `None` without a mesh.
pub(super) fn policy(cx: &Context) -> Option<MeshPolicy> {
    match cx.platform.mesh {
        Mesh::Off => None,
        Mesh::Linkerd(policy) => Some(policy),
    }
}

/// The Namespace's annotations, which the mesh's injector reads.
pub(super) fn of_namespace(cx: &Context) -> Map<String, Value> {
    let mut annotations = of_pod(cx);
    if policy(cx).is_some() {
        let sizes = REQUESTS.iter().chain(&LIMITS);
        annotations.extend(sizes.map(|(_, size, key)| ((*key).to_owned(), json!(size))));
        // The proxy starts before the application and ends after it.
        let native = "config.linkerd.io/proxy-enable-native-sidecar".to_owned();
        annotations.insert(native, json!("true"));
    }
    annotations
}

/// The pods' annotations. The Namespace's would do for new pods; this one also rolls those that
/// run, when the platform joins the mesh or leaves it.
pub(super) fn of_pod(cx: &Context) -> Map<String, Value> {
    let inject = policy(cx).map(|_| (INJECT.0.to_owned(), json!(INJECT.1)));
    inject.into_iter().collect()
}

/// What a pod's proxy takes, if it has one.
pub(super) fn proxy(cx: &Context) -> Option<Amounts> {
    let sizes = |rows: &[(&str, Quantity, &str)]| -> Quantities {
        rows.iter().map(|(name, size, _)| ((*name).to_owned(), *size)).collect()
    };
    policy(cx).map(|_| Amounts { requests: sizes(&REQUESTS), limits: sizes(&LIMITS) })
}
