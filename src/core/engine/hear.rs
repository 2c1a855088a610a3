//! What arrives. Each event says which solutions have to be thought about.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::book::Coming;
use super::desk::Errand;
use super::event::{Answer, Event, Refusal, Reply, Repository};
use super::happened::Happened;
use super::ledger::Ledger;
use super::sight::{Batch, Touched};
use super::{Engine, Now, OrderId};
use crate::catalog::Catalog;
use crate::catalog::snapshot::Unknown;
use crate::model::{ClaimedName, SolutionName};
use crate::plan::Outcome;
use crate::plan::Step;
use crate::plan::observed::Record;

/// The pause before work is given out again that was lost.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl Engine {
    pub(super) fn take_in(&mut self, event: Event, now: Now) {
        let mut batch = Batch::default();
        match self.sight.take(event, &mut batch) {
            Some(Event::Repository(news)) => self.take_news(news, now),
            Some(Event::Said(said)) => self.sight.said(said, self.steady.at(now), &mut batch),
            Some(Event::Hint) => {
                self.failures.at_once(self.steady.at(now));
                self.visit = true;
                self.all_dirty();
            }
            Some(Event::Knock) => self.visit = true,
            Some(Event::Answered(id, answer)) => self.take_answer(id, answer, &mut batch, now),
            Some(Event::Lost(id)) => self.lose(id, now),
            // `sight` took it.
            None
            | Some(
                Event::Watched(..) | Event::Defined(..) | Event::Trouble(..) | Event::Lease(..),
            ) => {}
        }
        self.unread.extend(std::mem::take(&mut batch.read));
        self.touch(batch.finish());
        self.behind |= self.sight.is_troubled_anew();
        let steady = self.steady.at(now);
        for (what, problem) in self.sight.turns() {
            self.happened.extend(self.outage.turn(what, problem, steady));
        }
        let (news, changed) = self.outage.hear(self.sight.silence(), now.wall);
        self.happened.extend(news);
        if changed {
            self.behind = true;
            self.all_dirty();
        }
        for (kind, objects) in self.sight.differed() {
            self.happened.push(Happened::Differed { kind, objects });
        }
        self.forget_what_is_gone(now);
    }

    fn touch(&mut self, touched: Vec<Touched>) {
        for touched in touched {
            match touched {
                Touched::Solution(name) => {
                    self.dirty.insert(name.into());
                }
                Touched::Namespace(namespace) => {
                    if let Some(name) = SolutionName::of_namespace(&namespace) {
                        self.dirty.insert(name.into());
                    }
                }
                Touched::Kind(..) | Touched::Approvals | Touched::Record => self.all_dirty(),
                Touched::Definition(kind) => {
                    self.checkup.stir();
                    self.dirty.extend(self.failures.of_kind(kind).map(ClaimedName::from));
                }
            }
        }
    }

    /// News from the repository.
    fn take_news(&mut self, news: Repository, now: Now) {
        match news {
            Repository::Commit(commit) => {
                self.book.expect(Coming { commit: *commit, instead_of: None });
            }
            Repository::Kept(commit, unknown) => {
                self.book.expect(Coming { commit: *commit, instead_of: Some(unknown) });
            }
            Repository::Same => {
                if !std::mem::replace(&mut self.book.heard, true) {
                    self.all_dirty(); // from now on something may be deleted
                }
                if let Some(unknown) = self.book.unknown.take() {
                    self.happened.push(Happened::Readable { since: unknown.since });
                    self.all_dirty();
                }
            }
            Repository::Unknown(unknown) => {
                let before = self.book.unknown.as_ref();
                let since = before.map_or(unknown.since, |first| first.since);
                let again = before.is_some();
                self.happened.push(Happened::Unreadable { cause: unknown.cause.clone(), again });
                self.book.unknown = Some(Unknown { since, cause: unknown.cause });
                self.all_dirty();
            }
        }
        self.previews.knock(self.steady.at(now));
        if let Some(coming) = self.book.like_now() {
            self.take_commit(coming, None, now);
        }
        self.behind = true;
        self.checked(now);
    }

    fn take_answer(&mut self, id: OrderId, answer: Answer, batch: &mut Batch, now: Now) {
        let Some(errand) = self.desk.take(id) else { return };
        match (errand, answer) {
            (Errand::Step { solution, step, sent_at }, Answer::Step(outcome, written)) => {
                self.sight.done(&solution, &step, written, sent_at, batch);
                self.finish(solution, step, outcome, now);
            }
            (Errand::Record { applied, complete, removals }, Answer::Recorded(written)) => {
                if let Ok(version) = &written {
                    let (applied, root) = (applied.clone(), self.settings.repository.path.clone());
                    let record =
                        Record::Kept { applied: Some(applied), root: Some(root), removals };
                    self.sight.recorded(record, version);
                }
                let written = written.map(drop);
                let before = self.brake.trouble.clone();
                let steady = self.steady.at(now);
                let waited = self.brake.recorded_as(applied, complete, written, steady);
                if before != self.brake.trouble {
                    self.happened.push(Happened::Lease(self.brake.trouble.clone()));
                    self.behind = true;
                }
                self.dirty.extend(waited.into_iter().map(ClaimedName::from));
            }
            (Errand::Lease, Answer::Lease(record, version)) => {
                self.brake.reread(&record);
                self.sight.record(record, version.as_deref(), batch);
            }
            (Errand::Approval(name), Answer::Approval(approval)) => {
                self.sight.approval(name, approval, batch);
            }
            (Errand::Post(list), Answer::Posted(written)) => {
                if written.is_ok() {
                    self.sight.post(list);
                }
                self.posted(written, now);
            }
            (Errand::Ask, Answer::Facts(looks)) => self.checkup.learn(looks),
            (Errand::Note, Answer::Noted(written)) => {
                let written = written.map_err(|unknown| unknown.cause);
                let before = self.ledger.trouble.clone();
                self.ledger.noted(written, self.steady.at(now));
                if before != self.ledger.trouble {
                    self.happened.push(Happened::Notes(self.ledger.trouble.clone()));
                    self.behind = true;
                }
            }
            (Errand::Tell(commit), Answer::Told(reply)) => {
                self.of_forge(now, |ledger, steady| ledger.told(&commit, reply, steady));
            }
            (Errand::Lines(commit), Answer::Has(reply)) => {
                self.of_forge(now, |ledger, steady| ledger.has(&commit, reply, steady));
            }
            (Errand::Previews, answer) => self.of_previews(answer, now),
            (Errand::Judge(revision), Answer::Judged(catalog)) => {
                if let Some(coming) = self.book.arrived(&revision) {
                    self.take_commit(coming, Some(*catalog), now);
                }
            }
            (Errand::Render(_), Answer::Rendered(mut rendered)) => {
                rendered.iter_mut().for_each(|one| self.sight.share(&mut one.outline));
                let names = self.book.rendered(rendered);
                self.dirty.extend(names.into_iter().map(ClaimedName::from));
                self.after_forms();
            }
            // An answer to something else is no answer.
            (errand, _) => self.give_up(errand, now),
        }
    }

    /// The forge answered.
    fn of_forge(&mut self, now: Now, take: impl FnOnce(&mut Ledger, Timestamp)) {
        let before = self.ledger.forge_trouble().cloned();
        take(&mut self.ledger, self.steady.at(now));
        let trouble = self.ledger.forge_trouble().cloned();
        if before != trouble {
            self.happened.push(Happened::Forge(trouble));
            self.behind = true;
        }
    }

    fn posted(&mut self, written: Result<(), String>, now: Now) {
        let before = self.posting.trouble.clone();
        self.posting.done(written, self.steady.at(now));
        if before != self.posting.trouble {
            self.happened.push(Happened::Posting(self.posting.trouble.clone()));
            self.behind = true;
        }
    }

    /// Nobody will answer an order any more.
    pub(super) fn lose(&mut self, id: OrderId, now: Now) {
        if let Some(errand) = self.desk.take(id) {
            self.give_up(errand, now);
        }
    }

    fn give_up(&mut self, errand: Errand, now: Now) {
        let cause = || "nobody answered".to_owned();
        let what = match errand {
            Errand::Step { solution, step, .. } => {
                self.sight.observed.in_flight.remove(&step.key());
                let outcome = Outcome::Unavailable { cause: cause().into(), retry_after: None };
                self.finish(solution, step, outcome, now);
                "a step"
            }
            Errand::Record { applied, complete, .. } => {
                let steady = self.steady.at(now);
                let waited = self.brake.recorded_as(applied, complete, Err(cause()), steady);
                self.dirty.extend(waited.into_iter().map(ClaimedName::from));
                "the Lease"
            }
            Errand::Lease => {
                self.reread = true;
                "a look at the Lease"
            }
            Errand::Approval(name) => {
                self.unread.insert(name);
                "an approval"
            }
            Errand::Post(_) => {
                self.posted(Err(cause()), now);
                "the list of what is held"
            }
            Errand::Ask => {
                self.checkup.lost();
                "a look at the platform"
            }
            Errand::Note => {
                self.ledger.noted(Err(cause()), self.steady.at(now));
                "notes"
            }
            Errand::Tell(commit) => {
                let reply = Reply { result: Err(Refusal::Unsure(cause())), left: None };
                self.of_forge(now, |ledger, steady| ledger.told(&commit, reply, steady));
                "a status"
            }
            Errand::Lines(commit) => {
                let reply = Reply { result: Err(Refusal::Unsure(cause())), left: None };
                self.of_forge(now, |ledger, steady| ledger.has(&commit, reply, steady));
                "a look at the statuses"
            }
            Errand::Previews => {
                self.previews.lost(self.steady.at(now));
                "something for a pull request"
            }
            Errand::Judge(_) => {
                self.work_at = Some(self.steady.at(now) + AGAIN);
                "a judgement"
            }
            Errand::Render(forms) => {
                self.book.not_rendered(&forms);
                self.work_at = Some(self.steady.at(now) + AGAIN);
                "a rendering"
            }
        };
        self.happened.push(Happened::Lost(what));
    }

    /// A commit was judged: find out what it touches. `catalog`: what it says, if that is not what
    /// the one in force says.
    fn take_commit(&mut self, coming: Coming, catalog: Option<Catalog>, now: Now) {
        let Coming { commit, instead_of } = coming;
        let (count, head) = (commit.snapshot.folders.len(), commit.snapshot.revision.clone());
        self.happened.push(Happened::Read { revision: head.clone(), folders: count });
        let said = catalog.as_ref().or(self.book.catalog());
        for fault in said.and_then(|said| said.platform.as_ref().err()).into_iter().flatten() {
            self.happened.push(Happened::Platform(fault.to_string()));
        }
        if let Some(unknown) = self.book.unknown.take() {
            self.happened.push(Happened::Readable { since: unknown.since });
            self.all_dirty(); // also those whose folder is as it was say Unknown
        }
        let could_delete = self.book.heard && self.brake.is_compared();
        match instead_of {
            None => self.book.heard = true,
            Some(unknown) => {
                let cause = unknown.cause.clone();
                self.happened.push(Happened::FromMirror { revision: head.clone(), cause });
                self.book.unknown = Some(unknown);
            }
        }
        let again = self.book.revision().is_some_and(|before| *before != head);
        self.brake.take_commit(&head, commit.errand, commit.changes.rewritten);
        let rows = &self.rows;
        self.ledger.pass(&head, |name| rows.verdict(name.as_str()).is_some());
        let folders = commit.changes.commits.iter().flat_map(|change| &change.folders);
        let folders: BTreeSet<String> = folders.cloned().collect();
        self.ledger.take_commit(&commit.changes, commit.records, &commit.lost, again);
        if let Some(noted) = commit.noted {
            self.ledger.load(noted, &commit.lost);
        }
        self.failures.new_revision(self.steady.at(now));
        let touched = match catalog {
            Some(catalog) => self.book.take(catalog, &folders, now.wall),
            None => Some(self.book.go_on(head, &folders)),
        };
        let can_delete = self.book.heard && self.brake.is_compared();
        if touched.is_none() || can_delete != could_delete {
            // Also what the cluster told before there was a catalogue to hold it against, and what
            // waits until something may be deleted.
            self.all_dirty();
        }
        self.dirty.extend(touched.into_iter().flatten());
        self.behind = true;
    }

    fn finish(&mut self, solution: SolutionName, step: Step, outcome: Outcome, now: Now) {
        if let Step::Delete { key, .. } = &step
            && outcome == Outcome::Changed
        {
            // The survey may be as old as the event: look again.
            self.sight.observed.surveys.remove(&key.name);
        }
        let (observed, steady) = (&self.sight.observed, self.steady.at(now));
        let news = self.failures.learn(&step, outcome.clone(), observed, steady);
        self.dirty.insert(ClaimedName::from(&solution));
        self.happened.push(Happened::Step { solution, step, outcome, news });
    }

    /// Forms came: when all are there, whoever waits to delete is thought about again.
    fn after_forms(&mut self) {
        if self.book.is_complete() {
            self.dirty.extend(self.brake.concerned().map(ClaimedName::from));
            self.dirty.extend(self.removing().map(ClaimedName::from).collect::<Vec<_>>());
        }
    }

    /// Deadlines that passed: look again at whatever waits for the clock.
    pub(super) fn wake(&mut self, now: Now) {
        let steady = self.steady.at(now);
        let mut batch = Batch::default();
        self.sight.forget_said(steady, &mut batch);
        self.touch(batch.finish());
        self.dirty.extend(self.failures.ring(steady).into_iter().map(ClaimedName::from));
        if self.rollouts.expire(steady) {
            self.dirty.extend(self.rollouts.queued().map(ClaimedName::from));
        }
        self.dirty.extend(self.trials.ring(steady).into_iter().map(ClaimedName::from));
        if self.trials.give_way(steady) {
            self.dirty.extend(self.rows.queued().map(ClaimedName::from));
        }
        self.dirty.extend(self.patience.ring(steady));
        self.dirty.extend(self.nudges.ring(steady).into_iter().map(ClaimedName::from));
        let changed = self.book.changed_phase(now.wall);
        self.dirty.extend(changed.into_iter().map(ClaimedName::from));
        if self.removal_look.is_none_or(|at| at <= steady) {
            let removing: Vec<ClaimedName> = self.removing().map(ClaimedName::from).collect();
            self.removal_look = (!removing.is_empty()).then(|| steady + super::REMOVAL_LOOK);
            self.dirty.extend(removing);
        }
        let late: Vec<SolutionName> = self
            .late_namespaces()
            .filter(|(name, late)| *late <= now.wall && !self.late.contains(name))
            .map(|(name, _)| name)
            .collect();
        self.dirty.extend(late.iter().map(ClaimedName::from));
        let leaving: BTreeSet<SolutionName> =
            self.late_namespaces().map(|(name, _)| name).collect();
        self.late.retain(|name| leaving.contains(name)); // it may leave again
        self.late.extend(late);
    }
}
