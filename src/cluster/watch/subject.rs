//! What a watch looks at, and what it has to say.

use std::fmt;

use crate::cluster::wire::Seen;
use vitrine_core::model::Kind;
use vitrine_core::plan::observed::KindState;

/// What a watch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::cluster) enum Subject {
    Kind(Kind),
    /// The CustomResourceDefinitions of our kinds.
    Definitions,
}

/// As rights are written: `deployments.apps`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => {
                let facts = kind.facts();
                f.write_str(facts.plural)?;
                if facts.group.is_empty() { Ok(()) } else { write!(f, ".{}", facts.group) }
            }
            Self::Definitions => f.write_str("customresourcedefinitions.apiextensions.k8s.io"),
        }
    }
}

/// What a watch has to say.
#[derive(Debug)]
pub(in crate::cluster) enum News {
    /// A list begins: what does not come now is gone.
    Listing,
    Present(Box<Seen>),
    Deleted(Box<Seen>),
    /// The list is complete as of this version.
    Listed(String),
    /// With the reason, if it is trouble.
    State(KindState, Option<String>),
}
