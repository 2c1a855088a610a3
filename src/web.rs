//! Shows the board to people and programs, from a published copy. Changes nothing.
//!
//! In: a [`watch::Receiver`] with the [`Board`] that the engine publishes. Out: a page at `/`, one a
//! solution at `/solutions/NAME`, one document at `/status.json`, and what a kubelet asks at `/healthz` and `/readyz`. Nothing
//! is awaited to answer: a visitor cannot make the daemon do work on a cluster or a repository.
//! Who knows the secret of a hook may [ring](Bell) for a look at the repository, at `/hook/<name>`.
//! Beside the board, a [`Visitor`] asks an application the requests of its warm-up.

mod fetch;
mod headers;
mod heart;
mod hook;
mod listener;
mod page;
mod visit;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use vitrine_core::model::ContentHash;
use vitrine_core::status::{Board, status_json};

pub use fetch::{NoBoard, fetch};
pub use heart::Heart;
pub use hook::{Bell, Expected, Hooks};
pub use listener::Limited;
pub use visit::{NoAnswer, Visit, Visitor};

/// Where the board is taken from.
pub type Boards = watch::Receiver<Arc<Board>>;

/// Everything: what people read and what a kubelet asks.
///
/// Serve it through [`Limited`], which bounds connections and their time.
pub fn router(boards: Boards, heart: Arc<Heart>) -> Router {
    finished(people(boards.clone()).merge(kubelet(boards, heart)))
}

/// The same with the hooks of forges.
pub fn router_with_hooks(boards: Boards, heart: Arc<Heart>, hooks: Hooks) -> Router {
    finished(people(boards.clone()).merge(kubelet(boards, heart)).merge(hooks.routes()))
}

/// Serves a router until the runtime ends.
///
/// # Errors
/// What the system says when it can accept no more.
pub async fn serve(listener: tokio::net::TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(Limited::new(listener), router).await
}

/// `/healthz` and `/readyz` alone, for an address that the public does not reach.
pub fn probes(boards: Boards, heart: Arc<Heart>) -> Router {
    finished(kubelet(boards, heart))
}

fn people(boards: Boards) -> Router {
    let shown = Arc::new(Shown { boards, last: Mutex::new(None) });
    Router::new()
        .route("/", get(page))
        .route("/solutions/{name}", get(solution))
        .route("/status.json", get(document))
        .with_state(shown)
}

fn kubelet(boards: Boards, heart: Arc<Heart>) -> Router {
    let probed = Probed { boards, heart };
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(probed)
}

/// What a kubelet asks about.
#[derive(Clone)]
struct Probed {
    boards: Boards,
    heart: Arc<Heart>,
}

impl Probed {
    /// Why the loop does not work, if it does not: it drops its end of the boards when it dies, and
    /// its heart stops when it hangs.
    fn dead(&self) -> Option<&'static str> {
        if self.boards.has_changed().is_err() {
            Some("the daemon's loop has ended\n")
        } else if self.heart.stopped().is_some() {
            Some("the daemon's loop hangs\n")
        } else {
            None
        }
    }
}

/// The page that people get of a board.
pub fn page_of(board: &Board) -> String {
    page::board(board, "").into_string()
}

/// What every answer has, wrong addresses included.
fn finished(router: Router) -> Router {
    router
        .fallback(|| async { (StatusCode::NOT_FOUND, Html(page::not_found().into_string())) })
        .layer(axum::middleware::map_response(headers::harden))
}

/// The boards, and what was made of the last one: each is written once, however many look.
struct Shown {
    boards: Boards,
    last: Mutex<Option<Arc<Written>>>,
}

/// A board as it goes over the wire.
struct Written {
    /// What it was made of: not kept for that, because a newer one has most of it again.
    of: Weak<Board>,
    /// The entity tag of both, quotes included.
    version: HeaderValue,
    document: Bytes,
    /// Larger than all that is known of the solutions, and asked for by people alone.
    page: OnceLock<Bytes>,
}

