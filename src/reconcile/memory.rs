//! What the loop knows of every name between two steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Tally;
use super::phase::{day, phase};
use vitrine_core::catalog::{self, Catalog, Solution, Standing};
use vitrine_core::model::intern::Interner;
use vitrine_core::model::{ContentHash, InstanceName, Revision, TreeId};
use vitrine_core::plan::{Desired, Gate, Outline, Phase, SolutionPlan};
use vitrine_core::render;
use vitrine_core::status::Verdict;

/// The catalogue in force, what it was rendered to, and what was last planned and said.
#[derive(Default)]
pub(super) struct Memory {
    /// What was judged before, so that an unchanged folder is not read again.
    pub judged: catalog::Memory,
    pub catalog: Option<Catalog>,
    rendered: BTreeMap<String, Rendered>,
    plans: BTreeMap<String, SolutionPlan>,
    verdicts: BTreeMap<String, Verdict>,
    /// The names of `verdicts` that are not in the catalogue.
    removing: BTreeSet<String>,
    today: Option<Date>,
    interner: Interner,
    tally: Arc<Tally>,
}

/// A rendered solution with the key under which it stays true.
struct Rendered {
    key: (TreeId, ContentHash, Phase),
    known: Known,
}

/// What the catalogue says of a name. A name without an entry is not in the catalogue.
pub(super) enum Known {
    Published {
        solution: Arc<Solution>,
        outline: Outline,
        /// While there is something to write; afterwards the outline is enough.
        bodies: Option<Arc<Desired>>,
        phase: Phase,
    },
    /// Left alone: refused, or protected by a fault elsewhere.
    Frozen,
}

static FROZEN: Known = Known::Frozen;

impl Memory {
    /// Puts another catalogue into force. Returns the names that have to be thought about: those
    /// whose folder, platform or standing changed.
    pub fn take(&mut self, catalog: Catalog, now: Timestamp) -> BTreeSet<String> {
        let old = self.catalog.take();
        let mut touched = BTreeSet::new();
        let platform = |c: &Catalog| c.platform.as_ref().ok().map(|p| p.digest.clone());
        let everything = old.as_ref().is_none_or(|old| {
            platform(old) != platform(&catalog) || old.protected.all != catalog.protected.all
        });
        for (name, solution) in &catalog.solutions {
            let same = old
                .as_ref()
                .and_then(|o| o.solutions.get(name))
                .is_some_and(|s| s.tree == solution.tree);
            if everything || !same {
                touched.insert(name.as_str().to_owned());
            }
        }
        touched.extend(catalog.refused.keys().cloned());
        touched.extend(catalog.protected.names.iter().cloned());
        if let Some(old) = &old {
            touched.extend(old.refused.keys().cloned());
            touched.extend(old.protected.names.iter().cloned());
            let left = |name: &&str| !catalog.solutions.contains_key(*name);
            touched
                .extend(old.solutions.keys().map(|n| n.as_str()).filter(left).map(str::to_owned));
        }
        touched.extend(self.verdicts.keys().filter(|_| everything).cloned());
        self.today = Some(day(now));
        self.catalog = Some(catalog);
        touched
    }

    /// Renders a solution unless it is known in exactly this form.
    pub fn render(&mut self, name: &str, instance: &InstanceName, now: Timestamp) {
        let Some(catalog) = &self.catalog else { return };
        let (Some(solution), Ok(platform)) = (catalog.solutions.get(name), &catalog.platform)
        else {
            self.rendered.remove(name);
            return;
        };
        let phase = phase(solution, day(now));
        let key = (solution.tree.clone(), platform.digest.clone(), phase);
        if self.rendered.get(name).is_some_and(|r| r.key == key) {
            return;
        }
        let mut desired = render::all(solution, platform, instance, phase);
        self.tally.rendered();
        share_fields(&mut desired, &mut self.interner);
        let outline = Outline::of(&desired);
        let bodies = Some(Arc::new(desired));
        let known = Known::Published { solution: solution.clone(), outline, bodies, phase };
        self.rendered.insert(name.to_owned(), Rendered { key, known });
    }

    /// A solution with its bodies, which are rendered again if they were let go.
    pub fn with_bodies(&mut self, name: &str, instance: &InstanceName) -> Option<Arc<Desired>> {
        let platform = self.catalog.as_ref()?.platform.as_ref().ok()?;
        let known = &mut self.rendered.get_mut(name)?.known;
        let Known::Published { solution, bodies, phase, .. } = known else { return None };
        let (tally, interner) = (&self.tally, &mut self.interner);
        let desired = bodies.get_or_insert_with(|| {
            tally.rendered();
            let mut desired = render::all(solution, platform, instance, *phase);
            share_fields(&mut desired, interner);
            Arc::new(desired)
        });
        Some(Arc::clone(desired))
    }

