//! The objects, their versions, and what became of them lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::kinds::Kinds;

/// Table of the CustomResourceDefinitions.
pub const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// An object's place in its table: namespace (empty for cluster-wide kinds) and name.
pub type Place = (String, String);

/// Everything that the API holds.
pub struct Store {
    pub kinds: Kinds,
    tables: BTreeMap<String, Table>,
    version: u64,
    /// Events that a watch can still be given, per kind.
    history: usize,
    serial: u64,
    feed: Option<mpsc::UnboundedSender<Changed>>,
    /// What admission takes away from each object that is applied.
    pub takes: Vec<Taking>,
}

/// A field that admission takes away, after it was written down whose it is.
#[derive(Clone, Debug)]
pub struct Taking {
    /// Of which kind.
    pub table: String,
    /// Only in this namespace.
    pub namespace: String,
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
}

/// Where something changed: table and place.
pub type Changed = (String, Place);

/// An object as it is kept: its JSON, which is a tenth of what a tree of it takes.
#[derive(Clone)]
pub struct Packed(Arc<[u8]>);

impl Packed {
    fn of(object: &Value) -> Self {
        Self(serde_json::to_vec(object).unwrap_or_default().into())
    }

    /// The object.
    pub fn open(&self) -> Arc<Value> {
        Arc::new(serde_json::from_slice(&self.0).unwrap_or_default()) // we wrote it
    }
}

/// The objects of one kind.
pub struct Table {
    pub objects: BTreeMap<Place, Packed>,
    events: VecDeque<Event>,
    /// Watches from before this version have missed something.
    forgotten: u64,
    news: watch::Sender<u64>,
}

/// One change of one object.
#[derive(Clone)]
pub struct Event {
    pub version: u64,
    pub place: Place,
    pub old: Option<Packed>,
    /// Absent = deleted. A deletion's last state, with the version of the deletion, is in `last`.
    pub new: Option<Packed>,
    /// What the event carries.
    pub last: Packed,
}

impl Store {
    pub fn new(kinds: Kinds, history: usize) -> Self {
        let tables = BTreeMap::new();
        Self {
            kinds,
            tables,
            version: 1,
            history: history.max(1),
            serial: 0,
            feed: None,
            takes: Vec::new(),
        }
    }

    /// Takes away from an object what admission does.
    pub fn admit(&self, table: &str, place: &Place, object: &mut Value) {
        let here = |taking: &&Taking| taking.table == table && taking.namespace == place.0;
        for taking in self.takes.iter().filter(here) {
            let (above, last) = taking.pointer.rsplit_once('/').unwrap_or_default();
            match object.pointer_mut(above) {
                Some(Value::Object(fields)) => drop(fields.remove(last)),
                Some(Value::Array(items)) => {
                    let at = last.parse().ok().filter(|at| *at < items.len());
                    at.map(|at: usize| items.remove(at));
                }
                _ => {}
            }
        }
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn table(&self, table: &str) -> Option<&Table> {
        self.tables.get(table)
    }

    pub fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table))
    }

    pub fn get(&self, table: &str, place: &Place) -> Option<Arc<Value>> {
        Some(self.tables.get(table)?.objects.get(place)?.open())
    }

    /// Whether there is such an object.
    pub fn has(&self, table: &str, place: &Place) -> bool {
        self.tables.get(table).is_some_and(|table| table.objects.contains_key(place))
    }

    /// A UUID that no other object of this store has.
    pub fn fresh_uid(&mut self) -> String {
        self.serial += 1;
        let n = self.serial;
        format!("5a9db0c0-0000-4000-8000-{n:012x}")
    }

    /// A number that was not given out before.
    pub fn fresh_number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Puts an object in its place, as the next version.
    pub fn put(&mut self, table: &str, place: Place, mut object: Value) -> Arc<Value> {
        self.version += 1;
        stamp(&mut object, self.version);
        self.announce(table, &place);
        let packed = Packed::of(&object);
        let (version, history) = (self.version, self.history);
        let table = self.open(table);
        let old = table.objects.insert(place.clone(), packed.clone());
        let event = Event { version, place, old, new: Some(packed.clone()), last: packed };
        table.remember(event, history);
        Arc::new(object)
    }

    /// Takes an object away; returns it as the event of its deletion carries it.
    pub fn take(&mut self, table: &str, place: &Place) -> Option<Arc<Value>> {
        let history = self.history;
        let version = self.version + 1;
        self.announce(table, place);
        let table = self.tables.get_mut(table)?;
        let old = table.objects.remove(place)?;
        self.version = version;
        let mut last = Arc::unwrap_or_clone(old.open());
        stamp(&mut last, version);
        let packed = Packed::of(&last);
        let event =
            Event { version, place: place.clone(), old: Some(old), new: None, last: packed };
        table.remember(event, history);
        Some(Arc::new(last))
    }

    /// Every change from now on, for the controllers.
    pub fn feed(&mut self) -> mpsc::UnboundedReceiver<Changed> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.feed = Some(sender);
        receiver
    }

    fn announce(&mut self, table: &str, place: &Place) {
        let change = (table.to_owned(), place.clone());
        if self.feed.as_ref().is_some_and(|feed| feed.send(change).is_err()) {
            self.feed = None;
        }
    }

    /// A signal at every change of a kind.
    pub fn news(&mut self, table: &str) -> watch::Receiver<u64> {
        self.open(table).news.subscribe()
    }

    /// The changes after a version, oldest first; `None` if some of them are forgotten.
    pub fn since(&self, table: &str, version: u64, most: usize) -> Option<Vec<Event>> {
        let Some(table) = self.tables.get(table) else { return Some(Vec::new()) };
        if version < table.forgotten {
            return None;
        }
        let first = table.events.partition_point(|event| event.version <= version);
        Some(table.events.iter().skip(first).take(most).cloned().collect())
    }

    /// Forgets all changes: every watch that is not up to date gets a 410.
    pub fn forget(&mut self) {
        self.version += 1;
        for table in self.tables.values_mut() {
            table.events.clear();
            table.forgotten = self.version;
        }
    }

    /// Wakes every watch, so that it looks around.
    pub fn nudge(&self) {
        for table in self.tables.values() {
            table.news.send_modify(|_| {});
        }
    }

    fn open(&mut self, table: &str) -> &mut Table {
        self.tables.entry(table.to_owned()).or_insert_with(|| Table {
            objects: BTreeMap::new(),
            events: VecDeque::new(),
            forgotten: 0,
            news: watch::Sender::new(0),
        })
    }
}

impl Table {
    fn remember(&mut self, event: Event, history: usize) {
        let version = event.version;
        self.events.push_back(event);
        if self.events.len() > history
            && let Some(oldest) = self.events.pop_front()
        {
            self.forgotten = oldest.version;
        }
        self.news.send_replace(version);
    }
}

fn stamp(object: &mut Value, version: u64) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), Value::String(version.to_string()));
    }
}
