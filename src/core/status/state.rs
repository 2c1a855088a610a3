//! The three words of a verdict: sync, stage and health.

/// Is the cluster what the catalogue says?
///
/// The order is that of alarm: the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Sync {
    Synced,
    Progressing,
    OutOfSync,
    Failed,
    Blocked,
    Unknown,
    Removing,
}

/// Where a solution stands between sleep and service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Stage {
    Asleep,
    Waking,
    Awake,
    WakeFailed,
    Queued,
}

/// Does it work?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Health {
    Healthy,
    Progressing,
    Degraded,
}
