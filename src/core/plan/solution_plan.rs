//! What to do for one solution: steps, and when each may begin.

use super::gate::Gate;
use super::step::Step;

/// What to do for one solution, in order. The same for the same inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SolutionPlan {
    /// What can be said already, whether it may begin or not.
    pub steps: Vec<Planned>,
    /// Something of which no step can be said yet.
    pub waits: Vec<Gate>,
}

/// A step and when it may begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What to do.
    pub step: Step,
    /// When it may begin.
    pub when: When,
}

/// Now, or when a fact about [`Observed`](super::Observed) has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// It may begin.
    Now,
    /// It may begin when this gate is open.
    After(Gate),
}

impl SolutionPlan {
    /// The steps that can begin.
    pub fn ready(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|p| p.when == When::Now).map(|p| &p.step)
    }

    /// Nothing to do and nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.waits.is_empty()
    }

    /// Why what cannot begin cannot begin, each once.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        let after = self.steps.iter().filter_map(|p| match &p.when {
            When::Now => None,
            When::After(gate) => Some(gate),
        });
        self.waits.iter().chain(after)
    }

    pub(super) fn push(&mut self, step: Step, gate: Option<Gate>) {
        self.steps.push(Planned { step, when: gate.map_or(When::Now, When::After) });
    }
}
