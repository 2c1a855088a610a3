//! Removals that have ended: the board forgets them, and their commits get the last word.

use super::happened::Happened;
use super::{Engine, Now};
use crate::model::{ClaimedName, SolutionName};
use crate::plan::observed::Shelf;
use crate::status::Gone;

impl Engine {
    /// Removed solutions of which nothing is left are not on the board any more.
    pub(super) fn forget_what_is_gone(&mut self, now: Now) {
        let steady = self.steady.at(now);
        let solutions = &self.sight.observed.solutions;
        let gone: Vec<SolutionName> = self
            .removing()
            .filter(|name| solutions.get(*name).is_none_or(Shelf::is_empty))
            .cloned()
            .collect();
        for name in gone {
            self.rows.forget(&name);
            self.brake.forget(&name);
            self.failures.forget(&name);
            self.rollouts.waits(&name, false);
            let gone = self.leavers.gone(&name);
            if !name.is_preview() {
                let claimed = ClaimedName::from(&name);
                self.ledger.removed(&claimed, gone.clone());
                self.diary.changed(&claimed, steady);
            }
            self.behind = true;
            self.happened.push(Happened::Removed(name, gone));
        }
    }

    /// What became of names of which a word is owed. Of one that is gone from the
    /// catalogue and the cluster nothing more is known than that.
    pub(super) fn settle_doubts(&mut self) {
        let doubtful = self.ledger.doubts.names();
        if doubtful.is_empty() || !self.book.heard || !self.sight.knows_every_kind() {
            return;
        }
        let Some(catalog) = self.book.catalog() else { return };
        for name in doubtful.clone() {
            let declared = catalog.solutions.contains_key(name.as_str())
                || catalog.refused.contains_key(name.as_str());
            let shelf = self.sight.observed.solutions.get(name.as_str());
            if declared {
                self.ledger.doubts.settle(&name); // its line is that of its verdict
            } else if !catalog.protected.names.contains(name.as_str())
                && shelf.is_none_or(Shelf::is_empty)
            {
                // Also where a doubt protects every absent name: there is nothing to protect.
                self.ledger.removed(&name, Gone::default());
            }
        }
    }
}
