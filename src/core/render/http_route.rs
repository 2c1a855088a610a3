//! HTTPRoutes: how visitors get from a host to a component.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::context::Context;
use super::door::{Cold, Door, Way, prefix, strips};
use super::duration::duration;
use super::interceptor_route::headers;
use super::limits::{CORS_MAX_AGE, CORS_METHODS};
use super::service::PORT;
use super::{DesiredObject, Wave, middleware};
use crate::catalog::platform::{Controller, EdgeKind, Gateway};
use crate::catalog::solution::{Component, Shape};
use crate::model::{HostName, Kind, ObjectKey};

/// The most rules that an HTTPRoute can hold.
const RULES: usize = 16;
/// The port of the interceptor's proxy.
const INTERCEPTOR_PORT: u16 = 8080;

/// A rule of a route, and what policies call it.
pub(super) struct Named<'a> {
    pub route: String,
    pub name: String,
    /// Whose requests it leads on; of a redirect nobody's.
    pub component: Option<&'a Component>,
    rule: Value,
}

/// The routes of all hosts of a solution; none where the edge is an Ingress.
pub(super) fn http_routes(cx: &Context) -> Vec<DesiredObject> {
    let EdgeKind::Gateway(gateway) = &cx.platform.edge.kind else { return Vec::new() };
    let mut routes = Vec::new();
    if cx.solution.shape == Shape::Configurations {
        let host = cx.platform.domain.solution(&cx.solution.name);
        let hosts = BTreeSet::from([&host]);
        routes.push(to_gallery(cx, gateway, "edge".to_owned(), None, &hosts));
    }
    for door in cx.doors() {
        let (rules, hosts) = (rules(cx, &door), door.hosts());
        for rules in rules.chunk_by(|one, next| one.route == next.route) {
            let Some(name) = rules.first().map(|rule| rule.route.clone()) else { continue };
            routes.push(if cx.rests() {
                // As many routes as awake: suspension deletes nothing.
                to_gallery(cx, gateway, name, owner(cx, &door), &hosts)
            } else {
                let rules = rules.iter().map(|named| named.rule.clone()).collect();
                route(cx, gateway, name, Wave::Route, owner(cx, &door), &hosts, rules)
            });
        }
    }
    routes
}

/// The names of a door's routes: more than one if a route cannot hold its rules.
pub(super) fn names(cx: &Context, door: &Door) -> Vec<String> {
    let mut names: Vec<_> = rules(cx, door).into_iter().map(|named| named.route).collect();
    names.dedup();
    names
}

/// Every rule of every route, in the order of the routes.
pub(super) fn named_rules<'a>(cx: &Context<'a>) -> Vec<Named<'a>> {
    cx.doors().iter().flat_map(|door| rules(cx, door)).collect()
}

/// A route that answers by itself. It reaches no back end, so it comes with the first objects:
/// whoever suspends a solution sees it gone at once, and nothing it needs can be missing.
fn to_gallery(
    cx: &Context,
    gateway: &Gateway,
    name: String,
    component: Option<&Component>,
    hosts: &BTreeSet<&HostName>,
) -> DesiredObject {
    let gallery = cx.platform.domain.gallery();
    let page = format!("/r/{}", cx.solution.name);
    let rule = json!({
        "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
        "filters": [redirect(Some(&gallery), &page)],
    });
    route(cx, gateway, name, Wave::Protection, component, hosts, vec![rule])
}

/// The configuration that a door belongs to; the one door of other solutions is shared.
pub(super) fn owner<'a>(cx: &Context, door: &Door<'a>) -> Option<&'a Component> {
    match cx.solution.shape {
        Shape::Configurations => door.components.first().copied(),
        Shape::Single | Shape::Components => None,
    }
}

/// The longest prefix wins whatever the order; this one is for the reader. A name is a component's
/// or `<component>-page`, and no component's name contains the word `edge`.
fn rules<'a>(cx: &Context<'a>, door: &Door<'a>) -> Vec<Named<'a>> {
    let mut rules = Vec::new();
    let home = door.home();
    if home != "/" {
        let rule = json!({
            "matches": [{ "path": { "type": "Exact", "value": "/" } }],
            "filters": [redirect(None, home)],
        });
        rules.push(("edge-home".to_owned(), None, rule));
    }
    let ways = door.ways(cx);
    if let Some(page) = ways.iter().find(|way| way.cold == Cold::Page) {
        let component = page.component;
        let matched = json!({ "path": { "type": "Exact", "value": home }, "method": "GET" });
        let rewrite = rewrite_home(component, home);
        let rule = to_component(cx, component, matched, Some(set(door, *page)), rewrite);
        rules.push((page.name(), Some(component), rule));
    }
    let mut components = door.components.clone();
    components.sort_by_key(|c| std::cmp::Reverse(prefix(c).len()));
    for component in components {
        let held = ways.iter().find(|w| w.cold == Cold::Hold && w.component.name == component.name);
        let matched = json!({ "path": { "type": "PathPrefix", "value": prefix(component) } });
        let held = held.map(|way| set(door, *way));
        let rule = to_component(cx, component, matched, held, rewrite(component));
        rules.push((component.name.to_string(), Some(component), rule));
    }
    let numbered = rules.into_iter().enumerate();
    numbered
        .map(|(n, (name, component, mut rule))| {
            // Policies of Envoy Gateway aim at single rules.
            if cx.controller() == Some(Controller::EnvoyGateway) {
                rule["name"] = name.as_str().into();
            }
            Named { route: numbered_route(&door.route, n / RULES), name, component, rule }
        })
        .collect()
}

