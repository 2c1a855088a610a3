//! The names by which the catalogue speaks of what it holds: those of solutions, and those that no
//! solution can have.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::SolutionName;

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
/// another's, or what a file says.
#[derive(Clone, Debug)]
pub struct NoSolution(String);

impl ClaimedName {
    /// Takes any text: what is no good name is [`ClaimedName::Other`].
    pub fn of(text: &str) -> Self {
        match SolutionName::parse(text) {
            Ok(name) => Self::Solution(name),
            Err(_) => Self::Other(NoSolution(text.to_owned())),
        }
    }

    /// The solution of this name, if it can be one.
    pub fn solution(&self) -> Option<&SolutionName> {
        match self {
            Self::Solution(name) => Some(name),
            Self::Other(_) => None,
        }
    }

    /// The text that was claimed, unchanged.
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

    use super::*;

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
}
