//! Takes a forge's word that the repository moved: `POST /hook/<name>`.
//!
//! In: deliveries of webhooks. Out: a ring of the [`Bell`], and nothing else: the commit is what the
//! repository says when it is looked at, never what a delivery says. So a replay is harmless, and a
//! delivery that is lost costs one interval of the poll. The signature is checked over the bytes as
//! they came, before anything is made of them.

mod bell;
mod body;
mod news;
mod proof;
mod secret;
mod seen;
mod told;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::watch;

use vitrine_core::config::{self, Config, PullRequests};

pub use bell::Bell;
use body::{Room, Unread};
use news::News;
use proof::Proof;
use seen::Seen;
use told::Told;

/// What the settings in force say about deliveries.
#[derive(Clone, Debug)]
pub struct Expected {
    hooks: Vec<config::Hook>,
    /// The branch that is published, without `refs/heads/`.
    branch: String,
    /// Whether news of pull requests count.
    pulls: bool,
}

impl Expected {
    /// What these settings say.
    pub fn of(config: &Config) -> Self {
        let pulls = config.forge.as_ref().map(|forge| forge.pull_requests).unwrap_or_default();
        Self {
            hooks: config.web.hooks.clone(),
            branch: config.repository.branch.clone(),
            pulls: pulls != PullRequests::Off,
        }
    }
}

/// The receiver of deliveries. It outlives the engine that its bell wakes.
#[derive(Clone)]
pub struct Hooks(Arc<Receiver>);

struct Receiver {
    expected: watch::Receiver<Arc<Expected>>,
    bell: Arc<Bell>,
    room: Room,
    seen: Mutex<Seen>,
    told: Told,
}

impl Hooks {
    /// Takes what is expected at the moment, and rings this bell.
    pub fn new(expected: watch::Receiver<Arc<Expected>>, bell: Arc<Bell>) -> Self {
        let (room, seen, told) = (Room::default(), Mutex::default(), Told::default());
        Self(Arc::new(Receiver { expected, bell, room, seen, told }))
    }

    /// `/hook/<name>`, for whatever name is in force when somebody calls.
    pub(super) fn routes(self) -> Router {
        Router::new().route("/hook/{name}", post(deliver)).with_state(self)
    }
}

/// What a forge is told. [`IntoResponse`] has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Looks,
    Nothing,
    Pong,
    Unnamed,
    NotJson,
    Unsigned,
    Meaningless,
    Unread(Unread),
}

async fn deliver(
    State(Hooks(receiver)): State<Hooks>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let expected = Arc::clone(&receiver.expected.borrow());
    match expected.hooks.iter().find(|hook| hook.name == name) {
        Some(hook) => receiver.take(hook, &expected, request).await,
        None => Answer::Unnamed,
    }
}

impl Receiver {
    async fn take(&self, hook: &config::Hook, expected: &Expected, request: Request) -> Answer {
        let (head, body) = request.into_parts();
        if body::is_too_large(&body) {
            return Answer::Unread(Unread::TooLarge);
        }
        if !is_json(&head.headers) {
            return Answer::NotJson;
        }
        let Some(proof) = Proof::of(hook.kind, &head.headers) else {
            return self.unsigned(hook, "it carries no signature with SHA-256, and no token");
        };
        let secrets = self.secrets(hook).await;
        if secrets.is_empty() {
            return Answer::Unsigned; // the operator was told of each file
        }
        // A token needs no body: a stranger's is not read.
        if proof.is_refuted(&secrets) {
            return self.unsigned(hook, "its token is not the hook's secret");
        }
        let body = match self.room.read(body).await {
            Ok(body) => body,
            Err(unread) => return Answer::Unread(unread),
        };
        if !proof.holds(&body, &secrets) {
            return self.unsigned(hook, "its signature is not made with the hook's secret");
        }
        self.told.no_more(&hook.name);
        self.hear(hook, expected, &head.headers, &body)
    }

    /// Whoever calls knows the secret.
    fn hear(
        &self,
        hook: &config::Hook,
        expected: &Expected,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Answer {
        let Expected { hooks: _, branch, pulls } = expected;
        match news::of(hook.kind, headers, body, branch) {
            News::Pull if !pulls => Answer::Nothing,
            News::Moved | News::Pull if self.is_new(hook, headers) => {
                tracing::debug!("hook {}: {branch} or a pull request moved", hook.name);
                self.bell.ring();
                Answer::Looks
            }
            News::Moved | News::Pull | News::Other => Answer::Nothing,
            News::Ping => Answer::Pong,
            News::Meaningless => Answer::Meaningless,
        }
    }

    /// Whether this delivery rings for the first time. One without a number always does.
    fn is_new(&self, hook: &config::Hook, headers: &HeaderMap) -> bool {
        let Some(number) = news::number(hook.kind, headers) else { return true };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_new(&hook.name, number, Instant::now())
    }

    /// The secrets that can be used now.
    async fn secrets(&self, hook: &config::Hook) -> Vec<Vec<u8>> {
        let mut secrets = Vec::new();
        for (file, secret) in secret::read(hook.secret_files.clone()).await {
            let place = format!("{} {}", hook.name, file.display());
            match secret {
                Ok(secret) => {
                    self.told.no_more(&place);
                    secrets.push(secret);
                }
                Err(trouble) if self.told.is_news(place) => {
                    let (name, file) = (&hook.name, file.display());
                    tracing::error!("hook {name}: the secret file {file} {trouble}");
                }
                Err(_) => {}
            }
        }
        secrets
    }

    /// Refuses a delivery, which the log says once until a good one comes.
    fn unsigned(&self, hook: &config::Hook, why: &str) -> Answer {
        if self.told.is_news(hook.name.clone()) {
            tracing::warn!("hook {}: a delivery was refused, {why}", hook.name);
        }
        Answer::Unsigned
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = written.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (status, words) = match self {
            Self::Looks => (StatusCode::ACCEPTED, "the repository is looked at\n"),
            Self::Nothing => (StatusCode::NO_CONTENT, ""),
            Self::Pong => (StatusCode::OK, "the secret is right; a push will be heard\n"),
            Self::Unnamed => (StatusCode::NOT_FOUND, "no hook has this name\n"),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "set the webhook's content type to application/json\n",
            ),
            Self::Unsigned => {
                (StatusCode::UNAUTHORIZED, "the delivery is not signed with the hook's secret\n")
            }
            Self::Meaningless => {
                (StatusCode::BAD_REQUEST, "the delivery is signed, and says no event or no `ref`\n")
            }
            Self::Unread(Unread::TooLarge) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "a delivery may have 3 MiB\n")
            }
            Self::Unread(Unread::Late) => {
                (StatusCode::REQUEST_TIMEOUT, "the delivery took more than 10 s\n")
            }
            Self::Unread(Unread::Crowded) => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many deliveries at a time\n")
            }
            Self::Unread(Unread::Broken) => (StatusCode::BAD_REQUEST, "the delivery broke off\n"),
        };
        (status, words).into_response()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
