//! BackendTrafficPolicies of Envoy Gateway: how many requests pass, and how large they may be.

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::Context;
use super::http_route::{self, Named};
use crate::catalog::platform::{Activation, Controller, Mesh};
use crate::catalog::solution::{Component, Http};
use crate::model::{Kind, Quantity};

/// `edge` for the whole routes, and `edge-<component>` for the rules of whoever differs: Envoy
/// Gateway lets the policy of a rule take the place of its route's.
pub(super) fn backend_traffic_policies(cx: &Context) -> Vec<DesiredObject> {
    if cx.controller() != Some(Controller::EnvoyGateway) {
        return Vec::new();
    }
    let Some(foremost) = cx.foremost() else { return Vec::new() };
    let rules = http_route::named_rules(cx);
    let mut routes: Vec<&str> = rules.iter().map(|rule| rule.route.as_str()).collect();
    routes.dedup();
    let targets = routes.into_iter().map(|route| target(route, None)).collect();
    let mut policies = vec![policy(cx, "edge".to_owned(), None, targets, foremost)];
    for component in cx.public().filter(|c| limits(&c.http) != limits(&foremost.http)) {
        let own = |rule: &&Named| rule.component.is_some_and(|c| c.name == component.name);
        let targets = rules.iter().filter(own).map(|r| target(&r.route, Some(&r.name))).collect();
        let name = format!("edge-{}", component.name);
        policies.push(policy(cx, name, Some(component), targets, component));
    }
    policies
}

fn policy(
    cx: &Context,
    name: String,
    component: Option<&Component>,
    targets: Vec<Value>,
    limited: &Component,
) -> DesiredObject {
    let (requests, size) = limits(&limited.http);
    cx.object(
        Kind::BackendTrafficPolicy,
        name,
        component,
        json!({
            "spec": {
                "targetRefs": targets,
                "routingType": to_the_service(cx).then_some("Service"),
                "rateLimit": {
                    "type": "Local",
                    "local": { "rules": [{ "limit": { "requests": requests, "unit": "Second" } }] },
                },
                "requestBuffer": size.map(|size| json!({ "limit": size })),
            },
        }),
    )
}

/// The most requests within a second, of all visitors together, and the largest body. Only for
/// who asked: to know a request's size Envoy holds it back whole.
fn limits(http: &Http) -> (u32, Option<String>) {
    let size = Quantity::bytes(http.max_request_body_size).to_string();
    (http.rate_limit.burst, http.body_limit_asked.then_some(size))
}

/// A mesh balances by itself; and of a Service without pods Envoy counts requests only if it
/// knows the Service rather than its pods.
fn to_the_service(cx: &Context) -> bool {
    matches!(cx.platform.mesh, Mesh::Linkerd(_))
        || matches!(cx.platform.activation, Activation::Prometheus(_))
}

fn target(route: &str, rule: Option<&str>) -> Value {
    json!({
        "group": Kind::HttpRoute.facts().group,
        "kind": Kind::HttpRoute.facts().kind,
        "name": route,
        "sectionName": rule,
    })
}
