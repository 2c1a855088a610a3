//! Passes knocks on: the first at once, all of the next two seconds as one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The least time between two knocks that are heard.
const PAUSE: Duration = Duration::from_secs(2);

/// A bell that anybody may ring and one listens to. A ring that nobody heard yet is kept, also
/// while the listener is replaced.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    quiet_until: Option<Instant>,
}

/// What a listener does.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Hears,
    Waits,
    WaitsUntil(Instant),
}

impl Bell {
    /// Rings. Never waits.
    pub fn ring(&self) {
        self.state().rung = true;
        self.moved.notify_one();
    }

    /// Waits for a ring, and for the end of the two seconds after the last one that was heard. May
    /// be dropped while it waits: nothing is lost.
    pub async fn heard(&self) {
        loop {
            match self.next(Instant::now()) {
                Next::Hears => return,
                Next::Waits => self.moved.notified().await,
                Next::WaitsUntil(time) => sleep_until(time).await,
            }
        }
    }

    fn next(&self, now: Instant) -> Next {
        let mut state = self.state();
        match state.quiet_until.filter(|until| now < *until) {
            _ if !state.rung => Next::Waits,
            Some(until) => Next::WaitsUntil(until),
            None => {
                *state = State { rung: false, quiet_until: Some(now + PAUSE) };
                Next::Hears
            }
        }
    }

    /// Whether it was rung since this was last asked.
    #[cfg(test)]
    pub(super) fn was_rung(&self) -> bool {
        std::mem::take(&mut self.state().rung)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_knocks_in_two_seconds_are_heard_twice() {
        let (bell, start) = (Bell::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(bell.next(at(0)), Next::Waits);
        bell.ring();
        assert_eq!(bell.next(at(0)), Next::Hears);
        for millis in 1..100 {
            bell.ring();
            assert_eq!(bell.next(at(millis)), Next::WaitsUntil(at(2000)));
        }
        assert_eq!(bell.next(at(2000)), Next::Hears);
        assert_eq!(bell.next(at(2000)), Next::Waits);
        assert_eq!(bell.next(at(9000)), Next::Waits);
        bell.ring();
        assert_eq!(bell.next(at(9000)), Next::Hears);
    }

    #[tokio::test]
    async fn a_ring_is_kept_while_the_listener_changes() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        drop(bell.heard()); // never polled
        tokio::time::timeout(PAUSE / 2, bell.heard()).await.expect("kept");
        let again = tokio::time::timeout(Duration::from_millis(20), bell.heard()).await;
        assert!(again.is_err(), "one ring is heard once");
    }
}
