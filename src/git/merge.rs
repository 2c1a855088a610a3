//! What a merge of one commit into another would leave, made in memory: nothing is written.

use std::collections::BTreeMap;

use git2::{Oid, Repository};
use jiff::Timestamp;

use vitrine_core::catalog::Snapshot;
use vitrine_core::change::{Comparison, Earlier, How};
use vitrine_core::model::{Revision, TreeId};

use super::commits::{Commit, descends, fork};
use super::mirror::Mirror;
use super::remote::{self, Remote};
use super::snapshot::{Last, Root, read_commit, read_within};
use super::walk::MAX_BYTES;
use super::{Trouble, left_out};

/// Commits of the base's first-parent history in which an older form of a folder is looked for.
const LOOKED_BACK: usize = 500;

/// How many bytes a pull request may hold beyond what is published: who opens one is a stranger, and
/// a few kilobytes of Git unfold to as many megabytes as they like.
const MORE: u64 = 64 << 20;

/// Where the mirror keeps the head of a pull request while it is read.
const PULL: &str = "refs/vitrine/pull";

/// Reads `base`, and what a merge of `head` into it would leave.
///
/// `repository` must be a handle of its own: what is merged stays in its memory.
///
/// # Errors
/// A commit or an object that is missing or cannot be read, or no folder of the catalogue there.
pub fn compare(
    repository: &Repository,
    root: &Root,
    base: Oid,
    head: Oid,
) -> Result<Comparison, Trouble> {
    compare_within(repository, root, base, head, MAX_BYTES)
}

fn compare_within(
    repository: &Repository,
    root: &Root,
    base: Oid,
    head: Oid,
    more: u64,
) -> Result<Comparison, Trouble> {
    let (base, head) = (Commit::read(repository, base)?, Commit::read(repository, head)?);
    let fork = fork(repository, base.id, head.id)?;
    let (base, head, how) = match fork {
        Some(fork) if fork == base.id => (base, head, How::Merged),
        None => (base, head, How::Alone),
        Some(fork) if fork == head.id => (base, head, How::Alone),
        Some(fork) => {
            let fork = Commit::read(repository, fork)?;
            match merged(repository, &fork, &base, &head)? {
                Some(tree) => (base, Commit { tree, ..head }, How::Merged),
                None => (fork, head, How::Branched),
            }
        }
    };
    snapshots(repository, root, &base, &head, how, more)
}

/// As [`compare`], of a head that is fetched from `reference` for this and let go again.
///
/// # Errors
/// As [`compare`], and where the head is not what stands at the reference.
pub fn of_pull(
    remote: &Remote,
    mirror: &mut Mirror,
    root: &Root,
    reference: &str,
    head: &Revision,
    base: &Revision,
) -> Result<Comparison, Trouble> {
    let packs = mirror.packs();
    let read = fetched(remote, mirror.repository(), root, reference, head, base);
    let gone = mirror.let_go(&packs);
    read.and_then(|read| gone.map(|()| read))
}

fn fetched(
    remote: &Remote,
    repository: &Repository,
    root: &Root,
    reference: &str,
    head: &Revision,
    base: &Revision,
) -> Result<Comparison, Trouble> {
    let (head_id, base) = (remote::oid(head)?, remote::oid(base)?);
    remote.fetch_and_prune(repository, &format!("+{reference}:{PULL}"))?;
    let compare = || {
        if Commit::find(repository, head_id)?.is_none() {
            return Err(Trouble::new(format!(
                "{remote} does not have commit {} at {reference}; another one was pushed there",
                head.short()
            )));
        }
        // A handle of its own, whose memory goes with it.
        let handle = Repository::open_bare(repository.path())?;
        match descends(&handle, base, head_id)? {
            true => merged_already(&handle, root, base, head_id),
            false => compare_within(&handle, root, base, head_id, MORE),
        }
    };
    let compared = compare();
    if let Ok(mut kept) = repository.find_reference(PULL) {
        kept.delete()?;
    }
    compared
}

