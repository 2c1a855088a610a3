//! How times and lists are said.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Quoted;

/// `09:12 UTC`.
pub(super) fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string()
}

/// `5 min`, `90 s`.
pub(super) fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 && seconds.is_multiple_of(60) {
        format!("{} min", seconds / 60)
    } else {
        format!("{seconds} s")
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.into_iter().collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [a, b] => format!("{a} and {b}"),
        [a, b, c] => format!("{a}, {b} and {c}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more", rest.len()),
    }
}

/// The longest quotation, in characters.
const LONGEST_QUOTE: usize = 240;

/// What somebody wrote, at a length that a sentence can carry.
pub(super) fn short(text: &Quoted) -> String {
    text.short(LONGEST_QUOTE)
}

/// A part of what was quoted, or a name that is no type of its own.
pub(super) fn quote(text: &str) -> String {
    Quoted::of(text).short(LONGEST_QUOTE)
}