impl Shown {
    fn now(&self) -> (Arc<Board>, Arc<Written>) {
        let board = Arc::clone(&self.boards.borrow());
        // A thread that panicked while it wrote left the one before, which is as good.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &*last {
            Some(written) if std::ptr::eq(written.of.as_ptr(), &*board) => Arc::clone(written),
            _ => Arc::clone(last.insert(Arc::new(Written::of(&board)))),
        };
        (board, written)
    }
}

impl Written {
    fn of(board: &Arc<Board>) -> Self {
        let document = status_json(board);
        // Another build may show the same board differently.
        let seed = format!("{}\n{document}", env!("CARGO_PKG_VERSION"));
        let version = format!("\"{}\"", ContentHash::of(seed.as_bytes()).first(16));
        Self {
            of: Arc::downgrade(board),
            version: HeaderValue::from_str(&version)
                .unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
            document: fitted(document),
            page: OnceLock::new(),
        }
    }

    fn page(&self, board: &Board) -> Bytes {
        let version = self.version.to_str().unwrap_or_default();
        self.page.get_or_init(|| fitted(page::board(board, version).into_string())).clone()
    }
}

/// A text in an allocation that is no larger than it.
fn fitted(text: String) -> Bytes {
    text.into_boxed_str().into_boxed_bytes().into()
}

async fn page(State(shown): State<Arc<Shown>>, asked: HeaderMap) -> Response {
    let (board, written) = shown.now();
    unless_known(&asked, &written.version, || Html(written.page(&board)))
}

/// The page that the statuses of commits lead to.
async fn solution(
    State(shown): State<Arc<Shown>>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let board = Arc::clone(&shown.boards.borrow());
    let is_commit = |commit: &&String| {
        (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let commit = asked.commit.as_ref().filter(is_commit).map(String::as_str);
    match page::solution(&board, &name, commit) {
        Some(page) => Html(page.into_string()).into_response(),
        None => {
            (StatusCode::NOT_FOUND, Html(page::no_solution(&name).into_string())).into_response()
        }
    }
}

/// What the address of a solution's page may say more.
#[derive(serde::Deserialize)]
struct Asked {
    /// The commit whose status led there.
    commit: Option<String>,
}

async fn document(State(shown): State<Arc<Shown>>, asked: HeaderMap) -> Response {
    let (_, written) = shown.now();
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    unless_known(&asked, &written.version, || (json, written.document.clone()))
}

/// 200 as long as the loop lives and comes round.
async fn healthz(State(probed): State<Probed>) -> (StatusCode, &'static str) {
    match probed.dead() {
        None => (StatusCode::OK, "ok\n"),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// 200 once a commit has been read, while the loop lives and the cluster answers. An outage of the
/// repository changes nothing here: the board is then what people need most. While the API server
/// is silent, nobody is told of this answer but who asks here.
async fn readyz(State(probed): State<Probed>) -> (StatusCode, &'static str) {
    let (read, silent) = {
        let board = probed.boards.borrow();
        (board.revision.is_some(), board.cluster.is_some())
    };
    match (probed.dead(), read, silent) {
        (Some(why), ..) => (StatusCode::SERVICE_UNAVAILABLE, why),
        (None, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "no commit has been read yet\n"),
        (None, true, true) => (StatusCode::SERVICE_UNAVAILABLE, "the cluster cannot be read\n"),
        (None, true, false) => (StatusCode::OK, "ready\n"),
    }
}

/// 304 if the asker has this version, else what `body` makes.
fn unless_known<B: IntoResponse>(
    asked: &HeaderMap,
    version: &HeaderValue,
    body: impl FnOnce() -> B,
) -> Response {
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag.as_bytes() == version.as_bytes() || tag == "*");
    let tag = [(header::ETAG, version.clone())];
    if known {
        (StatusCode::NOT_MODIFIED, tag).into_response()
    } else {
        (tag, body()).into_response()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
