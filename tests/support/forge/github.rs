//! What GitHub answers.
//!
//! From its published description and from what it said to others; it was not reachable when this
//! was written.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Call, Credential};
use super::store::{Delivery, Hook, LOGIN, RATE_LIMIT, REPOSITORY_ID, Rate, Row, Store};
use super::{FakeForge, app, checks, pulls};

/// The versions of the API that `X-GitHub-Api-Version` may name.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];
const STATES: [&str; 4] = ["error", "failure", "pending", "success"];
/// In characters.
const LONGEST_DESCRIPTION: usize = 140;
const LONGEST_CONTEXT: usize = 255;
/// What stands without a context.
const DEFAULT_CONTEXT: &str = "default";

pub fn answer(store: &mut Store, call: &Call) -> Answer {
    if call.header("user-agent").is_none_or(str::is_empty) {
        return says(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        );
    }
    if let Some(version) = call.header("x-github-api-version")
        && !VERSIONS.contains(&version)
    {
        return says(400, &format!("{version:?} is not a supported version."));
    }
    if let ["app", "installations", id, "access_tokens"] = call.segments()[..] {
        return match call.method.as_str() {
            "POST" => app::give_token(store, call, id),
            _ => not_found(),
        };
    }
    let who = match who(store, call) {
        Ok(who) => who,
        Err(refusal) => return refusal,
    };
    if Instant::now() >= store.rate.reset {
        let reset = Instant::now() + Duration::from_secs(3600);
        store.rate = Rate { remaining: RATE_LIMIT, reset };
    }
    if store.rate.remaining == 0 {
        let refusal = says(403, "API rate limit exceeded for user ID 4711.");
        return refusal.with(rate_headers(store));
    }
    let answer = route(store, call, &who);
    // A conditional request that found nothing new is free.
    if answer.code != 304 {
        store.rate.remaining -= 1;
    }
    answer.with(rate_headers(store))
}

/// Whose the token is; an answer when there is none that counts.
fn who(store: &Store, call: &Call) -> Result<String, Answer> {
    match call.authorization(&["bearer", "token"]) {
        // The repository is private, and that is all that strangers hear.
        Credential::None if call.method == "GET" => Err(not_found()),
        Credential::None => Err(says(401, "Requires authentication")),
        Credential::Token(token) if token == FakeForge::TOKEN && !store.revoked => {
            Ok(LOGIN.to_owned())
        }
        Credential::Token(token) => match &store.app {
            Some(app) if !store.revoked && app.knows(&token) => Ok("vitrine[bot]".to_owned()),
            Some(_) | None => Err(says(401, "Bad credentials")),
        },
        Credential::Odd => Err(says(401, "Bad credentials")),
    }
}

fn route(store: &mut Store, call: &Call, who: &str) -> Answer {
    let segments = call.segments();
    if segments[..] == ["user"] && call.method == "GET" {
        return match who.ends_with("[bot]") {
            true => says(403, "Resource not accessible by integration"),
            false => pulls::me(store.kind),
        };
    }
    // By name, or by the number to which a renamed repository leads.
    let rest = match segments[..] {
        ["repos", owner, name, ref rest @ ..] => {
            let asked = format!("{owner}/{name}");
            if store.old_names.contains(&asked) {
                return moved(call, rest);
            }
            if !asked.eq_ignore_ascii_case(&store.repository) {
                return not_found();
            }
            rest
        }
        ["repositories", id, ref rest @ ..] if id == REPOSITORY_ID.to_string() => rest,
        _ => return not_found(),
    };
    if store.no_access {
        return not_found();
    }
    let other = pulls::answer(store, call, who, rest);
    if let Some(answer) = other.or_else(|| checks::answer(store, call, who, rest)) {
        return answer;
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &repository(store)),
        ("POST", ["statuses", sha]) => post(store, call, who, sha),
        ("GET", ["commits", reference, "status"]) => combined(store, call, reference),
        ("GET", ["commits", reference, "statuses"]) => list(store, call, reference),
        ("GET", ["git", "commits", sha]) => match store.commits.iter().any(|it| it == sha) {
            true => Answer::json(200, &json!({"sha": sha})),
            false => not_found(),
        },
        // So it is said to whoever may not look.
        (_, ["hooks", ..]) if store.hooks_hidden => not_found(),
        ("GET", ["hooks"]) => hooks(store, call),
        ("GET", ["hooks", id, "deliveries"]) => deliveries(store, call, id),
        ("POST", ["hooks", id, "pings"]) => ping(store, id),
        _ => not_found(),
    }
}

