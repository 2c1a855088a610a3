//! Middlewares of Traefik: how often a client may ask, and from which pages a browser may call.
//!
//! No limit of the request's size: Traefik's would hold back every answer as well.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::DesiredObject;
use super::context::Context;
use super::limits::{CORS_MAX_AGE, CORS_METHODS, name};
use crate::catalog::platform::Controller;
use crate::catalog::solution::{Component, RateLimit};
use crate::model::Kind;

/// `rate-limit` and `cors`, and `<component>-rate-limit`, `<component>-cors` of whoever differs.
pub(super) fn middlewares(cx: &Context) -> Vec<DesiredObject> {
    let mut all = BTreeMap::new();
    for component in cx.public() {
        for (name, shared, spec) in of(cx, component) {
            all.insert(name, (shared, component, spec));
        }
    }
    all.into_iter()
        .map(|(name, (shared, component, spec))| {
            let component = (!shared).then_some(component);
            cx.object(Kind::Middleware, name, component, json!({ "spec": spec }))
        })
        .collect()
}

/// The filters by which a route's rule sends a component's requests through its Middlewares.
pub(super) fn filters(cx: &Context, component: &Component) -> impl Iterator<Item = Value> {
    of(cx, component).into_iter().map(|(name, ..)| {
        json!({
            "type": "ExtensionRef",
            "extensionRef": {
                "group": Kind::Middleware.facts().group,
                "kind": Kind::Middleware.facts().kind,
                "name": name,
            },
        })
    })
}

/// What a component's requests pass, in this order: an answer that the limit refuses still says
/// who may read it. Name, whether others share it, and the spec.
fn of(cx: &Context, component: &Component) -> Vec<(String, bool, Value)> {
    if cx.controller() != Some(Controller::Traefik) {
        return Vec::new();
    }
    let same = |same: fn(&Component, &Component) -> bool| {
        cx.foremost().is_some_and(|foremost| same(foremost, component))
    };
    let mut all = Vec::new();
    if !component.http.cors.is_empty() {
        let shared = same(|a, b| a.http.cors == b.http.cors);
        all.push((name("cors", component, shared), shared, cors(&component.http.cors)));
    }
    let shared = same(|a, b| a.http.rate_limit == b.http.rate_limit);
    let spec = rate_limit(component.http.rate_limit);
    all.push((name("rate-limit", component, shared), shared, spec));
    all
}

/// Without a `sourceCriterion` a client is the address that the connection comes from.
fn rate_limit(rate: RateLimit) -> Value {
    json!({
        "rateLimit": {
            "average": rate.requests_per_second,
            "period": "1s",
            "burst": rate.burst,
        },
    })
}

fn cors(origins: &[String]) -> Value {
    json!({
        "headers": {
            "accessControlAllowOriginList": origins,
            "accessControlAllowMethods": CORS_METHODS,
            "accessControlAllowHeaders": ["*"],
            "accessControlMaxAge": CORS_MAX_AGE,
            "addVaryHeader": true,
        },
    })
}
