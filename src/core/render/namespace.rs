//! The Namespace: the unit of isolation of a solution.

use serde_json::json;

use super::DesiredObject;
use super::context::Context;
use super::mesh;
use super::object::{TENANT, TENANT_SOLUTION};
use crate::model::{Kind, marks};

/// The newest Pod Security version that we know; a newer server knows it too.
const NEWEST_POD_SECURITY: (u32, u32) = (1, 35);

/// The platform's Pod Security level, at a pinned version, so that an upgrade of the cluster
/// refuses nothing that ran.
pub(super) fn namespace(cx: &Context) -> DesiredObject {
    let (major, minor) = cx.platform.cluster_version.min(NEWEST_POD_SECURITY);
    let version = format!("v{major}.{minor}");
    let level = cx.platform.pod_security.level.as_str();
    let mut annotations = mesh::of_namespace(cx);
    if let Some(head) = &cx.solution.preview {
        // Read after a restart: which commit somebody wanted to see.
        annotations.insert(marks::PREVIEW.to_owned(), head.as_str().into());
    }
    cx.object(
        Kind::Namespace,
        cx.solution.name.namespace(),
        None,
        json!({
            "metadata": {
                "labels": {
                    "pod-security.kubernetes.io/enforce": level,
                    "pod-security.kubernetes.io/enforce-version": version,
                    "pod-security.kubernetes.io/audit": level,
                    "pod-security.kubernetes.io/audit-version": version,
                    "pod-security.kubernetes.io/warn": level,
                    "pod-security.kubernetes.io/warn-version": version,
                    TENANT: TENANT_SOLUTION,
                },
                "annotations": annotations,
            },
        }),
    )
}
