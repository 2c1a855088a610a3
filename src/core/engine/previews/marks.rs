//! Faults at the lines of heads, as check runs of a GitHub App.

use jiff::Timestamp;

use super::words::refused;
use crate::engine::event::Refusal;

/// Whether and when heads are marked.
#[derive(Debug, Default)]
pub struct Marks {
    wanted: bool,
    not_before: Option<Timestamp>,
    /// Why they cannot be.
    pub trouble: Option<String>,
}

impl Marks {
    pub fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// What was waited for has come.
    pub fn ring(&mut self, now: Timestamp) {
        self.not_before = self.not_before.filter(|at| *at > now);
    }

    /// Whether one may be marked now.
    pub fn may(&self) -> bool {
        self.wanted && self.not_before.is_none()
    }

    /// One was marked.
    pub fn done(&mut self) {
        self.trouble = None;
    }

    /// One could not be marked: none is for a while.
    pub fn failed(&mut self, refusal: Refusal, now: Timestamp) {
        let wait;
        (self.trouble, wait) = refused(refusal);
        self.not_before = Some(now + wait);
    }
}
