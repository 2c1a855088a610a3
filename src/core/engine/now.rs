//! What time it is, on two clocks.

use std::time::Duration;

use jiff::Timestamp;

/// Two clocks, because one of them jumps. Back-off, deadlines and patience go by `since_start`;
/// the calendar, what others stamped, and what people read by `wall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time of day, which jumps when somebody sets the clock.
    pub wall: Timestamp,
    /// Time since the process started, which only grows.
    pub since_start: Duration,
}

/// A clock that does not jump, in the words of the other one: the wall's time at the start, and
/// what passed since. Two of its times can be compared; a person who reads one is wrong by as much
/// as the wall clock jumped since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    start: Now,
}

impl Steady {
    pub fn new(start: Now) -> Self {
        Self { start }
    }

    pub fn at(&self, now: Now) -> Timestamp {
        let passed = now.since_start.saturating_sub(self.start.since_start);
        self.start.wall.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_moves_no_deadline() {
        let wall: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let now = |wall, seconds| Now { wall, since_start: Duration::from_secs(seconds) };
        let steady = Steady::new(now(wall, 10));
        assert_eq!(steady.at(now(wall, 10)), wall);
        let hour = Duration::from_secs(3600);
        for jumped in [wall + hour, wall - hour] {
            assert_eq!(steady.at(now(jumped, 70)), wall + Duration::from_secs(60));
        }
        // A clock that is asked out of turn is not older than the start.
        assert_eq!(steady.at(now(wall, 3)), wall);
    }
}
