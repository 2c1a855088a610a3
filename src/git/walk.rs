//! From files to what a [`Snapshot`] holds: one walk for the trees of a commit and for the folders
//! of a disk, so that both judge alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use litemap::LiteMap;
use vitrine_core::catalog::snapshot::{File, Folder, Oddity, Snapshot};
use vitrine_core::model::TreeId;

use super::Trouble;

/// What makes a folder a solution.
pub const SOLUTION_FILE: &str = "solution.yaml";
pub const PLATFORM_FILE: &str = "platform.yaml";

/// Entries of a catalogue, files and folders; a repository that unfolds to more is not one.
pub const MAX_ENTRIES: usize = 200_000;
/// Bytes that one snapshot holds in memory.
pub const MAX_BYTES: u64 = 512 << 20;
/// Bytes of one solution that are held in memory.
const MAX_SOLUTION_BYTES: u64 = 32 << 20;
/// Folders within folders inside a solution.
const MAX_NESTING: usize = 32;
/// The largest `solution.yaml` or `platform.yaml` that is read, in bytes.
const MAX_YAML: u64 = 256 * 1024;

/// Where files lie: the object database of a repository, or a disk.
pub trait Store {
    /// Names a folder of this store.
    type Folder;
    /// Names a file of this store.
    type File;

    /// What lies in a folder, at most a few more than [`MAX_ENTRIES`].
    fn list(&self, folder: &Self::Folder) -> Result<Vec<Listed<Self>>, Trouble>;

    /// How long the file is.
    fn size(&self, file: &Self::File) -> Result<Length, Trouble>;

    /// The file's bytes; `None` if they are more than `limit` by now.
    fn read(&self, file: &Self::File, limit: u64) -> Result<Option<Arc<[u8]>>, Trouble>;

    /// The folder as it was read before, if it is known to be the same.
    fn known(&self, folder: &Self::Folder) -> Option<Arc<Folder>>;

    /// Keeps what was read of a folder.
    fn keep(&mut self, folder: &Self::Folder, read: &Arc<Folder>);

    /// The name that equal folders share.
    fn tree(&self, folder: &Self::Folder, read: &Read) -> Result<TreeId, Trouble>;
}

/// How long a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Bytes(u64),
    /// So long that the mirror does without it; the bytes are not always known.
    LeftOut(Option<u64>),
}

impl Length {
    /// What is wrong with such a file in a solution's folder.
    fn too_large(self) -> Option<Oddity> {
        match self {
            Self::Bytes(size) | Self::LeftOut(Some(size)) if size > Folder::MAX_FILE => {
                Some(Oddity::TooLarge(Some(size)))
            }
            Self::Bytes(_) => None,
            // Small itself, but made from something large.
            Self::LeftOut(_) => Some(Oddity::TooLarge(None)),
        }
    }

    /// The bytes, or more than any that are read.
    fn at_least(self) -> u64 {
        match self {
            Self::Bytes(size) | Self::LeftOut(Some(size)) => size,
            Self::LeftOut(None) => Folder::MAX_FILE + 1,
        }
    }
}

/// What was read of a folder.
#[derive(Default)]
pub struct Read {
    pub files: LiteMap<String, File>,
    pub oddities: BTreeMap<String, Oddity>,
}

/// One entry of a folder.
pub struct Listed<S: Store + ?Sized> {
    /// With replacement characters if it is not UTF-8.
    pub name: String,
    pub entry: Entry<S>,
}

pub enum Entry<S: Store + ?Sized> {
    Folder(S::Folder),
    File(S::File),
    Odd(Oddity),
}

/// What lies below the root.
#[derive(Default)]
pub struct Found {
    pub platform: Option<File>,
    pub folders: BTreeMap<String, Arc<Folder>>,
    pub oddities: BTreeMap<String, Oddity>,
}

/// Reads everything below a catalogue's root, as far as it holds at most so many bytes.
pub fn walk<S: Store>(store: &mut S, root: &S::Folder, most: u64) -> Result<Found, Trouble> {
    let mut walk = Walk { store, found: Found::default(), entries: 0, bytes: 0, most };
    let listed = walk.store.list(root)?;
    walk.group(&listed, "")?;
    Ok(walk.found)
}

