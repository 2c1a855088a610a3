//! The controllers of a cluster, played: what makes Deployments ready, ScaledObjects and routes
//! accepted.
//!
//! In: an object that changed, what is [`Around`] it, the [`Stage`] with its clock. Out: a [`Turn`],
//! the patches and children that the original would write, and when to look again. Nothing here
//! reads a clock or writes: the sandbox's store carries a turn out, or a client of a real API
//! server, so that both see the same controllers.
//!
//! | player | plays |
//! |---|---|
//! | [`Player::Deployments`] | Deployment controller and kubelet |
//! | [`Player::Gateway`] | a Gateway API controller: routes and their limits |
//! | [`Player::Interceptor`] | the KEDA HTTP add-on |
//! | [`Player::Keda`] | KEDA: its finalizer, its conditions, the number of replicas |
//! | [`Player::Mesh`] | the mesh's policy controller |
//!
//! Each writes only where its original does (status, `/scale`, its own finalizer) and under its own
//! manager, so that `managedFields` look as in production.

use serde_json::Value;

use super::object::text;
use vitrine_core::model::{Kind, ObjectKey};

mod conditions;
mod deployment;
mod fate;
mod gateway;
mod keda;
mod mesh;
mod moves;
mod queue;
mod stage;

pub use gateway::CONTROLLER as GATEWAY_CONTROLLER;
pub use keda::{FINALIZER as KEDA_FINALIZER, MANAGER as KEDA};
pub use moves::{Door, Move, Turn};
pub use queue::{Queue, sleep_until};
pub use stage::{Around, Stage};

/// One of the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Player {
    Deployments,
    Gateway,
    Interceptor,
    Keda,
    Mesh,
}

impl Player {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Deployments, Self::Gateway, Self::Interceptor, Self::Keda, Self::Mesh];

    /// Whose objects of this kind are, if anybody plays their controller.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Deployment => Some(Self::Deployments),
            Kind::HttpRoute | Kind::BackendTrafficPolicy => Some(Self::Gateway),
            Kind::InterceptorRoute => Some(Self::Interceptor),
            Kind::ScaledObject => Some(Self::Keda),
            Kind::HttpLocalRateLimitPolicy => Some(Self::Mesh),
            Kind::Namespace
            | Kind::ResourceQuota
            | Kind::LimitRange
            | Kind::Server
            | Kind::MeshTlsAuthentication
            | Kind::AuthorizationPolicy
            | Kind::PodDisruptionBudget
            | Kind::PodMonitor
            | Kind::Middleware
            | Kind::Ingress
            | Kind::ServiceAccount
            | Kind::ConfigMap
            | Kind::NetworkPolicy
            | Kind::Service
            | Kind::ReferenceGrant
            | Kind::Pod => None,
        }
    }

    /// The kinds that it reads: its own, and those that its own refer to. Pods only where there is
    /// a kubelet.
    pub const fn watches(self) -> &'static [Kind] {
        match self {
            Self::Deployments => &[Kind::Deployment],
            Self::Gateway => {
                &[Kind::HttpRoute, Kind::BackendTrafficPolicy, Kind::Service, Kind::ReferenceGrant]
            }
            Self::Interceptor => &[Kind::InterceptorRoute],
            Self::Keda => &[Kind::ScaledObject, Kind::Deployment],
            Self::Mesh => &[Kind::HttpLocalRateLimitPolicy, Kind::Server],
        }
    }
}

/// What the player of an object does about it now. Nobody's object gets an empty turn.
pub fn turn(key: &ObjectKey, object: &Value, around: &impl Around, stage: &Stage) -> Turn {
    let Some(player) = Player::of(key.kind) else { return Turn::default() };
    let turn = match player {
        Player::Deployments => deployment::turn(key, object, around, stage),
        Player::Keda => keda::scaled_object(key, object, around, stage),
        Player::Interceptor => Some(keda::interceptor_route(key, object, stage)),
        Player::Gateway if key.kind == Kind::HttpRoute => {
            gateway::route(key, object, around, stage)
        }
        Player::Gateway => gateway::traffic_policy(key, object, around, stage),
        Player::Mesh => mesh::rate_limit(key, object, around, stage),
    };
    turn.unwrap_or_default()
}

/// Which objects their players have to look at when this one appeared, changed or went.
pub fn affected(changed: &ObjectKey, around: &impl Around) -> Vec<ObjectKey> {
    let Some(namespace) = changed.namespace.as_deref() else { return Vec::new() };
    let all = |kind, namespace: &str| {
        let objects = around.inside(kind, namespace);
        let names = objects.iter().filter_map(|object| text(object, "/metadata/name"));
        names.map(|name| ObjectKey::namespaced(kind, namespace, name)).collect::<Vec<_>>()
    };
    match changed.kind {
        Kind::Deployment => {
            let scaled = around.inside(Kind::ScaledObject, namespace);
            let targets = scaled
                .iter()
                .filter(|o| text(o, "/spec/scaleTargetRef/name") == Some(&changed.name))
                .filter_map(|o| text(o, "/metadata/name"))
                .map(|name| ObjectKey::namespaced(Kind::ScaledObject, namespace, name));
            std::iter::once(changed.clone()).chain(targets).collect()
        }
        Kind::ScaledObject
        | Kind::InterceptorRoute
        | Kind::HttpLocalRateLimitPolicy
        | Kind::BackendTrafficPolicy => vec![changed.clone()],
        Kind::HttpRoute => {
            let limits = all(Kind::BackendTrafficPolicy, namespace);
            std::iter::once(changed.clone()).chain(limits).collect()
        }
        Kind::Server => all(Kind::HttpLocalRateLimitPolicy, namespace),
        Kind::Service => all(Kind::HttpRoute, namespace),
        Kind::ReferenceGrant => {
            let grant = around.object(changed).unwrap_or_default();
            let from = grant.pointer("/spec/from").and_then(Value::as_array);
            let namespaces = from.into_iter().flatten().filter_map(|f| text(f, "/namespace"));
            namespaces.flat_map(|namespace| all(Kind::HttpRoute, namespace)).collect()
        }
        Kind::Namespace
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::PodDisruptionBudget
        | Kind::PodMonitor
        | Kind::Middleware
        | Kind::Ingress
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::NetworkPolicy
        | Kind::Pod => Vec::new(),
    }
}
