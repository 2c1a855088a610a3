//! A folder on a laptop as a commit, so that it is read with the same code as a repository.

use std::path::Path;

use git2::{Oid, Repository, RepositoryInitOptions, Signature};

use crate::catalog::Snapshot;
use crate::catalog::snapshot::Unknown;

use super::snapshot::{Folders, Root, read};
use super::{Trouble, remote};

/// The branch of a repository that vitrine makes.
const BRANCH: &str = "main";
/// Who commits in it.
const AUTHOR: (&str, &str) = ("vitrine demo", "demo@vitrine.invalid");

/// Makes a repository with a work tree in `to` and commits a copy of the folder `from`. Its first
/// commit is on `main`; people can commit in it at once.
///
/// # Errors
/// [`Unknown`], naming the folder or file that cannot be read or written.
pub fn make_repository(from: &Path, to: &Path) -> Result<(), Unknown> {
    make(from, to).map_err(Unknown::from)
}

fn make(from: &Path, to: &Path) -> Result<(), Trouble> {
    if !from.is_dir() {
        return Err(Trouble::new(format!("{} is not a folder", from.display())));
    }
    copy(from, to)?;
    let mut options = RepositoryInitOptions::new();
    options.initial_head(BRANCH);
    let repository = Repository::init_opts(to, &options)?;
    let mut config = repository.config()?;
    config.set_str("user.name", AUTHOR.0)?;
    config.set_str("user.email", AUTHOR.1)?;
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::FORCE, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = Signature::now(AUTHOR.0, AUTHOR.1)?;
    repository.commit(Some("HEAD"), &author, &author, "The catalogue\n", &tree, &[])?;
    Ok(())
}

/// Copies files and folders; what Git or an editor keeps beside them (`.git`, ...) is left out.
fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let cannot = |path: &Path, error: std::io::Error| {
        Trouble::new(format!("cannot copy {}: {error}", path.display()))
    };
    std::fs::create_dir_all(to).map_err(|e| cannot(to, e))?;
    for entry in std::fs::read_dir(from).map_err(|e| cannot(from, e))? {
        let entry = entry.map_err(|e| cannot(from, e))?;
        let path = entry.path();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(|e| cannot(&path, e))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".git") {
            continue;
        } else if kind.is_dir() {
            copy(&path, &target)?;
        } else if kind.is_symlink() {
            let points = std::fs::read_link(&path).map_err(|e| cannot(&path, e))?;
            std::os::unix::fs::symlink(points, &target).map_err(|e| cannot(&path, e))?;
        } else if kind.is_file() {
            std::fs::copy(&path, &target).map_err(|e| cannot(&path, e))?;
        }
    }
    Ok(())
}

/// Reads a folder as if it had just been committed. Nothing is written into it.
///
/// # Errors
/// [`Unknown`], naming the folder or file that cannot be read.
pub fn read_folder(path: &Path) -> Result<Snapshot, Unknown> {
    snapshot_of(path).map_err(Unknown::from)
}

fn snapshot_of(path: &Path) -> Result<Snapshot, Trouble> {
    if !path.is_dir() {
        return Err(Trouble::new(format!("there is no folder {}", path.display())));
    }
    let place = tempfile::tempdir()
        .map_err(|error| Trouble::new(format!("cannot make a temporary folder: {error}")))?;
    let repository = Repository::init_bare(place.path())?;
    let tree = repository.find_tree(tree(&repository, path)?)?;
    let author = Signature::now(AUTHOR.0, AUTHOR.1)?;
    let commit = repository.commit(None, &author, &author, "", &tree, &[])?;
    let revision = remote::revision(commit)?;
    let (snapshot, _) = read(&repository, &Root::parse(".")?, &revision, &Folders::new())?;
    Ok(snapshot)
}

/// Writes a folder into the object database. Links stay links, so they are judged as such.
fn tree(repository: &Repository, path: &Path) -> Result<Oid, Trouble> {
    let cannot = |path: &Path, error: std::io::Error| {
        Trouble::new(format!("cannot read {}: {error}", path.display()))
    };
    let mut builder = repository.treebuilder(None)?;
    for entry in std::fs::read_dir(path).map_err(|e| cannot(path, e))? {
        let entry = entry.map_err(|e| cannot(path, e))?;
        let (name, path) = (entry.file_name(), entry.path());
        // Git refuses `.git` in a tree; the catalogue skips every name with a dot anyway.
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(|e| cannot(&path, e))?;
        if kind.is_dir() {
            builder.insert(&name, tree(repository, &path)?, 0o040_000)?;
        } else if kind.is_symlink() {
            let points = std::fs::read_link(&path).map_err(|e| cannot(&path, e))?;
            let blob = repository.blob(points.as_os_str().as_encoded_bytes())?;
            builder.insert(&name, blob, 0o120_000)?;
        } else if kind.is_file() {
            builder.insert(&name, repository.blob_path(&path)?, 0o100_644)?;
        }
    }
    Ok(builder.write()?)
}
