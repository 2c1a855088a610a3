//! An examination under way: asks the facts, and writes down what they say.

use serde_json::Value;

use super::finding::{Examination, Finding, Grade, Patient};
use crate::model::Party;
use crate::plan::facts::{Facts, Look, Question, Resource};

pub(super) const NAMESPACES: Resource = Resource::new("", "v1", "namespaces");

pub(super) const SERVICES: Resource = Resource::new("", "v1", "services");

pub(super) const ACCOUNTS: Resource = Resource::new("", "v1", "serviceaccounts");

pub(super) const DEPLOYMENTS: Resource = Resource::new("apps", "v1", "deployments");

pub(super) const GATEWAYS: Resource = Resource::new("gateway.networking.k8s.io", "v1", "gateways");

pub(super) const SLICES: Resource = Resource::new("discovery.k8s.io", "v1", "endpointslices");

/// An examination under way.
pub(super) struct Visit<'a> {
    pub(super) patient: &'a Patient<'a>,
    pub(super) facts: &'a Facts,
    pub(super) found: Examination,
}

impl<'a> Visit<'a> {
    pub(super) fn say(
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
            since: None,
        });
    }

    pub(super) fn fine(&mut self, subject: &str, sentence: impl Into<String>) {
        self.say(Grade::Fine, subject, sentence, "");
    }

    pub(super) fn warn(
        &mut self,
        subject: &str,
        sentence: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.say(Grade::Warning, subject, sentence, mend);
    }

    pub(super) fn miss(
        &mut self,
        subject: &str,
        sentence: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.say(Grade::Missing, subject, sentence, mend);
    }

    /// What was answered; says so where nothing could be.
    pub(super) fn ask(&mut self, subject: &str, question: Question) -> Option<&'a Look> {
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
    pub(super) fn one(
        &mut self,
        subject: &str,
        question: Question,
        mend: &str,
    ) -> Option<&'a Value> {
        match self.ask(subject, question)? {
            Look::Found(objects) => objects.first(),
            Look::Absent | Look::NotTold(_) => {
                self.miss(subject, "is not there", mend);
                None
            }
        }
    }

    /// All objects; none where the kind is not served.
    pub(super) fn all(&mut self, subject: &str, question: Question) -> Option<&'a [Value]> {
        match self.ask(subject, question)? {
            Look::Found(objects) => Some(objects),
            Look::Absent | Look::NotTold(_) => Some(&[]),
        }
    }

    /// A line about an object that only has to be there.
    pub(super) fn there(
        &mut self,
        subject: &str,
        question: Question,
        mend: &str,
    ) -> Option<&'a Value> {
        let found = self.one(subject, question, mend)?;
        self.fine(subject, "is there");
        Some(found)
    }

    pub(super) fn namespace(&mut self, name: &str, mend: &str) {
        self.there(&format!("Namespace {name}"), NAMESPACES.one(None, name), mend);
    }

    /// A line about a Deployment that has to run.
    pub(super) fn runs(&mut self, subject: &str, deployment: &Value) {
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
pub(super) fn kubectl(deployment: &Value) -> String {
    format!(
        "-n {} deployment/{}",
        text(deployment, "/metadata/namespace"),
        text(deployment, "/metadata/name")
    )
}

/// The text at a pointer; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a pointer; empty if there is none.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A condition's status (`True`, `False`, `Unknown`) and its message.
pub(super) fn condition<'a>(conditions: &'a [Value], kind: &str) -> Option<(&'a str, &'a str)> {
    let found = conditions.iter().find(|c| text(c, "/type") == kind)?;
    Some((text(found, "/status"), text(found, "/message")))
}

/// `is not Accepted: <message>`, if the condition does not say `True`.
pub(super) fn not(conditions: &[Value], kind: &str) -> Option<String> {
    match condition(conditions, kind) {
        Some(("True", _)) => None,
        Some((_, "")) => Some(format!("is not {kind}")),
        Some((_, message)) => Some(format!("is not {kind}: {message}")),
        None => Some(format!("is not {kind}: no controller has said anything about it")),
    }
}
