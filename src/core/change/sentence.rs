//! A sentence of ours with authors' words in it, which each way of telling marks in its own manner.

use std::fmt::{self, Display};

use crate::model::fault::harmless;

/// Our words and theirs, in turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence(Vec<Part>);

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Ours.
    Ours(String),
    /// What stands in a file, or is made of it.
    Theirs(String),
}

impl Sentence {
    /// Puts their words where `{}` stands in ours, in their order.
    pub(super) fn of(ours: &str, theirs: &[&dyn Display]) -> Self {
        let mut parts = Vec::new();
        let mut theirs = theirs.iter();
        for (at, piece) in ours.split("{}").enumerate() {
            if let Some(word) = (at > 0).then(|| theirs.next()).flatten() {
                parts.push(Part::Theirs(harmless(&word.to_string())));
            }
            if !piece.is_empty() {
                parts.push(Part::Ours(piece.to_owned()));
            }
        }
        Self(parts)
    }

    /// The same, begun with the component that it is said of.
    pub(super) fn about(self, component: &dyn Display) -> Self {
        let start = [Part::Theirs(component.to_string()), Part::Ours(": ".to_owned())];
        Self(start.into_iter().chain(self.0).collect())
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Ours(text) | Part::Theirs(text) => f.write_str(text),
        })
    }
}

/// Several as one: `a, b and c`.
pub(super) fn several<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        None => String::new(),
        Some((one, [])) => one.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_words_stand_where_ours_leave_room() {
        let sentence = Sentence::of("{} of {} goes", &[&1, &"a\u{202e}{}"]);
        assert_eq!(sentence.to_string(), "1 of a\u{fffd}{} goes");
        assert_eq!(sentence.about(&"web").to_string(), "web: 1 of a\u{fffd}{} goes");
        assert_eq!(Sentence::of("nothing", &[]).parts().len(), 1);
        assert_eq!(several(["a"]), "a");
        assert_eq!(several(["a", "b", "c"]), "a, b and c");
    }
}
