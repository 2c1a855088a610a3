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
    /// What is said of pods and ScaledObjects beside them. Nobody waits for it.
    Events,
}

impl Subject {
    /// Whether the daemon works as well without it.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::Events)
    }
}

/// As rights are written: `deployments.apps`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(&kind.resource()),
            Self::Definitions => f.write_str(definitions::RESOURCE),
            Self::Events => f.write_str("events"),
        }
    }
}
