//! Sight: what the cluster holds, kept true by what the watches say and what our own writes were
//! answered.
//!
//! The newer word wins, by resourceVersion: an event that is older than the answer of a PATCH is
//! not heard, and an object that a DELETE took does not come back through a late event. A version
//! that goes backwards is no lag: the server was put back to an older state, and every kind is
//! listed again, for all lie in one store. So it is once a day, in case that an event was lost.

mod answers;
mod audit;
mod backwards;
mod digest;
mod graves;
mod namespaces;
mod own;
mod pods;
mod said;
mod sayings;
mod seen;
mod sweep;
mod touched;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

pub use seen::{Managed, Meta, News, Seen, Written};
pub use touched::{Batch, Touched};

use super::chance::Chance;
use super::event::Event;
use crate::model::intern::Interner;
use crate::model::{InstanceName, Kind, ObjectKey, SolutionName, marks};
use crate::plan::Outline;
use crate::plan::observed::{GatewayFault, KindState, Live, Machines, Observed, Problem};
use audit::Audit;
use backwards::Versions;
use graves::Graves;
use sayings::Sayings;

/// [`Observed`], and what it takes to keep it.
pub struct Sight {
    /// What the cluster holds, as the planner reads it.
    pub observed: Observed,
    /// Why something cannot be read, by the name that rights use (`deployments.apps`).
    pub problems: BTreeMap<String, Problem>,
    instance: InstanceName,
    /// The daemon's own namespace.
    namespace: String,
    /// The namespaces of ours that are being deleted, and since when.
    leaving: BTreeMap<SolutionName, Timestamp>,
    interner: Interner,
    /// The approvals that are there, read or not.
    offered: BTreeSet<String>,
    /// What the list of what is held says by its label; `None`: there is no list.
    posted: Option<String>,
    buried: Graves,
    /// Kinds being listed, with what came already.
    listing: HashMap<Kind, HashSet<ObjectKey>>,
    versions: Versions,
    audit: Audit,
    sayings: Sayings,
    /// Whether a watch failed since one of them stood again.
    broken: bool,
    /// What began or ceased to be unreadable and was not told yet.
    turns: Vec<(String, Option<Problem>)>,
    /// Kinds whose watch says that nobody answers, or nothing useful.
    silent: BTreeSet<Kind>,
    /// What the newest try was answered, while all are silent.
    silence: Option<Problem>,
    /// Whether one of `problems` is another since this was asked.
    troubled: bool,
}

impl Sight {
    /// Nothing is seen yet. `seed`: chance, which spreads the daily lists.
    pub fn new(instance: InstanceName, namespace: String, seed: u64) -> Self {
        Self {
            observed: Observed::default(),
            problems: BTreeMap::new(),
            instance,
            namespace,
            leaving: BTreeMap::new(),
            interner: Interner::default(),
            offered: BTreeSet::new(),
            posted: None,
            buried: Graves::default(),
            listing: HashMap::new(),
            versions: Versions::default(),
            audit: Audit::new(Chance::new(seed)),
            sayings: Sayings::default(),
            broken: false,
            turns: Vec::new(),
            silent: BTreeSet::new(),
            silence: None,
            troubled: false,
        }
    }

    /// Whether every kind that is rendered was listed, or cannot be there.
    pub fn knows_every_kind(&self) -> bool {
        let known = |kind| self.observed.kinds.get(&kind).is_some_and(|s| *s != KindState::Unknown);
        Kind::RENDERED.into_iter().all(known)
    }

    /// Whether every kind is known, or somebody was told why not.
    pub fn has_looked(&self) -> bool {
        Kind::RENDERED.iter().all(|kind| {
            self.observed.kinds.get(kind).is_some_and(|state| *state != KindState::Unknown)
                || self.problems.contains_key(&kind.resource())
        })
    }

    /// The kinds that have to be listed again, each told once.
    pub fn relist(&mut self) -> BTreeSet<Kind> {
        self.versions.relist()
    }

    /// The kinds whose list was overtaken by an answer and has to be read again, each told once.
    pub fn late(&mut self) -> BTreeSet<Kind> {
        self.versions.late()
    }

    /// The kinds whose daily list is due, each told once. By the clock that does not jump, as is
    /// [`Sight::deadline`].
    pub fn audits(&mut self, now: Timestamp) -> BTreeSet<Kind> {
        let kinds = &self.observed.kinds;
        self.audit.ring(now, |kind| kinds.get(&kind) == Some(&KindState::Synced))
    }

    /// When the next daily list is due, or something that was said is too old to count.
    pub fn deadline(&self) -> Option<Timestamp> {
        let kinds = &self.observed.kinds;
        let audit = self.audit.deadline(|kind| kinds.get(&kind) == Some(&KindState::Synced));
        audit.into_iter().chain(self.sayings.deadline()).min()
    }

