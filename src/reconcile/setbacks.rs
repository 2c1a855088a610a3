//! What went wrong lately, so that it is tried again at the right time and not before.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::plan::{Outcome, Setback, Setbacks, Step};

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(300);
/// A conflict is decided again at once this many times.
const CONFLICTS_AT_ONCE: u32 = 5;

/// Learns from what became of a step.
///
/// A body that the server calls invalid is not sent again before it changes. Everything else is
/// tried again: after 1 s, doubling to 5 min, with jitter, or when the server says.
pub(super) fn learn(setbacks: &mut Setbacks, step: &Step, outcome: Outcome, now: Timestamp) {
    let key = step.key();
    let content = match step {
        Step::Apply { object, .. } | Step::Birth { object, .. } | Step::Handover { object, .. } => {
            Some(object.content.clone())
        }
        Step::Delete { .. }
        | Step::Survey { .. }
        | Step::ForceActivation { .. }
        | Step::Verified { .. } => None,
    };
    let attempts =
        setbacks.get(&key).filter(|s| s.content == content).map_or(0, |s| s.attempts) + 1;
    let until = match &outcome {
        Outcome::Applied { .. } | Outcome::Deleted | Outcome::Gone | Outcome::Surveyed => {
            setbacks.remove(&key);
            return;
        }
        Outcome::Changed if attempts <= CONFLICTS_AT_ONCE => Some(now),
        Outcome::Changed => Some(later(now, attempts - CONFLICTS_AT_ONCE)),
        Outcome::Rejected(r) if content.is_some() && matches!(r.code, 400 | 422) => None,
        Outcome::Rejected(_) => Some(later(now, attempts)),
        Outcome::Unavailable { retry_after: Some(wait), .. } => Some(
            now + SignedDuration::try_from((*wait).min(LONGEST))
                .unwrap_or(SignedDuration::from_secs(1)),
        ),
        Outcome::Unavailable { retry_after: None, .. } => Some(later(now, attempts)),
    };
    setbacks.insert(key, Setback { outcome, content, attempts, until });
}

fn later(now: Timestamp, attempts: u32) -> Timestamp {
    let seconds =
        2_f64.powi(i32::try_from(attempts.min(10)).unwrap_or(10) - 1).min(LONGEST.as_secs_f64());
    let jittered = seconds * (0.8 + 0.4 * fastrand::f64());
    now + SignedDuration::from_millis((jittered * 1000.0) as i64)
}
