//! The faults of catalogues in the order of their files, and how many folders are good.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::cli::place::Scope;
use crate::cli::place::{Place, Target};
use vitrine_core::catalog::{Catalog, Fault, Snapshot};
use vitrine_core::model::fault::Severity;

const PLATFORM: &str = "platform.yaml";
const SOLUTION: &str = "solution.yaml";

/// A fault, and whose it is.
pub(super) struct Finding {
    pub fault: Fault,
    /// Absent for a fault of the platform.
    pub solution: Option<String>,
    /// Where the catalogue lies in its repository: `` or `catalogue/`.
    pub in_repository: String,
}

/// What was found under the paths.
#[derive(Default)]
pub(super) struct Findings {
    pub all: Vec<Finding>,
    pub good: usize,
    pub refused: usize,
}

impl Findings {
    pub fn errors(&self) -> usize {
        self.all.iter().filter(|one| one.fault.severity == Severity::Error).count()
    }

    pub fn warnings(&self) -> usize {
        self.all.len() - self.errors()
    }

    /// Adds faults that were found outside of the files: of a folder that was good until now.
    pub fn add_to(&mut self, place: &Place, folder: &str, faults: Vec<Fault>) {
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            self.good -= 1;
            self.refused += 1;
        }
        self.all.extend(faults.into_iter().map(|fault| Finding {
            fault,
            solution: Some(name(folder)),
            in_repository: in_repository(place).to_owned(),
        }));
    }

    /// Adds what a catalogue says under the paths that were asked for, and every fault of its
    /// platform.
    pub fn add(&mut self, place: &Place, snapshot: &Snapshot, catalog: &Catalog, today: Date) {
        let in_repository = in_repository(place);
        let covered = |path: &str| place.scopes.iter().any(|scope| scope.covers(path));
        let found = faults(snapshot, catalog, today);
        let refused: BTreeSet<&str> = found
            .iter()
            .filter(|(_, fault)| fault.severity == Severity::Error)
            .filter_map(|(folder, _)| folder.as_deref())
            .filter(|folder| covered(folder))
            .collect();
        self.refused += refused.len();
        self.good += catalog.solutions.values().filter(|s| covered(&s.folder)).count();
        for (folder, fault) in &found {
            let wanted = match folder {
                Some(folder) => covered(folder) || covered(&fault.file),
                None => true,
            };
            if wanted {
                self.all.push(Finding {
                    solution: folder.as_deref().map(name),
                    fault: (*fault).clone(),
                    in_repository: in_repository.to_owned(),
                });
            }
        }
    }
}

/// Where a place's catalogue lies in its repository.
fn in_repository(place: &Place) -> &str {
    match &place.target {
        Target::Catalogue { in_repository, .. } => in_repository,
        Target::Lone { .. } => "",
    }
}

fn name(folder: &str) -> String {
    folder.rsplit('/').next().unwrap_or(folder).to_owned()
}

/// Every fault with its solution's folder, in the order of the files: the platform's first, then
/// folder by folder, `solution.yaml` before the files beside it.
fn faults<'c>(
    snapshot: &Snapshot,
    catalog: &'c Catalog,
    today: Date,
) -> Vec<(Option<String>, &'c Fault)> {
    let of_platform = catalog.platform.as_ref().err().into_iter().flatten();
    let mut found: Vec<(Option<String>, &Fault)> = of_platform.map(|fault| (None, fault)).collect();
    for refused in catalog.refused.values() {
        for fault in &refused.faults {
            let scope = Scope::below(refused.folder.clone());
            // Two folders of one name are refused as one.
            let folder = if scope.covers(&fault.file) {
                refused.folder.clone()
            } else {
                folder_of(snapshot, &fault.file).unwrap_or_else(|| refused.folder.clone())
            };
            found.push((Some(folder), fault));
        }
    }
    for fault in catalog.warnings.iter().chain(catalog.said_on(today)) {
        let folder = if fault.file == PLATFORM { None } else { folder_of(snapshot, &fault.file) };
        found.push((folder, fault));
    }
    found.sort_by_key(|(folder, fault)| {
        let beside = !fault.file.ends_with(SOLUTION);
        (folder.clone(), beside, fault.file.clone(), fault.line, fault.column, fault.code)
    });
    found
}

/// The outermost solution that a file lies in, or else the folder that it lies in.
fn folder_of(snapshot: &Snapshot, file: &str) -> Option<String> {
    let above = || file.match_indices('/').filter_map(|(at, _)| file.get(..at));
    let is_solution = |path: &&str| {
        snapshot.folders.get(*path).is_some_and(|folder| {
            folder.files.contains_key(SOLUTION) || folder.oddities.contains_key(SOLUTION)
        })
    };
    above().find(is_solution).or_else(|| above().next_back()).map(str::to_owned)
}
