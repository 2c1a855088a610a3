//! Which commit changed which folder, along the first parents of the tracked branch.
//!
//! Trees are compared by id; no file is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

use vitrine_core::catalog::{Change, Changes, Folder, Snapshot};
use vitrine_core::model::Revision;

use super::Trouble;
use super::commits::{Commit, descends};
use super::left_out;
use super::remote::{self, oid, revision};
use super::snapshot::{Root, alike, is_solution, same};
use super::walk::{PLATFORM_FILE, join};

/// Entries that are compared for one commit. A commit beyond it is a bomb that no snapshot accepts
/// either; what was found until then counts.
const MAX_COMPARED: usize = 400_000;

/// The commit that last changed each folder.
pub type Records = Arc<BTreeMap<String, Revision>>;

/// What the last walks found, so that the next ones end where they began.
#[derive(Default)]
pub struct Last {
    records: Option<(Oid, Records)>,
    /// The commits that were the newest, newest first.
    newest: Vec<Revision>,
}

/// See [`Source::changes`](super::Source::changes).
pub fn changes(
    repository: &Repository,
    root: &Root,
    from: Option<&Revision>,
    to: &Revision,
) -> Result<Changes, Trouble> {
    let to = remote::commit(repository, to)?;
    let from = match from {
        None => {
            return Ok(Changes { commits: vec![change(repository, root, &to)?], rewritten: false });
        }
        Some(from) => match Commit::find(repository, oid(from)?)? {
            Some(from) => from.id,
            None => {
                return Ok(Changes {
                    commits: vec![change(repository, root, &to)?],
                    rewritten: true,
                });
            } // A mirror that cannot be read says nothing about the history.
        },
    };
    let mut commits = Vec::new();
    for commit in since(repository, from, to.clone())? {
        commits.push(change(repository, root, &Commit::read(repository, commit)?)?);
    }
    let rewritten = !descends(repository, to.id, from)?;
    Ok(Changes { commits, rewritten })
}

/// See [`Source::lost`](super::Source::lost).
pub fn lost(
    repository: &Repository,
    at: &Revision,
    commits: &BTreeSet<Revision>,
) -> Result<BTreeSet<Revision>, Trouble> {
    let at = oid(at)?;
    let mut lost = BTreeSet::new();
    for commit in commits {
        let there = match Commit::find(repository, oid(commit)?)? {
            Some(found) => descends(repository, at, found.id)?,
            None => false,
        };
        if !there {
            lost.insert(commit.clone());
        }
    }
    Ok(lost)
}

/// The first-parent commits of `to` that `from` does not have, oldest first.
fn since(repository: &Repository, from: Oid, to: Commit) -> Result<Vec<Oid>, Trouble> {
    let mut chain = Vec::new();
    let mut next = Some(to);
    while let Some(commit) = next {
        if commit.id == from {
            chain.reverse();
            return Ok(chain);
        }
        chain.push(commit.id);
        next = parent(repository, &commit)?;
    }
    // `from` is not a first parent. Once `from` has a commit it has all before it.
    let (mut new, mut had) = (0, chain.len());
    while new < had {
        let middle = usize::midpoint(new, had);
        let Some(&id) = chain.get(middle) else { break };
        if descends(repository, from, id)? {
            had = middle;
        } else {
            new = middle + 1;
        }
    }
    chain.truncate(new);
    chain.reverse();
    Ok(chain)
}

/// See [`Source::last_changes`](super::Source::last_changes).
pub fn last_changes(
    repository: &Repository,
    root: &Root,
    at: &Revision,
    folders: &BTreeMap<String, Arc<Folder>>,
    last: &mut Last,
) -> Result<Records, Trouble> {
    let start = remote::commit(repository, at)?;
    let start_id = start.id;
    let mut found = BTreeMap::new();
    let put = |found: &mut BTreeMap<String, Revision>, folder: &String, by: &Revision| {
        if folders.contains_key(folder) && !found.contains_key(folder) {
            found.insert(folder.clone(), by.clone());
        }
    };
    let mut next = Some(start);
    let mut before = None;
    while let Some(commit) = next.filter(|_| found.len() < folders.len()) {
        if let Some((known_at, known)) = &last.records
            && *known_at == commit.id
        {
            if found.is_empty() && known.len() == folders.len() {
                before = Some(Arc::clone(known)); // nothing was touched since
                break;
            }
            known.iter().for_each(|(folder, by)| put(&mut found, folder, by));
            if found.len() == folders.len() {
                break;
            }
        }
        let change = change(repository, root, &commit)?;
        change.folders.iter().for_each(|folder| put(&mut found, folder, &change.revision));
        next = parent(repository, &commit)?;
    }
    let records = before.unwrap_or_else(|| Arc::new(found));
    last.records = Some((start_id, Arc::clone(&records)));
    Ok(records)
}

