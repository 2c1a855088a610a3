//! What a forge is told, when, and what becomes of an answer that is no yes.
//!
//! One order is one request. A forge appends what it is told and forgets nothing, so a line is sent
//! only where it differs from what stands there; where nobody knows what stands there, that is read
//! first. Whoever waits here waits alone: nothing else of the daemon does.
//!
//! Long because what is wanted, what was sent, what was answered and what else shares the pace are
//! one state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::blocks::{Blocks, Until};
use super::contact::Contact;
use super::pace::Pace;
use super::sink::{Sink, is_pending};
use super::turn::{Turn, is_same};
use crate::config;
use crate::engine::event::{Refusal, Reply};
use crate::ledger;
use crate::ledger::forge::{self, Line};
use crate::model::{InstanceName, Revision};
use crate::status::{CommitState, CommitStatus};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Post a status onto a commit.
    Tell(Revision, CommitStatus),
    /// Read what stands on a commit.
    Read(Revision),
}

/// How a commit's lines are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// All of them: it was read, or it is younger than this daemon.
    All,
    /// Those that the notes have, and nobody knows whether there are more.
    Noted,
}

/// What a forge has, and how it is told the rest.
pub(super) struct Forge {
    instance: InstanceName,
    settings: config::Forge,
    board: Option<String>,
    pub sink: Sink,
    known: BTreeMap<Revision, Known>,
    /// Commits with a request under way; with the line, if it is to be posted.
    out: BTreeMap<Revision, Option<CommitStatus>>,
    pace: Pace,
    blocks: Blocks,
    contact: Contact,
    /// When a commit last failed that is tried again: others go first.
    failed: BTreeMap<Revision, Timestamp>,
    /// Until then little of the hour is left: the whole and what fails come first.
    scarce_until: Option<Timestamp>,
    /// When to look again although nothing happened.
    next: Option<Timestamp>,
    /// Commits that have a last word which the forge lacks.
    unsaid: BTreeSet<Revision>,
    /// Those of them that are tried again much later.
    later: BTreeSet<Revision>,
    /// Commits of which it had something else when this was last asked.
    open: BTreeSet<Revision>,
}

impl Forge {
    /// A forge of which nothing is known. `board`: where people reach the board.
    pub fn new(instance: InstanceName, settings: config::Forge, board: Option<String>) -> Self {
        Self {
            instance,
            pace: Pace::of(settings.kind),
            settings,
            board,
            sink: Sink::default(),
            known: BTreeMap::new(),
            out: BTreeMap::new(),
            blocks: Blocks::default(),
            contact: Contact::default(),
            failed: BTreeMap::new(),
            scarce_until: None,
            next: None,
            unsaid: BTreeSet::new(),
            later: BTreeSet::new(),
            open: BTreeSet::new(),
        }
    }

    /// The context as this forge compares it.
    pub fn key(&self, context: &str) -> String {
        forge::key(self.settings.kind, context)
    }

    /// The context by which the notes remember that this forge was not told everything.
    pub fn owed(&self) -> String {
        forge::owed(&self.instance, self.settings.kind)
    }

    /// A commit that is younger than this daemon: nobody told the forge of it yet.
    pub fn is_new(&mut self, commit: &Revision) {
        self.known.entry(commit.clone()).or_insert(Known::All);
    }

    /// What the notes say that the forge was told.
    pub fn load(&mut self, commit: &Revision, lines: &[CommitStatus]) {
        let owed = self.owed();
        let ours = |line: &&CommitStatus| {
            line.context == owed || ledger::subject(&self.instance, &line.context).is_some()
        };
        // The mark that it was not told everything is pending, too.
        if lines.iter().filter(ours).any(is_pending) || self.known.contains_key(commit) {
            return; // it is read when something has to be said there
        }
        self.known.insert(commit.clone(), Known::Noted);
        for line in lines {
            if ledger::subject(&self.instance, &line.context).is_some() {
                let context = self.key(&line.context);
                self.sink.set(commit, CommitStatus { context, ..line.clone() });
            }
        }
    }

    /// Whether a line has its last word there, or nobody can say it.
    pub fn has_last_word(&self, commit: &Revision, context: &str) -> bool {
        let context = self.key(context);
        self.sink.has_last_word(commit, &context) || self.blocks.is_hopeless(commit, &context)
    }

    /// Commits that have a last word which the forge lacks, while it can be told.
    pub fn unsaid(&self) -> &BTreeSet<Revision> {
        &self.unsaid
    }

    /// Whether some line of a commit was another one there, or none, when it was last looked.
    pub fn lacks(&self, commit: &Revision) -> bool {
        self.open.contains(commit)
    }

    /// Whether it is as well told as it can be.
    pub fn is_quiet(&self) -> bool {
        let said = self.unsaid.iter().all(|commit| self.later.contains(commit));
        self.out.is_empty() && (said || self.contact.is_away())
    }

