//! Whose turn it is.

use std::fmt;

/// Who has to do something next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// Nothing is to be done, or only time has to pass.
    Nobody,
    /// The daemon: it mends this by itself.
    Vitrine,
    /// Whoever wrote the solution's folder.
    Author,
    /// Who reviews changes of the catalogue: approves deletions that are held.
    Reviewer,
    /// Who runs the platform and this daemon.
    Operator,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Vitrine => "vitrine",
            Self::Author => "author",
            Self::Reviewer => "reviewer",
            Self::Operator => "operator",
        })
    }
}
