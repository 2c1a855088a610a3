//! A repository on this machine that is read where it lies: for people in their clones, without
//! settings and without a mirror. Nothing is written.

use std::path::{Path, PathBuf};

use git2::Repository;

use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::change::Comparison;

use super::merge;
use super::named;
use super::snapshot::Root;
use super::trouble::Trouble;

/// A clone, and where the catalogue lies in it.
pub struct LocalClone {
    repository: Repository,
    root: Root,
    /// As it is named in a sentence.
    shown: String,
}

impl LocalClone {
    /// Opens the repository that `folder` lies in. `catalogue` is the catalogue's root on the disk,
    /// where there is one; otherwise the repository's own root is it.
    ///
    /// # Errors
    /// [`Unknown`] where there is no repository, or one that cannot be opened.
    pub fn around(folder: &Path, catalogue: Option<&Path>) -> Result<Self, Unknown> {
        let shown = folder.display().to_string();
        let opened = Repository::discover(folder).map_err(|error| match error.code() {
            git2::ErrorCode::NotFound => Trouble::new(format!(
                "{shown} lies in no Git repository; go to a clone of the catalogue, or name one \
                 with --repo"
            )),
            git2::ErrorCode::Owner => {
                Trouble::new(format!("{shown} belongs to another user; ask Git as its owner"))
            }
            _ => Trouble::new(format!("{shown} cannot be read ({})", error.message())),
        });
        let repository = opened?;
        let root = match (repository.workdir().map(canonical), catalogue.map(canonical)) {
            (Some(work), Some(catalogue)) => {
                let below = catalogue.strip_prefix(&work).map_err(|_| {
                    Trouble::new(format!("{} lies outside of {shown}", catalogue.display()))
                })?;
                below.to_string_lossy().into_owned()
            }
            _ => String::new(),
        };
        Ok(Self { root: Root::parse(&root)?, repository, shown })
    }

    /// Reads what `base` holds, and what a merge of `head` into it would leave. Both as people name
    /// commits: an id, a branch, a tag, `HEAD~2`, `origin/main`.
    ///
    /// # Errors
    /// [`Unknown`] for a name that names nothing or two things, and for what cannot be read.
    pub fn compare(&self, base: &str, head: &str) -> Result<Comparison, Unknown> {
        let named = |text: &str| named::here(&self.repository, &self.shown, text);
        let read = merge::compare(&self.repository, &self.root, named(base)?, named(head)?);
        Ok(read.map_err(|trouble| trouble.of_theirs(&self.shown))?)
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
