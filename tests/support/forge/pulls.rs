//! Pull requests and what is said on them, as each forge has it.

use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::call::{Answer, Call};
use super::store::{BRANCH, LOGIN, REPOSITORY_ID, Store};

/// The longest comment that GitHub takes, in characters.
const LONGEST: usize = 65_536;

/// The branch that a pull request comes from, in its own repository.
pub const SOURCE: &str = "change";
/// The repository of somebody who made a fork.
const STRANGERS_ID: u64 = REPOSITORY_ID + 1;

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    pub number: u64,
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    pub state: PullState,
    /// Whether its head lies in another repository.
    pub fork: bool,
    /// The names of its labels.
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullState {
    Open,
    Closed,
    /// As this commit.
    Merged(String),
}

/// What somebody said on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub id: u64,
    pub pull: u64,
    pub by: String,
    pub body: String,
}

/// Answers what is asked of pull requests; `None`: something else was asked.
pub fn answer(store: &mut Store, call: &Call, who: &str, rest: &[&str]) -> Option<Answer> {
    let gitlab = store.kind == ForgeKind::GitLab;
    let write = call.method != "GET";
    let (number, id) = match (gitlab, rest) {
        (false, ["pulls"]) | (true, ["merge_requests"]) if !write => {
            return Some(list(store, call));
        }
        (false, ["pulls", number]) | (true, ["merge_requests", number]) if !write => {
            let found = store.pulls.iter().find(|pull| pull.number.to_string() == *number);
            return Some(match found {
                Some(pull) => Answer::json(200, &shown(store.kind, pull)),
                None => nothing(),
            });
        }
        (false, ["issues", "comments", id]) => (None, Some(*id)),
        (false, ["issues", number, "comments"]) | (true, ["merge_requests", number, "notes"]) => {
            (Some(*number), None)
        }
        (true, ["merge_requests", number, "notes", id]) => (Some(*number), Some(*id)),
        _ => return None,
    };
    let pull = number.and_then(|number| number.parse::<u64>().ok());
    if pull.is_some_and(|pull| store.pulls.iter().all(|known| known.number != pull)) {
        return Some(nothing());
    }
    if write && store.comments_forbidden {
        return Some(Answer::json(403, &json!({"message": "Resource not accessible"})));
    }
    let edit = if gitlab { "PUT" } else { "PATCH" };
    Some(match (call.method.as_str(), pull, id) {
        ("GET", Some(pull), None) => comments(store, call, pull),
        ("POST", Some(pull), None) => match text(store, call) {
            Ok(body) => {
                let comment = store.add_comment(pull, who, &body);
                Answer::json(201, &said(store.kind, &comment))
            }
            Err(refusal) => refusal,
        },
        (method, _, Some(id)) if method == edit && std::mem::take(&mut store.vanishing) => {
            store.comments.retain(|comment| comment.id.to_string() != *id);
            nothing()
        }
        (method, _, Some(id)) if method == edit => match (text(store, call), place(store, id)) {
            (Ok(body), Some(at)) => {
                store.comments[at].body = body;
                let comment = store.comments[at].clone();
                Answer::json(200, &said(store.kind, &comment))
            }
            (Err(refusal), _) => refusal,
            (_, None) => nothing(),
        },
        ("DELETE", _, Some(id)) => match place(store, id) {
            Some(at) => {
                store.comments.remove(at);
                Answer::empty(204)
            }
            None => nothing(),
        },
        _ => nothing(),
    })
}

fn nothing() -> Answer {
    Answer::json(404, &json!({"message": "Not Found"}))
}

fn place(store: &Store, id: &str) -> Option<usize> {
    store.comments.iter().position(|comment| comment.id.to_string() == id)
}

/// The text of a comment, or why it is none.
fn text(store: &Store, call: &Call) -> Result<String, Answer> {
    let body = call.json().and_then(|body| Some(body["body"].as_str()?.to_owned()));
    let Some(body) = body.filter(|body| !body.trim().is_empty()) else {
        return Err(Answer::json(422, &json!({"message": "body is missing"})));
    };
    if store.kind == ForgeKind::GitHub && body.chars().count() > LONGEST {
        return Err(Answer::json(422, &json!({"message": "body is too long"})));
    }
    Ok(body)
}

fn list(store: &Store, call: &Call) -> Answer {
    let (size, most) = match store.kind {
        ForgeKind::GitHub => (call.number("per_page").unwrap_or(30), 100),
        ForgeKind::GitLab => (call.number("per_page").unwrap_or(20), 100),
        ForgeKind::Gitea | ForgeKind::Forgejo => (call.number("limit").unwrap_or(30), 50),
    };
    let wanted = call.parameter("state").unwrap_or("open");
    // Gitea overlooks the parameter.
    let base = match store.kind {
        ForgeKind::GitHub => call.parameter("base"),
        ForgeKind::GitLab => call.parameter("target_branch"),
        ForgeKind::Gitea | ForgeKind::Forgejo => None,
    };
    let is_wanted = |pull: &&Pull| {
        let state = match (&pull.state, wanted) {
            (PullState::Open, "open" | "opened") => true,
            (PullState::Merged(_), "closed" | "merged") => true,
            (PullState::Closed, "closed") => store.kind != ForgeKind::GitLab,
            (_, wanted) => wanted == "all",
        };
        state && base.is_none_or(|base| base == pull.base)
    };
    let rows: Vec<Value> =
        store.pulls.iter().rev().filter(is_wanted).map(|pull| shown(store.kind, pull)).collect();
    let (rows, pages) = call.page(&rows, size.min(most));
    let body = json!(rows);
    let answer = match store.kind {
        ForgeKind::GitHub => super::github::conditional(call, &body),
        ForgeKind::GitLab | ForgeKind::Gitea | ForgeKind::Forgejo => Answer::json(200, &body),
    };
    answer.with(call.link(&pages))
}

