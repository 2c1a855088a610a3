//! How times and lists are said.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::invisible::{is_invisible, is_joiner};

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

/// What a stranger wrote (a program that died, another controller), so that it can stand in a
/// sentence: on one line, of bounded length, without what steers a terminal or turns text around.
pub(super) fn quote(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match c {
            // A colour or a cursor's move ends with a letter.
            '\u{1b}' if letters.as_str().starts_with('[') => {
                letters.by_ref().skip(1).find(|c| matches!(c, '@'..='~'));
            }
            c if c.is_control() || c.is_whitespace() => {
                if !plain.is_empty() && !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            // No stranger's joiner is worth a look.
            c if is_invisible(c) || is_joiner(c) => {}
            c => plain.push(c),
        }
    }
    let plain = plain.trim_end();
    match plain.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}...", plain[..end].trim_end()),
        None => plain.to_owned(),
    }
}

/// The last line that says something: a program says at the end why it ended.
pub(super) fn last_line(text: &str) -> String {
    text.lines().rev().map(quote).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_one_bounded_line_without_power_over_a_terminal() {
        assert_eq!(quote("a\tb\r\n\n  c\u{7}d  "), "a b c d");
        assert_eq!(
            quote("\u{1b}[31mred\u{1b}[0m and \u{202e}back\u{200b}wards"),
            "red and backwards"
        );
        assert_eq!(quote("\u{1b}]0;title\u{7}x"), "]0;title x");
        assert_eq!(quote("\u{1b}["), "");
        let all: Vec<char> = ('\0'..='\u{ffff}').collect();
        for few in all.chunks(100) {
            let quoted = quote(&few.iter().collect::<String>());
            assert!(!quoted.contains(|c| is_invisible(c) || is_joiner(c)), "{few:?}");
        }
        let long = quote(&"ä".repeat(5000));
        assert_eq!(long.chars().count(), LONGEST_QUOTE + 3);
        assert!(long.ends_with("ä..."));
        assert_eq!(last_line("Traceback\n  File x\nKeyError: 'A'\n\u{1b}[0m\n"), "KeyError: 'A'");
    }
}