    /// Whether it is just being told of a commit.
    pub fn is_telling(&self, commit: &Revision) -> bool {
        self.contact.is_well() && self.unsaid.contains(commit) && !self.later.contains(commit)
    }

    /// Why it cannot be told everything.
    pub fn trouble(&self) -> Option<&String> {
        self.contact.trouble.as_ref().or_else(|| self.blocks.refused())
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        self.next
    }

    pub fn retain(&mut self, concerned: &BTreeSet<Revision>) {
        self.sink.retain(concerned);
        self.known.retain(|commit, _| concerned.contains(commit));
        self.blocks.retain(concerned);
        self.failed.retain(|commit, _| concerned.contains(commit));
    }

    /// Whether anything that is wanted is still under way.
    pub fn pends(&self, wanted: &BTreeMap<Revision, BTreeMap<String, Line>>) -> bool {
        let mut all =
            wanted.iter().flat_map(|(commit, lines)| lines.values().map(move |l| (commit, l)));
        all.any(|(commit, line)| {
            let mut status = line.status.clone();
            self.sink.keep_the_last_word(commit, &mut status);
            line.told && is_pending(&status)
        })
    }

    /// The lines that are wanted, as this forge gets them.
    pub fn lines(
        &self,
        wanted: &BTreeMap<Revision, Vec<CommitStatus>>,
    ) -> BTreeMap<Revision, BTreeMap<String, Line>> {
        forge::lines(&self.instance, &self.settings, self.board.as_deref(), wanted)
    }

    /// Adds the lines on the heads of pull requests. What was said there before does not bind: with
    /// another base the same head may be judged otherwise.
    pub fn add(
        &mut self,
        heads: &BTreeMap<Revision, Vec<CommitStatus>>,
        told: &mut BTreeMap<Revision, BTreeMap<String, Line>>,
    ) {
        for (commit, status) in
            heads.iter().flat_map(|(c, lines)| lines.iter().map(move |l| (c, l)))
        {
            let context = self.key(&status.context);
            if self.sink.line(commit, &context).is_some_and(|has| !is_same(has, status)) {
                self.sink.reopen((commit.clone(), context.clone()));
            }
            let status = CommitStatus { context: context.clone(), ..status.clone() };
            told.entry(commit.clone()).or_default().insert(context, Line { status, told: true });
        }
    }

    /// Whether a write that is no status may be sent now; then it counts as sent.
    pub fn may_write(&mut self, now: Timestamp) -> bool {
        let shut = self.contact.closed_until(now).or_else(|| self.pace.full_until(now));
        if let Some(at) = shut {
            self.wait(at);
        }
        let may = shut.is_none() && self.out.len() < self.pace.at_once();
        if may {
            self.pace.sent(now);
        }
        may
    }

    /// Such a write was answered: the pauses that it asks for hold for all.
    pub fn heed_other<T>(&mut self, reply: &Reply<T>, now: Timestamp) {
        self.heed(reply, now);
        match &reply.result {
            Err(Refusal::Later(wait)) => self.contact.wants_pause(*wait, now),
            Err(Refusal::Unsure(cause)) => self.contact.fails(cause.clone(), now),
            // That it takes no comments is not said of statuses.
            Ok(_) | Err(_) => {}
        }
    }

    /// The requests that can be sent now. `brief`: what is pending may end soon, and is not told.
    /// `notes`: where it is remembered that something is pending; it comes first, so that a
    /// successor knows what has to get a last word.
    pub fn calls(
        &mut self,
        wanted: BTreeMap<Revision, BTreeMap<String, Line>>,
        notes: Option<&Sink>,
        brief: bool,
        now: Timestamp,
    ) -> Vec<Call> {
        self.next = None;
        self.unsaid.clear();
        self.later.clear();
        self.open.clear();
        let mut todo = Vec::new();
        for (commit, lines) in wanted {
            for (context, Line { mut status, told }) in lines {
                self.sink.keep_the_last_word(&commit, &mut status);
                let has = self.sink.line(&commit, &context);
                if has.is_some_and(|has| is_same(has, &status)) {
                    continue;
                }
                self.open.insert(commit.clone());
                let pending = is_pending(&status);
                // What is left out is told all the same where something worse stands, or may stand.
                let known = self.known.get(&commit) == Some(&Known::All) || has.is_some();
                let well = has.is_none_or(|has| has.state == CommitState::Success);
                if !told && well && (known || pending) {
                    if !pending {
                        self.sink.set(&commit, status);
                    }
                    continue;
                }
                let early = brief || notes.is_some_and(|n| !self.remembers(n, &commit, &context));
                if pending && early {
                    continue;
                }
                match self.blocks.of(&commit, &context, &status, now) {
                    None => {}
                    Some(Until::Ever) => continue,
                    Some(Until::Then(at)) => {
                        self.wait(at);
                        if !pending {
                            self.unsaid.insert(commit.clone());
                            self.later.insert(commit.clone());
                        }
                        continue;
                    }
                }
                if !pending {
                    self.unsaid.insert(commit.clone());
                }
                if !self.out.contains_key(&commit) {
                    let whole = ledger::context(&self.instance, None) == status.context;
                    todo.push((Turn::of(&status, whole), commit.clone(), status));
                }
            }
        }
        if let Some(at) = self.contact.closed_until(now) {
            self.wait(at);
            return Vec::new();
        }
        if todo.is_empty() && self.out.is_empty() && self.unsaid.is_empty() {
            self.contact.has_everything();
        }
        // Who just failed comes last, so that no commit keeps others from being told.
        todo.sort_by_cached_key(|(turn, commit, _)| {
            (self.failed.get(commit).copied(), *turn, commit.clone())
        });
        self.send(todo, now)
    }

