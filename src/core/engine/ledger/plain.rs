//! The newest commits of the branch that changed no solution's folder: nothing else remembers them.

use std::collections::VecDeque;

use crate::catalog::Changes;
use crate::model::Revision;

/// So many are remembered: a merge is asked for within the hour.
const MOST: usize = 256;

/// Each with whether it changed `platform.yaml`, the newest last.
#[derive(Default)]
pub(super) struct Plain(VecDeque<(Revision, bool)>);

impl Plain {
    /// What commits changed. With another history nobody knows which of the old ones it has.
    pub fn learn(&mut self, changes: &Changes) {
        if changes.rewritten {
            self.0.clear();
        }
        for change in changes.commits.iter().filter(|change| change.folders.is_empty()) {
            self.0.retain(|(known, _)| *known != change.revision);
            self.0.push_back((change.revision.clone(), change.platform));
        }
        self.0.drain(..self.0.len().saturating_sub(MOST));
    }

    /// Whether a commit changed `platform.yaml`; `None`: it changed a folder, or is not known.
    pub fn platform(&self, commit: &Revision) -> Option<bool> {
        self.0.iter().rev().find(|(known, _)| known == commit).map(|(_, platform)| *platform)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::Change;

    fn commit(n: usize) -> Revision {
        Revision::parse(&format!("{n:040x}")).unwrap()
    }

    fn changes(rewritten: bool, numbers: impl Iterator<Item = usize>) -> Changes {
        let change = |n| Change { revision: commit(n), folders: [].into(), platform: n == 7 };
        Changes { commits: numbers.map(change).collect(), rewritten }
    }

    #[test]
    fn the_newest_are_remembered_and_none_of_a_history_that_was_rewritten() {
        let mut plain = Plain::default();
        for n in 0..1000 {
            plain.learn(&changes(false, n..n + 2)); // the same history may be told twice
        }
        assert_eq!(plain.0.len(), MOST);
        assert_eq!(
            (plain.platform(&commit(1000)), plain.platform(&commit(7))),
            (Some(false), None)
        );
        plain.learn(&changes(true, 7..8));
        assert_eq!((plain.platform(&commit(1000)), plain.platform(&commit(7))), (None, Some(true)));
    }
}
