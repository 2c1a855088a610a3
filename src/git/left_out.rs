//! What the mirror does without: objects too large to be held in memory, remembered in a file beside
//! them, so that a missing file is told from a mirror that lost something.
//!
//! The file goes when the mirror is made anew. One line for each object: its name, or `-` for a
//! difference whose name is not known, and its size in bytes.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use git2::{ErrorCode, Oid, Repository, Tree};

use super::Trouble;
use super::pack::LARGEST;
use super::pack::sieve::LeftOut;

const FILE: &str = "vitrine-left-out";
/// Lines that are written. Past it, nothing is named any more.
const MAX_LINES: usize = 20_000;

/// The objects that the mirror does without.
#[derive(Debug, Default)]
pub struct Known {
    sizes: HashMap<Oid, u64>,
    /// There are some without a name.
    unnamed: bool,
}

impl Known {
    pub fn of(mirror: &Repository) -> Result<Self, Trouble> {
        let text = match fs::read_to_string(file(mirror)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unusable(mirror, &error)),
        };
        let mut known = Self::default();
        for line in text.lines() {
            let Some((name, size)) = line.split_once(' ') else { continue };
            match (Oid::from_str(name), size.parse()) {
                (Ok(id), Ok(size)) => _ = known.sizes.insert(id, size),
                _ => known.unnamed = true,
            }
        }
        Ok(known)
    }

    /// Whether an object that is missing may be one of these; its size if that is known.
    pub fn look_up(&self, id: Oid) -> Option<Option<u64>> {
        match self.sizes.get(&id) {
            Some(size) => Some(Some(*size)),
            None => self.unnamed.then_some(None),
        }
    }
}

/// Adds objects to the file.
pub fn remember(mirror: &Repository, left_out: &[LeftOut]) -> Result<(), Trouble> {
    if left_out.is_empty() {
        return Ok(());
    }
    let known = Known::of(mirror)?;
    let mut room = MAX_LINES.saturating_sub(known.sizes.len());
    let mut text = String::new();
    let mut unnamed = known.unnamed;
    for LeftOut { id, size } in left_out {
        match id {
            Some(id) if known.sizes.contains_key(id) => {}
            Some(id) if room > 0 => {
                room -= 1;
                text.push_str(&format!("{id} {size}\n"));
            }
            // One line stands for all of them.
            _ if unnamed => {}
            _ => {
                unnamed = true;
                text.push_str(&format!("- {size}\n"));
            }
        }
    }
    let opened = OpenOptions::new().append(true).create(true).open(file(mirror));
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| unusable(mirror, &error))
}

/// A tree of the mirror. One that was left out is no damage.
pub fn tree(mirror: &Repository, id: Oid) -> Result<Tree<'_>, Trouble> {
    mirror.find_tree(id).map_err(|error| {
        let lost = error.code() == ErrorCode::NotFound
            && Known::of(mirror).is_ok_and(|known| known.look_up(id).is_some());
        if !lost {
            return error.into();
        }
        let limit = LARGEST >> 20;
        Trouble::new(format!(
            "the folder with the tree {id} takes more than {limit} MiB to read; divide it, or run \
             `git repack -adf` in the repository"
        ))
    })
}

fn file(mirror: &Repository) -> PathBuf {
    mirror.path().join(FILE)
}

fn unusable(mirror: &Repository, error: &io::Error) -> Trouble {
    Trouble::disk(&file(mirror), error)
}
