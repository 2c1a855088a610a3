//! What the branch does to what is to be said: which commits wait for a last word, and which lines
//! are open again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::forge::Forge;
use super::sink::is_pending;
use super::{Ledger, Lines};
use crate::catalog::Changes;
use crate::ledger;
use crate::model::{ClaimedName, Revision, last_name};
use crate::status::CommitStatus;

impl Ledger {
    /// What stands in the notes already, also of older commits that matter only now. A commit that
    /// was passed while nobody looked, and a line that never got its last word, get it still.
    /// `lost`: those that the branch does not have.
    pub fn load(&mut self, noted: Lines, lost: &BTreeSet<Revision>) {
        let owed = self.forge.as_ref().map(Forge::owed);
        self.history.done.clear();
        self.moved = true;
        for (commit, statuses) in noted {
            if let Some(forge) = &mut self.forge
                && self.history.head.as_ref() != Some(&commit)
            {
                forge.load(&commit, &statuses);
            }
            // What the forge was not told is as open as what is pending.
            let owes = |s: &CommitStatus| Some(&s.context) == owed.as_ref() && is_pending(s);
            let owes = statuses.iter().any(owes);
            for read in statuses {
                // What was written to the end since is newer than what was read.
                let mine = self.notes.line(&commit, &read.context);
                let mine = mine.filter(|mine| !is_pending(mine) || is_pending(&read)).cloned();
                let status = mine.unwrap_or(read);
                let pending = owes || is_pending(&status);
                match ledger::subject(&self.instance, &status.context) {
                    None if ledger::forge::is_mark(&self.instance, &status.context) => {}
                    None => continue, // another's
                    Some(None) if pending => {
                        self.history.passed.insert(commit.clone());
                    }
                    Some(Some(name)) if pending => {
                        self.doubts.add(name.clone());
                        self.history.leaves(commit.clone(), name, lost.contains(&commit));
                    }
                    Some(_) => {}
                }
                self.notes.load(&commit, status);
            }
        }
        self.behind = true;
    }

    /// The branch has another head: what waits for its last word on older commits goes on
    /// waiting, the rest is forgotten. `is_known`: something is said of the name.
    pub fn pass(&mut self, head: &Revision, is_known: impl Fn(&ClaimedName) -> bool) {
        let mut overtaken = std::mem::take(&mut self.history.overtaken);
        overtaken.retain(|(commit, name)| {
            let gone = self.history.removed.contains_key(name);
            (gone || self.doubts.names().contains(name) || is_known(name))
                && !self.has_last_word(commit, Some(name))
        });
        self.history.overtaken = overtaken;
        let mut lost = std::mem::take(&mut self.history.lost);
        lost.retain(|(commit, name)| !self.has_last_word(commit, Some(name)));
        self.history.lost = lost;
        let mut passed = std::mem::take(&mut self.history.passed);
        let before = self.history.head.replace(head.clone());
        if before.as_ref().is_some_and(|before| before != head) {
            self.reopen(head, None);
        }
        self.history.done.remove(head);
        self.moved = true;
        passed.extend(before);
        passed.retain(|commit| commit != head && !self.has_last_word(commit, None));
        self.history.passed = passed;
        self.behind = true;
    }

    /// What commits changed, and which commit each folder has its form of. `again`: whether another
    /// commit was in force before, so that these are younger than this process. `lost`: commits
    /// that the branch does not have any more.
    pub fn take_commit(
        &mut self,
        changes: &Changes,
        records: Arc<BTreeMap<String, Revision>>,
        lost: &BTreeSet<Revision>,
        again: bool,
    ) {
        if changes.rewritten || !lost.is_empty() {
            self.history.done.clear();
        }
        self.plain.learn(changes);
        for (commit, name) in std::mem::take(&mut self.history.overtaken) {
            let is_lost = lost.contains(&commit);
            self.history.leaves(commit, name, is_lost);
        }
        // What was known of a name before all of them: the same history may be told twice.
        let mut before: BTreeMap<ClaimedName, Option<Revision>> = BTreeMap::new();
        for change in &changes.commits {
            if let Some(forge) = self.forge.as_mut().filter(|_| again && !changes.rewritten) {
                forge.is_new(&change.revision);
            }
            for folder in &change.folders {
                let name = ClaimedName::of_folder(folder);
                let old = self.history.records.insert(name.clone(), change.revision.clone());
                self.history.done.remove(&change.revision);
                old.iter().for_each(|old| _ = self.history.done.remove(old));
                before.entry(name.clone()).or_insert_with(|| old.clone());
                if old.as_ref() != Some(&change.revision) {
                    self.history.removed.remove(&name); // what went then went with another commit
                }
                let waits = |old: &Revision| {
                    *old != change.revision && !self.has_last_word(old, Some(&name))
                };
                if let Some(old) = old.filter(waits) {
                    let is_lost = lost.contains(&old);
                    self.history.leaves(old, name, is_lost);
                }
            }
        }
        let told = self.records.replace(Arc::clone(&records));
        let known = told.is_some_and(|told| Arc::ptr_eq(&told, &records));
        let records = records.iter().filter(|_| !known);
        let (same, other): (Vec<_>, Vec<_>) = records
            .map(|(folder, revision)| (last_name(folder), revision))
            .partition(|(name, revision)| self.history.records.get(*name) == Some(*revision));
        // Of several folders with one last name (a solution that moved and left a README), the one
        // that was changed last counts.
        let same: HashSet<&str> = same.into_iter().map(|(name, _)| name).collect();
        for (name, revision) in other.into_iter().filter(|(name, _)| !same.contains(name)) {
            let name = ClaimedName::of(name);
            let old = self.history.records.insert(name.clone(), revision.clone());
            if old.as_ref() != Some(revision) {
                self.history.done.remove(revision);
                old.iter().for_each(|old| _ = self.history.done.remove(old));
            }
            // No commit came after it that changed the folder: the branch went back behind it.
            let waits = |old: &Revision| *old != *revision && !self.has_last_word(old, Some(&name));
            let lost = old.clone().filter(waits).map(|old| (old, name.clone()));
            self.history.lost.extend(lost);
            if old.is_some_and(|old| old != *revision) {
                self.history.removed.remove(&name);
            }
        }
        let records = &self.history.records;
        self.history.lost.retain(|(commit, name)| records.get(name) != Some(commit));
        for (name, old) in before {
            let now = self.history.records.get(&name);
            if let Some(now) = now.filter(|now| old.is_some_and(|old| old != **now)).cloned() {
                self.reopen(&now, Some(&name));
            }
        }
        self.behind = true;
    }

    /// The branch came back to a line, in every sink.
    fn reopen(&mut self, commit: &Revision, name: Option<&ClaimedName>) {
        self.history.done.remove(commit);
        let context = ledger::context(&self.instance, name);
        if let Some(forge) = &mut self.forge {
            let context = forge.key(&context);
            forge.sink.reopen((commit.clone(), context));
        }
        self.notes.reopen((commit.clone(), context));
    }
}
