//! The contract with authors and operators: every key of `solution.yaml` and `platform.yaml`.
//!
//! One description judges the files, makes the JSON Schema for editors and writes the reference
//! (`docs/manifest.md`), so that none of them can say something else. Rules that look at several
//! values, or at other files, stand where the values are read.

mod bounds;
mod foreign;
mod json_schema;
mod platform;
mod reference;
mod solution;

pub use json_schema::json_schema;
pub use platform::PLATFORM;
pub use reference::reference;
pub use solution::SOLUTION;

/// The two kinds of file that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `solution.yaml`, written by authors.
    Solution,
    /// `platform.yaml`, written by the operator.
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
