//! Everything that is known of a name when its verdict is asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Reason;
use crate::catalog::snapshot::Unknown;
use crate::catalog::{Refused, Solution};
use crate::model::{ClaimedName, Kind, Party, Revision};
use crate::plan::observed::{HealthFacts, Problem, Shelf, Silence};
use crate::plan::{Address, Hold, Observed, Phase, Setbacks, SolutionPlan};

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
    pub problems: &'a BTreeMap<String, Problem>,
    /// Set while the repository cannot be read.
    pub unknown: Option<&'a Unknown>,
    /// Whether nothing is written, and it is only said what would be.
    pub reports: bool,
    /// Set while the API server tells nothing.
    pub silence: Option<&'a Silence>,
    /// The commit that last changed the folder.
    pub revision: Option<&'a Revision>,
    /// What `revision` was when all of it was last in place, as far as this process has seen it.
    pub placed: Option<&'a Revision>,
    /// The revision whose form of it was applied last.
    pub in_force: Option<&'a Revision>,
    /// The daemon's instance, for the label that adopts a namespace.
    pub instance: &'a str,
    /// Whether another controller has had its time to answer.
    pub late: bool,
    /// When the verdict is given.
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    /// What is on the cluster of it.
    pub fn objects(&self) -> Option<&'a Shelf> {
        self.observed.solutions.get(self.name.solution()?)
    }

    /// Whether something of it runs, or could.
    pub(super) fn lives(&self) -> bool {
        self.objects().is_some_and(|o| o.keys().any(|key| key.kind == Kind::Deployment))
    }

    /// Whether visitors reach something of it, which sleeps or runs: a route leads to a Service with
    /// a Deployment behind it.
    pub(super) fn serves(&self) -> bool {
        let stays = |is: fn(Kind) -> bool| {
            self.objects().is_some_and(|objects| {
                objects.iter().any(|(key, live)| is(key.kind) && live.deleting.is_none())
            })
        };
        stays(|kind| matches!(kind, Kind::HttpRoute | Kind::Ingress))
            && stays(|kind| kind == Kind::Service)
            && stays(|kind| kind == Kind::Deployment)
    }

    /// The commit of the folder that serves, or, if this process has never seen it in place, the one
    /// that last changed its objects; `None` if nothing serves, or nobody can tell: a roll-out is
    /// under way.
    pub(super) fn serving(&self) -> Option<&'a Revision> {
        if !self.serves() {
            return None;
        }
        let mut all = self.objects()?.values();
        all.find_map(|live| match &live.health {
            HealthFacts::Deployment(facts) if facts.is_rolled_out() => {
                self.placed.or(live.revision.as_deref())
            }
            _ => None,
        })
    }

    /// Where visitors reach it now, whatever the catalogue says.
    pub(super) fn opens(&self) -> BTreeSet<&Address> {
        let objects = self.objects().filter(|_| self.serves()).into_iter().flatten();
        objects.filter_map(|(_, live)| live.opens()).flatten().collect()
    }

    /// `...; the old revision keeps serving`, when it does.
    pub(super) fn keeps(&self, reason: Reason) -> Reason {
        if !self.serves() {
            return reason;
        }
        reason.reworded(|reason| match self.serving() {
            Some(revision) => format!("{reason}; revision {} keeps serving", revision.short()),
            None => format!("{reason}; the old revision keeps serving"),
        })
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
        /// Where visitors open it when all of them are in place.
        addresses: &'a [Address],
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
    /// A preview of which nobody knows yet whether it is still wanted.
    Undecided,
}
