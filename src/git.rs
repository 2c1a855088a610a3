//! Reads the catalogue out of Git, and writes what happened back as git notes.
//!
//! In: [`config::Repository`]. Out: a [`Snapshot`], which is complete, or an [`Unknown`], which
//! says in one sentence what is wrong and can never become a deletion. A bare mirror holds every
//! object; there is no work tree, so nothing half-written can be read. This room alone speaks
//! git2 and notify.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use vitrine_core::catalog::snapshot::{Snapshot, Unknown};
use vitrine_core::catalog::{Changes, Folder};
use vitrine_core::change::Comparison;
use vitrine_core::config;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::CommitStatus;

mod address;
mod clone;
mod commits;
mod courier;
mod disk;
mod folder;
mod history;
mod http;
mod inner;
mod left_out;
mod limits;
mod local;
mod merge;
mod mirror;
mod named;
mod notes;
mod pack;
mod refs;
mod remote;
mod room;
mod secret;
mod sieved;
mod snapshot;
mod ssh;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(crate) mod tests;
mod transport;
mod trouble;
mod walk;
mod watch;

pub use clone::LocalClone;
pub use courier::Courier;
pub use disk::{read_folder, read_lone_folder};
pub use folder::{is_made_repository, is_mirror, is_mirror_in_use, make_repository};
pub use watch::{Watch, watch};

use commits::Commit;
use inner::Inner;
use mirror::Use;
use refs::TIP;
use trouble::{Side, Trouble};

/// One repository and its mirror, owned by one loop.
///
/// Git blocks, so each call runs on a thread of its own and ends by a deadline. A call that is
/// dropped half-way runs to its end there; the next call waits for it.
pub struct Source {
    inner: Arc<Mutex<Inner>>,
}

