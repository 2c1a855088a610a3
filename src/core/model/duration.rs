//! Lengths of time as the Gateway API writes them: `30m`, `1h30m`, `500ms`.

use std::time::Duration;

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration")]
pub struct BadDuration(pub String);

/// One to four numbers of at most five digits, each with `h`, `m`, `s` or `ms` (GEP-2257).
///
/// # Errors
/// [`BadDuration`].
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration(text.to_owned());
    let mut total = Duration::ZERO;
    let mut rest = text;
    for _ in 0..4 {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, tail) = rest.split_at(digits);
        if number.is_empty() || number.len() > 5 {
            return Err(bad());
        }
        let number: u64 = number.parse().map_err(|_| bad())?;
        let (milliseconds, tail) = if let Some(tail) = tail.strip_prefix("ms") {
            (number, tail)
        } else if let Some(tail) = tail.strip_prefix('h') {
            (number * 3_600_000, tail)
        } else if let Some(tail) = tail.strip_prefix('m') {
            (number * 60_000, tail)
        } else if let Some(tail) = tail.strip_prefix('s') {
            (number * 1000, tail)
        } else {
            return Err(bad());
        };
        total += Duration::from_millis(milliseconds);
        rest = tail;
        if rest.is_empty() {
            return Ok(total);
        }
    }
    Err(bad())
}

/// The shortest way to write a duration, in whole milliseconds.
pub fn text(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= length {
            text += &format!("{}{unit}", rest / length);
            rest %= length;
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_in_the_gateway_api() {
        for (text, milliseconds) in
            [("30m", 1_800_000), ("1h30m", 5_400_000), ("500ms", 500), ("0s", 0), ("90s", 90_000)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(milliseconds));
        }
        for bad in ["", "30", "m", "1.5h", "-1s", "1d", "100000s", "1h1m1s1ms1s", "1h ", "30 m"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_duration_is_shown_as_shortly_as_possible() {
        assert_eq!(text(Duration::from_secs(90)), "1m30s");
        assert_eq!(text(Duration::from_secs(3600)), "1h");
        assert_eq!(text(Duration::from_millis(500)), "500ms");
        assert_eq!(text(Duration::ZERO), "0s");
    }
}
