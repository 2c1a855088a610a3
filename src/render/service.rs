//! The Service in front of a component.

use serde_json::json;

use super::DesiredObject;
use super::context::Context;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// The port of every component's Service: `http://<component>` needs no number.
pub(super) const PORT: u16 = 80;
/// The name of the port, on the Service and on the container.
pub(super) const PORT_NAME: &str = "http";

/// `http://<component>` inside the solution.
pub(super) fn service(cx: &Context, component: &Component) -> DesiredObject {
    cx.object(
        Kind::Service,
        component.name.as_str(),
        Some(component),
        json!({
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
