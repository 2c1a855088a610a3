//! What a player sees: the objects around, and the stage with its clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use vitrine_core::model::{Kind, ObjectKey};

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
