//! Why a digest is not known.

use vitrine_core::catalog::fit::Denial;
use vitrine_core::model::Party;

/// Why a digest is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{registry} {what}; {help}")]
pub struct Unresolved {
    /// As the image names it, or `docker.io`.
    pub registry: String,
    pub what: String,
    /// What to do.
    pub help: String,
    /// Who can do it.
    pub party: Party,
    /// How much it says of the image.
    pub denial: Denial,
}

impl Unresolved {
    /// The registry has no such image.
    pub(super) fn lacks(self) -> Self {
        Self { denial: Denial::Lacks, ..self }
    }

    /// The registry does not let us look.
    pub(super) fn refuses(self) -> Self {
        Self { denial: Denial::Refuses, ..self }
    }
}
