//! Everything that is known of a name when its verdict is asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::catalog::snapshot::Unknown;
use crate::catalog::{Refused, Solution};
use crate::model::{ClaimedName, Kind, ObjectKey, Party, Revision};
use crate::plan::{Hold, Live, Observed, Phase, Setbacks, SolutionPlan};

/// Everything that is known of one solution after a pass.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Whose verdict it is: a solution's name, or what a refused folder claims as its name.
    pub name: &'a ClaimedName,
    /// What the catalogue says of the name.
    pub standing: Standing<'a>,
    /// The cluster as the watches tell it.
    pub observed: &'a Observed,
    /// What went wrong lately, by object.
    pub setbacks: &'a Setbacks,
    /// The deletions that the brake holds, of all solutions.
    pub hold: Option<&'a Hold>,
    /// Why resources cannot be read, by the name that rights use (`deployments.apps`).
    pub problems: &'a BTreeMap<String, String>,
    /// Set while the repository cannot be read.
    pub unknown: Option<&'a Unknown>,
    /// The commit that last changed the folder.
    pub revision: Option<&'a Revision>,
    /// The revision whose form of it was applied last.
    pub in_force: Option<&'a Revision>,
    /// The platform's domain, for the URL; empty while no platform is usable.
    pub domain: &'a str,
    /// The daemon's instance, for the label that adopts a namespace.
    pub instance: &'a str,
    /// When the verdict is given.
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    /// What is on the cluster of it.
    pub fn objects(&self) -> Option<&'a BTreeMap<ObjectKey, Live>> {
        self.observed.solutions.get(self.name.solution()?)
    }

    /// Whether something of it runs, or could.
    pub(super) fn lives(&self) -> bool {
        self.objects().is_some_and(|o| o.keys().any(|key| key.kind == Kind::Deployment))
    }

    /// `...; the old revision keeps serving`, when something of it runs.
    pub(super) fn serving(&self, reason: String) -> String {
        if self.lives() { format!("{reason}; the old revision keeps serving") } else { reason }
    }
}

/// What the catalogue says of a name.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// A sound solution carries the name.
    Published {
        /// The solution as it was read.
        solution: &'a Solution,
        /// Whether the clock lets it run.
        phase: Phase,
        /// What is left to do for it.
        plan: &'a SolutionPlan,
        /// How many objects it is to have.
        objects: usize,
    },
    /// Its folder was refused, with these faults.
    Refused(&'a Refused),
    /// Left alone although no good solution carries the name.
    Frozen {
        /// Why it is left alone.
        reason: &'a str,
        /// Who can mend that.
        party: Party,
    },
    /// Not in the catalogue any more.
    Removed(&'a SolutionPlan),
    /// The cluster is still being listed, so nobody can tell what is there.
    Unread,
    /// It was read, and its objects are being rendered.
    Coming,
}
