//! HTTPRoutes and Ingresses: whom they ask, what was answered, and where visitors open them.

use serde::Deserialize;

use super::health::{ConditionWire, conditions};
use vitrine_core::engine::Meta;
use vitrine_core::plan::address::{Address, IngressSpec, ParentRef, RouteSpec};
use vitrine_core::plan::observed::{RouteFacts, RouteParent};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteWire {
    metadata: Meta,
    spec: RouteSpec,
    status: RouteStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RouteStatus {
    parents: Option<Vec<ParentWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ParentWire {
    controller_name: String,
    parent_ref: ParentRef,
    conditions: Option<Vec<ConditionWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressWire {
    pub metadata: Meta,
    spec: IngressSpec,
}

/// Where visitors open it, if they are not sent elsewhere.
pub(super) fn ingress(wire: &IngressWire) -> Box<[Address]> {
    let elsewhere = wire.metadata.annotation("nginx.ingress.kubernetes.io/temporal-redirect");
    if elsewhere.is_some() { Box::default() } else { wire.spec.addresses().into_iter().collect() }
}

pub(super) fn route(wire: RouteWire) -> (Meta, RouteFacts) {
    let own = wire.metadata.namespace.as_deref().unwrap_or_default();
    let parents =
        wire.status.parents.as_deref().unwrap_or_default().iter().map(|parent| RouteParent {
            controller: parent.controller_name.clone(),
            gateway: parent.parent_ref.written(own),
            conditions: conditions(&parent.conditions),
        });
    let facts = RouteFacts {
        generation: wire.metadata.generation,
        asked: wire.spec.asked(own),
        parents: parents.collect(),
        addresses: wire.spec.addresses(own).into_iter().collect(),
    };
    (wire.metadata, facts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parent_without_namespace_is_beside_its_route() {
        let wire = json!({
            "metadata": {"name": "r", "namespace": "sol-use", "generation": 3},
            "spec": {"parentRefs": [{"name": "gw", "namespace": "edge", "sectionName": "https"}]},
            "status": {"parents": [
                {"controllerName": "c", "parentRef": {"name": "near"}, "conditions": null},
                {"controllerName": "c", "parentRef": {"name": "gw", "namespace": "edge"},
                 "conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 3}]},
            ]},
        });
        let (_, facts) = route(serde_json::from_value(wire).unwrap());
        let gateways: Vec<&str> = facts.parents.iter().map(|p| p.gateway.as_str()).collect();
        assert_eq!(gateways, ["sol-use/near", "edge/gw"]);
        assert_eq!(facts.asked, ["edge/gw#https"]);
        assert_eq!(facts.parents[1].conditions[0].observed_generation, Some(3));
        assert_eq!(facts.generation, 3);
    }

    #[test]
    fn a_route_and_an_ingress_are_opened_where_they_lead_on() {
        let address = |host: &str, path: &str, gateway: &str| Address {
            host: host.into(),
            path: path.into(),
            gateway: gateway.into(),
        };
        let leads =
            json!({"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "app"}]});
        let wire = json!({"metadata": {}, "spec": {
            "parentRefs": [{"name": "gw"}], "hostnames": ["a.example"], "rules": [leads],
        }});
        let (_, facts) = route(serde_json::from_value(wire).unwrap());
        assert_eq!(*facts.addresses, [address("a.example", "/", "/gw")]);
        assert_eq!(facts.asked, ["/gw"]);

        let paths = json!({"paths": [{"path": "/api(/|$)(.*)"}]});
        let mut wire = json!({
            "metadata": {"annotations": {}},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": paths}]},
        });
        let read =
            |wire: &serde_json::Value| ingress(&serde_json::from_value(wire.clone()).unwrap());
        assert_eq!(*read(&wire), [address("a.example", "/api", "Ingress nginx")]);
        let page = "https://gallery.example/r/a";
        wire["metadata"]["annotations"]["nginx.ingress.kubernetes.io/temporal-redirect"] =
            json!(page);
        assert_eq!(*read(&wire), [], "it sends everybody elsewhere");
    }
}
