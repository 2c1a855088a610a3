//! One list and watch of one kind, kept up for as long as the daemon runs.
//!
//! The list is streamed where the server can (`sendInitialEvents`), else read in pages. An ended
//! watch goes on where it stood; an expired one lists again. A kind without CRD waits for the
//! watch of CRDs to say that it came.

mod lines;
mod pause;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use tokio::sync::{Notify, mpsc, watch};

use super::request::{
    self, Api, Failure, METADATA, METADATA_LIST, chain, judge, unavailable, unreachable, with_query,
};
use super::wire::{self, Depth, Event, Seen};
use crate::model::Kind;
use crate::plan::observed::KindState;
use lines::{LONGEST_LINE, Lines};
use pause::Pause;

/// Objects on one page where lists are not streamed.
const PAGE: &str = "500";
/// After this long the server ends a watch, in seconds; a random part of [`SPREAD`] is added.
const WATCH_SECONDS: u64 = 290;
const SPREAD: u64 = 60;
/// How long after that a silent connection is given up.
const GRACE: Duration = Duration::from_secs(15);
/// How often a kind is tried whose CRD cannot be watched.
const BLIND_RETRY: Duration = Duration::from_secs(60);

/// What a watch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Kind(Kind),
    /// The CustomResourceDefinitions of our kinds.
    Definitions,
}

/// As rights are written: `deployments.apps`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => {
                let facts = kind.facts();
                f.write_str(facts.plural)?;
                if facts.group.is_empty() { Ok(()) } else { write!(f, ".{}", facts.group) }
            }
            Self::Definitions => f.write_str("customresourcedefinitions.apiextensions.k8s.io"),
        }
    }
}

/// What a watch has to say.
#[derive(Debug)]
pub(super) enum News {
    /// A list begins: what does not come now is gone.
    Listing,
    Present(Box<Seen>),
    Deleted(Box<Seen>),
    /// The list is complete as of this version.
    Listed(String),
    /// With the reason, if it is trouble.
    State(KindState, Option<String>),
}

/// The CRDs of our kinds that exist; `None` = they cannot be watched.
pub(super) type Definitions = Option<BTreeSet<String>>;

/// One watch.
pub(super) struct Watch {
    pub api: Api,
    pub subject: Subject,
    /// Absent for kinds that are watched whoever they belong to.
    pub selector: Option<String>,
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
                    tokio::select! {
                        () = pause.take(failure.retry_after()) => {}
                        () = self.again.notified() => place.at = None,
                    }
                }
            }
        }
    }

    async fn say(&self, news: News) -> bool {
        self.out.send((self.subject, news)).await.is_ok()
    }

    /// The trouble in a sentence for the operator.
    fn word(&self, failure: &Failure) -> String {
        match failure.code() {
            Some(403) => format!(
                "the daemon may not list and watch {}: apply deploy/rbac.yaml",
                self.subject
            ),
            _ => format!("{} cannot be watched: {}", self.subject, failure.sentence()),
        }
    }

    /// Says that the kind is absent and waits until it may be there. False = stop.
    async fn came(&mut self, definition: &str, place: &mut Place, pause: &mut Pause) -> bool {
        place.at = None;
        place.synced = false;
        let mut said = None;
        loop {
            let known = self.definitions.borrow_and_update().clone();
            let (state, problem, wait) = match known {
                // It is there, and will be served in a moment; or never at our version.
                Some(names) if names.contains(definition) => {
                    let problem = format!(
                        "CRD {definition} exists, but the API server does not serve it at the \
                         version that vitrine writes"
                    );
                    (KindState::Unknown, Some(problem), pause.next(None))
                }
                Some(_) => (KindState::Absent, None, Duration::MAX),
                None => (KindState::Absent, None, BLIND_RETRY),
            };
            if said.replace(state) != Some(state) && !self.say(News::State(state, problem)).await {
                return false;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => return true,
                changed = self.definitions.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    *pause = Pause::default();
                }
                () = self.again.notified() => return true,
            }
        }
    }

    /// The CRD that the kind needs, if it is not built in.
    fn definition(&self) -> Option<String> {
        match self.subject {
            Subject::Kind(kind) => kind.crd(),
            Subject::Definitions => None,
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
        }
    }

    fn depth(&self) -> Depth {
        match self.subject {
            Subject::Kind(kind) => Depth::of(kind),
            Subject::Definitions => Depth::Metadata,
        }
    }

    fn accept(&self, metadata: &'static str) -> &'static str {
        if self.depth() == Depth::Metadata { metadata } else { request::JSON }
    }

    /// Reads the list in pages; answers its version.
    async fn pages(&mut self) -> Result<String, End> {
        if !self.say(News::Listing).await {
            return Err(End::Stopped);
        }
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("limit", PAGE)];
            if let Some(selector) = &self.selector {
                query.push(("labelSelector", selector));
            }
            if let Some(token) = &token {
                query.push(("continue", token));
            }
            let address = with_query(&self.collection(), &query);
            let accept = self.accept(METADATA_LIST);
            let request = request::request(Method::GET, &address, accept, "", Vec::new())?;
            let answer = self.api.call(request).await?;
            let page = wire::page(self.depth(), &answer.body)
                .map_err(|e| unavailable(format!("a list cannot be read: {e}")))?;
            drop(answer);
            for seen in page.items {
                if !self.pass(seen, News::Present).await {
                    return Err(End::Stopped);
                }
            }
            match page.next {
                Some(next) => token = Some(next),
                None if self.say(News::Listed(page.version.clone())).await => {
                    return Ok(page.version);
                }
                None => return Err(End::Stopped),
            }
        }
    }

    /// Hands on what concerns us. Of CRDs, those of our kinds alone.
    async fn pass(&self, seen: impl Into<Box<Seen>>, news: fn(Box<Seen>) -> News) -> bool {
        let seen = seen.into();
        let ours = match self.subject {
            Subject::Kind(_) => true,
            Subject::Definitions => {
                Kind::RENDERED.iter().any(|kind| kind.crd().as_ref() == Some(&seen.meta.name))
            }
        };
        !ours || self.say(news(seen)).await
    }

    /// Opens the watch and follows it to its end.
    async fn watch(&mut self, place: &mut Place) -> Result<End, End> {
        let seconds = WATCH_SECONDS + fastrand::u64(0..SPREAD);
        let timeout = seconds.to_string();
        let mut query =
            vec![("watch", "1"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", &timeout)];
        if let Some(selector) = &self.selector {
            query.push(("labelSelector", selector));
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
            let event = wire::event(self.depth(), &line)
                .map_err(|e| unavailable(format!("an event cannot be read: {e}")))?;
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
                    at.clone_from(&seen.meta.resource_version);
                }
                self.pass(seen, News::Present).await
            }
            Event::Deleted(seen) => {
                if let Some(at) = &mut place.at {
                    at.clone_from(&seen.meta.resource_version);
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
                place.at = Some(version);
                true
            }
            Event::Error(status) if status.code == 410 || status.reason == "Expired" => {
                return Some(End::Again);
            }
            Event::Error(status) => {
                return Some(End::Failed(unavailable(format!(
                    "the API server ended the watch: {}",
                    request::short(&status.message)
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
                .map_err(|e| unavailable(format!("the answer broke off: {}", chain(&*e))))?
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
