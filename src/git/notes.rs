//! Git notes: what happened, on the commits themselves, for clones without a forge.
//!
//! `refs/notes/vitrine/<instance>` has one writer. A note has one line for each context,
//! `state<TAB>context<TAB>description<TAB>url`, sorted, so that two notes of one commit can be
//! joined by `git notes merge -s cat_sort_uniq`. The tree fans out by two digits and is made here,
//! one commit for a batch: libgit2's own notes write one commit and one flat tree for each.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use git2::{ErrorCode, ObjectType, Oid, Repository, Signature, Tree};

use vitrine_core::model::invisible::is_invisible;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::CommitStatus;

use super::Trouble;
use super::history::Records;
use super::mirror::Mirror;
use super::refs::NOTES;
use super::remote::{Pushed, Remote};

mod careful;
mod lines;

use careful::Careful;
use lines::{merge, parse};

/// How often a batch is begun anew because another writer was faster.
const TRIES: usize = 5;

/// The longest note that is read, in bytes. What is longer nobody wrote as one.
const LONGEST_NOTE: u64 = 1 << 20;

const FILE: i32 = 0o100_644;
const FOLDER: i32 = 0o040_000;

/// What is remembered between batches.
#[derive(Default)]
pub struct Copies {
    /// The instances whose notes in the mirror are known to be the remote's.
    current: BTreeSet<InstanceName>,
    /// The commits whose notes are wanted: the newest, and the records. `None`: all.
    wanted: Option<(Vec<Revision>, Records)>,
}

impl Copies {
    /// The mirror was replaced, and the copies with it.
    pub fn forget(&mut self) {
        self.current.clear();
    }

    /// The commits whose notes are wanted; `None`: all.
    pub fn wanted(&self) -> Option<BTreeSet<Revision>> {
        let (newest, records) = self.wanted.as_ref()?;
        Some(newest.iter().chain(records.values()).cloned().collect())
    }

    /// From now on a batch drops the notes of other commits.
    pub fn retain(&mut self, newest: Vec<Revision>, records: Records) {
        self.wanted = Some((newest, records));
    }
}

/// Lines to be written, and the commits whose notes stay.
#[derive(Clone, Copy)]
struct Batch<'a> {
    instance: &'a InstanceName,
    lines: &'a BTreeMap<Revision, Vec<CommitStatus>>,
    wanted: Option<&'a BTreeSet<Revision>>,
}

/// See [`Source::write_notes`](super::Source::write_notes).
pub fn write(
    remote: &Remote,
    mirror: &Mirror,
    copies: &mut Copies,
    instance: &InstanceName,
    lines: &BTreeMap<Revision, Vec<CommitStatus>>,
) -> Result<(), Trouble> {
    if lines.values().all(Vec::is_empty) {
        return Ok(());
    }
    let wanted = copies.wanted();
    for _ in 0..TRIES {
        let batch = Batch { instance, lines, wanted: wanted.as_ref() };
        let stored = if remote.is_local() {
            store(remote, batch)?
        } else {
            // Known again when the push has succeeded.
            if !copies.current.remove(instance) {
                fetch_copy(remote, mirror, instance)?;
            }
            push(remote, mirror, batch)?
        };
        if stored {
            copies.current.insert(instance.clone());
            return Ok(());
        }
        // Two writers that met once should not meet again.
        thread::sleep(Duration::from_millis(fastrand::u64(20..200)));
    }
    Err(Trouble::new(format!(
        "{remote}: another writer of {} was faster {TRIES} times; give each vitrine an instance \
         name of its own, and remove a `.lock` file that a killed one left beside the ref",
        shared(instance)
    )))
}

/// See [`Source::fetch_notes`](super::Source::fetch_notes).
pub fn fetch(
    remote: &Remote,
    mirror: &Mirror,
    copies: &mut Copies,
    instance: &InstanceName,
) -> Result<(), Trouble> {
    if !remote.is_local() {
        copies.current.remove(instance);
        fetch_copy(remote, mirror, instance)?;
        copies.current.insert(instance.clone());
    }
    Ok(())
}

/// See [`Source::read_notes`](super::Source::read_notes).
pub fn read(
    remote: &Remote,
    mirror: &Mirror,
    instance: &InstanceName,
    revisions: &BTreeSet<Revision>,
) -> Result<BTreeMap<Revision, Vec<CommitStatus>>, Trouble> {
    if !remote.is_local() {
        return Ok(look_up(mirror.repository(), &copy(instance), revisions)?);
    }
    look_up(&remote.open_local()?, &shared(instance), revisions).map_err(|error| {
        let message = error.message();
        Trouble::new(format!("the notes of {remote} cannot be read ({message}); check them"))
    })
}

