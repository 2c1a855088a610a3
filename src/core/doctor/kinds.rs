//! The API server's version, and the kinds that solutions are rendered to.

use serde_json::Value;

use super::command;
use super::visit::{Visit, list, not, text};
use crate::catalog::platform::{Activation, Controller, EdgeKind, Mesh};
use crate::model::Kind;
use crate::plan::facts::{Question, Resource};

const DEFINITIONS: Resource =
    Resource::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");

/// The API server against `cluster.version`.
pub(super) fn version(visit: &mut Visit<'_>) {
    const SUBJECT: &str = "API server";
    let Some(answer) = visit.one(SUBJECT, Question::Version, "look at the API server") else {
        return;
    };
    // A hosted server may say `34+`.
    let number = |pointer| text(answer, pointer).trim_end_matches('+').parse::<u32>().ok();
    let (wanted_major, wanted_minor) = visit.patient.platform.cluster_version;
    let wanted = format!("{wanted_major}.{wanted_minor}");
    match (number("/major"), number("/minor")) {
        (Some(major), Some(minor)) if (major, minor) < (wanted_major, wanted_minor) => visit.miss(
            SUBJECT,
            format!("is {major}.{minor}; the platform counts on {wanted} or newer"),
            format!("upgrade the cluster, or write cluster: {{version: \"{major}.{minor}\"}}"),
        ),
        (Some(major), Some(minor)) => visit
            .fine(SUBJECT, format!("is {major}.{minor}; the platform counts on {wanted} or newer")),
        _ => visit.warn(
            SUBJECT,
            format!("does not say its version; the platform counts on {wanted} or newer"),
            "kubectl version",
        ),
    }
}

/// Every definition that this platform's solutions need.
pub(super) fn kinds(visit: &mut Visit<'_>) {
    let platform = visit.patient.platform;
    let mut needed = Vec::new();
    if let EdgeKind::Gateway(gateway) = &platform.edge.kind {
        needed.push(Kind::HttpRoute);
        match gateway.controller {
            Controller::Traefik => needed.push(Kind::Middleware),
            Controller::EnvoyGateway => needed.push(Kind::BackendTrafficPolicy),
            Controller::Other => {}
        }
    }
    match platform.activation {
        Activation::Interceptor(_) => {
            needed.extend([Kind::ReferenceGrant, Kind::ScaledObject, Kind::InterceptorRoute]);
        }
        Activation::Prometheus(_) => needed.push(Kind::ScaledObject),
        Activation::None => {}
    }
    if let Mesh::Linkerd(_) = platform.mesh {
        needed.extend([
            Kind::Server,
            Kind::MeshTlsAuthentication,
            Kind::AuthorizationPolicy,
            Kind::HttpLocalRateLimitPolicy,
        ]);
    }
    if platform.monitoring.as_ref().is_some_and(|monitoring| monitoring.pod_monitors) {
        needed.push(Kind::PodMonitor);
    }
    for kind in needed {
        definition(visit, kind);
    }
}

fn definition(visit: &mut Visit<'_>, kind: Kind) {
    let Some(name) = kind.crd() else { return };
    let subject = format!("CRD {name}");
    let mend = provider(kind);
    let Some(found) = visit.one(&subject, DEFINITIONS.one(None, &name), &mend) else { return };
    if let Some(fault) = not(list(found, "/status/conditions"), "Established") {
        visit.miss(&subject, fault, format!("kubectl describe crd {name}"));
        return;
    }
    let wanted = kind.facts().version;
    let served = |version: &&Value| version.get("served") == Some(&Value::Bool(true));
    let versions = list(found, "/spec/versions");
    let Some(version) = versions.iter().filter(served).find(|v| text(v, "/name") == wanted) else {
        let names: Vec<&str> = versions.iter().filter(served).map(|v| text(v, "/name")).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let sentence = format!("serves {names}, not {wanted}");
        visit.miss(&subject, sentence, format!("another release is needed: {mend}"));
        return;
    };
    let schema = version.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null);
    let lacking: Vec<&str> =
        fields(kind).iter().filter(|field| !has(schema, field)).copied().collect();
    if lacking.is_empty() {
        visit.fine(&subject, format!("serves {wanted}"));
    } else {
        let sentence = format!("serves {wanted} without {}, which is written", lacking.join(", "));
        visit.miss(&subject, sentence, format!("a newer release is needed: {mend}"));
    }
}

/// What is written and younger than the version that it is written at.
const fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::HttpRoute => &["spec.rules.timeouts.request"],
        Kind::InterceptorRoute => &[
            "spec.target.portName",
            "spec.coldStart.placeholder.response.bodyFromConfigMap",
            "spec.timeouts.readiness",
            "spec.timeouts.responseHeader",
        ],
        Kind::ScaledObject => &["spec.initialCooldownPeriod"],
        Kind::HttpLocalRateLimitPolicy => &["spec.total.requestsPerSecond"],
        _ => &[],
    }
}

/// Whether a schema has a field. A list is seen through; what keeps unknown fields has all.
fn has(schema: &Value, path: &str) -> bool {
    let mut at = schema;
    for name in path.split('.') {
        if let Some(items) = at.get("items") {
            at = items;
        }
        if at.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            return true;
        }
        match at.get("properties").and_then(|properties| properties.get(name)) {
            Some(next) if !next.is_null() => at = next,
            _ => return false,
        }
    }
    true
}

/// The command that brings a kind.
fn provider(kind: Kind) -> String {
    match kind {
        Kind::InterceptorRoute => return command::add_on("keda"),
        Kind::ScaledObject => command::KEDA,
        Kind::HttpRoute | Kind::ReferenceGrant => command::GATEWAY_API,
        Kind::Server
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::HttpLocalRateLimitPolicy => command::LINKERD_KINDS,
        Kind::Middleware => command::TRAEFIK,
        Kind::BackendTrafficPolicy => command::ENVOY,
        Kind::PodMonitor => command::PROMETHEUS,
        _ => "use a complete Kubernetes API server",
    }
    .to_owned()
}
