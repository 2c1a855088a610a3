//! Finds the catalogue that a folder lies in, and writes into it: whole files or none.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Stop;

/// The operator's file, which marks a catalogue's root.
pub(super) const PLATFORM: &str = "platform.yaml";

/// The author's file, which marks a solution's folder.
pub(super) const SOLUTION: &str = "solution.yaml";

/// The catalogue's root: the folder itself or the nearest one above it that holds a
/// `platform.yaml` of its own, at most up to the top of its Git repository. In a solution's folder
/// that name is a file like any other.
pub(super) fn above(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    up_to_repository(&folder)
        .find(|folder| holds(folder, PLATFORM) && !holds(folder, SOLUTION))
        .map(Path::to_owned)
}

/// The folder and those above it, up to the root of its repository or of the file system.
pub(super) fn up_to_repository(folder: &Path) -> impl Iterator<Item = &Path> {
    let mut inside = true;
    folder.ancestors().take_while(move |folder| {
        let was = inside;
        inside = inside && !holds(folder, ".git");
        was
    })
}

/// Whether the folder has such an entry, be it a link to nowhere.
pub(super) fn holds(folder: &Path, name: &str) -> bool {
    folder.join(name).symlink_metadata().is_ok()
}

/// The root that the person named, or the one around the present folder.
pub(super) fn root(named: Option<&Path>) -> Result<PathBuf, Stop> {
    match named {
        Some(folder) if folder.join(PLATFORM).is_file() => Ok(folder.to_owned()),
        Some(folder) => Err(Stop::new(format!(
            "{} holds no {PLATFORM}, so it is not the root of a catalogue; name the folder that \
             does by --catalog",
            folder.display()
        ))),
        None => above(Path::new(".")).ok_or_else(|| {
            Stop::new(format!(
                "there is no {PLATFORM} here or above; go into the catalogue, or name it by \
                 --catalog DIR"
            ))
        }),
    }
}

/// Replaces a file, whole or not at all. It keeps its mode.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mode = std::fs::metadata(file)?.permissions();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // A name with a dot is no part of the catalogue, should the machine stop here.
    let mut beside = tempfile::Builder::new()
        .prefix(".vitrine-")
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
    beside.write_all(bytes)?;
    beside.as_file().set_permissions(mode)?;
    beside.as_file().sync_all()?;
    beside.persist(file).map_err(|failed| failed.error)?;
    Ok(())
}
