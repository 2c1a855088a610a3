//! Pauses that double: how long to wait before something that failed is tried again.

use std::time::Duration;

/// What is tried again and again: after the first failure it waits `first`, after each further one
/// twice as long, and never longer than `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Nothing has failed yet.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// It failed once more.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// It went well: the next failure is the first one.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait since the last failure; zero if there was none.
    pub fn pause(&self) -> Duration {
        let Some(doublings) = self.failures.checked_sub(1) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// The same for one of many who failed together, so that they do not come back together: 0.8
    /// to 1.2 of the pause. `chance` is between 0 and 1.
    pub fn jittered(&self, chance: f64) -> Duration {
        self.pause().mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_doubles_up_to_the_longest_and_begins_anew_after_a_success() {
        let mut backoff = Backoff::new(SECOND, 300 * SECOND);
        assert_eq!(backoff.pause(), Duration::ZERO);
        let mut pauses = Vec::new();
        for _ in 0..11 {
            backoff.failed();
            pauses.push(backoff.pause().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        backoff.reset();
        assert_eq!(backoff.pause(), Duration::ZERO);
        backoff.failed();
        assert_eq!(backoff.pause(), SECOND);
    }

    #[test]
    fn no_number_of_failures_shortens_the_pause() {
        let mut backoff = Backoff::new(SECOND, Duration::MAX);
        let mut last = Duration::ZERO;
        for _ in 0..70 {
            backoff.failed();
            assert!(backoff.pause() >= last);
            last = backoff.pause();
        }
        assert_eq!(last, u32::MAX * SECOND);
    }

    #[test]
    fn chance_moves_a_pause_by_a_fifth_and_no_further() {
        let mut backoff = Backoff::new(10 * SECOND, 10 * SECOND);
        backoff.failed();
        let seconds = |chance| backoff.jittered(chance).as_secs_f64().round();
        assert_eq!([0.0, 0.5, 1.0, 9.0].map(seconds), [8.0, 10.0, 12.0, 12.0]);
    }
}
