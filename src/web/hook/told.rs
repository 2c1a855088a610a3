//! Remembers what the log has said, so that strangers cannot fill it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Troubles that last and were told: names of hooks and of files of the settings.
#[derive(Debug, Default)]
pub struct Told(Mutex<BTreeSet<String>>);

impl Told {
    /// Whether a trouble begins.
    pub fn is_news(&self, trouble: String) -> bool {
        self.all().insert(trouble)
    }

    /// It is over.
    pub fn no_more(&self, trouble: &str) {
        self.all().remove(trouble);
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // Nobody panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_news_once_until_it_is_over() {
        let told = Told::default();
        assert!(told.is_news("aim".to_owned()));
        assert!(!told.is_news("aim".to_owned()));
        told.no_more("aim");
        assert!(told.is_news("aim".to_owned()));
    }
}