/// `edge`, and `edge-2`, ... for what a route cannot hold.
fn numbered_route(route: &str, before: usize) -> String {
    if before == 0 { route.to_owned() } else { format!("{route}-{}", before + 1) }
}

/// A rule that leads to a component, past the limits that the edge can express in a route.
fn to_component(
    cx: &Context,
    component: &Component,
    matched: Value,
    set: Option<Value>,
    rewrite: Option<Value>,
) -> Value {
    let filters = set
        .into_iter()
        .chain(cors(cx, component))
        .chain(middleware::filters(cx, component))
        .chain(rewrite);
    json!({
        "matches": [matched],
        "filters": filters.collect::<Vec<_>>(),
        "backendRefs": [backend(cx, component)],
        "timeouts": timeouts(cx, component),
    })
}

/// Traefik would answer 500 to this filter and has a Middleware instead.
fn cors(cx: &Context, component: &Component) -> Option<Value> {
    let able = cx.controller() == Some(Controller::EnvoyGateway);
    (able && !component.http.cors.is_empty()).then(|| {
        json!({
            "type": "CORS",
            "cors": {
                "allowOrigins": component.http.cors,
                "allowMethods": CORS_METHODS,
                "allowHeaders": ["*"],
                "maxAge": CORS_MAX_AGE,
            },
        })
    })
}

/// Through the interceptor if the component sleeps behind it, else straight to its Service.
fn backend(cx: &Context, component: &Component) -> Value {
    match cx.interceptor(component) {
        Some(interceptor) => json!({
            "group": "",
            "kind": "Service",
            "namespace": interceptor.namespace,
            "name": interceptor.service,
            "port": INTERCEPTOR_PORT,
            "weight": 1,
        }),
        None => json!({
            "group": "",
            "kind": "Service",
            "name": component.name,
            "port": PORT,
            "weight": 1,
        }),
    }
}

/// Traefik ignores them: absent, so that nobody reads a promise there.
fn timeouts(cx: &Context, component: &Component) -> Option<Value> {
    (cx.controller() != Some(Controller::Traefik))
        .then(|| json!({ "request": duration(component.http.request_timeout) }))
}

fn set(door: &Door, way: Way) -> Value {
    json!({
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": { "set": headers(door, way) },
    })
}

/// Takes the component's prefix off, if the author asked for it.
fn rewrite(component: &Component) -> Option<Value> {
    strips(component).then(|| {
        json!({
            "type": "URLRewrite",
            "urlRewrite": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/" } },
        })
    })
}

/// As [`rewrite`], for the rule that matches one path exactly and so has no prefix to replace.
fn rewrite_home(component: &Component, home: &str) -> Option<Value> {
    let rest = home.strip_prefix(prefix(component)).filter(|rest| !rest.is_empty());
    strips(component).then(|| {
        json!({
            "type": "URLRewrite",
            "urlRewrite": {
                "path": { "type": "ReplaceFullPath", "replaceFullPath": rest.unwrap_or("/") },
            },
        })
    })
}

/// 302: tomorrow the host may lead elsewhere. The scheme is written out, because without it a
/// redirect would carry the listener's own port.
fn redirect(host: Option<&HostName>, path: &str) -> Value {
    json!({
        "type": "RequestRedirect",
        "requestRedirect": {
            "scheme": "https",
            "hostname": host,
            "path": { "type": "ReplaceFullPath", "replaceFullPath": path },
            "statusCode": 302,
        },
    })
}

/// Lists are atomic and the server's defaults are written out, so that what is applied is what
/// is live.
fn route(
    cx: &Context,
    gateway: &Gateway,
    name: String,
    wave: Wave,
    component: Option<&Component>,
    hosts: &BTreeSet<&HostName>,
    rules: Vec<Value>,
) -> DesiredObject {
    let key = ObjectKey::namespaced(Kind::HttpRoute, cx.solution.name.namespace(), name);
    cx.object_at(
        key,
        wave,
        component,
        json!({
            "spec": {
                "parentRefs": [{
                    "group": "gateway.networking.k8s.io",
                    "kind": "Gateway",
                    "namespace": gateway.namespace,
                    "name": gateway.name,
                    "sectionName": gateway.section_name,
                }],
                "hostnames": hosts,
                "rules": rules,
            },
        }),
    )
}
