//! Why a digest is not known.

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
}
