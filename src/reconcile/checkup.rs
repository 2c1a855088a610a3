//! The check-up: is what the platform file counts on there? Asked once for each platform file,
//! when no step is under way, so that it delays no solution, and never again. It does not wait until
//! all is published: where the platform lacks something, that may never be.

use jiff::Timestamp;

use super::Engine;
use vitrine_core::model::ContentHash;
use vitrine_core::plan::facts::{Facts, Look, Question};
use vitrine_core::status::doctor::{self, Examination, Finding, Grade, Patient};

/// What is known of the platform.
#[derive(Default)]
pub(super) struct Checkup {
    /// Whether anybody wants to know.
    wanted: bool,
    facts: Facts,
    /// The platform file that was last examined for.
    of: Option<ContentHash>,
    /// What is not fine.
    pub findings: Vec<Finding>,
}

impl Engine {
    /// Looks at the platform once, after the first steps, and says what is missing or dangerous.
    #[must_use]
    pub fn with_check_up(mut self) -> Self {
        self.checkup.wanted = true;
        self
    }

    /// Begins a check-up if there was none for this platform file.
    pub(super) fn check_up(&mut self, now: Timestamp) {
        if !self.checkup.wanted || self.cluster.busy() || !self.dirty.is_empty() || !self.looked {
            return;
        }
        let platform = self.memory.catalog.as_ref().and_then(|c| c.platform.as_ref().ok());
        let Some(digest) = platform.map(|platform| platform.digest.clone()) else { return };
        if self.checkup.of.as_ref() != Some(&digest) {
            self.checkup.of = Some(digest);
            self.checkup.facts = Facts::default();
            self.go_on(now);
        }
    }

    /// Answers came.
    pub(super) fn take_facts(&mut self, looks: Vec<(Question, Look)>, now: Timestamp) {
        self.checkup.facts.learn(looks);
        self.go_on(now);
    }

    /// Asks what is open, or says what was found.
    fn go_on(&mut self, now: Timestamp) {
        let Some(Examination { findings, open }) = self.examination(now) else { return };
        if !open.is_empty() {
            self.cluster.look(open);
            return;
        }
        let findings: Vec<Finding> =
            findings.into_iter().filter(|finding| finding.grade != Grade::Fine).collect();
        for finding in &findings {
            tracing::warn!("platform: {}", finding.line());
        }
        self.checkup.findings = findings;
        self.telling.changed();
    }

    fn examination(&self, now: Timestamp) -> Option<Examination> {
        let platform = self.memory.catalog.as_ref()?.platform.as_ref().ok()?;
        let patient = Patient {
            platform,
            namespace: &self.settings.cluster.namespace,
            demand: None,
            rights: false,
            now,
        };
        Some(doctor::examine(&patient, &self.checkup.facts))
    }
}
