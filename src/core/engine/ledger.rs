//! The ledger: which line belongs on which commit, and what each sink has of it already: the notes,
//! and a forge.

mod blocks;
mod contact;
mod doubts;
mod forge;
mod history;
mod marks;
mod merged;
mod pace;
mod plain;
mod sink;
mod turn;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::event::Reply;
use crate::config::Config;
use crate::ledger::{self, History};
use crate::model::{ClaimedName, InstanceName, Revision};
use crate::status::{CommitStatus, Gone, Verdict};
use doubts::Doubts;
pub(super) use forge::Call;
use forge::Forge;
use plain::Plain;
use sink::{Sink, is_pending};

/// How long work may last before its commit is called pending.
const SHORT_WORK: SignedDuration = SignedDuration::from_secs(5);
/// How long notes that could not be written wait.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How long the notes wait for a forge that is being told the same. They are what a successor
/// knows the forge by, so they come after it.
const AFTER_FORGE: SignedDuration = SignedDuration::from_secs(3);

/// With fewer commits than this, what stands on them is not looked through.
const FORGET_AT: usize = 128;

/// Lines by the commit that they are for.
type Lines = BTreeMap<Revision, Vec<CommitStatus>>;

/// What is to be said now.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Lines that the notes lack.
    pub notes: Option<Lines>,
    /// Requests to the forge.
    pub forge: Vec<Call>,
}

/// What belongs on the commits.
pub(super) struct Ledger {
    instance: InstanceName,
    history: History,
    /// The commit that last changed each folder, as the reader told it last.
    records: Option<Arc<BTreeMap<String, Revision>>>,
    /// The commits that changed no folder.
    plain: Plain,
    /// Names of which a word may be owed.
    pub doubts: Doubts,
    /// Whether something changed that a sink may not have yet.
    behind: bool,
    /// Whether notes are written.
    notes_on: bool,
    notes: Sink,
    /// The lines of the order that is out.
    under_way: Option<Lines>,
    forge: Option<Forge>,
    /// The lines on the heads of pull requests: the forge's alone.
    heads: Lines,
    /// Since when notes wait for the forge.
    held_since: Option<Timestamp>,
    /// Since when something is pending, so that short work leaves no pending line.
    pending_since: Option<Timestamp>,
    /// When the sinks have to be looked at although nothing changed.
    look_at: Option<Timestamp>,
    /// With how many commits some are forgotten.
    forget_at: usize,
    /// Whether each is forgotten at once.
    narrow: bool,
    /// Whether the history became another one since what it leaves behind was forgotten.
    moved: bool,
    /// Not before, because the notes could not be written.
    not_before: Option<Timestamp>,
    /// Why the notes could not be written.
    pub trouble: Option<String>,
}

impl Ledger {
    pub fn new(instance: InstanceName, settings: &Config) -> Self {
        let board = settings.web.public_url.clone();
        let forge = settings.forge.clone().map(|forge| Forge::new(instance.clone(), forge, board));
        Self {
            instance,
            history: History::default(),
            records: None,
            plain: Plain::default(),
            doubts: Doubts::default(),
            behind: true,
            notes_on: settings.notes,
            notes: Sink::default(),
            under_way: None,
            forge,
            heads: BTreeMap::new(),
            held_since: None,
            pending_since: None,
            look_at: None,
            forget_at: FORGET_AT,
            narrow: false,
            moved: false,
            not_before: None,
            trouble: None,
        }
    }

    /// Forgets at once what stands on commits that nobody looks at any more.
    #[cfg(any(test, feature = "samples"))]
    pub fn narrow(&mut self) {
        (self.forget_at, self.narrow) = (0, true);
    }

    /// Whether a status that is not pending stands on this commit in every sink, of a solution or
    /// of the whole. Where nothing is written, nothing waits for it.
    fn has_last_word(&self, commit: &Revision, name: Option<&ClaimedName>) -> bool {
        let context = ledger::context(&self.instance, name);
        let noted = !self.notes_on || self.notes.has_last_word(commit, &context);
        noted && self.forge.as_ref().is_none_or(|forge| forge.has_last_word(commit, &context))
    }

    /// The commit that last changed a name's folder.
    pub fn record(&self, name: &ClaimedName) -> Option<&Revision> {
        self.history.records.get(name)
    }

    /// A name left the catalogue and has nothing on the cluster any more.
    pub fn removed(&mut self, name: &ClaimedName, gone: Gone) {
        self.doubts.settle(name);
        self.history.removed.insert(name.clone(), gone);
        self.changed(name);
    }

    /// A verdict changed.
    pub fn changed(&mut self, name: &ClaimedName) {
        if let Some(commit) = self.history.records.get(name) {
            self.history.done.remove(commit);
        }
        self.behind = true;
    }

    /// What the sinks lack, if it is time to say some of it. `open`: the repository can be read.
    pub fn words(
        &mut self,
        verdicts: &BTreeMap<ClaimedName, Arc<Verdict>>,
        open: bool,
        now: Timestamp,
    ) -> Words {
        self.behind = false;
        self.look_at = None;
        self.not_before = self.not_before.filter(|at| *at > now);
        let notes = self.notes_on && open && self.under_way.is_none();
        if !notes && self.forge.is_none() {
            return Words::default(); // what ends each of these is an event
        }
        let mut wanted = ledger::statuses(&self.instance, verdicts, &self.history);
        if self.notes_on {
            // What the notes said to the end is also what the forge is told, however late.
            for (commit, statuses) in &mut wanted {
                statuses
                    .iter_mut()
                    .for_each(|status| self.notes.keep_the_last_word(commit, status));
            }
        }
        let mut told = self.forge.as_ref().map(|forge| forge.lines(&wanted)).unwrap_or_default();
        if let Some(forge) = &mut self.forge {
            forge.add(&self.heads, &mut told);
        }
        let pending = (notes && wanted.values().flatten().any(is_pending))
            || self.forge.as_ref().is_some_and(|forge| forge.pends(&told));
        self.pending_since = pending.then(|| self.pending_since.unwrap_or(now));
        self.look_at = self.pending_since.map(|since| since + SHORT_WORK).filter(|at| *at > now);
        let brief = self.look_at.is_some();
        self.forget_the_rest();
        let calls = match &mut self.forge {
            Some(forge) => forge.calls(told, self.notes_on.then_some(&self.notes), brief, now),
            None => Vec::new(),
        };
        self.finish(&wanted);
        let lines = if notes { self.for_notes(wanted, brief, now) } else { None };
        Words { notes: lines, forge: calls }
    }

