//! How we stand with a forge: whether it answers, until when it is left alone, and whether somebody
//! has to wait for it.

use jiff::{SignedDuration, Timestamp};

/// The first pause after an answer that may come better the next time, and the longest.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// The pause after a credential or a repository was refused. GitLab shuts out whoever tries often.
const PROBE: SignedDuration = SignedDuration::from_mins(10);
/// The pause after another post to the same commit was in the way.
const BUSY: SignedDuration = SignedDuration::from_secs(1);
/// After so many failures in a row, nobody waits for it any more.
const AWAY: u32 = 3;
/// A longer pause than this is not waited for either, and is told.
const LONG: SignedDuration = SignedDuration::from_secs(60);

/// One forge, as it answered of late.
#[derive(Debug, Default)]
pub(super) struct Contact {
    /// Failures in a row; those that answer to what was sent before a pause count once.
    failures: u32,
    not_before: Option<Timestamp>,
    /// Whether nobody has to wait for it.
    away: bool,
    /// Whether it answered a question since it last failed.
    answers: bool,
    /// Why it cannot be told anything.
    pub trouble: Option<String>,
}

impl Contact {
    /// Until when nothing is sent.
    pub fn closed_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.not_before = self.not_before.filter(|at| *at > now);
        self.not_before
    }

    /// Whether it answers, and may be asked.
    pub fn is_well(&self) -> bool {
        self.trouble.is_none() && self.not_before.is_none()
    }

    /// Whether nobody has to wait for it.
    pub fn is_away(&self) -> bool {
        self.away
    }

    /// A longer pause is never made shorter by what else is answered meanwhile.
    fn pause(&mut self, until: Timestamp) {
        self.not_before = Some(self.not_before.map_or(until, |at| at.max(until)));
    }

    /// It did not answer, or has a fault.
    pub fn fails(&mut self, cause: String, now: Timestamp) {
        if self.not_before.is_none_or(|at| at <= now) {
            self.failures = (self.failures + 1).min(16);
        }
        let grown = FIRST_PAUSE * (1_i32 << (self.failures.max(1) - 1).min(6));
        self.pause(now + grown.min(LONGEST_PAUSE));
        self.away |= self.failures >= AWAY;
        self.answers = false;
        self.trouble = Some(cause);
    }

    /// It wants to be left alone for so long.
    pub fn wants_pause(&mut self, wait: SignedDuration, now: Timestamp) {
        let wait = wait.max(FIRST_PAUSE);
        self.pause(now + wait);
        if wait > LONG {
            self.away = true;
            let minutes = (wait.as_secs() + 59) / 60;
            let cause = format!("the forge wants to be left alone for {minutes} min");
            self.trouble.get_or_insert(cause);
        }
    }

    /// Somebody has to mend something first.
    pub fn shuts(&mut self, cause: String, now: Timestamp) {
        self.pause(now + PROBE);
        self.away = true;
        self.answers = false;
        self.trouble = Some(cause);
    }

    /// It cannot even be asked in this way; it is asked again seldom.
    pub fn refuses(&mut self, now: Timestamp) {
        self.pause(now + PROBE);
    }

    /// Somebody else is writing.
    pub fn is_busy(&mut self, now: Timestamp) {
        self.pause(now + BUSY);
    }

    /// It took what it was told.
    pub fn took(&mut self) {
        (self.failures, self.away, self.trouble) = (0, false, None);
    }

    /// It answered a question. That it takes what it is told is not said by that.
    pub fn answered(&mut self) {
        self.answers = true;
    }

    /// There is nothing to tell it.
    pub fn has_everything(&mut self) {
        if self.answers {
            self.took();
        }
    }
}
