//! How a solution or one member of it is, and what the rules say it by.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::catalog::solution::Component;
use crate::model::{Party, Quantity};
use crate::plan::observed::Machines;
use crate::status::reason::{Cause, Reason};
use crate::status::state::{Health, Stage};

/// What is wrong, whose turn it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Who can mend it.
    pub party: Party,
    /// What is wrong.
    pub reason: Reason,
    /// What that party should do.
    pub next: String,
}

/// What another controller made of an object that we applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the object, or has nothing to say of its kind.
    Taken,
    /// It has not answered yet, or only about an older form.
    Waiting {
        /// What is waited for.
        reason: Reason,
        /// What to look at if it stays.
        look: &'static str,
    },
    /// It refused the object as it stands.
    Refused(Trouble),
}

/// What the words for a component need of it, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup<'a> {
    /// The component's name, which is its container's too.
    pub name: &'a str,
    /// The class of machine that it asks for.
    pub class: Option<&'a str>,
    /// The port on which it has to answer.
    pub port: Option<u16>,
    /// How long it may take from start to ready.
    pub startup: Option<Duration>,
    /// The limit of `memory`; `None` if it has none.
    pub memory: Option<Quantity>,
    /// The limit of `ephemeral-storage`; `None` if it has none.
    pub storage: Option<Quantity>,
    /// What no machine of its class has as much of as it asks for, where that is known.
    pub beyond: Option<Beyond<'a>>,
}

/// More than the largest machine of a class has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond<'a> {
    /// The resource: `cpu`, `memory`.
    pub resource: &'a str,
    /// What a replica asks for.
    pub asked: Quantity,
    /// The most that one of the machines has.
    pub largest: Quantity,
}

/// What a component asks for that no machine of its class has, however many are free.
fn beyond<'a>(component: &'a Component, machines: &Machines) -> Option<Beyond<'a>> {
    let machines = machines.get(component.hardware.node_group.as_deref().unwrap_or_default())?;
    let none = Quantity::count(0);
    let has = |machine: &BTreeMap<String, Quantity>, resource: &str| {
        machine.get(resource).copied().unwrap_or(none)
    };
    let fits = |machine: &BTreeMap<String, Quantity>| {
        component.requests.iter().all(|(resource, asked)| *asked <= has(machine, resource))
    };
    if machines.iter().any(fits) {
        return None;
    }
    component.requests.iter().find_map(|(resource, asked)| {
        let largest = machines.iter().map(|machine| has(machine, resource)).max()?;
        (*asked > largest).then_some(Beyond { resource, asked: *asked, largest })
    })
}

impl<'a> Setup<'a> {
    pub(super) fn of(component: &'a Component, machines: &Machines) -> Self {
        let limit = |name: &str| component.limits.get(name).copied();
        Self {
            name: component.name.as_str(),
            class: Some(&component.hardware.class),
            port: Some(component.port),
            startup: Some(component.startup),
            memory: limit("memory"),
            storage: limit("ephemeral-storage"),
            beyond: beyond(component, machines),
        }
    }
}

/// How a solution, or one member of it, is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Where it stands between sleep and service.
    pub stage: Stage,
    /// Whether it works.
    pub health: Health,
    /// Whose turn it is.
    pub party: Party,
    /// Why it is so; quotes what the kubelet and controllers wrote.
    pub reason: Reason,
    /// What that party should do.
    pub next: String,
    /// What a green status would stand on.
    pub proof: Proof,
}

/// What a green status stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Proof {
    /// Applied, but nothing of it was ever started.
    #[default]
    Applied,
    /// Seen running with exactly this template.
    SeenRunning,
}

impl Proof {
    /// As the commit's status says it. Without a clock, so that it does not change by itself.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied; starts at the next visit",
            Self::SeenRunning => "applied, and seen running at this revision",
        }
    }
}

/// Nothing of it is there. `worked`: whether it was available with this template when it ran last.
pub(super) fn asleep(worked: bool) -> Condition {
    let proof = if worked { Proof::SeenRunning } else { Proof::Applied };
    Condition {
        stage: Stage::Asleep,
        health: Health::Healthy,
        party: Party::Nobody,
        reason: sleeps("sleeps", proof),
        next: "open it".to_owned(),
        proof,
    }
}

/// How it sleeps, and what is known of it.
pub(super) fn sleeps(how: &str, proof: Proof) -> Reason {
    Cause::Sleeping.says(match proof {
        Proof::SeenRunning => format!("{how}, wakes on visit"),
        Proof::Applied => format!("{how}, not yet seen running; wakes on visit"),
    })
}

pub(super) fn starting(reason: &str) -> Condition {
    Condition {
        stage: Stage::Waking,
        health: Health::Progressing,
        party: Party::Nobody,
        reason: Cause::Starting.says(reason),
        next: "wait a moment".to_owned(),
        proof: Proof::Applied,
    }
}
