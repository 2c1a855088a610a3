//! What arrives: news from the repository, events of the cluster, deadlines. Each says which
//! solutions have to be thought about.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Engine;
use super::courier::{Commit, News};
use super::memory::Known;
use crate::cluster::Touched;
use vitrine_core::catalog;
use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::ledger;
use vitrine_core::model::names::NAMESPACE_PREFIX;
use vitrine_core::model::{ContentHash, ObjectKey, Revision};
use vitrine_core::plan::observed::Record;
use vitrine_core::plan::{self, Outcome, Step, setback};

impl Engine {
    /// News from the repository.
    pub(super) fn hear(&mut self, news: News, now: Timestamp) {
        match news {
            News::Commit(commit) => {
                self.heard = true;
                self.take_commit(*commit, now);
            }
            News::Kept(commit, unknown) => {
                tracing::warn!(
                    revision = commit.snapshot.revision.short(),
                    "the repository cannot be read, going on from the mirror: {}",
                    unknown.cause
                );
                self.take_commit(*commit, now);
                self.unknown = Some(unknown);
            }
            News::Same => {
                self.heard = true;
                if self.unknown.take().is_some() {
                    self.all_dirty();
                    self.telling.changed();
                }
            }
            News::Unknown(unknown) => {
                let since = self.unknown.as_ref().map_or(unknown.since, |first| first.since);
                tracing::warn!("the repository cannot be read: {}", unknown.cause);
                self.unknown = Some(Unknown { since, cause: unknown.cause });
                self.all_dirty();
                self.telling.changed();
            }
            News::Noted(Ok(())) => {
                self.problems.remove("notes");
                self.telling.noted();
            }
            News::Noted(Err(unknown)) => {
                tracing::warn!("the notes could not be written: {}", unknown.cause);
                self.problems
                    .insert("notes", format!("the notes could not be written: {}", unknown.cause));
                self.telling.not_noted(now);
            }
        }
        self.checked(now);
    }

    /// A commit came: judge it, find out what it touches.
    pub(super) fn take_commit(&mut self, commit: Commit, now: Timestamp) {
        self.compared |= self.adopted && self.courier.is_answer(&commit);
        let Commit { snapshot, changes, records, errand: _ } = commit;
        tracing::info!(
            revision = snapshot.revision.short(),
            folders = snapshot.folders.len(),
            "read"
        );
        if self.unknown.take().is_some() {
            self.all_dirty(); // also those whose folder is as it was say Unknown
        }
        // Until all that it asks for was done: `changes` compares with the commit before this one.
        self.rewritten = (self.rewritten || changes.rewritten)
            && self.recorded.as_ref().is_some_and(|applied| *applied != snapshot.revision);
        let catalog = catalog::read(&snapshot, &mut self.memory.judged);
        for fault in catalog.platform.as_ref().err().into_iter().flatten() {
            tracing::warn!("{fault}");
        }
        self.note_passage(&snapshot.revision);
        for change in &changes.commits {
            for folder in &change.folders {
                let name = folder.rsplit('/').next().unwrap_or(folder);
                let old = self.history.records.insert(name.to_owned(), change.revision.clone());
                let waits = |old: &Revision| {
                    *old != change.revision && !self.has_last_word(old, Some(name))
                };
                if let Some(old) = old.filter(waits) {
                    self.history.overtaken.insert((old, name.to_owned()));
                }
            }
        }
        for (folder, revision) in records {
            let name = folder.rsplit('/').next().unwrap_or(&folder);
            self.history.records.insert(name.to_owned(), revision);
        }
        for setback in self.setbacks.values_mut() {
            setback.new_revision(now);
        }
        let first = self.memory.catalog.is_none();
        let touched = self.memory.take(catalog, now);
        self.dirty.extend(touched);
        if first {
            // What the cluster told before there was a catalogue to hold it against.
            self.all_dirty();
        }
        self.telling.changed();
    }

