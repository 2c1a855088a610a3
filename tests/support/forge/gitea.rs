//! What Gitea and Forgejo answer. Everything here was seen on real ones.

use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::call::{Answer, Call, Credential};
use super::store::{BRANCH, Hook, LOGIN, REPOSITORY_ID, Row, Store};
use super::{FakeForge, pulls};

/// Rows on a page when nobody says, and when somebody says more.
const PAGE: usize = 30;
const LONGEST_PAGE: usize = 50;

pub fn answer(store: &mut Store, call: &Call) -> Answer {
    let known = match call.authorization(&["bearer", "token", "basic"]) {
        Credential::None => false,
        Credential::Token(token) if token == FakeForge::TOKEN && !store.revoked => true,
        // Also where nobody had to say who they are.
        Credential::Token(_) | Credential::Odd => {
            return says(call, 401, "invalid username, password or token");
        }
    };
    let segments = call.segments();
    let rest = match segments[..] {
        ["version"] if call.method == "GET" => {
            return Answer::json(200, &json!({"version": store.version}));
        }
        ["user"] if call.method == "GET" && known => return pulls::me(store.kind),
        ["repos", owner, name, ref rest @ ..] => {
            let asked = format!("{owner}/{name}");
            if !known || store.no_access {
                return not_found(call);
            }
            if store.old_names.contains(&asked) {
                return moved(store, call, &asked);
            }
            if !asked.eq_ignore_ascii_case(&store.repository) {
                return not_found(call);
            }
            rest
        }
        _ => return not_found(call),
    };
    let needs = if call.method == "GET" { "read:repository" } else { "write:repository" };
    if store.scope_missing && call.method != "GET" {
        let words = format!("token does not have at least one of required scope(s): [{needs}]");
        return says(call, 403, &words);
    }
    if let Some(answer) = pulls::answer(store, call, LOGIN, rest) {
        return answer;
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &repository(store)),
        ("POST", ["statuses", sha]) => post(store, call, sha),
        ("GET", ["statuses", sha] | ["commits", sha, "statuses"]) => list(store, call, sha),
        ("GET", ["commits", reference, "status"]) => combined(store, call, reference),
        ("GET", ["git", "commits", sha]) => match store.commit(sha) {
            Some(sha) => Answer::json(200, &json!({"sha": sha, "url": call.path})),
            None => not_found(call),
        },
        (_, ["hooks", ..]) if store.hooks_hidden => {
            let who = "user should be an owner or a collaborator with admin write of a repository";
            says(call, 403, who)
        }
        ("GET", ["hooks"]) => hooks(store, call),
        ("POST", ["hooks", id, "tests"]) => trial(store, call, id),
        (_, ["statuses", _] | ["commits", _, "status" | "statuses"]) => Answer::empty(405),
        _ => not_found(call),
    }
}

/// 301 whatever the method: a client that follows makes a GET of a POST.
fn moved(store: &Store, call: &Call, old: &str) -> Answer {
    let path = call.path.replacen(old, &store.repository, 1);
    Answer::empty(301).with([("location", path)])
}

/// Nothing is judged but that texts are texts.
fn post(store: &mut Store, call: &Call, sha: &str) -> Answer {
    let Some(Value::Object(body)) = call.json() else {
        return says(call, 422, "invalid character or unexpected end of JSON input");
    };
    let mut words = Vec::new();
    for field in ["state", "context", "description", "target_url"] {
        match body.get(field) {
            None | Some(Value::Null) => words.push(String::new()),
            Some(Value::String(word)) => words.push(word.clone()),
            Some(_) => {
                let words = format!(
                    "json: cannot unmarshal into Go struct field CreateStatusOption.{field} of type string"
                );
                return says(call, 422, &words);
            }
        }
    }
    let Some(sha) = store.commit(sha) else { return says(call, 500, "") };
    let [state, context, description, target_url] = &words[..] else { unreachable!("four fields") };
    let row = store.add(Row {
        state: state.clone(),
        context: context.trim().to_owned(),
        description: description.trim().to_owned(),
        target_url: target_url.trim().to_owned(),
        creator: LOGIN.to_owned(),
        ..Row::of(&sha)
    });
    Answer::json(201, &status(&row))
}

