//! Whether the versions of a kind go forward, as those of a server do that lost nothing.
//!
//! A server whose store was put back to an older state tells versions below those that it told
//! before. Then "older" says nothing any more: what is known of each kind begins anew with the next
//! list of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Kind;

/// A version as the number that it is; what is none cannot be compared.
fn number(version: &str) -> Option<u64> {
    version.parse().ok()
}

/// The newest version of each kind that the server vouched for, and what was found wrong with it.
#[derive(Debug, Default)]
pub(super) struct Versions {
    newest: BTreeMap<Kind, u64>,
    /// The newest version that a write of ours was answered with.
    answered: BTreeMap<Kind, u64>,
    /// The same, when the list began that is under way: lists are read of what is newest then.
    floor: BTreeMap<Kind, u64>,
    /// Kinds whose last list was of before an answer that was heard before it. Once, that may be a
    /// list that was read before the answer was given and heard after it.
    behind: BTreeSet<Kind>,
    /// Those of them of which another list is to be asked for.
    late: BTreeSet<Kind>,
    /// Kinds whose list under way shows an object as it was before the list began, or one that a
    /// DELETE before it took.
    stale: BTreeSet<Kind>,
    /// The newest version of anything of a kind that was known when its list began.
    known: BTreeMap<Kind, u64>,
    /// The newest version of an object that a list showed, whether it came to its end or not.
    shown: BTreeMap<Kind, u64>,
    /// Kinds of which another list is needed before versions can be compared again.
    doubted: BTreeSet<Kind>,
    /// Those of them whose list has begun.
    anew: BTreeSet<Kind>,
    /// Lists to ask for.
    wanted: BTreeSet<Kind>,
    /// The version of the Lease as it was last read or written.
    lease: Option<u64>,
    /// Whether the Lease is to be read, because the store may have been put back.
    lease_wanted: bool,
}

impl Versions {
    /// A version of this kind was below an earlier one. All kinds lie in one store, and one of
    /// which nothing is said for an hour would keep what the store brought back.
    pub fn went_backwards(&mut self, kind: Kind) {
        if self.doubted.insert(kind) {
            self.wanted.insert(kind);
            self.lease_wanted = true;
            self.doubt_all();
        }
    }

    /// No version of before counts, of whatever kind.
    fn doubt_all(&mut self) {
        let kinds = self.newest.keys().filter(|kind| self.doubted.insert(**kind));
        self.wanted.extend(kinds);
    }

    /// Nobody answered for a while, and somebody does again. Its store may be another one.
    pub fn stands_again(&mut self) {
        self.lease_wanted = true;
    }

    /// Whether the Lease is to be read, told once.
    pub fn reads_lease(&mut self) -> bool {
        std::mem::take(&mut self.lease_wanted)
    }

    /// The Lease was read or written: it is as of this version, or not there. Below what it was,
    /// it is of a store that was put back, and no version of before counts, of whatever kind.
    pub fn lease(&mut self, at: Option<&str>) {
        let known = std::mem::replace(&mut self.lease, at.and_then(number));
        if known.is_some_and(|known| self.lease.is_none_or(|at| at < known)) {
            self.doubt_all();
        }
    }

    /// Up to which version everything of a kind was said; `None` when that cannot be compared.
    pub fn told(&self, kind: Kind) -> Option<u64> {
        self.newest.get(&kind).copied().filter(|_| !self.doubted.contains(&kind))
    }

    /// The kinds to list again, told once.
    pub fn relist(&mut self) -> BTreeSet<Kind> {
        std::mem::take(&mut self.wanted)
    }

    /// The kinds whose list came too late to count, told once.
    pub fn late(&mut self) -> BTreeSet<Kind> {
        std::mem::take(&mut self.late)
    }

    /// A list begins.
    pub fn listing(&mut self, kind: Kind) {
        if self.doubted.contains(&kind) {
            self.anew.insert(kind);
            self.wanted.remove(&kind);
            self.newest.remove(&kind);
            self.answered.remove(&kind);
            self.shown.remove(&kind);
        }
        self.stale.remove(&kind);
        let known = [&self.newest, &self.answered, &self.shown];
        let known = known.into_iter().filter_map(|known| known.get(&kind)).max().copied();
        self.known.insert(kind, known.unwrap_or_default());
        let floor = self.answered.get(&kind).copied().unwrap_or_default();
        self.floor.insert(kind, floor);
    }

    /// A list shows an object of this version. No list is of before what it shows.
    pub fn shown(&mut self, kind: Kind, at: &str) {
        let Some(at) = number(at) else { return };
        let newest = self.shown.entry(kind).or_default();
        *newest = at.max(*newest);
    }

    /// A list shows an object older than this version of it, or one that was known to be gone
    /// before the list began.
    pub fn stale(&mut self, kind: Kind, known: Option<&str>) {
        let before = |at| self.known.get(&kind).is_some_and(|known| at <= *known);
        if known.and_then(number).is_none_or(before) {
            self.stale.insert(kind);
        }
    }

    /// A write of ours was answered.
    pub fn answered(&mut self, kind: Kind, at: &str) {
        let Some(at) = number(at) else { return };
        let newest = self.answered.entry(kind).or_default();
        *newest = at.max(*newest);
    }

    /// The newest version of this kind that the server vouched for.
    pub fn newest(&self, kind: Kind) -> Option<u64> {
        self.newest.get(&kind).copied()
    }

    /// Whether everything of this kind up to this version was said.
    pub fn is_told(&self, kind: Kind, at: &str) -> bool {
        !self.doubted.contains(&kind)
            && number(at).zip(self.newest(kind)).is_some_and(|(at, newest)| at <= newest)
    }

    /// Whether an object of this kind counts whatever its version: a list begins anew.
    pub fn begins_anew(&self, kind: Kind) -> bool {
        self.anew.contains(&kind)
    }

    /// A list is complete as of this version. `true`: it is below what was known before, and does
    /// not count.
    pub fn listed(&mut self, kind: Kind, at: &str) -> bool {
        let Some(at) = number(at) else { return false };
        let below = |known: &BTreeMap<Kind, u64>| known.get(&kind).is_some_and(|known| at < *known);
        let behind = below(&self.floor) || self.stale.remove(&kind);
        if below(&self.newest) || below(&self.shown) || (behind && self.behind.contains(&kind)) {
            self.behind.remove(&kind);
            self.went_backwards(kind);
            return true;
        }
        if behind {
            self.behind.insert(kind);
            self.late.insert(kind);
            return true;
        }
        self.behind.remove(&kind);
        self.newest.insert(kind, at);
        false
    }

    /// A list was taken in.
    pub fn settled(&mut self, kind: Kind) {
        if self.anew.remove(&kind) {
            self.doubted.remove(&kind);
        }
    }

    /// Everything up to this version was said.
    pub fn bookmark(&mut self, kind: Kind, at: &str) {
        let Some(at) = number(at) else { return };
        match self.newest.get(&kind) {
            Some(newest) if at < *newest => self.went_backwards(kind),
            Some(_) | None => {
                self.newest.insert(kind, at);
            }
        }
    }
}