/// What a merge leaves of a head that the base has: what the base is.
fn merged_already(
    repository: &Repository,
    root: &Root,
    base: Oid,
    head: Oid,
) -> Result<Comparison, Trouble> {
    let (base, head) = (Commit::read(repository, base)?, Commit::read(repository, head)?);
    let head = Commit { tree: base.tree, ..head };
    snapshots(repository, root, &base, &head, How::Merged, MAX_BYTES)
}

/// Reads two commits as they are.
///
/// # Errors
/// As [`compare`].
pub fn beside(
    repository: &Repository,
    root: &Root,
    base: Oid,
    head: Oid,
) -> Result<Comparison, Trouble> {
    let (base, head) = (Commit::read(repository, base)?, Commit::read(repository, head)?);
    let how = if descends(repository, head.id, base.id)? { How::Merged } else { How::Alone };
    snapshots(repository, root, &base, &head, how, MAX_BYTES)
}

fn snapshots(
    repository: &Repository,
    root: &Root,
    base: &Commit,
    head: &Commit,
    how: How,
    more: u64,
) -> Result<Comparison, Trouble> {
    let mut last = Last::default();
    let old = read_commit(repository, root, base, &mut last)?;
    let most = bytes(&old).saturating_add(more).min(MAX_BYTES);
    let new = read_within(repository, root, head, &mut last, most)?;
    let earlier = earlier(repository, root, base, &old, &new)?;
    Ok(Comparison { base: old, head: new, how, earlier })
}

/// How many bytes of files a snapshot holds.
fn bytes(snapshot: &Snapshot) -> u64 {
    let files = snapshot.folders.values().flat_map(|folder| folder.files.values());
    files.chain(&snapshot.platform).filter_map(|file| Some(file.bytes.as_ref()?.len() as u64)).sum()
}

/// The tree of a merge; `None` where people would have to decide.
fn merged(
    repository: &Repository,
    fork: &Commit,
    base: &Commit,
    head: &Commit,
) -> Result<Option<Oid>, Trouble> {
    let tree = |commit: &Commit| left_out::tree(repository, commit.tree);
    let mut index = repository.merge_trees(&tree(fork)?, &tree(base)?, &tree(head)?, None)?;
    if index.has_conflicts() {
        return Ok(None);
    }
    // Whatever is written from here on stays in memory, and goes with the handle.
    repository.odb()?.add_new_mempack_backend(i32::MAX)?;
    Ok(Some(index.write_tree_to(repository)?))
}

/// For each folder that differs, the newest older commit in which it was the same.
fn earlier(
    repository: &Repository,
    root: &Root,
    base: &Commit,
    old: &Snapshot,
    new: &Snapshot,
) -> Result<BTreeMap<String, Earlier>, Trouble> {
    let differs = |(path, folder): (&String, &std::sync::Arc<_>)| {
        let folder: &vitrine_core::catalog::Folder = folder;
        let before = old.folders.get(path).map(|before| &before.tree);
        (before != Some(&folder.tree) && folder.files.contains_key("solution.yaml"))
            .then(|| (path.clone(), folder.tree.clone()))
    };
    let mut wanted: BTreeMap<String, TreeId> = new.folders.iter().filter_map(differs).collect();
    let mut found = BTreeMap::new();
    let mut next = base.parents.first().copied();
    for _ in 0..LOOKED_BACK {
        let Some(id) = next.filter(|_| !wanted.is_empty()) else { break };
        // The history of a shallow clone ends somewhere.
        let Some(commit) = Commit::find(repository, id)? else { break };
        next = commit.parents.first().copied();
        let Some(tree) = root.tree(repository, &commit)? else { continue };
        let then = Earlier {
            revision: remote::revision(commit.id)?,
            committed: Timestamp::from_second(commit.committed).unwrap_or_default(),
        };
        wanted.retain(|path, tree_id| {
            let entry = tree.get_path(std::path::Path::new(path));
            let same = entry.is_ok_and(|entry| entry.id().to_string() == tree_id.as_str());
            if same {
                found.insert(path.clone(), then.clone());
            }
            !same
        });
    }
    Ok(found)
}
