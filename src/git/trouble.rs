//! Why something could not be read or written, and whose side it is on: theirs, our cache, our
//! disk.
//!
//! Decided where the call is made, from codes, classes and [`io::ErrorKind`]; a message is shown
//! and never read. What is the cache's is mended by making the mirror again; what is the disk's is
//! blamed on nobody else.

use std::io;
use std::path::Path;

use git2::{ErrorClass, ErrorCode};
use jiff::Timestamp;

use vitrine_core::catalog::snapshot::Unknown;

/// Why something could not be read or written: one sentence for the operator.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Trouble {
    pub sentence: String,
    pub side: Side,
    /// What libgit2 says of it, without advice.
    pub why: Option<String>,
}

/// Who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server, the repository there, or the settings that lead to it.
    Theirs,
    /// The mirror: making it again mends it, or shows that it was not at fault.
    Cache(Flaw),
    /// The disk of the mirror, or our rights on it.
    Disk,
}

/// What is wrong with the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// An object is not there.
    Missing,
    /// What is there cannot be read.
    Broken,
}

impl Trouble {
    /// On their side.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), side: Side::Theirs, why: None }
    }

    /// With the mirror, for this reason.
    pub fn cache(flaw: Flaw, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            sentence: format!(
                "the mirror of the repository cannot be used ({why}); it is made again at the \
                 next look"
            ),
            side: Side::Cache(flaw),
            why: Some(why),
        }
    }

    /// The same about a repository that is read where it lies: it is not the mirror that was read.
    pub fn of_theirs(self, shown: &impl std::fmt::Display) -> Self {
        match self.side {
            Side::Theirs | Side::Disk => self,
            Side::Cache(_) => {
                let why = self.why.unwrap_or(self.sentence);
                Self::new(format!("{shown} cannot be read ({why}); run `git fsck` there"))
            }
        }
    }

    /// With the disk of the mirror in `place`.
    pub fn disk(place: &Path, error: &io::Error) -> Self {
        use io::ErrorKind;
        let place = place.display();
        let sentence = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!(
                "there is no space left for the mirror {place}; make room on its disk or set \
                 repository.mirror to a folder on another one"
            ),
            ErrorKind::PermissionDenied => format!(
                "the mirror {place} cannot be written: vitrine has no right to; give the folder \
                 and all in it to the user that vitrine runs as, or set repository.mirror to \
                 another folder"
            ),
            ErrorKind::ReadOnlyFilesystem => format!(
                "the mirror {place} lies on a disk that is read-only; mount it writable or set \
                 repository.mirror to another folder"
            ),
            _ => format!(
                "the mirror {place} cannot be written ({error}); check repository.mirror, its \
                 owner and the disk's space"
            ),
        };
        Self { sentence, side: Side::Disk, why: None }
    }
}

/// What an error of libgit2 says of objects that were looked up.
pub fn flaw(error: &git2::Error) -> Flaw {
    if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Odb {
        Flaw::Missing
    } else {
        Flaw::Broken
    }
}

/// Errors that libgit2 reports while it works on the mirror alone.
impl From<git2::Error> for Trouble {
    fn from(error: git2::Error) -> Self {
        Self::cache(flaw(&error), error.message())
    }
}

impl From<Trouble> for Unknown {
    fn from(trouble: Trouble) -> Self {
        Self { since: Timestamp::now(), cause: trouble.sentence }
    }
}
