//! Pull requests: which are open, which heads were judged, and what each was told.
//!
//! In: what the forge lists, what the repository holds of a head, what was found. Out: one order at
//! a time. Nothing here is remembered over a restart: what a pull request was told stands on it,
//! with a hash, so that the same is not told twice.

mod judge;
mod judging;
mod label;
mod marks;
mod pull;
mod stage;
mod staging;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::event::{Commented, Fate, Listing, Opened, Refusal, Reply};
use crate::catalog::platform;
use crate::config::PullRequests;
use crate::model::{ClaimedName, InstanceName, Revision, SolutionName};
use crate::status::{CommitStatus, Verdict};
use judging::Judging;
pub(super) use judging::Todo;
use marks::Marks;
use pull::Pull;
pub(super) use staging::{Living, Staging};
pub(super) use words::Wish;
use words::{AGAIN, last_line, refused};

/// How often open pull requests are asked for though nobody says that one changed.
const EACH: SignedDuration = SignedDuration::from_secs(60);
/// How long the last words of a merge are waited for.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// One that was merged and is to be told what came of it.
#[derive(Debug)]
struct Merged {
    commit: Revision,
    /// What it changed, as far as it was judged.
    names: BTreeSet<ClaimedName>,
    until: Timestamp,
    not_before: Option<Timestamp>,
}

/// One that is open no more.
#[derive(Debug)]
struct Gone {
    names: BTreeSet<ClaimedName>,
    not_before: Option<Timestamp>,
}

/// What is known of pull requests.
#[derive(Debug, Default)]
pub(super) struct Previews {
    mode: PullRequests,
    open: BTreeMap<u64, Pull>,
    /// Open no more; nobody knows why.
    gone: BTreeMap<u64, Gone>,
    merged: BTreeMap<u64, Merged>,
    /// Whether they were ever listed.
    listed: bool,
    /// When they are listed next.
    list_at: Option<Timestamp>,
    /// What is under way.
    out: Option<Wish>,
    /// A head that is being judged.
    judging: Option<Judging>,
    /// Why they cannot be listed, and why they cannot be told.
    unlisted: Option<String>,
    untold: Option<String>,
    /// Whether and when heads are marked.
    marks: Marks,
    /// How the platform in force shows pull requests; `None`: it does not.
    settings: Option<platform::Previews>,
    /// When a preview has to go, by the wall clock.
    ends_at: Option<Timestamp>,
}

impl Previews {
    /// `annotates`: whether faults are told at their lines, too.
    pub fn new(mode: PullRequests, annotates: bool) -> Self {
        Self { mode, marks: Marks::new(annotates), ..Self::default() }
    }

    pub fn is_wanted(&self) -> bool {
        self.mode != PullRequests::Off
    }

    /// Why pull requests cannot be told what they should be.
    pub fn trouble(&self) -> Option<&String> {
        let unmarked = || self.open.values().any(|pull| pull.unmarked().is_some());
        let marks = self.marks.trouble.as_ref().filter(|_| unmarked());
        self.unlisted.as_ref().or(self.untold.as_ref()).or(marks)
    }

    /// Somebody says that one may have changed, or it is time to look.
    pub fn knock(&mut self, now: Timestamp) {
        if self.is_wanted() {
            self.list_at = Some(self.list_at.map_or(now, |at| at.min(now)));
        }
    }

