//! One list and watch of one kind, kept up for as long as the daemon runs.
//!
//! The list is streamed where the server can (`sendInitialEvents`), else read in pages. An ended
//! watch goes on where it stood; an expired one lists again. A kind without CRD waits for the
//! watch of CRDs to say that it came.

mod absent;
mod lines;
mod pages;
mod pause;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use tokio::sync::{Notify, mpsc, watch};

use super::definitions::Definitions;
use super::request::{self, Api, Failure, METADATA, judge, unavailable, unreachable, with_query};
use super::subject::Subject;
use super::wire::{self, Depth, Event};
use crate::http::causes;
use lines::{LONGEST_LINE, Lines};
use pause::Pause;
use vitrine_core::engine::{News, Seen};
use vitrine_core::model::Kind;
use vitrine_core::plan::observed::{KindState, Problem};

/// After this long the server ends a watch, in seconds; a random part of [`SPREAD`] is added.
const WATCH_SECONDS: u64 = 290;
const SPREAD: u64 = 60;
/// How long after that a silent connection is given up.
const GRACE: Duration = Duration::from_secs(15);
/// How often something is tried that may not be read and nobody waits for.
const FORBIDDEN_RETRY: Duration = Duration::from_secs(600);

/// One watch.
pub(super) struct Watch {
    pub api: Api,
    pub subject: Subject,
    /// By what is selected, and what; absent for kinds that are watched whoever they belong to.
    pub selector: Option<(&'static str, String)>,
    pub out: mpsc::Sender<(Subject, News)>,
    pub definitions: watch::Receiver<Definitions>,
    /// Lists again from the start when told.
    pub again: Arc<Notify>,
    /// Whether discovery says that the server has the kind.
    pub served: bool,
}

/// Why a watch ended.
enum End {
    /// As the server announced.
    Closed,
    /// Somebody wants to see everything again, or the version is too old.
    Again,
    /// The server does not know the kind.
    Absent,
    /// The server does not stream lists.
    Pages,
    Failed(Failure),
    /// Nobody listens any more.
    Stopped,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        match failure.code() {
            Some(404) => Self::Absent,
            Some(410) => Self::Again,
            _ => Self::Failed(failure),
        }
    }
}

/// Where a watch stands.
struct Place {
    /// The version to go on from; `None` = list.
    at: Option<String>,
    streams: bool,
    /// Whether the last word was [`KindState::Synced`].
    synced: bool,
}

impl Watch {
    /// Watches until nobody listens.
    pub async fn run(mut self) {
        let mut place = Place { at: None, streams: true, synced: false };
        let mut pause = Pause::default();
        let definition = self.definition();
        if let Some(definition) = definition.as_deref().filter(|_| !self.served)
            && !self.came(definition, &mut place, &mut pause).await
        {
            return;
        }
        loop {
            let began = tokio::time::Instant::now();
            let end = match (self.once(&mut place).await, &definition) {
                // The server always has what is built in: this is another's answer.
                (End::Absent, None) => End::Failed(unavailable(
                    "the API server says that it does not know the kind".to_owned(),
                )),
                (end, _) => end,
            };
            match end {
                End::Stopped => return,
                End::Pages => place.streams = false,
                End::Again => {
                    place.at = None;
                    if began.elapsed() < Duration::from_secs(1) {
                        pause.take(None).await;
                    }
                }
                End::Closed => {
                    if began.elapsed() < Duration::from_secs(1) {
                        pause.take(None).await;
                    } else {
                        pause = Pause::default();
                    }
                }
                End::Absent => {
                    let definition = definition.as_deref().unwrap_or_default();
                    if !self.came(definition, &mut place, &mut pause).await {
                        return;
                    }
                }
                End::Failed(failure) => {
                    if began.elapsed() > Pause::LONGEST {
                        pause = Pause::default();
                    }
                    let state = News::State(KindState::Unknown, Some(self.word(&failure)));
                    place.synced = false;
                    if !self.say(state).await {
                        return;
                    }
                    let forbidden = failure.code() == Some(403) && self.subject.is_optional();
                    let at_least = forbidden.then_some(FORBIDDEN_RETRY);
                    tokio::select! {
                        () = pause.take(at_least.or(failure.retry_after())) => {}
                        () = self.again.notified() => place.at = None,
                    }
                }
            }
        }
    }

