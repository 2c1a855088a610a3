//! `--fix`: writes every certain correction, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::cli::catalogue;
use crate::cli::place::{Place, Target};
use crate::cli::{Stop, terminal};
use vitrine_core::catalog::{Mended, Snapshot, mend};
use vitrine_core::model::credential::masked_lines;
use vitrine_core::model::invisible::is_invisible;
use vitrine_core::model::yaml;

/// How much was put right, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fixed {
    faults: usize,
    files: usize,
}

impl Fixed {
    /// What was done, in one line.
    pub fn told(self, dry_run: bool) -> String {
        let number = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let (faults, files) = (number(self.faults, "fault"), number(self.files, "file"));
        match (self.faults, dry_run) {
            (0, _) => "nothing to fix: no fault leaves only one way to put it right".to_owned(),
            (_, false) => format!("fixed {faults} in {files}"),
            (_, true) => format!("would fix {faults} in {files}; nothing was written"),
        }
    }

    pub fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.files += other.files;
    }
}

/// The corrections of what lies under the paths that were asked for.
pub(super) fn of(place: &Place, snapshot: &Snapshot) -> Mended {
    mend(snapshot, |file| place.scopes.iter().any(|scope| scope.covers(file)))
}

/// How much a correction is.
pub(super) fn size(mended: &Mended) -> Fixed {
    let moved = mended
        .moved
        .iter()
        .filter(|(_, new)| new.as_ref().is_none_or(|new| !mended.written.contains_key(new)));
    Fixed { faults: mended.fixed, files: mended.written.len() + moved.count() }
}

/// Writes the corrections: each file whole or not at all.
///
/// # Errors
/// [`Stop`] for a file that cannot be written, that is reached by a link, or that changed since it
/// was read. What was written before it stays.
pub(super) fn write(place: &Place, before: &Snapshot, mended: &Mended) -> Result<(), Stop> {
    let stop = |file: &str, why: &dyn std::fmt::Display| {
        Stop::new(format!("{file} cannot be put right: {why}"))
    };
    let unchanged = |path: &Path, file: &str| {
        let now = fs::read(path).map_err(|error| stop(file, &error))?;
        match before.bytes(file).as_deref() == Some(now.as_slice()) {
            true => Ok(()),
            false => Err(stop(file, &"it changed since it was read; try again")),
        }
    };
    for (file, new) in &mended.moved {
        let path = plain(place, file).map_err(|why| stop(file, &why))?;
        unchanged(&path, file)?;
        let moved = match new {
            None => fs::remove_file(&path),
            Some(new) => {
                let to = on_disk(place, new);
                // Two spellings can be one file to a disk that does not tell capitals.
                match to.symlink_metadata() {
                    Ok(_) if !same(&path, &to) => {
                        Err(io::Error::from(io::ErrorKind::AlreadyExists))
                    }
                    _ => fs::rename(&path, &to),
                }
            }
        };
        moved.map_err(|error| stop(file, &error))?;
    }
    for (file, bytes) in &mended.written {
        let path = plain(place, file).map_err(|why| stop(file, &why))?;
        let old = mended.moved.iter().find(|(_, new)| new.as_ref() == Some(file));
        let old = old.map_or(file, |(old, _)| old);
        if old == file {
            unchanged(&path, file)?;
        }
        catalogue::replace(&path, bytes).map_err(|error| stop(file, &error))?;
    }
    Ok(())
}

fn same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    whole(one).is_some() && whole(one) == whole(other)
}

/// Where a file of the catalogue lies.
fn on_disk(place: &Place, file: &str) -> PathBuf {
    match &place.target {
        Target::Catalogue { root, .. } => root.join(file),
        Target::Lone { folder, name } => {
            folder.join(file.strip_prefix(&format!("{name}/")).unwrap_or(file))
        }
    }
}

