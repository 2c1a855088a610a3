//! How long to wait before the next try.

use std::time::Duration;

/// The pause before the next try: 0.2 s, doubled up to 30 s, with jitter.
#[derive(Default)]
pub(super) struct Pause {
    tries: u32,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(200);
    pub const LONGEST: Duration = Duration::from_secs(30);

    /// How long to wait now; at least as long as the server asks.
    pub fn next(&mut self, at_least: Option<Duration>) -> Duration {
        let full = Self::FIRST.saturating_mul(1 << self.tries.min(10)).min(Self::LONGEST);
        self.tries = self.tries.saturating_add(1);
        full.mul_f64(0.5 + fastrand::f64() / 2.0).max(at_least.unwrap_or_default())
    }

    /// Waits that long.
    pub async fn take(&mut self, at_least: Option<Duration>) {
        tokio::time::sleep(self.next(at_least)).await;
    }
}