    /// Notes of which commits all was said.
    fn finish(&mut self, wanted: &Lines) {
        let History { head, passed, .. } = &self.history;
        let said = |commit: &Revision, status: &CommitStatus| {
            let noted = !self.notes_on || self.notes.line(commit, &status.context) == Some(status);
            noted && !is_pending(status)
        };
        let done = wanted.iter().filter(|(commit, statuses)| {
            head.as_ref() != Some(commit)
                && !passed.contains(*commit)
                && self.forge.as_ref().is_none_or(|forge| !forge.lacks(commit))
                && statuses.iter().all(|status| said(commit, status))
        });
        let done: Vec<Revision> = done.map(|(commit, _)| commit.clone()).collect();
        self.history.done.extend(done);
    }

    /// The lines that the notes lack, if they may be written now.
    fn for_notes(&mut self, mut lines: Lines, brief: bool, now: Timestamp) -> Option<Lines> {
        if self.not_before.is_some() {
            return None;
        }
        if brief {
            for statuses in lines.values_mut() {
                statuses.retain(|status| !is_pending(status));
            }
        }
        marks::add(&self.instance, &self.notes, self.forge.as_ref(), &mut lines);
        lines.retain(|commit, statuses| {
            let known = |s: &CommitStatus| self.notes.line(commit, &s.context) == Some(s);
            !statuses.iter().all(known)
        });
        self.wait_for_the_forge(&mut lines, now);
        if lines.is_empty() {
            return None;
        }
        self.under_way = Some(lines.clone());
        Some(lines)
    }

    /// Leaves out what the forge is just being told, for a while.
    fn wait_for_the_forge(&mut self, lines: &mut Lines, now: Timestamp) {
        let Some(forge) = &self.forge else { return };
        let waits = |commit: &Revision| forge.is_telling(commit);
        if !lines.keys().any(waits) {
            self.held_since = None;
            return;
        }
        let until = *self.held_since.get_or_insert(now) + AFTER_FORGE;
        if until > now {
            lines.retain(|commit, _| !waits(commit));
            self.look_at = Some(self.look_at.map_or(until, |at| at.min(until)));
        }
    }

    /// Forgets what stands on commits that nobody looks at any more; also of those of which nothing
    /// can be said just now, what stands there still counts. Whoever looks at all of them does so
    /// when there are twice as many as need be, so that a commit does not cost as much as there are.
    fn forget_the_rest(&mut self) {
        let forge = self.forge.as_ref().map_or(0, |forge| forge.sink.written().len());
        if !self.moved || self.notes.written().len().max(forge) < self.forget_at {
            return;
        }
        self.moved = false;
        let mut concerned = self.history.commits();
        concerned.extend(self.heads.keys().cloned());
        self.history.done.retain(|commit| concerned.contains(commit));
        self.notes.retain(&concerned);
        if let Some(forge) = &mut self.forge {
            forge.retain(&concerned);
        }
        self.forget_at = if self.narrow { 0 } else { FORGET_AT.max(2 * concerned.len()) };
    }

    /// The notes were written, or not.
    pub fn noted(&mut self, written: Result<(), String>, now: Timestamp) {
        let lines = self.under_way.take().unwrap_or_default();
        match written {
            Ok(()) => {
                for (commit, statuses) in lines {
                    statuses.into_iter().for_each(|status| self.notes.set(&commit, status));
                }
                self.trouble = None;
            }
            Err(cause) => {
                self.notes.tries(&lines);
                self.not_before = Some(now + AGAIN);
                self.trouble = Some(cause);
            }
        }
        self.behind = true;
    }

    /// A status was posted at the forge, or not.
    pub fn told(&mut self, commit: &Revision, reply: Reply<()>, now: Timestamp) {
        if let Some(forge) = &mut self.forge {
            forge.told(commit, reply, now);
        }
        self.behind = true;
    }

    /// What stands on a commit at the forge was read, or not.
    pub fn has(&mut self, commit: &Revision, reply: Reply<Vec<CommitStatus>>, now: Timestamp) {
        if let Some(forge) = &mut self.forge {
            forge.has(commit, reply, now);
        }
        self.behind = true;
    }

    /// The lines on the heads of pull requests, as they should be.
    pub fn heads(&mut self, heads: Lines) {
        if self.heads != heads {
            self.behind = true;
            self.moved = true;
            self.heads = heads;
        }
    }

    /// Whether the forge takes a write now that is no status; then it counts as sent.
    pub fn may_write(&mut self, now: Timestamp) -> bool {
        self.forge.as_mut().is_some_and(|forge| forge.may_write(now))
    }

    /// The forge answered such a write.
    pub fn heed<T>(&mut self, reply: &Reply<T>, now: Timestamp) {
        if let Some(forge) = &mut self.forge {
            forge.heed_other(reply, now);
        }
    }

    /// Why the forge cannot be told anything.
    pub fn forge_trouble(&self) -> Option<&String> {
        self.forge.as_ref()?.trouble()
    }

    /// Everything is said, and nothing of it is pending.
    pub fn is_quiet(&self) -> bool {
        let told = self.forge.as_ref().is_none_or(Forge::is_quiet);
        !self.behind && self.under_way.is_none() && self.pending_since.is_none() && told
    }

