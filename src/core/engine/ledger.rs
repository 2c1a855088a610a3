//! The ledger: which line belongs on which commit, and what the notes have of it already.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Changes;
use crate::ledger::{self, History};
use crate::model::{ClaimedName, InstanceName, Revision, SolutionName};
use crate::status::{CommitState, CommitStatus, Verdict};

/// How long work may last before its commit is called pending.
const SHORT_WORK: SignedDuration = SignedDuration::from_secs(5);
/// How long notes that could not be written wait.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Statuses by commit and context.
type Written = BTreeMap<Revision, BTreeMap<String, CommitStatus>>;

/// What belongs on the commits.
pub(super) struct Ledger {
    instance: InstanceName,
    /// Whether anything is written at all.
    on: bool,
    history: History,
    /// Whether something changed that the notes may not say yet.
    behind: bool,
    /// What the notes say.
    written: Written,
    /// What they will say when the order that is out is answered.
    under_way: Option<Written>,
    /// What they may say: it was to be written, and nobody knows whether it was.
    tried: Written,
    /// Since when something is pending, so that short work leaves no pending line.
    pending_since: Option<Timestamp>,
    /// Lines that may be said anew though they had a last word: the branch came back to them.
    reopened: BTreeSet<(Revision, String)>,
    /// Those of them that have a last word again, by the order that is out.
    closing: BTreeSet<(Revision, String)>,
    /// When they have to be looked at although nothing changed.
    look_at: Option<Timestamp>,
    /// Not before, because they could not be written.
    not_before: Option<Timestamp>,
    /// Why they could not be written.
    pub trouble: Option<String>,
}

impl Ledger {
    pub fn new(instance: InstanceName, on: bool) -> Self {
        Self {
            instance,
            on,
            history: History::default(),
            behind: true,
            written: Written::new(),
            under_way: None,
            tried: Written::new(),
            pending_since: None,
            reopened: BTreeSet::new(),
            closing: BTreeSet::new(),
            look_at: None,
            not_before: None,
            trouble: None,
        }
    }

    /// What stands in the notes already. A commit that was passed while nobody looked, and a line
    /// that never got its last word, get it still.
    pub fn load(&mut self, noted: BTreeMap<Revision, Vec<CommitStatus>>) {
        for (commit, statuses) in noted {
            for status in statuses {
                let pending = status.state == CommitState::Pending;
                match ledger::subject(&self.instance, &status.context) {
                    None => continue, // another's
                    Some(None) if pending => {
                        self.history.passed.insert(commit.clone());
                    }
                    Some(Some(name)) if pending => {
                        self.history.overtaken.insert((commit.clone(), name));
                    }
                    Some(_) => {}
                }
                let lines = self.written.entry(commit.clone()).or_default();
                lines.insert(status.context.clone(), status);
            }
        }
        self.behind = true;
    }

    /// The branch has another head: what waits for its last word on older commits goes on
    /// waiting, the rest is forgotten. `is_known`: something is said of the name.
    pub fn pass(&mut self, head: &Revision, is_known: impl Fn(&ClaimedName) -> bool) {
        let mut overtaken = std::mem::take(&mut self.history.overtaken);
        overtaken.retain(|(commit, name)| {
            let known = is_known(name) || self.history.removed.contains(name.as_str());
            known && !self.has_last_word(commit, Some(name))
        });
        self.history.overtaken = overtaken;
        let mut passed = std::mem::take(&mut self.history.passed);
        let before = self.history.head.replace(head.clone());
        if before.as_ref().is_some_and(|before| before != head) {
            self.reopened.insert((head.clone(), ledger::context(&self.instance, None)));
        }
        passed.extend(before);
        passed.retain(|commit| commit != head && !self.has_last_word(commit, None));
        self.history.passed = passed;
        self.behind = true;
    }

    /// What commits changed, and which commit each folder has its form of.
    pub fn take_commit(&mut self, changes: &Changes, records: BTreeMap<String, Revision>) {
        // What was known of a name before all of them: the same history may be told twice.
        let mut before: BTreeMap<ClaimedName, Option<Revision>> = BTreeMap::new();
        for change in &changes.commits {
            for folder in &change.folders {
                let name = ClaimedName::of(folder.rsplit('/').next().unwrap_or(folder));
                let old = self.history.records.insert(name.clone(), change.revision.clone());
                before.entry(name.clone()).or_insert_with(|| old.clone());
                let waits = |old: &Revision| {
                    *old != change.revision && !self.has_last_word(old, Some(&name))
                };
                if let Some(old) = old.filter(waits) {
                    self.history.overtaken.insert((old, name));
                }
            }
        }
        for (folder, revision) in records {
            let name = ClaimedName::of(folder.rsplit('/').next().unwrap_or(&folder));
            self.history.records.insert(name, revision);
        }
        for (name, old) in before {
            let now = self.history.records.get(&name);
            if let Some(now) = now.filter(|now| old.is_some_and(|old| old != **now)) {
                let context = ledger::context(&self.instance, Some(&name));
                self.reopened.insert((now.clone(), context));
            }
        }
        self.behind = true;
    }

