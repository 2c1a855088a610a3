//! What the mirror's files looked like when we last wrote them.
//!
//! libgit2 keeps packs mapped: one that was deleted is read on as if it were there, and one that
//! was cut short kills the process that reads beyond its end. Names, sizes and times, compared
//! before each use, tell both without reading a byte.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Of every file that Git reads first, and of every pack: which file it is, its size, its time.
#[derive(Default)]
pub struct Seal(BTreeMap<PathBuf, Print>);

#[derive(PartialEq, Eq)]
struct Print {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Seal {
    /// The files of the repository as they are now. What cannot be looked at is left out.
    pub fn of(repository: &Path) -> Self {
        let mut files = BTreeMap::new();
        for name in ["HEAD", "config", "packed-refs"] {
            add(&mut files, repository, PathBuf::from(name));
        }
        add_all(&mut files, repository, Path::new("refs"));
        add_all(&mut files, repository, &Path::new("objects").join("pack"));
        Self(files)
    }

    /// What is not as it was, in words. New files are no harm.
    pub fn broken(&self, repository: &Path) -> Option<String> {
        if !repository.exists() {
            let name = repository.file_name().unwrap_or(repository.as_os_str());
            return Some(format!("{} was removed", Path::new(name).display()));
        }
        self.0.iter().find_map(|(name, print)| match fs::metadata(repository.join(name)) {
            Ok(found) if Print::of(&found) == *print => None,
            Ok(_) => Some(format!("{} was changed", name.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Some(format!("{} was removed", name.display()))
            }
            Err(error) => Some(format!("{} cannot be looked at: {error}", name.display())),
        })
    }
}

impl Print {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
        }
    }
}

fn add(files: &mut BTreeMap<PathBuf, Print>, repository: &Path, name: PathBuf) {
    if let Ok(found) = fs::metadata(repository.join(&name)) {
        files.insert(name, Print::of(&found));
    }
}

fn add_all(files: &mut BTreeMap<PathBuf, Print>, repository: &Path, folder: &Path) {
    let Ok(entries) = fs::read_dir(repository.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = folder.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_all(files, repository, &name);
        } else {
            add(files, repository, name);
        }
    }
}

/// Whether the open file is still the one at `path`.
pub fn is_at(file: &fs::File, path: &Path) -> bool {
    let (Ok(ours), Ok(found)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (found.dev(), found.ino())
}