/// The newest row of each context. The state and the count are those of the page alone.
fn combined(store: &Store, call: &Call, reference: &str) -> Answer {
    let nothing = |state: &str, sha: &str| {
        json!({
            "state": state, "sha": sha, "total_count": 0, "statuses": null, "repository": null,
            "commit_url": "", "url": "",
        })
    };
    let Some(sha) = store.commit(reference) else {
        return match store.kind {
            ForgeKind::Forgejo => Answer::json(200, &nothing("", "")),
            ForgeKind::GitHub | ForgeKind::GitLab | ForgeKind::Gitea => not_found(call),
        };
    };
    let latest = store.latest(&sha);
    let (shown, pages) = call.page(&latest, size(call));
    let count = [("x-total-count", pages.total.to_string())];
    if shown.is_empty() {
        let body = if is_new(store) { nothing("pending", &sha) } else { nothing("", "") };
        return Answer::json(200, &body).with(count);
    }
    let ranks = ["error", "failure", "warning", "pending", "success", "skipped"];
    let state = ranks.iter().find(|state| shown.iter().any(|row| row.state == **state));
    let statuses: Vec<Value> = shown.iter().map(status).collect();
    let body = json!({
        "state": state.unwrap_or(&""), "sha": sha, "total_count": shown.len(), "statuses": statuses,
        "repository": repository(store), "commit_url": "", "url": "",
    });
    Answer::json(200, &body).with(count).with(call.link(&pages))
}

/// Every row, the newest second first, and the lowest id first within one.
fn list(store: &Store, call: &Call, reference: &str) -> Answer {
    let sha = store.commit(reference).unwrap_or_else(|| reference.to_owned());
    let mut rows = store.of(&sha);
    rows.sort_by_key(|row| (std::cmp::Reverse(row.second), row.id));
    // Older ones know no size without a page.
    let whole = call.parameter("page").is_none() && !is_new(store);
    let size = if whole { rows.len().max(1) } else { size(call) };
    let (shown, pages) = call.page(&rows, size);
    let statuses: Vec<Value> = shown.iter().map(status).collect();
    let count = [("x-total-count", pages.total.to_string())];
    Answer::json(200, &json!(statuses)).with(count).with(call.link(&pages))
}

fn size(call: &Call) -> usize {
    call.number("limit").unwrap_or(PAGE).min(LONGEST_PAGE)
}

/// Gitea since 1.27. Forgejo counts by itself and kept the old ways.
fn is_new(store: &Store) -> bool {
    let mut numbers = store.version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let pair = (numbers.next(), numbers.next());
    store.kind == ForgeKind::Gitea
        && matches!(pair, (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (1, 27))
}

fn hooks(store: &Store, call: &Call) -> Answer {
    let kind = store.kind.as_str();
    let hook = |(at, hook): (usize, &Hook)| {
        let content_type = if hook.json { "json" } else { "form" };
        json!({
            "id": at + 1, "type": kind, "active": hook.active, "events": ["push", "pull_request"],
            "config": {"content_type": content_type, "url": hook.url},
        })
    };
    let hooks: Vec<Value> = store.hooks.iter().enumerate().map(hook).collect();
    let (shown, pages) = call.page(&hooks, size(call));
    Answer::json(200, &json!(shown)).with([("x-total-count", pages.total.to_string())])
}

/// What becomes of the delivery is in no answer of the API.
fn trial(store: &Store, call: &Call, id: &str) -> Answer {
    match store.hook(id) {
        Some(id) => Answer { pinged: Some(id), ..Answer::empty(204) },
        None => not_found(call),
    }
}

fn repository(store: &Store) -> Value {
    let name = store.repository.split('/').next_back();
    json!({
        "id": REPOSITORY_ID, "name": name, "full_name": store.repository, "private": true,
        "default_branch": BRANCH, "permissions": {"admin": false, "push": true, "pull": true},
    })
}

/// What goes in as `state` comes out as `status`.
fn status(row: &Row) -> Value {
    json!({
        "id": row.id, "status": row.state, "context": row.context, "description": row.description,
        "target_url": row.target_url, "creator": {"login": row.creator, "id": 77},
        "url": "", "created_at": "2026-11-30T00:00:00Z", "updated_at": "2026-11-30T00:00:00Z",
    })
}

fn says(call: &Call, code: u16, message: &str) -> Answer {
    let url = format!("{}/api/swagger", call.origin);
    Answer::json(code, &json!({"message": message, "url": url}))
}

fn not_found(call: &Call) -> Answer {
    says(call, 404, "The target couldn't be found.")
}
