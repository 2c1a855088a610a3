//! What differs between the forges: addresses, words, and how each says no.

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::{Value, json};

use vitrine_core::engine::Refusal;
use vitrine_core::model::Revision;
use vitrine_core::status::{CommitState, CommitStatus};

use super::answer::Heard;
use super::pull;

/// What is asked of an API.
pub(super) struct Request {
    pub method: Method,
    /// Below where the API begins.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    /// Of an answer that is known: whether another one would be given now is asked.
    pub tag: Option<String>,
}

impl Request {
    pub fn get(path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { method: Method::GET, path, query, body: None, tag: None }
    }

    pub fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, query: Vec::new(), body: Some(body), tag: None }
    }

    /// A change of what is there.
    pub fn patch(path: String, body: Value) -> Self {
        Self { method: Method::PATCH, path, query: Vec::new(), body: Some(body), tag: None }
    }

    /// As [`Request::patch`], of a forge that calls it so.
    pub fn put(path: String, body: Value) -> Self {
        Self { method: Method::PUT, ..Self::patch(path, body) }
    }

    /// Takes something away.
    pub fn delete(path: String) -> Self {
        Self { method: Method::DELETE, path, query: Vec::new(), body: None, tag: None }
    }

    /// A post that says nothing but where it goes.
    pub fn poke(path: String) -> Self {
        Self { method: Method::POST, path, query: Vec::new(), body: None, tag: None }
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

    /// Posts a status onto a commit. `at`: the ref that it stands at; `None`: the forge's choice.
    fn post(
        &self,
        place: &Place,
        at: Option<&str>,
        commit: &Revision,
        status: &CommitStatus,
    ) -> Request;

    /// Whether this is what the forge answers when it stored a status.
    fn stored(&self, body: &Value) -> bool;

    /// A page of what stands on a commit, from 1 on. `at`: only what stands at this ref.
    fn page(&self, place: &Place, at: Option<&str>, commit: &Revision, page: u32) -> Request;

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

    /// A page of the repository's webhooks, from 1 on.
    fn hooks(&self, place: &Place, page: u32) -> Request;

    /// How many stand on a page of that list.
    fn hooks_on_a_page(&self) -> usize;

    /// One of them.
    fn hook(&self, row: &Value) -> Option<Hook> {
        Hook::of(row)
    }

    /// Asks for a trial delivery of a webhook.
    fn deliver(&self, place: &Place, hook: u64) -> Request;

    /// What such a delivery is called: `a ping`.
    fn trial(&self) -> &'static str {
        "a test push"
    }

    /// Whether the answer to that says how the delivery was answered.
    fn waits_for_the_answer(&self) -> bool {
        false
    }

    /// The newest deliveries of a webhook, where they can be read.
    fn deliveries(&self, _: &Place, _: u64) -> Option<Request> {
        None
    }

    /// One of them; `None`: it was no trial, or is still on its way.
    fn delivery(&self, _: &Value) -> Option<Delivery> {
        None
    }

    /// What the daemon answers to a trial delivery that it takes.
    fn taken(&self) -> &'static [u16] {
        &[202, 204]
    }

    /// Where people see deliveries.
    fn deliveries_for_people(&self) -> &'static str;

    /// What a token needs to see webhooks and to try them.
    fn hook_right(&self) -> &'static str;

    /// A page of the open pull requests, from 1 on.
    fn pulls(&self, place: &Place, page: u32) -> Request;

    /// How many stand on a page of that list.
    fn pulls_on_a_page(&self) -> usize;

    /// Those that were closed last, the newest first.
    fn merged_pulls(&self, place: &Place) -> Request;

    /// One pull request.
    fn pull(&self, place: &Place, number: u64) -> Request {
        Request::get(format!("/repos/{}/pulls/{number}", place.repository), Vec::new())
    }

    /// A pull request of a list, or one by itself.
    fn pull_row(&self, row: &Value) -> Option<pull::Row> {
        let state = match (row["state"].as_str()?, pull::time(&row["merged_at"])) {
            ("open", _) => pull::State::Open,
            (_, Some(at)) => pull::State::Merged(pull::commit(&row["merge_commit_sha"])?, Some(at)),
            (_, None) => pull::State::Closed,
        };
        Some(pull::Row {
            number: row["number"].as_u64()?,
            head: pull::commit(&row["head"]["sha"]),
            base: text(&row["base"], "ref"),
            labels: pull::labels(&row["labels"]),
            state,
            reference: None,
            own: self.is_own(row),
        })
    }

    /// Whether the head of a pull request is a branch of the repository itself, as whoever pushed it
    /// may write there. A name that two repositories have had proves nothing, so numbers do.
    fn is_own(&self, row: &Value) -> bool {
        pull::same_number(&row["head"]["repo"]["id"], &row["base"]["repo"]["id"])
    }

    /// A page of the comments on a pull request, from 1 on, the oldest first.
    fn comments(&self, place: &Place, number: u64, page: u32) -> Request;

    /// How many stand on a page of that list; `None`: all.
    fn comments_on_a_page(&self) -> Option<usize>;

    /// A comment.
    fn comment_row(&self, row: &Value) -> Option<pull::Said> {
        let app = &row["performed_via_github_app"];
        let app = app["id"].as_u64().map(|id| (id.to_string(), text(app, "client_id")));
        Some(pull::Said {
            id: row["id"].as_u64()?,
            body: row["body"].as_str()?.to_owned(),
            by: text(&row["user"], "login"),
            app,
        })
    }

    /// Writes a comment.
    fn write_comment(&self, place: &Place, number: u64, body: &str) -> Request {
        let path = format!("/repos/{}/issues/{number}/comments", place.repository);
        Request::post(path, json!({"body": body}))
    }

    /// Writes another text into a comment.
    fn edit_comment(&self, place: &Place, _: u64, id: u64, body: &str) -> Request {
        let path = format!("/repos/{}/issues/comments/{id}", place.repository);
        Request::patch(path, json!({"body": body}))
    }

    /// Takes a comment away.
    fn delete_comment(&self, place: &Place, _: u64, id: u64) -> Request {
        Request::delete(format!("/repos/{}/issues/comments/{id}", place.repository))
    }

    /// What a token needs to see pull requests and to comment on them.
    fn pull_scope(&self) -> &'static str;
}

/// A webhook as a forge has it.
pub(super) struct Hook {
    pub id: u64,
    pub url: String,
    pub active: bool,
    /// Whether it is told of pushes.
    pub pushes: bool,
    /// Whether it sends JSON.
    pub json: bool,
}

impl Hook {
    /// A webhook as all but GitLab write it.
    pub fn of(row: &Value) -> Option<Self> {
        let config = &row["config"];
        let events = row["events"].as_array();
        let told = |word: &str| events.is_some_and(|events| events.iter().any(|it| it == word));
        Some(Self {
            id: row["id"].as_u64()?,
            url: text(config, "url"),
            active: row["active"] == true,
            pushes: told("push") || told("*"),
            json: config["content_type"] == "json",
        })
    }
}

/// A delivery as a forge remembers it.
pub(super) struct Delivery {
    pub id: u64,
    /// What the forge makes of the answer, as a status of HTTP.
    pub code: u16,
    /// What it says of it.
    pub words: String,
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
