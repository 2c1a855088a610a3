//! The verdicts of a board: a list that boards share as far as they say the same.

use std::ops::Index;
use std::sync::Arc;

use super::verdict::Verdict;

/// Verdicts, in the order of their names. A copy costs nothing, whatever their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(Arc<Vec<Arc<Verdict>>>);

impl Verdicts {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Verdict> {
        self.0.iter().map(|verdict| &**verdict)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of them, to be changed on this board alone.
    pub fn edit(&mut self, at: usize) -> Option<&mut Verdict> {
        Arc::make_mut(&mut self.0).get_mut(at).map(Arc::make_mut)
    }

    /// Keeps those alone that this is true of.
    pub fn retain(&mut self, keep: impl Fn(&Verdict) -> bool) {
        Arc::make_mut(&mut self.0).retain(|verdict| keep(verdict));
    }
}

impl Index<usize> for Verdicts {
    type Output = Verdict;

    fn index(&self, at: usize) -> &Verdict {
        &self.0[at]
    }
}

impl<'a> IntoIterator for &'a Verdicts {
    type Item = &'a Verdict;
    type IntoIter =
        std::iter::Map<std::slice::Iter<'a, Arc<Verdict>>, fn(&Arc<Verdict>) -> &Verdict>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|verdict| &**verdict)
    }
}

impl FromIterator<Arc<Verdict>> for Verdicts {
    fn from_iter<T: IntoIterator<Item = Arc<Verdict>>>(verdicts: T) -> Self {
        Self(Arc::new(verdicts.into_iter().collect()))
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<T: IntoIterator<Item = Verdict>>(verdicts: T) -> Self {
        verdicts.into_iter().map(Arc::new).collect()
    }
}

impl Extend<Verdict> for Verdicts {
    fn extend<T: IntoIterator<Item = Verdict>>(&mut self, more: T) {
        Arc::make_mut(&mut self.0).extend(more.into_iter().map(Arc::new));
    }
}
