//! What was done since the start, for those who count instead of measure.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what costs time and leaves no trace on the cluster. Clones of the [`Arc`] see the same
/// numbers, also while the engine runs.
///
/// [`Arc`]: std::sync::Arc
#[derive(Debug, Default)]
pub struct Tally {
    renders: AtomicU64,
}

impl Tally {
    /// How often a solution was rendered.
    pub fn renders(&self) -> u64 {
        self.renders.load(Ordering::Relaxed)
    }

    pub(super) fn rendered(&self, count: usize) {
        self.renders.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
