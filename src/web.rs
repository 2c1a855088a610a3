//! Shows the board to people and programs, from a published copy. Changes nothing.
//!
//! In: a [`watch::Receiver`] with the [`Board`] that `reconcile` publishes. Out: a page at `/`,
//! one document at `/status.json`, and what a kubelet asks at `/healthz` and `/readyz`. Nothing
//! is awaited to answer: a visitor cannot make the daemon do work on a cluster or a repository.

mod headers;
mod listener;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use crate::model::ContentHash;
use crate::status::{Board, status_json};

pub use listener::Limited;

/// Where the board is taken from.
pub type Boards = watch::Receiver<Arc<Board>>;

/// Everything: what people read and what a kubelet asks.
///
/// Serve it through [`Limited`], which bounds connections and their time.
pub fn router(boards: Boards) -> Router {
    finished(people(boards.clone()).merge(kubelet(boards)))
}

/// `/healthz` and `/readyz` alone, for an address that the public does not reach.
pub fn probes(boards: Boards) -> Router {
    finished(kubelet(boards))
}

fn people(boards: Boards) -> Router {
    Router::new().route("/", get(page)).route("/status.json", get(document)).with_state(boards)
}

fn kubelet(boards: Boards) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(boards)
}

/// What every answer has, wrong addresses included.
fn finished(router: Router) -> Router {
    router
        .fallback(|| async { (StatusCode::NOT_FOUND, Html(page::not_found().into_string())) })
        .layer(axum::middleware::map_response(headers::harden))
}

async fn page(State(boards): State<Boards>, asked: HeaderMap) -> Response {
    let board = current(&boards);
    let version = version(&board);
    unless_known(&asked, &version, || Html(page::board(&board, &version).into_string()))
}

async fn document(State(boards): State<Boards>, asked: HeaderMap) -> Response {
    let board = current(&boards);
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    unless_known(&asked, &version(&board), || (json, text(&board)))
}

/// 200 as long as the reconcile loop lives: it drops its end when it dies.
async fn healthz(State(boards): State<Boards>) -> (StatusCode, &'static str) {
    match boards.has_changed() {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the reconcile loop has ended\n"),
    }
}

/// 200 once a commit has been read, and while the loop lives. An outage of the repository
/// changes nothing here: the board is then what people need most.
async fn readyz(State(boards): State<Boards>) -> (StatusCode, &'static str) {
    match (boards.has_changed(), current(&boards).revision.is_some()) {
        (Err(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "the reconcile loop has ended\n"),
        (Ok(_), false) => (StatusCode::SERVICE_UNAVAILABLE, "no commit has been read yet\n"),
        (Ok(_), true) => (StatusCode::OK, "ready\n"),
    }
}

/// A copy of the pointer; the lock is not held while a page is written.
fn current(boards: &Boards) -> Arc<Board> {
    Arc::clone(&boards.borrow())
}

fn text(board: &Board) -> String {
    format!("{:#}\n", status_json(board))
}

/// The entity tag of everything made from this board by this build.
fn version(board: &Board) -> String {
    let seed = format!("{}\n{}", env!("CARGO_PKG_VERSION"), text(board));
    format!("\"{}\"", ContentHash::of(seed.as_bytes()).first(16))
}

/// 304 if the asker has this version, else what `body` makes.
fn unless_known<B: IntoResponse>(
    asked: &HeaderMap,
    version: &str,
    body: impl FnOnce() -> B,
) -> Response {
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == version || tag == "*");
    let tag = [(header::ETAG, version.to_owned())];
    if known {
        (StatusCode::NOT_MODIFIED, tag).into_response()
    } else {
        (tag, body()).into_response()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