    /// The lines on heads, as far as they were judged: what `validate` found, and how the preview
    /// does. `verdict`: what is said of one.
    pub fn lines<'v>(
        &mut self,
        instance: &InstanceName,
        verdict: impl Fn(&SolutionName) -> Option<&'v Verdict>,
    ) -> BTreeMap<Revision, Vec<CommitStatus>> {
        let lines = self.open.values_mut().filter_map(|pull| {
            let mut lines = vec![pull.judged()?.line.clone()];
            lines.extend(pull.preview_line(instance, &verdict).cloned());
            Some((pull.head.clone(), lines))
        });
        lines.collect()
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        if !self.is_wanted() || self.out.is_some() || self.judging.is_some() {
            return None;
        }
        let pulls = self.open.values().filter_map(Pull::deadline);
        let gone = self.gone.values().filter_map(|gone| gone.not_before);
        let merged =
            self.merged.values().flat_map(|one| one.not_before.into_iter().chain([one.until]));
        pulls.chain(gone).chain(merged).chain(self.list_at).chain(self.marks.deadline()).min()
    }

    /// What should be done now, if nothing is under way. `base`: the commit in force; `said`: the
    /// last words on a commit, once each that it changed has one; `may_write`: whether the forge
    /// may be written to now, which is asked once, and only if there is something to write.
    pub fn wish(
        &mut self,
        base: Option<&Revision>,
        said: impl Fn(&Revision, &BTreeSet<ClaimedName>) -> Option<Vec<CommitStatus>>,
        may_write: impl FnOnce() -> bool,
        now: Timestamp,
    ) -> Option<Wish> {
        if !self.is_wanted() || self.out.is_some() || self.judging.is_some() {
            return None;
        }
        let base = base?;
        self.ring(now);
        let due = |at: Option<Timestamp>| at.is_none_or(|at| at <= now);
        self.merged.retain(|_, one| one.until > now);
        let wish = self
            .close(said, now)
            .or_else(|| self.write(now))
            .or_else(|| self.mark())
            .filter(|_| may_write())
            .or_else(|| {
                let due = self.list_at.is_none_or(|at| at <= now);
                due.then_some(Wish::List { recent: !self.listed })
            })
            .or_else(|| {
                let (number, _) = self.gone.iter().find(|(_, gone)| due(gone.not_before))?;
                Some(Wish::Ask { number: *number })
            })
            .or_else(|| {
                let open = self.open.iter();
                let fresh = open.filter_map(|it| Some((it.1.is_fresh(base, now)?, it)));
                let (_, (number, pull)) =
                    fresh.min_by_key(|(due, (number, _))| (*due, **number))?;
                let (head, base) = (pull.head.clone(), base.clone());
                Some(Wish::Compare { number: *number, head, base })
            })?;
        if matches!(wish, Wish::List { .. }) {
            self.list_at = Some(now + EACH);
        }
        Some(wish)
    }

    /// What was waited for has come.
    fn ring(&mut self, now: Timestamp) {
        let over = |at: &mut Option<Timestamp>| *at = at.filter(|at| *at > now);
        self.open.values_mut().for_each(|pull| over(&mut pull.not_before));
        self.gone.values_mut().for_each(|gone| over(&mut gone.not_before));
        self.merged.values_mut().for_each(|one| over(&mut one.not_before));
        self.marks.ring(now);
    }

    /// The next wish is under way.
    pub fn sent(&mut self, wish: Wish) {
        self.out = Some(wish);
    }

    fn write(&self, now: Timestamp) -> Option<Wish> {
        if self.mode != PullRequests::Comment {
            return None;
        }
        let (number, pull) = self.open.iter().find(|(_, pull)| {
            pull.not_before.is_none_or(|at| at <= now) && self.unsaid(pull).is_some()
        })?;
        let known = pull.told.as_ref().map(|(id, _)| *id);
        Some(Wish::Write { number: *number, page: self.unsaid(pull)?, known })
    }

    fn unsaid(&self, pull: &Pull) -> Option<String> {
        pull.unsaid(self.settings.as_ref())
    }

    fn close(
        &self,
        said: impl Fn(&Revision, &BTreeSet<ClaimedName>) -> Option<Vec<CommitStatus>>,
        now: Timestamp,
    ) -> Option<Wish> {
        let due = |one: &&Merged| one.not_before.is_none_or(|at| at <= now);
        let mut due = self.merged.iter().filter(|(_, one)| due(one));
        let (number, one, lines) =
            due.find_map(|(number, one)| Some((number, one, said(&one.commit, &one.names)?)))?;
        Some(Wish::Close { number: *number, line: last_line(&one.commit, &lines) })
    }

    /// Open pull requests were listed; `None`: they are as they were.
    pub fn listed(&mut self, reply: Reply<Option<Listing>>, now: Timestamp) {
        self.out = None;
        let listing = match reply.result {
            Ok(listing) => listing,
            Err(refusal) => {
                let wait;
                (self.unlisted, wait) = refused(refusal);
                return self.list_at = Some(now + wait);
            }
        };
        self.unlisted = None;
        self.list_at = Some(self.list_at.map_or(now + EACH, |at| at.max(now)));
        let Some(Listing { open, merged }) = listing else { return };
        let numbers: BTreeSet<u64> = open.iter().map(|one| one.number).collect();
        let gone: Vec<u64> =
            self.open.keys().filter(|number| !numbers.contains(number)).copied().collect();
        for number in gone {
            let judged = self.open.remove(&number).and_then(|pull| pull.judged);
            let names = judged.map(|judged| judged.names).unwrap_or_default();
            self.gone.insert(number, Gone { names, not_before: None });
        }
        // What lies in the repository may lie in a fork as well: then somebody who may write put it
        // here, too.
        let own: BTreeSet<Revision> =
            open.iter().filter(|one| one.own).map(|one| one.head.clone()).collect();
        for Opened { number, head, labels, own: _ } in open {
            self.gone.remove(&number);
            let before = self.open.get(&number).map(|pull| pull.head.clone());
            let pull = self.open.entry(number).or_insert_with(|| Pull::of(head.clone()));
            let own = own.contains(&head);
            pull.looked_at(before.as_ref(), head, labels, own);
        }
        if !std::mem::replace(&mut self.listed, true) && self.mode == PullRequests::Comment {
            for (number, commit) in merged {
                self.is_merged(number, commit, BTreeSet::new(), now);
            }
        }
    }

    fn is_merged(
        &mut self,
        number: u64,
        commit: Revision,
        names: BTreeSet<ClaimedName>,
        now: Timestamp,
    ) {
        let until = now + PATIENCE;
        self.merged.insert(number, Merged { commit, names, until, not_before: None });
    }

    /// One was told, or not. `None`: nothing of ours stands there any more.
    pub fn written(&mut self, reply: Reply<Option<Commented>>, now: Timestamp) {
        let wish = self.out.take();
        let again;
        (self.untold, again) = match &reply.result {
            Ok(_) => (None, SignedDuration::ZERO),
            Err(refusal) => refused(refusal.clone()),
        };
        match wish {
            Some(Wish::Write { number, page, .. }) => {
                let Some(pull) = self.open.get_mut(&number) else { return };
                match reply.result {
                    Ok(Some(Commented { id })) => pull.told = Some((id, page)),
                    // Somebody took it away: until the next push it stays away.
                    Ok(None) => {
                        pull.told = None;
                        pull.unwanted = Some(pull.head.clone());
                    }
                    Err(_) => {
                        // Whether it was written is not known: that is looked for first.
                        pull.told = None;
                        pull.not_before = Some(now + again);
                    }
                }
            }
            Some(Wish::Close { number, .. }) => match reply.result {
                Ok(_) => drop(self.merged.remove(&number)),
                Err(_) => {
                    if let Some(one) = self.merged.get_mut(&number) {
                        one.not_before = Some(now + again);
                    }
                }
            },
            _ => {}
        }
    }

    /// The next head that is to be marked.
    fn mark(&self) -> Option<Wish> {
        let mut open = self.open.iter().filter(|_| self.marks.may());
        open.find_map(|(number, pull)| {
            let check = pull.unmarked()?.clone();
            Some(Wish::Mark { number: *number, head: pull.head.clone(), check })
        })
    }

    /// One was marked, or not.
    pub fn marked(&mut self, reply: Reply<()>, now: Timestamp) {
        let Some(Wish::Mark { number, head, check }) = self.out.take() else { return };
        // What is never taken of one head keeps no other waiting.
        let is_over = matches!(reply.result, Ok(()) | Err(Refusal::Never(_) | Refusal::NoCommit));
        if let Some(pull) = self.open.get_mut(&number).filter(|_| is_over) {
            pull.marked = Some((head, check));
        }
        match reply.result {
            Ok(()) => self.marks.done(),
            Err(refusal) => self.marks.failed(refusal, now),
        }
    }

    /// What became of one that is open no more.
    pub fn fated(&mut self, reply: Reply<Fate>, now: Timestamp) {
        let Some(Wish::Ask { number }) = self.out.take() else { return };
        match reply.result {
            Ok(Fate::Merged(commit)) => {
                let gone = self.gone.remove(&number);
                if self.mode == PullRequests::Comment {
                    let names = gone.map(|gone| gone.names).unwrap_or_default();
                    self.is_merged(number, commit, names, now);
                }
            }
            Ok(Fate::Closed) => drop(self.gone.remove(&number)),
            // The list was behind; the next one has it.
            Ok(Fate::Open) => {
                self.gone.remove(&number);
                self.list_at = Some(now + AGAIN);
            }
            Err(refusal) => {
                let (_, wait) = refused(refusal); // the next list says why
                if let Some(gone) = self.gone.get_mut(&number) {
                    gone.not_before = Some(now + wait);
                }
            }
        }
    }

    /// Nobody answers any more what is under way.
    pub fn lost(&mut self, now: Timestamp) {
        let why = || Refusal::Unsure("nobody answered".to_owned());
        match &self.out {
            None => self.reviewed(None, now),
            Some(Wish::List { .. }) => self.listed(Reply { result: Err(why()), left: None }, now),
            Some(Wish::Compare { number, .. }) => {
                let number = *number;
                self.out = None;
                if let Some(pull) = self.open.get_mut(&number) {
                    pull.not_before = Some(now + AGAIN);
                }
            }
            Some(Wish::Write { .. } | Wish::Close { .. }) => {
                self.written(Reply { result: Err(why()), left: None }, now);
            }
            Some(Wish::Mark { .. }) => self.marked(Reply { result: Err(why()), left: None }, now),
            Some(Wish::Ask { .. }) => self.fated(Reply { result: Err(why()), left: None }, now),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
