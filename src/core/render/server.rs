//! The Server of a component: its port as the mesh knows it, which answers only who is authorized.

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::Context;
use super::mesh;
use super::service::PORT_NAME;
use crate::catalog::platform::MeshPolicy;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Absent without a mesh. No route of the mesh's own is attached to it: the kubelet's probes would
/// no longer be let in.
pub(super) fn server(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let policy = mesh::policy(cx)?;
    Some(cx.object(
        Kind::Server,
        component.name.as_str(),
        Some(component),
        json!({
            "spec": {
                "podSelector": { "matchLabels": cx.selector(component) },
                "port": PORT_NAME,
                // Said, not guessed: guessing holds a silent connection up for ten seconds.
                "proxyProtocol": "HTTP/1",
                "accessPolicy": match policy {
                    MeshPolicy::Deny => "deny",
                    MeshPolicy::Audit => "audit",
                },
            },
        }),
    ))
}

/// How policies name the Server of a component.
pub(super) fn reference(component: &Component) -> Value {
    json!({
        "group": Kind::Server.facts().group,
        "kind": Kind::Server.facts().kind,
        "name": component.name,
    })
}
