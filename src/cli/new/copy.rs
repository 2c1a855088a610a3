//! A new folder after the pattern of another solution: comments, quotes and files stay.

use std::collections::{BTreeMap, BTreeSet};

use super::place::Place;
use crate::cli::Stop;
use crate::cli::catalogue::SOLUTION;
use vitrine_core::catalog::images::{self, Named};
use vitrine_core::model::SolutionName;
use vitrine_core::model::yaml::{self, Edit, Node, Value};

/// The files of the solution `from`, with another name and, where it is given, another image.
pub(super) fn copy(
    place: &Place,
    from: &str,
    name: &SolutionName,
    image: Option<&str>,
) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    let Some((folder, found)) = place.solution(from) else {
        let there = place.snapshot.folders.iter();
        let names: Vec<&str> = there
            .filter(|(_, folder)| folder.files.contains_key(SOLUTION))
            .map(|(path, _)| path.rsplit('/').next().unwrap_or(path))
            .collect();
        return Err(Stop::new(format!(
            "--from: there is no solution `{from}` in {}; there are: {}",
            place.root.display(),
            names.join(", ")
        )));
    };
    let mut files = BTreeMap::new();
    for path in found.files.keys() {
        let file = place.root.join(folder).join(path);
        let bytes = std::fs::read(&file)
            .map_err(|error| Stop::new(format!("cannot read {}: {error}", file.display())))?;
        files.insert(path.clone(), bytes);
    }
    rename(&mut files, from, name)?;
    if let Some(image) = image {
        let named = files.get(SOLUTION).map(|bytes| named(bytes)).unwrap_or_default();
        let run: BTreeSet<&str> = named
            .iter()
            .filter(|named| !named.field.contains("volumes["))
            .map(|named| named.image.value.as_str())
            .collect();
        if run.len() != 1 {
            return Err(Stop::new(format!(
                "`{from}` runs {} images, and --image names one; leave it out and change them in \
                 the new file",
                run.len()
            )));
        }
        let old = run.into_iter().next().unwrap_or_default().to_owned();
        replace_image(&mut files, |found| (found == old).then(|| image.to_owned()))?;
    }
    Ok(files)
}

/// The images of a `solution.yaml`.
pub(super) fn named(bytes: &[u8]) -> Vec<Named> {
    yaml::read(bytes).root.as_ref().map(images::named).unwrap_or_default()
}

/// Puts other images where `with` knows one.
pub(super) fn replace_image(
    files: &mut BTreeMap<String, Vec<u8>>,
    with: impl Fn(&str) -> Option<String>,
) -> Result<(), Stop> {
    let edits = |bytes: &[u8]| {
        let found = named(bytes).into_iter().filter_map(|named| {
            let new = with(&named.image.value)?;
            Some(Edit { at: named.image.at, old: named.image.value, new })
        });
        found.collect()
    };
    change(files, edits, "its image is")
}

fn rename(
    files: &mut BTreeMap<String, Vec<u8>>,
    from: &str,
    name: &SolutionName,
) -> Result<(), Stop> {
    let edits = |bytes: &[u8]| {
        let root = yaml::read(bytes).root;
        let node = root.as_ref().and_then(|root| entry(entry(root, "metadata")?, "name"));
        let edit = node.and_then(|node| match &node.value {
            Value::Text(old) => Some(Edit { at: node.at, old: old.clone(), new: name.to_string() }),
            _ => None,
        });
        edit.into_iter().collect()
    };
    change(files, edits, &format!("`{from}`: its name is"))
}

fn change(
    files: &mut BTreeMap<String, Vec<u8>>,
    edits: impl Fn(&[u8]) -> Vec<Edit>,
    what: &str,
) -> Result<(), Stop> {
    let Some(bytes) = files.get(SOLUTION) else { return Ok(()) };
    let edits = edits(bytes);
    let changed = yaml::edit(bytes, &edits).filter(|_| !edits.is_empty()).ok_or_else(|| {
        Stop::new(format!("{what} not written plainly in {SOLUTION}; write it in one word there"))
    })?;
    files.insert(SOLUTION.to_owned(), changed);
    Ok(())
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
}
