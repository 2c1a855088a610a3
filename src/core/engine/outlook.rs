//! What a pass would do, told and not done; and whose answer is missing.

use std::collections::BTreeMap;

use super::Engine;
use crate::catalog::{Fault, Refused, Standing};
use crate::model::{ClaimedName, SolutionName};
use crate::plan::{Hold, SolutionPlan};

/// What a pass would do.
#[derive(Debug, Default)]
pub struct Outlook {
    /// Plans that are not empty.
    pub plans: Vec<(SolutionName, SolutionPlan)>,
    /// The deletions that would wait for an approval; absent if none would.
    pub hold: Option<Hold>,
    /// The folders that the pass leaves alone, as in the catalogue.
    pub refused: BTreeMap<ClaimedName, Refused>,
    /// Why the operator's file freezes everything, if it does.
    pub platform: Vec<Fault>,
    /// What runs, is in no folder and is left alone all the same, with the reason.
    pub kept: BTreeMap<SolutionName, String>,
}

/// Whose answer was missing when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The repository's: there is neither a commit nor a reason why not.
    Repository,
    /// The cluster's: what it holds is not known, or a step got no answer.
    Cluster,
    /// The repository's and the cluster's.
    Both,
    /// All answered; it takes longer.
    Nobody,
}

impl Engine {
    /// Why nobody can tell what a pass would do: a sentence, if the repository or the cluster
    /// cannot be read.
    pub fn unseen(&self) -> Option<&str> {
        let unknown = self.book.unknown.as_ref().map(|unknown| unknown.cause.as_str());
        unknown.or_else(|| {
            self.sight.problems.values().next().map(|problem| problem.sentence.as_str())
        })
    }

    /// What a pass would do, once everything was read and thought about.
    pub fn outlook(&self) -> Option<Outlook> {
        let catalog = self.book.catalog()?;
        let known = self.sight.knows_every_kind() && self.brake.is_compared();
        if !known || !self.dirty.is_empty() || !self.book.is_quiet() {
            return None;
        }
        let live = self.sight.observed.solutions.iter();
        let live = live.filter(|(_, objects)| !objects.is_empty()).map(|(name, _)| name);
        let kept = live.filter(|name| {
            let name = name.as_str();
            catalog.standing(name) == Standing::Frozen && !catalog.refused.contains_key(name)
        });
        Some(Outlook {
            plans: self.rows.plans().map(|(name, plan)| (name.clone(), plan.clone())).collect(),
            hold: self.brake.hold().cloned(),
            refused: catalog.refused.clone(),
            platform: catalog.platform.as_ref().err().cloned().unwrap_or_default(),
            kept: kept.map(|name| (name.clone(), catalog.why_frozen(name.as_str()))).collect(),
        })
    }

    /// Whose answer is missing. `silent`: the cluster said nothing to a request for a while.
    pub fn awaited(&self, silent: bool) -> Awaited {
        // The repository is asked when the cluster has told what was applied.
        let asked = self.brake.sent_reader();
        let repository = asked && self.book.catalog().is_none() && self.book.unknown.is_none();
        let cluster = !asked || !self.sight.has_looked() || (self.desk.has_steps() && silent);
        match (repository, cluster) {
            (true, true) => Awaited::Both,
            (true, false) => Awaited::Repository,
            (false, true) => Awaited::Cluster,
            (false, false) => Awaited::Nobody,
        }
    }
}