    /// Whether something changed that was not looked at yet.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether there may be something to say now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.behind || self.deadline().is_some_and(|at| at <= now)
    }

    /// When something has to be said although nothing happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        let forge = self.forge.as_ref().and_then(Forge::deadline);
        self.look_at.into_iter().chain(self.not_before).chain(forge).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::{Change, Changes};
    use crate::engine::event::Refusal;
    use crate::status::{Cause, CommitState, Health, Stage, Sync, sample};

    type Verdicts = BTreeMap<ClaimedName, Arc<Verdict>>;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn ledger() -> Ledger {
        Ledger::new(InstanceName::parse("prod").unwrap(), &Config::sample())
    }

    /// A commit of the folder `use`, as the new head.
    fn take(ledger: &mut Ledger, digit: char) {
        ledger.pass(&commit(digit), |_| true);
        let folders = ["use".to_owned()].into();
        let commits = vec![Change { revision: commit(digit), folders, platform: false }];
        ledger.take_commit(
            &Changes { commits, rewritten: false },
            BTreeMap::new().into(),
            &BTreeSet::new(),
            true,
        );
    }

    fn verdicts(sync: Sync) -> Verdicts {
        let name = ClaimedName::of("use");
        let good = sample::board().verdicts[2].clone();
        [(name, Arc::new(Verdict { sync, ..good }))].into()
    }

    /// The states that are to be written, by the last digit of the commit and the context.
    fn lacking(
        ledger: &mut Ledger,
        verdicts: &Verdicts,
        now: i64,
    ) -> Vec<(char, String, CommitState)> {
        let lines = ledger.words(verdicts, true, at(now)).notes.unwrap_or_default();
        let line = |commit: &Revision, status: CommitStatus| {
            (commit.as_str().chars().next().unwrap(), status.context, status.state)
        };
        lines
            .into_iter()
            .flat_map(|(commit, all)| {
                all.into_iter().map(move |s| line(&commit, s)).collect::<Vec<_>>()
            })
            .collect()
    }

    const WHOLE: &str = "vitrine/prod";
    const USE: &str = "vitrine/prod/use";

    fn told(digit: char, context: &str, state: CommitState) -> (char, String, CommitState) {
        (digit, context.to_owned(), state)
    }

    #[test]
    fn what_was_written_is_not_written_again() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        let both = [told('a', WHOLE, CommitState::Success), told('a', USE, CommitState::Success)];
        let mut first = lacking(&mut ledger, &good, 0);
        first.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(first, both);
        assert!(lacking(&mut ledger, &good, 0).is_empty(), "while the order is out");
        assert!(!ledger.is_quiet());
        ledger.noted(Ok(()), at(1));
        assert!(lacking(&mut ledger, &good, 1).is_empty());
        assert!(ledger.is_quiet());
    }

    #[test]
    fn what_was_said_of_an_older_commit_is_looked_at_again_only_when_something_changed() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let mut verdicts = verdicts(Sync::Failed);
        assert!(lacking(&mut ledger, &verdicts, 0).contains(&told('a', USE, CommitState::Error)));
        ledger.noted(Ok(()), at(0));
        // The next commit changes nothing.
        ledger.pass(&commit('b'), |_| true);
        let nothing = Changes { commits: Vec::new(), rewritten: false };
        ledger.take_commit(&nothing, BTreeMap::new().into(), &BTreeSet::new(), true);
        lacking(&mut ledger, &verdicts, 1);
        ledger.noted(Ok(()), at(1));
        assert!(lacking(&mut ledger, &verdicts, 2).is_empty());
        assert!(ledger.history.done.contains(&commit('a')));
        assert!(!ledger.history.done.contains(&commit('b')), "the whole moves with each verdict");
        Arc::make_mut(verdicts.get_mut("use").unwrap()).sync = Sync::Synced;
        ledger.changed(&ClaimedName::of("use"));
        let lines = lacking(&mut ledger, &verdicts, 3);
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn work_that_is_short_leaves_no_pending_line() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let working = verdicts(Sync::Progressing);
        assert!(lacking(&mut ledger, &working, 0).is_empty());
        assert_eq!(ledger.deadline(), Some(at(5)));
        assert!(lacking(&mut ledger, &working, 4).is_empty());
        let late = lacking(&mut ledger, &working, 5);
        assert!(!late.is_empty() && late.iter().all(|(_, _, s)| *s == CommitState::Pending));
        assert!(!ledger.is_quiet(), "a last word is to come");
    }

    #[test]
    fn notes_that_cannot_be_written_are_tried_again_after_a_pause() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        assert!(!lacking(&mut ledger, &good, 0).is_empty());
        ledger.noted(Err("no".to_owned()), at(0));
        assert_eq!((ledger.trouble.as_deref(), ledger.deadline()), (Some("no"), Some(at(30))));
        assert!(lacking(&mut ledger, &good, 29).is_empty());
        assert!(ledger.is_due(at(30)));
        assert!(!lacking(&mut ledger, &good, 30).is_empty());
        ledger.noted(Ok(()), at(31));
        assert_eq!(ledger.trouble, None);
    }

    #[test]
    fn a_folder_that_changed_again_before_its_last_word_leaves_the_older_commit_one() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        take(&mut ledger, 'b');
        let lines = lacking(&mut ledger, &verdicts(Sync::Synced), 0);
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
        assert!(lines.contains(&told('a', WHOLE, CommitState::Success)), "{lines:?}");
        assert!(lines.contains(&told('b', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn a_line_that_is_pending_on_a_commit_that_the_branch_lost_gets_its_last_word() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        lacking(&mut ledger, &good, 0);
        ledger.noted(Ok(()), at(0));
        take(&mut ledger, 'b');
        let working = verdicts(Sync::Progressing);
        lacking(&mut ledger, &working, 1);
        assert!(lacking(&mut ledger, &working, 10).contains(&told('b', USE, CommitState::Pending)));
        ledger.noted(Ok(()), at(10));
        // The branch is where it was before, with a commit of something else.
        let back = |ledger: &mut Ledger, head: char| {
            ledger.pass(&commit(head), |_| true);
            let folders = ["other".to_owned()].into();
            let commits = vec![Change { revision: commit(head), folders, platform: false }];
            let records = [("use".to_owned(), commit('a')), ("other".to_owned(), commit(head))];
            ledger.take_commit(
                &Changes { commits, rewritten: true },
                BTreeMap::from(records).into(),
                &[commit('b')].into(),
                true,
            );
        };
        back(&mut ledger, 'c');
        let lines = lacking(&mut ledger, &good, 11);
        assert!(lines.contains(&told('b', USE, CommitState::Error)), "{lines:?}");
        assert!(lines.contains(&told('b', WHOLE, CommitState::Success)), "{lines:?}");
        ledger.noted(Ok(()), at(11));
        back(&mut ledger, 'd');
        let lines = lacking(&mut ledger, &good, 12);
        assert!(lines.iter().all(|(digit, ..)| *digit == 'd'), "once: {lines:?}");
        ledger.noted(Ok(()), at(12));
        // The branch has it again.
        take(&mut ledger, 'b');
        let lines = lacking(&mut ledger, &good, 13);
        assert!(lines.contains(&told('b', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn a_commit_that_left_the_branch_while_nobody_looked_is_not_called_applied() {
        let pending = CommitStatus {
            state: CommitState::Pending,
            context: USE.to_owned(),
            description: "Progressing".to_owned(),
            url: String::new(),
        };
        for (lost, state) in
            [(vec![commit('b')], CommitState::Error), (Vec::new(), CommitState::Success)]
        {
            let lost = lost.into_iter().collect();
            let mut ledger = ledger();
            ledger.pass(&commit('c'), |_| true);
            let records = BTreeMap::from([("use".to_owned(), commit('a'))]).into();
            let changes = Changes { commits: Vec::new(), rewritten: false };
            ledger.take_commit(&changes, records, &lost, false);
            ledger.load([(commit('b'), vec![pending.clone()])].into(), &lost);
            let lines = lacking(&mut ledger, &verdicts(Sync::Synced), 0);
            assert!(lines.contains(&told('b', USE, state)), "{lines:?}");
        }
        // The new head changes the same folder: it was not applied as part of that either.
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        take(&mut ledger, 'b');
        ledger.pass(&commit('c'), |_| true);
        let folders = ["use".to_owned()].into();
        let commits = vec![Change { revision: commit('c'), folders, platform: false }];
        let changes = Changes { commits, rewritten: true };
        ledger.take_commit(&changes, BTreeMap::new().into(), &[commit('b')].into(), true);
        let lines = lacking(&mut ledger, &verdicts(Sync::Synced), 0);
        assert!(lines.contains(&told('b', USE, CommitState::Error)), "{lines:?}");
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn a_line_left_pending_by_an_earlier_life_gets_its_last_word() {
        let mut ledger = ledger();
        let pending = |context: &str| CommitStatus {
            state: CommitState::Pending,
            context: context.to_owned(),
            description: "Progressing".to_owned(),
            url: String::new(),
        };
        ledger.load(
            [(commit('a'), vec![pending(WHOLE), pending(USE), pending("vitrine/other")])].into(),
            &BTreeSet::new(),
        );
        take(&mut ledger, 'b');
        let lines = lacking(&mut ledger, &verdicts(Sync::Synced), 0);
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
        assert!(lines.contains(&told('a', WHOLE, CommitState::Success)), "{lines:?}");
        assert!(lines.iter().all(|(_, context, _)| context != "vitrine/other"), "another's");
    }

    #[test]
    fn what_the_notes_say_already_is_known_from_the_start() {
        let good = verdicts(Sync::Synced);
        let mut before = ledger();
        take(&mut before, 'a');
        let noted = before.words(&good, true, at(0)).notes.unwrap();
        let mut ledger = ledger();
        ledger.load(noted, &BTreeSet::new());
        take(&mut ledger, 'a');
        assert!(lacking(&mut ledger, &good, 0).is_empty());
    }

    #[test]
    fn what_older_commits_say_is_known_also_when_they_come_to_count_later() {
        let good = CommitStatus {
            state: CommitState::Success,
            context: USE.to_owned(),
            description: "Synced: seen running".to_owned(),
            url: String::new(),
        };
        let noted: Lines = [(commit('a'), vec![good])].into();
        let mut ledger = ledger();
        let changed = |digit: char| {
            let folders = ["use".to_owned()].into();
            Change { revision: commit(digit), folders, platform: false }
        };
        // The head alone is read first; then the Lease tells from where history counts.
        ledger.narrow();
        for commits in [vec![changed('b')], vec![changed('a'), changed('b')]] {
            ledger.pass(&commit('b'), |_| true);
            let changes = Changes { commits, rewritten: false };
            ledger.take_commit(&changes, BTreeMap::new().into(), &BTreeSet::new(), false);
            ledger.load(noted.clone(), &BTreeSet::new());
            let lines = lacking(&mut ledger, &verdicts(Sync::Blocked), 0);
            assert!(lines.iter().all(|(on, ..)| *on != 'a'), "{lines:?}");
            ledger.noted(Ok(()), at(0));
        }
    }

    #[test]
    fn a_line_that_another_life_ended_meanwhile_is_ended() {
        let mut ledger = ledger();
        let line = |state| CommitStatus {
            state,
            context: USE.to_owned(),
            description: "of another life".to_owned(),
            url: String::new(),
        };
        take(&mut ledger, 'a');
        for state in [CommitState::Pending, CommitState::Success] {
            ledger.load([(commit('a'), vec![line(state)])].into(), &BTreeSet::new());
        }
        let lines = lacking(&mut ledger, &verdicts(Sync::Blocked), 0);
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn of_two_folders_with_one_last_name_the_one_that_was_changed_last_counts() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        take(&mut ledger, 'b');
        let folders = [("group/use".to_owned(), commit('b')), ("use".to_owned(), commit('a'))];
        let nothing = Changes { commits: Vec::new(), rewritten: false };
        ledger.take_commit(&nothing, BTreeMap::from(folders).into(), &BTreeSet::new(), true);
        assert_eq!(ledger.record(&ClaimedName::of("use")), Some(&commit('b')));
        let lines = lacking(&mut ledger, &verdicts(Sync::Synced), 2);
        assert!(lines.contains(&told('b', USE, CommitState::Success)), "{lines:?}");
    }

    #[test]
    fn what_stands_on_hundreds_of_old_commits_is_forgotten_with_notes_and_without() {
        let good = verdicts(Sync::Synced);
        for notes in [true, false] {
            let settings = Config {
                notes,
                forge: Some(crate::config::Forge::sample(true)),
                ..Config::sample()
            };
            let mut ledger = Ledger::new(InstanceName::parse("prod").unwrap(), &settings);
            let mut most = 0;
            for n in 0..500 {
                let head = Revision::parse(&format!("{n:040x}")).unwrap();
                ledger.pass(&head, |_| true);
                let words = ledger.words(&good, true, at(n * 60));
                if words.notes.is_some() {
                    ledger.noted(Ok(()), at(n * 60));
                }
                for call in words.forge {
                    let well = Reply { result: Ok(()), left: None };
                    match call {
                        Call::Tell(commit, _) => ledger.told(&commit, well, at(n * 60)),
                        Call::Read(commit) => {
                            let nothing = Reply { result: Ok(Vec::new()), left: None };
                            ledger.has(&commit, nothing, at(n * 60));
                        }
                    }
                }
                let forge = ledger.forge.as_ref().unwrap().sink.written().len();
                most = most.max(ledger.notes.written().len()).max(forge);
            }
            assert!((100..=2 * FORGET_AT).contains(&most), "{most}");
        }
    }

    #[test]
    fn what_was_written_meanwhile_is_newer_than_what_was_read() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let starts = ledger.words(&verdicts(Sync::Progressing), true, at(0)).notes;
        assert!(starts.is_none(), "short work leaves no line");
        let read = ledger.words(&verdicts(Sync::Progressing), true, at(6)).notes.unwrap();
        ledger.noted(Ok(()), at(6));
        assert!(!lacking(&mut ledger, &verdicts(Sync::Synced), 7).is_empty());
        ledger.noted(Ok(()), at(7));
        take(&mut ledger, 'b');
        ledger.load(read, &BTreeSet::new());
        let lines = lacking(&mut ledger, &verdicts(Sync::Blocked), 8);
        assert!(lines.iter().all(|(on, ..)| *on != 'a'), "{lines:?}");
    }

    #[test]
    fn nothing_is_written_where_notes_are_off_or_the_repository_is_silent() {
        let good = verdicts(Sync::Synced);
        let settings = Config { notes: false, ..Config::sample() };
        let mut off = Ledger::new(InstanceName::parse("prod").unwrap(), &settings);
        take(&mut off, 'a');
        assert!(off.words(&good, true, at(0)).notes.is_none());
        assert!(off.is_quiet(), "nobody waits for them");
        let mut silent = ledger();
        take(&mut silent, 'a');
        assert!(silent.words(&good, false, at(0)).notes.is_none());
        assert!(!lacking(&mut silent, &good, 1).is_empty(), "once it answers");
    }

    #[test]
    fn a_solution_that_is_gone_says_so_on_the_commit_that_removed_it() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let urls = vec!["https://use.demo.example".to_owned()];
        let gone = Gone { objects: Some(14), urls };
        ledger.removed(&ClaimedName::of("use"), gone);
        let lines = ledger.words(&Verdicts::new(), true, at(0)).notes.unwrap();
        let line = lines[&commit('a')].iter().find(|line| line.context == USE).unwrap();
        let words = "removed: 14 objects, https://use.demo.example no longer answers";
        assert_eq!((line.state, &*line.description), (CommitState::Success, words));
    }

    #[test]
    fn what_was_said_to_the_end_stays_said_when_health_changes_later() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        assert_eq!(lacking(&mut ledger, &good, 0).len(), 2);
        ledger.noted(Ok(()), at(1));
        let with = |health: Health| {
            let mut verdicts = verdicts(Sync::Synced);
            verdicts.values_mut().for_each(|verdict| Arc::make_mut(verdict).health = Some(health));
            verdicts
        };
        // It crashes, is woken by a visitor, and the API server cannot be written to.
        for later in [with(Health::Degraded), with(Health::Progressing), verdicts(Sync::Blocked)] {
            assert_eq!(lacking(&mut ledger, &later, 100), []);
        }
        assert!(ledger.is_quiet());
        // A daemon that starts anew says the same.
        let mut again = self::ledger();
        let said = ledger.notes.written().clone();
        let said = said.into_iter().map(|(c, all)| (c, all.into_values().collect()));
        again.load(said.collect(), &BTreeSet::new());
        take(&mut again, 'a');
        assert_eq!(lacking(&mut again, &with(Health::Degraded), 200), []);
        // The next commit is another matter, and so is the same one after the branch came back.
        take(&mut ledger, 'b');
        let states = |lines: Vec<(char, String, CommitState)>| {
            lines.into_iter().map(|(digit, _, state)| (digit, state)).collect::<BTreeSet<_>>()
        };
        let broken = with(Health::Degraded);
        let state = match broken.values().next().unwrap().party {
            crate::model::Party::Author => CommitState::Failure,
            _ => CommitState::Error,
        };
        assert_eq!(states(lacking(&mut ledger, &broken, 300)), [('b', state)].into());
        ledger.noted(Ok(()), at(301));
        take(&mut ledger, 'a');
        assert!(states(lacking(&mut ledger, &broken, 400)).contains(&('a', state)));
        ledger.noted(Ok(()), at(401));
        // The reader tells a history anew that it told before.
        let mut ledger = self::ledger();
        let both = |digits: &str| -> Vec<Change> {
            let folders = || ["use".to_owned()].into();
            let change =
                |digit| Change { revision: commit(digit), folders: folders(), platform: false };
            digits.chars().map(change).collect()
        };
        ledger.pass(&commit('b'), |_| true);
        for _ in 0..2 {
            let changes = Changes { commits: both("ab"), rewritten: false };
            ledger.take_commit(&changes, BTreeMap::new().into(), &BTreeSet::new(), true);
            lacking(&mut ledger, &good, 500);
            ledger.noted(Ok(()), at(501));
        }
        assert_eq!(lacking(&mut ledger, &broken, 600), []);
        // Nobody knows whether it was written: it is written again, and means the same.
        let mut ledger = self::ledger();
        take(&mut ledger, 'a');
        lacking(&mut ledger, &good, 0);
        ledger.noted(Err("the answer broke off".to_owned()), at(1));
        let said = lacking(&mut ledger, &broken, 100);
        assert!(said.contains(&told('a', USE, CommitState::Success)), "{said:?}");
    }

    #[test]
    fn after_a_failure_only_that_all_is_well_is_news_and_a_hold_may_end() {
        use crate::model::Party::{Author, Operator};
        let table = [
            (Sync::Failed, Author, Sync::Failed, false),
            (Sync::Failed, Author, Sync::Blocked, false),
            (Sync::Failed, Author, Sync::Progressing, false),
            (Sync::Failed, Author, Sync::Synced, true),
            (Sync::Blocked, Operator, Sync::Failed, true),
            (Sync::Blocked, Operator, Sync::Blocked, true), // another list to approve
            (Sync::Blocked, Operator, Sync::Synced, true),
        ];
        for (first, party, then, is_news) in table {
            let with = |sync: Sync, words: &str| {
                let mut verdicts = verdicts(sync);
                for verdict in verdicts.values_mut().map(Arc::make_mut) {
                    verdict.party = party;
                    verdict.reason = Cause::Crashing.says(words);
                }
                verdicts
            };
            let mut ledger = ledger();
            take(&mut ledger, 'a');
            lacking(&mut ledger, &with(first, "something"), 0);
            ledger.noted(Ok(()), at(1));
            let said = !lacking(&mut ledger, &with(then, "something else"), 100).is_empty();
            assert_eq!(said, is_news, "{first:?}, then {then:?}");
        }
    }

    #[test]
    fn nothing_is_seen_running_before_it_runs() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        let mut starts = verdicts(Sync::Synced);
        for verdict in starts.values_mut().map(Arc::make_mut) {
            (verdict.health, verdict.stage) = (Some(Health::Progressing), Some(Stage::Queued));
            verdict.revision = Some(commit('a'));
        }
        assert_eq!(lacking(&mut ledger, &starts, 0), [], "short work leaves no line");
        let lines = ledger.words(&starts, true, at(6)).notes.unwrap();
        let lines: Vec<&CommitStatus> = lines.values().flatten().collect();
        assert!(lines.iter().all(|line| line.state == CommitState::Pending), "{lines:?}");
        assert!(
            lines.iter().any(|l| l.description == "Synced: applied, not yet seen running (Queued)"),
            "{lines:?}"
        );
    }

    fn with_forge(notes: bool) -> Ledger {
        let forge = Some(crate::config::Forge::sample(true));
        let settings = Config { notes, forge, ..Config::sample() };
        Ledger::new(InstanceName::parse("prod").unwrap(), &settings)
    }

    fn yes() -> Reply<()> {
        Reply { result: Ok(()), left: None }
    }

    fn unsure() -> Reply<()> {
        Reply { result: Err(Refusal::Unsure("nobody answers".to_owned())), left: None }
    }

    /// What is said now: contexts of the notes, and of the forge.
    fn says(ledger: &mut Ledger, verdicts: &Verdicts, now: i64) -> (Vec<String>, Vec<String>) {
        let words = ledger.words(verdicts, true, at(now));
        let notes = words.notes.unwrap_or_default();
        let context = |(commit, line): (&Revision, &CommitStatus)| {
            format!("{} {} {}", &commit.short()[..1], line.state.as_str(), line.context)
        };
        let notes = notes.iter().flat_map(|(c, all)| all.iter().map(move |line| (c, line)));
        let forge = words.forge.iter().map(|call| match call {
            Call::Tell(commit, line) => context((commit, line)),
            Call::Read(commit) => format!("read {}", &commit.short()[..1]),
        });
        (notes.map(context).collect(), forge.collect())
    }

    #[test]
    fn the_forge_is_told_first_and_the_notes_when_it_has_it_or_does_not_answer() {
        let mut ledger = with_forge(true);
        take(&mut ledger, '0');
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        let (notes, forge) = says(&mut ledger, &good, 0);
        assert_eq!((notes, forge.len()), (vec![], 2), "{forge:?}");
        assert!(!ledger.is_quiet());
        assert_eq!(ledger.deadline(), Some(at(3)));
        let mut notes = Vec::new();
        for _ in 0..6 {
            for digit in ['0', 'a'] {
                ledger.told(&commit(digit), yes(), at(1));
            }
            notes.extend(says(&mut ledger, &good, 1).0);
            if ledger.under_way.is_some() {
                ledger.noted(Ok(()), at(1));
            }
        }
        assert_eq!(notes.len(), 4, "what the forge has, and no mark: {notes:?}");
        assert_eq!(says(&mut ledger, &good, 1), (vec![], vec![]));
        assert!(ledger.is_quiet());
        // It does not answer: the notes wait for nobody, and remember what it lacks.
        take(&mut ledger, 'b');
        assert_eq!(says(&mut ledger, &good, 10).1.len(), 1);
        ledger.told(&commit('b'), unsure(), at(11));
        let (notes, forge) = says(&mut ledger, &good, 11);
        assert_eq!(forge, [""; 0]);
        let mark = "b pending vitrine/prod#forgejo";
        assert!(notes.iter().any(|line| line == mark), "{notes:?}");
        assert_eq!(notes.len(), 3);
        ledger.noted(Ok(()), at(11));
        assert_eq!(says(&mut ledger, &good, 11), (vec![], vec![]));
        assert!(!ledger.is_quiet(), "it may answer in a second");
        // It answers: what it had stored is read, the rest is told, and the mark goes.
        assert_eq!(says(&mut ledger, &good, 12).1, ["read b"]);
        let stands = ledger.notes.written()[&commit('b')][WHOLE].clone();
        ledger.has(&commit('b'), Reply { result: Ok(vec![stands]), left: None }, at(12));
        assert_eq!(
            says(&mut ledger, &good, 12),
            (vec![], vec!["b success vitrine/prod/use".into()])
        );
        ledger.told(&commit('b'), yes(), at(12));
        let notes = says(&mut ledger, &good, 12).0;
        assert_eq!(notes.last().unwrap(), "b success vitrine/prod#forgejo", "{notes:?}");
        ledger.noted(Ok(()), at(12));
        assert_eq!(says(&mut ledger, &good, 13), (vec![], vec![]));
    }

    #[test]
    fn a_mark_stays_while_nobody_can_say_how_a_solution_is() {
        let mut ledger = with_forge(true);
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        assert_eq!(says(&mut ledger, &good, 0).1, ["a success vitrine/prod"]);
        assert_eq!(says(&mut ledger, &good, 3).0.len(), 3, "two lines and the mark");
        ledger.noted(Ok(()), at(3));
        ledger.told(&commit('a'), yes(), at(3));
        // The API server is silent: of no solution anything is said, and one was not told yet.
        assert_eq!(says(&mut ledger, &verdicts(Sync::Unknown), 4), (vec![], vec![]));
        assert_eq!(says(&mut ledger, &good, 5).1, ["a success vitrine/prod/use"]);
        ledger.told(&commit('a'), yes(), at(5));
        let notes = says(&mut ledger, &good, 6).0;
        assert_eq!(notes.last().unwrap(), "a success vitrine/prod#forgejo", "{notes:?}");
    }

    #[test]
    fn a_forge_that_is_slow_holds_the_notes_up_for_three_seconds_and_no_longer() {
        let mut ledger = with_forge(true);
        take(&mut ledger, '0');
        take(&mut ledger, 'a');
        let good = verdicts(Sync::Synced);
        says(&mut ledger, &good, 0);
        assert_eq!(says(&mut ledger, &good, 2).0, [""; 0]);
        assert_eq!(says(&mut ledger, &good, 3).0.len(), 6, "four lines and two marks");
    }

    #[test]
    fn notes_of_one_commit_do_not_wait_for_another_that_is_being_told() {
        let mut ledger = with_forge(true);
        let digits = ['0', '1', '2', '3', '4', '5', '6', '7'];
        digits.into_iter().for_each(|digit| take(&mut ledger, digit));
        let good = verdicts(Sync::Synced);
        let mut noted = BTreeMap::new();
        for now in 0..8 {
            let words = ledger.words(&good, true, at(now));
            if let Some(lines) = words.notes {
                lines.keys().for_each(|commit| {
                    noted.entry(commit.clone()).or_insert(now);
                });
                ledger.noted(Ok(()), at(now));
            }
            // One commit a second is told everything.
            let digit = digits[usize::try_from(now).unwrap()];
            for _ in 0..3 {
                ledger.told(&commit(digit), yes(), at(now));
                ledger.words(&good, true, at(now));
                ledger.noted(Ok(()), at(now));
            }
        }
        assert_eq!(noted.len(), 8);
        assert!(noted.values().all(|now| *now <= 4), "{noted:?}");
    }

    #[test]
    fn a_branch_that_goes_back_to_a_commit_is_read_there_before_it_is_told() {
        let mut ledger = with_forge(true);
        let good = verdicts(Sync::Synced);
        take(&mut ledger, '0');
        take(&mut ledger, 'a');
        ledger.pass(&commit('0'), |_| true);
        let folders = ["use".to_owned()].into();
        let commits = vec![Change { revision: commit('0'), folders, platform: false }];
        let changes = Changes { commits, rewritten: true };
        let mut back = with_forge(true);
        back.pass(&commit('a'), |_| true);
        back.pass(&commit('0'), |_| true);
        back.take_commit(&changes, BTreeMap::new().into(), &[commit('a')].into(), true);
        let told = says(&mut back, &good, 0).1;
        assert!(told.iter().all(|call| call.starts_with("read")), "{told:?}");
    }

    #[test]
    fn the_mark_of_a_forge_that_nobody_tells_any_more_is_closed() {
        let mark = |kind: &str| CommitStatus {
            state: CommitState::Pending,
            context: format!("vitrine/prod#{kind}"),
            description: String::new(),
            url: String::new(),
        };
        let good = verdicts(Sync::Synced);
        for mut ledger in [ledger(), with_forge(true)] {
            ledger.pass(&commit('a'), |_| true);
            ledger.load([(commit('a'), vec![mark("gitlab")])].into(), &BTreeSet::new());
            take(&mut ledger, 'a');
            let mut notes = Vec::new();
            for now in 0..5 {
                let (noted, calls) = says(&mut ledger, &good, now);
                notes.extend(noted);
                for _ in calls {
                    let lines = Reply { result: Ok(Vec::new()), left: None };
                    ledger.has(&commit('a'), lines, at(now));
                    ledger.told(&commit('a'), yes(), at(now));
                }
                if ledger.under_way.is_some() {
                    ledger.noted(Ok(()), at(now));
                }
            }
            assert!(notes.contains(&"a success vitrine/prod#gitlab".to_owned()), "{notes:?}");
        }
    }

    #[test]
    fn a_successor_tells_the_forge_what_it_was_not_told_and_nothing_twice() {
        let good = verdicts(Sync::Synced);
        let life = |noted: Lines, stands: &Lines, digits: &str| {
            let mut ledger = with_forge(true);
            // All of them were made before it began.
            ledger.pass(&commit(digits.chars().last().unwrap()), |_| true);
            let folders = || ["use".to_owned()].into();
            let change = |d| Change { revision: commit(d), folders: folders(), platform: false };
            let commits = digits.chars().map(change).collect();
            let changes = Changes { commits, rewritten: false };
            ledger.take_commit(&changes, BTreeMap::new().into(), &BTreeSet::new(), false);
            ledger.load(noted, &BTreeSet::new());
            let mut told = Vec::new();
            for now in 0..20 {
                let words = ledger.words(&good, true, at(now));
                for call in words.forge {
                    match call {
                        Call::Tell(commit, line) => {
                            told.push(format!("{} {}", &commit.short()[..1], line.context));
                            ledger.told(&commit, yes(), at(now));
                        }
                        Call::Read(commit) => {
                            let lines = stands.get(&commit).cloned().unwrap_or_default();
                            ledger.has(&commit, Reply { result: Ok(lines), left: None }, at(now));
                        }
                    }
                }
                if words.notes.is_some() {
                    ledger.noted(Ok(()), at(now));
                }
            }
            (told, ledger)
        };
        let (told, first) = life(Lines::new(), &Lines::new(), "ab");
        assert_eq!(told.len(), 3, "{told:?}"); // a was overtaken, and never the head
        let written = first.notes.written().clone();
        let noted: Lines =
            written.into_iter().map(|(c, all)| (c, all.into_values().collect())).collect();
        // Everything stands there: nothing is told, whether the notes were read or not.
        let (told, _) = life(noted.clone(), &noted, "ab");
        assert_eq!(told, [""; 0]);
        let (told, _) = life(Lines::new(), &noted, "ab");
        assert_eq!(told, [""; 0]);
        // It ended while the forge was away: the notes have the mark.
        let mut owing = noted.clone();
        owing.get_mut(&commit('a')).unwrap().push(CommitStatus {
            state: CommitState::Pending,
            context: "vitrine/prod#forgejo".to_owned(),
            description: String::new(),
            url: String::new(),
        });
        let (told, _) =
            life(owing.clone(), &Lines::from([(commit('b'), noted[&commit('b')].clone())]), "ab");
        assert!(told.contains(&"a vitrine/prod/use".to_owned()), "{told:?}");
        assert!(told.iter().all(|line| line.starts_with('a')), "{told:?}");
        // Also where all of that is long past, and nothing of the history is told again.
        let head = Lines::from([(commit('b'), noted[&commit('b')].clone())]);
        let (told, _) = life(owing, &head, "b");
        assert_eq!(told, ["a vitrine/prod/use"]);
    }

    #[test]
    fn an_hour_without_the_forge_loses_nothing_and_tells_each_line_once() {
        let good = verdicts(Sync::Synced);
        let mut ledger = with_forge(true);
        take(&mut ledger, '0');
        let digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let mut rows: Vec<(Revision, CommitStatus)> = Vec::new();
        let mut noted: BTreeMap<(Revision, String), String> = BTreeMap::new();
        let mut back = None;
        for now in 0..4000_i64 {
            if now % 200 == 0
                && let Some(digit) = digits.get(usize::try_from(now / 200).unwrap())
            {
                take(&mut ledger, *digit);
            }
            let down = (10..3610).contains(&now);
            let words = ledger.words(&good, true, at(now));
            for call in words.forge {
                match call {
                    Call::Tell(commit, _) if down => ledger.told(&commit, unsure(), at(now)),
                    Call::Tell(commit, line) => {
                        rows.push((commit.clone(), line));
                        ledger.told(&commit, yes(), at(now));
                        back = back.or((now > 3600).then_some(now));
                    }
                    Call::Read(commit) if down => {
                        let refusal = Refusal::Unsure("nobody answers".to_owned());
                        ledger.has(&commit, Reply { result: Err(refusal), left: None }, at(now));
                    }
                    Call::Read(commit) => {
                        let mine = rows.iter().filter(|(c, _)| *c == commit);
                        let lines = mine.map(|(_, line)| line.clone()).collect();
                        ledger.has(&commit, Reply { result: Ok(lines), left: None }, at(now));
                    }
                }
            }
            for (commit, lines) in words.notes.iter().flatten() {
                noted.extend(lines.iter().map(|line| {
                    ((commit.clone(), line.context.clone()), line.description.clone())
                }));
            }
            if words.notes.is_some() {
                ledger.noted(Ok(()), at(now));
            }
        }
        let back = back.unwrap();
        assert!(back <= 3671, "a minute after its first good answer: {back}");
        let unique: BTreeSet<(Revision, String)> =
            rows.iter().map(|(c, line)| (c.clone(), line.context.clone())).collect();
        assert_eq!(unique.len(), rows.len(), "each line once");
        for digit in digits {
            for context in [WHOLE, USE] {
                assert!(unique.contains(&(commit(digit), context.to_owned())), "{digit} {context}");
            }
        }
        for (commit, line) in &rows {
            let place = (commit.clone(), line.context.clone());
            assert_eq!(noted[&place], line.description, "the same as in the notes");
        }
        let open = ledger.notes.written().values().flat_map(BTreeMap::values);
        assert_eq!(open.filter(|line| is_pending(line)).count(), 0, "no mark is left");
    }
}
