//! From a commit to a [`Snapshot`], by ids from the object database.

use std::collections::HashMap;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Odb, Oid, Repository, Tree, TreeEntry};
use jiff::Timestamp;

use vitrine_core::catalog::snapshot::{Folder, Oddity, Snapshot};
use vitrine_core::model::{Revision, TreeId};

use super::commits::Commit;
use super::left_out::Known;
use super::walk::{
    Entry, Found, Length, Listed, MAX_BYTES, MAX_ENTRIES, PLATFORM_FILE, Read, SOLUTION_FILE,
    Store, walk,
};
use super::{Trouble, left_out, remote};

/// The folders of the last snapshot by their tree.
type Folders = HashMap<Oid, Arc<Folder>>;

/// What the last reading found, so that the next reads what differs.
#[derive(Default)]
pub struct Last {
    folders: Folders,
    /// The tree of the catalogue's root, and what it holds.
    whole: Option<(Oid, Snapshot)>,
}

/// The catalogue's root in the repository: a path without `.`, `..` and empty names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(String);

impl Root {
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let names: Vec<&str> =
            text.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        if text.starts_with('/') || names.contains(&"..") {
            return Err(Trouble::new(format!(
                "repository.path `{text}` leaves the repository; write a path below its root"
            )));
        }
        Ok(Self(names.join("/")))
    }

    /// The root's tree at `commit`; `None` if the path is not there or not a folder.
    pub fn tree<'r>(
        &self,
        repository: &'r Repository,
        commit: &Commit,
    ) -> Result<Option<Tree<'r>>, Trouble> {
        let mut tree = left_out::tree(repository, commit.tree)?;
        for name in self.0.split('/').filter(|name| !name.is_empty()) {
            let inner = match tree.get_name(name) {
                Some(entry) if entry.kind() == Some(ObjectType::Tree) => entry.id(),
                Some(_) | None => return Ok(None),
            };
            tree = left_out::tree(repository, inner)?;
        }
        Ok(Some(tree))
    }
}

/// Reads everything below `root` at `revision`; `last` is what the call before found.
pub fn read(
    repository: &Repository,
    root: &Root,
    revision: &Revision,
    last: &mut Last,
) -> Result<Snapshot, Trouble> {
    read_commit(repository, root, &remote::commit(repository, revision)?, last)
}

/// As [`read`], of a commit that need not be in the database: its tree must be.
pub fn read_commit(
    repository: &Repository,
    root: &Root,
    commit: &Commit,
    last: &mut Last,
) -> Result<Snapshot, Trouble> {
    read_within(repository, root, commit, last, MAX_BYTES)
}

/// As [`read_commit`], of one that may hold at most so many bytes.
pub fn read_within(
    repository: &Repository,
    root: &Root,
    commit: &Commit,
    last: &mut Last,
    most: u64,
) -> Result<Snapshot, Trouble> {
    let revision = remote::revision(commit.id)?;
    let tree = root.tree(repository, commit)?.ok_or_else(|| {
        Trouble::new(format!(
            "commit {} has no folder `{}`; restore it or set repository.path",
            revision.short(),
            root.0
        ))
    })?;
    let committed = Timestamp::from_second(commit.committed).unwrap_or_default();
    let id = tree_id(tree.id())?;
    if let Some((before, whole)) = &last.whole
        && says_the_same(repository, *before, &tree)?
    {
        let snapshot = Snapshot { revision, committed, root: id, ..whole.clone() };
        last.whole = Some((tree.id(), snapshot.clone()));
        return Ok(snapshot);
    }
    let odb = repository.odb()?;
    let left_out = Known::of(repository)?;
    let previous = &last.folders;
    let mut objects = Objects { repository, odb, left_out, previous, folders: Folders::new() };
    let Found { platform, folders, oddities } = walk(&mut objects, &tree.id(), most)?;
    let folders = Arc::new(folders);
    let snapshot = Snapshot { revision, committed, root: id, platform, folders, oddities };
    let folders = std::mem::take(&mut objects.folders);
    drop(objects);
    *last = Last { folders, whole: Some((tree.id(), snapshot.clone())) };
    Ok(snapshot)
}

