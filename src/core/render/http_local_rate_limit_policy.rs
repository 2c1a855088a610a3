//! The HTTPLocalRateLimitPolicy: how much the mesh lets through to one pod of a public component.

use serde_json::json;

use super::context::Context;
use super::{DesiredObject, mesh, server};
use crate::catalog::solution::{Component, Exposure, Scaling, Target};
use crate::model::Kind;

/// Absent without a mesh, and for what no visitor reaches.
pub(super) fn http_local_rate_limit_policy(
    cx: &Context,
    component: &Component,
) -> Option<DesiredObject> {
    mesh::policy(cx)?;
    let Exposure::Public { .. } = component.exposure else { return None };
    Some(cx.object(
        Kind::HttpLocalRateLimitPolicy,
        component.name.as_str(),
        Some(component),
        json!({
            "spec": {
                "targetRef": server::reference(component),
                "total": { "requestsPerSecond": backstop(cx, component) },
            },
        }),
    ))
}

/// Requests a second that one pod takes of all visitors together, also at once.
///
/// A backstop behind the edge, which tells visitors apart; the mesh sees one caller, the edge, and
/// counts in each pod alone. So it must never refuse what the edge may let through to a single
/// visitor (`burst`), nor what a copy is meant to serve (`target.requestRate`); and while the other
/// copies still start, one pod gets what is meant for all of them.
fn backstop(cx: &Context, component: &Component) -> u64 {
    let meant = match component.scaling {
        Scaling::Autoscaled { target: Target::RequestRate(rate), .. } => rate,
        Scaling::Autoscaled { target: Target::Concurrency(_), .. } | Scaling::AlwaysOn { .. } => 0,
    };
    let (_, most) = cx.bounds(component);
    u64::from(component.http.rate_limit.burst.max(meant)) * u64::from(most)
}