    /// What the catalogue says of a name; `None` = it is not in it. A solution that was not rendered
    /// yet is left alone until it is.
    pub fn known(&self, name: &str) -> Option<&Known> {
        match self.catalog.as_ref()?.standing(name) {
            Standing::Published(_) => Some(self.rendered.get(name).map_or(&FROZEN, |r| &r.known)),
            Standing::Frozen => Some(&FROZEN),
            Standing::Gone => None,
        }
    }

    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    pub fn revision(&self) -> Option<&Revision> {
        self.catalog.as_ref().map(|c| &c.revision)
    }

    /// The names that the catalogue publishes.
    pub fn published(&self) -> impl Iterator<Item = &str> {
        self.catalog.iter().flat_map(|c| c.solutions.keys()).map(|name| name.as_str())
    }

    /// Every name that something was said of or is in the catalogue.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let catalog = self.catalog.iter();
        let refused = catalog.clone().flat_map(|c| c.refused.keys()).map(String::as_str);
        self.published().chain(refused).chain(self.verdicts.keys().map(String::as_str))
    }

    /// The names that the catalogue protects although it does not publish them.
    pub fn protected(&self) -> impl Iterator<Item = &str> {
        self.catalog.iter().flat_map(|c| &c.protected.names).map(String::as_str)
    }

    /// Names of which something was said and that are not in the catalogue.
    pub fn removing(&self) -> impl Iterator<Item = &str> {
        let left = |name: &&str| self.known(name).is_none();
        self.removing.iter().map(String::as_str).filter(left)
    }

    pub fn forget(&mut self, name: &str) {
        self.verdicts.remove(name);
        self.removing.remove(name);
        self.plans.remove(name);
        self.rendered.remove(name);
    }

    /// Lets go of what is only needed to write: 1000 solutions have 13 000 bodies.
    pub fn let_bodies_go(&mut self, name: &str) {
        if let Some(rendered) = self.rendered.get_mut(name)
            && let Known::Published { bodies, .. } = &mut rendered.known
        {
            *bodies = None;
        }
    }

    /// Keeps a plan; an empty one needs no bodies.
    pub fn planned(&mut self, name: &str, plan: SolutionPlan) {
        if plan.is_empty() {
            self.let_bodies_go(name);
        }
        self.plans.insert(name.to_owned(), plan);
    }

    /// The solutions whose changed template waits for another's trial to end.
    pub fn waiting_for_a_slot(&self) -> impl Iterator<Item = String> {
        let waits = |plan: &SolutionPlan| plan.gates().any(|gate| *gate == Gate::Slot);
        self.plans.iter().filter(move |(_, plan)| waits(plan)).map(|(name, _)| name.clone())
    }

    pub fn plan(&self, name: &str) -> Option<&SolutionPlan> {
        self.plans.get(name)
    }

    /// Keeps what is said of a name from now on, and answers whether that is something else.
    pub fn judged_as(&mut self, name: &str, verdict: Option<Verdict>) -> bool {
        if verdict.is_some() && self.known(name).is_none() {
            self.removing.insert(name.to_owned());
        } else {
            self.removing.remove(name);
        }
        if self.verdicts.get(name) == verdict.as_ref() {
            return false;
        }
        match verdict {
            Some(verdict) => self.verdicts.insert(name.to_owned(), verdict),
            None => self.verdicts.remove(name),
        };
        true
    }

    pub fn verdict(&self, name: &str) -> Option<&Verdict> {
        self.verdicts.get(name)
    }

    pub fn verdicts(&self) -> &BTreeMap<String, Verdict> {
        &self.verdicts
    }

    /// The start-up budget of a component.
    pub fn startup(&self, name: &str, component: &str) -> Option<Duration> {
        let solution = self.catalog.as_ref()?.solutions.get(name)?;
        solution.components.get(component).map(|c| c.startup)
    }

    /// The solutions that wake or fall asleep because a new day began.
    pub fn changed_phase(&mut self, now: Timestamp) -> BTreeSet<String> {
        let today = day(now);
        let Some(before) = self.today.replace(today).filter(|before| *before != today) else {
            return BTreeSet::new();
        };
        let catalog = self.catalog.iter();
        catalog
            .flat_map(|c| c.solutions.values())
            .filter(|s| phase(s, before) != phase(s, today))
            .map(|s| s.name.as_str().to_owned())
            .collect()
    }
}

/// Lets equal field sets share one allocation: a set is larger than the body that it is of, and a
/// thousand solutions of one shape have a handful of them.
fn share_fields(desired: &mut Desired, interner: &mut Interner) {
    for object in desired.objects.iter_mut().filter_map(Arc::get_mut) {
        object.fields = interner.set((*object.fields).clone());
    }
}
