//! A model of the cluster: what an API server and the usual controllers make of our requests.

mod ills;
mod own;
mod shown;
mod stuck;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use crate::engine::{News, Written};
use crate::model::{ContentHash, FieldSet, InstanceName, Kind, ObjectKey, Revision, Uid};
use crate::plan::observed::{Approval, HealthFacts, PodFacts, Record, Survey};
use crate::plan::{self, Address, Form, Outcome, Rejection, Step};

pub(super) use ills::ill;
pub use stuck::Stuck;

/// The namespace of the daemon itself.
pub const DAEMON: &str = "vitrine";

/// One object of ours, or that somebody else made.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub(super) uid: Uid,
    pub(super) version: u64,
    pub(super) generation: i64,
    /// The digest of what it was written from; `None` if that was not us.
    pub content: Option<ContentHash>,
    pub(super) revision: Option<Revision>,
    pub(super) ours: Option<Arc<FieldSet>>,
    pub(super) birth: bool,
    /// Fields that a person changed by hand, under `kubectl`.
    pub(super) theirs: Option<Arc<FieldSet>>,
    pub(super) template: Option<ContentHash>,
    pub(super) pods: Option<ContentHash>,
    pub(super) verified: Option<String>,
    pub(super) forced: bool,
    pub(super) nudged: bool,
    pub(super) replicas: i32,
    /// What it lets visitors open.
    pub(super) addresses: BTreeSet<Address>,
    /// A label of what belongs to no solution.
    pub(super) label: Option<(&'static str, String)>,
    created: Timestamp,
}

/// What etcd holds.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The newest version of anything.
    pub version: u64,
    /// All objects, ours and others', by their address.
    pub objects: BTreeMap<ObjectKey, Stored>,
    /// What the Lease says, and its version.
    pub record: Option<(Record, u64)>,
    pub(super) approvals: BTreeMap<String, Approval>,
}

/// The server.
pub struct Server {
    /// What the store has now.
    pub state: State,
    instance: InstanceName,
    uids: u64,
    /// What each watch was not told yet.
    pub untold: BTreeMap<Kind, VecDeque<News>>,
    /// Objects whose writes are refused.
    pub denied: BTreeSet<(String, Kind)>,
    /// Kinds without a CRD.
    pub absent: BTreeSet<Kind>,
    /// What was available once: a namespace, and the hash of what its pods ran.
    pub ran: BTreeSet<(SmolStr, ContentHash)>,
    /// What ails the pods of those that are sick, where they say anything.
    pub(super) ills: BTreeMap<String, PodFacts>,
    /// The pods that the watch was told of, each with its namespace.
    shown: BTreeSet<(SmolStr, SmolStr)>,
    /// Solutions whose pods never come up.
    pub sick: BTreeSet<String>,
    /// Solutions that somebody keeps from going on, for ever.
    stuck: BTreeMap<String, Stuck>,
    /// States that were, for a server that is put back to one.
    pub past: Vec<State>,
    /// Whether nobody answers.
    pub down: bool,
    pub(super) now: Timestamp,
}

impl Server {
    pub(super) fn new(instance: InstanceName, now: Timestamp) -> Self {
        Self {
            state: State { version: 1, ..State::default() },
            instance,
            uids: 0,
            untold: BTreeMap::new(),
            denied: BTreeSet::new(),
            absent: BTreeSet::new(),
            ran: BTreeSet::new(),
            sick: BTreeSet::new(),
            ills: BTreeMap::new(),
            shown: BTreeSet::new(),
            stuck: BTreeMap::new(),
            past: Vec::new(),
            down: false,
            now,
        }
    }

    /// What our objects are, as an address for each.
    pub fn ours(&self) -> impl Iterator<Item = (&ObjectKey, &Stored)> {
        self.state.objects.iter().filter(|(_, o)| o.ours.is_some() || o.birth)
    }

    /// What visitors can open.
    pub fn opened(&self) -> BTreeSet<Address> {
        self.state.objects.values().flat_map(|object| object.addresses.iter().cloned()).collect()
    }

    /// Tells a watch from the beginning.
    pub fn list(&mut self, kind: Kind) {
        let mut news = VecDeque::new();
        if self.absent.contains(&kind) {
            news.push_back(News::State(crate::plan::observed::KindState::Absent, None));
        } else {
            news.push_back(News::Listing);
            let objects = self.state.objects.iter().filter(|(key, _)| key.kind == kind);
            news.extend(objects.map(|(key, o)| News::Present(Box::new(self.seen(key, o)))));
            if kind == Kind::Pod {
                news.extend(self.pods().into_iter().map(|pod| News::Present(Box::new(pod))));
            }
            news.push_back(News::Listed(self.state.version.to_string()));
        }
        self.untold.insert(kind, news);
    }

    pub(super) fn list_all(&mut self) {
        for kind in Kind::RENDERED.into_iter().chain([Kind::Pod]) {
            self.list(kind);
        }
    }

    /// What a reader of the Lease is answered.
    pub fn lease(&self) -> (Record, Option<String>) {
        match &self.state.record {
            Some((record, version)) => (record.clone(), Some(version.to_string())),
            None => (Record::Missing, None),
        }
    }

