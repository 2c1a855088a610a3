//! The ReferenceGrant: lets a solution's routes point at the interceptor.

use serde_json::json;

use super::context::Context;
use super::{DesiredObject, Wave};
use crate::catalog::platform::Activation;
use crate::model::{Kind, ObjectKey};

/// One grant a solution, because a grant holds at most 16 namespaces. The only object outside
/// the solution's namespace; absent if nothing is reached through the interceptor.
pub(super) fn reference_grant(cx: &Context) -> Option<DesiredObject> {
    let Activation::Interceptor(interceptor) = &cx.platform.activation else { return None };
    if cx.doors().iter().all(|door| door.ways(cx).is_empty()) {
        return None;
    }
    let name = format!("vitrine-{}-{}", cx.instance, cx.solution.name);
    Some(cx.object_at(
        ObjectKey::namespaced(Kind::ReferenceGrant, &interceptor.namespace, name),
        Wave::Grant,
        None,
        json!({
            "spec": {
                "from": [{
                    "group": "gateway.networking.k8s.io",
                    "kind": "HTTPRoute",
                    "namespace": cx.solution.name.namespace(),
                }],
                "to": [{ "group": "", "kind": "Service", "name": interceptor.service }],
            },
        }),
    ))
}
