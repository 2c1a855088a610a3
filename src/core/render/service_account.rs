//! The ServiceAccount: a component's identity, without any right.

use serde_json::json;

use super::DesiredObject;
use super::context::Context;
use crate::catalog::solution::Component;
use crate::model::Kind;

/// One account per component, so that policies can tell components apart. No token is mounted.
pub(super) fn service_account(cx: &Context, component: &Component) -> DesiredObject {
    let pull_secrets = cx.platform.registries.pull_secret.iter().map(|name| json!({"name": name}));
    cx.object(
        Kind::ServiceAccount,
        component.name.as_str(),
        Some(component),
        json!({
            "automountServiceAccountToken": false,
            "imagePullSecrets": pull_secrets.collect::<Vec<_>>(),
        }),
    )
}
