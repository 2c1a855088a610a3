//! Reads the catalogue out of Git, and writes what happened back as git notes.
//!
//! In: [`config::Repository`]. Out: a [`Snapshot`], which is complete, or an [`Unknown`], which
//! says in one sentence what is wrong and can never become a deletion. A bare mirror holds every
//! object; there is no work tree, so nothing half-written can be read. This room alone speaks
//! git2 and notify. [`registry`] asks where images lie for the digest behind a tag.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::catalog::snapshot::{Snapshot, Unknown};
use crate::config;
use crate::model::{InstanceName, Revision};
use crate::status::CommitStatus;

mod address;
mod commits;
mod disk;
mod folder;
mod history;
mod http;
mod left_out;
mod local;
mod mirror;
mod notes;
mod pack;
pub mod registry;
mod remote;
mod secret;
mod sieved;
mod snapshot;
mod ssh;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod transport;
mod walk;
mod watch;

pub use disk::{read_folder, read_lone_folder};
pub use folder::make_repository;
pub use history::{Change, Changes};
pub use watch::{Watch, watch};

use mirror::Mirror;
use remote::Remote;

/// One repository and its mirror, owned by one loop.
///
/// Git blocks, so each call runs on a thread of its own and ends by a deadline. A call that is
/// dropped half-way runs to its end there; the next call waits for it.
pub struct Source {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    remote: Remote,
    mirror: Mirror,
    root: snapshot::Root,
    folders: snapshot::Folders,
    records: history::Records,
    notes: notes::Copies,
}

impl Source {
    /// Commits of the branch whose notes are kept in any case.
    pub const KEPT_NOTES: usize = 500;

    /// Judges the address and the credentials' kind, and opens or makes the mirror. A mirror that
    /// is corrupt, locked by a killed process or made for another repository is thrown away and
    /// made again. Touches no network.
    ///
    /// # Errors
    /// An address that cannot be used, or a folder for the mirror that holds other files, is in
    /// use by another vitrine or cannot be written.
    pub fn open(settings: &config::Repository) -> Result<Self, Unknown> {
        Inner::open(settings).map(Self::new).map_err(Unknown::from)
    }

    fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The tip of the tracked branch, in one cheap round trip. Fetches nothing.
    ///
    /// # Errors
    /// [`Unknown`], also for a branch that does not exist.
    pub async fn tip(&mut self) -> Result<Revision, Unknown> {
        self.blocking(|inner| inner.remote.tip(&inner.mirror)).await
    }

    /// Brings the tracked branch into the mirror if it lacks `revision`.
    ///
    /// # Errors
    /// [`Unknown`]; the mirror stays usable.
    pub async fn fetch(&mut self, revision: &Revision) -> Result<(), Unknown> {
        let revision = revision.clone();
        self.blocking(move |inner| {
            let swapped = inner.mirror.fetch(&inner.remote, &revision)?;
            if swapped {
                inner.notes.forget();
            }
            Ok(())
        })
        .await
    }

    /// The commit that people mean by `text`: a full or short name, a branch, a tag, `HEAD~2`.
    /// `HEAD` and branches are those of the repository when it is on this machine, else the
    /// tracked branch of the mirror.
    ///
    /// # Errors
    /// [`Unknown`] if there is no such commit.
    pub async fn resolve(&mut self, text: &str) -> Result<Revision, Unknown> {
        let text = text.to_owned();
        self.blocking(move |inner| {
            let find = |repository: &git2::Repository| {
                let object = repository.revparse_single(&text).ok()?;
                object.peel_to_commit().ok().map(|commit| commit.id())
            };
            let local =
                if inner.remote.is_local() { find(&inner.remote.open_local()?) } else { None };
            local
                .or_else(|| find(inner.mirror.repository()))
                .ok_or_else(|| {
                    Trouble::new(format!(
                        "there is no commit `{text}`; name one that is on the branch"
                    ))
                })
                .and_then(remote::revision)
        })
        .await
    }

    /// Reads everything below the catalogue's root at a commit of the mirror. A folder whose tree
    /// did not change since the last call is the same allocation as then.
    ///
    /// # Errors
    /// [`Unknown`] for a commit, a path or an object that is not there, and for a catalogue of more
    /// than 200 000 files and folders or 512 MiB of files that are read.
    pub async fn read(&mut self, revision: &Revision) -> Result<Snapshot, Unknown> {
        let revision = revision.clone();
        self.blocking(move |inner| {
            let (snapshot, folders) =
                snapshot::read(inner.mirror.repository(), &inner.root, &revision, &inner.folders)?;
            inner.folders = folders;
            Ok(snapshot)
        })
        .await
    }

    /// What the first-parent history of `to` changed after `from`, oldest first. Without `from`,
    /// what `to` itself changed.
    ///
    /// # Errors
    /// [`Unknown`] if `to` or an object of the history is not in the mirror.
    pub async fn changes(
        &mut self,
        from: Option<&Revision>,
        to: &Revision,
    ) -> Result<Changes, Unknown> {
        let (from, to) = (from.cloned(), to.clone());
        self.blocking(move |inner| {
            history::changes(inner.mirror.repository(), &inner.root, from.as_ref(), &to)
        })
        .await
    }

