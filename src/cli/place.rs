//! Which catalogue a path lies in, and what of it the path means.

mod scope;

use std::path::{Path, PathBuf};

use super::Stop;
use super::catalogue::{PLATFORM, SOLUTION, above, holds, up_to_repository};
use crate::git;
pub(super) use scope::Scope;
use vitrine_core::catalog::Snapshot;

/// What a folder without a platform is judged by: the defaults of one that says only its domain.
const BARE_PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\n\
                             spec: {domain: domain.invalid}\n";

/// One thing to read, and what of it was asked for.
pub(super) struct Place {
    pub target: Target,
    pub scopes: Vec<Scope>,
}

/// What is read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Catalogue {
        root: PathBuf,
        /// The root as its repository calls it: `` or `catalogue/`.
        in_repository: String,
    },
    /// A solution's folder without any platform above it.
    Lone { folder: PathBuf, name: String },
}

/// The catalogue of a path: the nearest folder at or above it that holds `platform.yaml`, looked
/// for up to the repository's root. A link is judged as what it is, not followed.
///
/// # Errors
/// [`Stop`] for a path that is not there, or a lone file of no solution.
pub(super) fn find(path: &Path) -> Result<(Target, Scope), Stop> {
    let shown = path.display();
    let about = path.symlink_metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Stop::new(format!("there is no file or folder `{shown}`")),
        kind => Stop::new(format!("cannot look at {shown}: {kind}")),
    })?;
    let full = |path: &Path| {
        let full = path.canonicalize();
        full.map_err(|error| Stop::new(format!("cannot find {shown}: {}", error.kind())))
    };
    if about.is_symlink() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = full(parent.unwrap_or(Path::new(".")))?;
        if let (Some(root), Some(name)) = (above(&parent), path.file_name()) {
            return Ok(within(&root, &parent.join(name), false));
        }
    }
    let path = full(path)?;
    let folder = if path.is_dir() { &path } else { path.parent().unwrap_or(&path) };
    if let Some(root) = above(folder) {
        return Ok(within(&root, &path, path.is_dir()));
    }
    let solution = up_to_repository(folder).filter(|folder| holds(folder, SOLUTION)).last();
    if let Some(folder) = solution {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "solution".to_owned());
        let target = Target::Lone { folder: folder.to_owned(), name };
        return Ok((target, Scope::everything()));
    }
    if path.is_dir() {
        let target = catalogue(&path);
        return Ok((target, Scope::everything()));
    }
    Err(Stop::new(format!(
        "{shown} belongs to no catalogue: there is no `{PLATFORM}` and no `{SOLUTION}` beside it \
         or above it, up to the repository's root"
    )))
}

/// Reads a catalogue, or a folder that lies in none and says so.
pub(super) fn read(target: &Target) -> Result<Snapshot, Stop> {
    if let Target::Lone { name, .. } = target {
        eprintln!(
            "vitrine: no `platform.yaml` in `{name}` or above it: judged by the defaults of a \
             platform, not by its limits"
        );
    }
    read_again(target)
}

/// Reads what was read before, and says nothing more about it.
pub(super) fn read_again(target: &Target) -> Result<Snapshot, Stop> {
    let snapshot = match target {
        Target::Catalogue { root, .. } => git::read_folder(root),
        Target::Lone { folder, name } => git::read_lone_folder(folder, name, BARE_PLATFORM),
    };
    snapshot.map_err(|unknown| Stop::new(unknown.cause))
}

fn catalogue(root: &Path) -> Target {
    let top = up_to_repository(root).last().filter(|top| holds(top, ".git")).unwrap_or(root);
    let below = root.strip_prefix(top).unwrap_or(Path::new("")).to_string_lossy();
    let in_repository = if below.is_empty() { String::new() } else { format!("{below}/") };
    Target::Catalogue { root: root.to_owned(), in_repository }
}

/// What a path below the root means: a group or a solution itself; a file or a folder inside a
/// solution the whole solution, because a fault may be told at another file than the one that
/// causes it; any other file the folder that it lies in, without those below.
fn within(root: &Path, path: &Path, is_folder: bool) -> (Target, Scope) {
    let below = |path: &Path| {
        let below = path.strip_prefix(root).unwrap_or(Path::new(""));
        below.to_string_lossy().into_owned()
    };
    let above = path.ancestors().skip(usize::from(!is_folder));
    let inside = above.take_while(|folder| folder.starts_with(root) && *folder != root);
    let outermost = inside.filter(|folder| holds(folder, SOLUTION)).last();
    let itself = is_folder && (outermost.is_none() || holds(path, SOLUTION));
    let scope = match (outermost, path.parent()) {
        _ if itself => Scope::below(below(path)),
        (Some(solution), _) => Scope::below(below(solution)),
        (None, Some(folder)) if folder != root && !path.is_symlink() => {
            Scope::exactly(below(folder))
        }
        (None, _) => Scope::exactly(below(path)),
    };
    (catalogue(root), scope)
}