    /// Puts the store back to an older state. The watches go on, and their bookmarks tell.
    pub fn restore(&mut self, back: usize) {
        let Some(index) = self.past.len().checked_sub(1 + back) else { return };
        self.past.truncate(index + 1);
        self.state = self.past[index].clone();
        let version = self.state.version.to_string();
        for kind in Kind::RENDERED.into_iter().chain([Kind::Pod]) {
            // A list that was broken off begins again; a watch goes on.
            if self.untold.get(&kind).is_some_and(|untold| !untold.is_empty()) {
                self.list(kind);
            } else {
                self.told(kind, News::Bookmark(version.clone()));
            }
        }
    }

    fn told(&mut self, kind: Kind, news: News) {
        self.untold.entry(kind).or_default().push_back(news);
    }

    fn changed(&mut self, key: &ObjectKey) {
        self.state.version += 1;
        let version = self.state.version;
        if let Some(object) = self.state.objects.get_mut(key) {
            object.version = version;
            let object = object.clone();
            let up = object.replicas > 0 && !self.sick.contains(&self.name_of(key));
            if key.kind == Kind::Deployment && up {
                self.ran.extend(key.namespace.clone().zip(object.template.clone()));
            }
            let seen = self.seen(key, &object);
            self.told(key.kind, News::Present(Box::new(seen)));
            if key.kind == Kind::Deployment {
                self.pods_changed(key);
            }
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        let Some(mut object) = self.state.objects.remove(key) else { return };
        self.state.version += 1;
        object.version = self.state.version;
        let seen = self.seen(key, &object);
        self.told(key.kind, News::Deleted(Box::new(seen)));
        if key.kind == Kind::Deployment {
            self.pods_changed(key);
        }
        if key.kind == Kind::Namespace {
            let inside: Vec<ObjectKey> = self.state.objects.keys().cloned().collect();
            for key in inside.iter().filter(|k| k.namespace.as_deref() == Some(&*key.name)) {
                self.remove(key);
            }
        }
    }

    fn name_of(&self, key: &ObjectKey) -> String {
        key.solution(&self.instance).map(|name| name.to_string()).unwrap_or_default()
    }

    /// The metadata that a PATCH answers.
    fn answer(&self, key: &ObjectKey) -> Written {
        match self.state.objects.get(key) {
            Some(object) => {
                let mut seen = self.seen(key, object);
                seen.health = HealthFacts::None;
                Written::Object(Box::new(seen))
            }
            None => Written::Nothing,
        }
    }

    /// Carries out a step.
    pub fn carry_out(&mut self, step: &Step, uid: Option<&Uid>) -> (Outcome, Written) {
        if self.down {
            let cause = "the API server cannot be reached".into();
            return (Outcome::Unavailable { cause, retry_after: None }, Written::Nothing);
        }
        let key = step.key();
        if self.denied.contains(&(self.name_of(&key), key.kind)) && writes(step) {
            return (Outcome::Rejected(denied()), Written::Nothing);
        }
        if let Some(outcome) = self.kept_from(&key) {
            return (outcome, Written::Nothing);
        }
        match step {
            Step::Apply { object, revision, .. } => self.apply(object, revision, false),
            Step::Birth { object, revision } => self.apply(object, revision, true),
            Step::Handover { object, revision, .. } => {
                if !self.is(&key, uid) {
                    return (Outcome::Changed, Written::Nothing);
                }
                self.apply(object, revision, false)
            }
            Step::Delete { key, uid, resource_version } => self.delete(key, uid, resource_version),
            Step::Survey { .. } => {
                let survey = Survey { foreign: self.foreign_work(&key), at: self.now };
                (Outcome::Surveyed, Written::Survey(survey))
            }
            Step::ForceActivation { key, on } => self.force(key, *on, uid),
            Step::Nudge { key, mark } => {
                if !self.is(key, uid) {
                    return (Outcome::Gone, Written::Nothing);
                }
                if let Some(object) = self.state.objects.get_mut(key) {
                    object.nudged = *mark;
                }
                self.changed(key);
                (Outcome::Applied { created: false }, self.answer(key))
            }
            Step::Verified { key, template, result } => {
                if !self.is(key, uid) {
                    return (Outcome::Gone, Written::Nothing);
                }
                let mark = result.mark(template);
                if let Some(object) = self.state.objects.get_mut(key) {
                    object.verified = Some(mark);
                }
                self.changed(key);
                (Outcome::Applied { created: false }, self.answer(key))
            }
        }
    }

    fn is(&self, key: &ObjectKey, uid: Option<&Uid>) -> bool {
        uid.is_some() && self.state.objects.get(key).map(|o| &o.uid) == uid
    }

    fn apply(&mut self, object: &Form, revision: &Revision, birth: bool) -> (Outcome, Written) {
        let key = &object.key;
        if self.absent.contains(&key.kind) {
            return (Outcome::Rejected(no_kind()), Written::Nothing);
        }
        if let Some(namespace) = &key.namespace
            && namespace.starts_with("sol-")
            && !self
                .state
                .objects
                .contains_key(&ObjectKey::cluster(Kind::Namespace, namespace.clone()))
        {
            return (Outcome::Rejected(no_namespace()), Written::Nothing);
        }
        let before = self.state.objects.get(key).cloned();
        let created = before.is_none();
        let mut next =
            before.unwrap_or_else(|| Stored { replicas: i32::from(!birth), ..self.fresh() });
        if created && birth {
            let template = object.template.as_ref().map(ToString::to_string).unwrap_or_default();
            (next.birth, next.verified) = (true, Some(format!("{template} born")));
        }
        next.generation += i64::from(next.content.as_ref() != Some(&object.content));
        next.content = Some(object.content.clone());
        next.revision = Some(revision.clone());
        next.template = object.template.as_deref().cloned();
        next.pods = object.pods.as_deref().cloned();
        // What is sent, not what was meant.
        let Some(body) = object.object() else {
            return (Outcome::Rejected(no_body()), Written::Nothing);
        };
        next.addresses = plan::addresses(&body);
        next.ours = Some(Arc::clone(&object.fields));
        next.theirs = None; // `force` takes every field that we name
        if let Some(replicas) = body.body["spec"]["replicas"].as_i64() {
            next.replicas = i32::try_from(replicas).unwrap_or(1);
        }
        self.state.objects.insert(key.clone(), next);
        self.changed(key);
        (Outcome::Applied { created }, self.answer(key))
    }

    /// An object that was just made, and says nothing yet.
    fn fresh(&mut self) -> Stored {
        self.uids += 1;
        Stored {
            uid: format!("u{}", self.uids).into(),
            version: 0,
            generation: 0,
            content: None,
            revision: None,
            ours: None,
            birth: false,
            theirs: None,
            template: None,
            pods: None,
            verified: None,
            forced: false,
            nudged: false,
            replicas: 0,
            addresses: BTreeSet::new(),
            label: None,
            created: self.now,
        }
    }

    fn delete(&mut self, key: &ObjectKey, uid: &Uid, version: &str) -> (Outcome, Written) {
        match self.state.objects.get(key) {
            None => (Outcome::Gone, Written::Gone(uid.clone())),
            Some(object) if object.uid != *uid || object.version.to_string() != version => {
                (Outcome::Changed, Written::Nothing)
            }
            Some(_) => {
                self.remove(key);
                (Outcome::Deleted, Written::Gone(uid.clone()))
            }
        }
    }

    fn force(&mut self, key: &ObjectKey, on: bool, uid: Option<&Uid>) -> (Outcome, Written) {
        if !self.is(key, uid) {
            return (Outcome::Gone, Written::Nothing);
        }
        if let Some(object) = self.state.objects.get_mut(key) {
            (object.forced, object.nudged) = (on, false);
        }
        self.changed(key);
        let target = ObjectKey { kind: Kind::Deployment, ..key.clone() };
        self.scale(&target, i32::from(on));
        (Outcome::Applied { created: false }, self.answer(key))
    }

    /// Somebody scales a Deployment, as an autoscaler does.
    pub fn scale(&mut self, key: &ObjectKey, replicas: i32) {
        if let Some(object) = self.state.objects.get_mut(key) {
            object.replicas = replicas;
            object.generation += 1;
            self.changed(key);
        }
    }

    /// Somebody takes a field of ours away, by hand.
    pub fn edit(&mut self, key: &ObjectKey) {
        if let Some(object) = self.state.objects.get_mut(key)
            && let Some(ours) = &object.ours
        {
            object.theirs = Some(Arc::clone(ours));
            object.ours = Some(Arc::new(FieldSet::default()));
            object.generation += 1;
            self.changed(key);
        }
    }

    /// Somebody deletes an object, by hand.
    pub fn take(&mut self, key: &ObjectKey) {
        self.remove(key);
    }

    /// A controller writes a status: nothing of ours is touched.
    pub fn touch(&mut self, key: &ObjectKey) {
        self.changed(key);
    }

    /// Keeps the state of now, for [`Server::restore`].
    pub fn remember(&mut self) {
        self.past.push(self.state.clone());
    }
}

fn writes(step: &Step) -> bool {
    match step {
        Step::Apply { .. } | Step::Birth { .. } | Step::Handover { .. } => true,
        Step::Delete { .. }
        | Step::Survey { .. }
        | Step::ForceActivation { .. }
        | Step::Nudge { .. }
        | Step::Verified { .. } => false,
    }
}

fn rejection(code: u16, reason: &str) -> Rejection {
    Rejection {
        code,
        reason: reason.to_owned(),
        message: "not like this".into(),
        causes: Vec::new(),
    }
}

fn denied() -> Rejection {
    rejection(422, "Invalid")
}

fn no_kind() -> Rejection {
    rejection(404, "NotFound")
}

/// Nothing was sent, which no edge would do.
fn no_body() -> Rejection {
    rejection(400, "BadRequest")
}

fn no_namespace() -> Rejection {
    rejection(404, "NotFound")
}
