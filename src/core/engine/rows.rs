//! Rows: what was last planned and said of each name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{ClaimedName, Revision, SolutionName};
use crate::plan::{Gate, SolutionPlan};
use crate::status::{Verdict, Verdicts};

#[derive(Default)]
pub(super) struct Rows {
    plans: BTreeMap<SolutionName, SolutionPlan>,
    verdicts: BTreeMap<ClaimedName, Arc<Verdict>>,
    /// Those of previews, which are counted nowhere.
    previews: BTreeMap<ClaimedName, Arc<Verdict>>,
    /// The verdicts in the order of their names, if they were asked for since one changed.
    listed: Option<Verdicts>,
    /// The solutions of `verdicts` that are not in the catalogue.
    removing: BTreeSet<SolutionName>,
    /// The commit of its folder that each solution was last in place as.
    placed: BTreeMap<SolutionName, Revision>,
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
    ) -> Option<Option<Arc<Verdict>>> {
        if let Some(solution) = name.solution() {
            if verdict.is_some() && gone {
                self.removing.insert(solution.clone());
            } else {
                self.removing.remove(solution);
            }
        }
        let is_preview = name.solution().is_some_and(SolutionName::is_preview);
        let verdicts = if is_preview { &mut self.previews } else { &mut self.verdicts };
        if verdicts.get(name).map(|before| &**before) == verdict.as_ref() {
            return None;
        }
        self.listed = None;
        Some(match verdict {
            Some(verdict) => verdicts.insert(name.clone(), Arc::new(verdict)),
            None => verdicts.remove(name),
        })
    }

    /// Solutions of which something was said and that are not in the catalogue.
    pub fn removing(&self) -> impl Iterator<Item = &SolutionName> {
        self.removing.iter()
    }

    /// Whether something was said of a name while it was in the catalogue.
    pub fn stood(&self, name: &SolutionName) -> bool {
        self.verdict(name.as_str()).is_some() && !self.removing.contains(name)
    }

    /// All of a solution is in place as this commit of its folder asks.
    pub fn is_placed(&mut self, name: &SolutionName, record: Revision) {
        if self.placed.get(name) != Some(&record) {
            self.placed.insert(name.clone(), record);
        }
    }

    /// The commit of its folder that a solution was last in place as.
    pub fn placed(&self, name: &SolutionName) -> Option<&Revision> {
        self.placed.get(name)
    }

    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.verdicts.get(name).or_else(|| self.previews.get(name)).map(|verdict| &**verdict)
    }

    /// The verdicts of previews, by name.
    pub fn previews(&self) -> &BTreeMap<ClaimedName, Arc<Verdict>> {
        &self.previews
    }

    /// All verdicts, by name.
    pub fn list(&mut self) -> Verdicts {
        let all = || self.verdicts.values().cloned().collect();
        self.listed.get_or_insert_with(all).clone()
    }

    pub fn verdicts(&self) -> &BTreeMap<ClaimedName, Arc<Verdict>> {
        &self.verdicts
    }

    pub fn forget(&mut self, name: &SolutionName) {
        self.plans.remove(name);
        self.verdicts.remove(name.as_str());
        self.previews.remove(name.as_str());
        self.listed = None;
        self.removing.remove(name);
        self.queued.remove(name);
        self.placed.remove(name);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::status::sample;

    fn name(text: &str) -> SolutionName {
        SolutionName::parse(text).unwrap()
    }

    fn verdict() -> Verdict {
        sample::board().verdicts[0].clone()
    }

    #[test]
    fn what_is_said_again_is_no_change() {
        let mut rows = Rows::default();
        let use_ = ClaimedName::of("use");
        assert_eq!(rows.judged(&use_, Some(verdict()), false), Some(None));
        assert_eq!(rows.judged(&use_, Some(verdict()), false), None);
        assert_eq!(rows.judged(&use_, None, false), Some(Some(Arc::new(verdict()))));
        assert_eq!(rows.judged(&use_, None, false), None);
    }

    #[test]
    fn what_left_the_catalogue_is_being_removed_until_nothing_is_said_of_it() {
        let mut rows = Rows::default();
        let use_ = ClaimedName::of("use");
        rows.judged(&use_, Some(verdict()), false);
        assert_eq!((rows.removing().count(), rows.stood(&name("use"))), (0, true));
        rows.judged(&use_, Some(verdict()), true);
        assert_eq!(rows.removing().collect::<Vec<_>>(), [&name("use")]);
        assert!(!rows.stood(&name("use")) && !rows.stood(&name("other")));
        rows.judged(&use_, Some(verdict()), false);
        assert_eq!(rows.removing().count(), 0, "it came back");
        rows.judged(&use_, Some(verdict()), true);
        rows.judged(&use_, None, true);
        assert_eq!(rows.removing().count(), 0);
        // What no solution can be called has nothing on the cluster.
        rows.judged(&ClaimedName::of("My_Demo"), Some(verdict()), true);
        assert_eq!(rows.removing().count(), 0);
    }

    #[test]
    fn an_empty_plan_is_none_and_what_is_forgotten_leaves_nothing() {
        let mut rows = Rows::default();
        rows.planned(&name("use"), SolutionPlan::default());
        assert!(rows.plan(&name("use")).is_some());
        assert_eq!(rows.plans().count(), 0);
        rows.judged(&ClaimedName::of("use"), Some(verdict()), true);
        rows.is_placed(&name("use"), Revision::parse(&"a".repeat(40)).unwrap());
        rows.forget(&name("use"));
        assert!(rows.placed(&name("use")).is_none());
        assert!(rows.plan(&name("use")).is_none() && rows.verdict("use").is_none());
        assert_eq!((rows.removing().count(), rows.queued().count()), (0, 0));
    }
}