/// What a mirror has of an earlier life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub tip: Revision,
    /// When the repository last answered, as far as is known.
    pub heard: Option<Timestamp>,
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
        self.blocking(|inner| {
            let tip = inner.remote.tip()?;
            inner.mirror.note_heard();
            Ok(tip)
        })
        .await
    }

    /// Until when the Git server wants to be left alone (`Retry-After`); `None`: it may be asked.
    /// Whatever would ask it sooner is refused here with [`Unknown`].
    pub async fn quiet_until(&mut self) -> Option<Instant> {
        self.blocking(|inner| Ok(inner.remote.quiet_until())).await.ok().flatten()
    }

    /// Brings the tracked branch into the mirror if it lacks `revision`.
    ///
    /// # Errors
    /// [`Unknown`]; the mirror stays usable.
    pub async fn fetch(&mut self, revision: &Revision) -> Result<(), Unknown> {
        let revision = revision.clone();
        self.blocking(move |inner| {
            inner.soundly(Use::Fetch, Some(&revision), |inner| {
                if inner.mirror.fetch(&inner.remote, &revision)? {
                    inner.notes.forget();
                }
                Ok(())
            })
        })
        .await
    }

    /// What the mirror has of the branch from an earlier life, without asking the repository. Only
    /// if it is `since` or descends from it: else the mirror is older than what was applied.
    ///
    /// # Errors
    /// [`Unknown`] if the mirror cannot be read.
    pub async fn kept_since(&mut self, since: &Revision) -> Result<Option<Kept>, Unknown> {
        let since = since.clone();
        self.blocking(move |inner| {
            inner.soundly(Use::History, None, |inner| {
                let repository = inner.mirror.repository();
                let Ok(found) = repository.find_reference(TIP) else { return Ok(None) };
                let (tip, since) = (found.target(), remote::oid(&since)?);
                // A commit that the mirror does not know is no ancestor of anything in it.
                let known = Commit::find(repository, since)?.is_some();
                let Some(tip) = tip.filter(|_| known) else { return Ok(None) };
                if !commits::descends(repository, tip, since)? {
                    return Ok(None);
                }
                Ok(Some(Kept { tip: remote::revision(tip)?, heard: inner.mirror.last_heard() }))
            })
        })
        .await
    }

    /// The commit that people mean by `text`: a full or short id, a branch, a tag, `HEAD~2`.
    /// Of a repository on this machine its own names count, of one elsewhere `HEAD` is the tracked
    /// branch. `origin/` may stand before a branch.
    ///
    /// # Errors
    /// [`Unknown`] if there is no such commit, or more than one.
    pub async fn resolve(&mut self, text: &str) -> Result<Revision, Unknown> {
        let text = text.to_owned();
        self.blocking(move |inner| {
            let found = named::commit(&inner.remote, inner.mirror.repository(), &text);
            inner.mirror.wrote();
            found.and_then(remote::revision)
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
            inner.soundly(Use::Snapshot, Some(&revision), |inner| {
                let repository = inner.mirror.repository();
                snapshot::read(repository, &inner.root, &revision, &mut inner.last)
            })
        })
        .await
    }

    /// What two commits hold that [`Source::resolve`] found, beside each other. Of a repository on
    /// this machine the mirror has the tracked branch alone, so it is read where it lies.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub async fn beside(
        &mut self,
        base: &Revision,
        head: &Revision,
    ) -> Result<Comparison, Unknown> {
        let (base, head) = (base.clone(), head.clone());
        self.blocking(move |inner| {
            let (old, new) = (remote::oid(&base)?, remote::oid(&head)?);
            if inner.remote.is_local() {
                let local = inner.remote.open_local()?;
                let read = merge::beside(&local, &inner.root, old, new);
                return read.map_err(|trouble| trouble.of_theirs(&inner.remote));
            }
            inner.soundly(Use::Snapshot, Some(&head), |inner| {
                merge::beside(inner.mirror.repository(), &inner.root, old, new)
            })
        })
        .await
    }

    /// What `base` holds, and what a merge of a pull request into it would leave: `head`, which is
    /// fetched from `reference`. Both stay in the mirror no longer than this takes, but for `base`.
    ///
    /// # Errors
    /// [`Unknown`], also where another commit stands there by now.
    pub async fn compare(
        &mut self,
        reference: &str,
        head: &Revision,
        base: &Revision,
    ) -> Result<Comparison, Unknown> {
        let (reference, head, base) = (reference.to_owned(), head.clone(), base.clone());
        self.blocking(move |inner| {
            let Inner { remote, mirror, root, .. } = inner;
            let read = merge::of_pull(remote, mirror, root, &reference, &head, &base);
            mirror.wrote();
            // What a stranger sent is no reason to make the mirror again.
            read.map_err(|trouble| trouble.of_theirs(&inner.remote))
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
            inner.soundly(Use::History, Some(&to), |inner| {
                history::changes(inner.mirror.repository(), &inner.root, from.as_ref(), &to)
            })
        })
        .await
    }

    /// Those of some commits that are not in the history of `at`, or not in the mirror at all.
    ///
    /// # Errors
    /// [`Unknown`] if `at` or an object of the history is not in the mirror.
    pub async fn lost(
        &mut self,
        at: &Revision,
        commits: BTreeSet<Revision>,
    ) -> Result<BTreeSet<Revision>, Unknown> {
        if commits.is_empty() {
            return Ok(commits);
        }
        let at = at.clone();
        self.blocking(move |inner| {
            inner.soundly(Use::History, Some(&at), |inner| {
                history::lost(inner.mirror.repository(), &at, &commits)
            })
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
        folders: &Arc<BTreeMap<String, Arc<Folder>>>,
    ) -> Result<Arc<BTreeMap<String, Revision>>, Unknown> {
        let (at, folders) = (at.clone(), Arc::clone(folders));
        self.blocking(move |inner| {
            inner.soundly(Use::Records, Some(&at), |inner| {
                let repository = inner.mirror.repository();
                history::last_changes(repository, &inner.root, &at, &folders, &mut inner.history)
            })
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
            inner.soundly(Use::Notes, None, |inner| {
                notes::write(&inner.remote, &inner.mirror, &mut inner.notes, &instance, &lines)
            })
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
        self.blocking(move |inner| {
            inner.soundly(Use::Notes, None, |inner| {
                notes::read(&inner.remote, &inner.mirror, &instance, &revisions)
            })
        })
        .await
    }

    /// Refreshes the copy of the notes that [`Source::read_notes`] reads.
    ///
    /// # Errors
    /// [`Unknown`] if the repository cannot be reached.
    pub async fn fetch_notes(&mut self, instance: &InstanceName) -> Result<(), Unknown> {
        let instance = instance.clone();
        self.blocking(move |inner| {
            inner.soundly(Use::Notes, None, |inner| {
                notes::fetch(&inner.remote, &inner.mirror, &mut inner.notes, &instance)
            })
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
        records: &Arc<BTreeMap<String, Revision>>,
    ) -> Result<(), Unknown> {
        let (at, records) = (at.clone(), Arc::clone(records));
        self.blocking(move |inner| {
            let newest = inner.soundly(Use::Records, Some(&at), |inner| {
                let repository = inner.mirror.repository();
                history::newest(repository, &at, Self::KEPT_NOTES, &mut inner.history)
            })?;
            inner.notes.retain(newest, records);
            Ok(())
        })
        .await
    }

    /// The commits whose notes are kept, as [`Source::retain_notes`] found them.
    pub async fn wanted_notes(&mut self) -> BTreeSet<Revision> {
        let wanted = self.blocking(|inner| Ok(inner.notes.wanted())).await;
        wanted.ok().flatten().unwrap_or_default()
    }

    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Inner) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Unknown> {
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            // A panic in an earlier call left nothing half-done that a fetch would not mend.
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut inner)
        });
        match task.await {
            Ok(result) => result.map_err(Unknown::from),
            Err(_) => {
                Err(Trouble::new("reading the repository was broken off; see the log").into())
            }
        }
    }
}
