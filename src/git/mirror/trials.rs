//! How often the mirror is made again.
//!
//! Once, at once, for whatever looks like damage. What fails in the same way afterwards was not
//! the mirror's fault alone: then pauses grow, so that no repository and no disk makes us clone at
//! every look.

use std::time::{Duration, Instant};

use crate::git::Trouble;
use vitrine_core::model::{Backoff, Revision};

/// What the mirror was needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Its files, before anything is read.
    Files,
    Fetch,
    Snapshot,
    History,
    Records,
    Notes,
}

/// The first pause and the longest one.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// So often within an hour it is made again without a pause, if it serves in between.
const FREE: usize = 8;
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub struct Trials {
    /// When it was made again, within the last hour.
    made: Vec<Instant>,
    in_vain: Option<InVain>,
}

/// What failed again right after the mirror was made again.
struct InVain {
    of: Use,
    at: Option<Revision>,
    pauses: Backoff,
    /// What to say of it until something changes.
    trouble: Trouble,
}

impl Trials {
    /// Whether the mirror may be made again now, for this use.
    ///
    /// # Errors
    /// What was said when that was in vain, or `None` for one that breaks again and again.
    pub fn may(&self, of: Use, at: Option<&Revision>, now: Instant) -> Result<(), Option<Trouble>> {
        let recent: Vec<_> = self.made.iter().filter(|t| now.duration_since(**t) < HOUR).collect();
        let since = recent.last().map_or(HOUR, |last| now.duration_since(**last));
        let same = self.in_vain.as_ref().filter(|vain| vain.of == of && vain.at.as_ref() == at);
        if let Some(vain) = same {
            return if since >= vain.pauses.pause() {
                Ok(())
            } else {
                Err(Some(vain.trouble.clone()))
            };
        }
        if recent.len() < FREE || since >= LONGEST { Ok(()) } else { Err(None) }
    }

    /// It was made again, or that was tried.
    pub fn made(&mut self, now: Instant) {
        self.made.retain(|then| now.duration_since(*then) < HOUR);
        self.made.push(now);
    }

    /// The same failed again.
    pub fn in_vain(&mut self, of: Use, at: Option<&Revision>, trouble: Trouble) {
        let mut pauses = match &self.in_vain {
            Some(vain) if vain.of == of => vain.pauses,
            Some(_) | None => Backoff::new(PAUSE, LONGEST),
        };
        pauses.failed();
        self.in_vain = Some(InVain { of, at: at.cloned(), pauses, trouble });
    }

    /// It served.
    pub fn served(&mut self, of: Use) {
        if self.in_vain.as_ref().is_some_and(|vain| vain.of == of) {
            self.in_vain = None;
        }
    }

    /// How often within the last hour it was made again.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.made.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn revision(digit: &str) -> Revision {
        Revision::parse(&digit.repeat(40)).unwrap()
    }

    #[test]
    fn what_was_in_vain_is_tried_again_after_growing_pauses_or_at_another_commit() {
        let (at, other) = (revision("a"), revision("b"));
        let mut now = Instant::now();
        let mut trials = Trials::default();
        for minutes in [1, 2, 4, 8, 15, 15] {
            trials.may(Use::Snapshot, Some(&at), now).unwrap();
            trials.made(now);
            trials.in_vain(Use::Snapshot, Some(&at), Trouble::new("broken there"));
            now += Duration::from_secs(minutes * 60 - 1);
            let told = trials.may(Use::Snapshot, Some(&at), now).unwrap_err().unwrap();
            assert_eq!(told.sentence, "broken there");
            trials.may(Use::Snapshot, Some(&other), now).unwrap();
            now += Duration::from_secs(1);
        }
        trials.served(Use::Fetch);
        assert!(trials.may(Use::Snapshot, Some(&at), now - Duration::from_secs(1)).is_err());
        trials.served(Use::Snapshot);
        trials.may(Use::Snapshot, Some(&at), now - Duration::from_secs(1)).unwrap();
    }

    #[test]
    fn a_mirror_that_breaks_again_and_again_is_not_made_again_for_ever() {
        let start = Instant::now();
        let mut trials = Trials::default();
        let tries = (0..720).map(|n| start + Duration::from_secs(n * 5));
        for now in tries {
            if trials.may(Use::Files, None, now).is_ok() {
                trials.made(now);
                trials.served(Use::Files);
            }
        }
        assert!(trials.count() <= FREE + 4, "{} within an hour", trials.count());
    }
}
