//! The bare mirror: every object of the tracked branch, on our own disk.
//!
//! A cache. Whatever looks wrong with it is mended by making it again. The folder holds a file
//! that says it is ours, and the repository beside it; a folder without that file is never touched.
//! Its refs have names of our own, so that nothing depends on how refs are named at the remote.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use jiff::Timestamp;

use git2::{Oid, Repository, RepositoryInitOptions, RepositoryOpenFlags};

use vitrine_core::model::{InstanceName, Revision};

use super::commits::Commit;
use super::refs::{NOTES, TIP};
use super::remote::{Remote, oid};
use super::trouble::Flaw;
use super::{Side, Trouble, room};

mod claim;
mod seal;
mod trials;

pub(super) use claim::MARK;
use claim::{REPOSITORY, claim, remove};
use seal::Seal;
use trials::Trials;
pub use trials::Use;

const FRESH: &str = "fresh.git";

/// libgit2 never repacks; past this many packs the mirror is made again.
const MAX_PACKS: usize = 50;
/// A pack of a pull request that is larger, in bytes, is not kept: with [`MAX_PACKS`] this bounds
/// what strangers take of the disk.
const LARGE_PACK: u64 = 8 << 20;
/// As many in one of the 256 folders of loose objects, as `git gc` estimates.
const MAX_LOOSE: usize = 27;

pub struct Mirror {
    place: PathBuf,
    origin: String,
    repository: Repository,
    /// Locked as long as we live; the system frees it when we are killed. Its time of change says
    /// when the repository last answered.
    mark: File,
    /// When the repository answered in an earlier life, last.
    heard: Option<Timestamp>,
    seal: Seal,
    /// Why it must not be read before it is made again.
    damage: Option<String>,
    trials: Trials,
}

