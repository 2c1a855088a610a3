//! The AuthorizationPolicy: lets a component's callers through to its Server.

use serde_json::json;

use super::callers::callers;
use super::context::Context;
use super::{DesiredObject, mesh, server};
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Absent without a mesh, and where nobody may call: a Server alone answers nobody.
///
/// One policy a component, because a policy asks for all of its authentications at once; the one
/// that it names lists every caller, and each of them is enough.
pub(super) fn authorization_policy(cx: &Context, component: &Component) -> Option<DesiredObject> {
    mesh::policy(cx)?;
    (!callers(cx, component).is_empty()).then(|| {
        cx.object(
            Kind::AuthorizationPolicy,
            component.name.as_str(),
            Some(component),
            json!({
                "spec": {
                    "targetRef": server::reference(component),
                    "requiredAuthenticationRefs": [{
                        "group": Kind::MeshTlsAuthentication.facts().group,
                        "kind": Kind::MeshTlsAuthentication.facts().kind,
                        "name": component.name,
                    }],
                },
            }),
        )
    })
}
