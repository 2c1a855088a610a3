//! From a commit to a [`Snapshot`], by ids from the object database.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use git2::{Commit, ObjectType, Odb, Oid, Repository, Tree, TreeEntry};
use jiff::Timestamp;

use crate::catalog::snapshot::{File, Folder, Oddity, Snapshot};
use crate::model::{Revision, TreeId};

use super::{Trouble, remote};

/// What makes a folder a solution.
pub const SOLUTION_FILE: &str = "solution.yaml";
pub const PLATFORM_FILE: &str = "platform.yaml";

/// Entries of a catalogue, files and folders; a repository that unfolds to more is not one.
const MAX_ENTRIES: usize = 200_000;
/// Bytes that one snapshot holds in memory.
const MAX_BYTES: u64 = 512 << 20;
/// Folders within folders inside a solution.
const MAX_NESTING: usize = 32;
/// The largest `solution.yaml` or `platform.yaml` that is read, in bytes.
const MAX_YAML: u64 = 256 * 1024;

/// The folders of the last snapshot by their tree.
pub type Folders = HashMap<Oid, Arc<Folder>>;

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
        commit: &Commit<'r>,
    ) -> Result<Option<Tree<'r>>, git2::Error> {
        let tree = commit.tree()?;
        if self.0.is_empty() {
            return Ok(Some(tree));
        }
        match tree.get_path(Path::new(&self.0)) {
            Ok(entry) if entry.kind() == Some(ObjectType::Tree) => {
                repository.find_tree(entry.id()).map(Some)
            }
            Ok(_) => Ok(None),
            // An intermediate folder that is missing in the database is another error class.
            Err(error) if error.class() == git2::ErrorClass::Tree => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reads everything below `root` at `revision`, and the folders by tree for the next call.
pub fn read(
    repository: &Repository,
    root: &Root,
    revision: &Revision,
    previous: &Folders,
) -> Result<(Snapshot, Folders), Trouble> {
    let commit = remote::commit(repository, revision)?;
    let tree = root.tree(repository, &commit)?.ok_or_else(|| {
        Trouble::new(format!(
            "commit {} has no folder `{}`; restore it or set repository.path",
            revision.short(),
            root.0
        ))
    })?;
    let mut reader = Reader {
        repository,
        odb: repository.odb()?,
        previous,
        folders: Folders::new(),
        snapshot: Snapshot {
            revision: revision.clone(),
            committed: Timestamp::from_second(commit.time().seconds()).unwrap_or_default(),
            root: tree_id(tree.id())?,
            platform: None,
            folders: BTreeMap::new(),
            oddities: BTreeMap::new(),
        },
        entries: 0,
        bytes: 0,
    };
    reader.group(&tree, "")?;
    Ok((reader.snapshot, reader.folders))
}

/// A kind of entry in a tree.
enum Entry {
    Folder,
    File,
    Odd(Oddity),
}

struct Reader<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
    previous: &'r Folders,
    folders: Folders,
    snapshot: Snapshot,
    entries: usize,
    bytes: u64,
}