/// The path of a file that is one, and that no link leads to.
fn plain(place: &Place, file: &str) -> Result<PathBuf, String> {
    let path = on_disk(place, file);
    let root = match &place.target {
        Target::Catalogue { root, .. } => root,
        Target::Lone { folder, .. } => folder,
    };
    let inside = path.ancestors().take_while(|path| path.starts_with(root) && path != root);
    for part in inside {
        let about = part.symlink_metadata().map_err(|error| error.to_string())?;
        if about.is_symlink() {
            return Err("a link leads to it".to_owned());
        }
    }
    Ok(path)
}

/// Prints the corrections as a difference, and writes nothing.
pub(super) fn print(before: &Snapshot, mended: &Mended) -> Result<(), Stop> {
    let mut text = String::new();
    for (file, new) in &mended.moved {
        match new {
            Some(new) => text += &format!("rename from {file}\nrename to {new}\n"),
            None => text += &format!("delete {file}\n"),
        }
    }
    for (file, bytes) in &mended.written {
        let old = mended.moved.iter().find(|(_, new)| new.as_ref() == Some(file));
        let old = old.map_or(file, |(old, _)| old);
        let was = before.bytes(old).unwrap_or_default();
        let (old_lines, new_lines) = (shown(&was), shown(bytes));
        let diff = TextDiff::from_lines(&old_lines, &new_lines);
        let (a, b) = (format!("a/{old}"), format!("b/{file}"));
        text += &diff.unified_diff().context_radius(3).header(&a, &b).to_string();
    }
    terminal::write(&text)
}

/// A text as it can be shown: without credentials, and without what a terminal would act on.
fn shown(bytes: &[u8]) -> String {
    let lines = masked_lines(&yaml::lines(bytes));
    lines.join("\n").chars().map(visible).collect()
}

fn visible(character: char) -> char {
    if is_invisible(character) && !"\n\t".contains(character) {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::place::Scope;
    use crate::git;

    const FAULTY: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}\n\
                          spec: {imgae: x}\n";

    /// A catalogue with one slip, as it was read, and with the slip put right.
    fn scene() -> (tempfile::TempDir, Place, Snapshot, Mended) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("use")).unwrap();
        let platform = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec: {domain: a.b}\n";
        fs::write(root.join("platform.yaml"), platform).unwrap();
        fs::write(root.join("use/solution.yaml"), FAULTY).unwrap();
        let target = Target::Catalogue { root: root.clone(), in_repository: String::new() };
        let place = Place { target, scopes: vec![Scope::everything()] };
        let before = git::read_folder(&root).unwrap();
        let mended = of(&place, &before);
        assert_eq!(mended.fixed, 1);
        (folder, place, before, mended)
    }

    #[test]
    fn a_file_that_changed_since_it_was_read_is_left() {
        let (folder, place, before, mended) = scene();
        let newer = FAULTY.replace("imgae", "image");
        fs::write(folder.path().join("use/solution.yaml"), &newer).unwrap();
        assert!(write(&place, &before, &mended).unwrap_err().sentence.contains("changed"));
        assert_eq!(fs::read_to_string(folder.path().join("use/solution.yaml")).unwrap(), newer);
    }

    #[test]
    fn a_folder_that_became_a_link_is_not_followed() {
        let (folder, place, before, mended) = scene();
        fs::rename(folder.path().join("use"), folder.path().join("_elsewhere")).unwrap();
        std::os::unix::fs::symlink("_elsewhere", folder.path().join("use")).unwrap();
        assert!(write(&place, &before, &mended).unwrap_err().sentence.contains("link"));
        let there = fs::read_to_string(folder.path().join("_elsewhere/solution.yaml")).unwrap();
        assert_eq!(there, FAULTY);
    }

    #[test]
    fn a_difference_shows_no_credential_and_nothing_that_acts_on_a_terminal() {
        let shown = shown(b"a: 1\nDB_PASSWORD: hunter2-longer\nb: \x1b[2J\n");
        assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
        assert!(shown.starts_with("a: 1\n") && shown.ends_with('\n'), "{shown}");
    }
}
