//! Requests and limits of a container, by resource.

use serde_json::{Value, json};

use crate::model::{Quantities, Quantity};

pub(super) const CPU: &str = "cpu";
pub(super) const MEMORY: &str = "memory";
/// The kubelet evicts who writes more: a container cannot fill its node's disk.
pub(super) const STORAGE: &str = "ephemeral-storage";

/// What a container asks for and may take, by resource.
pub(super) struct Amounts {
    pub requests: Quantities,
    pub limits: Quantities,
}

impl Amounts {
    /// The `resources` of a container.
    pub fn body(&self) -> Value {
        json!({ "requests": self.requests, "limits": self.limits })
    }

    /// What the scheduler sets aside. The API server takes the limit where no request is written.
    pub fn request(&self, resource: &str) -> Option<Quantity> {
        self.requests.get(resource).or_else(|| self.limits.get(resource)).copied()
    }

    pub fn limit(&self, resource: &str) -> Option<Quantity> {
        self.limits.get(resource).copied()
    }
}
