//! A watch: the changes of a kind as a stream of JSON lines.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream};
use http_body::Frame;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Sandbox;
use super::answer::Shown;
use super::kinds::Resource;
use super::refusal::Refusal;
use super::selector::Selector;
use super::store::{Event, Packed, Place};

/// What a watch is about.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub resource: Arc<Resource>,
    /// Empty = all.
    pub namespace: String,
    /// Empty = all.
    pub name: String,
    pub selector: Selector,
    pub metadata_only: bool,
}

impl Wanted {
    pub fn matches(&self, place: &Place, object: &Value) -> bool {
        (self.namespace.is_empty() || self.namespace == place.0)
            && (self.name.is_empty() || self.name == place.1)
            && self.selector.matches(object)
    }
}

/// How a watch begins and ends.
#[derive(Clone, Debug)]
pub struct Course {
    /// The version that the watcher knows; absent = it knows nothing.
    pub from: Option<u64>,
    /// Whether the end of what there was at the beginning is marked.
    pub mark_initial: bool,
    pub bookmarks: bool,
    pub timeout: Duration,
    pub bookmark_every: Duration,
}

/// The lines of a watch. Ends at its timeout, with an error when the connection is cut, and
/// after a 410 when something it would have to tell is forgotten.
pub fn lines(
    sandbox: Sandbox,
    wanted: Wanted,
    course: Course,
) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> + Send {
    let started = Instant::now();
    let epoch = sandbox.lock().epoch;
    let state = Watcher {
        cursor: course.from,
        deadline: started + course.timeout,
        next_bookmark: started + course.bookmark_every,
        epoch,
        queue: VecDeque::new(),
        over: false,
        sandbox,
        wanted,
        course,
    };
    stream::unfold(state, |mut watcher| async move {
        let line = watcher.next().await?;
        Some((line.map(Frame::data), watcher))
    })
}

struct Watcher {
    sandbox: Sandbox,
    wanted: Wanted,
    course: Course,
    cursor: Option<u64>,
    deadline: Instant,
    next_bookmark: Instant,
    epoch: u64,
    queue: VecDeque<Bytes>,
    over: bool,
}

enum Found {
    Initial(Vec<Packed>),
    Events(Vec<Event>),
    Forgotten { oldest: u64 },
    KindGone,
    Cut,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            let table = self.wanted.resource.table.clone();
            let mut news = self.sandbox.lock().store.news(&table);
            news.borrow_and_update();
            match self.look() {
                Found::Cut => {
                    self.over = true;
                    let cut = io::Error::new(io::ErrorKind::ConnectionReset, "the watch was cut");
                    return Some(Err(cut));
                }
                Found::KindGone => self.over = true,
                Found::Forgotten { oldest } => {
                    let since = self.cursor.unwrap_or_default();
                    let why = format!("too old resource version: {since} ({oldest})");
                    self.say("ERROR", &Refusal::gone(why).to_json());
                    self.over = true;
                }
                Found::Initial(objects) => {
                    for object in objects {
                        self.show("ADDED", &object.open());
                    }
                    if self.course.mark_initial {
                        self.bookmark(true);
                    }
                }
                Found::Events(events) if events.is_empty() => {
                    let until = self.deadline.min(self.next_bookmark);
                    if tokio::time::timeout_at(until, news.changed()).await.is_err() {
                        self.time_passed();
                    }
                }
                Found::Events(events) => events.iter().for_each(|event| self.tell(event)),
            }
        }
    }

    fn look(&mut self) -> Found {
        let state = self.sandbox.lock();
        if state.epoch != self.epoch {
            return Found::Cut;
        }
        let (store, table) = (&state.store, &self.wanted.resource.table);
        let Some(cursor) = self.cursor else {
            self.cursor = Some(store.version());
            let objects = store.table(table).map(|t| &t.objects).into_iter().flatten();
            let matching =
                objects.filter(|(place, object)| self.wanted.matches(place, &object.open()));
            return Found::Initial(matching.map(|(_, object)| object.clone()).collect());
        };
        match store.since(table, cursor, 256) {
            None => Found::Forgotten { oldest: store.version() },
            Some(events) => {
                if let Some(last) = events.last() {
                    self.cursor = Some(last.version);
                } else if store.kinds.of_table(table).is_none() {
                    return Found::KindGone;
                }
                Found::Events(events)
            }
        }
    }

    fn tell(&mut self, event: &Event) {
        let matches = |object: &Packed| self.wanted.matches(&event.place, &object.open());
        let before = event.old.as_ref().is_some_and(matches);
        let after = event.new.as_ref().is_some_and(matches);
        match (before, after) {
            (false, true) => self.show("ADDED", &event.last.open()),
            (true, true) => self.show("MODIFIED", &event.last.open()),
            (true, false) => self.show("DELETED", &event.last.open()),
            (false, false) => {}
        }
    }

    fn time_passed(&mut self) {
        let now = Instant::now();
        if self.course.bookmarks {
            self.bookmark(false);
        }
        self.next_bookmark = now + self.course.bookmark_every;
        self.over = now >= self.deadline;
    }

    fn bookmark(&mut self, end_of_initial: bool) {
        let Some(version) = self.cursor else { return };
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if end_of_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let resource = &self.wanted.resource;
        let object = if self.wanted.metadata_only {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
        } else {
            json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata})
        };
        self.say("BOOKMARK", &object);
    }

    fn show(&mut self, kind: &'static str, object: &Arc<Value>) {
        let resource = self.wanted.resource.clone();
        self.say(kind, &Shown::new(&resource, object, self.wanted.metadata_only));
    }

    fn say(&mut self, kind: &'static str, object: &impl Serialize) {
        #[derive(Serialize)]
        struct Line<'a, T> {
            r#type: &'static str,
            object: &'a T,
        }
        let mut line = serde_json::to_vec(&Line { r#type: kind, object }).unwrap_or_default();
        line.push(b'\n');
        self.queue.push_back(line.into());
    }
}
