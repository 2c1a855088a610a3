//! Is this cluster ready for a platform? What is missing or dangerous, and what mends it.
//!
//! In: [`Facts`] and the [`Patient`]. Out: [`Examination`]: a [`Finding`] for everything that could
//! be judged, and the questions whose answers are not among the facts yet. Whoever asks brings them
//! and examines again, until no question is open; so what is asked and what is judged cannot
//! disagree. Only what the platform uses is asked for. Secrets never are.

mod edge;
mod gateway;
mod kinds;
mod nodes;
mod rights;
mod tally;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
mod wake;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::catalog::Platform;
use crate::model::{Party, Quantity};
use crate::plan::facts::{Facts, Look, Question, Resource};
pub use rights::rights;
pub use tally::{answer, demand, lines, summary};

const NAMESPACES: Resource = Resource::new("", "v1", "namespaces");
const SERVICES: Resource = Resource::new("", "v1", "services");
const ACCOUNTS: Resource = Resource::new("", "v1", "serviceaccounts");
const DEPLOYMENTS: Resource = Resource::new("apps", "v1", "deployments");

/// How something stands. The order is that of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    Fine,
    /// It works, and will hurt somebody some day.
    Warning,
    /// It could not be looked at: nobody knows.
    NotTold,
    /// Solutions cannot be published, reached or woken without it.
    Missing,
}

impl Grade {
    pub const ALL: [Self; 4] = [Self::Fine, Self::Warning, Self::NotTold, Self::Missing];

    /// As it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::NotTold => "not told",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    /// What: `Gateway edge/public`.
    pub subject: String,
    pub sentence: String,
    /// A command, or a key of `platform.yaml`; empty if nothing has to be done.
    pub mend: String,
    pub party: Party,
}

impl Finding {
    /// The finding as one sentence for the log and the board.
    pub fn line(&self) -> String {
        let mend = if self.mend.is_empty() { String::new() } else { format!("; {}", self.mend) };
        format!("{}: {} {}{mend}", self.grade.as_str(), self.subject, self.sentence)
    }
}

/// What solutions may ask of the machines at once, by resource.
pub type Demand = BTreeMap<String, Quantity>;

/// What a cluster is examined for.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a> {
    pub platform: &'a Platform,
    /// The daemon's own.
    pub namespace: &'a str,
    /// Of the whole catalogue, if it is known.
    pub demand: Option<&'a Demand>,
    /// Whether rights are asked for, one by one. The daemon hears of those that it lacks anyway.
    pub rights: bool,
    pub now: Timestamp,
}

/// What an examination found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examination {
    /// In the order in which a platform is built.
    pub findings: Vec<Finding>,
    /// What has to be answered first. Findings that rest on it are not there yet.
    pub open: BTreeSet<Question>,
}

/// Judges everything that the facts tell.
pub fn examine(patient: &Patient<'_>, facts: &Facts) -> Examination {
    let mut visit = Visit { patient, facts, found: Examination::default() };
    kinds::version(&mut visit);
    kinds::kinds(&mut visit);
    edge::edge(&mut visit);
    wake::activation(&mut visit);
    wake::mesh(&mut visit);
    wake::monitoring(&mut visit);
    nodes::nodes(&mut visit);
    visit.namespace(patient.namespace, "kubectl apply -f deploy/rbac.yaml");
    if patient.rights {
        rights::review(&mut visit);
    }
    visit.found
}

/// An examination under way.
struct Visit<'a> {
    patient: &'a Patient<'a>,
    facts: &'a Facts,
    found: Examination,
}

impl<'a> Visit<'a> {
    fn say(
        &mut self,
        grade: Grade,
        subject: &str,
        sentence: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found.findings.push(Finding {
            grade,
            subject: subject.to_owned(),
            sentence: sentence.into(),
            mend: mend.into(),
            party: if grade == Grade::Fine { Party::Nobody } else { Party::Operator },
        });
    }

    fn fine(&mut self, subject: &str, sentence: impl Into<String>) {
        self.say(Grade::Fine, subject, sentence, "");
    }

    fn warn(&mut self, subject: &str, sentence: impl Into<String>, mend: impl Into<String>) {
        self.say(Grade::Warning, subject, sentence, mend);
    }

    fn miss(&mut self, subject: &str, sentence: impl Into<String>, mend: impl Into<String>) {
        self.say(Grade::Missing, subject, sentence, mend);
    }

    /// What was answered; says so where nothing could be.
    fn ask(&mut self, subject: &str, question: Question) -> Option<&'a Look> {
        match self.facts.look(&question) {
            Some(Look::NotTold(why)) => {
                let mend = match why.starts_with("forbidden") {
                    true => "ask with a kubeconfig that may read it",
                    false => "look at the API server, then ask again",
                };
                self.say(Grade::NotTold, subject, format!("could not be looked at: {why}"), mend);
                None
            }
            Some(look) => Some(look),
            None => {
                self.found.open.insert(question);
                None
            }
        }
    }

    /// The one object, or a finding that it is not there.
    fn one(&mut self, subject: &str, question: Question, mend: &str) -> Option<&'a Value> {
        match self.ask(subject, question)? {
            Look::Found(objects) => objects.first(),
            Look::Absent | Look::NotTold(_) => {
                self.miss(subject, "is not there", mend);
                None
            }
        }
    }

    /// All objects; none where the kind is not served.
    fn all(&mut self, subject: &str, question: Question) -> Option<&'a [Value]> {
        match self.ask(subject, question)? {
            Look::Found(objects) => Some(objects),
            Look::Absent | Look::NotTold(_) => Some(&[]),
        }
    }

    /// A line about an object that only has to be there.
    fn there(&mut self, subject: &str, question: Question, mend: &str) -> Option<&'a Value> {
        let found = self.one(subject, question, mend)?;
        self.fine(subject, "is there");
        Some(found)
    }

    fn namespace(&mut self, name: &str, mend: &str) {
        self.there(&format!("Namespace {name}"), NAMESPACES.one(None, name), mend);
    }

    /// A line about a Deployment that has to run.
    fn runs(&mut self, subject: &str, deployment: &Value) {
        match deployment.pointer("/status/availableReplicas").and_then(Value::as_u64).unwrap_or(0) {
            0 => self.miss(
                subject,
                "runs no pod now",
                format!("kubectl describe {}", kubectl(deployment)),
            ),
            1 => self.fine(subject, "runs, 1 replica"),
            n => self.fine(subject, format!("runs, {n} replicas")),
        }
    }
}

/// `-n keda deployment/keda-operator`.
fn kubectl(deployment: &Value) -> String {
    format!(
        "-n {} deployment/{}",
        text(deployment, "/metadata/namespace"),
        text(deployment, "/metadata/name")
    )
}

/// The text at a pointer; empty if there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a pointer; empty if there is none.
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A condition's status (`True`, `False`, `Unknown`) and its message.
fn condition<'a>(conditions: &'a [Value], kind: &str) -> Option<(&'a str, &'a str)> {
    let found = conditions.iter().find(|c| text(c, "/type") == kind)?;
    Some((text(found, "/status"), text(found, "/message")))
}

/// `is not Accepted: <message>`, if the condition does not say `True`.
fn not(conditions: &[Value], kind: &str) -> Option<String> {
    match condition(conditions, kind) {
        Some(("True", _)) => None,
        Some((_, "")) => Some(format!("is not {kind}")),
        Some((_, message)) => Some(format!("is not {kind}: {message}")),
        None => Some(format!("is not {kind}: no controller has said anything about it")),
    }
}