/// The first-parent commits at `at`, newest first, at most `limit`.
pub fn newest(
    repository: &Repository,
    at: &Revision,
    limit: usize,
    last: &mut Last,
) -> Result<Vec<Revision>, Trouble> {
    let mut found = Vec::new();
    let mut next = Some(remote::commit(repository, at)?);
    while let Some(commit) = next
        && found.len() < limit
    {
        let revision = revision(commit.id)?;
        if last.newest.first() == Some(&revision) {
            found.append(&mut last.newest);
            found.truncate(limit);
            break;
        }
        found.push(revision);
        next = parent(repository, &commit)?;
    }
    last.newest.clone_from(&found);
    Ok(found)
}

fn parent(repository: &Repository, commit: &Commit) -> Result<Option<Commit>, Trouble> {
    commit.parents.first().map(|first| Commit::read(repository, *first)).transpose()
}

fn change(repository: &Repository, root: &Root, commit: &Commit) -> Result<Change, Trouble> {
    let new = root.tree(repository, commit)?;
    let old = match parent(repository, commit)? {
        Some(parent) => root.tree(repository, &parent)?,
        None => None,
    };
    let mut comparison =
        Comparison { repository, compared: 0, folders: BTreeSet::new(), platform: false };
    if new.as_ref().map(Tree::id) != old.as_ref().map(Tree::id) {
        comparison.group("", old.as_ref(), new.as_ref())?;
    }
    let Comparison { folders, platform, .. } = comparison;
    Ok(Change { revision: revision(commit.id)?, folders, platform })
}

struct Comparison<'r> {
    repository: &'r Repository,
    compared: usize,
    folders: BTreeSet<String>,
    platform: bool,
}

impl Comparison<'_> {
    /// Compares two states of the root or of a group; `None` where it was not a group.
    fn group(
        &mut self,
        path: &str,
        old: Option<&Tree<'_>>,
        new: Option<&Tree<'_>>,
    ) -> Result<(), Trouble> {
        let (first, last) = match (old, new) {
            (Some(old), Some(new)) => alike(old, new),
            _ => (0, 0),
        };
        let differing =
            |tree: Option<&Tree<'_>>| first..tree.map_or(0, Tree::len).saturating_sub(last);
        for entry in differing(new).filter_map(|n| new?.get(n)) {
            let before = old.and_then(|tree| tree.get_name_bytes(entry.name_bytes()));
            self.entry(path, before.as_ref(), Some(&entry))?;
        }
        for entry in differing(old).filter_map(|n| old?.get(n)) {
            if new.is_none_or(|tree| tree.get_name_bytes(entry.name_bytes()).is_none()) {
                self.entry(path, Some(&entry), None)?;
            }
        }
        Ok(())
    }

    /// Compares one name of a group before and after.
    fn entry(
        &mut self,
        path: &str,
        old: Option<&TreeEntry<'_>>,
        new: Option<&TreeEntry<'_>>,
    ) -> Result<(), Trouble> {
        self.compared += 1;
        if self.compared > MAX_COMPARED || same(old, new) {
            return Ok(());
        }
        let Some(Ok(name)) = new.or(old).map(TreeEntry::name) else { return Ok(()) };
        let is_folder = |entry: &TreeEntry<'_>| entry.kind() == Some(ObjectType::Tree);
        if [old, new].into_iter().flatten().any(|entry| !is_folder(entry)) {
            if !path.is_empty() {
                self.folders.insert(path.to_owned());
            } else if name == PLATFORM_FILE {
                self.platform = true;
            }
        }
        let at = join(path, name);
        if name.starts_with(['.', '_']) || at.split('/').count() > Snapshot::SEEN {
            return Ok(());
        }
        let tree = |entry: Option<&TreeEntry<'_>>| {
            let folder = entry.filter(|entry| is_folder(entry));
            folder.map(|entry| left_out::tree(self.repository, entry.id())).transpose()
        };
        let (old, new) = (tree(old)?, tree(new)?);
        if [&old, &new].into_iter().flatten().any(is_solution) {
            self.folders.insert(at.clone());
        }
        let groups = (old.filter(|t| !is_solution(t)), new.filter(|t| !is_solution(t)));
        self.group(&at, groups.0.as_ref(), groups.1.as_ref())
    }
}