/// Reads one folder alone, as if it stood at the root by this name.
pub fn walk_one<S: Store>(store: &mut S, folder: &S::Folder, name: &str) -> Result<Found, Trouble> {
    let (found, most) = (Found::default(), MAX_BYTES);
    let mut walk = Walk { store, found, entries: 0, bytes: 0, most };
    walk.folder(folder, name.to_owned())?;
    Ok(walk.found)
}

struct Walk<'s, S: Store> {
    store: &'s mut S,
    found: Found,
    entries: usize,
    bytes: u64,
    most: u64,
}

/// Why a solution's folder was not read to its end.
enum Broken {
    /// It holds more than a solution does: its own fault, nobody else's.
    Beyond(Oddity),
    /// Nothing can be said at all.
    Trouble(Trouble),
}

impl From<Trouble> for Broken {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A solution's folder while it is read.
struct Draft {
    read: Read,
    entries: usize,
    /// [`Walk::bytes`] when it began.
    begun: u64,
}

/// Whether a folder that was read is a solution's.
fn holds_solution(folder: &Folder) -> bool {
    folder.files.contains_key(SOLUTION_FILE) || folder.oddities.contains_key(SOLUTION_FILE)
}

/// How many names a path has.
fn depth(path: &str) -> usize {
    path.split('/').count()
}

impl<S: Store> Walk<'_, S> {
    /// Reads the folders of the root or of a group at `path`.
    fn group(&mut self, listed: &[Listed<S>], path: &str) -> Result<(), Trouble> {
        for Listed { name, entry } in listed {
            let at = join(path, name);
            match entry {
                Entry::File(file) if path.is_empty() && name == PLATFORM_FILE => {
                    self.count(1)?;
                    self.found.platform = Some(self.file(file, name)?);
                }
                Entry::File(_) => {}
                _ if name.starts_with(['.', '_']) => {}
                // So deep no solution may lie, whatever it is.
                Entry::Odd(_) if depth(&at) > Snapshot::DEPTH => {}
                Entry::Odd(oddity) => {
                    self.count(1)?;
                    self.found.oddities.insert(at, *oddity);
                }
                Entry::Folder(folder) => {
                    self.count(1)?;
                    self.folder(folder, at)?;
                }
            }
        }
        Ok(())
    }

    fn folder(&mut self, place: &S::Folder, path: String) -> Result<(), Trouble> {
        if let Some(known) = self.store.known(place).filter(|known| holds_solution(known)) {
            // As it was: not even its list is read.
            self.take(&known)?;
            self.store.keep(place, &known);
            self.found.folders.insert(path, known);
            return Ok(());
        }
        let listed = self.store.list(place)?;
        let is_solution = listed
            .iter()
            .any(|one| one.name == SOLUTION_FILE && !matches!(one.entry, Entry::Folder(_)));
        if !is_solution && depth(&path) > Snapshot::DEPTH {
            // Only looked through, and counted all the same: a tree may unfold without end.
            self.count(listed.len())?;
            let is_group = listed.iter().any(|one| matches!(one.entry, Entry::Folder(_)));
            if is_group && depth(&path) >= Snapshot::SEEN {
                self.found.oddities.insert(path, Oddity::TooDeep);
                return Ok(());
            }
            return self.group(&listed, &path);
        }
        let folder = match self.store.known(place) {
            Some(known) => {
                self.take(&known)?;
                known
            }
            None => {
                let read = if is_solution { self.solution(&listed)? } else { self.plain(&listed)? };
                let tree = self.store.tree(place, &read)?;
                Arc::new(Folder { tree, files: read.files, oddities: read.oddities })
            }
        };
        self.store.keep(place, &folder);
        if !is_solution {
            self.group(&listed, &path)?;
        }
        if is_solution || !folder.files.is_empty() {
            self.found.folders.insert(path, folder);
        }
        Ok(())
    }

    /// Counts a folder that was read before.
    fn take(&mut self, known: &Folder) -> Result<(), Trouble> {
        let bytes = known.files.values().filter_map(|file| file.bytes.as_ref());
        self.weigh(bytes.map(|bytes| bytes.len() as u64).sum())?;
        self.count(known.files.len())
    }

