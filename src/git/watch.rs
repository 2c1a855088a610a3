//! Watches a local repository, so that a commit on a laptop is seen at once.

use std::path::Path;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::config;

use super::Trouble;
use super::address::Address;
use super::remote::Remote;

/// How long the refs must be left alone: Git writes several files for one commit.
const QUIET: Duration = Duration::from_millis(50);

/// Tells that the refs of a local repository may have moved. A hint: the poll stays.
pub struct Watch {
    changed: mpsc::Receiver<()>,
    /// Whether the refs were touched and nobody was told yet.
    touched: bool,
    _watcher: RecommendedWatcher,
}

/// Watches the repository's refs; `None` for one that is not on this machine.
///
/// # Errors
/// A path that is not a repository, or that the system cannot watch.
pub fn watch(settings: &config::Repository) -> Result<Option<Watch>, Unknown> {
    Ok(start(settings)?)
}

impl Watch {
    /// Waits until the refs were touched and then left alone for a moment. Many changes are one.
    /// `None` if there will be none any more. May be dropped while it waits: nothing is lost.
    pub async fn changed(&mut self) -> Option<()> {
        if !self.touched {
            self.changed.recv().await?;
            self.touched = true;
        }
        while tokio::time::timeout(QUIET, self.changed.recv()).await == Ok(Some(())) {}
        self.touched = false;
        Some(())
    }
}

fn start(settings: &config::Repository) -> Result<Option<Watch>, Trouble> {
    let Address::Local(_) = Address::parse(settings)? else { return Ok(None) };
    let remote = Remote::new(settings)?;
    let repository = remote.open_local()?;
    let cannot = |error: notify::Error| {
        Trouble::new(format!("{remote} cannot be watched ({error}); it is only polled"))
    };
    let folder = repository.commondir();
    let notes = folder.join("refs").join("notes");
    let (sender, changed) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error may stand for lost events.
        if event.is_ok_and(|event| is_ours(&event, &notes)) {
            return;
        }
        match sender.try_send(()) {
            // A full channel says "something changed" already.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Closed(())) => {}
        }
    })
    .map_err(cannot)?;
    // The folder itself for `packed-refs` and `HEAD`, which are replaced by a rename.
    watcher.watch(folder, RecursiveMode::NonRecursive).map_err(cannot)?;
    watcher.watch(&folder.join("refs"), RecursiveMode::Recursive).map_err(cannot)?;
    Ok(Some(Watch { changed, touched: false, _watcher: watcher }))
}

/// What we do ourselves and need not be told: reading, and writing notes.
fn is_ours(event: &Event, notes: &Path) -> bool {
    matches!(event.kind, EventKind::Access(_))
        || (!event.paths.is_empty() && event.paths.iter().all(|path| path.starts_with(notes)))
}
