//! How visitors get from an address to a component: routes, and the interceptor behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::Kind;
use crate::render::read::{items, of_kind, text};
use crate::render::{Desired, DesiredObject};

/// A way in from outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// `https://host/path`
    pub address: String,
    /// The namespace that the request comes from when it reaches the component.
    pub through: String,
}

/// The ways that lead to each component.
pub fn visitors(desired: &Desired) -> BTreeMap<String, BTreeSet<Way>> {
    let mut ways: BTreeMap<String, BTreeSet<Way>> = BTreeMap::new();
    let edge = edge(desired);
    for route in of_kind(desired, Kind::HttpRoute) {
        for rule in items(&route.body, "/spec/rules") {
            for backend in items(rule, "/backendRefs") {
                let target = target(desired, route, rule, backend);
                let Some((component, through)) = target else { continue };
                let through = through.or_else(|| edge.clone()).unwrap_or_default();
                let addresses = addresses(route, rule);
                let entry = ways.entry(component).or_default();
                entry.extend(addresses.map(|address| Way { address, through: through.clone() }));
            }
        }
    }
    // One that redirects names a back end only because the API asks for one.
    let redirects = |o: &DesiredObject| {
        let annotations = &o.body["metadata"]["annotations"];
        annotations.get("nginx.ingress.kubernetes.io/temporal-redirect").is_some()
    };
    for ingress in of_kind(desired, Kind::Ingress).filter(|o| !redirects(o)) {
        for rule in items(&ingress.body, "/spec/rules") {
            let host = text(rule, "/host").unwrap_or("*");
            for path in items(rule, "/http/paths") {
                let Some(service) = text(path, "/backend/service/name") else { continue };
                let Some(component) = of_service(desired, service) else { continue };
                // As `ingress` writes a prefix where nginx must match patterns.
                let path = text(path, "/path").unwrap_or("/").trim_end_matches("(/|$)(.*)");
                let address = format!("https://{host}{}", path.replace('\\', ""));
                let through = edge.clone().unwrap_or_default();
                ways.entry(component).or_default().insert(Way { address, through });
            }
        }
    }
    ways
}

/// The namespace of the edge's data plane: the one that the policies of public pods let in and
/// that is not the interceptor's.
fn edge(desired: &Desired) -> Option<String> {
    let interceptor = of_kind(desired, Kind::ReferenceGrant).next();
    let interceptor = interceptor.and_then(|grant| grant.key.namespace.as_deref());
    let policies = of_kind(desired, Kind::NetworkPolicy).filter(|o| o.key.name == "allow-edge");
    let from = policies
        .flat_map(|policy| items(&policy.body, "/spec/ingress"))
        .flat_map(|rule| items(rule, "/from"));
    let mut names = from.filter_map(|peer| {
        text(peer, "/namespaceSelector/matchLabels/kubernetes.io~1metadata.name")
    });
    let first = names.next()?;
    Some(names.find(|_| Some(first) == interceptor).unwrap_or(first).to_owned())
}

/// The component behind a rule, and the namespace of the interceptor if it stands between.
fn target(
    desired: &Desired,
    route: &DesiredObject,
    rule: &Value,
    backend: &Value,
) -> Option<(String, Option<String>)> {
    let service = text(backend, "/name")?;
    let Some(namespace) = text(backend, "/namespace") else {
        return Some((of_service(desired, service)?, None));
    };
    let sent = headers(
        items(rule, "/filters")
            .iter()
            .flat_map(|filter| items(filter, "/requestHeaderModifier/set")),
    );
    let hosts: BTreeSet<&str> =
        items(&route.body, "/spec/hostnames").iter().filter_map(Value::as_str).collect();
    let taken = of_kind(desired, Kind::InterceptorRoute).find(|interceptor| {
        items(&interceptor.body, "/spec/rules").iter().any(|rule| {
            let wanted = headers(items(rule, "/headers").iter());
            let of_host = items(rule, "/hosts").iter().filter_map(Value::as_str);
            wanted.is_subset(&sent) && of_host.into_iter().any(|host| hosts.contains(host))
        })
    })?;
    let component = of_service(desired, text(&taken.body, "/spec/target/service")?)?;
    Some((component, Some(namespace.to_owned())))
}

fn headers<'a>(list: impl Iterator<Item = &'a Value>) -> BTreeSet<(&'a str, &'a str)> {
    list.filter_map(|header| Some((text(header, "/name")?, text(header, "/value")?))).collect()
}

/// The component whose pods a Service of the solution selects.
fn of_service(desired: &Desired, name: &str) -> Option<String> {
    let service = of_kind(desired, Kind::Service).find(|service| service.key.name == name)?;
    text(&service.body, "/spec/selector/vitrine.dev~1component").map(str::to_owned)
}

fn addresses(route: &DesiredObject, rule: &Value) -> impl Iterator<Item = String> {
    let hosts: Vec<String> = items(&route.body, "/spec/hostnames")
        .iter()
        .filter_map(|host| Some(host.as_str()?.to_owned()))
        .collect();
    let paths: Vec<String> = match items(rule, "/matches") {
        [] => vec!["/".to_owned()],
        matches => {
            matches.iter().map(|one| text(one, "/path/value").unwrap_or("/").to_owned()).collect()
        }
    };
    hosts.into_iter().flat_map(move |host| {
        paths.clone().into_iter().map(move |path| format!("https://{host}{path}"))
    })
}
