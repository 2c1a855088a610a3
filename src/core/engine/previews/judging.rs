//! The one head that is being judged: read, then judged; where registries are asked for its images,
//! asked, and judged once more.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::fit::Told;
use crate::change::Comparison;
use crate::engine::reviewed::Reviewed;
use crate::model::{ImageReference, Revision};

/// A head that is being judged.
#[derive(Debug)]
pub struct Judging {
    pub number: u64,
    pub head: Revision,
    pub base: Revision,
    pub comparison: Arc<Comparison>,
    /// What registries said of its images, once they were asked.
    pub said: Option<Arc<Told>>,
    todo: Option<Todo>,
}

/// What is to be done next of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// It is to be judged.
    Judge,
    /// Registries are to be asked.
    Ask(BTreeSet<ImageReference>),
}

impl Judging {
    pub fn of(number: u64, head: Revision, base: Revision, comparison: Box<Comparison>) -> Self {
        let comparison = Arc::from(comparison);
        Self { number, head, base, comparison, said: None, todo: Some(Todo::Judge) }
    }

    /// What is to be done; `None`: it is under way.
    pub fn todo(&mut self) -> Option<Todo> {
        self.todo.take()
    }

    /// It was judged. Whether that was the last word; otherwise its images are asked for first.
    pub fn is_found(&mut self, reviewed: &Reviewed) -> bool {
        let asks = self.said.is_none() && !reviewed.asks.is_empty();
        self.todo = asks.then(|| Todo::Ask(reviewed.asks.clone()));
        !asks
    }

    /// Registries were asked.
    pub fn is_said(&mut self, said: Told) {
        self.said = Some(Arc::new(said));
        self.todo = Some(Todo::Judge);
    }
}
