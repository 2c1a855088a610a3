//! How a solution or one member of it is, and what the rules say it by.

use std::time::Duration;

use crate::catalog::solution::Component;
use crate::model::{Party, Quantity};
use crate::status::state::{Health, Stage};

/// What is wrong, whose turn it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub party: Party,
    pub reason: String,
    pub next: String,
}

/// What another controller made of an object that we applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// It has not answered yet, or only about an older form.
    Waiting {
        reason: String,
        next: &'static str,
    },
    Refused(Trouble),
}

/// What the words for a component need of it.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub name: &'a str,
    /// The class of machine that it asks for.
    pub class: &'a str,
    pub port: u16,
    /// How long it may take from start to ready.
    pub startup: Duration,
    /// Its limits.
    pub memory: Option<Quantity>,
    pub storage: Option<Quantity>,
}

impl<'a> Setup<'a> {
    pub(super) fn of(component: &'a Component) -> Self {
        let limit = |name: &str| component.limits.get(name).copied();
        Self {
            name: component.name.as_str(),
            class: &component.hardware.class,
            port: component.port,
            startup: component.startup,
            memory: limit("memory"),
            storage: limit("ephemeral-storage"),
        }
    }
}

/// How a solution, or one member of it, is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub stage: Stage,
    pub health: Health,
    pub party: Party,
    pub reason: String,
    pub next: String,
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

/// Nothing of it is there.
pub(super) fn asleep() -> Condition {
    Condition {
        stage: Stage::Asleep,
        health: Health::Healthy,
        party: Party::Nobody,
        reason: "sleeps, wakes on visit".to_owned(),
        next: "open it".to_owned(),
        proof: Proof::Applied,
    }
}

pub(super) fn starting(reason: &str) -> Condition {
    Condition {
        stage: Stage::Waking,
        health: Health::Progressing,
        party: Party::Nobody,
        reason: reason.to_owned(),
        next: "wait a moment".to_owned(),
        proof: Proof::Applied,
    }
}