    /// Whether a status that is not pending stands on this commit, of a solution or of the whole.
    /// Where nothing is written, nothing waits for it.
    fn has_last_word(&self, commit: &Revision, name: Option<&ClaimedName>) -> bool {
        let context = ledger::context(&self.instance, name);
        let line = self.written.get(commit).and_then(|lines| lines.get(&context));
        !self.on || line.is_some_and(|status| status.state != CommitState::Pending)
    }

    /// The commit that last changed a name's folder.
    pub fn record(&self, name: &ClaimedName) -> Option<&Revision> {
        self.history.records.get(name)
    }

    /// A solution left the catalogue and has nothing on the cluster any more.
    pub fn removed(&mut self, name: &SolutionName) {
        self.history.removed.insert(name.clone());
        self.behind = true;
    }

    /// A verdict changed.
    pub fn changed(&mut self) {
        self.behind = true;
    }

    /// The lines that the notes lack, if it is time to write some. `open`: the repository can be
    /// read.
    pub fn lacking(
        &mut self,
        verdicts: &BTreeMap<ClaimedName, Verdict>,
        open: bool,
        now: Timestamp,
    ) -> Option<BTreeMap<Revision, Vec<CommitStatus>>> {
        if !self.on || !open || self.under_way.is_some() {
            // What ends each of these is an event.
            (self.look_at, self.behind) = (None, false);
            return None;
        }
        self.behind = false;
        if self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        self.not_before = None;
        let mut wanted = ledger::statuses(&self.instance, verdicts, &self.history);
        for (commit, statuses) in &mut wanted {
            statuses.iter_mut().for_each(|status| self.keep_the_last_word(commit, status));
        }
        let is_pending = |status: &CommitStatus| status.state == CommitState::Pending;
        let pending = wanted.values().flatten().any(is_pending);
        self.pending_since = pending.then(|| self.pending_since.unwrap_or(now));
        self.look_at = self.pending_since.map(|since| since + SHORT_WORK).filter(|at| *at > now);
        let mut lines = wanted.clone();
        if self.look_at.is_some() {
            for statuses in lines.values_mut() {
                statuses.retain(|status| !is_pending(status));
            }
        }
        lines.retain(|commit, statuses| {
            let written = self.written.get(commit);
            let known = |s: &CommitStatus| written.and_then(|w| w.get(&s.context)) == Some(s);
            !statuses.iter().all(known)
        });
        if lines.is_empty() {
            return None;
        }
        let mut after = self.written.clone();
        for (commit, statuses) in &lines {
            let all = after.entry(commit.clone()).or_default();
            all.extend(statuses.iter().map(|s| (s.context.clone(), s.clone())));
        }
        // Also of those of which nothing can be said just now: what stands there still counts.
        let history = &self.history;
        let mut concerned: BTreeSet<&Revision> = history.records.values().collect();
        concerned.extend(history.overtaken.iter().map(|(commit, _)| commit));
        concerned.extend(history.passed.iter().chain(&history.head));
        after.retain(|commit, _| concerned.contains(commit));
        self.closing = self.reopened.clone();
        self.closing.retain(|(commit, context)| {
            let line = after.get(commit).and_then(|all| all.get(context));
            lines.contains_key(commit) && line.is_some_and(|line| !is_pending(line))
        });
        self.under_way = Some(after);
        Some(lines)
    }

