//! The three words of a verdict: sync, stage and health.

/// Is the cluster what the catalogue says?
///
/// The order is that of alarm: the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Sync {
    /// All is applied, and no controller refuses it. Whether it works is its health.
    Synced,
    /// Being brought there; it ends by itself.
    Progressing,
    /// Somebody changed it on the cluster, and it is being repaired.
    OutOfSync,
    /// What the catalogue says of it, or one of its objects, was refused.
    Failed,
    /// Somebody has to clear the way, or another controller refuses what was applied.
    Blocked,
    /// The repository cannot be read.
    Unknown,
    /// It left the catalogue, and what is left of it is being deleted.
    Removing,
}

/// Where a solution stands between sleep and service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Stage {
    /// No replica is wanted. A visitor wakes it, unless it is suspended or expired.
    Asleep,
    /// A replica is wanted and does not serve yet.
    Waking,
    /// Visitors are served.
    Awake,
    /// It did not come up, or nothing can wake it.
    WakeFailed,
    /// A pod waits for a machine of its class.
    Queued,
}

/// Does it work?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Health {
    /// It works, or sleeps and nothing is known against it.
    Healthy,
    /// It is starting, or waits for a machine.
    Progressing,
    /// Something of it is broken, and the reason says what.
    Degraded,
}
