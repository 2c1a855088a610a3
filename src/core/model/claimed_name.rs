//! The names by which the catalogue speaks of what it holds: those of solutions, and those that no
//! solution can have.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::credential::masked;
use super::invisible::visible;
use super::{ContentHash, SolutionName};

/// A name that a folder or a file claims, good or not. Refused folders have a row of their own on
/// the board, and what they claim is protected, whatever they are called.
///
/// Compared and ordered by its text.
#[derive(Clone, Debug)]
pub enum ClaimedName {
    /// A name that a solution can have, whether or not a folder of the catalogue has it.
    Solution(SolutionName),
    /// Nothing on a cluster can belong to it.
    Other(NoSolution),
}

/// A text that is no solution's name: a folder that is called so, a folder's path where its name is
/// another's, or what a file says. Cleaned where it enters, because it stands in rows, in the log and
/// in the notes: without what acts on a terminal or is not seen, without credentials, and of at most
/// 80 characters. What was changed by that ends with digits of its hash, so that no two look the same.
#[derive(Clone, Debug)]
pub struct NoSolution(String);

/// The longest such name, in characters.
const LONGEST: usize = 80;
/// How many digits of the hash tell changed names apart.
const DIGITS: usize = 8;

impl NoSolution {
    fn of(text: &str) -> Self {
        let clean = visible(&masked(text));
        if clean == text && text.chars().count() <= LONGEST {
            return Self(clean);
        }
        let start: String = clean.chars().take(LONGEST - DIGITS - 1).collect();
        Self(format!("{start}~{}", ContentHash::of(text.as_bytes()).first(DIGITS)))
    }
}

/// The last name of a path: what the solution there is (or would be) called.
pub fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl ClaimedName {
    /// Takes any text: what is no good name is [`ClaimedName::Other`], cleaned.
    pub fn of(text: &str) -> Self {
        match SolutionName::parse(text) {
            Ok(name) => Self::Solution(name),
            Err(_) => Self::Other(NoSolution::of(text)),
        }
    }

    /// The name that a folder claims: the last of its path.
    pub fn of_folder(path: &str) -> Self {
        Self::of(last_name(path))
    }

    /// The solution of this name, if it can be one.
    pub fn solution(&self) -> Option<&SolutionName> {
        match self {
            Self::Solution(name) => Some(name),
            Self::Other(_) => None,
        }
    }

    /// The name; of what no solution can be called, what may be shown of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Solution(name) => name.as_str(),
            Self::Other(NoSolution(text)) => text,
        }
    }
}

impl From<SolutionName> for ClaimedName {
    fn from(name: SolutionName) -> Self {
        Self::Solution(name)
    }
}

impl From<&SolutionName> for ClaimedName {
    fn from(name: &SolutionName) -> Self {
        Self::Solution(name.clone())
    }
}

impl PartialEq for ClaimedName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ClaimedName {}

impl PartialEq<str> for ClaimedName {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for ClaimedName {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

impl PartialOrd for ClaimedName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ClaimedName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for ClaimedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for ClaimedName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ClaimedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::invisible::is_invisible;

    #[test]
    fn names_that_no_solution_has_stand_among_the_others_by_their_text() {
        let texts = ["Use", "group/use", "tourism", "use", "www"];
        let names: BTreeSet<ClaimedName> = texts.iter().rev().map(|t| ClaimedName::of(t)).collect();
        assert!(names.iter().map(ClaimedName::as_str).eq(texts));
        let good: Vec<&str> =
            names.iter().filter_map(|n| n.solution()).map(SolutionName::as_str).collect();
        assert_eq!(good, ["tourism", "use"]);
        assert!(names.contains("group/use"));
    }

    #[test]
    fn a_name_that_would_act_on_a_terminal_or_fill_it_is_cleaned_and_stays_itself() {
        let shown = |text: &str| ClaimedName::of(text).as_str().to_owned();
        assert!(shown("\u{1b}[2Jevil").starts_with("\\u{1b}[2Jevil~"));
        assert!(shown("a\nb: Synced").starts_with("a b: Synced~"));
        assert_ne!(shown("a\nb"), shown("a\tb"), "no two look the same");
        assert_ne!(shown("a\nb"), shown("a b"));
        let (long, longer) = ("x".repeat(3000), "x".repeat(3001));
        assert_eq!(shown(&long).chars().count(), LONGEST);
        assert_ne!(shown(&long), shown(&longer));
        assert_eq!(shown("Ein Ordner für alle"), "Ein Ordner für alle");
    }

    proptest! {
        #[test]
        fn no_name_holds_what_is_not_seen_and_cleaning_twice_is_cleaning_once(
            text in r"[a-z\x00-\x1f\x7f-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200b}-\u{200f}é]{0,120}",
        ) {
            let name = ClaimedName::of(&text);
            prop_assert!(!name.as_str().contains(is_invisible), "{:?}", name);
            prop_assert!(name.as_str().chars().count() <= LONGEST);
            let again = ClaimedName::of(name.as_str());
            prop_assert_eq!(again.as_str(), name.as_str());
        }
    }
}
