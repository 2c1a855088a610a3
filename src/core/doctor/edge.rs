//! The edge as a whole: namespaces, the Gateway and its class, or the IngressClass.

use std::collections::BTreeSet;

use serde_json::Value;

use super::visit::{GATEWAYS, Visit, list, not, text};
use super::{gateway, partner};
use crate::catalog::platform::{Ability, Controller, EdgeKind};
use crate::plan::facts::Resource;

const GROUP: &str = "gateway.networking.k8s.io";
const CLASSES: Resource = Resource::new(GROUP, "v1", "gatewayclasses");
const INGRESS_CLASSES: Resource = Resource::new("networking.k8s.io", "v1", "ingressclasses");

const TRAEFIK: &str = "traefik.io/gateway-controller";
const ENVOY: &str = "gateway.envoyproxy.io/gatewayclass-controller";

/// What requests come in through.
pub(super) fn edge(visit: &mut Visit<'_>) {
    let platform = visit.patient.platform;
    match &platform.edge.kind {
        EdgeKind::Gateway(gateway) => {
            let names = [&gateway.namespace, &platform.edge.data_plane_namespace];
            for name in BTreeSet::from(names) {
                visit.namespace(name, &format!("kubectl create namespace {name}"));
            }
            let subject = format!("Gateway {}/{}", gateway.namespace, gateway.name);
            let mend = "apply one (docs/platform.md, \"The edge\"), or name yours in edge.gateway";
            let question = GATEWAYS.one(Some(&gateway.namespace), &gateway.name);
            let Some(found) = visit.one(&subject, question, mend) else { return };
            let conditions = list(found, "/status/conditions");
            let describe =
                format!("kubectl -n {} describe gateway {}", gateway.namespace, gateway.name);
            match not(conditions, "Accepted").or_else(|| not(conditions, "Programmed")) {
                Some(fault) => visit.miss(&subject, fault, describe),
                None => visit.fine(&subject, "is accepted and programmed"),
            }
            partner::data_plane(visit, &platform.edge.data_plane_namespace);
            class(visit, gateway.controller, text(found, "/spec/gatewayClassName"));
            gateway::listener(visit, gateway, found);
        }
        EdgeKind::Ingress { class } => {
            let subject = format!("IngressClass {class}");
            let mend = "name yours in edge.ingressClassName: kubectl get ingressclasses";
            if visit.one(&subject, INGRESS_CLASSES.one(None, class), mend).is_some() {
                visit.warn(
                    &subject,
                    "is there; ingress-nginx gets no releases any more, also none for security",
                    "move to a Gateway: edge: {kind: Gateway, ...}",
                );
            }
        }
    }
}

fn class(visit: &mut Visit<'_>, controller: Controller, name: &str) {
    let subject = format!("GatewayClass {name}");
    let mend = format!("install the controller that brings the GatewayClass {name}");
    let Some(found) = visit.one(&subject, CLASSES.one(None, name), &mend) else { return };
    if let Some(fault) = not(list(found, "/status/conditions"), "Accepted") {
        visit.miss(&subject, fault, format!("kubectl describe gatewayclass {name}"));
        return;
    }
    let by = text(found, "/spec/controllerName");
    let (is, word) = match by {
        TRAEFIK => (Controller::Traefik, "traefik"),
        ENVOY => (Controller::EnvoyGateway, "envoy-gateway"),
        _ => (Controller::Other, "other"),
    };
    let mend = format!("edge: {{controller: {word}}} in platform.yaml");
    match (controller, is) {
        (a, b) if a == b => visit.fine(&subject, format!("is accepted by {by}")),
        (Controller::Other, _) => visit.warn(
            &subject,
            format!("is of {by}, whose own limits `controller: other` leaves unused"),
            mend,
        ),
        _ => visit.miss(
            &subject,
            format!("is of {by}, which does not read what `edge.controller` makes us write"),
            mend,
        ),
    }
    features(visit, name, found);
}

/// A feature of the Gateway API that routes use, and what becomes of them without it.
const FEATURES: [(&str, &str); 6] = [
    ("HTTPRoute", "no route works"),
    ("HTTPRouteMethodMatching", "the waking page answers calls of programs too"),
    ("HTTPRoutePathRewrite", "components with a prefix that is taken off do not work"),
    ("HTTPRouteSchemeRedirect", "suspended solutions do not lead to the gallery"),
    ("HTTPRoutePathRedirect", "suspended solutions do not lead to the gallery"),
    ("HTTPRouteRequestTimeout", "no request ends by its timeout"),
];

fn features(visit: &mut Visit<'_>, name: &str, class: &Value) {
    let subject = format!("features of GatewayClass {name}");
    let has: BTreeSet<&str> = list(class, "/status/supportedFeatures")
        .iter()
        // Older releases wrote plain texts.
        .map(|feature| feature.as_str().unwrap_or_else(|| text(feature, "/name")))
        .collect();
    if has.is_empty() {
        visit.warn(
            &subject,
            "are not told; whether its routes do what they say shows only a visit",
            "use a controller that fills status.supportedFeatures",
        );
        return;
    }
    // What the platform is known to lack is told to whoever asks for it, by `check`.
    let told = visit.patient.platform.lacks(Ability::RequestTimeout).is_some();
    let lacking: Vec<String> = FEATURES
        .into_iter()
        .filter(|(feature, _)| !has.contains(feature))
        .filter(|(feature, _)| !(told && *feature == "HTTPRouteRequestTimeout"))
        .map(|(feature, without)| format!("{feature} ({without})"))
        .collect();
    if lacking.is_empty() {
        visit.fine(&subject, "cover what routes use");
    } else {
        visit.warn(
            &subject,
            format!("lack {}", lacking.join(", ")),
            "upgrade the controller, or use another",
        );
    }
}
