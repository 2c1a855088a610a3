//! What a reviewer need not read forty times: solutions that a change of the operator's file
//! changes alike, and new ones that differ in name and image alone.

use std::collections::BTreeMap;

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
        let alike = one.what == What::Appears || (one.by_platform && one.what == What::Changes);
        if !alike {
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

/// What of it differs, without its own names. Of what an author writes the values count as well.
fn kind(one: &Touched) -> Vec<String> {
    let name = one.name.as_str();
    let facts = one.facts.iter().filter(|fact| fact.differs()).map(|fact| match one.what {
        What::Appears if fact.what != "image" && fact.what != "title" => {
            let then = fact.then.as_deref().unwrap_or_default();
            format!("{} {}", fact.label(), then.replace(name, "*"))
        }
        _ => fact.label(),
    });
    let objects = one.objects.iter().map(|object| {
        let fields: Vec<&str> = object.fields.iter().map(|field| field.path.as_str()).collect();
        format!("{} {} {}", object.verb.as_str(), object.key.kind, fields.join(" "))
    });
    let mut kind: Vec<String> = facts.chain(objects).collect();
    kind.push(format!("{} {}", one.risks.len(), one.asks.len()));
    kind
}
