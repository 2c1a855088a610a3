//! Makes a folder ours: by a mark that says so, which is locked as long as we live.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::git::Trouble;

/// Says that the folder is ours, for which repository, and that a process is using it.
pub const MARK: &str = "vitrine-mirror";
/// The repository, beside the mark.
pub const REPOSITORY: &str = "catalogue.git";

/// Makes the folder ours and locks it, and says when the repository last answered. `known`: the
/// repository in it is ours without a mark.
pub fn claim(
    place: &Path,
    origin: &str,
    known: bool,
) -> Result<(File, Option<Timestamp>), Trouble> {
    let wrong = |error: io::Error| Trouble::disk(place, &error);
    fs::create_dir_all(place).map_err(wrong)?;
    let mark = place.join(MARK);
    if !known && !mark.exists() && holds_other_files(place).map_err(wrong)? {
        return Err(Trouble::new(format!(
            "{} holds files that are not a mirror of vitrine; set repository.mirror to an empty \
             folder",
            place.display()
        )));
    }
    let mut mark = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&mark)
        .map_err(wrong)?;
    lock(&mark, place)?;
    let ours = format!("vitrine mirror 1\n{origin}\n");
    let mut found = String::new();
    if mark.read_to_string(&mut found).is_ok() && found == ours {
        let heard = mark.metadata().and_then(|meta| meta.modified()).ok();
        return Ok((mark, heard.and_then(|time| Timestamp::try_from(time).ok())));
    }
    // First the old repository, then the new mark: a crash between leaves the old mark.
    remove(&place.join(REPOSITORY)).map_err(wrong)?;
    mark.rewind().and_then(|()| mark.set_len(0)).map_err(wrong)?;
    mark.write_all(ours.as_bytes()).map_err(wrong)?;
    Ok((mark, None))
}

/// Removes a folder, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Anything but our mark and what the system puts at the root of a volume.
fn holds_other_files(place: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(place)? {
        if entry?.file_name() != "lost+found" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the mark's lock. A lock that was just given up may live on for a moment in a child that
/// another thread has begun to start, so a taken one is asked for again.
fn lock(mark: &File, place: &Path) -> Result<(), Trouble> {
    for _ in 0..20 {
        match mark.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(25)),
            // A file system without locks: then nobody can be told apart, and one is expected.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(());
            }
            Err(TryLockError::Error(error)) => return Err(Trouble::disk(place, &error)),
        }
    }
    Err(Trouble::new(format!(
        "the mirror {} is in use by another vitrine; set repository.mirror to a folder of its own",
        place.display()
    )))
}