    /// The kinds of which a daily list was not what the watch had said, and in how many objects.
    /// Told once.
    pub fn differed(&mut self) -> Vec<(Kind, usize)> {
        self.audit.differed()
    }

    /// Whether the Lease is to be read again, told once: its version says whether the store was put
    /// back.
    pub fn reads_lease(&mut self) -> bool {
        self.versions.reads_lease()
    }

    /// What a look at the nodes and the Gateway found. Answers whether it is news.
    pub fn knows_platform(&mut self, machines: Machines, gateway: Option<GatewayFault>) -> bool {
        let Observed { machines: before, gateway: fault, .. } = &mut self.observed;
        let is_news = *before != machines || *fault != gateway;
        (*before, *fault) = (machines, gateway);
        is_news
    }

    /// Takes in an event that is about the cluster alone; another comes back.
    pub fn take(&mut self, event: Event, batch: &mut Batch) -> Option<Event> {
        match event {
            Event::Watched(kind, news) => {
                news.into_iter().for_each(|news| self.hear(kind, news, batch));
            }
            Event::Defined(kind, version) => self.defined(kind, &version, batch),
            Event::Trouble(what, problem) => self.trouble(&what, problem),
            Event::Lease(record, version) => self.record(record, version.as_deref(), batch),
            other @ (Event::Repository(_)
            | Event::Said(_)
            | Event::Hint
            | Event::Knock
            | Event::Answered(..)
            | Event::Lost(_)) => return Some(other),
        }
        None
    }

    /// The solutions whose namespaces are being deleted, and since when.
    pub fn leaving(&self) -> &BTreeMap<SolutionName, Timestamp> {
        &self.leaving
    }

    /// The newest version of a kind that the server vouched for.
    pub fn newest(&self, kind: Kind) -> Option<u64> {
        self.versions.newest(kind)
    }

    /// The CRD of a kind is there, in this version.
    pub fn defined(&mut self, kind: Kind, version: &str, batch: &mut Batch) {
        let old = self.observed.definitions.insert(kind, version.to_owned());
        if old.is_some_and(|old| old != version) {
            batch.definitions.insert(kind);
        }
    }

    /// Hears the watch of a kind.
    pub fn hear(&mut self, kind: Kind, news: News, batch: &mut Batch) {
        match news {
            News::Listing => {
                self.listen(kind, None);
                self.listing.insert(kind, HashSet::new());
                let audit = self.audit.begins(kind, self.versions.told(kind));
                self.versions.listing(kind);
                self.buried.list(kind);
                // An audit doubts nothing: what was known stays known until it is complete.
                if !audit || self.observed.kinds.get(&kind) != Some(&KindState::Synced) {
                    self.state(kind, KindState::Unknown, batch);
                }
            }
            News::Present(seen) => {
                let key = seen.key(kind);
                match self.listing.get_mut(&kind) {
                    Some(came) => {
                        came.insert(key.clone());
                        self.versions.shown(kind, &seen.meta.resource_version);
                    }
                    None => self.versions.bookmark(kind, &seen.meta.resource_version),
                }
                if self.audit.compares(kind, &seen.meta.resource_version) {
                    let mut touched = Batch::default();
                    self.present(key, *seen, &mut touched);
                    if touched.is_of_objects() {
                        self.audit.differs(kind);
                    }
                    batch.absorb(touched);
                } else {
                    self.present(key, *seen, batch);
                }
            }
            News::Deleted(seen) => {
                let key = seen.key(kind);
                match self.listing.get_mut(&kind) {
                    Some(came) => drop(came.remove(&key)),
                    None => self.versions.bookmark(kind, &seen.meta.resource_version),
                }
                self.deleted(&key, &seen, batch);
            }
            News::Listed(version) => {
                if self.versions.listed(kind, &version) {
                    // What is known is of a time that the server forgot: the next list tells.
                    self.listing.remove(&kind);
                    self.state(kind, KindState::Unknown, batch);
                    return;
                }
                if let Some(came) = self.listing.remove(&kind) {
                    let gone = self.sweep(kind, &came, &version, batch);
                    self.audit.ends(kind, gone);
                }
                self.versions.settled(kind);
                self.trouble(&kind.resource(), None);
                self.state(kind, KindState::Synced, batch);
            }
            News::Bookmark(version) => self.versions.bookmark(kind, &version),
            News::State(state, problem) => {
                self.listen(kind, problem.as_ref());
                match state {
                    KindState::Unknown => self.broken = true,
                    // It goes on where it stood, and nothing was listed.
                    KindState::Synced if std::mem::take(&mut self.broken) => {
                        self.versions.stands_again();
                    }
                    KindState::Synced | KindState::Absent => {}
                }
                self.trouble(&kind.resource(), problem);
                if state == KindState::Absent {
                    self.listing.remove(&kind);
                    self.sweep(kind, &HashSet::new(), "", batch);
                }
                self.state(kind, state, batch);
            }
        }
    }

