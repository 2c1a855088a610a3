//! What a change for all may restart at a time.
//!
//! A changed `platform.yaml`, or a newer vitrine, gives every solution another pod template. Those
//! with running pods get it a few at a time, so that a mistake in it is met by a few visitors. What
//! a solution's own commit changes waits for nobody, and what sleeps has nothing to lose.

use std::collections::BTreeSet;

use super::gate::Gate;
use super::observed::{DeploymentFacts, HealthFacts, Live};
use super::outline::Form;
use crate::model::ObjectKey;

/// What may roll out because of a change for all.
#[derive(Clone, Copy, Debug)]
pub struct Turns<'a> {
    /// Deployments that may still begin.
    pub free: usize,
    /// Deployments that have begun: a second change does not send them back into the queue.
    pub rolling: &'a BTreeSet<ObjectKey>,
}

/// Whether applying `object` would replace pods that run.
pub fn restarts(object: &Form, live: &Live) -> bool {
    let Some(pods) = &object.pods else { return false };
    match &live.health {
        HealthFacts::Deployment(facts) => {
            runs(facts) && live.deleting.is_none() && facts.pods.as_ref() != Some(pods)
        }
        _ => false,
    }
}

/// Whether pods run, or soon will.
const fn runs(facts: &DeploymentFacts) -> bool {
    facts.wanted > 0 || facts.replicas > 0
}

/// Counts down the turns of one solution's Deployments.
pub(super) struct Queue<'a> {
    turns: Option<Turns<'a>>,
}

impl<'a> Queue<'a> {
    /// `None`: its own commit changed it, and it waits for nobody.
    pub fn new(turns: Option<Turns<'a>>) -> Self {
        Self { turns }
    }

    /// What a Deployment waits for whose pods are about to be replaced; takes a turn if it is free.
    pub fn gate(&mut self, object: &Form, live: Option<&Live>) -> Option<Gate> {
        let turns = self.turns.as_mut()?;
        if turns.rolling.contains(&object.key) || !live.is_some_and(|live| restarts(object, live)) {
            return None;
        }
        match turns.free.checked_sub(1) {
            None => Some(Gate::Turn),
            Some(left) => {
                turns.free = left;
                None
            }
        }
    }
}