    /// For each folder, the newest first-parent commit at or before `at` that changed it. A folder
    /// that never existed has no entry.
    ///
    /// # Errors
    /// [`Unknown`] if `at` or an object of the history is not in the mirror.
    pub async fn last_changes(
        &mut self,
        at: &Revision,
        folders: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Revision>, Unknown> {
        let (at, folders) = (at.clone(), folders.clone());
        self.blocking(move |inner| {
            history::last_changes(
                inner.mirror.repository(),
                &inner.root,
                &at,
                &folders,
                &mut inner.records,
            )
        })
        .await
    }

    /// Puts these lines into the notes of their commits: one commit on
    /// `refs/notes/vitrine/<instance>`, none if they stand there already. A line replaces the one
    /// of the same context; other lines stay.
    ///
    /// # Errors
    /// [`Unknown`] if the repository cannot be reached or refuses the push. A writer that was
    /// faster is not an error: its lines are kept and ours are added, at most five times.
    pub async fn write_notes(
        &mut self,
        instance: &InstanceName,
        lines: &BTreeMap<Revision, Vec<CommitStatus>>,
    ) -> Result<(), Unknown> {
        let (instance, lines) = (instance.clone(), lines.clone());
        self.blocking(move |inner| {
            notes::write(&inner.remote, &inner.mirror, &mut inner.notes, &instance, &lines)
        })
        .await
    }

    /// The lines in the notes of these commits, from the copy that the last
    /// [`Source::fetch_notes`] or [`Source::write_notes`] left. Commits without lines are absent.
    ///
    /// # Errors
    /// [`Unknown`] if the copy cannot be read.
    pub async fn read_notes(
        &mut self,
        instance: &InstanceName,
        revisions: &BTreeSet<Revision>,
    ) -> Result<BTreeMap<Revision, Vec<CommitStatus>>, Unknown> {
        let (instance, revisions) = (instance.clone(), revisions.clone());
        self.blocking(move |inner| notes::read(&inner.remote, &inner.mirror, &instance, &revisions))
            .await
    }

    /// Refreshes the copy of the notes that [`Source::read_notes`] reads.
    ///
    /// # Errors
    /// [`Unknown`] if the repository cannot be reached.
    pub async fn fetch_notes(&mut self, instance: &InstanceName) -> Result<(), Unknown> {
        let instance = instance.clone();
        self.blocking(move |inner| {
            notes::fetch(&inner.remote, &inner.mirror, &mut inner.notes, &instance)
        })
        .await
    }

    /// Says which notes are still wanted: those of `records` and of the newest
    /// [`Source::KEPT_NOTES`] commits at `at`. The next batch drops the others. Until this is
    /// called, none is dropped.
    ///
    /// # Errors
    /// [`Unknown`] if `at` is not in the mirror.
    pub async fn retain_notes(
        &mut self,
        at: &Revision,
        records: BTreeSet<Revision>,
    ) -> Result<(), Unknown> {
        let at = at.clone();
        self.blocking(move |inner| {
            let mut wanted = records;
            let repository = inner.mirror.repository();
            wanted.extend(history::newest(repository, &at, Self::KEPT_NOTES)?);
            inner.notes.retain(wanted);
            Ok(())
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Inner) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Unknown> {
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            // A panic in an earlier call left nothing half-done that a fetch would not mend.
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut inner);
            if matches!(result, Err(Trouble { damaged: true, .. })) {
                inner.mirror.distrust();
            }
            result
        });
        match task.await {
            Ok(result) => result.map_err(Unknown::from),
            Err(_) => {
                Err(Trouble::new("reading the repository was broken off; see the log").into())
            }
        }
    }
}

impl Inner {
    fn open(settings: &config::Repository) -> Result<Self, Trouble> {
        transport::install()?;
        let remote = Remote::new(settings)?;
        Ok(Self {
            root: snapshot::Root::parse(&settings.path)?,
            mirror: Mirror::open(&settings.mirror, &remote.to_string())?,
            remote,
            folders: snapshot::Folders::default(),
            records: history::Records::default(),
            notes: notes::Copies::default(),
        })
    }
}

/// Why something could not be read or written: one sentence for the operator.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{sentence}")]
struct Trouble {
    sentence: String,
    /// The mirror itself seems to be at fault: the next fetch makes it again.
    damaged: bool,
}

impl Trouble {
    fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), damaged: false }
    }
}

/// Errors that libgit2 reports while it works on the mirror alone.
impl From<git2::Error> for Trouble {
    fn from(error: git2::Error) -> Self {
        let sentence = format!(
            "the mirror of the repository cannot be used ({}); it is made again at the next fetch",
            error.message()
        );
        Self { sentence, damaged: true }
    }
}

impl From<Trouble> for Unknown {
    fn from(trouble: Trouble) -> Self {
        Self { since: Timestamp::now(), cause: trouble.sentence }
    }
}