impl Mirror {
    /// Opens the mirror of `origin` at `place`, or makes it.
    pub fn open(place: &Path, origin: &str) -> Result<Self, Trouble> {
        let (mark, heard) = claim(place, origin, false)?;
        let wrong = |error: io::Error| Trouble::disk(place, &error);
        remove(&place.join(FRESH)).map_err(wrong)?;
        let path = place.join(REPOSITORY);
        let repository = match reopen(&path) {
            Some(repository) => repository,
            None => {
                remove(&path).map_err(wrong)?;
                init(&path).map_err(|error| unusable(place, &error))?
            }
        };
        let seal = Seal::of(&path);
        let (place, origin) = (place.to_owned(), origin.to_owned());
        let trials = Trials::default();
        Ok(Self { place, origin, repository, mark, heard, seal, damage: None, trials })
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The repository answered. That it cannot be kept is no reason to fail.
    pub fn note_heard(&self) {
        let _ = self.mark.set_modified(SystemTime::now());
    }

    /// When the repository last answered before this mirror was opened.
    pub fn last_heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// Looks at the files, without reading any. Says whether it must be made again before use.
    ///
    /// # Errors
    /// A folder that cannot be written or is another's by now.
    pub fn is_damaged(&mut self) -> Result<bool, Trouble> {
        let found = self.seal.broken(&self.place.join(REPOSITORY));
        if !seal::is_at(&self.mark, &self.place.join(MARK)) {
            let mark = format!("{MARK} was removed or replaced");
            self.damage.get_or_insert_with(|| found.clone().unwrap_or(mark));
            self.mark = claim(&self.place, &self.origin, found.is_none())?.0;
        }
        if self.damage.is_none() {
            self.damage = found;
        }
        if self.damage.is_none() {
            self.trials.served(Use::Files);
        }
        Ok(self.damage.is_some())
    }

    /// Something in it could not be read: it is made again before the next use. Says so only if
    /// its disk is not the reason.
    pub fn doubt(&mut self, trouble: &Trouble) -> Result<(), Trouble> {
        room::writable(&self.place)?;
        self.damage = Some(trouble.why.clone().unwrap_or_else(|| trouble.sentence.clone()));
        Ok(())
    }

    /// It did what it was needed for.
    pub fn served(&mut self, of: Use) {
        self.trials.served(of);
    }

    /// We wrote into it ourselves.
    pub fn wrote(&mut self) {
        self.seal = Seal::of(&self.place.join(REPOSITORY));
    }

    /// It was made again and still cannot be read: what that means, until something changes.
    pub fn in_vain(
        &mut self,
        of: Use,
        at: Option<&Revision>,
        remote: &Remote,
        trouble: Trouble,
    ) -> Trouble {
        let why = trouble.why.as_deref().unwrap_or(&trouble.sentence);
        let told = match trouble.side {
            Side::Cache(Flaw::Missing) => Trouble::new(format!(
                "{remote} does not hand out all that its commits need ({why}), not even to a new \
                 mirror; run `git fsck` there and push what is missing"
            )),
            Side::Cache(Flaw::Broken) => Trouble {
                sentence: format!(
                    "the mirror {} was made again and still cannot be read ({why}): its disk or \
                     another program changes what is written; check the disk or set \
                     repository.mirror to another folder",
                    self.place.display()
                ),
                side: Side::Disk,
                why: None,
            },
            Side::Theirs | Side::Disk => return trouble,
        };
        // As good as a mirror of this repository can be.
        self.damage = None;
        self.trials.in_vain(of, at, told.clone());
        told
    }

    /// Makes it again, unless that was in vain a moment ago.
    pub fn mend(&mut self, remote: &Remote, of: Use, at: Option<&Revision>) -> Result<(), Trouble> {
        let now = Instant::now();
        match self.trials.may(of, at, now) {
            Ok(()) => {}
            Err(told) => {
                if of != Use::Files {
                    self.damage = None;
                }
                return Err(told.unwrap_or_else(|| self.meddled_with()));
            }
        }
        let why = self.damage.clone().unwrap_or_default();
        match self.replace(remote) {
            Ok(()) => {
                self.trials.made(now);
                let place = self.place.display();
                tracing::warn!("the mirror {place} was damaged ({why}) and has been made again");
                Ok(())
            }
            // Nothing of ours was in the new one: it can only be theirs.
            Err(Trouble { side: Side::Cache(_), why, sentence }) => {
                self.trials.made(now);
                let told = Trouble::new(format!(
                    "{remote} cannot be read ({}), not even into a new mirror; check the \
                     repository there with `git fsck`",
                    why.unwrap_or(sentence)
                ));
                if of != Use::Files {
                    self.damage = None;
                }
                self.trials.in_vain(of, at, told.clone());
                Err(told)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn meddled_with(&self) -> Trouble {
        let why = self.damage.as_deref().unwrap_or("its files change");
        Trouble {
            sentence: format!(
                "the mirror {} is changed by something else again and again ({why}); keep other \
                 programs away from it or set repository.mirror to a folder of its own",
                self.place.display()
            ),
            side: Side::Disk,
            why: None,
        }
    }

    /// Fetches the tracked branch if `revision` is not here. Says whether the mirror was replaced.
    pub fn fetch(&mut self, remote: &Remote, revision: &Revision) -> Result<bool, Trouble> {
        let id = oid(revision)?;
        if self.has(id)? {
            return Ok(false);
        }
        let replaced = self.is_crowded();
        if replaced {
            self.replace(remote)?;
        } else {
            let fetched = remote.fetch(&self.repository, &remote.refspec());
            self.wrote();
            fetched?;
        }
        if self.has(id)? {
            return Ok(replaced);
        }
        Commit::read(&self.repository, self.repository.refname_to_id(TIP)?)?;
        Err(Trouble::new(format!(
            "{remote} no longer has commit {} on the branch; it moved on while it was read and is \
             asked again",
            revision.short()
        )))
    }

    fn has(&self, id: Oid) -> Result<bool, Trouble> {
        Commit::find(&self.repository, id).map(|found| found.is_some())
    }

    /// Clones into a fresh folder and swaps. If that fails, the old mirror stays.
    fn replace(&mut self, remote: &Remote) -> Result<(), Trouble> {
        let (old, fresh) = (self.place.join(REPOSITORY), self.place.join(FRESH));
        let wrong = |error: io::Error| Trouble::disk(&self.place, &error);
        remove(&fresh).map_err(wrong)?;
        let cannot = |error: git2::Error| unusable(&self.place, &error);
        let repository = init(&fresh).map_err(cannot)?;
        if let Err(trouble) = remote.fetch(&repository, &remote.refspec()) {
            drop(repository);
            let _ = remove(&fresh);
            return Err(trouble);
        }
        drop(repository);
        // A crash between these two leaves no repository; `open` and the next fetch make one.
        remove(&old).map_err(wrong)?;
        fs::rename(&fresh, &old).map_err(wrong)?;
        self.repository = open(&old).map_err(cannot)?;
        self.seal = Seal::of(&old);
        self.damage = None;
        Ok(())
    }

    /// The packs that it has.
    pub fn packs(&self) -> BTreeSet<PathBuf> {
        let folder = self.repository.path().join("objects").join("pack");
        let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        all.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect()
    }

    /// Lets go of packs that came since, where they are large or too many: what a pull request holds
    /// may be a stranger's noise, and the disk is for the branch.
    pub fn let_go(&mut self, before: &BTreeSet<PathBuf>) -> Result<(), Trouble> {
        let crowded = self.is_crowded();
        let is_large = |pack: &Path| fs::metadata(pack).is_ok_and(|file| file.len() > LARGE_PACK);
        let new: Vec<PathBuf> = self.packs().difference(before).cloned().collect();
        let new: Vec<PathBuf> = new.into_iter().filter(|pack| crowded || is_large(pack)).collect();
        if new.is_empty() {
            return Ok(());
        }
        for pack in new {
            for end in ["idx", "pack", "rev"] {
                match fs::remove_file(pack.with_extension(end)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(Trouble::disk(&self.place, &error));
                    }
                    _ => {}
                }
            }
        }
        // Nothing may be found in what is still open.
        let path = self.place.join(REPOSITORY);
        self.repository = open(&path).map_err(|error| unusable(&self.place, &error))?;
        Ok(())
    }

    /// How often it was made again lately.
    #[cfg(test)]
    pub fn made_again(&self) -> usize {
        self.trials.count()
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

/// libgit2 cannot make or open a repository there: the disk says why.
fn unusable(place: &Path, error: &git2::Error) -> Trouble {
    let general = || Trouble::disk(place, &io::Error::other(error.message().to_owned()));
    room::writable(place).err().unwrap_or_else(general)
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
/// every ref leads to a commit with its tree. Removes what a broken-off fetch left, and refs that
/// are not (or no longer) ours; what they led to stays known by the tip.
fn reopen(path: &Path) -> Option<Repository> {
    let repository = open(path).ok()?;
    if !repository.is_bare() || has_locks(path) || has_locks(&path.join("refs")) {
        return None;
    }
    let mut leftover = Vec::new();
    for found in repository.references().ok()? {
        let found = found.ok()?;
        let target = found.target()?;
        let commit = Commit::read(&repository, target).ok()?;
        repository.odb().ok()?.read_header(commit.tree).ok()?;
        let name = found.name().ok()?.to_owned();
        if !is_ours(&name) {
            leftover.push((name, target));
        }
    }
    for (name, target) in leftover {
        // Where the tracked branch stood in mirrors of before: nothing is fetched twice.
        if name.starts_with("refs/heads/") && repository.find_reference(TIP).is_err() {
            repository.reference(TIP, target, false, "").ok()?;
        }
        repository.find_reference(&name).ok()?.delete().ok()?;
    }
    for entry in fs::read_dir(path.join("objects").join("pack")).ok()?.flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with("pack-") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Some(repository)
}

/// Whether we keep a ref of this name between two lives.
fn is_ours(name: &str) -> bool {
    let instance = name.strip_prefix(NOTES);
    name == TIP || instance.is_some_and(|instance| InstanceName::parse(instance).is_ok())
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
