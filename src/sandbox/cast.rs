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

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::write::text;
use vitrine_core::model::{Kind, ObjectKey};

mod deployment;
mod gateway;
mod keda;
mod mesh;
mod queue;

pub use gateway::CONTROLLER as GATEWAY_CONTROLLER;
pub use keda::{FINALIZER as KEDA_FINALIZER, MANAGER as KEDA};
pub use queue::{Queue, sleep_until};

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

/// The objects of the cluster, as far as the player sees them.
pub trait Around {
    /// The object at an address.
    fn object(&self, key: &ObjectKey) -> Option<Arc<Value>>;
    /// All objects of a kind in a namespace.
    fn inside(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>>;
}

/// What a player knows besides objects.
#[derive(Clone, Debug)]
pub struct Stage {
    pub now: Timestamp,
    /// How long a controller takes for a step.
    pub delay: Duration,
    /// How long a woken ScaledObject stays active after its last sign of life; zero = not at all.
    pub cooldown: Duration,
    /// Whether Deployments have pods. Without them all that is asked for is ready at once.
    pub kubelet: bool,
    /// Whether finalizers stay for ever.
    pub stuck_finalizers: bool,
    /// How many replicas visitors need, by ScaledObject; what is not here goes by `cooldown`.
    pub visitors: BTreeMap<ObjectKey, i64>,
}

/// What a player does at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// In this order. One that is refused does not keep the others from being tried.
    pub moves: Vec<Move>,
    /// When to look again although nothing changes.
    pub again: Option<Duration>,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// A JSON merge patch (RFC 7396).
    Patch {
        manager: &'static str,
        key: ObjectKey,
        through: Door,
        patch: Value,
    },
    /// A child of this kind.
    Create {
        manager: &'static str,
        kind: Kind,
        object: Value,
    },
    Delete {
        key: ObjectKey,
    },
}

/// Where a patch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Object,
    Status,
    Scale,
}

impl Turn {
    /// Makes the status of an object this one, which is a move only if it differs.
    fn status(&mut self, manager: &'static str, key: &ObjectKey, object: &Value, status: Value) {
        let before = object.get("status").cloned().unwrap_or_else(|| json!({}));
        if let Some(patch) = difference(&before, &status) {
            let (key, patch) = (key.clone(), json!({ "status": patch }));
            self.moves.push(Move::Patch { manager, key, through: Door::Status, patch });
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

/// The merge patch from one value to another; `None` if they are equal.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return Some(after.clone());
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in new {
        let changed = match old.get(name) {
            Some(before) => difference(before, value),
            None => Some(value.clone()),
        };
        if let Some(changed) = changed {
            patch.insert(name.clone(), changed);
        }
    }
    Some(Value::Object(patch))
}

/// Sets a condition; its time of transition changes with its status only.
fn set_condition(list: &mut Vec<Value>, condition: Value, now: Timestamp) {
    let mut condition = condition;
    let before = list.iter().position(|c| c["type"] == condition["type"]);
    let same = before.filter(|at| list[*at]["status"] == condition["status"]);
    condition["lastTransitionTime"] = match same {
        Some(at) => list[at]["lastTransitionTime"].clone(),
        None => json!(seconds(now)),
    };
    match before {
        Some(at) => list[at] = condition,
        None => list.push(condition),
    }
}

/// The conditions of a status, or of a part of one.
fn conditions(status: &Value) -> Vec<Value> {
    status["conditions"].as_array().cloned().unwrap_or_default()
}

/// A list, empty where there is none.
fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The time as the API writes it: whole seconds.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
