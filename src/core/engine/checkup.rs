//! The check-up: is what the platform file counts on there? Asked once for each platform file,
//! when no step is under way, so that it delays no solution, and never again. It does not wait until
//! all is published: where the platform lacks something, that may never be.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::catalog::Platform;
use crate::model::ContentHash;
use crate::plan::facts::{Facts, Look, Question};
use crate::status::doctor::{self, Examination, Finding, Grade, Patient};

/// What is known of the platform.
#[derive(Default)]
pub(super) struct Checkup {
    /// Whether anybody wants to know.
    pub wanted: bool,
    facts: Facts,
    /// The platform file that was last examined for.
    of: Option<ContentHash>,
    /// Whether an examination is under way.
    open: bool,
    /// What is not fine.
    findings: Vec<Finding>,
}

/// How an examination goes on.
pub(super) enum Goes {
    Asks(BTreeSet<Question>),
    /// The findings are complete.
    Ends,
}

impl Checkup {
    /// Whether an examination is under way.
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Begins if there was none for this platform file.
    pub fn begin(&mut self, platform: &Platform, namespace: &str, now: Timestamp) -> Option<Goes> {
        if !self.wanted || self.of.as_ref() == Some(&platform.digest) {
            return None;
        }
        self.of = Some(platform.digest.clone());
        self.facts = Facts::default();
        self.open = true;
        Some(self.go_on(platform, namespace, now))
    }

    /// Answers came.
    pub fn learn(&mut self, looks: Vec<(Question, Look)>) {
        self.facts.learn(looks);
    }

    /// Nobody answers: it begins anew when there is time.
    pub fn lost(&mut self) {
        self.of = None;
        self.open = false;
    }

    /// Asks what is open, or says what was found.
    pub fn go_on(&mut self, platform: &Platform, namespace: &str, now: Timestamp) -> Goes {
        let patient = Patient { platform, namespace, demand: None, rights: false, now };
        let Examination { findings, open } = doctor::examine(&patient, &self.facts);
        if !open.is_empty() {
            return Goes::Asks(open);
        }
        self.open = false;
        self.findings =
            findings.into_iter().filter(|finding| finding.grade != Grade::Fine).collect();
        Goes::Ends
    }
}
