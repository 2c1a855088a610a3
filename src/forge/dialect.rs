//! What differs between the forges: addresses, words, and how each says no.

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Value;

use vitrine_core::engine::Refusal;
use vitrine_core::model::Revision;
use vitrine_core::status::{CommitState, CommitStatus};

use super::answer::Heard;

/// What is asked of an API.
pub(super) struct Request {
    pub method: Method,
    /// Below where the API begins.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Request {
    pub fn get(path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { method: Method::GET, path, query, body: None }
    }

    pub fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, query: Vec::new(), body: Some(body) }
    }
}

/// Which repository, and which of its branches.
pub(super) struct Place {
    pub repository: String,
    pub branch: String,
}

/// A status as a forge has it, with the number by which the newer of two is known.
pub(super) struct Row {
    pub id: u64,
    pub status: CommitStatus,
}

/// How one kind of forge is spoken to. Everything here is text in, text out.
pub(super) trait Dialect: Send + Sync {
    /// The header that carries a token.
    fn authorization(&self, token: &str) -> (HeaderName, String);

    /// Headers of every request.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("accept", "application/json")]
    }

    /// Posts a status onto a commit.
    fn post(&self, place: &Place, commit: &Revision, status: &CommitStatus) -> Request;

    /// Whether this is what the forge answers when it stored a status.
    fn stored(&self, body: &Value) -> bool;

    /// A page of what stands on a commit, from 1 on.
    fn page(&self, place: &Place, commit: &Revision, page: u32) -> Request;

    /// The statuses of a page; `None`: this is no page of this forge.
    fn rows(&self, body: &Value) -> Option<Vec<Row>>;

    /// Whether there is another page after this one, which has so many rows.
    fn has_more(&self, heard: &Heard, page: u32, rows: usize) -> bool;

    /// The newest of each context.
    fn newest(&self, mut rows: Vec<Row>) -> Vec<CommitStatus> {
        rows.sort_by(|a, b| (&a.status.context, b.id).cmp(&(&b.status.context, a.id)));
        rows.dedup_by(|b, a| a.status.context == b.status.context);
        rows.into_iter().map(|row| row.status).collect()
    }

    /// Asks whether the forge has a commit. All but GitLab have it where GitHub does.
    fn commit(&self, place: &Place, commit: &Revision) -> Request {
        Request::get(format!("/repos/{}/git/commits/{commit}", place.repository), Vec::new())
    }

    /// Asks whether the repository can be seen.
    fn repository(&self, place: &Place) -> Request {
        Request::get(format!("/repos/{}", place.repository), Vec::new())
    }

    /// Whether a commit that it does not have looks like a fault of its own.
    fn hides_unknown_commits(&self) -> bool {
        false
    }

    /// Whether a post that a token may not make looks as if there were nothing.
    fn hides_rights(&self) -> bool {
        false
    }

    /// What an answer means on this forge alone.
    fn refusal(&self, heard: &Heard) -> Option<Refusal>;

    /// What a token needs, in the forge's own words.
    fn scope(&self) -> &'static str;
}

impl Row {
    /// A row as all but GitLab write it, whatever they call the state.
    pub fn of(row: &Value, state: CommitState) -> Option<Self> {
        let status = CommitStatus {
            state,
            context: text(row, "context"),
            description: text(row, "description"),
            url: text(row, "target_url"),
        };
        Some(Self { id: row["id"].as_u64()?, status })
    }
}

/// A field of a row as text; without one it is empty.
pub(super) fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}