fn look_up(
    repository: &Repository,
    name: &str,
    revisions: &BTreeSet<Revision>,
) -> Result<BTreeMap<Revision, Vec<CommitStatus>>, git2::Error> {
    let Some(tip) = tip(repository, name)? else { return Ok(BTreeMap::new()) };
    let careful = Careful::over(repository)?;
    let notes = Notes::of(&careful, careful.commit(tip)?.tree_id())?;
    let mut found = BTreeMap::new();
    for revision in revisions {
        let text = notes.text(&careful, &Oid::from_str(revision.as_str())?)?.unwrap_or_default();
        let statuses: Vec<_> = text.lines().filter_map(parse).collect();
        if !statuses.is_empty() {
            found.insert(revision.clone(), statuses);
        }
    }
    Ok(found)
}

/// The ref that everyone sees.
fn shared(instance: &InstanceName) -> String {
    format!("refs/notes/vitrine/{}", instance.as_str())
}

/// Our copy of it in the mirror.
fn copy(instance: &InstanceName) -> String {
    format!("{NOTES}{}", instance.as_str())
}

/// A ref of theirs that leaves no room for ours: a ref cannot be a folder as well.
fn in_the_way(
    remote: &Remote,
    instance: &InstanceName,
    names: impl IntoIterator<Item = String>,
) -> Option<Trouble> {
    let ours = shared(instance);
    let blocks = |name: &String| {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
        };
        within(&ours, name) || within(name, &ours)
    };
    names.into_iter().find(blocks).map(|name| {
        Trouble::new(format!(
            "{remote} has a ref `{name}`, which is in the way of {ours}; remove it there \
             (`git update-ref -d {name}`, or `git push origin --delete {name}` from a clone) or \
             set reporting.notes to false"
        ))
    })
}