    /// The files of a folder that is no solution. Their names say whether it was one; what they
    /// hold is of interest only where a name is nearly that of [`SOLUTION_FILE`]. What is odd in
    /// a group stands in the snapshot.
    fn plain(&mut self, listed: &[Listed<S>]) -> Result<Read, Trouble> {
        let mut read = Read::default();
        for Listed { name, entry } in listed {
            let Entry::File(file) = entry else { continue };
            self.count(1)?;
            let file = if name.to_lowercase().starts_with("solution") {
                self.file(file, name)?
            } else {
                File { size: self.store.size(file)?.at_least(), bytes: None }
            };
            read.files.insert(name.clone(), file);
        }
        Ok(read)
    }

    /// Everything in a solution's folder. Of one that holds too much, only [`SOLUTION_FILE`].
    fn solution(&mut self, listed: &[Listed<S>]) -> Result<Read, Trouble> {
        let mut draft = Draft { read: Read::default(), entries: 0, begun: self.bytes };
        match self.fill(&mut draft, listed, "", 0) {
            Ok(()) => Ok(draft.read),
            Err(Broken::Trouble(trouble)) => Err(trouble),
            Err(Broken::Beyond(oddity)) => {
                self.bytes = draft.begun;
                let own = listed.iter().filter(|one| one.name == SOLUTION_FILE);
                let mut read = Read::default();
                read.oddities.insert(Folder::ITSELF.to_owned(), oddity);
                for Listed { name, entry } in own {
                    match entry {
                        Entry::File(file) => {
                            read.files.insert(name.clone(), self.file(file, name)?);
                        }
                        Entry::Odd(odd) => _ = read.oddities.insert(name.clone(), *odd),
                        Entry::Folder(_) => {}
                    }
                }
                Ok(read)
            }
        }
    }

    fn fill(
        &mut self,
        draft: &mut Draft,
        listed: &[Listed<S>],
        below: &str,
        nesting: usize,
    ) -> Result<(), Broken> {
        if nesting > MAX_NESTING {
            return Err(Broken::Beyond(Oddity::TooDeep));
        }
        for Listed { name, entry } in listed {
            if matches!(entry, Entry::Folder(_)) && name.starts_with(['.', '_']) {
                continue;
            }
            let at = join(below, name);
            draft.entries += 1;
            if draft.entries > Folder::MAX_ENTRIES {
                return Err(Broken::Beyond(Oddity::TooManyFiles));
            }
            self.count(1)?;
            match entry {
                Entry::File(file) => {
                    // The largest are a fault; the mirror does without some of them.
                    let size = self.store.size(file)?;
                    if let Some(oddity) = size.too_large()
                        && name != SOLUTION_FILE
                    {
                        draft.read.oddities.insert(at, oddity);
                        continue;
                    }
                    let file = self.file(file, name)?;
                    draft.read.files.insert(at, file);
                    if self.bytes - draft.begun > MAX_SOLUTION_BYTES {
                        return Err(Broken::Beyond(Oddity::TooManyFiles));
                    }
                }
                Entry::Odd(oddity) => _ = draft.read.oddities.insert(at, *oddity),
                Entry::Folder(inner) => {
                    let inner = self.store.list(inner)?;
                    self.fill(draft, &inner, &at, nesting + 1)?;
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &S::File, name: &str) -> Result<File, Trouble> {
        let length = self.store.size(file)?;
        let limit = match name {
            SOLUTION_FILE | PLATFORM_FILE => MAX_YAML,
            _ => File::READ_LIMIT,
        };
        let size = match length {
            Length::Bytes(size) => size,
            Length::LeftOut(_) => length.at_least().max(limit + 1),
        };
        if size > limit || is_picture(name) {
            return Ok(File { size, bytes: None });
        }
        let bytes = self.store.read(file, limit)?;
        self.weigh(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))?;
        Ok(File { size, bytes })
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
        if self.bytes <= self.most {
            return Ok(());
        }
        let limit = self.most >> 20;
        Err(Trouble::new(format!(
            "the catalogue's small files hold more than {limit} MiB; keep models and data elsewhere"
        )))
    }
}

/// `a` and `b` as `a/b`; `b` alone at the root.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn is_picture(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    matches!(end.as_deref(), Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "ico"))
}
