//! Whose turn it is.

use std::fmt;

/// Who has to do something next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    Nobody,
    Vitrine,
    Author,
    Reviewer,
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