    /// The branch has another head: what waits for its last word on older commits goes on
    /// waiting, the rest is forgotten.
    pub(super) fn note_passage(&mut self, head: &Revision) {
        let mut overtaken = std::mem::take(&mut self.history.overtaken);
        overtaken.retain(|(commit, name)| {
            let known = self.memory.verdict(name).is_some() || self.history.removed.contains(name);
            known && !self.has_last_word(commit, Some(name))
        });
        self.history.overtaken = overtaken;
        let mut passed = std::mem::take(&mut self.history.passed);
        passed.extend(self.history.head.replace(head.clone()));
        passed.retain(|commit| commit != head && !self.has_last_word(commit, None));
        self.history.passed = passed;
    }

    /// Whether a status that is not pending stands on this commit, of a solution or of the whole.
    /// Where nothing is written, nothing waits for it.
    pub(super) fn has_last_word(&self, commit: &Revision, name: Option<&str>) -> bool {
        let context = ledger::context(&self.settings.instance, name);
        !self.settings.notes || self.telling.has_last_word(commit, &context)
    }

    /// Events of the cluster and ends of steps.
    pub(super) fn absorb(&mut self, touched: Vec<Touched>, now: Timestamp) {
        for touched in touched {
            match touched {
                Touched::Solution(name) => {
                    self.dirty.insert(name);
                }
                Touched::Namespace(namespace) => {
                    if let Some(name) = namespace.strip_prefix(NAMESPACE_PREFIX) {
                        self.dirty.insert(name.to_owned());
                    }
                }
                Touched::Kind(..) | Touched::Approvals | Touched::Record => self.all_dirty(),
                Touched::Definition(kind) => {
                    let instance = &self.settings.instance;
                    let refused = self.setbacks.keys().filter(|key| key.kind == kind);
                    let names = refused.filter_map(|key| key.solution(instance));
                    self.dirty.extend(names.map(str::to_owned));
                }
                Touched::Facts(looks) => self.take_facts(looks, now),
                Touched::Done { solution, step, outcome } => {
                    self.finish(&solution, &step, outcome, now);
                    self.dirty.insert(solution);
                }
            }
        }
        self.forget_what_is_gone();
        self.send_courier();
    }

    /// History is asked for from what was applied last, so the Lease comes first. Where it cannot
    /// be read, the courier goes without, and again when it was read: until the answer to that,
    /// nothing is deleted or recorded.
    fn send_courier(&mut self) {
        match &self.cluster.observed().record {
            Record::Unread => {
                if !self.courier.left() && !self.cluster.problems().is_empty() {
                    self.courier.since(None);
                }
            }
            _ if self.adopted => {}
            Record::Missing => {
                self.adopted = true;
                self.courier.since(None);
            }
            Record::Kept { applied, removals, .. } => {
                self.adopted = true;
                self.recorded.clone_from(applied);
                self.removals.clone_from(removals);
                let applied = applied.clone();
                self.courier.since(applied);
            }
        }
    }

    pub(super) fn finish(&mut self, solution: &str, step: &Step, outcome: Outcome, now: Timestamp) {
        if let Step::Delete { key, .. } = step
            && outcome == Outcome::Changed
        {
            // The survey may be as old as the event: look again.
            self.cluster.forget_survey(&key.name);
        }
        let (observed, jitter) = (self.cluster.observed(), fastrand::f64());
        let said = outcome.clone();
        let news = setback::learn(&mut self.setbacks, step, outcome, observed, now, jitter);
        log_outcome(solution, step, &said, news);
    }

    /// Looks whether the refusals of these solutions still stand against the same cluster.
    pub(super) fn notice_setbacks(&mut self, dirty: &BTreeSet<String>, now: Timestamp) {
        if self.setbacks.is_empty() {
            return;
        }
        let instance = &self.settings.instance;
        let concerned =
            |key: &ObjectKey| key.solution(instance).is_some_and(|name| dirty.contains(name));
        setback::notice(&mut self.setbacks, self.cluster.observed(), now, concerned);
    }