/// Keeps the method of what is not a GET, unlike 301.
fn moved(call: &Call, rest: &[&str]) -> Answer {
    let mut to = format!("{}/api/v3/repositories/{REPOSITORY_ID}", call.origin);
    for segment in rest {
        to = format!("{to}/{segment}");
    }
    let code = if call.method == "GET" { 301 } else { 307 };
    let body = json!({
        "message": "Moved Permanently", "url": to,
        "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    });
    Answer::json(code, &body).with([("location", to)])
}

fn post(store: &mut Store, call: &Call, who: &str, sha: &str) -> Answer {
    if store.scope_missing {
        let from_app = who.ends_with("[bot]");
        let what = if from_app { "integration" } else { "personal access token" };
        return says(403, &format!("Resource not accessible by {what}"));
    }
    let body = match call.json() {
        Some(Value::Object(body)) => body,
        Some(_) => return says(400, "Body should be a JSON object"),
        None => return says(400, "Problems parsing JSON"),
    };
    if sha.len() != 40 || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return invalid("sha", "sha must be a 40 character SHA1");
    }
    if !store.commits.iter().any(|commit| commit == sha) {
        return says(422, &format!("No commit found for SHA: {sha}"));
    }
    let mut words = Vec::new();
    for field in ["state", "context", "description", "target_url"] {
        match body.get(field) {
            None | Some(Value::Null) => words.push(None),
            Some(Value::String(word)) => words.push(Some(word.clone())),
            Some(_) => return invalid(field, &format!("{field} is not a string")),
        }
    }
    let [state, context, description, target_url] = &words[..] else { unreachable!("four fields") };
    let state = state.clone().unwrap_or_default();
    if !STATES.contains(&state.as_str()) {
        return invalid("state", "state is not included in the list");
    }
    let context = context.clone().filter(|it| !it.is_empty());
    let context = context.unwrap_or_else(|| DEFAULT_CONTEXT.to_owned());
    if context.chars().count() > LONGEST_CONTEXT {
        return invalid("context", "context is too long (maximum is 255 characters)");
    }
    let description = description.clone().unwrap_or_default();
    if description.chars().count() > LONGEST_DESCRIPTION {
        return invalid("description", "description is too long (maximum is 140 characters)");
    }
    let target_url = target_url.clone().unwrap_or_default();
    let web = |url: &str| {
        let whole = url.starts_with("http://") || url.starts_with("https://");
        whole && url::Url::parse(url).is_ok()
    };
    if !target_url.is_empty() && !web(&target_url) {
        return invalid("target_url", "target_url must use http(s) scheme");
    }
    let key = store.same(&context);
    let so_far = store.rows.iter().filter(|row| row.sha == sha && store.same(&row.context) == key);
    if so_far.count() >= store.max_per_context {
        let words = "This SHA and context has reached the maximum number of statuses.";
        return invalid("base", words);
    }
    let creator = who.to_owned();
    let row = store.add(Row { context, state, description, target_url, creator, ..Row::of(sha) });
    Answer::json(201, &status(&row))
}

/// The newest row of each context, and one state made of all of them.
fn combined(store: &Store, call: &Call, reference: &str) -> Answer {
    // What an unknown commit is answered is believed, not seen.
    let Some(sha) = store.commit(reference) else { return not_found() };
    let latest = store.latest(&sha);
    let any = |states: &[&str]| latest.iter().any(|row| states.contains(&row.state.as_str()));
    let state = if any(&["error", "failure"]) {
        "failure"
    } else if latest.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    };
    let (shown, pages) = call.page(&latest, size(call));
    let statuses: Vec<Value> = shown.iter().map(status).collect();
    let body = json!({
        "state": state, "statuses": statuses, "sha": sha, "total_count": pages.total,
        "repository": repository(store),
    });
    conditional(call, &body).with(call.link(&pages))
}

/// Every row, the newest first.
fn list(store: &Store, call: &Call, reference: &str) -> Answer {
    let Some(sha) = store.commit(reference) else { return not_found() };
    let mut rows = store.of(&sha);
    rows.reverse();
    let (shown, pages) = call.page(&rows, size(call));
    let statuses: Vec<Value> = shown.iter().map(status).collect();
    conditional(call, &json!(statuses)).with(call.link(&pages))
}

fn size(call: &Call) -> usize {
    call.number("per_page").unwrap_or(30).min(100)
}

