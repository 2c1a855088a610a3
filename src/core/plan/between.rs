//! What changes between two revisions by the daemon's rules, told without a cluster.
//!
//! In: two catalogues. Out: a [`Difference`] for each object, or for each name of which less is
//! known. What the old revision refused may have run in any earlier form: that is said, not guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Platform, Solution, Standing};
use crate::model::{ClaimedName, ContentHash, ObjectKey, SolutionName};
use crate::render::Desired;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// An object that comes, changes or goes.
    Object {
        /// Whose object it is.
        solution: SolutionName,
        /// Its kind, namespace and name.
        key: ObjectKey,
        /// What becomes of it when the new revision replaces the old one.
        change: Change,
    },
    /// The old revision left this name alone and the new one publishes it: its objects follow as
    /// [`Change::Apply`], and whatever else runs of it is deleted.
    WasFrozen {
        /// The name that is published now.
        solution: SolutionName,
    },
    /// The old revision left this name alone and the new one lacks it: whatever runs of it is
    /// deleted.
    FrozenThenGone {
        /// The name that the old revision protected.
        name: ClaimedName,
    },
    /// The old revision left every name alone that it did not mention, so some may run that are
    /// neither here nor there. Whatever runs of them is deleted.
    OthersMayGo,
    /// The old revision published it; the new one lacks it, and yet it is left alone.
    Kept {
        /// The name that is published no more.
        solution: SolutionName,
    },
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the new revision asks for it.
    Create,
    /// Both revisions ask for it, with different content.
    Update,
    /// Only the old revision asks for it.
    Delete,
    /// Created, updated or in place already: nobody knows what ran.
    Apply,
}

/// Compares two revisions. `wanted` renders a solution on its platform.
pub fn between(
    old: &Catalog,
    new: &Catalog,
    wanted: impl Fn(&Solution, &Platform) -> Desired,
) -> Vec<Difference> {
    let objects = |catalog: &Catalog, solution: &Arc<Solution>| -> Objects {
        let Ok(platform) = &catalog.platform else { return Objects::new() };
        let desired = wanted(solution, platform).objects;
        desired.iter().map(|object| (object.key.clone(), object.content.clone())).collect()
    };
    let mut differences = Vec::new();
    for name in names(old, new) {
        let all = |objects: Objects, change: Change| -> Changes {
            objects.into_keys().map(|key| (key, change)).collect()
        };
        let changes = match (old.standing(name.as_str()), new.standing(name.as_str())) {
            (Standing::Published(before), Standing::Published(after)) => {
                changed(&objects(old, before), &objects(new, after))
            }
            (Standing::Published(before), Standing::Gone) => {
                all(objects(old, before), Change::Delete)
            }
            (Standing::Gone, Standing::Published(after)) => {
                all(objects(new, after), Change::Create)
            }
            (Standing::Frozen, Standing::Published(after)) => {
                differences.push(Difference::WasFrozen { solution: after.name.clone() });
                all(objects(new, after), Change::Apply)
            }
            (Standing::Frozen, Standing::Gone) => {
                differences.push(Difference::FrozenThenGone { name: name.clone() });
                Changes::new()
            }
            (Standing::Published(before), Standing::Frozen) if !new.refused.contains_key(&name) => {
                differences.push(Difference::Kept { solution: before.name.clone() });
                Changes::new()
            }
            // A refusal is told as such, with its faults.
            (Standing::Published(_) | Standing::Frozen | Standing::Gone, Standing::Frozen)
            | (Standing::Gone, Standing::Gone) => Changes::new(),
        };
        let Some(solution) = name.solution() else { continue };
        differences.extend(changes.into_iter().map(|(key, change)| Difference::Object {
            solution: solution.clone(),
            key,
            change,
        }));
    }
    if old.protected.all.is_some() && new.protected.all.is_none() {
        differences.push(Difference::OthersMayGo);
    }
    differences
}

type Objects = BTreeMap<ObjectKey, ContentHash>;
type Changes = BTreeMap<ObjectKey, Change>;

/// Every name that either revision mentions. A refused folder whose name another one has goes by
/// its path, which is nobody's name.
fn names(old: &Catalog, new: &Catalog) -> BTreeSet<ClaimedName> {
    let mut names = BTreeSet::new();
    for catalog in [old, new] {
        names.extend(catalog.solutions.keys().map(ClaimedName::from));
        names.extend(catalog.protected.names.iter().cloned());
    }
    names
}

fn changed(before: &Objects, after: &Objects) -> Changes {
    let keys: BTreeSet<&ObjectKey> = before.keys().chain(after.keys()).collect();
    let change = |key: &ObjectKey| match (before.get(key), after.get(key)) {
        (None, Some(_)) => Some(Change::Create),
        (Some(_), None) => Some(Change::Delete),
        (Some(old), Some(new)) => (old != new).then_some(Change::Update),
        (None, None) => None,
    };
    keys.into_iter().filter_map(|key| Some((key.clone(), change(key)?))).collect()
}
