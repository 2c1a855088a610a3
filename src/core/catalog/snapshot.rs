//! What a commit (or a folder of a disk) holds, read completely. `source` makes it; nothing else
//! can.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use litemap::LiteMap;

use crate::model::{Revision, TreeId};

/// Everything below the catalogue's root at one commit. Complete, or it does not exist.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The commit; forty zeros for a folder of a disk.
    pub revision: Revision,
    /// When the commit was made, by its committer's clock. For people, never for decisions.
    pub committed: Timestamp,
    /// The tree of the catalogue's root.
    pub root: TreeId,
    /// `platform.yaml` at the root.
    pub platform: Option<File>,
    /// Folders below the root by their path relative to it (`use`, `group/use`), each that holds
    /// files of its own; at most [`Snapshot::DEPTH`] names deep, those with a `solution.yaml` at most
    /// [`Snapshot::SEEN`]. Names that start with `.` or `_`
    /// are left out. Equal trees are one allocation, also across snapshots of one source; so is
    /// all of it where a commit left it as it was.
    pub folders: Arc<BTreeMap<String, Arc<Folder>>>,
    /// Entries below the root that could not be walked into, with the reason: symbolic links,
    /// submodules, names that are not UTF-8, devices.
    pub oddities: BTreeMap<String, Oddity>,
}

impl Snapshot {
    /// Three groups and a solution's folder; folders inside a solution are read below it. One
    /// more than that is read, so that a solution that lies too deep is seen and protected.
    pub const DEPTH: usize = 5;
    /// How many names deep a solution is looked for, only to say that it lies too deep: moved down
    /// there it must not look deleted. Below that, nobody knows what lies there.
    pub const SEEN: usize = 32;

    /// Whether a later commit of the same source is known to have left everything as it was here.
    pub fn is_left_by(&self, later: &Self) -> bool {
        let bytes = |of: &Self| of.platform.as_ref().and_then(|file| file.bytes.clone());
        let platform = match (bytes(self), bytes(later)) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(&mine, &theirs) || mine == theirs,
            (None, None) => self.platform.is_none() && later.platform.is_none(),
            _ => false,
        };
        platform && Arc::ptr_eq(&self.folders, &later.folders) && self.oddities == later.oddities
    }
}

/// The files of one folder, with those of its sub-folders by relative path (`examples/a.json`)
/// when the folder holds a `solution.yaml`.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder's Git tree; on a disk, a hash of what was read in its place.
    pub tree: TreeId,
    /// By path relative to the folder. What is no plain file is among the `oddities`.
    pub files: LiteMap<String, File>,
    /// As [`Snapshot::oddities`], relative to the folder. Of a folder that holds too much, the
    /// reason stands at [`Folder::ITSELF`], and of its files only `solution.yaml` was read.
    pub oddities: BTreeMap<String, Oddity>,
}

impl Folder {
    /// The path of the folder itself among its [`Folder::oddities`].
    pub const ITSELF: &str = "";
    /// How many files and folders may lie in a solution's folder, at any depth.
    pub const MAX_ENTRIES: usize = 1000;
    /// The largest file that may lie in a solution's folder, in bytes.
    pub const MAX_FILE: u64 = 16 << 20;
}

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// Length in bytes.
    pub size: u64,
    /// The bytes; absent for a picture and for what is larger than [`File::READ_LIMIT`].
    pub bytes: Option<Arc<[u8]>>,
}

impl File {
    /// The largest file that is read, in bytes (what a ConfigMap could still carry).
    pub const READ_LIMIT: u64 = 512 * 1024;
}

/// What a catalogue must not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A link, wherever it points: it is not followed.
    SymbolicLink,
    /// A commit of another repository.
    Submodule,
    /// The name is shown with replacement characters.
    NameNotUtf8,
    /// A device, a socket or a pipe. Only a disk holds such, no commit.
    NotAFile,
    /// More than [`Folder::MAX_ENTRIES`], or more than 32 MiB of files that are read.
    TooManyFiles,
    /// More than 32 folders within folders.
    TooDeep,
    /// A file of more than [`Folder::MAX_FILE`], with its bytes where they are known.
    TooLarge(Option<u64>),
}

/// The repository could not be read completely. Another type than [`Snapshot`], so that it can
/// never become a deletion.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// When it was first found so; it has been so ever since.
    pub since: Timestamp,
    /// One sentence: what, where, and what to do. No secret, no credential of a URL.
    pub cause: String,
}
