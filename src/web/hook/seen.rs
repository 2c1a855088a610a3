//! Remembers which deliveries rang, so that one that is sent again does not.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

/// How many are remembered; about a megabyte.
const MOST: usize = 10_000;

/// For how long.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Numbers of deliveries, the oldest first.
#[derive(Debug, Default)]
pub struct Seen {
    order: VecDeque<(Instant, [u8; 32])>,
    known: HashSet<[u8; 32]>,
}

impl Seen {
    /// Remembers a delivery of a hook, and says whether it was not known. Whatever its length, its
    /// number takes the same room.
    pub fn is_new(&mut self, hook: &str, number: &[u8], now: Instant) -> bool {
        while let Some((since, _)) = self.order.front()
            && (self.order.len() >= MOST || now.saturating_duration_since(*since) >= KEPT)
        {
            if let Some((_, oldest)) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        // No name of a hook has a slash.
        let digest = Sha256::new().chain_update(hook).chain_update("/").chain_update(number);
        let digest: [u8; 32] = digest.finalize().into();
        let is_new = self.known.insert(digest);
        if is_new {
            self.order.push_back((now, digest));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_are_remembered_for_a_day() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        assert!(seen.is_new("aim", b"1", start));
        assert!(!seen.is_new("aim", b"1", start));
        assert!(seen.is_new("lab", b"1", start), "another hook's");
        assert!(!seen.is_new("aim", b"1", start + KEPT - Duration::from_secs(1)));
        assert!(seen.is_new("aim", b"1", start + KEPT), "since yesterday");
        for number in 0..3 * MOST {
            assert!(seen.is_new("many", number.to_string().as_bytes(), start + KEPT));
            assert!(seen.known.len() <= MOST && seen.order.len() == seen.known.len());
        }
        assert!(!seen.is_new("many", (3 * MOST - 1).to_string().as_bytes(), start + KEPT));
        assert!(seen.is_new("many", b"0", start + KEPT), "too long ago");
    }
}
