//! Keeps [`Observed`] true: what the watches say and what our own writes were answered.
//!
//! The newer word wins, by resourceVersion: an event that is older than the answer of a PATCH is
//! not heard, and an object that a DELETE took does not come back through a late event.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio::sync::watch;

use super::health;
use super::intern::Interner;
use super::watch::{Definitions, News, Subject};
use super::wire::Seen;
use crate::model::{ContentHash, InstanceName, Kind, ObjectKey, Revision, marks};
use crate::plan::observed::{
    Approval, DeploymentFacts, HealthFacts, KindState, Live, NamespaceFacts, Observed, Record,
    RouteFacts, ScaledFacts,
};
use crate::plan::{Outcome, Step};

/// What a batch of news touched. Each solution, kind and namespace is named once.
#[derive(Clone, Debug, PartialEq)]
pub enum Touched {
    /// An object or a pod of this solution is not as it was.
    Solution(String),
    /// More or less is known of a kind.
    Kind(Kind, KindState),
    /// A step came to its end.
    Done { solution: String, step: Step, outcome: Outcome },
    /// A namespace, ours or not, is not as it was.
    Namespace(String),
    /// Approvals came or went.
    Approvals,
    /// The record on the Lease was read.
    Record,
}

/// Collects what a batch touches.
#[derive(Debug, Default)]
pub(super) struct Batch {
    solutions: BTreeSet<String>,
    kinds: BTreeMap<Kind, KindState>,
    namespaces: BTreeSet<String>,
    approvals: bool,
    record: bool,
    done: Vec<Touched>,
    /// ConfigMaps whose approval is to be read.
    pub read: Vec<String>,
}

impl Batch {
    fn solution(&mut self, name: &str) {
        if !self.solutions.contains(name) {
            self.solutions.insert(name.to_owned());
        }
    }

    /// Everything, in an order that tells of knowledge before events.
    pub fn finish(self) -> Vec<Touched> {
        let mut all = Vec::new();
        all.extend(self.kinds.into_iter().map(|(kind, state)| Touched::Kind(kind, state)));
        all.extend(self.record.then_some(Touched::Record));
        all.extend(self.approvals.then_some(Touched::Approvals));
        all.extend(self.namespaces.into_iter().map(Touched::Namespace));
        all.extend(self.solutions.into_iter().map(Touched::Solution));
        all.extend(self.done);
        all
    }
}

/// What a step wrote.
#[derive(Debug)]
pub(super) enum Written {
    Nothing,
    /// The metadata that a PATCH answered.
    Object(Box<Seen>),
    /// The object with this UID is gone.
    Gone(String),
    /// Of a survey: what it found.
    Survey(crate::plan::observed::Survey),
}

/// [`Observed`], and what it takes to keep it.
pub(super) struct Store {
    pub observed: Observed,
    /// Why a kind is not watched, by the name that rights use.
    pub problems: BTreeMap<String, String>,
    instance: InstanceName,
    /// The daemon's own namespace.
    namespace: String,
    interner: Interner,
    /// Which solution an object is filed under.
    homes: HashMap<ObjectKey, Box<str>>,
    /// What a DELETE took whose event has not come: its UID.
    buried: HashMap<ObjectKey, String>,
    /// Kinds being listed, with what came already.
    listing: HashMap<Kind, HashSet<ObjectKey>>,
    definitions: watch::Sender<Definitions>,
    /// CRDs that a list brought so far.
    defined: BTreeSet<String>,
}

impl Store {
    pub fn new(
        instance: InstanceName,
        namespace: String,
        definitions: watch::Sender<Definitions>,
    ) -> Self {
        Self {
            observed: Observed::default(),
            problems: BTreeMap::new(),
            instance,
            namespace,
            interner: Interner::default(),
            homes: HashMap::new(),
            buried: HashMap::new(),
            listing: HashMap::new(),
            definitions,
            defined: BTreeSet::new(),
        }
    }

    /// Hears one watch.
    pub fn hear(&mut self, subject: Subject, news: News, batch: &mut Batch) {
        match subject {
            Subject::Kind(kind) => self.hear_kind(kind, news, batch),
            Subject::Definitions => self.hear_definitions(news),
        }
    }