    /// Forgets refusals of bodies that are not asked for any more.
    pub(super) fn drop_old_setbacks(&mut self, name: &str) {
        if self.setbacks.is_empty() {
            return;
        }
        let (memory, instance) = (&self.memory, &self.settings.instance);
        let Some(Known::Published { outline, .. }) = memory.known(name) else { return };
        self.setbacks.retain(|key, setback| {
            let old = |content: &ContentHash| {
                outline.objects.iter().all(|form| form.key != *key || form.content != *content)
            };
            key.solution(instance) != Some(name) || !setback.content.as_ref().is_some_and(old)
        });
    }

    /// A person asks: whatever waits for a better time is tried now.
    pub(super) fn try_everything(&mut self, now: Timestamp) {
        self.setbacks.values_mut().for_each(|setback| setback.at_once(now));
        self.courier.look();
        self.all_dirty();
    }

    /// Removed solutions of which nothing is left are not on the board any more.
    pub(super) fn forget_what_is_gone(&mut self) {
        let observed = self.cluster.observed();
        let gone: Vec<String> = self
            .memory
            .removing()
            .filter(|name| observed.solutions.get(*name).is_none_or(BTreeMap::is_empty))
            .map(str::to_owned)
            .collect();
        for name in gone {
            tracing::info!(solution = name, "removed");
            self.memory.forget(&name);
            let instance = &self.settings.instance;
            self.setbacks.retain(|key, _| key.solution(instance) != Some(name.as_str()));
            self.telling.changed();
            self.history.removed.insert(name);
        }
    }

    /// A deadline passed: look again at whatever waits for the clock.
    pub(super) fn wake(&mut self, now: Timestamp) {
        let instance = &self.settings.instance;
        for (key, setback) in &mut self.setbacks {
            if setback.rings(now) {
                self.dirty.extend(key.solution(instance).map(str::to_owned));
            }
        }
        self.dirty.extend(self.memory.removing().map(str::to_owned));
        self.dirty
            .extend(self.woken.keys().filter_map(|key| key.solution(instance).map(str::to_owned)));
        self.dirty.extend(self.memory.changed_phase(now));
        let late: Vec<String> = self
            .late_namespaces()
            .filter(|(_, late)| *late <= now)
            .map(|(solution, _)| solution.to_owned())
            .collect();
        self.dirty.extend(late);
    }

    pub(super) fn all_dirty(&mut self) {
        self.dirty.extend(self.memory.names().map(str::to_owned));
        self.dirty.extend(self.cluster.observed().solutions.keys().cloned());
    }
}

/// One line a step; a refusal that is no `news` was told before.
fn log_outcome(solution: &str, step: &Step, outcome: &Outcome, news: bool) {
    let key = step.key();
    match outcome {
        Outcome::Applied { created: true } => tracing::info!(solution, %key, "created"),
        Outcome::Applied { created: false } => match step {
            Step::Apply { why: plan::Why::Repair { fields, manager }, .. } => {
                tracing::info!(solution, %key, fields = fields.join(" "), manager, "repaired");
            }
            Step::ForceActivation { on, .. } => {
                tracing::info!(solution, %key, on, "woken to be verified");
            }
            Step::Verified { result, .. } => tracing::info!(solution, %key, ?result, "verified"),
            _ => tracing::info!(solution, %key, "applied"),
        },
        Outcome::Deleted => tracing::info!(solution, %key, "deleted"),
        Outcome::Gone | Outcome::Surveyed => tracing::debug!(solution, %key, ?outcome, "done"),
        Outcome::Changed => tracing::debug!(solution, %key, "changed meanwhile, deciding again"),
        Outcome::Rejected(r) if !news => {
            tracing::debug!(solution, %key, code = r.code, "refused again: {}", r.message);
        }
        Outcome::Rejected(r) => {
            tracing::warn!(solution, %key, code = r.code, reason = r.reason, "refused: {}", r.message);
        }
        Outcome::Unavailable { cause, .. } => tracing::warn!(solution, %key, "not done: {cause}"),
    }
}
