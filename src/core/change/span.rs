//! How long ago something was, in words.

use jiff::{SignedDuration, Timestamp};

/// `3 days ago`, by whole units; a time to come is just now.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).max(SignedDuration::ZERO).as_secs();
    for (unit, length) in [("day", 86_400), ("hour", 3600), ("minute", 60)] {
        let number = seconds / length;
        if number > 0 {
            return format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
        }
    }
    "just now".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_whole_unit() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 10);
        for (seconds, told) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7199, "1 hour ago"),
            (3 * 86_400 + 7200, "3 days ago"),
        ] {
            assert_eq!(ago(now - SignedDuration::from_secs(seconds), now), told);
        }
    }
}