    fn hear_kind(&mut self, kind: Kind, news: News, batch: &mut Batch) {
        match news {
            News::Listing => {
                self.listing.insert(kind, HashSet::new());
                self.state(kind, KindState::Unknown, batch);
            }
            News::Present(seen) => {
                let key = key(kind, &seen);
                if let Some(came) = self.listing.get_mut(&kind) {
                    came.insert(key.clone());
                }
                self.present(key, *seen, batch);
            }
            News::Deleted(seen) => {
                let key = key(kind, &seen);
                if let Some(came) = self.listing.get_mut(&kind) {
                    came.remove(&key);
                }
                self.deleted(&key, &seen, batch);
            }
            News::Listed(version) => {
                if let Some(came) = self.listing.remove(&kind) {
                    self.sweep(kind, &came, &version, batch);
                }
                self.problems.remove(&Subject::Kind(kind).to_string());
                self.state(kind, KindState::Synced, batch);
            }
            News::State(state, problem) => {
                match problem {
                    Some(problem) => {
                        self.problems.insert(Subject::Kind(kind).to_string(), problem);
                    }
                    None => {
                        self.problems.remove(&Subject::Kind(kind).to_string());
                    }
                }
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

    fn hear_definitions(&mut self, news: News) {
        match news {
            News::Listing => self.defined.clear(),
            News::Present(seen) => {
                self.defined.insert(seen.meta.name);
                // Its conditions may have changed: wake who waits, also if the name was known.
                self.definitions.send_if_modified(|known| match known {
                    Some(names) => {
                        names.clone_from(&self.defined);
                        true
                    }
                    None => false,
                });
            }
            News::Deleted(seen) => {
                self.defined.remove(&seen.meta.name);
                self.definitions.send_if_modified(|known| match known {
                    Some(names) => names.remove(&seen.meta.name),
                    None => false,
                });
            }
            News::Listed(_) => {
                self.problems.remove(&Subject::Definitions.to_string());
                self.definitions.send_replace(Some(self.defined.clone()));
            }
            News::State(KindState::Synced, _) => {
                self.problems.remove(&Subject::Definitions.to_string());
                self.definitions.send_replace(Some(self.defined.clone()));
            }
            News::State(_, problem) => {
                if let Some(problem) = problem {
                    self.problems.insert(Subject::Definitions.to_string(), problem);
                }
                self.definitions.send_replace(None);
            }
        }
    }

    /// An object as a watch shows it.
    fn present(&mut self, key: ObjectKey, seen: Seen, batch: &mut Batch) {
        if self.buried.get(&key).is_some_and(|uid| *uid == seen.meta.uid) {
            return;
        }
        match key.kind {
            Kind::Pod => return self.pod(seen, batch),
            Kind::Namespace => self.namespace(&seen, batch),
            Kind::ConfigMap if self.is_approval(&key, &seen) => {
                batch.read.push(key.name);
                return;
            }
            _ => {}
        }
        self.file(key, seen, batch);
    }

    /// Puts an object where its labels say, if that is news.
    fn file(&mut self, key: ObjectKey, seen: Seen, batch: &mut Batch) {
        if let Some(old) = self.live(&key)
            && version(&seen.meta.resource_version) < version(&old.resource_version)
        {
            return;
        }
        let ours = seen.meta.label(marks::INSTANCE) == Some(self.instance.as_str());
        let home = seen.meta.label(marks::SOLUTION).filter(|_| ours).map(str::to_owned);
        if self.homes.get(&key).map(|h| &**h) != home.as_deref() {
            self.unfile(&key, batch);
        }
        let Some(home) = home else { return };
        self.buried.remove(&key);
        let live = self.digest(key.kind, seen);
        let shelf = self.observed.solutions.entry(home.clone()).or_default();
        if shelf.get(&key) == Some(&live) {
            return;
        }
        batch.solution(&home);
        if shelf.insert(key.clone(), live).is_none() {
            self.homes.insert(key, home.into_boxed_str());
        }
    }

    /// Takes an object out.
    fn unfile(&mut self, key: &ObjectKey, batch: &mut Batch) {
        let Some(home) = self.homes.remove(key) else { return };
        batch.solution(&home);
        if let Some(shelf) = self.observed.solutions.get_mut(&*home) {
            shelf.remove(key);
            if shelf.is_empty() {
                self.observed.solutions.remove(&*home);
            }
        }
    }

    fn live(&self, key: &ObjectKey) -> Option<&Live> {
        self.observed.solutions.get(&**self.homes.get(key)?)?.get(key)
    }

    /// The UID of an object that is observed.
    pub fn uid(&self, key: &ObjectKey) -> Option<String> {
        self.live(key).map(|live| live.uid.clone())
    }

    /// An object that left the watch: deleted, or without our label.
    fn deleted(&mut self, key: &ObjectKey, seen: &Seen, batch: &mut Batch) {
        if self.buried.get(key).is_some_and(|uid| *uid == seen.meta.uid) {
            self.buried.remove(key);
        }
        if key.kind == Kind::Pod {
            return self.forget_pod(seen, batch);
        }
        if self.live(key).is_some_and(|live| {
            version(&seen.meta.resource_version) < version(&live.resource_version)
        }) {
            return;
        }
        if key.kind == Kind::Namespace && self.observed.namespaces.remove(&key.name).is_some() {
            batch.namespaces.insert(key.name.clone());
            self.observed.surveys.remove(&key.name);
        }
        if key.kind == Kind::ConfigMap && key.namespace.as_deref() == Some(&*self.namespace) {
            batch.approvals |= self.observed.approvals.remove(&key.name).is_some();
        }
        self.unfile(key, batch);
    }

    /// After a complete list: what did not come is gone, unless we wrote it since.
    fn sweep(&mut self, kind: Kind, came: &HashSet<ObjectKey>, as_of: &str, batch: &mut Batch) {
        let gone: Vec<ObjectKey> = self
            .homes
            .keys()
            .filter(|key| key.kind == kind && !came.contains(*key))
            .filter(|key| {
                as_of.is_empty()
                    || self
                        .live(key)
                        .is_none_or(|live| version(&live.resource_version) <= version(as_of))
            })
            .cloned()
            .collect();
        for key in &gone {
            self.unfile(key, batch);
        }
        self.buried.retain(|key, _| key.kind != kind || came.contains(key));
        self.interner.prune();
        match kind {
            Kind::Namespace => {
                let homes = &self.homes;
                self.observed.namespaces.retain(|name, _| {
                    let key = ObjectKey::cluster(Kind::Namespace, name.as_str());
                    let stays = came.contains(&key) || homes.contains_key(&key);
                    if !stays {
                        batch.namespaces.insert(name.clone());
                    }
                    stays
                });
            }
            Kind::Pod => {
                let there: HashSet<&str> = came.iter().map(|key| key.name.as_str()).collect();
                self.observed.pods.retain(|solution, pods| {
                    let before = pods.len();
                    pods.retain(|name, _| there.contains(name.as_str()));
                    if pods.len() != before {
                        batch.solution(solution);
                    }
                    !pods.is_empty()
                });
            }
            Kind::ConfigMap => {
                let namespace = &self.namespace;
                let before = self.observed.approvals.len();
                self.observed.approvals.retain(|name, _| {
                    came.contains(&ObjectKey::namespaced(
                        Kind::ConfigMap,
                        namespace.as_str(),
                        name.as_str(),
                    ))
                });
                batch.approvals |= self.observed.approvals.len() != before;
            }
            _ => {}
        }
    }

    fn namespace(&mut self, seen: &Seen, batch: &mut Batch) {
        let meta = &seen.meta;
        let ours = meta.label(marks::INSTANCE) == Some(self.instance.as_str());
        let facts = NamespaceFacts {
            ours: ours && meta.managed_fields.ours.is_some(),
            deleting: meta.deletion_timestamp,
            created: meta.creation_timestamp,
        };
        let key = ObjectKey::cluster(Kind::Namespace, meta.name.as_str());
        let older = self
            .live(&key)
            .is_some_and(|live| version(&meta.resource_version) < version(&live.resource_version));
        if !older && self.observed.namespaces.get(&meta.name) != Some(&facts) {
            self.observed.namespaces.insert(meta.name.clone(), facts);
            batch.namespaces.insert(meta.name.clone());
        }
    }

    fn pod(&mut self, seen: Seen, batch: &mut Batch) {
        let well = seen.pod.as_ref().is_none_or(|facts| facts.word.is_none());
        if well || seen.meta.deletion_timestamp.is_some() {
            return self.forget_pod(&seen, batch);
        }
        let (Some(solution), Some(facts)) = (seen.meta.label(marks::SOLUTION), seen.pod.clone())
        else {
            return;
        };
        let pods = self.observed.pods.entry(solution.to_owned()).or_default();
        if pods.get(&seen.meta.name) != Some(&facts) {
            pods.insert(seen.meta.name.clone(), facts);
            batch.solution(solution);
        }
    }

    fn forget_pod(&mut self, seen: &Seen, batch: &mut Batch) {
        let Some(solution) = seen.meta.label(marks::SOLUTION) else { return };
        let Some(pods) = self.observed.pods.get_mut(solution) else { return };
        if pods.remove(&seen.meta.name).is_some() {
            batch.solution(solution);
        }
        if pods.is_empty() {
            self.observed.pods.remove(solution);
        }
    }

    fn is_approval(&self, key: &ObjectKey, seen: &Seen) -> bool {
        key.kind == Kind::ConfigMap
            && key.namespace.as_deref() == Some(self.namespace.as_str())
            && seen.meta.label(marks::APPROVAL) == Some("true")
            && seen.meta.label(marks::SOLUTION).is_none()
    }

    /// An approval was read; `None` = it is gone, or is not one.
    pub fn approval(&mut self, name: String, approval: Option<Approval>, batch: &mut Batch) {
        let changed = match approval {
            Some(approval) => {
                self.observed.approvals.insert(name, approval.clone()) != Some(approval)
            }
            None => self.observed.approvals.remove(&name).is_some(),
        };
        batch.approvals |= changed;
    }

    /// The Lease was read.
    pub fn record(&mut self, record: Record, batch: &mut Batch) {
        self.observed.record = record;
        batch.record = true;
    }

    /// A step ended.
    pub fn done(
        &mut self,
        solution: String,
        step: Step,
        outcome: Outcome,
        written: Written,
        batch: &mut Batch,
    ) {
        let key = step.key();
        self.observed.in_flight.remove(&key);
        match written {
            Written::Nothing => {}
            Written::Object(seen) => self.answered(key, *seen, batch),
            Written::Gone(uid) => {
                if self.live(&key).is_some_and(|live| live.uid == uid) {
                    self.unfile(&key, batch);
                    self.buried.insert(key, uid);
                }
            }
            Written::Survey(survey) => {
                self.observed.surveys.insert(key.name, survey);
            }
        }
        batch.solution(&solution);
        batch.done.push(Touched::Done { solution, step, outcome });
    }

    /// What a PATCH answered: metadata alone, so that the facts stay until the event comes. Only
    /// the generation moves, which makes old facts read as progressing.
    fn answered(&mut self, key: ObjectKey, mut seen: Seen, batch: &mut Batch) {
        let old = self.live(&key);
        if old.is_some_and(|old| {
            version(&old.resource_version) >= version(&seen.meta.resource_version)
        }) {
            return;
        }
        let same = old.filter(|old| old.uid == seen.meta.uid).map(|old| old.health.clone());
        let meta = &seen.meta;
        seen.health = match key.kind {
            Kind::Deployment => HealthFacts::Deployment(match same {
                Some(HealthFacts::Deployment(facts)) => {
                    let DeploymentFacts { generation, verified, template, .. } =
                        health::marked(meta);
                    DeploymentFacts { generation, verified, template, ..facts }
                }
                _ => DeploymentFacts {
                    wanted: if meta.managed_fields.birth { 0 } else { 1 },
                    ..health::marked(meta)
                },
            }),
            Kind::HttpRoute => HealthFacts::Route(match same {
                Some(HealthFacts::Route(facts)) => {
                    RouteFacts { generation: meta.generation, ..facts }
                }
                _ => RouteFacts { generation: meta.generation, ..RouteFacts::default() },
            }),
            Kind::ScaledObject => {
                let (generation, forced) = (meta.generation, health::forced(meta));
                HealthFacts::ScaledObject(match same {
                    Some(HealthFacts::ScaledObject(facts)) => {
                        ScaledFacts { generation, forced, ..facts }
                    }
                    _ => ScaledFacts { generation, forced, ..ScaledFacts::default() },
                })
            }
            _ => HealthFacts::None,
        };
        if key.kind == Kind::Namespace {
            self.namespace(&seen, batch);
        }
        self.file(key, seen, batch);
    }

    /// What is kept of an object.
    fn digest(&mut self, kind: Kind, seen: Seen) -> Live {
        let Seen { meta, health, .. } = seen;
        let annotation = |name: &str| meta.annotations.get(name);
        let health = match kind {
            // A namespace is created active and ends with its deletion.
            Kind::Namespace => HealthFacts::Namespace { active: meta.deletion_timestamp.is_none() },
            _ => health,
        };
        Live {
            content: annotation(marks::CONTENT).map(|text| ContentHash::recorded(text)),
            revision: annotation(marks::REVISION).and_then(|text| Revision::parse(text).ok()),
            uid: meta.uid,
            resource_version: meta.resource_version,
            created: meta.creation_timestamp,
            deleting: meta.deletion_timestamp,
            finalizers: meta.finalizers,
            birth: meta.managed_fields.birth,
            fields: meta.managed_fields.ours.map(|set| self.interner.set(set)),
            others: meta
                .managed_fields
                .others
                .into_iter()
                .map(|(manager, set)| (self.interner.word(&manager), self.interner.set(set)))
                .collect(),
            health,
        }
    }
}

fn key(kind: Kind, seen: &Seen) -> ObjectKey {
    ObjectKey { kind, namespace: seen.meta.namespace.clone(), name: seen.meta.name.clone() }
}

/// A resourceVersion as the number that it is; what is none counts as the newest.
fn version(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}