    fn state(&mut self, kind: Kind, state: KindState, batch: &mut Batch) {
        if self.observed.kinds.insert(kind, state) != Some(state) {
            batch.kinds.insert(kind, state);
        }
    }

    /// An object as a watch shows it.
    fn present(&mut self, key: ObjectKey, seen: Seen, batch: &mut Batch) {
        // A store that was put back has what a DELETE took.
        if self.buried.holds(&key, &seen.meta.uid) && !self.versions.begins_anew(key.kind) {
            if self.listing.contains_key(&key.kind) && self.buried.is_closed(&key) {
                self.versions.stale(key.kind, None);
            }
            return;
        }
        match key.kind {
            Kind::Pod => return self.pod(seen, batch),
            Kind::Namespace => self.namespace(&seen, batch),
            Kind::ConfigMap if self.is_held_list(&key) => {
                let list = seen.meta.label(marks::HELD).unwrap_or_default();
                return self.post(Some(list.to_owned()));
            }
            Kind::ConfigMap if self.is_approval(&key, &seen) => {
                self.offered.insert(key.name.to_string());
                batch.read.push(key.name.to_string());
                return;
            }
            _ => {}
        }
        self.file(key, seen, batch);
    }

    /// Puts an object where its address says, if it carries our label and that is news. The label
    /// of the solution decides nothing: a hand could change it.
    fn file(&mut self, key: ObjectKey, seen: Seen, batch: &mut Batch) {
        let older = self.live(&key).map(|old| &old.resource_version).filter(|old| {
            version(&seen.meta.resource_version) < version(old)
                && !self.versions.begins_anew(key.kind)
        });
        if let Some(known) = older.cloned() {
            if self.listing.contains_key(&key.kind) {
                self.versions.stale(key.kind, Some(&known));
            }
            return;
        }
        let Some(home) = key.solution(&self.instance) else { return };
        if seen.meta.label(marks::INSTANCE) != Some(self.instance.as_str()) {
            return self.unfile(&key, batch);
        }
        self.buried.open(&key);
        let live = self.digest(&key, seen);
        let shelf = self.observed.solutions.entry(home.clone()).or_default();
        if shelf.get(&key).map(|old| &**old) != Some(&live) {
            batch.solution(&home);
            shelf.insert(key, Box::new(live));
        }
    }

    /// Takes an object out.
    fn unfile(&mut self, key: &ObjectKey, batch: &mut Batch) {
        let Some(home) = key.solution(&self.instance) else { return };
        let Some(shelf) = self.observed.solutions.get_mut(&home) else { return };
        if shelf.remove(key).is_some() {
            batch.solution(&home);
        }
        if shelf.is_empty() {
            self.observed.solutions.remove(&home);
        }
    }

    /// Lets the field sets of an outline be those that were seen: equal ones are then one, and a
    /// plan that compares them compares two addresses.
    pub fn share(&mut self, outline: &mut Outline) {
        outline.share(&mut self.interner);
    }

    /// An object of ours, as far as it is known.
    pub fn live(&self, key: &ObjectKey) -> Option<&Live> {
        let live = self.observed.solutions.get(&key.solution(&self.instance)?)?.get(key)?;
        Some(live)
    }

    /// An object that left the watch: deleted, or without our label.
    fn deleted(&mut self, key: &ObjectKey, seen: &Seen, batch: &mut Batch) {
        self.buried.forget(key, &seen.meta.uid);
        if key.kind == Kind::Pod {
            if let Some(solution) = key.solution(&self.instance) {
                self.sayings.forget(&solution, &key.name);
            }
            return self.forget_pod(seen, batch);
        }
        if self.observed.in_flight.contains_key(key) {
            // The answer to what we asked for may be of before, and come after.
            self.buried.bury(key.clone(), seen.meta.uid.clone());
        }
        if !self.versions.begins_anew(key.kind)
            && self.live(key).is_some_and(|live| {
                version(&seen.meta.resource_version) < version(&live.resource_version)
            })
        {
            return;
        }
        if key.kind == Kind::Namespace && self.observed.namespaces.remove(&key.name).is_some() {
            batch.namespaces.insert(key.name.clone());
            self.leaves(&key.name);
            self.observed.surveys.remove(&key.name);
        }
        if key.kind == Kind::ConfigMap && key.namespace.as_deref() == Some(&*self.namespace) {
            self.offered.remove(key.name.as_str());
            batch.approvals |= self.observed.approvals.remove(key.name.as_str()).is_some();
            if self.is_held_list(key) {
                self.post(None);
            }
        }
        self.unfile(key, batch);
    }
}

/// A resourceVersion as the number that it is; what is none counts as the newest.
fn version(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
