//! Rows: what was last planned and said of each name.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Gate, SolutionPlan};
use crate::status::Verdict;

#[derive(Default)]
pub(super) struct Rows {
    plans: BTreeMap<String, SolutionPlan>,
    verdicts: BTreeMap<String, Verdict>,
    /// The names of `verdicts` that are not in the catalogue.
    removing: BTreeSet<String>,
    /// The names of `plans` that wait for a trial to end.
    queued: BTreeSet<String>,
}

impl Rows {
    /// Keeps a plan.
    pub fn planned(&mut self, name: &str, plan: SolutionPlan) {
        if plan.gates().any(|gate| *gate == Gate::Slot) {
            self.queued.insert(name.to_owned());
        } else {
            self.queued.remove(name);
        }
        self.plans.insert(name.to_owned(), plan);
    }

    pub fn plan(&self, name: &str) -> Option<&SolutionPlan> {
        self.plans.get(name)
    }

    /// Plans that are not empty.
    pub fn plans(&self) -> impl Iterator<Item = (&String, &SolutionPlan)> {
        self.plans.iter().filter(|(_, plan)| !plan.is_empty())
    }

    /// The solutions whose changed template waits for another's trial to end.
    pub fn queued(&self) -> impl Iterator<Item = &str> {
        self.queued.iter().map(String::as_str)
    }

    /// Keeps what is said of a name from now on. `gone`: it is not in the catalogue. Returns what
    /// was said before, if this is something else.
    pub fn judged(
        &mut self,
        name: &str,
        verdict: Option<Verdict>,
        gone: bool,
    ) -> Option<Option<Verdict>> {
        if verdict.is_some() && gone {
            self.removing.insert(name.to_owned());
        } else {
            self.removing.remove(name);
        }
        if self.verdicts.get(name) == verdict.as_ref() {
            return None;
        }
        Some(match verdict {
            Some(verdict) => self.verdicts.insert(name.to_owned(), verdict),
            None => self.verdicts.remove(name),
        })
    }

    /// Names of which something was said and that are not in the catalogue.
    pub fn removing(&self) -> impl Iterator<Item = &str> {
        self.removing.iter().map(String::as_str)
    }

    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.verdicts.get(name)
    }

    pub fn verdicts(&self) -> &BTreeMap<String, Verdict> {
        &self.verdicts
    }

    pub fn forget(&mut self, name: &str) {
        self.plans.remove(name);
        self.verdicts.remove(name);
        self.removing.remove(name);
        self.queued.remove(name);
    }
}
