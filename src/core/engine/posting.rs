//! The held list: what the brake holds, written where `vitrine approve` finds it by itself.
//!
//! It is kept by what the watch shows of it, so that one that a hand took away is written again,
//! and one that another process left behind is taken away.

use jiff::{SignedDuration, Timestamp};

/// The pause before the list is written again that could not be written.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// How writing the list goes.
#[derive(Default)]
pub(super) struct Posting {
    not_before: Option<Timestamp>,
    /// Why it could not be written, in a sentence.
    pub trouble: Option<String>,
}

impl Posting {
    /// Whether the list has to be written or taken away. `wanted` is what is held, `posted` what
    /// the list says, each by its first digits. `decided`: whether nothing held means that nothing
    /// has to be.
    pub fn is_due(
        &self,
        wanted: Option<&str>,
        posted: Option<&str>,
        decided: bool,
        now: Timestamp,
    ) -> bool {
        wanted != posted
            && (wanted.is_some() || decided)
            && self.not_before.is_none_or(|at| at <= now)
    }

    /// It was written or taken away, or not.
    pub fn done(&mut self, written: Result<(), String>, now: Timestamp) {
        self.trouble = written.err();
        self.not_before = self.trouble.is_some().then(|| now + AGAIN);
    }

    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_list_says_what_is_held_and_nothing_else() {
        let posting = Posting::default();
        let is_due = |wanted, posted| posting.is_due(wanted, posted, true, NOW);
        assert!(is_due(Some("a"), None));
        assert!(is_due(Some("a"), Some("b")), "another plan");
        assert!(is_due(None, Some("b")), "nothing is held any more");
        assert!(!is_due(Some("a"), Some("a")));
        assert!(!is_due(None, None));
    }

    #[test]
    fn a_list_is_not_taken_away_before_it_is_known_that_nothing_is_held() {
        let posting = Posting::default();
        assert!(!posting.is_due(None, Some("a"), false, NOW));
        assert!(posting.is_due(Some("b"), Some("a"), false, NOW), "what is held, is held");
    }

    #[test]
    fn a_list_that_cannot_be_written_is_tried_again_after_a_pause() {
        let mut posting = Posting::default();
        posting.done(Err("no".to_owned()), NOW);
        assert_eq!(posting.trouble.as_deref(), Some("no"));
        assert!(!posting.is_due(Some("a"), None, true, NOW));
        assert_eq!(posting.deadline(NOW), Some(NOW + AGAIN));
        assert!(posting.is_due(Some("a"), None, true, NOW + AGAIN));
        posting.done(Ok(()), NOW + AGAIN);
        assert_eq!((posting.trouble.as_deref(), posting.deadline(NOW)), (None, None));
    }
}
