//! Ingresses with the annotations of ingress-nginx, for platforms without a Gateway.
//!
//! An annotation holds for a whole Ingress. So a component whose limits differ from those of the
//! one at `/`, or whose prefix is taken off, has an Ingress of its own for the same host;
//! ingress-nginx puts them together again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::door::{Door, prefix, strips};
use super::limits::CORS_MAX_AGE;
use super::service::PORT_NAME;
use super::{DesiredObject, Wave, http_route};
use crate::catalog::platform::{EdgeKind, Mesh};
use crate::catalog::solution::{Component, Http, Shape};
use crate::model::{HostName, Kind, ObjectKey};

const MEBIBYTE: u64 = 1024 * 1024;

/// The Ingresses of all hosts of a solution; none where the edge is a Gateway.
pub(super) fn ingresses(cx: &Context) -> Vec<DesiredObject> {
    let EdgeKind::Ingress { class } = &cx.platform.edge.kind else { return Vec::new() };
    let mut all = Vec::new();
    if cx.solution.shape == Shape::Configurations {
        let host = cx.platform.domain.solution(&cx.solution.name);
        // The API asks for a back end; a redirect never reaches it.
        let anyone = cx.public().next().map(|c| path("/", "Prefix", c)).into_iter().collect();
        let hosts = BTreeSet::from([&host]);
        let annotations = to_gallery(cx);
        let wave = Wave::Protection;
        all.push(ingress(cx, class, "edge".to_owned(), wave, None, &hosts, annotations, anyone));
    }
    for door in cx.doors() {
        let patterns = door.components.iter().any(|c| strips(c));
        for part in parts(&door) {
            let (wave, mut annotations) = if cx.rests() {
                (Wave::Protection, to_gallery(cx))
            } else {
                (Wave::Route, to_component(cx, &door, &part))
            };
            if patterns {
                annotations.insert("use-regex".to_owned(), json!("true"));
            }
            let owner = part.own.or_else(|| http_route::owner(cx, &door));
            let paths = part.components.iter().map(|c| path_of(c, patterns)).collect();
            let hosts = door.hosts();
            all.push(ingress(cx, class, part.name, wave, owner, &hosts, annotations, paths));
        }
    }
    all
}

/// The names of a door's Ingresses.
pub(super) fn names(door: &Door) -> Vec<String> {
    parts(door).into_iter().map(|part| part.name).collect()
}

/// What one Ingress of a door holds.
struct Part<'a> {
    name: String,
    /// At least one; all with the same limits.
    components: Vec<&'a Component>,
    /// The component that differs from the one at `/`.
    own: Option<&'a Component>,
}

fn parts<'a>(door: &Door<'a>) -> Vec<Part<'a>> {
    let root = door.components.iter().find(|c| prefix(c) == "/");
    let Some(first) = root.or(door.components.first()).copied() else { return Vec::new() };
    let (shared, own): (Vec<_>, Vec<_>) = door
        .components
        .iter()
        .copied()
        .partition(|c| c.name == first.name || (!strips(c) && same(&c.http, &first.http)));
    let own = own.into_iter().map(|component| Part {
        name: format!("{}-{}", door.route, component.name),
        components: vec![component],
        own: Some(component),
    });
    [Part { name: door.route.clone(), components: shared, own: None }]
        .into_iter()
        .chain(own)
        .collect()
}

/// Whether two components need the same annotations.
fn same(one: &Http, other: &Http) -> bool {
    one.request_timeout == other.request_timeout
        && one.max_request_body_size == other.max_request_body_size
        && one.rate_limit == other.rate_limit
        && one.cors == other.cors
}

fn to_component(cx: &Context, door: &Door, part: &Part) -> Map<String, Value> {
    let Some(component) = part.components.first() else { return Map::new() };
    let http = &component.http;
    let (rate, burst) = (http.rate_limit.requests_per_second, http.rate_limit.burst);
    let timeout = seconds(http.request_timeout);
    let mut annotations = vec![
        ("force-ssl-redirect", "true".to_owned()),
        ("limit-rps", rate.to_string()),
        // Rounded up: rather a few more at once than fewer.
        ("limit-burst-multiplier", burst.div_ceil(rate.max(1)).to_string()),
        ("proxy-body-size", size(http.max_request_body_size)),
        ("proxy-read-timeout", timeout.clone()),
        ("proxy-send-timeout", timeout),
    ];
    if matches!(cx.platform.mesh, Mesh::Linkerd(_)) {
        // The mesh knows Services; it does not see who a pod's bare address belongs to.
        annotations.push(("service-upstream", "true".to_owned()));
    }
    if !http.cors.is_empty() {
        annotations.push(("enable-cors", "true".to_owned()));
        annotations.push(("cors-allow-origin", http.cors.join(", ")));
        annotations.push(("cors-allow-credentials", "false".to_owned()));
        annotations.push(("cors-max-age", CORS_MAX_AGE.to_string()));
    }
    if part.own.is_none() && door.home() != "/" {
        annotations.push(("app-root", door.home().to_owned()));
    }
    if strips(component) {
        // What the second group of `path_of` matched.
        annotations.push(("rewrite-target", "/$2".to_owned()));
    }
    annotations.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

/// 302: tomorrow the host may lead elsewhere.
fn to_gallery(cx: &Context) -> Map<String, Value> {
    let page = format!("https://{}/r/{}", cx.platform.domain.gallery(), cx.solution.name);
    [("force-ssl-redirect", "true".to_owned()), ("temporal-redirect", page)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect()
}

/// One pattern on a host makes nginx take all of its paths for patterns, the longest text first.
/// So all of them get the same tail, and the longest prefix still wins.
fn path_of(component: &Component, patterns: bool) -> Value {
    let prefix = prefix(component);
    if prefix == "/" || !patterns {
        return path(prefix, "Prefix", component);
    }
    let mut pattern = String::new();
    for c in prefix.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    path(&format!("{pattern}(/|$)(.*)"), "ImplementationSpecific", component)
}

fn path(path: &str, kind: &str, component: &Component) -> Value {
    json!({
        "path": path,
        "pathType": kind,
        "backend": { "service": { "name": component.name, "port": { "name": PORT_NAME } } },
    })
}

/// In nginx's units.
fn size(bytes: u64) -> String {
    match bytes {
        whole if whole % MEBIBYTE == 0 => format!("{}m", whole / MEBIBYTE),
        some => some.to_string(),
    }
}

/// Whole seconds, rounded up: nginx knows no smaller ones here.
fn seconds(time: Duration) -> String {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).to_string()
}

/// TLS without a Secret: the controller's own certificate is the wildcard's.
#[expect(clippy::too_many_arguments, reason = "an Ingress has this many parts")]
fn ingress(
    cx: &Context,
    class: &str,
    name: String,
    wave: Wave,
    component: Option<&Component>,
    hosts: &BTreeSet<&HostName>,
    annotations: Map<String, Value>,
    paths: Vec<Value>,
) -> DesiredObject {
    let prefixed = |(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), value);
    let annotations = annotations.into_iter().map(prefixed).collect::<Map<_, _>>();
    let rules = hosts.iter().map(|host| json!({ "host": host, "http": { "paths": paths } }));
    cx.object_at(
        ObjectKey::namespaced(Kind::Ingress, cx.solution.name.namespace(), name),
        wave,
        component,
        json!({
            "metadata": { "annotations": annotations },
            "spec": {
                "ingressClassName": class,
                "tls": [{ "hosts": hosts }],
                "rules": rules.collect::<Vec<_>>(),
            },
        }),
    )
}
