//! The one head that is being judged: read, then judged; where registries are asked for its images
//! or the API server for its objects, those are asked, and it is judged once more.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::catalog::fit::Told;
use crate::change::{Comparison, DryRun};
use crate::engine::reviewed::Reviewed;
use crate::model::{ImageReference, Revision};
use crate::plan::Form;

/// A head that is being judged.
#[derive(Debug)]
pub struct Judging {
    pub number: u64,
    pub head: Revision,
    pub base: Revision,
    pub comparison: Arc<Comparison>,
    /// Whether it lies in the repository itself.
    pub own: bool,
    /// What registries said of its images, once they were asked.
    pub said: Option<Arc<Told>>,
    /// What the API server said of its objects, once it was asked.
    pub tried: Option<Arc<DryRun>>,
    /// In this order; empty: nothing is left.
    todo: VecDeque<Todo>,
    is_under_way: bool,
}

/// What is to be done next of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Todo {
    /// It is to be judged.
    Judge,
    /// Registries are to be asked.
    Ask(BTreeSet<ImageReference>),
    /// The API server is to be asked.
    Try(Vec<Arc<Form>>),
}

impl Judging {
    pub fn of(
        number: u64,
        head: Revision,
        base: Revision,
        comparison: Box<Comparison>,
        own: bool,
    ) -> Self {
        let todo = [Todo::Judge].into();
        let (said, tried, is_under_way) = (None, None, false);
        let comparison = Arc::from(comparison);
        Self { number, head, base, comparison, own, said, tried, todo, is_under_way }
    }

    /// What is to be done; `None`: something is under way.
    pub fn todo(&mut self) -> Option<Todo> {
        let next = if self.is_under_way { None } else { self.todo.pop_front() };
        self.is_under_way |= next.is_some();
        next
    }

    /// It was judged. Whether that was the last word; otherwise others are asked first.
    pub fn is_found(&mut self, reviewed: &Reviewed) -> bool {
        self.is_under_way = false;
        self.todo.clear();
        if self.said.is_none() && !reviewed.asks.is_empty() {
            self.todo.push_back(Todo::Ask(reviewed.asks.clone()));
        }
        if self.tried.is_none() && !reviewed.tries.is_empty() {
            self.todo.push_back(Todo::Try(reviewed.tries.clone()));
        }
        if self.todo.is_empty() {
            return true;
        }
        self.todo.push_back(Todo::Judge);
        false
    }

    /// Registries were asked.
    pub fn is_said(&mut self, said: Told) {
        self.is_under_way = false;
        self.said = Some(Arc::new(said));
    }

    /// The API server was asked.
    pub fn is_tried(&mut self, tried: DryRun) {
        self.is_under_way = false;
        self.tried = Some(Arc::new(tried));
    }
}
