//! Compares what the catalogue asks for with what is in the cluster.
//!
//! In: [`Desired`](crate::render::Desired), [`Observed`]. Out: [`Plan`]. Every deletion is
//! decided here, where it can be tested without a cluster.

pub mod approval;
pub mod observed;
pub mod step;

pub use approval::deletions_hash;
pub use observed::{Live, Observed};
pub use step::{Outcome, Step};

/// What a step applies: whoever carries out steps need not know the renderer.
pub use crate::render::DesiredObject;
