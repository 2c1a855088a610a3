//! The label that asks for a preview: it counts for the head that it was put on, and for no other.
//!
//! A forge says that a label is there, and not which commit its owner looked at. So it counts only
//! where a head was seen without it and then with it: a push that came with the label in one look
//! may be what nobody looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Revision;

/// What is known of a label that is on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// It was put on while this was the head.
    On(Revision),
    /// Nobody saw at which head it was put on.
    Unseen,
}

/// The labels of a pull request after another look. `before`: its head at the look before, if there
/// was one.
pub fn seen(
    known: &BTreeMap<String, Label>,
    before: Option<&Revision>,
    head: &Revision,
    labels: BTreeSet<String>,
) -> BTreeMap<String, Label> {
    let label = |name: &String| match known.get(name) {
        Some(label) => label.clone(),
        None if before == Some(head) => Label::On(head.clone()),
        None => Label::Unseen,
    };
    labels.into_iter().map(|name| (name.clone(), label(&name))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    /// What becomes of the label after looks at a pull request: each its head, and whether the label
    /// is on.
    fn after(looks: &[(char, bool)]) -> Option<Label> {
        let (mut known, mut before) = (BTreeMap::new(), None);
        for (head, on) in looks {
            let labels = on.then(|| "preview".to_owned()).into_iter().collect();
            known = seen(&known, before.as_ref(), &commit(*head), labels);
            before = Some(commit(*head));
        }
        known.remove("preview")
    }

    #[test]
    fn a_label_counts_for_the_head_that_was_seen_without_it() {
        let on = |digit| Some(Label::On(commit(digit)));
        assert_eq!(after(&[('1', false), ('1', true)]), on('1'));
        assert_eq!(after(&[('1', false), ('1', true), ('2', true)]), on('1'), "not for the next");
        assert_eq!(after(&[('1', false), ('1', true), ('2', true), ('2', false)]), None);
        let again = [('1', false), ('1', true), ('2', true), ('2', false), ('2', true)];
        assert_eq!(after(&again), on('2'));
    }

    #[test]
    fn a_label_that_came_with_a_push_counts_for_nothing() {
        assert_eq!(after(&[('1', false), ('2', true)]), Some(Label::Unseen));
        assert_eq!(after(&[('1', false), ('2', true), ('2', true)]), Some(Label::Unseen));
        assert_eq!(after(&[('1', true)]), Some(Label::Unseen), "nobody saw it without");
    }
}
