//! Reads commits as the git program does: a tree, parents, and everything else as well as it can be
//! told. libgit2 refuses a whole commit for an author without a name or a time zone that is none.

use std::collections::{BinaryHeap, HashSet};

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::Trouble;
use super::pack::largest;

/// What is read of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    /// Seconds since 1970 by the committer's clock; 0 if it says nothing that can be read.
    pub committed: i64,
}

impl Commit {
    /// Reads a commit of the mirror, its size first.
    ///
    /// # Errors
    /// An object that is missing makes the mirror suspect; one that is no commit does not.
    pub fn read(repository: &Repository, id: Oid) -> Result<Self, Trouble> {
        match Self::find(repository, id)? {
            Some(commit) => Ok(commit),
            None => {
                let gone = format!("it lacks commit {id}");
                Err(git2::Error::new(ErrorCode::NotFound, git2::ErrorClass::Odb, gone).into())
            }
        }
    }

    /// As [`Commit::read`]; `None` if it is not there.
    pub fn find(repository: &Repository, id: Oid) -> Result<Option<Self>, Trouble> {
        let odb = repository.odb()?;
        let (size, kind) = match odb.read_header(id) {
            Ok(found) => found,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if kind != ObjectType::Commit || size as u64 > largest(kind) {
            return Err(unreadable(id));
        }
        Self::parse(id, odb.read(id)?.data()).map(Some).ok_or_else(|| unreadable(id))
    }

    /// The commit in these bytes; `None` where git would not read it either.
    pub fn parse(id: Oid, bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let tree = oid(lines.next()?.strip_prefix(b"tree ")?)?;
        let mut parents = Vec::new();
        let mut committed = 0;
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(oid(parent)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                committed = seconds(committer).unwrap_or_default();
                break;
            } else if line.is_empty() {
                break;
            }
        }
        Some(Self { id, tree, parents, committed })
    }
}

/// The sentence about a commit that names no tree or is larger than any.
pub fn unreadable(id: Oid) -> Trouble {
    Trouble::new(format!(
        "commit {id} cannot be read: git's own `git cat-file -p {id}` says what is wrong with it; \
         take it out of the branch's history"
    ))
}

fn oid(digits: &[u8]) -> Option<Oid> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 40)?;
    Oid::from_str(digits).ok()
}

/// The number after the last `>`.
fn seconds(committer: &[u8]) -> Option<i64> {
    let at = committer.iter().rposition(|byte| *byte == b'>')?;
    let rest = std::str::from_utf8(committer.get(at + 1..)?).ok()?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Whether `ancestor` is `id` or lies in its history.
pub fn descends(repository: &Repository, id: Oid, ancestor: Oid) -> Result<bool, Trouble> {
    if id == ancestor {
        return Ok(true);
    }
    // Fast, but it reads commits by libgit2's rules.
    if let Ok(found) = repository.graph_descendant_of(id, ancestor) {
        return Ok(found);
    }
    let mut seen = HashSet::from([id]);
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        for parent in Commit::read(repository, id)?.parents {
            if parent == ancestor {
                return Ok(true);
            }
            if seen.insert(parent) {
                next.push(parent);
            }
        }
    }
    Ok(false)
}

/// Where two commits branched off from each other: the newest that both have; `None` if they have
/// none in common.
pub fn fork(repository: &Repository, one: Oid, other: Oid) -> Result<Option<Oid>, Trouble> {
    // Fast, but it reads commits by libgit2's rules.
    match repository.merge_base(one, other) {
        Ok(found) => return Ok(Some(found)),
        Err(error) if error.class() == git2::ErrorClass::Merge => return Ok(None),
        Err(_) => {}
    }
    let mut ours = HashSet::new();
    walk(repository, one, |id| {
        ours.insert(id);
        false
    })?;
    walk(repository, other, |id| ours.contains(&id))
}

/// The first of a commit and its history that is the right one, the newest first. The history of a
/// shallow clone ends somewhere.
fn walk(
    repository: &Repository,
    from: Oid,
    mut is: impl FnMut(Oid) -> bool,
) -> Result<Option<Oid>, Trouble> {
    let mut seen = HashSet::from([from]);
    let mut next: BinaryHeap<(i64, Oid)> = BinaryHeap::from([(i64::MAX, from)]);
    while let Some((_, id)) = next.pop() {
        if is(id) {
            return Ok(Some(id));
        }
        for parent in Commit::find(repository, id)?.into_iter().flat_map(|commit| commit.parents) {
            if seen.insert(parent)
                && let Some(known) = Commit::find(repository, parent)?
            {
                next.push((known.committed, parent));
            }
        }
    }
    Ok(None)
}

/// Runs a fetch while the refs are away from which libgit2 cannot walk. It would name their commits
/// to the server, and fail at the first that it refuses; without them it fetches more than it must.
pub fn without_odd_refs<T>(
    mirror: &Repository,
    fetch: impl FnOnce() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    /// As many commits as libgit2 names.
    const NAMED: usize = 256;
    let is_odd = |target: Oid| {
        let walked = || {
            let mut walk = mirror.revwalk()?;
            walk.push(target)?;
            walk.take(NAMED).try_for_each(|commit| commit.map(|_| ()))
        };
        walked().is_err()
    };
    let mut odd = Vec::new();
    for reference in mirror.references()? {
        let mut reference = reference?;
        let Some(target) = reference.target().filter(|target| is_odd(*target)) else { continue };
        odd.push((reference.name()?.to_owned(), target));
        reference.delete()?;
    }
    let fetched = fetch();
    for (name, target) in odd {
        if mirror.refname_to_id(&name).is_err() {
            mirror.reference(&name, target, true, "")?;
        }
    }
    fetched
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const TREE: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_commit_is_read_whatever_its_author_wrote() {
        for (lines, committed) in [
            ("author A <a@x> 1 +0000\ncommitter A <a@x> 12 +0000\n\nwords", 12),
            ("author <> 1 +0000\ncommitter nobody\n\n", 0),
            ("author A <a@x> 1 +99999\ncommitter <<x>> 7 -x\nodd\n header\n\ncommitter B <b> 9", 7),
            ("", 0),
            ("\ncommitter A <a@x> 12 +0000", 0),
        ] {
            let text = format!("tree {TREE}\nparent {TREE}\n{lines}");
            let commit = Commit::parse(Oid::from_str(TREE).unwrap(), text.as_bytes()).unwrap();
            assert_eq!((commit.parents.len(), commit.committed), (1, committed), "{lines}");
        }
        for text in ["", "tree 0123\n", "parent", &format!("tree {TREE}\nparent 01\n")] {
            assert_eq!(Commit::parse(Oid::ZERO_SHA1, text.as_bytes()), None, "{text}");
        }
    }
}
