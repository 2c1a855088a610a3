//! HTTPRoutes: how visitors get from a host to a component.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::context::Context;
use super::door::{Cold, Door, Way, prefix, strips};
use super::duration::duration;
use super::interceptor_route::headers;
use super::service::PORT;
use super::{DesiredObject, Wave};
use crate::catalog::platform::{EdgeKind, Gateway};
use crate::catalog::solution::{Component, Shape};
use crate::model::{Kind, ObjectKey};

/// The most rules that an HTTPRoute can hold.
const RULES: usize = 16;
/// The port of the interceptor's proxy.
const INTERCEPTOR_PORT: u16 = 8080;

/// The routes of all hosts of a solution.
pub(super) fn http_routes(cx: &Context) -> Vec<DesiredObject> {
    let mut routes = Vec::new();
    if cx.solution.shape == Shape::Configurations {
        let host = format!("{}.{}", cx.solution.name, cx.platform.domain);
        routes.push(to_gallery(cx, "edge".to_owned(), None, &BTreeSet::from([host.as_str()])));
    }
    for door in cx.doors() {
        let (rules, hosts) = (rules(cx, &door), door.hosts());
        for (rules, n) in rules.chunks(RULES).zip(1..) {
            let name = numbered(&door.route, n);
            routes.push(if cx.rests() {
                // As many routes as awake: suspension deletes nothing.
                to_gallery(cx, name, owner(cx, &door), &hosts)
            } else {
                route(cx, name, Wave::Route, owner(cx, &door), &hosts, rules)
            });
        }
    }
    routes
}

/// `edge`, and `edge-2`, ... for what a route cannot hold.
fn numbered(route: &str, n: usize) -> String {
    if n == 1 { route.to_owned() } else { format!("{route}-{n}") }
}

/// A route that answers by itself. It reaches no back end, so it comes with the first objects:
/// whoever suspends a solution sees it gone at once, and nothing it needs can be missing.
fn to_gallery(
    cx: &Context,
    name: String,
    component: Option<&Component>,
    hosts: &BTreeSet<&str>,
) -> DesiredObject {
    let gallery = format!("gallery.{}", cx.platform.domain);
    let page = format!("/r/{}", cx.solution.name);
    let rule = json!({
        "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
        "filters": [redirect(Some(&gallery), &page)],
    });
    route(cx, name, Wave::Protection, component, hosts, &[rule])
}

/// The configuration that a door belongs to; the one door of other solutions is shared.
fn owner<'a>(cx: &Context, door: &Door<'a>) -> Option<&'a Component> {
    match cx.solution.shape {
        Shape::Configurations => door.components.first().copied(),
        Shape::Single | Shape::Components => None,
    }
}

/// The longest prefix wins whatever the order; this one is for the reader.
fn rules(cx: &Context, door: &Door) -> Vec<Value> {
    let mut rules = Vec::new();
    let home = door.home();
    if home != "/" {
        rules.push(json!({
            "matches": [{ "path": { "type": "Exact", "value": "/" } }],
            "filters": [redirect(None, home)],
        }));
    }
    let ways = door.ways(cx);
    if let Some(page) = ways.iter().find(|way| way.cold == Cold::Page) {
        let filters = [set(door, *page)].into_iter().chain(rewrite_home(page.component, home));
        rules.push(json!({
            "matches": [{ "path": { "type": "Exact", "value": home }, "method": "GET" }],
            "filters": filters.collect::<Vec<_>>(),
            "backendRefs": [backend(cx, page.component)],
            "timeouts": timeouts(page.component),
        }));
    }
    let mut components = door.components.clone();
    components.sort_by_key(|c| std::cmp::Reverse(prefix(c).len()));
    for component in components {
        let held = ways.iter().find(|w| w.cold == Cold::Hold && w.component.name == component.name);
        let filters = held.map(|way| set(door, *way)).into_iter().chain(rewrite(component));
        rules.push(json!({
            "matches": [{ "path": { "type": "PathPrefix", "value": prefix(component) } }],
            "filters": filters.collect::<Vec<_>>(),
            "backendRefs": [backend(cx, component)],
            "timeouts": timeouts(component),
        }));
    }
    rules
}

/// Through the interceptor if the component sleeps, else straight to its Service.
fn backend(cx: &Context, component: &Component) -> Value {
    match cx.scaled(component) {
        Some(scaled) => json!({
            "group": "",
            "kind": "Service",
            "namespace": scaled.interceptor.namespace,
            "name": scaled.interceptor.service,
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

fn timeouts(component: &Component) -> Value {
    json!({ "request": duration(component.http.request_timeout) })
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
fn redirect(host: Option<&str>, path: &str) -> Value {
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
    name: String,
    wave: Wave,
    component: Option<&Component>,
    hosts: &BTreeSet<&str>,
    rules: &[Value],
) -> DesiredObject {
    let gateway = match &cx.platform.edge.kind {
        EdgeKind::Gateway(gateway) => gateway,
        EdgeKind::Ingress { .. } => &Gateway::default(),
    };
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
