//! Which components are tried: of the solution that is named, or of all below a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::place::{self, Target};
use crate::cli::{Stop, catalogue, folder};
use vitrine_core::catalog::solution::Component;
use vitrine_core::catalog::solution::example::{Example, is_example};
use vitrine_core::catalog::{self, Catalog, Memory, Platform, Snapshot, Solution};
use vitrine_core::model::decode::nearest;
use vitrine_core::model::fault::human;

/// What is tried, on which platform.
pub(super) struct Choice {
    pub platform: Arc<Platform>,
    /// One after the other.
    pub chosen: Vec<Chosen>,
    /// How many folders cannot be tried because of faults, which were told.
    pub refused: usize,
}

/// One component, with the examples of its solution.
pub(super) struct Chosen {
    pub solution: Arc<Solution>,
    pub component: Component,
    pub examples: Vec<(String, Example)>,
}

impl Chosen {
    /// `use/app`
    pub fn name(&self) -> String {
        format!("{}/{}", self.solution.name, self.component.name)
    }
}

impl Choice {
    /// # Errors
    /// [`Stop`]: there is nothing to try, or the only one that is meant has faults.
    pub fn of(
        name: Option<&str>,
        component: Option<&str>,
        named: Option<&Path>,
    ) -> Result<Self, Stop> {
        let root = named.map(|named| catalogue::root(Some(named))).transpose()?;
        let (target, scope) = place::find(&looked_at(name, root.as_deref()))?;
        let snapshot = place::read(&target)?;
        let catalog = catalog::read(&snapshot, &mut Memory::default());
        let platform = match &catalog.platform {
            Ok(platform) => Arc::clone(platform),
            Err(faults) => return Err(folder::refused(faults)),
        };
        // A name stands for its solution wherever that lies; a path for what lies below it.
        let by_name = name.filter(|name| {
            catalog.solutions.contains_key(*name) || catalog.refused.contains_key(*name)
        });
        let is_meant = |solution: &str, folder: &str| match by_name {
            Some(name) => solution == name,
            None => scope.covers(folder),
        };
        if let (Some(name), None, Target::Catalogue { root, .. }) = (name, by_name, &target)
            && !here(root, name)
        {
            return Err(unknown(name, &catalog));
        }
        let refused: Vec<_> = catalog
            .refused
            .iter()
            .filter(|(name, refused)| is_meant(name.as_str(), &refused.folder))
            .collect();
        for (_, refused) in &refused {
            refused.faults.iter().for_each(|fault| eprintln!("{}", human(fault)));
        }
        let solutions: Vec<&Arc<Solution>> = catalog
            .solutions
            .values()
            .filter(|solution| is_meant(solution.name.as_str(), &solution.folder))
            .collect();
        if solutions.is_empty() {
            return Err(Stop::new(match refused.as_slice() {
                [] => "there is no solution here; go into a catalogue, or name one".to_owned(),
                [(name, _)] => format!("`{name}` has faults, and is not tried"),
                _ => "all of them have faults, and none is tried".to_owned(),
            }));
        }
        let chosen = chosen(&snapshot, &solutions, component)?;
        Ok(Self { platform, chosen, refused: refused.len() })
    }
}

/// The path that is judged for a name: a folder that is called so, else where we are.
fn looked_at(name: Option<&str>, root: Option<&Path>) -> PathBuf {
    let here = root.unwrap_or(Path::new("."));
    match name.map(|name| here.join(name)).filter(|path| path.is_dir()) {
        Some(folder) => folder,
        None => here.to_owned(),
    }
}

/// Whether a folder is called so, here or in the catalogue.
fn here(root: &Path, name: &str) -> bool {
    Path::new(name).is_dir() || root.join(name).is_dir()
}

fn chosen(
    snapshot: &Snapshot,
    solutions: &[&Arc<Solution>],
    component: Option<&str>,
) -> Result<Vec<Chosen>, Stop> {
    let mut chosen = Vec::new();
    for solution in solutions {
        let examples = examples(snapshot, solution);
        let wanted = |name: &str| component.is_none_or(|component| component == name);
        chosen.extend(solution.components.values().filter(|one| wanted(one.name.as_str())).map(
            |component| Chosen {
                solution: Arc::clone(solution),
                component: component.as_ref().clone(),
                examples: examples.clone(),
            },
        ));
    }
    if let (Some(component), true) = (component, chosen.is_empty()) {
        let components = solutions.iter().flat_map(|solution| solution.components.keys());
        let names: Vec<&str> = components.map(|name| name.as_str()).collect();
        return Err(Stop::new(format!(
            "there is no component `{component}`; there are: {}",
            names.join(", ")
        )));
    }
    Ok(chosen)
}

/// The example requests of a solution's folder, by name. Its folder has no fault, so each is one.
fn examples(snapshot: &Snapshot, solution: &Solution) -> Vec<(String, Example)> {
    let Some(folder) = snapshot.folders.get(&solution.folder) else { return Vec::new() };
    let files = folder.files.iter().filter(|(path, _)| is_example(path));
    let read = |(path, file): (&String, &catalog::snapshot::File)| {
        Some((path.clone(), Example::read(file.bytes.as_deref()?).ok()?))
    };
    files.filter_map(read).collect()
}

fn unknown(name: &str, catalog: &Catalog) -> Stop {
    let names: Vec<&str> = catalog.solutions.keys().map(|name| name.as_str()).collect();
    let near = nearest(name, names.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Stop::new(format!("the catalogue has no solution `{name}`; {near}it has: {}", names.join(", ")))
}