    async fn say(&self, news: News) -> bool {
        self.out.send((self.subject, news)).await.is_ok()
    }

    /// The trouble for the operator.
    fn word(&self, failure: &Failure) -> Problem {
        if failure.code() == Some(403) {
            let what = format!("the daemon may not list and watch {}", self.subject);
            let next = "apply deploy/rbac.yaml";
            return Problem::of_one(format!("{what}: {next}"), next);
        }
        let cause = failure.sentence();
        let silence = matches!(failure, Failure::Unavailable { .. });
        Problem {
            sentence: format!("{} cannot be watched: {cause}", self.subject),
            silence: silence.then_some(cause),
            next: failure.next().to_owned(),
        }
    }

    /// Lists if there is nothing to go on from, then watches until an end.
    async fn once(&mut self, place: &mut Place) -> End {
        if place.at.is_none() && !place.streams {
            match self.pages().await {
                Ok(version) => place.at = Some(version),
                Err(end) => return end,
            }
            place.synced = true;
        }
        match self.watch(place).await {
            Ok(end) | Err(end) => end,
        }
    }

    fn collection(&self) -> String {
        match self.subject {
            Subject::Kind(kind) => request::collection(kind, None),
            Subject::Definitions => {
                request::resource("apiextensions.k8s.io", "v1", None, "customresourcedefinitions")
            }
            Subject::Events => request::resource("", "v1", None, "events"),
        }
    }

    fn depth(&self) -> Depth {
        match self.subject {
            Subject::Kind(kind) => Depth::of(kind),
            Subject::Definitions => Depth::Metadata,
            Subject::Events => Depth::Event,
        }
    }

