//! Whose calls the mesh's proxy lets in.

use std::collections::BTreeSet;

use super::context::Context;
use super::pod_monitor::scraper;
use crate::catalog::solution::{Component, Exposure};

/// The accounts, as (namespace, name), whose calls a component answers.
///
/// Of a public one both the gateway's data plane and the interceptor, where the platform names
/// them, so that a change of activation cuts no living route. Of a private one those who declared
/// it. Of both whoever reads its metrics.
pub(super) fn callers(cx: &Context, component: &Component) -> BTreeSet<(String, String)> {
    let mut callers = BTreeSet::new();
    if let Exposure::Public { .. } = component.exposure {
        let edge = &cx.platform.edge;
        let gateway = edge.data_plane_service_account.as_ref();
        callers.extend(gateway.map(|name| (edge.data_plane_namespace.clone(), name.clone())));
        let interceptor = cx.platform.interceptor.as_ref();
        callers.extend(interceptor.map(|i| (i.namespace.clone(), i.service_account.clone())));
    }
    let siblings = cx.solution.components.values();
    callers.extend(
        siblings
            .filter(|sibling| sibling.depends_on.contains(&component.name))
            .map(|sibling| (cx.solution.name.namespace().into(), sibling.name.to_string())),
    );
    if let Some(monitoring) = scraper(cx, component) {
        let account = monitoring.service_account.as_ref();
        callers.extend(account.map(|name| (monitoring.namespace.clone(), name.clone())));
    }
    callers
}
