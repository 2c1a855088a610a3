//! A folder on a laptop as a repository, for the demo.

use std::fs::{File, TryLockError};
use std::path::Path;

use git2::{Repository, RepositoryInitOptions, Signature};

use vitrine_core::catalog::snapshot::Unknown;

use super::{Trouble, mirror, remote};

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

/// Whether [`make_repository`] made this repository: it still says who commits in it, or one of
/// its branches begins with our commit. People may have committed in it since.
pub fn is_made_repository(folder: &Path) -> bool {
    let plain = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.is_dir());
    if !plain(folder) || !plain(&folder.join(".git")) {
        return false;
    }
    let Ok(repository) = remote::open_local(folder) else { return false };
    says_who_commits(&repository) || begins_with_our_commit(&repository).unwrap_or(false)
}

fn says_who_commits(repository: &Repository) -> bool {
    let own = repository.config().and_then(|all| all.open_level(git2::ConfigLevel::Local));
    own.and_then(|own| own.get_string("user.email")).is_ok_and(|email| email == AUTHOR.1)
}

fn begins_with_our_commit(repository: &Repository) -> Result<bool, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.push_glob("refs/heads/*")?;
    for id in walk {
        let commit = repository.find_commit(id?)?;
        let ours = commit.author().email_bytes() == AUTHOR.1.as_bytes();
        if commit.parent_count() == 0 && ours {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the folder holds a mirror of vitrine.
pub fn is_mirror(folder: &Path) -> bool {
    let plain = folder.symlink_metadata().is_ok_and(|about| about.is_dir());
    plain && folder.join(mirror::MARK).symlink_metadata().is_ok_and(|about| about.is_file())
}

/// Whether a process has the mirror in this folder open.
pub fn is_mirror_in_use(folder: &Path) -> bool {
    let Ok(mark) = File::open(folder.join(mirror::MARK)) else { return false };
    matches!(mark.try_lock(), Err(TryLockError::WouldBlock))
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
