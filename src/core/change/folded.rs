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

/// What of it differs, without its own name: the values of one stand for those of all.
fn kind(one: &Touched) -> Vec<String> {
    let name = one.name.as_str();
    let value = |value: &Option<String>| value.as_deref().map(|text| nameless(text, name));
    let facts = one.facts.iter().filter(|fact| fact.differs()).map(|fact| match one.what {
        What::Appears if fact.what == "image" || fact.what == "title" => fact.label(),
        _ => format!("{} {:?} {:?}", fact.label(), value(&fact.now), value(&fact.then)),
    });
    let objects = one.objects.iter().map(|object| {
        let fields: Vec<&str> = object.fields.iter().map(|field| field.path.as_str()).collect();
        format!("{} {} {}", object.verb.as_str(), object.key.kind, fields.join(" "))
    });
    let mut kind: Vec<String> = facts.chain(objects).collect();
    kind.push(format!("{} {}", one.risks.len(), one.asks.len()));
    kind
}

/// A text with a star wherever a name stands as a word of its own.
fn nameless(text: &str, name: &str) -> String {
    if name.is_empty() {
        return text.to_owned(); // it would be found everywhere, for ever
    }
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(name) {
        out.push_str(before);
        let whole = !inside(out.chars().next_back()) && !inside(after.chars().next());
        out.push_str(if whole { "*" } else { name });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::nameless;

    #[test]
    fn a_name_is_a_star_where_it_is_a_word_and_no_name_is_nowhere() {
        assert_eq!(nameless("use at use.demo, reuse", "use"), "* at *.demo, reuse");
        assert_eq!(nameless("use", ""), "use");
    }
}
