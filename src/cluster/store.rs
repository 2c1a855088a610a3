//! Keeps [`Observed`] true: what the watches say and what our own writes were answered.
//!
//! The newer word wins, by resourceVersion: an event that is older than the answer of a PATCH is
//! not heard, and an object that a DELETE took does not come back through a late event.

mod answers;
mod sweep;
mod touched;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio::sync::watch;

use super::watch::{Definitions, News, Subject};
use super::wire::Seen;
pub(super) use answers::Written;
pub(super) use touched::Batch;
pub use touched::Touched;
use vitrine_core::model::intern::Interner;
use vitrine_core::model::{ContentHash, InstanceName, Kind, ObjectKey, Revision, marks};
use vitrine_core::plan::observed::{
    Approval, HealthFacts, KindState, Live, NamespaceFacts, Observed, Owner, Record,
};

/// [`Observed`], and what it takes to keep it.
pub(super) struct Store {
    pub observed: Observed,
    /// Why a kind is not watched, by the name that rights use.
    pub problems: BTreeMap<String, String>,
    instance: InstanceName,
    /// The daemon's own namespace.
    namespace: String,
    interner: Interner,
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
            Subject::Definitions => self.hear_definitions(news, batch),
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

    fn hear_definitions(&mut self, news: News, batch: &mut Batch) {
        match news {
            News::Listing => self.defined.clear(),
            News::Present(seen) => {
                if let Some(kind) = defines(&seen.meta.name) {
                    let version = seen.meta.resource_version.clone();
                    let old = self.observed.definitions.insert(kind, version.clone());
                    if old.is_some_and(|old| old != version) {
                        batch.definitions.insert(kind);
                    }
                }
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

    /// Puts an object where its address says, if it carries our label and that is news. The label
    /// of the solution decides nothing: a hand could change it.
    fn file(&mut self, key: ObjectKey, seen: Seen, batch: &mut Batch) {
        if let Some(old) = self.live(&key)
            && version(&seen.meta.resource_version) < version(&old.resource_version)
        {
            return;
        }
        let Some(home) = key.solution(&self.instance).map(str::to_owned) else { return };
        if seen.meta.label(marks::INSTANCE) != Some(self.instance.as_str()) {
            return self.unfile(&key, batch);
        }
        self.buried.remove(&key);
        let live = self.digest(key.kind, seen);
        let shelf = self.observed.solutions.entry(home.clone()).or_default();
        if shelf.get(&key) != Some(&live) {
            batch.solution(&home);
            shelf.insert(key, live);
        }
    }

    /// Takes an object out.
    fn unfile(&mut self, key: &ObjectKey, batch: &mut Batch) {
        let Some(home) = key.solution(&self.instance) else { return };
        let Some(shelf) = self.observed.solutions.get_mut(home) else { return };
        if shelf.remove(key).is_some() {
            batch.solution(home);
        }
        if shelf.is_empty() {
            self.observed.solutions.remove(home);
        }
    }

    fn live(&self, key: &ObjectKey) -> Option<&Live> {
        self.observed.solutions.get(key.solution(&self.instance)?)?.get(key)
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

    fn namespace(&mut self, seen: &Seen, batch: &mut Batch) {
        let meta = &seen.meta;
        let facts = NamespaceFacts {
            owner: match meta.label(marks::INSTANCE) {
                None => Owner::Nobody,
                Some(instance) if instance == self.instance.as_str() => Owner::ThisInstance,
                Some(other) => Owner::OtherInstance(other.to_owned()),
            },
            deleting: meta.deletion_timestamp,
            created: meta.creation_timestamp,
            remains: meta.deletion_timestamp.map_or_else(Vec::new, |_| seen.remains.clone()),
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
        let pod = key(Kind::Pod, &seen);
        let (Some(solution), Some(facts)) = (pod.solution(&self.instance), seen.pod) else {
            return;
        };
        let pods = self.observed.pods.entry(solution.to_owned()).or_default();
        if pods.get(&pod.name) != Some(&facts) {
            pods.insert(pod.name.clone(), facts);
            batch.solution(solution);
        }
    }

    fn forget_pod(&mut self, seen: &Seen, batch: &mut Batch) {
        let pod = key(Kind::Pod, seen);
        let Some(solution) = pod.solution(&self.instance) else { return };
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

/// The kind of ours whose CRD has this name.
fn defines(name: &str) -> Option<Kind> {
    Kind::RENDERED.into_iter().find(|kind| kind.crd().is_some_and(|crd| crd == name))
}

fn key(kind: Kind, seen: &Seen) -> ObjectKey {
    ObjectKey { kind, namespace: seen.meta.namespace.clone(), name: seen.meta.name.clone() }
}

/// A resourceVersion as the number that it is; what is none counts as the newest.
fn version(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::wire;
    use vitrine_core::plan::{Outcome, Step};

    fn store() -> (Store, watch::Receiver<Definitions>) {
        let (define, definitions) = watch::channel(None);
        let instance = InstanceName::parse("prod").unwrap();
        (Store::new(instance, "vitrine".to_owned(), define), definitions)
    }

    fn seen(name: &str, uid: &str, version: u64, change: impl Fn(&mut Value)) -> Box<Seen> {
        let mut meta = json!({
            "name": name, "namespace": "sol-use", "uid": uid, "generation": 1,
            "resourceVersion": version.to_string(),
            "labels": {"vitrine.dev/instance": "prod", "vitrine.dev/solution": "use"},
            "managedFields": [{"manager": "vitrine", "operation": "Apply",
                "fieldsV1": {"f:spec": {}}}],
        });
        change(&mut meta);
        Box::new(wire::object(json!({"metadata": meta}).to_string().as_bytes()).unwrap())
    }

    fn plain(_: &mut Value) {}

    fn service(name: &str) -> ObjectKey {
        ObjectKey::namespaced(Kind::Service, "sol-use", name)
    }

    fn hear(store: &mut Store, kind: Kind, news: News) -> Vec<Touched> {
        let mut batch = Batch::default();
        store.hear(Subject::Kind(kind), news, &mut batch);
        batch.finish()
    }

    fn delete(name: &str) -> Step {
        Step::Delete { key: service(name), uid: "u1".into(), resource_version: "5".into() }
    }

    fn done(store: &mut Store, step: Step, written: Written) -> Vec<Touched> {
        let mut batch = Batch::default();
        store.done("use".to_owned(), step, Outcome::Deleted, written, &mut batch);
        batch.finish()
    }

    /// A step about a Service whose answer writes.
    fn answered(store: &mut Store, seen: Box<Seen>) {
        done(store, delete("web"), Written::Object(seen));
    }

    #[test]
    fn an_event_older_than_our_own_write_is_not_heard() {
        let (mut store, _rx) = store();
        answered(&mut store, seen("web", "u1", 10, plain));
        let old = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 9, plain)));
        assert_eq!(old, []);
        assert_eq!(store.observed.solutions["use"][&service("web")].resource_version, "10");
        // As numbers: 9 < 10 < 100.
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 100, plain)));
        assert_eq!(store.observed.solutions["use"][&service("web")].resource_version, "100");
        // The end of the object before this one.
        hear(&mut store, Kind::Service, News::Deleted(seen("web", "u0", 99, plain)));
        assert!(store.observed.solutions.contains_key("use"));
    }

    #[test]
    fn an_answer_slower_than_the_watch_brings_nothing_back() {
        let (mut store, _rx) = store();
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
        let dying = |meta: &mut Value| meta["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        hear(&mut store, Kind::Service, News::Deleted(seen("web", "u1", 7, dying)));
        answered(&mut store, seen("web", "u1", 6, dying));
        assert!(store.observed.solutions.is_empty(), "a ghost that no event will ever take");
    }

    #[test]
    fn an_event_that_says_nothing_new_touches_nothing() {
        let (mut store, _rx) = store();
        let first = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
        assert_eq!(first, [Touched::Solution("use".to_owned())]);
        let again = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
        assert_eq!(again, []);
    }

    #[test]
    fn what_a_delete_took_does_not_come_back_through_a_late_event() {
        let (mut store, _rx) = store();
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
        done(&mut store, delete("web"), Written::Gone("u1".to_owned()));
        assert!(store.observed.solutions.is_empty());
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 6, plain)));
        assert!(store.observed.solutions.is_empty());
        hear(&mut store, Kind::Service, News::Deleted(seen("web", "u1", 7, plain)));
        assert!(store.buried.is_empty());
        // Another object of that name is another object.
        hear(&mut store, Kind::Service, News::Present(seen("web", "u2", 8, plain)));
        assert_eq!(store.observed.solutions["use"][&service("web")].uid, "u2");
    }

    #[test]
    fn a_new_list_forgets_what_it_does_not_hold_but_not_what_we_wrote_since() {
        let (mut store, _rx) = store();
        for name in ["stays", "goes"] {
            hear(&mut store, Kind::Service, News::Present(seen(name, name, 5, plain)));
        }
        let unknown = hear(&mut store, Kind::Service, News::Listing);
        assert_eq!(unknown, [Touched::Kind(Kind::Service, KindState::Unknown)]);
        hear(&mut store, Kind::Service, News::Present(seen("stays", "stays", 5, plain)));
        answered(&mut store, seen("web", "u1", 30, plain));
        hear(&mut store, Kind::Service, News::Listed("20".to_owned()));
        let left: Vec<&str> =
            store.observed.solutions["use"].keys().map(|key| key.name.as_str()).collect();
        assert_eq!(left, ["stays", "web"]);
        assert_eq!(store.observed.kinds[&Kind::Service], KindState::Synced);
    }

    #[test]
    fn an_edited_solution_label_moves_nothing_and_without_our_label_an_object_leaves() {
        let (mut store, _rx) = store();
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
        let other = |m: &mut Value| m["labels"]["vitrine.dev/solution"] = json!("other");
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 6, other)));
        assert_eq!(store.observed.solutions.keys().collect::<Vec<_>>(), ["use"]);
        let bare = |m: &mut Value| m["labels"] = json!({});
        hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 7, bare)));
        assert!(store.observed.solutions.is_empty());
    }

    #[test]
    fn a_foreign_namespace_is_known_and_not_ours() {
        let (mut store, _rx) = store();
        let bare = |m: &mut Value| {
            m.as_object_mut().unwrap().remove("namespace");
        };
        let foreign = |m: &mut Value| {
            bare(m);
            m["labels"] = json!({});
        };
        let touched =
            hear(&mut store, Kind::Namespace, News::Present(seen("theirs", "n1", 3, foreign)));
        assert_eq!(touched, [Touched::Namespace("theirs".to_owned())]);
        hear(&mut store, Kind::Namespace, News::Present(seen("sol-use", "n2", 4, bare)));
        assert_eq!(store.observed.namespaces["theirs"].owner, Owner::Nobody);
        assert_eq!(store.observed.namespaces["sol-use"].owner, Owner::ThisInstance);
        let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
        assert_eq!(
            store.observed.solutions["use"][&key].health,
            HealthFacts::Namespace { active: true }
        );
        // Our label alone, on a namespace that somebody else made.
        let labelled = |m: &mut Value| {
            bare(m);
            m["managedFields"] = json!([{"manager": "kubectl", "operation": "Update"}]);
        };
        hear(&mut store, Kind::Namespace, News::Present(seen("sol-use", "n2", 5, labelled)));
        let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
        assert!(
            !store.observed.solutions["use"][&key].is_ours(),
            "adopted, not yet ours to delete"
        );
        hear(&mut store, Kind::Namespace, News::Deleted(seen("sol-use", "n2", 6, bare)));
        assert!(!store.observed.namespaces.contains_key("sol-use"));
        assert!(store.observed.solutions.is_empty());
    }

    #[test]
    fn after_a_patch_old_facts_read_as_progressing() {
        let (mut store, _rx) = store();
        let key = ObjectKey::namespaced(Kind::Deployment, "sol-use", "web");
        let line = json!({"type": "ADDED", "object": {
            "metadata": {"name": "web", "namespace": "sol-use", "uid": "u1", "generation": 1,
                "resourceVersion": "5",
                "labels": {"vitrine.dev/instance": "prod", "vitrine.dev/solution": "use"}},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": 1, "availableReplicas": 2}}});
        let event = wire::event(wire::Depth::Deployment, line.to_string().as_bytes()).unwrap();
        let wire::Event::Present(first) = event else { panic!("{event:?}") };
        hear(&mut store, Kind::Deployment, News::Present(first));
        let step =
            Step::Delete { key: key.clone(), uid: String::new(), resource_version: String::new() };
        done(
            &mut store,
            step,
            Written::Object(seen("web", "u1", 6, |m| m["generation"] = json!(2))),
        );
        let HealthFacts::Deployment(facts) = &store.observed.solutions["use"][&key].health else {
            panic!("no facts");
        };
        assert_eq!((facts.generation, facts.observed_generation), (2, 1));
        assert_eq!((facts.wanted, facts.available), (2, 2));
    }

    #[test]
    fn only_a_pod_in_trouble_is_remembered() {
        let (mut store, _rx) = store();
        let pod = |status: Value| {
            let line = json!({"type": "MODIFIED", "object": {"metadata": {"name": "web-1",
                "namespace": "sol-use", "labels": {"vitrine.dev/solution": "use"}},
                "status": status}});
            match wire::event(wire::Depth::Pod, line.to_string().as_bytes()).unwrap() {
                wire::Event::Present(seen) => News::Present(seen),
                other => panic!("{other:?}"),
            }
        };
        let trouble =
            json!({"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]});
        assert_eq!(hear(&mut store, Kind::Pod, pod(json!({}))), []);
        assert_eq!(hear(&mut store, Kind::Pod, pod(trouble.clone())).len(), 1);
        assert_eq!(hear(&mut store, Kind::Pod, pod(trouble)), []);
        assert_eq!(store.observed.pods["use"]["web-1"].word.as_deref(), Some("ErrImagePull"));
        assert_eq!(hear(&mut store, Kind::Pod, pod(json!({}))).len(), 1);
        assert!(store.observed.pods.is_empty());
    }

    #[test]
    fn an_approval_is_read_and_belongs_to_no_solution() {
        let (mut store, _rx) = store();
        let approval = |namespace: &'static str| {
            seen("a", "u1", 5, move |m| {
                m["namespace"] = json!(namespace);
                m["labels"] =
                    json!({"vitrine.dev/instance": "prod", "vitrine.dev/approval": "true"});
            })
        };
        let mut batch = Batch::default();
        let subject = Subject::Kind(Kind::ConfigMap);
        store.hear(subject, News::Present(approval("elsewhere")), &mut batch);
        assert!(batch.read.is_empty(), "only the daemon's namespace approves");
        store.hear(subject, News::Present(approval("vitrine")), &mut batch);
        assert_eq!(batch.read, ["a"]);
        assert!(store.observed.solutions.is_empty());
    }

    #[test]
    fn a_kind_without_crd_holds_no_objects_and_says_no_problem() {
        let (mut store, _rx) = store();
        let kind = Kind::ScaledObject;
        let trouble = News::State(KindState::Unknown, Some("no right".to_owned()));
        hear(&mut store, kind, trouble);
        assert_eq!(store.problems["scaledobjects.keda.sh"], "no right");
        hear(&mut store, kind, News::Present(seen("web", "u1", 5, plain)));
        let touched = hear(&mut store, kind, News::State(KindState::Absent, None));
        assert_eq!(touched.len(), 2);
        assert!(store.observed.solutions.is_empty() && store.problems.is_empty());
    }

    #[test]
    fn those_who_wait_for_a_crd_are_woken_when_it_comes_or_changes() {
        let (mut store, mut definitions) = store();
        let mut batch = Batch::default();
        let crd = || seen("scaledobjects.keda.sh", "c", 1, plain);
        let mut hear = |news| store.hear(Subject::Definitions, news, &mut batch);
        hear(News::Listing);
        hear(News::Listed("1".to_owned()));
        assert_eq!(*definitions.borrow_and_update(), Some(BTreeSet::new()));
        hear(News::Present(crd()));
        assert!(definitions.has_changed().unwrap());
        assert!(
            definitions.borrow_and_update().as_ref().unwrap().contains("scaledobjects.keda.sh")
        );
        hear(News::Present(crd()));
        assert!(definitions.has_changed().unwrap(), "it may be established now");
        definitions.borrow_and_update();
        hear(News::Deleted(crd()));
        assert_eq!(*definitions.borrow_and_update(), Some(BTreeSet::new()));
    }
}
