//! What a reviewer need not read forty times: solutions that a change of the operator's file
//! changes alike.

use std::collections::BTreeMap;

use super::fact::Fact;
use super::touched::{Touched, What};

/// Solutions that are told as one.
pub(super) struct Group<'a> {
    /// The first of them, whose values stand for all.
    pub one: &'a Touched,
    /// The others, in the order of their names.
    pub others: Vec<&'a Touched>,
}

/// In the order of the first of each: what an author changed stands for itself.
pub(super) fn groups(touched: &[Touched]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for one in touched {
        if !one.by_platform || one.what != What::Changes {
            groups.push(Group { one, others: Vec::new() });
            continue;
        }
        match known.get(&kind(one)).and_then(|at| groups.get_mut(*at)) {
            Some(group) => group.others.push(one),
            None => {
                known.insert(kind(one), groups.len());
                groups.push(Group { one, others: Vec::new() });
            }
        }
    }
    groups
}

/// What of it differs, without its own names and numbers.
fn kind(one: &Touched) -> Vec<String> {
    let facts = one.facts.iter().filter(|fact| fact.differs()).map(Fact::label);
    let objects = one.objects.iter().map(|object| {
        let fields: Vec<&str> = object.fields.iter().map(|field| field.path.as_str()).collect();
        format!("{} {} {}", object.verb.as_str(), object.key.kind, fields.join(" "))
    });
    let mut kind: Vec<String> = facts.chain(objects).collect();
    kind.push(format!("{} {}", one.risks.len(), one.asks.len()));
    kind
}
