//! A suggestion for each number that the author chooses.

use std::time::Duration;

use super::report::{Advice, Number};
use super::seen::{Seen, Subject};
use super::words::seconds;
use crate::model::{Quantity, duration, quantity};

/// The times that are suggested for a start, in seconds.
const BUDGETS: [u64; 11] = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
/// How much longer a start may take on a busy machine that has the image on no warm disk.
const SLOWER: u32 = 3;
/// The smallest amount of memory that is suggested.
const LEAST: u64 = 32 << 20;

/// `startup.timeout`, and the memory of `resources`.
pub fn numbers(subject: &Subject<'_>, seen: &Seen) -> Vec<Number> {
    start(subject, seen).into_iter().chain(memory(subject, seen)).collect()
}

fn start(subject: &Subject<'_>, seen: &Seen) -> Option<Number> {
    let first = seen.first.ready?;
    let again = seen.again.as_ref().and_then(|again| again.ready);
    let slowest = again.map_or(first, |again| again.max(first));
    let now = subject.component.startup;
    let enough = budget(slowest);
    let advice = match () {
        () if slowest * 2 > now => Advice::Raise(duration::text(enough)),
        () if enough * 5 <= now => Advice::Lower(duration::text(enough)),
        () => Advice::Keep,
    };
    Some(Number {
        field: "startup.timeout",
        now: Some(duration::text(now)),
        seen: format!("ready after {}", seconds(slowest)),
        advice,
    })
}

/// Enough for a start that took so long here.
fn budget(took: Duration) -> Duration {
    let least = (took * SLOWER).as_secs();
    let fits = BUDGETS.into_iter().find(|budget| *budget > least);
    Duration::from_secs(fits.unwrap_or_else(|| least.next_multiple_of(3600)))
}

fn memory(subject: &Subject<'_>, seen: &Seen) -> Option<Number> {
    let starts = std::iter::once(&seen.first).chain(&seen.again);
    let peak = starts.filter_map(|start| start.peak).max()?;
    let (request, limit) = (subject.container.memory_request, subject.container.memory);
    let mut ends = std::iter::once(&seen.first).chain(&seen.again).filter_map(|start| start.ended);
    let killed = ends.any(|ended| ended.out_of_memory);
    let enough = room(peak);
    let advice = match (request, limit) {
        // What it would have taken nobody saw.
        (_, Some(limit)) if killed => {
            Advice::Raise(Quantity::bytes(limit.whole().saturating_mul(2)).to_string())
        }
        (_, Some(limit)) if peak.saturating_mul(10) > limit.whole().saturating_mul(9) => {
            Advice::Raise(Quantity::bytes(enough).to_string())
        }
        (Some(request), _) if enough.saturating_mul(2) <= request.whole() => {
            Advice::Lower(Quantity::bytes(enough).to_string())
        }
        _ => Advice::Keep,
    };
    let now = limit.or(request).map(|now| now.to_string());
    let seen = format!("peak {}", quantity::rounded(peak));
    Some(Number { field: "resources.requests.memory", now, seen, advice })
}

/// A third more than the peak, as an amount that people write.
fn room(peak: u64) -> u64 {
    let wanted = peak.saturating_add(peak / 3).max(LEAST);
    // Four steps from one power of two to the next.
    let step = (1_u64 << wanted.ilog2().saturating_sub(2)).max(LEAST);
    wanted.checked_next_multiple_of(step).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suggested_is_a_number_that_people_write() {
        for (peak, told) in [
            (0, "32Mi"),
            (30, "64Mi"),
            (90, "128Mi"),
            (100, "160Mi"),
            (800, "1280Mi"),
            (3000, "4Gi"),
        ] {
            assert_eq!(Quantity::bytes(room(peak << 20)).to_string(), told, "{peak} MiB");
        }
        for (took, told) in [(0, "10s"), (3, "10s"), (4, "20s"), (21, "2m"), (3000, "3h")] {
            assert_eq!(duration::text(budget(Duration::from_secs(took))), told, "{took} s");
        }
    }
}