/// Whether two roots differ at most in what nobody reads: a README, a licence, hidden folders.
fn says_the_same(repository: &Repository, old: Oid, new: &Tree<'_>) -> Result<bool, Trouble> {
    if old == new.id() {
        return Ok(true);
    }
    // A mirror that was made anew has what the branch has, and not what was there before.
    let Ok(old) = repository.find_tree(old) else { return Ok(false) };
    let unread = |entry: &TreeEntry<'_>| {
        let is_file = matches!(kind(entry), Entry::File(_));
        let hidden = entry.name_bytes().starts_with(b".") || entry.name_bytes().starts_with(b"_");
        hidden || (is_file && entry.name_bytes() != PLATFORM_FILE.as_bytes())
    };
    let (first, last) = alike(&old, new);
    let mut differing = [&old, new].into_iter().flat_map(|tree| {
        (first..tree.len().saturating_sub(last)).filter_map(move |at| tree.get(at))
    });
    Ok(differing.all(|entry| unread(&entry)))
}

/// How many entries of two trees are the same at the beginning and at the end. Most commits change
/// one entry of a tree with thousands; looking up each by name would cost ten times as much.
pub fn alike(old: &Tree<'_>, new: &Tree<'_>) -> (usize, usize) {
    let alike = |a: usize, b: usize| match (old.get(a), new.get(b)) {
        (Some(a), Some(b)) => same(Some(&a), Some(&b)) && a.name_bytes() == b.name_bytes(),
        _ => false,
    };
    let shorter = old.len().min(new.len());
    let first = (0..shorter).take_while(|&n| alike(n, n)).count();
    let last = (1..=shorter - first).take_while(|&n| alike(old.len() - n, new.len() - n)).count();
    (first, last)
}

/// Whether two entries hold the same, or neither is there.
pub fn same(old: Option<&TreeEntry<'_>>, new: Option<&TreeEntry<'_>>) -> bool {
    let what = |entry: &TreeEntry<'_>| (entry.id(), entry.filemode());
    old.map(what) == new.map(what)
}

/// The trees and blobs of a repository.
struct Objects<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
    left_out: Known,
    previous: &'r Folders,
    folders: Folders,
}

impl Store for Objects<'_> {
    type Folder = Oid;
    type File = Oid;

    fn list(&self, folder: &Oid) -> Result<Vec<Listed<Self>>, Trouble> {
        let tree = left_out::tree(self.repository, *folder)?;
        let listed = tree.iter().take(MAX_ENTRIES + 1).map(|entry| Listed {
            name: String::from_utf8_lossy(entry.name_bytes()).into_owned(),
            entry: kind(&entry),
        });
        Ok(listed.collect())
    }

    fn size(&self, file: &Oid) -> Result<Length, Trouble> {
        match self.odb.read_header(*file) {
            Ok((size, _)) => Ok(Length::Bytes(size as u64)),
            Err(error) if error.code() == ErrorCode::NotFound => match self.left_out.look_up(*file)
            {
                Some(size) => Ok(Length::LeftOut(size)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, file: &Oid, _limit: u64) -> Result<Option<Arc<[u8]>>, Trouble> {
        Ok(Some(Arc::from(self.odb.read(*file)?.data())))
    }

    fn known(&self, folder: &Oid) -> Option<Arc<Folder>> {
        self.folders.get(folder).or_else(|| self.previous.get(folder)).map(Arc::clone)
    }

    fn keep(&mut self, folder: &Oid, read: &Arc<Folder>) {
        self.folders.insert(*folder, Arc::clone(read));
    }

    fn tree(&self, folder: &Oid, _read: &Read) -> Result<TreeId, Trouble> {
        tree_id(*folder)
    }
}

/// Whether a folder is a solution. A `solution.yaml` that is a link counts, so that the folder is
/// refused by its name instead of searched.
pub fn is_solution(tree: &Tree<'_>) -> bool {
    tree.get_name(SOLUTION_FILE).is_some_and(|entry| entry.kind() != Some(ObjectType::Tree))
}

fn kind<'r>(entry: &TreeEntry<'_>) -> Entry<Objects<'r>> {
    const LINK: i32 = 0o120_000;
    match entry.kind() {
        _ if std::str::from_utf8(entry.name_bytes()).is_err() => Entry::Odd(Oddity::NameNotUtf8),
        Some(ObjectType::Tree) => Entry::Folder(entry.id()),
        Some(ObjectType::Commit) => Entry::Odd(Oddity::Submodule),
        _ if entry.filemode() == LINK => Entry::Odd(Oddity::SymbolicLink),
        _ => Entry::File(entry.id()),
    }
}

fn tree_id(id: Oid) -> Result<TreeId, Trouble> {
    TreeId::parse(&id.to_string()).map_err(|error| Trouble::new(error.to_string()))
}
