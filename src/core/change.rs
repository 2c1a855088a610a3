//! What differs between two revisions of a catalogue, in the words of a reviewer.
//!
//! In: two [`Catalog`]s. Out: a [`Review`]: for each solution who can reach it, what it can reach,
//! what it costs at most, what is different from now, and what could go wrong. Read from effective
//! values and rendered objects, never from the text of files. One function, told three ways: for a
//! terminal ([`text()`]), for a pull request ([`markdown()`]) and for a program ([`json()`]).
//!
//! What the old revision refused may have run in any earlier form: that is said, not guessed.

mod asks;
mod between;
mod bill;
mod comparison;
mod dry_run;
mod fact;
mod folded;
mod held;
mod images;
mod json;
mod markdown;
mod objects;
mod operator;
mod page;
mod risks;
mod sentence;
mod span;
mod text;
mod touched;
mod values;

pub use between::{Setting, between};
pub use bill::Bill;
pub use comparison::{Comparison, How};
pub use dry_run::{DryRun, to_try};
pub use fact::{Fact, Topic};
pub use held::Brake;
pub use images::images_of;
pub use json::json;
pub use markdown::{LONGEST, markdown};
pub use objects::{Field, ObjectChange, Verb};
pub use sentence::Sentence;
pub use text::text;
pub use touched::{Earlier, Touched, What};

use crate::model::{Fault, Revision};

/// What a merge of `head` into `base` would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The commit that is in force.
    pub base: Revision,
    /// The commit that would be.
    pub head: Revision,
    /// What the operator's file says, or why nothing can be told.
    pub platform: Operator,
    /// Whom to ask about what an operator should see; absent = the platform names nobody.
    pub operators: Option<String>,
    /// Every name whose standing, values, objects or files differ, in the order of the names.
    pub touched: Vec<Touched>,
    /// How many solutions are published before and after, without a difference.
    pub untouched: usize,
    /// Why it is not known what else ran at the base: whatever it is, it is deleted.
    pub others_may_go: Option<String>,
    /// Why the brake would hold what this takes away, if it would.
    pub held: Option<String>,
}

/// What becomes of the operator's file.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// Nothing in it differs that has an effect.
    Same,
    /// These values differ.
    Changed(Vec<Fact>),
    /// The head's cannot be used: nothing at all is changed or deleted until it is mended.
    Refused(Vec<Fault>),
    /// The base's could not be used, the head's can: everything is published anew.
    Mended,
}

impl Review {
    /// Whether a merge would change nothing that anybody could notice.
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.platform == Operator::Same && self.others_may_go.is_none()
    }

    /// Whether the operator's file is refused, so that what would change cannot be told.
    pub fn is_frozen(&self) -> bool {
        matches!(self.platform, Operator::Refused(_))
    }

    /// Whether something is refused: a folder, or the operator's file.
    pub fn refuses(&self) -> bool {
        self.is_frozen() || self.touched.iter().any(|one| one.what == What::Refused)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(crate) mod tests;
