//! The bare mirror: every object of the tracked branch, on our own disk.
//!
//! A cache. Whatever looks wrong with it is mended by making it again. The folder holds a file
//! that says it is ours, and the repository beside it; a folder without that file is never touched.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use git2::{Oid, Repository, RepositoryInitOptions, RepositoryOpenFlags};

use crate::model::Revision;

use super::Trouble;
use super::commits::Commit;
use super::remote::{Remote, oid};

/// Says that the folder is ours, for which repository, and that a process is using it.
const MARK: &str = "vitrine-mirror";
const REPOSITORY: &str = "catalogue.git";
const FRESH: &str = "fresh.git";

/// libgit2 never repacks; past this many packs the mirror is made again.
const MAX_PACKS: usize = 50;
/// As many in one of the 256 folders of loose objects, as `git gc` estimates.
const MAX_LOOSE: usize = 27;

pub struct Mirror {
    place: PathBuf,
    repository: Repository,
    distrusted: bool,
    /// Locked as long as we live; the system frees it when we are killed.
    _mark: File,
}

impl Mirror {
    /// Opens the mirror of `origin` at `place`, or makes it.
    pub fn open(place: &Path, origin: &str) -> Result<Self, Trouble> {
        let wrong = |error: io::Error| unusable(place, &error.to_string());
        fs::create_dir_all(place).map_err(wrong)?;
        let mark = place.join(MARK);
        if !mark.exists() && holds_other_files(place).map_err(wrong)? {
            return Err(Trouble::new(format!(
                "{} holds files that are not a mirror of vitrine; set repository.mirror to an \
                 empty folder",
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
        if mark.read_to_string(&mut found).is_err() || found != ours {
            // First the old repository, then the new mark: a crash between leaves the old mark.
            remove(&place.join(REPOSITORY)).map_err(wrong)?;
            mark.rewind().and_then(|()| mark.set_len(0)).map_err(wrong)?;
            mark.write_all(ours.as_bytes()).map_err(wrong)?;
        }
        remove(&place.join(FRESH)).map_err(wrong)?;
        let path = place.join(REPOSITORY);
        let repository = match reopen(&path) {
            Some(repository) => repository,
            None => {
                remove(&path).map_err(wrong)?;
                init(&path).map_err(|error| unusable(place, error.message()))?
            }
        };
        Ok(Self { place: place.to_owned(), repository, distrusted: false, _mark: mark })
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Something in it could not be read: the next fetch makes it again.
    pub fn distrust(&mut self) {
        self.distrusted = true;
    }

    /// Fetches the tracked branch if `revision` is not here. Says whether the mirror was replaced.
    pub fn fetch(&mut self, remote: &Remote, revision: &Revision) -> Result<bool, Trouble> {
        let id = oid(revision)?;
        if !self.distrusted && self.has(id) {
            return Ok(false);
        }
        let branch = remote.branch_ref();
        let refspec = format!("+{branch}:{branch}");
        let replaced = self.distrusted || self.is_crowded();
        if replaced {
            self.replace(remote, &refspec)?;
        } else {
            remote.fetch(&self.repository, &refspec)?;
        }
        if self.has(id) {
            return Ok(replaced);
        }
        let tip = self.repository.refname_to_id(&branch).ok();
        self.distrusted = tip.is_none_or(|tip| Commit::read(&self.repository, tip).is_err());
        Err(Trouble::new(format!(
            "{remote} no longer has commit {} on the branch; it moved on while it was read and is \
             asked again",
            revision.short()
        )))
    }

    fn has(&self, id: Oid) -> bool {
        Commit::read(&self.repository, id).is_ok()
    }

    /// Clones into a fresh folder and swaps. If that fails, the old mirror stays.
    fn replace(&mut self, remote: &Remote, refspec: &str) -> Result<(), Trouble> {
        let (old, fresh) = (self.place.join(REPOSITORY), self.place.join(FRESH));
        let wrong = |error: io::Error| unusable(&self.place, &error.to_string());
        remove(&fresh).map_err(wrong)?;
        let cannot = |error: git2::Error| unusable(&self.place, error.message());
        let repository = init(&fresh).map_err(cannot)?;
        if let Err(trouble) = remote.fetch(&repository, refspec) {
            drop(repository);
            let _ = remove(&fresh);
            return Err(trouble);
        }
        drop(repository);
        // A crash between these two leaves no repository; `open` and the next fetch make one.
        remove(&old).map_err(wrong)?;
        fs::rename(&fresh, &old).map_err(wrong)?;
        self.repository = open(&old).map_err(cannot)?;
        self.distrusted = false;
        Ok(())
    }

    fn is_crowded(&self) -> bool {
        let objects = self.repository.path().join("objects");
        let count = |folder: &Path, end: &str| {
            fs::read_dir(folder).map_or(0, |entries| {
                entries
                    .flatten()
                    .filter(|entry| entry.file_name().to_string_lossy().ends_with(end))
                    .count()
            })
        };
        count(&objects.join("pack"), ".pack") > MAX_PACKS
            || count(&objects.join("17"), "") > MAX_LOOSE
    }
}

fn unusable(place: &Path, why: &str) -> Trouble {
    Trouble::new(format!(
        "the mirror {} cannot be written ({why}); check repository.mirror, its owner and the \
         disk's space",
        place.display()
    ))
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
            Err(TryLockError::Error(error)) => return Err(unusable(place, &error.to_string())),
        }
    }
    Err(Trouble::new(format!(
        "the mirror {} is in use by another vitrine; set repository.mirror to a folder of its own",
        place.display()
    )))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn init(path: &Path) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).mkpath(true).no_reinit(true);
    Repository::init_opts(path, &options)
}

/// Refuses a repository that belongs to another user.
fn open(path: &Path) -> Result<Repository, git2::Error> {
    let nothing: [&Path; 0] = [];
    let flags = RepositoryOpenFlags::BARE | RepositoryOpenFlags::NO_SEARCH;
    Repository::open_ext(path, flags, nothing)
}

/// The repository of an earlier life, if it is whole: no lock that a killed process left, and
/// every ref leads to a commit with its tree. Removes what a broken-off fetch left.
fn reopen(path: &Path) -> Option<Repository> {
    let repository = open(path).ok()?;
    if !repository.is_bare() || has_locks(path) || has_locks(&path.join("refs")) {
        return None;
    }
    for name in repository.references().ok()? {
        let target: Oid = name.ok()?.target()?;
        let commit = Commit::read(&repository, target).ok()?;
        repository.odb().ok()?.read_header(commit.tree).ok()?;
    }
    for entry in fs::read_dir(path.join("objects").join("pack")).ok()?.flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with("pack-") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Some(repository)
}

/// Whether a file `*.lock` lies in `folder`, at any depth below `refs`.
fn has_locks(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let deep = folder.file_name().is_none_or(|name| name != REPOSITORY);
    entries.flatten().any(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|end| end == "lock")
            || (deep && path.is_dir() && has_locks(&path))
    })
}