    fn send(&mut self, todo: Vec<(Turn, Revision, CommitStatus)>, now: Timestamp) -> Vec<Call> {
        let mut calls = Vec::new();
        for (turn, commit, status) in todo {
            if self.out.len() >= self.pace.at_once() {
                break; // an answer comes
            }
            if self.out.contains_key(&commit) {
                continue;
            }
            if let Some(until) = self.scarce_until.filter(|until| *until > now)
                && turn > Turn::Whole
            {
                self.wait(until);
                continue;
            }
            if self.known.get(&commit) != Some(&Known::All) {
                self.out.insert(commit.clone(), None);
                calls.push(Call::Read(commit));
                continue;
            }
            if let Some(at) = self.pace.full_until(now) {
                self.wait(at);
                break;
            }
            self.pace.sent(now);
            self.out.insert(commit.clone(), Some(status.clone()));
            calls.push(Call::Tell(commit, status));
        }
        calls
    }

    /// Whether the notes say that a line is pending.
    fn remembers(&self, notes: &Sink, commit: &Revision, context: &str) -> bool {
        let mut lines = notes.written().get(commit).into_iter().flatten();
        lines.any(|(noted, line)| is_pending(line) && self.key(noted) == context)
    }

    fn wait(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// A status was posted onto a commit, or not.
    pub fn told(&mut self, commit: &Revision, reply: Reply<()>, now: Timestamp) {
        let Some(Some(line)) = self.out.remove(commit) else { return };
        self.heed(&reply, now);
        match reply.result {
            Ok(()) => {
                self.blocks.took(commit, &line.context);
                self.sink.set(commit, line);
                self.contact.took();
                self.knows(commit);
            }
            Err(refusal) => self.refused(commit, Some(line), refusal, now),
        }
    }

    /// What stands on a commit was read, or not.
    pub fn has(&mut self, commit: &Revision, reply: Reply<Vec<CommitStatus>>, now: Timestamp) {
        if self.out.remove(commit) != Some(None) {
            return;
        }
        self.heed(&reply, now);
        match reply.result {
            Ok(lines) => {
                self.sink.forget(commit);
                for line in lines {
                    let context = self.key(&line.context);
                    self.sink.set(commit, CommitStatus { context, ..line });
                }
                self.known.insert(commit.clone(), Known::All);
                self.contact.answered();
                self.knows(commit);
            }
            Err(refusal) => self.refused(commit, None, refusal, now),
        }
    }

    fn knows(&mut self, commit: &Revision) {
        self.blocks.found(commit);
        self.failed.remove(commit);
    }

    /// How much of its hour is left.
    fn heed<T>(&mut self, reply: &Reply<T>, now: Timestamp) {
        let Some(left) = reply.left else { return };
        let until = now + left.resets_in;
        let share = |of: u32| left.remaining.saturating_mul(of) < left.limit;
        self.scarce_until = share(4).then_some(until);
        if share(10) {
            self.contact.wants_pause(left.resets_in, now);
        }
    }

    fn refused(
        &mut self,
        commit: &Revision,
        line: Option<CommitStatus>,
        refusal: Refusal,
        now: Timestamp,
    ) {
        self.failed.insert(commit.clone(), now);
        match refusal {
            Refusal::Unsure(cause) => {
                // Whether it took the line is not known: that is read before it gets it again.
                if line.is_some() {
                    self.known.remove(commit);
                }
                self.contact.fails(cause, now);
            }
            Refusal::Later(wait) => self.contact.wants_pause(wait, now),
            Refusal::Shut(cause) => self.contact.shuts(cause, now),
            Refusal::NoCommit => self.blocks.misses(commit, now),
            Refusal::Full => {
                if let Some(line) = line {
                    self.blocks.is_full(commit, line.context);
                }
            }
            Refusal::Never(cause) => match line {
                Some(line) => self.blocks.refuses(commit, line, cause),
                // What cannot even be read is not read again and again.
                None => self.contact.refuses(now),
            },
            Refusal::Busy => self.contact.is_busy(now),
            Refusal::Is(state) => match line {
                Some(line) if line.state == state => self.sink.set(commit, line),
                Some(line) => {
                    self.known.remove(commit);
                    let cause = format!("a status that is {} stays so", state.as_str());
                    self.blocks.refuses(commit, line, cause);
                }
                None => {}
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
