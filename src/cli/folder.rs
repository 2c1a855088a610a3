//! A catalogue in a folder on a laptop, read with the same code as a commit.

use std::path::Path;

use super::Stop;
use crate::git;
use vitrine_core::catalog::{self, Catalog, Fault, Snapshot};

/// Reads and judges the catalogue in a folder.
pub(super) fn read(path: &Path) -> Result<Catalog, Stop> {
    Ok(catalog::read(&snapshot(path)?, &mut catalog::Memory::default()))
}

/// What the folder of a catalogue holds.
pub(super) fn snapshot(path: &Path) -> Result<Snapshot, Stop> {
    git::read_folder(path).map_err(|unknown| Stop::new(unknown.cause))
}

/// The faults as a reason to stop, one a line.
pub(super) fn refused(faults: &[Fault]) -> Stop {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Stop::new(lines.join("\nvitrine: "))
}
