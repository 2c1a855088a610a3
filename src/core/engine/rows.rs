//! Rows: what was last planned and said of each name.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ClaimedName, SolutionName};
use crate::plan::{Gate, SolutionPlan};
use crate::status::Verdict;

#[derive(Default)]
pub(super) struct Rows {
    plans: BTreeMap<SolutionName, SolutionPlan>,
    verdicts: BTreeMap<ClaimedName, Verdict>,
    /// The solutions of `verdicts` that are not in the catalogue.
    removing: BTreeSet<SolutionName>,
    /// The names of `plans` that wait for a trial to end.
    queued: BTreeSet<SolutionName>,
}

impl Rows {
    /// Keeps a plan.
    pub fn planned(&mut self, name: &SolutionName, plan: SolutionPlan) {
        if plan.gates().any(|gate| *gate == Gate::Slot) {
            self.queued.insert(name.clone());
        } else {
            self.queued.remove(name);
        }
        self.plans.insert(name.clone(), plan);
    }

    pub fn plan(&self, name: &SolutionName) -> Option<&SolutionPlan> {
        self.plans.get(name)
    }

    /// Plans that are not empty.
    pub fn plans(&self) -> impl Iterator<Item = (&SolutionName, &SolutionPlan)> {
        self.plans.iter().filter(|(_, plan)| !plan.is_empty())
    }

    /// The solutions whose changed template waits for another's trial to end.
    pub fn queued(&self) -> impl Iterator<Item = &SolutionName> {
        self.queued.iter()
    }

    /// Keeps what is said of a name from now on. `gone`: it is not in the catalogue. Returns what
    /// was said before, if this is something else.
    pub fn judged(
        &mut self,
        name: &ClaimedName,
        verdict: Option<Verdict>,
        gone: bool,
    ) -> Option<Option<Verdict>> {
        if let Some(solution) = name.solution() {
            if verdict.is_some() && gone {
                self.removing.insert(solution.clone());
            } else {
                self.removing.remove(solution);
            }
        }
        if self.verdicts.get(name) == verdict.as_ref() {
            return None;
        }
        Some(match verdict {
            Some(verdict) => self.verdicts.insert(name.clone(), verdict),
            None => self.verdicts.remove(name),
        })
    }

    /// Solutions of which something was said and that are not in the catalogue.
    pub fn removing(&self) -> impl Iterator<Item = &SolutionName> {
        self.removing.iter()
    }

    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.verdicts.get(name)
    }

    pub fn verdicts(&self) -> &BTreeMap<ClaimedName, Verdict> {
        &self.verdicts
    }

    pub fn forget(&mut self, name: &SolutionName) {
        self.plans.remove(name);
        self.verdicts.remove(name.as_str());
        self.removing.remove(name);
        self.queued.remove(name);
    }
}