/// 304 for those who know it already.
pub fn conditional(call: &Call, body: &Value) -> Answer {
    let digest = Sha256::digest(body.to_string().as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{hex}\"");
    let known = call.header("if-none-match").is_some_and(|known| {
        known.split(',').any(|it| it.trim().trim_start_matches("W/") == format!("\"{hex}\""))
    });
    let answer = if known { Answer::empty(304) } else { Answer::json(200, body) };
    answer.with([("etag", tag)])
}

fn hooks(store: &Store, call: &Call) -> Answer {
    let hook = |(at, hook): (usize, &Hook)| {
        let content_type = if hook.json { "json" } else { "form" };
        json!({
            "type": "Repository", "id": at + 1, "name": "web", "active": hook.active,
            "events": ["push", "pull_request"],
            "config": {
                "content_type": content_type, "insecure_ssl": "0", "secret": "********",
                "url": hook.url,
            },
        })
    };
    let hooks: Vec<Value> = store.hooks.iter().enumerate().map(hook).collect();
    let (shown, pages) = call.page(&hooks, size(call));
    Answer::json(200, &json!(shown)).with(call.link(&pages))
}

/// The newest first. What nobody answered is 502 here.
fn deliveries(store: &Store, call: &Call, id: &str) -> Answer {
    let Some(id) = store.hook(id) else { return not_found() };
    let delivery = |(number, made): (u64, &Delivery)| {
        let (code, status) = match made.code {
            0 => (502, "failed to connect to host".to_owned()),
            code @ 200..300 => (code, "OK".to_owned()),
            code => (code, format!("Invalid HTTP Response: {code}")),
        };
        json!({
            "id": number, "guid": format!("0b989ba4-242f-11e5-81e1-{number:012}"),
            "delivered_at": "2026-11-30T00:00:00Z", "redelivery": false, "duration": 0.27,
            "status": status, "status_code": code, "event": "ping", "action": null,
            "installation_id": null, "repository_id": REPOSITORY_ID, "throttled_at": null,
        })
    };
    let made: Vec<Value> = store.deliveries(id).into_iter().map(delivery).collect();
    let shown: Vec<&Value> = made.iter().take(size(call)).collect();
    Answer::json(200, &json!(shown))
}

fn ping(store: &Store, id: &str) -> Answer {
    match store.hook(id) {
        Some(id) => Answer { pinged: Some(id), ..Answer::empty(204) },
        None => not_found(),
    }
}

/// The rights are those of the account, whatever the token is good for.
fn repository(store: &Store) -> Value {
    let name = store.repository.split('/').next_back();
    json!({
        "id": REPOSITORY_ID, "name": name, "full_name": store.repository, "private": true,
        "default_branch": super::store::BRANCH, "archived": false,
        "permissions": {"admin": false, "maintain": false, "push": true, "triage": true, "pull": true},
    })
}

fn status(row: &Row) -> Value {
    let or_null = |word: &str| if word.is_empty() { Value::Null } else { json!(word) };
    json!({
        "id": row.id, "state": row.state, "context": row.context,
        "description": or_null(&row.description), "target_url": or_null(&row.target_url),
        "creator": {"login": row.creator, "id": 77},
        "created_at": "2026-11-30T00:00:00Z", "updated_at": "2026-11-30T00:00:00Z",
    })
}

fn rate_headers(store: &Store) -> Vec<(&'static str, String)> {
    let left = store.rate.reset.saturating_duration_since(Instant::now());
    // Up, so that whoever waits until then does not come too early.
    let reset = jiff::Timestamp::now().as_second() + left.as_secs_f64().ceil() as i64;
    let used = RATE_LIMIT.saturating_sub(store.rate.remaining);
    vec![
        ("x-ratelimit-limit", RATE_LIMIT.to_string()),
        ("x-ratelimit-remaining", store.rate.remaining.to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
    ]
}

fn invalid(field: &str, words: &str) -> Answer {
    let body = json!({
        "message": "Validation Failed",
        "errors": [{"resource": "Status", "code": "custom", "field": field, "message": words}],
        "documentation_url": "https://docs.github.com/rest/commits/statuses#create-a-commit-status",
        "status": "422",
    });
    Answer::json(422, &body)
}

pub fn says(code: u16, message: &str) -> Answer {
    let body = json!({
        "message": message, "documentation_url": "https://docs.github.com/rest",
        "status": code.to_string(),
    });
    Answer::json(code, &body)
}

pub fn not_found() -> Answer {
    says(404, "Not Found")
}
