//! Whether the brake would hold what a merge takes away, as far as two commits can tell: what ran
//! away within the last hour, and what was approved, only the daemon knows.

use std::collections::BTreeSet;

use super::objects::Verb;
use super::touched::{Touched, What};
use crate::catalog::Catalog;
use crate::plan::{Tally, is_routine, too_many_deletions};

/// The limits of the brake that two commits can be held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brake {
    /// The share of the solutions that may go at once, 0.0 to 1.0.
    pub max_removed_share: f64,
    /// The number of objects that may be deleted at once.
    pub max_deletions: usize,
}

/// Why it would be held; `None` if it would not. `moving` are the solutions that lose an address.
pub(super) fn held(
    base: &Catalog,
    touched: &[Touched],
    moving: &BTreeSet<String>,
    brake: &Brake,
) -> Option<String> {
    let going = touched.iter().filter(|one| one.what == What::Disappears).count();
    let tally = Tally {
        going,
        moving: moving.len(),
        total: if base.platform.is_ok() { base.solutions.len() } else { 0 },
        lately: 0,
    };
    let deletions = touched.iter().flat_map(|one| {
        let all = one.what == What::Disappears;
        one.objects
            .iter()
            .filter(move |object| object.verb == Verb::Delete && (all || !is_routine(&object.key)))
    });
    tally
        .reason(brake.max_removed_share)
        .or_else(|| too_many_deletions(deletions.count(), brake.max_deletions))
}
