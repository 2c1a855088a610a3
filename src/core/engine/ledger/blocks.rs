//! Lines that a forge lacks and is not sent: it does not take them, or does not know their commit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::Revision;
use crate::status::CommitStatus;

/// When a commit is tried again that the forge does not know yet; then never.
const UNKNOWN: [SignedDuration; 3] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(5), SignedDuration::from_mins(30)];

/// After so many lines that were refused under one context of a commit, no more are offered.
const TRIES: usize = 3;

/// Why a line is not sent.
enum Block {
    /// The forge does not take this line; another may be good. How many it refused here, and why the
    /// last of them.
    Refused(CommitStatus, usize, String),
    /// It takes no more of this context.
    Full,
}

/// What is known of a commit that the forge does not know.
struct Missing {
    tries: usize,
    /// `None`: it is not asked any more.
    until: Option<Timestamp>,
}

/// How long a line is not sent.
pub(super) enum Until {
    Ever,
    Then(Timestamp),
}

/// Everything that is not sent.
#[derive(Default)]
pub(super) struct Blocks {
    lines: BTreeMap<(Revision, String), Block>,
    missing: BTreeMap<Revision, Missing>,
}

impl Blocks {
    /// Until when a line is not sent; `None`: it may be.
    pub fn of(
        &self,
        commit: &Revision,
        context: &str,
        status: &CommitStatus,
        now: Timestamp,
    ) -> Option<Until> {
        if let Some(missing) = self.missing.get(commit) {
            match missing.until {
                None => return Some(Until::Ever),
                Some(until) if until > now => return Some(Until::Then(until)),
                Some(_) => {}
            }
        }
        match self.lines.get(&(commit.clone(), context.to_owned()))? {
            Block::Full => Some(Until::Ever),
            Block::Refused(refused, tries, _) => {
                (refused == status || *tries >= TRIES).then_some(Until::Ever)
            }
        }
    }

    /// Whether nothing can be said there any more, whatever it is.
    pub fn is_hopeless(&self, commit: &Revision, context: &str) -> bool {
        self.missing.get(commit).is_some_and(|missing| missing.until.is_none())
            || match self.lines.get(&(commit.clone(), context.to_owned())) {
                Some(Block::Full) => true,
                Some(Block::Refused(_, tries, _)) => *tries >= TRIES,
                None => false,
            }
    }

    /// Why a line is refused, while one is.
    pub fn refused(&self) -> Option<&String> {
        self.lines.values().find_map(|block| match block {
            Block::Refused(_, _, cause) => Some(cause),
            Block::Full => None,
        })
    }

    /// The forge does not know a commit.
    pub fn misses(&mut self, commit: &Revision, now: Timestamp) {
        let tries = self.missing.get(commit).map_or(0, |missing| missing.tries);
        let until = UNKNOWN.get(tries).map(|wait| now + *wait);
        self.missing.insert(commit.clone(), Missing { tries: tries + 1, until });
    }

    /// The forge knows a commit.
    pub fn found(&mut self, commit: &Revision) {
        self.missing.remove(commit);
    }

    /// The forge takes no more of a context.
    pub fn is_full(&mut self, commit: &Revision, context: String) {
        self.lines.insert((commit.clone(), context), Block::Full);
    }

    /// The forge does not take a line.
    pub fn refuses(&mut self, commit: &Revision, line: CommitStatus, cause: String) {
        let place = (commit.clone(), line.context.clone());
        let tries = match self.lines.get(&place) {
            Some(Block::Refused(_, tries, _)) => tries + 1,
            Some(Block::Full) | None => 1,
        };
        self.lines.insert(place, Block::Refused(line, tries, cause));
    }

    /// The forge took a line.
    pub fn took(&mut self, commit: &Revision, context: &str) {
        self.lines.remove(&(commit.clone(), context.to_owned()));
    }

    /// Forgets commits that nobody looks at any more.
    pub fn retain(&mut self, concerned: &BTreeSet<Revision>) {
        self.lines.retain(|(commit, _), _| concerned.contains(commit));
        self.missing.retain(|commit, _| concerned.contains(commit));
    }
}
