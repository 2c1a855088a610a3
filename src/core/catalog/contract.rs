//! The contract with authors and operators: every key of `solution.yaml` and `platform.yaml`.
//!
//! One description judges the files, makes the JSON Schema for editors and writes the reference
//! (`docs/manifest.md`), so that none of them can say something else. Rules that look at several
//! values, or at other files, stand where the values are read.

mod json_schema;
mod platform;
mod reference;
mod solution;

pub use json_schema::json_schema;
pub use platform::PLATFORM;
pub use reference::reference;
pub use solution::SOLUTION;

use crate::model::decode::Form;

/// The two kinds of file that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Solution,
    Platform,
}

impl File {
    /// The value of `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Solution => "Solution",
            Self::Platform => "Platform",
        }
    }

    /// What the file may say.
    pub fn schema(self) -> crate::model::decode::Schema {
        match self {
            Self::Solution => SOLUTION,
            Self::Platform => PLATFORM,
        }
    }
}

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The longest that a duration may be before any limit is asked: a week, in seconds.
const WEEK: u64 = 7 * DAY;
/// A duration that only the platform's limits bound.
const TIME: Form = Form::Duration(1, WEEK);
/// Kubernetes counts replicas in 32 bits; nobody needs that many demonstrators.
const REPLICAS: u64 = 1000;
/// Resource name → amount.
const AMOUNTS: Form = Form::Amounts(16);
