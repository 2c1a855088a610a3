//! How many requests a forge likes: so many at once, and so many writes in a window of time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::config::ForgeKind;

pub(super) const SECOND: SignedDuration = SignedDuration::from_secs(1);
pub(super) const MINUTE: SignedDuration = SignedDuration::from_mins(1);
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The pace of one forge, and what was sent of late.
pub(super) struct Pace {
    at_once: usize,
    windows: &'static [(SignedDuration, usize)],
    /// When the writes of the last hour were sent.
    sent: VecDeque<Timestamp>,
}

impl Pace {
    /// GitHub asks for one write a second, at most 80 a minute and 500 an hour; we stay below.
    pub const fn of(kind: ForgeKind) -> Self {
        let sent = VecDeque::new();
        match kind {
            ForgeKind::GitHub => {
                Self { at_once: 1, windows: &[(SECOND, 1), (MINUTE, 60), (HOUR, 400)], sent }
            }
            ForgeKind::GitLab | ForgeKind::Gitea | ForgeKind::Forgejo => {
                Self { at_once: 4, windows: &[(SECOND, 5)], sent }
            }
        }
    }

    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// A write was sent.
    pub fn sent(&mut self, now: Timestamp) {
        self.sent.push_back(now);
    }

    /// Until when no more is sent, because enough was.
    pub fn full_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        while self.sent.front().is_some_and(|at| *at + HOUR <= now) {
            self.sent.pop_front();
        }
        let opens = |(window, most): &(SignedDuration, usize)| {
            let oldest = self.sent.len().checked_sub(*most)?;
            self.sent.get(oldest).map(|at| *at + *window).filter(|at| *at > now)
        };
        self.windows.iter().filter_map(opens).max()
    }
}
