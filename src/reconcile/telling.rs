//! What is said: the board for people, the notes for commits.
//!
//! A solution is planned alone, but the board and the notes are over all of them. So nothing is
//! said while no verdict changed, a burst of changes is said once, and both come after the steps
//! that they speak of were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use vitrine_core::ledger;
use vitrine_core::model::Revision;
use vitrine_core::status::{Board, CommitState, CommitStatus, Held, Outage};

/// The least time between two boards.
const BREATH: Duration = Duration::from_millis(50);
/// What saying something may take of the loop's time: one part in so many.
const SHARE: u32 = 10;
/// How long work may last before its commit is called pending.
const SHORT_WORK: SignedDuration = SignedDuration::from_secs(5);
/// How long notes that could not be written wait.
const NOTES_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How long notes wait for the courier to have a hand free.
const COURIER_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Statuses by commit and context.
type Written = BTreeMap<Revision, BTreeMap<String, CommitStatus>>;

/// What was said, and whether it still holds.
pub(super) struct Telling {
    /// Whether something changed that the board and the notes do not say yet.
    behind: bool,
    /// Not before: thousands of solutions take long to say and change often.
    next_at: Timestamp,
    /// What the repository's notes say, as far as we wrote them.
    written: Written,
    /// What they will say when the courier is back.
    under_way: Option<Written>,
    /// Since when something is pending, so that short work leaves no pending line.
    pending_since: Option<Timestamp>,
    /// When the notes have to be looked at although nothing changed.
    look_at: Option<Timestamp>,
    /// Not before, because they could not be written.
    not_before: Option<Timestamp>,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            behind: true,
            next_at: Timestamp::UNIX_EPOCH,
            written: Written::new(),
            under_way: None,
            pending_since: None,
            look_at: None,
            not_before: None,
        }
    }
}

impl Telling {
    /// Something changed that should be said.
    pub fn changed(&mut self) {
        self.behind = true;
    }

    /// The notes were written.
    pub fn noted(&mut self) {
        if let Some(lines) = self.under_way.take() {
            self.written = lines;
        }
        self.behind = true;
    }

    /// The notes could not be written.
    pub fn not_noted(&mut self, now: Timestamp) {
        self.under_way = None;
        self.not_before = Some(now + NOTES_AGAIN);
    }

    /// Whether the notes have a line of this context on the commit that is not pending.
    pub fn has_last_word(&self, commit: &Revision, context: &str) -> bool {
        let line = self.written.get(commit).and_then(|lines| lines.get(context));
        line.is_some_and(|status| status.state != CommitState::Pending)
    }

    /// Everything is said, and nothing of it is pending.
    pub fn is_quiet(&self) -> bool {
        !self.behind && self.under_way.is_none() && self.pending_since.is_none()
    }

    /// When something has to be said although no news came.
    pub fn deadline(&self) -> Option<Timestamp> {
        let board = self.behind.then_some(self.next_at);
        board.into_iter().chain(self.look_at).chain(self.not_before).min()
    }
}

impl Engine {
    /// Says what changed, if it is time to.
    pub(super) fn tell(&mut self, now: Timestamp) {
        let problems = self.all_problems();
        let news = self.telling.behind || self.board.borrow().problems != problems;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let board_due = news && now >= self.telling.next_at;
        if !board_due && !due(self.telling.look_at) && !due(self.telling.not_before) {
            return;
        }
        let begun = Instant::now();
        if board_due {
            self.publish(problems, now);
            self.telling.behind = false; // also what `publish` itself had to judge is said
        }
        self.write_notes(now);
        let pause = (begun.elapsed() * SHARE).max(BREATH);
        self.telling.next_at =
            now + SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
    }

    /// What belongs to no single solution.
    fn all_problems(&self) -> Vec<String> {
        let catalog = self.memory.catalog.as_ref();
        let faults = catalog.and_then(|c| c.platform.as_ref().err()).into_iter().flatten();
        faults
            .map(ToString::to_string)
            .chain(self.problems.values().cloned())
            .chain(self.cluster.problems().values().cloned())
            .collect()
    }

    /// Publishes the board if it changed. It has a row for each name that is declared or lives,
    /// also before anybody could think about them: a board without rows looks as if all were well.
    fn publish(&mut self, problems: Vec<String>, now: Timestamp) {
        let living = self.cluster.observed().solutions.keys().map(String::as_str);
        let names = self.memory.names().chain(self.memory.protected()).chain(living);
        let unjudged = names.filter(|name| self.memory.verdict(name).is_none());
        let unjudged: BTreeSet<String> = unjudged.map(str::to_owned).collect();
        for name in unjudged {
            self.judge(&name, now);
        }
        let board = Board {
            instance: self.settings.instance.clone(),
            revision: self.memory.revision().cloned(),
            repository: self.settings.repository.shown_url(),
            checked_at: self.board.borrow().checked_at.or(Some(now)),
            unknown: self
                .unknown
                .as_ref()
                .map(|u| Outage { since: u.since, cause: u.cause.clone() }),
            verdicts: self.memory.verdicts().values().cloned().collect(),
            held: self.hold.as_ref().map(|hold| Held {
                hash: hold.hash.clone(),
                reason: hold.reason.clone(),
                deletions: hold.deletions.iter().cloned().collect(),
            }),
            problems,
            findings: self.checkup.findings.clone(),
        };
        self.board.send_if_modified(|old| {
            let changed = **old != board;
            if changed {
                *old = Arc::new(board);
            }
            changed
        });
    }

    /// The repository was looked at.
    pub(super) fn checked(&self, now: Timestamp) {
        self.board.send_if_modified(|old| {
            Arc::make_mut(old).checked_at = Some(now);
            false
        });
    }

    /// Sends off the statuses as they should be that the repository does not have yet.
    fn write_notes(&mut self, now: Timestamp) {
        let Self { telling, memory, .. } = self;
        if !self.settings.notes || self.unknown.is_some() || telling.under_way.is_some() {
            telling.look_at = None; // what ends each of these is news
            return;
        }
        if telling.not_before.is_some_and(|at| at > now) {
            return;
        }
        telling.not_before = None;
        let wanted = ledger::statuses(&self.settings.instance, memory.verdicts(), &self.history);
        let is_pending = |status: &CommitStatus| status.state == CommitState::Pending;
        let pending = wanted.values().flatten().any(is_pending);
        telling.pending_since = pending.then(|| telling.pending_since.unwrap_or(now));
        telling.look_at =
            telling.pending_since.map(|since| since + SHORT_WORK).filter(|at| *at > now);
        let mut lines = wanted.clone();
        if telling.look_at.is_some() {
            for statuses in lines.values_mut() {
                statuses.retain(|status| !is_pending(status));
            }
        }
        lines.retain(|commit, statuses| {
            let written = telling.written.get(commit);
            let known = |s: &CommitStatus| written.and_then(|w| w.get(&s.context)) == Some(s);
            !statuses.iter().all(known)
        });
        if lines.is_empty() {
            return;
        }
        let mut after = telling.written.clone();
        for (commit, statuses) in &lines {
            let all = after.entry(commit.clone()).or_default();
            all.extend(statuses.iter().map(|s| (s.context.clone(), s.clone())));
        }
        after.retain(|commit, _| wanted.contains_key(commit));
        if self.courier.note(lines) {
            telling.under_way = Some(after);
        } else {
            telling.look_at = Some(now + COURIER_AGAIN);
        }
    }
}