impl Reader<'_> {
    /// Reads the folders below `tree`, which is the root or a group at `path`.
    fn group(&mut self, tree: &Tree<'_>, path: &str) -> Result<(), Trouble> {
        for entry in tree {
            let name = shown(&entry);
            let at = join(path, &name);
            match kind(&entry) {
                Entry::File if path.is_empty() && name == PLATFORM_FILE => {
                    self.count(1)?;
                    self.snapshot.platform = Some(self.file(&entry, &name)?);
                }
                Entry::File => {}
                _ if name.starts_with(['.', '_']) => {}
                Entry::Odd(oddity) => {
                    self.count(1)?;
                    self.snapshot.oddities.insert(at, oddity);
                }
                Entry::Folder => {
                    self.count(1)?;
                    self.folder(entry.id(), at)?;
                }
            }
        }
        Ok(())
    }

    fn folder(&mut self, id: Oid, path: String) -> Result<(), Trouble> {
        let tree = self.repository.find_tree(id)?;
        let is_solution = is_solution(&tree);
        let folder = match self.folders.get(&id).or_else(|| self.previous.get(&id)) {
            Some(known) => {
                let known = Arc::clone(known);
                let bytes = known.files.values().filter_map(|file| file.bytes.as_ref());
                self.weigh(bytes.map(|bytes| bytes.len() as u64).sum())?;
                self.count(known.files.len())?;
                known
            }
            None => {
                let (files, oddities) = (BTreeMap::new(), BTreeMap::new());
                let mut folder = Folder { tree: tree_id(id)?, files, oddities };
                self.fill(&mut folder, &tree, "", is_solution, 0)?;
                Arc::new(folder)
            }
        };
        self.folders.insert(id, Arc::clone(&folder));
        if !is_solution && path.split('/').count() < Snapshot::DEPTH {
            self.group(&tree, &path)?;
        }
        if is_solution || !folder.files.is_empty() {
            self.snapshot.folders.insert(path, folder);
        }
        Ok(())
    }

    /// Puts the files of `tree` into `folder`; of a solution, those below it too. What is odd in
    /// a group stands in the snapshot.
    fn fill(
        &mut self,
        folder: &mut Folder,
        tree: &Tree<'_>,
        below: &str,
        is_solution: bool,
        nesting: usize,
    ) -> Result<(), Trouble> {
        if nesting > MAX_NESTING {
            return Err(Trouble::new(format!(
                "the catalogue has more than {MAX_NESTING} folders within folders (`{below}`); \
                 remove them"
            )));
        }
        for entry in tree {
            let name = shown(&entry);
            let at = join(below, &name);
            match kind(&entry) {
                Entry::File => {
                    self.count(1)?;
                    let file = self.file(&entry, &name)?;
                    folder.files.insert(at, file);
                }
                Entry::Odd(oddity) if is_solution => {
                    self.count(1)?;
                    folder.oddities.insert(at, oddity);
                }
                Entry::Folder if is_solution && !name.starts_with(['.', '_']) => {
                    self.count(1)?;
                    let inner = self.repository.find_tree(entry.id())?;
                    self.fill(folder, &inner, &at, is_solution, nesting + 1)?;
                }
                Entry::Odd(_) | Entry::Folder => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, entry: &TreeEntry<'_>, name: &str) -> Result<File, Trouble> {
        let (size, _) = self.odb.read_header(entry.id())?;
        let size = size as u64;
        let limit = match name {
            SOLUTION_FILE | PLATFORM_FILE => MAX_YAML,
            _ => File::READ_LIMIT,
        };
        if size > limit || is_picture(name) {
            return Ok(File { size, bytes: None });
        }
        self.weigh(size)?;
        let object = self.odb.read(entry.id())?;
        Ok(File { size, bytes: Some(Arc::from(object.data())) })
    }

    fn count(&mut self, entries: usize) -> Result<(), Trouble> {
        self.entries += entries;
        if self.entries <= MAX_ENTRIES {
            return Ok(());
        }
        Err(Trouble::new(format!(
            "the catalogue holds more than {MAX_ENTRIES} files and folders; remove some or set \
             repository.path to a smaller folder"
        )))
    }

    fn weigh(&mut self, bytes: u64) -> Result<(), Trouble> {
        self.bytes += bytes;
        if self.bytes <= MAX_BYTES {
            return Ok(());
        }
        let limit = MAX_BYTES >> 20;
        Err(Trouble::new(format!(
            "the catalogue's small files hold more than {limit} MiB; keep models and data elsewhere"
        )))
    }
}

/// Whether a folder is a solution. A `solution.yaml` that is a link counts, so that the folder is
/// refused by its name instead of searched.
pub fn is_solution(tree: &Tree<'_>) -> bool {
    tree.get_name(SOLUTION_FILE).is_some_and(|entry| entry.kind() != Some(ObjectType::Tree))
}

fn kind(entry: &TreeEntry<'_>) -> Entry {
    const LINK: i32 = 0o120_000;
    match entry.kind() {
        _ if std::str::from_utf8(entry.name_bytes()).is_err() => Entry::Odd(Oddity::NameNotUtf8),
        Some(ObjectType::Tree) => Entry::Folder,
        Some(ObjectType::Commit) => Entry::Odd(Oddity::Submodule),
        _ if entry.filemode() == LINK => Entry::Odd(Oddity::SymbolicLink),
        _ => Entry::File,
    }
}

fn shown(entry: &TreeEntry<'_>) -> String {
    String::from_utf8_lossy(entry.name_bytes()).into_owned()
}

/// `a` and `b` as `a/b`; `b` alone at the root.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn is_picture(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    matches!(end.as_deref(), Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "ico"))
}

fn tree_id(id: Oid) -> Result<TreeId, Trouble> {
    TreeId::parse(&id.to_string()).map_err(|error| Trouble::new(error.to_string()))
}
