//! What a watch looks at, and what it has to say.

use std::fmt;

use super::definitions;
use vitrine_core::model::Kind;

/// What a watch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Kind(Kind),
    /// The CustomResourceDefinitions of our kinds.
    Definitions,
}

/// As rights are written: `deployments.apps`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(&kind.resource()),
            Self::Definitions => f.write_str(definitions::RESOURCE),
        }
    }
}
