//! What the catalogue says of a name: wanted, left alone, or gone. The daemon's passes and `plan`
//! both go by this.

use std::sync::Arc;

use super::{Catalog, Solution};

/// What becomes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<T> {
    /// What it should be is known.
    Published(T),
    /// Refused, or protected by a fault elsewhere: nothing of it is written, repaired or deleted.
    Frozen,
    /// What runs of it is removed.
    Gone,
}

impl Catalog {
    /// What this revision says of a name, which need not be one that it mentions.
    pub fn standing(&self, name: &str) -> Standing<&Arc<Solution>> {
        match (self.solutions.get(name), &self.platform) {
            (Some(solution), Ok(_)) => Standing::Published(solution),
            (Some(_), Err(_)) => Standing::Frozen,
            (None, _) if self.refused.contains_key(name) || self.protected.covers(name) => {
                Standing::Frozen
            }
            (None, _) => Standing::Gone,
        }
    }

    /// Why a frozen name is left alone, for people.
    pub fn why_frozen(&self, name: &str) -> String {
        match (self.refused.get(name), &self.protected.all) {
            (_, Some(reason)) => reason.clone(),
            (Some(refused), None) => format!("the folder `{}` is refused", refused.folder),
            (None, None) => "a refused folder has this name or claims it".to_owned(),
        }
    }
}
