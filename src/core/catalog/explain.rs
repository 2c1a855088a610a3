//! Every effective value of a solution, and where it came from.

use std::cell::RefCell;

use super::fault::Fault;
use super::platform::Platform;
use super::snapshot::Snapshot;
use super::solution::{self, Bench, Solution};

pub use super::solution::{Effective, Origin};

/// Explains a good solution of a snapshot, in the order of its components and of the reference.
///
/// # Errors
/// The faults of its folder, when there are any.
pub fn explain(
    snapshot: &Snapshot,
    platform: &Platform,
    solution: &Solution,
) -> Result<Vec<Effective>, Vec<Fault>> {
    let Some(folder) = snapshot.folders.get(&solution.folder) else { return Ok(Vec::new()) };
    let origins = RefCell::default();
    let path = solution.folder.as_str();
    let verdict = solution::judge(&Bench { path, folder, platform, origins: Some(&origins) });
    if verdict.solution.is_some() { Ok(origins.into_inner()) } else { Err(verdict.faults) }
}
