//! The PodMonitor: tells the platform's monitoring where a component serves its metrics.

use serde_json::json;

use super::context::Context;
use super::service::PORT_NAME;
use super::{DesiredObject, mesh};
use crate::catalog::platform::{MeshPolicy, Monitoring};
use crate::catalog::solution::Component;
use crate::model::Kind;

/// Absent unless the platform reads PodMonitors and the component has metrics that it can reach.
/// Pods are asked, not the Service: each copy has its own numbers, and while none runs there is
/// nobody to ask and nothing that wakes.
pub(super) fn pod_monitor(cx: &Context, component: &Component) -> Option<DesiredObject> {
    scraper(cx, component).filter(|monitoring| monitoring.pod_monitors)?;
    Some(cx.object(
        Kind::PodMonitor,
        component.name.as_str(),
        Some(component),
        json!({
            "spec": {
                "selector": { "matchLabels": cx.selector(component) },
                "podMetricsEndpoints": [{ "port": PORT_NAME, "path": component.metrics_path }],
            },
        }),
    ))
}

/// Who reads a component's metrics, if it has any and they can be reached: a mesh that refuses
/// strangers must know the reader by an account.
pub(super) fn scraper<'a>(cx: &Context<'a>, component: &Component) -> Option<&'a Monitoring> {
    component.metrics_path.as_ref()?;
    let monitoring = cx.platform.monitoring.as_ref()?;
    match mesh::policy(cx) {
        Some(MeshPolicy::Deny) => monitoring.service_account.is_some().then_some(monitoring),
        Some(MeshPolicy::Audit) | None => Some(monitoring),
    }
}
