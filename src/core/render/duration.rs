//! Durations as the Gateway API writes them.

use std::time::Duration;

/// A duration in the canonical form of GEP-2257 (`1h30m`, `55s`), which Go's parser takes too.
/// Whole milliseconds; what is below one is dropped.
pub(super) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut text = String::new();
    let mut rest = millis;
    for (size, unit) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_with_the_fewest_units() {
        for (millis, text) in [
            (0, "0s"),
            (55_000, "55s"),
            (60_000, "1m"),
            (5_400_000, "1h30m"),
            (90_500, "1m30s500ms"),
            (86_400_000, "24h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }
}