fn tip(repository: &Repository, name: &str) -> Result<Option<Oid>, git2::Error> {
    match repository.refname_to_id(name) {
        Ok(id) => Ok(Some(id)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fetch_copy(remote: &Remote, mirror: &Mirror, instance: &InstanceName) -> Result<(), Trouble> {
    let refspec = format!("+{}:{}", shared(instance), copy(instance));
    remote.fetch_and_prune(mirror.repository(), &refspec)
}

/// Writes into a local repository. `false`: another writer was faster.
fn store(remote: &Remote, batch: Batch<'_>) -> Result<bool, Trouble> {
    let repository = remote.open_local()?;
    let name = shared(batch.instance);
    let stored = (|| {
        let before = tip(&repository, &name)?;
        let Some(commit) = build(&repository, before, batch)? else { return Ok(true) };
        // Creating or matching a reference looks before it locks; a transaction locks first.
        let mut transaction = repository.transaction()?;
        match transaction.lock_ref(&name) {
            Err(error) if error.code() == ErrorCode::Locked => return Ok(false),
            locked => locked?,
        }
        if tip(&repository, &name)? != before {
            return Ok(false);
        }
        transaction.set_target(&name, commit, Some(&author(batch.instance)?), "statuses")?;
        transaction.commit()?;
        Ok(true)
    })();
    stored.map_err(|error: git2::Error| {
        let names = repository.references().into_iter().flat_map(|mut all| {
            let names = all.names().flatten().map(str::to_owned);
            names.collect::<Vec<_>>()
        });
        if let Some(trouble) = in_the_way(remote, batch.instance, names) {
            return trouble;
        }
        Trouble::new(format!(
            "notes cannot be written to {remote} ({}); give vitrine the right to write there or \
             set reporting.notes to false",
            error.message()
        ))
    })
}

/// Writes into the mirror and pushes. `false`: another writer was faster.
fn push(remote: &Remote, mirror: &Mirror, batch: Batch<'_>) -> Result<bool, Trouble> {
    let instance = batch.instance;
    let repository = mirror.repository();
    let before = tip(repository, &copy(instance))?;
    let Some(commit) = build(repository, before, batch)? else { return Ok(true) };
    let outgoing = format!("refs/vitrine/outgoing/{}", instance.as_str());
    repository.reference(&outgoing, commit, true, "")?;
    // Without `+`: the push is refused if the other side has what we did not build on.
    let pushed = remote.push(repository, &format!("{outgoing}:{}", shared(instance)));
    repository.find_reference(&outgoing)?.delete()?;
    match pushed? {
        Pushed::Done => {
            repository.reference(&copy(instance), commit, true, "")?;
            Ok(true)
        }
        Pushed::Stale => Ok(false),
        Pushed::Declined(words) => {
            // Servers word a lost race as they like; whether it was one shows in the ref.
            fetch_copy(remote, mirror, instance)?;
            if tip(repository, &copy(instance))? != before {
                return Ok(false);
            }
            let names = remote.refs()?.into_iter().map(|(name, _)| name);
            if let Some(trouble) = in_the_way(remote, instance, names) {
                return Err(trouble);
            }
            let words: String = words.chars().filter(|c| !is_invisible(*c)).take(200).collect();
            Err(Trouble::new(format!(
                "{remote} declined the push of {} ({words}); allow it or set reporting.notes to \
                 false",
                shared(instance)
            )))
        }
    }
}

/// A commit on top of `before` that has the lines; `None` if it has them already.
fn build(
    repository: &Repository,
    before: Option<Oid>,
    batch: Batch<'_>,
) -> Result<Option<Oid>, git2::Error> {
    let Batch { instance, lines, wanted } = batch;
    let careful = Careful::over(repository)?;
    let parent = before.map(|id| careful.commit(id)).transpose()?;
    let mut notes = match &parent {
        Some(parent) => Notes::of(&careful, parent.tree_id())?,
        None => Notes::default(),
    };
    let mut changed = 0;
    for (revision, statuses) in lines {
        let commit = Oid::from_str(revision.as_str())?;
        let old = notes.text(&careful, &commit)?.unwrap_or_default();
        let new = merge(&old, statuses);
        if new != old {
            notes.set(&commit, repository.blob(new.as_bytes())?);
            changed += 1;
        }
    }
    if changed == 0 {
        return Ok(None);
    }
    if let Some(wanted) = wanted {
        notes.0.retain(|name, _| {
            Revision::parse(name)
                .is_ok_and(|commit| wanted.contains(&commit) || lines.contains_key(&commit))
        });
    }
    let tree = repository.find_tree(notes.write(repository)?)?;
    let author = author(instance)?;
    let message = format!("statuses of {changed} commits\n");
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(None, &author, &author, &message, &tree, &parents).map(Some)
}

fn author(instance: &InstanceName) -> Result<Signature<'static>, git2::Error> {
    Signature::now("vitrine", &format!("vitrine@{}", instance.as_str()))
}

/// The blobs of all notes by the commit they belong to.
#[derive(Default)]
struct Notes(BTreeMap<String, Oid>);

impl Notes {
    /// Reads a tree of notes, flat or fanned out. What is not a note is left out.
    fn of(careful: &Careful<'_>, tree: Oid) -> Result<Self, git2::Error> {
        let mut notes = Self::default();
        notes.collect(careful, &careful.tree(tree)?, "")?;
        Ok(notes)
    }

    fn collect(
        &mut self,
        careful: &Careful<'_>,
        tree: &Tree<'_>,
        digits: &str,
    ) -> Result<(), git2::Error> {
        for entry in tree {
            let Ok(name) = entry.name() else { continue };
            let name = format!("{digits}{name}");
            if name.len() > 40 || !name.bytes().all(|b| b.is_ascii_hexdigit()) {
                continue;
            }
            match entry.kind() {
                Some(ObjectType::Blob) if name.len() == 40 => {
                    self.0.insert(name, entry.id());
                }
                Some(ObjectType::Tree) if name.len() < 40 => {
                    self.collect(careful, &careful.tree(entry.id())?, &name)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A note that is too long to be one counts as none, and is written over.
    fn text(&self, careful: &Careful<'_>, commit: &Oid) -> Result<Option<String>, git2::Error> {
        let Some(blob) = self.0.get(&commit.to_string()) else { return Ok(None) };
        if !careful.allows(*blob, LONGEST_NOTE)? {
            return Ok(None);
        }
        let blob = careful.blob(*blob)?;
        Ok(Some(String::from_utf8_lossy(blob.content()).into_owned()))
    }

    fn set(&mut self, commit: &Oid, blob: Oid) {
        self.0.insert(commit.to_string(), blob);
    }

    /// Writes the tree, fanned out by the first two digits.
    fn write(&self, repository: &Repository) -> Result<Oid, git2::Error> {
        let mut groups: BTreeMap<&str, Vec<(&str, Oid)>> = BTreeMap::new();
        for (name, blob) in &self.0 {
            let (group, rest) = name.split_at(2);
            groups.entry(group).or_default().push((rest, *blob));
        }
        let mut root = repository.treebuilder(None)?;
        for (group, notes) in groups {
            let mut tree = repository.treebuilder(None)?;
            for (name, blob) in notes {
                tree.insert(name, blob, FILE)?;
            }
            root.insert(group, tree.write()?, FOLDER)?;
        }
        root.write()
    }
}
