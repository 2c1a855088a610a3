//! Values before and after, sorted by the question of a reviewer that they answer.

use std::collections::BTreeSet;

use crate::model::ComponentName;

/// What a reviewer asks, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Who can reach it?
    Reach,
    /// What can it reach?
    Reaches,
    /// What does it cost at most?
    Cost,
    /// What is different from now?
    Different,
}

impl Topic {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Reach, Self::Reaches, Self::Cost, Self::Different];

    /// As a program reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Reaches => "reaches",
            Self::Cost => "cost",
            Self::Different => "different",
        }
    }
}

/// One value, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it helps to answer.
    pub topic: Topic,
    /// The components that it is said of; empty where it is of all.
    pub components: Vec<ComponentName>,
    /// What it is a value of: `image`, `env.WINDOW`.
    pub what: String,
    /// In force; absent = not there.
    pub now: Option<String>,
    /// After the merge; absent = not there.
    pub then: Option<String>,
}

impl Fact {
    /// Whether the merge changes it.
    pub fn differs(&self) -> bool {
        self.now != self.then
    }

    /// Whether it is the answer to its question, and not only a part of it.
    pub fn answers(&self) -> bool {
        const ANSWERS: [&str; 5] =
            ["reachable by", "also let in", "may reach", "costs at most", "takes at most"];
        ANSWERS.contains(&self.what.as_str())
    }

    /// `api: image`, or `image` where there is one component.
    pub fn label(&self) -> String {
        match self.components.as_slice() {
            [] => self.what.clone(),
            some => {
                let names: Vec<&str> = some.iter().map(ComponentName::as_str).collect();
                format!("{}: {}", names.join(", "), self.what)
            }
        }
    }
}

/// One value on one side.
pub(super) struct Value {
    pub topic: Topic,
    pub component: Option<ComponentName>,
    pub what: String,
    pub text: String,
    /// Whether it is what a solution has that says nothing.
    pub usual: bool,
}

/// Puts the two sides beside each other: all of the first three topics, and of the fourth what
/// differs. In the order of the new side; what only the old one has stands at the end of its topic.
/// Where there was nothing before, what is as it is for everybody is not worth a word.
pub(super) fn compare(old: &[Value], new: &[Value]) -> Vec<Fact> {
    let same =
        |a: &Value, b: &Value| (a.topic, &a.component, &a.what) == (b.topic, &b.component, &b.what);
    let fact = |value: &Value, now: Option<&Value>, then: Option<&Value>| Fact {
        topic: value.topic,
        components: value.component.iter().cloned().collect(),
        what: value.what.clone(),
        now: now.map(|value| value.text.clone()),
        then: then.map(|value| value.text.clone()),
    };
    let fresh = old.is_empty();
    let kept = new
        .iter()
        .filter(|value| !(fresh && value.usual))
        .map(|value| fact(value, old.iter().find(|o| same(o, value)), Some(value)));
    let gone = old.iter().filter(|value| !new.iter().any(|n| same(n, value)));
    let mut facts: Vec<Fact> =
        kept.chain(gone.map(|value| fact(value, Some(value), None))).collect();
    facts.retain(|fact| fact.topic != Topic::Different || fact.differs());
    facts.sort_by_key(|fact| fact.topic);
    let components: BTreeSet<&ComponentName> =
        old.iter().chain(new).filter_map(|value| value.component.as_ref()).collect();
    together(facts, components.len())
}

/// What is the same for several of a solution's components is said once.
fn together(facts: Vec<Fact>, components: usize) -> Vec<Fact> {
    let mut told: Vec<Fact> = Vec::new();
    for fact in facts {
        let alike = |one: &&mut Fact| {
            !one.components.is_empty()
                && !fact.components.is_empty()
                && (one.topic, &one.what, &one.now, &one.then)
                    == (fact.topic, &fact.what, &fact.now, &fact.then)
        };
        match told.iter_mut().find(alike) {
            Some(one) => one.components.extend(fact.components),
            None => told.push(fact),
        }
    }
    for one in &mut told {
        if one.components.len() == components {
            one.components.clear();
        }
    }
    told
}
