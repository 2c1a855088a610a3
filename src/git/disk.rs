//! A catalogue in a folder of a disk, read as if it had just been committed.
//!
//! Nothing is followed and nothing is opened but plain files: a link, a device, a socket or a pipe
//! is named and left alone. Files that Git does not track are read too.

use std::fs::{self, FileType};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use vitrine_core::catalog::snapshot::{Folder, Oddity, Snapshot, Unknown};
use vitrine_core::model::invisible::is_invisible;
use vitrine_core::model::{ContentHash, Revision, TreeId};

use super::Trouble;
use super::walk::{
    Entry, Found, Length, Listed, MAX_BYTES, MAX_ENTRIES, Read, Store, walk, walk_one,
};

/// The revision of what is no commit.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Reads the catalogue whose root is this folder. Nothing is written into it.
///
/// # Errors
/// [`Unknown`], naming the folder or file that cannot be read by its path below the root, and for
/// a catalogue of more than 200 000 files and folders or 512 MiB of files that are read.
pub fn read_folder(root: &Path) -> Result<Snapshot, Unknown> {
    let mut disk = Disk { root };
    let found = is_folder(root).and_then(|()| walk(&mut disk, &PathBuf::new(), MAX_BYTES));
    snapshot(found.map_err(Unknown::from)?)
}

/// Reads one solution's folder as the only one of a catalogue whose `platform.yaml` is this text.
///
/// # Errors
/// As [`read_folder`].
pub fn read_lone_folder(folder: &Path, name: &str, platform: &str) -> Result<Snapshot, Unknown> {
    let mut disk = Disk { root: folder };
    let found = is_folder(folder).and_then(|()| walk_one(&mut disk, &PathBuf::new(), name));
    let mut found = found.map_err(Unknown::from)?;
    let bytes: Arc<[u8]> = Arc::from(platform.as_bytes());
    let size = bytes.len() as u64;
    found.platform = Some(vitrine_core::catalog::snapshot::File { size, bytes: Some(bytes) });
    snapshot(found)
}

fn is_folder(path: &Path) -> Result<(), Trouble> {
    if path.is_dir() {
        return Ok(());
    }
    Err(Trouble::new(format!("there is no folder {}", path.display())))
}

fn snapshot(found: Found) -> Result<Snapshot, Unknown> {
    let Found { platform, folders, oddities } = found;
    let wrong = |error: String| Unknown::from(Trouble::new(error));
    let revision = Revision::parse(NO_COMMIT).map_err(|error| wrong(error.to_string()))?;
    let root = TreeId::parse(NO_COMMIT).map_err(|error| wrong(error.to_string()))?;
    let committed = Timestamp::UNIX_EPOCH;
    let folders = Arc::new(folders);
    Ok(Snapshot { revision, committed, root, platform, folders, oddities })
}

/// The files below a folder. Its names are paths relative to it.
struct Disk<'p> {
    root: &'p Path,
}

impl Store for Disk<'_> {
    type Folder = PathBuf;
    type File = PathBuf;

    fn list(&self, folder: &PathBuf) -> Result<Vec<Listed<Self>>, Trouble> {
        let cannot = |error| cannot("look into", folder, &error);
        let mut listed = Vec::new();
        let entries = fs::read_dir(self.root.join(folder)).map_err(cannot)?;
        for entry in entries.take(MAX_ENTRIES + 2) {
            let entry = entry.map_err(cannot)?;
            // Git's own, which no commit holds.
            if entry.file_name().eq_ignore_ascii_case(".git") {
                continue;
            }
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(|error| self::cannot("read", &path, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            listed.push(Listed { name, entry: self.entry(path, kind) });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn size(&self, file: &PathBuf) -> Result<Length, Trouble> {
        let about = fs::symlink_metadata(self.root.join(file));
        about.map(|about| Length::Bytes(about.len())).map_err(|error| cannot("read", file, &error))
    }

    fn read(&self, file: &PathBuf, limit: u64) -> Result<Option<Arc<[u8]>>, Trouble> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            let open = fs::File::open(self.root.join(file))?;
            // One byte more tells a file that grew from one that fits.
            open.take(limit + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| cannot("read", file, &error))?;
        Ok((bytes.len() as u64 <= limit).then(|| Arc::from(bytes)))
    }

    fn known(&self, _folder: &PathBuf) -> Option<Arc<Folder>> {
        None
    }

    fn keep(&mut self, _folder: &PathBuf, _read: &Arc<Folder>) {}

    fn tree(&self, _folder: &PathBuf, read: &Read) -> Result<TreeId, Trouble> {
        let mut text = format!("{:?}", read.oddities).into_bytes();
        for (path, file) in &read.files {
            text.extend_from_slice(format!("\0{path}\0{}\0", file.size).as_bytes());
            text.extend_from_slice(file.bytes.as_deref().unwrap_or_default());
        }
        TreeId::parse(&ContentHash::of(&text).first(40))
            .map_err(|error| Trouble::new(error.to_string()))
    }
}

impl Disk<'_> {
    fn entry(&self, path: PathBuf, kind: FileType) -> Entry<Self> {
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            Entry::Odd(Oddity::NameNotUtf8)
        } else if kind.is_symlink() {
            Entry::Odd(Oddity::SymbolicLink)
        } else if kind.is_dir() {
            // Git would commit a repository inside the repository as a submodule.
            let is_repository = fs::symlink_metadata(self.root.join(&path).join(".git")).is_ok();
            if is_repository { Entry::Odd(Oddity::Submodule) } else { Entry::Folder(path) }
        } else if kind.is_file() {
            Entry::File(path)
        } else {
            Entry::Odd(Oddity::NotAFile)
        }
    }
}

/// Says what could not be done by the path below the root: no output names the machine's folders.
fn cannot(what: &str, path: &Path, error: &io::Error) -> Trouble {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let shown = path.display().to_string().replace(is_invisible, "\u{fffd}");
    Trouble::new(format!("cannot {what} `{shown}`: {}", error.kind()))
}
