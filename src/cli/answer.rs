//! How a command ends: with an answer, or with the reason why there is none.

use std::process::ExitCode;

/// Why a command ended without an answer. One sentence a line: what, where, what to do.
#[derive(Debug)]
pub struct Stop {
    pub sentence: String,
}

impl Stop {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into() }
    }
}

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Good,
    NotGood,
    Unknown,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Good => Self::SUCCESS,
            Answer::NotGood => Self::from(1),
            Answer::Unknown => Self::from(2),
        }
    }
}
