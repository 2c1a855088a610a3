//! A pull request and a comment as forges have them, and the mark by which a comment is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use vitrine_core::model::{ContentHash, InstanceName, Revision};

/// A pull request as a forge has it.
pub(super) struct Row {
    pub number: u64,
    pub head: Option<Revision>,
    /// The branch that it is to be merged into.
    pub base: String,
    /// The labels on it.
    pub labels: BTreeSet<String>,
    pub state: State,
    /// Where statuses of its head stand, on a forge that asks for a ref.
    pub reference: Option<String>,
    /// Whether its head is a branch of the repository itself. In doubt it is not.
    pub own: bool,
}

/// How it stands.
pub(super) enum State {
    Open,
    Closed,
    /// As which commit, and when.
    Merged(Revision, Option<Timestamp>),
}

/// A comment as a forge has it.
pub(super) struct Said {
    pub id: u64,
    pub body: String,
    /// Who wrote it: an account's name.
    pub by: String,
    /// The App that wrote it, by its number and its client id.
    pub app: Option<(String, String)>,
}

/// Who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Me {
    Account(String),
    App(String),
}

/// What is remembered between two requests.
#[derive(Default)]
pub(super) struct Memory {
    pub me: Mutex<Option<Me>>,
    /// The tag of the list, where it has one page.
    pub tag: Mutex<Option<String>>,
    /// The heads of open ones, and where statuses of each stand: [`Row::reference`].
    pub heads: Mutex<BTreeMap<Revision, Option<String>>>,
}

pub(super) fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics while it is held.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether we said it.
pub(super) fn is_by(said: &Said, me: &Me) -> bool {
    match me {
        Me::Account(name) => said.by.eq_ignore_ascii_case(name),
        Me::App(app) => said.app.as_ref().is_some_and(|(id, client)| id == app || client == app),
    }
}

/// What a comment of ours begins with, before the hash.
fn start(instance: &InstanceName) -> String {
    format!("<!-- vitrine:{instance}:pr v=1 sum=")
}

/// A text with our mark above it. A forge takes spaces at its end away, so there are none.
pub(super) fn marked(instance: &InstanceName, text: &str) -> String {
    let text = text.trim_end();
    let sum = ContentHash::of(text.as_bytes());
    format!("{}{} -->\n{text}", start(instance), sum.first(16))
}

/// The hash in our mark; `None`: it is no comment of this instance.
pub(super) fn mark<'b>(instance: &InstanceName, body: &'b str) -> Option<&'b str> {
    let rest = body.strip_prefix(start(instance).as_str())?;
    rest.lines().next()?.strip_suffix(" -->")
}

/// A field that holds a commit.
pub(super) fn commit(value: &Value) -> Option<Revision> {
    value.as_str().and_then(|text| Revision::parse(text).ok())
}

/// A field that holds labels, each as a text or by its `name`.
pub(super) fn labels(value: &Value) -> BTreeSet<String> {
    let labels = value.as_array().into_iter().flatten();
    labels
        .filter_map(|label| label.as_str().or(label["name"].as_str()))
        .map(str::to_owned)
        .collect()
}

/// Whether two fields hold the same repository's number.
pub(super) fn same_number(one: &Value, other: &Value) -> bool {
    one.as_u64().is_some_and(|one| Some(one) == other.as_u64())
}

/// A field that holds a time.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_the_instance_and_what_it_says() {
        let prod = InstanceName::parse("prod").unwrap();
        let other = InstanceName::parse("pro").unwrap();
        let body = marked(&prod, "page\n");
        assert!(body.starts_with("<!-- vitrine:prod:pr v=1 sum="), "{body}");
        assert!(body.ends_with(" -->\npage"), "{body}");
        assert_eq!(mark(&prod, &body).map(str::len), Some(16));
        assert_eq!(mark(&other, &body), None);
        assert_eq!(mark(&prod, &marked(&prod, "page")), mark(&prod, &body));
        assert_ne!(mark(&prod, &marked(&prod, "pages")), mark(&prod, &body));
        assert_eq!(mark(&prod, "words <!-- vitrine:prod:pr v=1 sum=1 -->"), None);
        assert_eq!(mark(&prod, &body.replace('\n', "\r\n")), mark(&prod, &body));
    }

    #[test]
    fn nobody_elses_words_are_ours() {
        let said = |by: &str, app: Option<&str>| Said {
            id: 1,
            body: String::new(),
            by: by.to_owned(),
            app: app.map(|app| (app.to_owned(), "Iv1.x".to_owned())),
        };
        let account = Me::Account("Bot".to_owned());
        assert!(is_by(&said("bot", None), &account) && !is_by(&said("bott", None), &account));
        let app = Me::App("17".to_owned());
        assert!(is_by(&said("x[bot]", Some("17")), &app));
        assert!(!is_by(&said("x[bot]", None), &app) && !is_by(&said("x", Some("18")), &app));
        assert!(is_by(&said("x", Some("18")), &Me::App("Iv1.x".to_owned())));
    }
}
