//! How the cluster is observed and written.

use std::time::Duration;

use vitrine_core::config;
use vitrine_core::model::InstanceName;

/// How the cluster is observed and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub instance: InstanceName,
    /// The daemon's own namespace: it holds the Lease and the approvals.
    pub namespace: String,
    /// Steps in flight at a time. Services are created slower beyond 4, all others faster to 8.
    pub parallel: usize,
    /// How long a request may take.
    pub deadline: Duration,
}

impl Settings {
    /// How long a request may take where nothing else is said.
    pub const DEADLINE: Duration = Duration::from_secs(30);

    /// As the daemon's settings say.
    pub fn of(config: &config::Config) -> Self {
        Self::new(config.instance.clone(), config.cluster.namespace.as_str())
    }

    /// The settings with what has a default filled in.
    pub fn new(instance: InstanceName, namespace: impl Into<String>) -> Self {
        Self { instance, namespace: namespace.into(), parallel: 8, deadline: Self::DEADLINE }
    }
}
