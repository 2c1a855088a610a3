//! How the server shows an object: its metadata, and what the controllers say of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Server, Stored};
use crate::engine::{Managed, Meta, Seen};
use crate::model::fields::Recorded;
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::observed::{
    Condition, DeploymentFacts, HealthFacts, PolicyFacts, RouteFacts, RouteParent, ScaledFacts,
};

const GATEWAY: &str = "edge/public";

impl Server {
    /// The object as a watch shows it.
    pub(super) fn seen(&self, key: &ObjectKey, object: &Stored) -> Seen {
        let name = self.name_of(key);
        let mut labels = BTreeMap::from([
            (marks::INSTANCE.to_owned(), self.instance.as_str().to_owned()),
            (marks::SOLUTION.to_owned(), name.clone()),
        ]);
        if let Some((label, value)) = &object.label {
            labels.remove(marks::SOLUTION);
            if *label != marks::APPROVAL && *label != marks::HELD {
                labels.clear();
            }
            labels.insert((*label).to_owned(), value.clone());
        }
        let mut annotations = BTreeMap::new();
        let mut note = |name: &str, value: Option<String>| {
            annotations.extend(value.map(|value| (name.to_owned(), value)));
        };
        note(marks::CONTENT, object.content.as_ref().map(ToString::to_string));
        note(marks::REVISION, object.revision.as_ref().map(|r| r.as_str().to_owned()));
        note(marks::TEMPLATE, object.template.as_ref().map(ToString::to_string));
        note(marks::PODS, object.pods.as_ref().map(ToString::to_string));
        note(marks::VERIFIED, object.verified.clone());
        let forces = (object.forced || object.nudged).then(|| object.forced.to_string());
        note(marks::FORCE_ACTIVATION, forces);
        let others = object
            .theirs
            .as_ref()
            .map(|set| ("kubectl".to_owned(), Recorded::Set(Arc::clone(set))));
        let meta = Meta {
            name: key.name.clone(),
            namespace: key.namespace.clone(),
            uid: object.uid.clone(),
            resource_version: object.version.to_string().into(),
            generation: object.generation,
            creation_timestamp: Some(object.created),
            deletion_timestamp: None,
            labels,
            annotations,
            finalizers: Vec::new(),
            managed_fields: Managed {
                ours: object.ours.clone().map(Recorded::Set),
                birth: object.birth,
                others: others.into_iter().collect(),
            },
        };
        let health = self.health(key, object, self.sick.contains(&name));
        let mut seen = Seen { meta, health, ..Seen::default() };
        self.show_stuck(key, &name, &mut seen);
        seen
    }

    /// What controllers wrote: all of them are quick, and only pods can be sick.
    fn health(&self, key: &ObjectKey, object: &Stored, sick: bool) -> HealthFacts {
        let generation = object.generation;
        let condition = |kind: &str| Condition {
            kind: kind.into(),
            status: "True".into(),
            observed_generation: Some(generation),
            ..Condition::default()
        };
        match key.kind {
            Kind::Deployment => {
                let up = if sick { 0 } else { object.replicas };
                HealthFacts::Deployment(Box::new(DeploymentFacts {
                    generation,
                    observed_generation: generation,
                    wanted: object.replicas,
                    replicas: object.replicas,
                    updated: object.replicas,
                    ready: up,
                    available: up,
                    conditions: vec![condition("Available")],
                    verified: object.verified.clone(),
                    template: object.template.clone(),
                    pods: object.pods.clone(),
                }))
            }
            Kind::HttpRoute => HealthFacts::Route(Box::new(RouteFacts {
                addresses: object.addresses.iter().cloned().collect(),
                generation,
                asked: vec![GATEWAY.to_owned()],
                parents: vec![RouteParent {
                    controller: "example.net/gateway".to_owned(),
                    gateway: GATEWAY.to_owned(),
                    conditions: vec![condition("Accepted"), condition("ResolvedRefs")],
                }],
            })),
            Kind::ScaledObject => HealthFacts::ScaledObject(Box::new(ScaledFacts {
                generation,
                conditions: vec![condition("Ready")],
                forced: object.forced,
                nudged: object.nudged,
                triggers: 1,
                metrics: 1,
                ..ScaledFacts::default()
            })),
            Kind::InterceptorRoute => HealthFacts::Ready(true),
            Kind::HttpLocalRateLimitPolicy | Kind::BackendTrafficPolicy => {
                HealthFacts::Policy(Box::new(PolicyFacts {
                    generation,
                    conditions: vec![condition("Accepted")],
                }))
            }
            _ => HealthFacts::None,
        }
    }
}
