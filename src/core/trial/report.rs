//! What the contract report says, before it is written down for anybody.

use crate::model::Quoted;

/// What is to be said of a component that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// One for each part of the contract, in the order in which it shows.
    pub lines: Vec<Line>,
    /// One for each number that the author chooses.
    pub numbers: Vec<Number>,
    /// What the platform gives, and nobody could give here.
    pub left_out: Vec<String>,
    /// The last that the program wrote, if it did not do well.
    pub log: Vec<Quoted>,
}

/// One part of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which part, as programs read it. The words are a promise.
    pub part: &'static str,
    /// How it stands.
    pub mark: Mark,
    /// What was seen.
    pub text: String,
    /// How long it took, where that tells something.
    pub took: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// How a part of the contract stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// It holds.
    Good,
    /// It would be published, and somebody would wonder.
    Warning,
    /// Visitors would meet an error.
    Error,
}

/// A number that the author chooses, beside what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The field of `solution.yaml`.
    pub field: &'static str,
    /// What holds now; absent = no bound.
    pub now: Option<String>,
    /// What was measured, in words.
    pub seen: String,
    /// What follows from it.
    pub advice: Advice,
}

/// What to do with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing.
    Keep,
    /// Less would do.
    Lower(String),
    /// It should be more.
    Raise(String),
}

impl Line {
    /// What holds.
    pub(super) fn good(part: &'static str, text: impl Into<String>) -> Self {
        Self { part, mark: Mark::Good, text: text.into(), took: None, hint: None }
    }

    /// What somebody would wonder about.
    pub(super) fn warning(part: &'static str, text: impl Into<String>) -> Self {
        Self { mark: Mark::Warning, ..Self::good(part, text) }
    }

    /// What fails.
    pub(super) fn error(part: &'static str, text: impl Into<String>) -> Self {
        Self { mark: Mark::Error, ..Self::good(part, text) }
    }

    /// With how long it took.
    pub(super) fn took(self, took: impl Into<String>) -> Self {
        Self { took: Some(took.into()), ..self }
    }

    /// With what to do.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Report {
    /// Whether the contract holds.
    pub fn holds(&self) -> bool {
        self.count(Mark::Error) == 0
    }

    /// How many lines have this mark.
    pub fn count(&self, mark: Mark) -> usize {
        self.lines.iter().filter(|line| line.mark == mark).count()
    }
}
