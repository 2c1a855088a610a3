//! InterceptorRoutes: which requests the interceptor counts, holds or answers with the page.

use serde_json::{Value, json};

use super::DesiredObject;
use super::config_map::{PAGE, PAGE_KEY};
use super::context::{Context, Scaled};
use super::door::{Cold, Door, Way};
use super::duration::duration;
use super::service::PORT_NAME;
use crate::catalog::solution::Target;
use crate::model::Kind;

/// The header by which the gateway says what a request meets while its component sleeps. The
/// gateway overwrites what a client sent.
pub(super) const COLD: &str = "X-Vitrine-Cold";
/// The header by which the gateway says which of several public components is meant.
pub(super) const COMPONENT: &str = "X-Vitrine-Component";

/// A target that no load reaches: the metric wakes, but never asks for a second replica.
const ONLY_WAKES: u32 = 1_000_000;

/// The InterceptorRoutes behind a door: one for each public component that sleeps, and one for
/// the page that is opened first.
pub(super) fn interceptor_routes(cx: &Context, door: &Door) -> Vec<DesiredObject> {
    door.ways(cx).into_iter().filter_map(|way| interceptor_route(cx, door, way)).collect()
}

fn interceptor_route(cx: &Context, door: &Door, way: Way) -> Option<DesiredObject> {
    let component = way.component;
    let (scaled, interceptor) = (cx.scaled(component)?, cx.interceptor(component)?);
    let response = duration(component.http.request_timeout);
    let (cold_start, timeouts) = match way.cold {
        Cold::Page => (placeholder(), json!({ "responseHeader": response })),
        Cold::Hold => (
            Value::Null,
            json!({
                "readiness": duration(interceptor.hold_requests_for),
                "responseHeader": response,
            }),
        ),
    };
    Some(cx.object(
        Kind::InterceptorRoute,
        way.name(),
        Some(component),
        json!({
            "spec": {
                "target": { "service": component.name, "portName": PORT_NAME },
                "rules": [{ "hosts": door.hosts(), "headers": headers(door, way) }],
                "scalingMetric": scaling_metric(&scaled),
                "coldStart": cold_start,
                "timeouts": timeouts,
            },
        }),
    ))
}

/// The headers that the gateway sets and the interceptor matches, as both write them.
pub(super) fn headers(door: &Door, way: Way) -> Value {
    let mut headers = vec![json!({ "name": COLD, "value": way.cold.as_str() })];
    if door.is_shared() {
        headers.push(json!({ "name": COMPONENT, "value": way.component.name }));
    }
    headers.into()
}

/// Both metrics: the page is answered within milliseconds, which only a rate notices, and an open
/// WebSocket is one request, which only concurrency notices.
pub(super) fn scaling_metric(scaled: &Scaled) -> Value {
    let (concurrency, rate) = match scaled.target {
        Target::Concurrency(target) => (target, ONLY_WAKES),
        Target::RequestRate(target) => (ONLY_WAKES, target),
    };
    json!({
        "concurrency": { "targetValue": concurrency },
        "requestRate": { "targetValue": rate, "window": "1m", "granularity": "1s" },
    })
}

fn placeholder() -> Value {
    json!({
        "placeholder": {
            "response": {
                "statusCode": 503,
                "bodyFromConfigMap": { "name": PAGE, "key": PAGE_KEY },
                "headers": {
                    "Cache-Control": "no-store",
                    "Content-Type": "text/html; charset=utf-8",
                    "Refresh": "5",
                    "Retry-After": "5",
                },
            },
        },
    })
}