    fn accept(&self, metadata: &'static str) -> &'static str {
        if self.depth() == Depth::Metadata { metadata } else { request::JSON }
    }

    /// Hands on what concerns us. Of CRDs, those of our kinds alone; of Events, those that say
    /// something of a solution.
    async fn pass(&self, seen: impl Into<Box<Seen>>, news: fn(Box<Seen>) -> News) -> bool {
        let seen = seen.into();
        let ours = match self.subject {
            Subject::Kind(_) => true,
            Subject::Definitions => {
                Kind::RENDERED.iter().any(|kind| kind.crd().as_deref() == Some(&*seen.meta.name))
            }
            Subject::Events => seen.said.is_some(),
        };
        !ours || self.say(news(seen)).await
    }

    /// Opens the watch and follows it to its end.
    async fn watch(&mut self, place: &mut Place) -> Result<End, End> {
        let seconds = WATCH_SECONDS + fastrand::u64(0..SPREAD);
        let timeout = seconds.to_string();
        let mut query =
            vec![("watch", "1"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", &timeout)];
        if let Some((by, selector)) = &self.selector {
            query.push((by, selector));
        }
        let from = place.at.clone();
        match &from {
            Some(version) => query.push(("resourceVersion", version)),
            None => query
                .extend([("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan")]),
        }
        let address = with_query(&self.collection(), &query);
        let accept = self.accept(METADATA);
        let mut lines = match self.open(&address, accept).await {
            Ok(lines) => lines,
            Err(failure) if from.is_none() && matches!(failure.code(), Some(400 | 422)) => {
                return Err(End::Pages);
            }
            Err(failure) => return Err(failure.into()),
        };
        if from.is_none() {
            place.synced = false;
            if !self.say(News::Listing).await {
                return Err(End::Stopped);
            }
        } else if !place.synced {
            place.synced = true;
            if !self.say(News::State(KindState::Synced, None)).await {
                return Err(End::Stopped);
            }
        }
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds) + GRACE;
        let definition = self.definition();
        loop {
            let line = tokio::select! {
                line = tokio::time::timeout_at(until, lines.next()) => line,
                () = self.again.notified() => return Ok(End::Again),
                () = vanished(&mut self.definitions, definition.as_deref()) => {
                    return Ok(End::Absent);
                }
            };
            let line = match line {
                Err(_) => return Err(End::Failed(unavailable("the watch fell silent".to_owned()))),
                Ok(Err(failure)) => return Err(End::Failed(failure)),
                Ok(Ok(None)) => return Ok(End::Closed),
                Ok(Ok(Some(line))) => line,
            };
            let event = match wire::event(self.depth(), &line) {
                Ok(event) => event,
                // Nobody waits for it; asked for again it would be the same.
                Err(_) if self.subject.is_optional() => continue,
                Err(e) => {
                    let why = format!("an event cannot be read: {e}");
                    return Err(End::Failed(unavailable(why)));
                }
            };
            if let Some(end) = self.follow(event, place).await {
                return Ok(end);
            }
        }
    }

    /// Hands one event on, and remembers where to go on.
    async fn follow(&self, event: Event, place: &mut Place) -> Option<End> {
        let heard = match event {
            Event::Present(seen) => {
                // Initial events come in no order: only their bookmark is a place to go on from.
                if let Some(at) = &mut place.at {
                    seen.meta.resource_version.as_str().clone_into(at);
                }
                self.pass(seen, News::Present).await
            }
            Event::Deleted(seen) => {
                if let Some(at) = &mut place.at {
                    seen.meta.resource_version.as_str().clone_into(at);
                }
                self.pass(seen, News::Deleted).await
            }
            Event::Bookmark { version, initial } if place.at.is_none() => {
                if !initial {
                    return None;
                }
                place.at = Some(version.clone());
                place.synced = true;
                self.say(News::Listed(version)).await
            }
            Event::Bookmark { version, .. } => {
                place.at = Some(version.clone());
                self.say(News::Bookmark(version)).await
            }
            Event::Error(status) if status.code == 410 || status.reason == "Expired" => {
                return Some(End::Again);
            }
            Event::Error(status) => {
                return Some(End::Failed(unavailable(format!(
                    "the API server ended the watch: {}",
                    status.message
                ))));
            }
        };
        (!heard).then_some(End::Stopped)
    }

    /// Opens a watch; the answer's head must come within the deadline.
    async fn open(&self, address: &str, accept: &str) -> Result<Lines, Failure> {
        let request = request::request(Method::GET, address, accept, "", Vec::new())?;
        let head = async {
            let response =
                self.api.client.send(request.map(Body::from)).await.map_err(unreachable)?;
            let (parts, body) = response.into_parts();
            if parts.status.is_success() {
                return Ok(Lines::of(body));
            }
            let body = Limited::new(body, LONGEST_LINE)
                .collect()
                .await
                .map_err(|e| unavailable(format!("the answer broke off: {}", causes(&*e))))?
                .to_bytes();
            match judge(parts.status, &parts.headers, body) {
                Err(failure) => Err(failure),
                Ok(_) => Err(unavailable("the watch ended before it began".to_owned())),
            }
        };
        tokio::time::timeout(self.api.deadline, head).await.unwrap_or_else(|_| {
            Err(unavailable(format!(
                "the API server did not answer within {} s",
                self.api.deadline.as_secs()
            )))
        })
    }
}

/// Comes back when the CRD is known not to exist; never for a built-in kind.
async fn vanished(definitions: &mut watch::Receiver<Definitions>, definition: Option<&str>) {
    let gone = match definition {
        Some(definition) => definitions
            .wait_for(|known| known.as_ref().is_some_and(|names| !names.contains(definition)))
            .await
            .is_ok(),
        None => false,
    };
    if !gone {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::fake::{self, Asked, Log, Says};

    struct Watched {
        news: mpsc::Receiver<(Subject, News)>,
        definitions: watch::Sender<Definitions>,
        again: Arc<Notify>,
        log: Log,
        _task: tokio::task::JoinHandle<()>,
    }

    /// Watches a kind on a server that answers so; the first argument counts the requests.
    fn watched(
        kind: Kind,
        served: bool,
        answer: impl Fn(usize, &Asked) -> Says + Send + Sync + 'static,
    ) -> Watched {
        watched_as(Subject::Kind(kind), served, answer)
    }

    fn watched_as(
        subject: Subject,
        served: bool,
        answer: impl Fn(usize, &Asked) -> Says + Send + Sync + 'static,
    ) -> Watched {
        let count = AtomicUsize::new(0);
        let (api, log) =
            fake::api(move |asked| answer(count.fetch_add(1, Ordering::SeqCst), asked));
        let (out, news) = mpsc::channel(16);
        let (define, definitions) = watch::channel(None);
        let again = Arc::new(Notify::new());
        let watch = Watch {
            api,
            subject,
            selector: Some(("labelSelector", "vitrine.dev/instance=prod".to_owned())),
            out,
            definitions,
            again: Arc::clone(&again),
            served,
        };
        Watched { news, definitions: define, again, log, _task: tokio::spawn(watch.run()) }
    }

    impl Watched {
        /// The next word: what it is, and of what.
        async fn hears(&mut self) -> String {
            let next = tokio::time::timeout(Duration::from_secs(10), self.news.recv());
            match next.await.unwrap().unwrap().1 {
                News::Listing => "listing".to_owned(),
                News::Present(seen) => format!("present {}", seen.meta.name),
                News::Deleted(seen) => format!("deleted {}", seen.meta.name),
                News::Listed(version) => format!("listed {version}"),
                News::Bookmark(version) => format!("bookmark {version}"),
                News::State(state, problem) => {
                    let sentence = problem.map(|problem| problem.sentence).unwrap_or_default();
                    format!("{state:?} {sentence}").trim_end().to_owned()
                }
            }
        }

        async fn hears_all(&mut self, words: &[&str]) {
            for word in words {
                assert_eq!(self.hears().await, *word);
            }
        }

        fn query(&self, index: usize) -> String {
            self.log.lock().unwrap()[index].query.clone()
        }
    }

    fn event(word: &str, name: &str, version: &str) -> Value {
        json!({"type": word, "object": {"metadata": {"name": name, "resourceVersion": version}}})
    }

    fn end_of_list(version: &str) -> Value {
        json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version,
            "annotations": {"k8s.io/initial-events-end": "true"}}}})
    }

    fn refused(code: u16) -> Says {
        Says::json(code, &json!({"kind": "Status", "code": code, "reason": "No", "message": "no"}))
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_is_left_out_and_not_asked_for_again() {
        let said = |name: &str, time: &str| {
            json!({"type": "ADDED", "object": {
                "metadata": {"name": name, "namespace": "sol-use", "resourceVersion": "4"},
                "involvedObject": {"kind": "Pod", "namespace": "sol-use", "name": "app-1"},
                "reason": "Evicted", "message": "disk", "type": "Warning", "lastTimestamp": time,
            }})
        };
        let mut watched = watched_as(Subject::Events, true, move |count, _| match count {
            0 => Says::events(&[
                said("odd", "yesterday"),
                said("good", "2026-01-05T10:00:00Z"),
                end_of_list("10"),
            ]),
            _ => refused(500),
        });
        watched.hears_all(&["listing", "present good", "listed 10"]).await;
        assert_eq!(watched.log.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_list_is_streamed_and_an_ended_watch_goes_on_where_it_stood() {
        let mut watched = watched(Kind::Service, true, |count, _| match count {
            0 => Says::ended(&[
                event("ADDED", "b", "4"),
                event("ADDED", "a", "9"),
                end_of_list("10"),
                event("MODIFIED", "a", "12"),
            ]),
            1 => Says::events(&[event("DELETED", "a", "13")]),
            _ => refused(500),
        });
        watched
            .hears_all(&[
                "listing",
                "present b",
                "present a",
                "listed 10",
                "present a",
                "deleted a",
            ])
            .await;
        let first = watched.query(0);
        assert!(first.contains("sendInitialEvents=true"), "{first}");
        assert!(first.contains("labelSelector=vitrine.dev%2Finstance%3Dprod"), "{first}");
        assert!(watched.query(1).contains("resourceVersion=12"));
        assert_eq!(watched.log.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_server_that_does_not_stream_lists_is_read_in_pages() {
        let mut watched = watched(Kind::Service, true, |_, asked| {
            let page = |name: &str, next: Value| {
                Says::json(
                    200,
                    &json!({"metadata": {"resourceVersion": "7", "continue": next},
                    "items": [{"metadata": {"name": name}}]}),
                )
            };
            match &asked.query {
                query if query.contains("sendInitialEvents") => refused(422),
                query if query.contains("continue=more") => page("b", Value::Null),
                query if query.contains("limit=500") => page("a", json!("more")),
                _ => Says::events(&[event("ADDED", "c", "8")]),
            }
        });
        watched.hears_all(&["listing", "present a", "present b", "listed 7", "present c"]).await;
    }

    #[tokio::test]
    async fn an_expired_watch_lists_again() {
        let mut watched = watched(Kind::Service, true, |count, _| match count {
            0 => Says::events(&[
                end_of_list("10"),
                json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure",
                    "code": 410, "reason": "Expired", "message": "too old"}}),
            ]),
            _ => Says::events(&[end_of_list("20")]),
        });
        watched.hears_all(&["listing", "listed 10", "listing", "listed 20"]).await;
    }

    #[tokio::test]
    async fn a_missing_right_is_said_with_what_mends_it_and_tried_again() {
        let mut watched = watched(Kind::Deployment, true, |count, _| match count {
            0 => refused(403),
            _ => Says::events(&[end_of_list("20")]),
        });
        watched
            .hears_all(&[
                "Unknown the daemon may not list and watch deployments.apps: apply deploy/rbac.yaml",
                "listing",
                "listed 20",
            ])
            .await;
    }

    #[tokio::test]
    async fn a_watch_that_fails_is_unknown_until_it_stands_again() {
        let mut watched = watched(Kind::Service, true, |count, _| match count {
            0 => Says::ended(&[end_of_list("10")]),
            1 => refused(503),
            _ => Says::events(&[]),
        });
        watched.hears_all(&["listing", "listed 10"]).await;
        assert!(watched.hears().await.starts_with("Unknown services cannot be watched"));
        watched.hears_all(&["Synced"]).await;
        assert!(watched.query(2).contains("resourceVersion=10"), "nothing is listed again");
    }

    #[tokio::test]
    async fn a_kind_without_crd_waits_for_it_and_asks_nothing() {
        let mut watched = watched(Kind::ScaledObject, false, |count, _| match count {
            0 => refused(404),
            _ => Says::events(&[end_of_list("20")]),
        });
        watched.hears_all(&["Absent"]).await;
        watched.definitions.send_replace(Some(BTreeSet::new()));
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(watched.log.lock().unwrap().len(), 0);

        let came = BTreeSet::from(["scaledobjects.keda.sh".to_owned()]);
        let began = tokio::time::Instant::now();
        watched.definitions.send_replace(Some(came));
        // It exists, but is not served at once.
        assert!(watched.hears().await.starts_with("Unknown CRD scaledobjects.keda.sh exists"));
        assert!(watched.hears().await.starts_with("Unknown CRD scaledobjects.keda.sh exists"));
        watched.hears_all(&["listing", "listed 20"]).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

        watched.definitions.send_replace(Some(BTreeSet::new()));
        watched.hears_all(&["Absent"]).await;
    }

    #[tokio::test]
    async fn a_built_in_kind_is_never_absent() {
        let mut watched = watched(Kind::Deployment, true, |count, _| match count {
            0 => Says { code: 404, body: "404 page not found".to_owned(), held: false },
            _ => Says::events(&[end_of_list("20")]),
        });
        assert!(watched.hears().await.starts_with("Unknown deployments.apps"));
        watched.hears_all(&["listing", "listed 20"]).await;
    }

    #[tokio::test]
    async fn an_audit_lists_again() {
        let mut watched = watched(Kind::Service, true, |count, _| {
            Says::events(&[end_of_list(if count == 0 { "10" } else { "20" })])
        });
        watched.hears_all(&["listing", "listed 10"]).await;
        watched.again.notify_one();
        watched.hears_all(&["listing", "listed 20"]).await;
    }

    #[tokio::test]
    async fn what_is_no_event_ends_the_watch_and_not_the_daemon() {
        let mut watched = watched(Kind::Service, true, |count, _| match count {
            0 => Says { code: 200, body: "<html>\n".to_owned(), held: true },
            _ => Says::events(&[end_of_list("20")]),
        });
        watched.hears_all(&["listing"]).await;
        assert!(watched.hears().await.contains("an event cannot be read"));
        watched.hears_all(&["listing", "listed 20"]).await;
    }
}
