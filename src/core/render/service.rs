//! The Service in front of a component.

use serde_json::json;

use super::DesiredObject;
use super::context::Context;
use crate::catalog::platform::{Controller, Mesh};
use crate::catalog::solution::{Component, Exposure};
use crate::model::Kind;

/// The port of every component's Service: `http://<component>` needs no number.
pub(super) const PORT: u16 = 80;
/// The name of the port, on the Service and on the container.
pub(super) const PORT_NAME: &str = "http";

/// Makes Traefik send requests to the Service's own address instead of to its pods: the mesh
/// balances by itself.
const NATIVE_LB: &str = "traefik.io/service.nativelb";

/// `http://<component>` inside the solution.
pub(super) fn service(cx: &Context, component: &Component) -> DesiredObject {
    let meshed = matches!(cx.platform.mesh, Mesh::Linkerd(_));
    let public = matches!(component.exposure, Exposure::Public { .. });
    let native = meshed && public && cx.controller() == Some(Controller::Traefik);
    let annotations = if native { json!({ NATIVE_LB: "true" }) } else { json!({}) };
    cx.object(
        Kind::Service,
        component.name.as_str(),
        Some(component),
        json!({
            "metadata": { "annotations": annotations },
            "spec": {
                "type": "ClusterIP",
                "selector": cx.selector(component),
                "ports": [{
                    "name": PORT_NAME,
                    "port": PORT,
                    "targetPort": PORT_NAME,
                    "protocol": "TCP",
                    "appProtocol": "http",
                }],
            },
        }),
    )
}
