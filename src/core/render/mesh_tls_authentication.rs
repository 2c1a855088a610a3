//! The MeshTLSAuthentication: who calls a component, by the accounts that their certificates name.

use serde_json::json;

use super::DesiredObject;
use super::callers::callers;
use super::context::Context;
use super::mesh;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Absent without a mesh, and where nobody may call. Accounts are named as objects, so that no
/// trust domain has to be known.
pub(super) fn mesh_tls_authentication(
    cx: &Context,
    component: &Component,
) -> Option<DesiredObject> {
    mesh::policy(cx)?;
    let callers = callers(cx, component);
    let accounts = callers.into_iter().map(|(namespace, name)| {
        json!({ "kind": Kind::ServiceAccount.facts().kind, "namespace": namespace, "name": name })
    });
    let accounts = accounts.collect::<Vec<_>>();
    (!accounts.is_empty()).then(|| {
        cx.object(
            Kind::MeshTlsAuthentication,
            component.name.as_str(),
            Some(component),
            json!({ "spec": { "identityRefs": accounts } }),
        )
    })
}
