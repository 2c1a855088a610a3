//! Whether the loop behind the board lives: it beats at every turn, and at least every few seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a loop may be silent before it counts as hung. Nothing that it does takes a second.
const HUNG: Duration = Duration::from_secs(60);

/// The last beat of a loop.
#[derive(Debug)]
pub struct Heart {
    started: Instant,
    /// Milliseconds from the start to the last beat.
    last: AtomicU64,
}

impl Heart {
    /// One that beats now.
    pub fn new() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }

    /// The loop came round.
    pub fn beat(&self) {
        self.beat_at(self.started.elapsed());
    }

    /// How long the loop has hung, if it does.
    pub fn stopped(&self) -> Option<Duration> {
        self.stopped_at(self.started.elapsed())
    }

    fn beat_at(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    fn stopped_at(&self, time: Duration) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        Some(time.saturating_sub(last)).filter(|silent| *silent > HUNG)
    }
}

impl Default for Heart {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_does_not_come_round_is_found() {
        let (heart, second) = (Heart::new(), Duration::from_secs(1));
        assert_eq!(heart.stopped_at(HUNG), None);
        assert_eq!(heart.stopped_at(HUNG + second), Some(HUNG + second));
        heart.beat_at(HUNG + second);
        assert_eq!(heart.stopped_at(HUNG * 2), None);
    }
}
