//! The clock's say in whether a solution runs.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Phase;
use crate::catalog::Solution;

/// Whether the calendar lets a solution run on this day (UTC).
pub fn phase_on(solution: &Solution, today: Date) -> Phase {
    if solution.suspend.as_ref().is_some_and(|suspension| today < suspension.until) {
        Phase::Suspended
    } else if solution.expires.is_some_and(|day| today >= day) {
        Phase::Expired
    } else {
        Phase::Live
    }
}

/// Whether the calendar lets a solution run at this time.
pub fn phase_at(solution: &Solution, now: Timestamp) -> Phase {
    phase_on(solution, day(now))
}

/// The day in UTC.
pub fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// When the next day begins in UTC, and a second.
pub fn next_day(now: Timestamp) -> Timestamp {
    day(now)
        .tomorrow()
        .ok()
        .and_then(|date| date.to_zoned(TimeZone::UTC).ok())
        .map_or(now + SignedDuration::from_hours(24), |zoned| {
            zoned.timestamp() + SignedDuration::from_secs(1)
        })
}