fn comments(store: &Store, call: &Call, pull: u64) -> Answer {
    let rows: Vec<Value> = store
        .comments
        .iter()
        .filter(|comment| comment.pull == pull)
        .map(|comment| said(store.kind, comment))
        .collect();
    let size = match store.kind {
        ForgeKind::GitHub | ForgeKind::GitLab => call.number("per_page").unwrap_or(20).min(100),
        // All of them, whatever is asked for.
        ForgeKind::Gitea | ForgeKind::Forgejo => usize::MAX,
    };
    let (rows, pages) = call.page(&rows, size);
    Answer::json(200, &json!(rows)).with(call.link(&pages))
}

fn shown(kind: ForgeKind, pull: &Pull) -> Value {
    let now = jiff::Timestamp::now().to_string();
    let merged = match &pull.state {
        PullState::Merged(commit) => Some(commit),
        PullState::Open | PullState::Closed => None,
    };
    let merged_at = merged.map(|_| now);
    if kind == ForgeKind::GitLab {
        let state = match pull.state {
            PullState::Open => "opened",
            PullState::Closed => "closed",
            PullState::Merged(_) => "merged",
        };
        let from = if pull.fork { STRANGERS_ID } else { REPOSITORY_ID };
        return json!({
            "iid": pull.number, "sha": pull.head, "target_branch": pull.base, "state": state,
            "source_branch": SOURCE, "source_project_id": from, "target_project_id": REPOSITORY_ID,
            "merge_commit_sha": merged, "squash_commit_sha": null, "merged_at": merged_at,
            "labels": pull.labels, "title": "A change",
        });
    }
    let state = if pull.state == PullState::Open { "open" } else { "closed" };
    // Before a merge GitHub has a trial of one here.
    let trial = (kind == ForgeKind::GitHub).then(|| "f".repeat(40));
    let labels: Vec<Value> =
        pull.labels.iter().map(|name| json!({"name": name, "color": "00aabb"})).collect();
    let (owner, id) = if pull.fork { ("stranger", STRANGERS_ID) } else { ("aim", REPOSITORY_ID) };
    let repository = |owner: &str, id| json!({"id": id, "full_name": format!("{owner}/catalogue")});
    let label = if pull.fork { "stranger:change" } else { SOURCE };
    json!({
        "number": pull.number, "state": state, "title": "A change", "labels": labels,
        "merged_at": merged_at, "merge_commit_sha": merged.cloned().or(trial),
        "head": {
            "label": label, "sha": pull.head, "ref": SOURCE, "repo_id": id,
            "repo": repository(owner, id),
        },
        "base": {
            "label": pull.base, "ref": pull.base, "repo_id": REPOSITORY_ID,
            "repo": repository("aim", REPOSITORY_ID),
        },
    })
}

fn said(kind: ForgeKind, comment: &Comment) -> Value {
    let (id, body, by) = (comment.id, &comment.body, &comment.by);
    match kind {
        ForgeKind::GitLab => json!({"id": id, "body": body, "author": {"username": by}}),
        ForgeKind::GitHub if by.ends_with("[bot]") => json!({
            "id": id, "body": body, "user": {"login": by},
            "performed_via_github_app": {"id": 17, "client_id": "Iv1.vitrine"},
        }),
        ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => {
            json!({"id": id, "body": body, "user": {"login": by}})
        }
    }
}

/// `GET /user`
pub fn me(kind: ForgeKind) -> Answer {
    match kind {
        ForgeKind::GitLab => Answer::json(200, &json!({"id": 77, "username": LOGIN})),
        ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => {
            Answer::json(200, &json!({"id": 77, "login": LOGIN}))
        }
    }
}

impl Store {
    pub fn add_comment(&mut self, pull: u64, by: &str, body: &str) -> Comment {
        self.last_comment += 1;
        let comment =
            Comment { id: self.last_comment, pull, by: by.to_owned(), body: body.to_owned() };
        self.comments.push(comment.clone());
        comment
    }

    /// The pull request of this number, which is opened if it is new.
    pub fn pull(&mut self, number: u64) -> &mut Pull {
        let at = self.pulls.iter().position(|pull| pull.number == number);
        let at = at.unwrap_or_else(|| {
            self.pulls.push(Pull {
                number,
                head: String::new(),
                base: BRANCH.to_owned(),
                labels: Vec::new(),
                state: PullState::Open,
                fork: false,
            });
            self.pulls.len() - 1
        });
        &mut self.pulls[at]
    }
}