    /// What was said to the end stays said: health that changes later is the board's business. A
    /// hold, a refusal or an error of the platform may end, and what was told of it with it; after a
    /// failure, only that all is well is news.
    fn keep_the_last_word(&self, commit: &Revision, status: &mut CommitStatus) {
        let line = |written: &'_ Written| -> Option<CommitStatus> {
            written.get(commit)?.get(&status.context).cloned()
        };
        let Some(said) = line(&self.tried).or_else(|| line(&self.written)) else { return };
        let ends = match said.state {
            CommitState::Pending | CommitState::Error => false,
            CommitState::Failure => status.state != CommitState::Success,
            CommitState::Success => true,
        };
        if ends && !self.reopened.contains(&(commit.clone(), status.context.clone())) {
            *status = said;
        }
    }

    /// The notes were written, or not.
    pub fn noted(&mut self, written: Result<(), String>, now: Timestamp) {
        match written {
            Ok(()) => {
                if let Some(lines) = self.under_way.take() {
                    self.written = lines;
                }
                self.reopened.retain(|line| !self.closing.contains(line));
                self.tried.clear();
                self.trouble = None;
            }
            Err(cause) => {
                self.tried = self.under_way.take().unwrap_or_default();
                self.not_before = Some(now + AGAIN);
                self.trouble = Some(cause);
            }
        }
        self.behind = true;
    }

    /// Everything is said, and nothing of it is pending.
    pub fn is_quiet(&self) -> bool {
        !self.behind && self.under_way.is_none() && self.pending_since.is_none()
    }

    /// Whether something changed that was not looked at yet.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether there may be something to write now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        self.behind || due(self.look_at) || due(self.not_before)
    }

    /// When something has to be said although nothing happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.look_at.into_iter().chain(self.not_before).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::Change;
    use crate::status::{Cause, Health, Stage, Sync, sample};

    type Verdicts = BTreeMap<ClaimedName, Verdict>;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn ledger() -> Ledger {
        Ledger::new(InstanceName::parse("prod").unwrap(), true)
    }

    /// A commit of the folder `use`, as the new head.
    fn take(ledger: &mut Ledger, digit: char) {
        ledger.pass(&commit(digit), |_| true);
        let folders = ["use".to_owned()].into();
        let commits = vec![Change { revision: commit(digit), folders, platform: false }];
        ledger.take_commit(&Changes { commits, rewritten: false }, BTreeMap::new());
    }

    fn verdicts(sync: Sync) -> Verdicts {
        let name = ClaimedName::of("use");
        let good = sample::board().verdicts[2].clone();
        [(name, Verdict { sync, ..good })].into()
    }

    /// The states that are to be written, by the last digit of the commit and the context.
    fn lacking(
        ledger: &mut Ledger,
        verdicts: &Verdicts,
        now: i64,
    ) -> Vec<(char, String, CommitState)> {
        let lines = ledger.lacking(verdicts, true, at(now)).unwrap_or_default();
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
        let noted = before.lacking(&good, true, at(0)).unwrap();
        let mut ledger = ledger();
        ledger.load(noted);
        take(&mut ledger, 'a');
        assert!(lacking(&mut ledger, &good, 0).is_empty());
    }

    #[test]
    fn nothing_is_written_where_notes_are_off_or_the_repository_is_silent() {
        let good = verdicts(Sync::Synced);
        let mut off = Ledger::new(InstanceName::parse("prod").unwrap(), false);
        take(&mut off, 'a');
        assert!(off.lacking(&good, true, at(0)).is_none());
        assert!(off.is_quiet(), "nobody waits for them");
        let mut silent = ledger();
        take(&mut silent, 'a');
        assert!(silent.lacking(&good, false, at(0)).is_none());
        assert!(!lacking(&mut silent, &good, 1).is_empty(), "once it answers");
    }

    #[test]
    fn a_solution_that_is_gone_says_so_on_the_commit_that_removed_it() {
        let mut ledger = ledger();
        take(&mut ledger, 'a');
        ledger.removed(&SolutionName::parse("use").unwrap());
        let lines = lacking(&mut ledger, &Verdicts::new(), 0);
        assert!(lines.contains(&told('a', USE, CommitState::Success)), "{lines:?}");
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
            verdicts.values_mut().for_each(|verdict| verdict.health = Some(health));
            verdicts
        };
        // It crashes, is woken by a visitor, and the API server cannot be written to.
        for later in [with(Health::Degraded), with(Health::Progressing), verdicts(Sync::Blocked)] {
            assert_eq!(lacking(&mut ledger, &later, 100), []);
        }
        assert!(ledger.is_quiet());
        // A daemon that starts anew says the same.
        let mut again = self::ledger();
        let said = ledger.written.clone();
        again.load(said.into_iter().map(|(c, all)| (c, all.into_values().collect())).collect());
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
            ledger.take_commit(&changes, BTreeMap::new());
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
                for verdict in verdicts.values_mut() {
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
        for verdict in starts.values_mut() {
            (verdict.health, verdict.stage) = (Some(Health::Progressing), Some(Stage::Queued));
            verdict.revision = Some(commit('a'));
        }
        assert_eq!(lacking(&mut ledger, &starts, 0), [], "short work leaves no line");
        let lines = ledger.lacking(&starts, true, at(6)).unwrap();
        let lines: Vec<&CommitStatus> = lines.values().flatten().collect();
        assert!(lines.iter().all(|line| line.state == CommitState::Pending), "{lines:?}");
        assert!(
            lines.iter().any(|l| l.description == "Synced: applied, not yet seen running (Queued)"),
            "{lines:?}"
        );
    }
}
