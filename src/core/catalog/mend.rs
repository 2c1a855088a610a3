//! Puts right what leaves no choice: a snapshot, and what it would be with every certain correction.
//!
//! In: [`Snapshot`]. Out: [`Mended`]. What a correction wrote is judged again, so that one that
//! brings another fault to light is followed by the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::{Change, Fault, apply};
use super::folders::FILE;
use super::snapshot::{File, Folder, Snapshot};
use super::{Catalog, Memory, platform, read};
use crate::model::yaml;

/// How often a catalogue is judged again: as often as a file can tell faults, should each of them
/// have to wait for another.
const ROUNDS: usize = 100;

/// What a catalogue would be with every certain correction.
#[derive(Clone, Debug)]
pub struct Mended {
    /// What it holds then.
    pub snapshot: Snapshot,
    /// Files that got another name or were taken away (then there is no new one), in this order.
    pub moved: Vec<(String, Option<String>)>,
    /// Files that say something else, by the name that they have then.
    pub written: BTreeMap<String, Arc<[u8]>>,
    /// How many faults were put right.
    pub fixed: usize,
}

/// Makes every certain correction of the files that are `meant`, by their paths below the root.
///
/// While `platform.yaml` is faulty, only that is put right: by what else should a solution be
/// judged? A file without a fault is never touched.
pub fn mend(snapshot: &Snapshot, meant: impl Fn(&str) -> bool) -> Mended {
    let mut mended = Mended {
        snapshot: snapshot.clone(),
        moved: Vec::new(),
        written: BTreeMap::new(),
        fixed: 0,
    };
    for _ in 0..ROUNDS {
        let catalog = read(&mended.snapshot, &mut Memory::default());
        if !mended.round(faults(&catalog).filter(|fault| meant(&fault.file))) {
            break;
        }
    }
    mended
}

/// What may be put right now.
fn faults(catalog: &Catalog) -> impl Iterator<Item = &Fault> {
    let of_platform = catalog.platform.as_ref().err().into_iter().flatten();
    let sound = catalog.platform.is_ok();
    let of_folders = catalog.refused.values().filter(move |_| sound);
    of_platform.chain(of_folders.flat_map(|refused| &refused.faults))
}

impl Mended {
    /// Makes the corrections that go together; `false` if there are none.
    fn round<'f>(&mut self, faults: impl Iterator<Item = &'f Fault>) -> bool {
        let mut by_file: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for fault in faults {
            if let Some(fix) = &fault.fix {
                by_file.entry(&fault.file).or_default().push(&fix.change);
            }
        }
        let before = self.fixed;
        for (file, changes) in by_file {
            let pieces = changes.iter().filter_map(|change| match change {
                Change::Write(pieces) => Some(pieces.as_slice()),
                Change::Rename(_) | Change::Remove => None,
            });
            if let Some(bytes) = self.snapshot.bytes(file) {
                let (changed, fixed) = apply(&bytes, pieces);
                if fixed > 0 && reads_as_well(file, &bytes, &changed) {
                    self.snapshot.put(file, changed.as_slice().into());
                    self.written.insert(file.to_owned(), changed.into());
                    self.fixed += fixed;
                    continue;
                }
            }
            for change in changes {
                let name = match change {
                    Change::Write(_) => continue,
                    Change::Rename(name) => Some(name.as_str()),
                    Change::Remove => None,
                };
                self.fixed += usize::from(self.move_file(file, name));
            }
        }
        self.fixed > before
    }

    fn move_file(&mut self, file: &str, name: Option<&str>) -> bool {
        let new = name.map(|name| match file.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        });
        let Some(bytes) = self.snapshot.take(file) else { return false };
        if let Some(new) = &new {
            self.snapshot.put(new, bytes);
        }
        if let Some(bytes) = self.written.remove(file)
            && let Some(new) = &new
        {
            self.written.insert(new.clone(), bytes);
        }
        self.moved.push((file.to_owned(), new));
        true
    }
}

/// Whether a file can be read still, if it could be read before.
fn reads_as_well(file: &str, before: &[u8], after: &[u8]) -> bool {
    let yaml = file.ends_with(".yaml") || file.ends_with(".yml");
    !yaml || yaml::read(before).root.is_none() || yaml::read(after).root.is_some()
}

impl Snapshot {
    /// What a file holds, where that was read.
    pub fn bytes(&self, file: &str) -> Option<Arc<[u8]>> {
        if file == platform::FILE {
            return self.platform.as_ref()?.bytes.clone();
        }
        let (folder, inside) = self.holder(file)?;
        self.folders.get(folder)?.files.get(inside)?.bytes.clone()
    }

    /// The folder that holds a file, and what the file is called in it.
    fn holder<'p>(&self, file: &'p str) -> Option<(&'p str, &'p str)> {
        let ends = file.match_indices('/').map(|(at, _)| at);
        let mut splits = ends.filter_map(|at| Some((file.get(..at)?, file.get(at + 1..)?)));
        let solution = |(folder, _): &(&str, &str)| {
            self.folders.get(*folder).is_some_and(|folder| folder.files.contains_key(FILE))
        };
        splits.clone().find(solution).or_else(|| splits.next_back())
    }

    fn put(&mut self, file: &str, bytes: Arc<[u8]>) {
        let new = File { size: bytes.len() as u64, bytes: Some(bytes) };
        if file == platform::FILE {
            self.platform = Some(new);
            return;
        }
        let Some((path, inside)) = self.holder(file) else { return };
        let folders = Arc::make_mut(&mut self.folders);
        let Some(folder) = folders.get_mut(path) else { return };
        Arc::make_mut(folder).files.insert(inside.to_owned(), new);
        if inside == FILE {
            gather(folders, path);
        }
    }

    fn take(&mut self, file: &str) -> Option<Arc<[u8]>> {
        let (path, inside) = self.holder(file)?;
        let folder = Arc::make_mut(&mut self.folders).get_mut(path)?;
        Arc::make_mut(folder).files.remove(inside)?.bytes
    }
}

/// What lies below a folder that became a solution belongs to it.
fn gather(folders: &mut BTreeMap<String, Arc<Folder>>, path: &str) {
    let below = format!("{path}/");
    let inner: Vec<String> =
        folders.keys().filter(|folder| folder.starts_with(&below)).cloned().collect();
    for name in inner {
        let (Some(inner), Some(outer)) = (folders.remove(&name), folders.get_mut(path)) else {
            continue;
        };
        let inside = name.strip_prefix(&below).unwrap_or(&name);
        let outer = Arc::make_mut(outer);
        let file = |(file, what): (&String, &File)| (format!("{inside}/{file}"), what.clone());
        outer.files.extend(inner.files.iter().map(file));
        let odd = inner.oddities.iter().map(|(file, what)| (format!("{inside}/{file}"), *what));
        outer.oddities.extend(odd);
    }
}
