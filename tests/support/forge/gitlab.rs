//! What GitLab answers. A status is a job of a pipeline, and moves as jobs do.
//!
//! From its own source; it was not reachable when this was written.

use serde_json::{Value, json};

use super::call::{Answer, Call, Credential};
use super::store::{BRANCH, Delivery, Hook, LOGIN, REPOSITORY_ID, Row, Store};
use super::{FakeForge, pulls};

const STATES: [&str; 6] = ["pending", "running", "success", "failed", "canceled", "skipped"];
/// Of a description, an address and a ref, in characters.
const LONGEST: usize = 255;
const TOO_LONG: &str = "is too long (maximum is 255 characters)";
/// Trial deliveries in a minute.
const TRIALS: u32 = 5;
/// Requests with a wrong token, after which an address is shut out.
const PATIENCE: u32 = 30;

pub fn answer(store: &mut Store, call: &Call) -> Answer {
    if store.strangers >= PATIENCE {
        return Answer { body: "Forbidden\n".to_owned(), ..Answer::empty(403) };
    }
    let token = match call.header("private-token") {
        Some(token) => Credential::Token(token.to_owned()),
        None => call.authorization(&["bearer"]),
    };
    match token {
        Credential::Token(token) if token == FakeForge::TOKEN && !store.revoked => {}
        Credential::Token(token) if token == FakeForge::TOKEN => {
            store.strangers += 1;
            let body = json!({
                "error": "invalid_token",
                "error_description": "Token was revoked. You have to re-authorize from the user.",
            });
            return Answer::json(401, &body);
        }
        Credential::Token(_) | Credential::Odd => {
            store.strangers += 1;
            return says(401, "401 Unauthorized");
        }
        Credential::None => return says(401, "401 Unauthorized"),
    }
    if store.scope_missing && call.method != "GET" {
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": "api",
        });
        return Answer::json(403, &body);
    }
    let segments = call.segments();
    let rest = match segments[..] {
        ["personal_access_tokens", "self"] if call.method == "GET" => {
            let scopes = if store.scope_missing { ["read_api"] } else { ["api"] };
            let body = json!({
                "id": 7, "name": "vitrine", "revoked": false, "active": true, "scopes": scopes,
                "user_id": 77, "expires_at": "2027-11-30",
            });
            return Answer::json(200, &body);
        }
        ["user"] if call.method == "GET" => return pulls::me(store.kind),
        ["projects", asked, ref rest @ ..] if !store.no_access => {
            if store.old_names.iter().any(|old| old == asked) {
                return moved(call, rest);
            }
            if asked != store.repository && asked != REPOSITORY_ID.to_string() {
                return says(404, "404 Project Not Found");
            }
            rest
        }
        ["projects", ..] => return says(404, "404 Project Not Found"),
        _ => return Answer::json(404, &json!({"error": "404 Not Found"})),
    };
    if let Some(answer) = pulls::answer(store, call, LOGIN, rest) {
        return answer;
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &project(store)),
        ("POST", ["statuses", sha]) => post(store, call, sha),
        ("GET", ["repository", "commits", sha, "statuses"]) => list(store, call, sha),
        ("GET", ["repository", "commits", sha]) => match store.commit(sha) {
            Some(sha) => Answer::json(200, &json!({"id": sha})),
            None => says(404, "404 Commit Not Found"),
        },
        (_, ["hooks", ..]) if store.hooks_hidden => says(403, "403 Forbidden"),
        ("GET", ["hooks"]) => hooks(store, call),
        ("GET", ["hooks", id, "events"]) => events(store, id),
        ("POST", ["hooks", id, "test", "push_events"]) => trial(store, id),
        _ => Answer::json(404, &json!({"error": "404 Not Found"})),
    }
}

/// Another status of this commit is being written.
pub fn locked() -> Answer {
    says(409, "Another update to this commit status is in progress")
}

/// The pipeline of a commit and ref that a status goes to: the newest, or a new one.
pub fn pipeline_for(store: &mut Store, sha: &str, reference: &str) -> u64 {
    let mut newest = store.pipelines.iter().rev();
    match newest.find(|pipeline| pipeline.sha == sha && pipeline.reference == reference) {
        Some(pipeline) => pipeline.id,
        None => store.add_pipeline(sha, reference, "external"),
    }
}

/// Only a GET finds the new name.
fn moved(call: &Call, rest: &[&str]) -> Answer {
    if call.method != "GET" {
        return says(405, "Non GET methods are not allowed for moved projects");
    }
    let mut to = format!("{}/api/v4/projects/{REPOSITORY_ID}", call.origin);
    for segment in rest {
        to = format!("{to}/{segment}");
    }
    let body = json!({"message": "This resource has been moved permanently to the location"});
    Answer::json(301, &body).with([("location", to)])
}

fn post(store: &mut Store, call: &Call, sha: &str) -> Answer {
    let is_json = call.header("content-type").is_some_and(|kind| kind.contains("json"));
    // What is not said to be JSON is not read.
    let body = if is_json { call.json() } else { Some(json!({})) };
    let Some(Value::Object(body)) = body else {
        return says(400, "400 Bad request - invalid JSON");
    };
    let word = |field: &str| -> Option<String> {
        match body.get(field)? {
            Value::Null => None,
            Value::String(word) => Some(word.clone()),
            other => Some(other.to_string()),
        }
    };
    let Some(state) = word("state") else {
        return Answer::json(400, &json!({"error": "state is missing"}));
    };
    if !STATES.contains(&state.as_str()) {
        return Answer::json(400, &json!({"error": "state does not have a valid value"}));
    }
    let Some(sha) = store.commit(sha) else { return says(404, "404 Commit Not Found") };
    // Without a ref, the newest pipeline has one; without that, the first branch with the commit.
    let asked = word("ref").filter(|reference| !reference.is_empty());
    let newest = store.pipelines.iter().rev().find(|pipeline| {
        pipeline.sha == sha && asked.as_ref().is_none_or(|asked| *asked == pipeline.reference)
    });
    let reference = asked.or_else(|| newest.map(|pipeline| pipeline.reference.clone()));
    let pull = store.pulls.iter().find(|pull| pull.head == sha);
    let Some(reference) = reference.or_else(|| match pull {
        None => Some(BRANCH.to_owned()),
        Some(pull) if pull.fork => None,
        Some(_) => Some(pulls::SOURCE.to_owned()),
    }) else {
        return says(404, "404 References for commit Not Found");
    };
    let name = word("name").or_else(|| word("context")).unwrap_or_else(|| "default".to_owned());
    let (description, target_url) = (word("description"), word("target_url"));
    if reference.chars().count() > LONGEST {
        return invalid("ref", TOO_LONG);
    }
    let mut pipeline = pipeline_for(store, &sha, &reference);
    // Looked at only now, so that the pipeline stays.
    if store.protected && reference == BRANCH {
        return says(403, "403 Forbidden");
    }
    if let Err(refusal) = judge(&name, description.as_deref(), target_url.as_deref()) {
        return refusal;
    }

    let mut at = open_job(store, pipeline, &reference, &name);
    let jobs = store.rows.iter().filter(|row| row.pipeline == Some(pipeline)).count();
    if at.is_none() && jobs >= store.max_per_pipeline {
        pipeline = store.add_pipeline(&sha, &reference, "external");
        at = open_job(store, pipeline, &reference, &name);
    }
    let from = at.map_or("created", |at| store.rows[at].state.as_str());
    if let Err(refusal) = step(from, &state) {
        return refusal;
    }
    let row = match at {
        Some(at) => {
            let row = &mut store.rows[at];
            row.state = state;
            row.description = description.unwrap_or_else(|| row.description.clone());
            row.target_url = target_url.unwrap_or_else(|| row.target_url.clone());
            row.clone()
        }
        None => store.add(Row {
            state,
            context: name,
            description: description.unwrap_or_default(),
            target_url: target_url.unwrap_or_default(),
            reference: Some(reference),
            pipeline: Some(pipeline),
            ..Row::of(&sha)
        }),
    };
    Answer::json(201, &status(&row))
}

/// Our own job of this name that is not over.
fn open_job(store: &Store, pipeline: u64, reference: &str, name: &str) -> Option<usize> {
    store.rows.iter().position(|row| {
        row.pipeline == Some(pipeline)
            && row.reference.as_deref() == Some(reference)
            && row.context == name
            && row.creator == LOGIN
            && ["pending", "running"].contains(&row.state.as_str())
    })
}

fn judge(name: &str, description: Option<&str>, target_url: Option<&str>) -> Result<(), Answer> {
    if name.trim().is_empty() {
        return Err(invalid("name", "can't be blank"));
    }
    for (field, text) in [("description", description), ("target_url", target_url)] {
        if text.is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(invalid(field, TOO_LONG));
        }
    }
    let web =
        |url: &str| url::Url::parse(url).is_ok_and(|it| ["http", "https"].contains(&it.scheme()));
    if target_url.is_some_and(|url| !url.is_empty() && !web(url)) {
        return Err(invalid("target_url", "is blocked: Only allowed schemes are http, https"));
    }
    Ok(())
}

fn invalid(field: &str, words: &str) -> Answer {
    Answer::json(400, &json!({"message": {field: [words]}}))
}

/// Whether a job may go from one state to another, in the words of the state machine if not.
fn step(from: &str, to: &str) -> Result<(), Answer> {
    let (event, allowed): (_, &[&str]) = match to {
        "pending" => ("enqueue", &["created"]),
        // A new one is queued first.
        "running" => ("run", &["created", "pending"]),
        "success" => ("success", &["created", "pending", "running"]),
        "failed" => ("drop", &["created", "pending", "running"]),
        "canceled" => ("cancel", &["created", "pending", "running"]),
        _ => ("skip", &["created", "pending"]),
    };
    if allowed.contains(&from) {
        return Ok(());
    }
    let words = format!(
        "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
    );
    Err(says(400, &words))
}

/// Without `all`, the newest job of each name in each pipeline.
fn list(store: &Store, call: &Call, sha: &str) -> Answer {
    let Some(sha) = store.commit(sha) else { return says(404, "404 Commit Not Found") };
    if call.parameter("sort").is_some_and(|it| !["asc", "desc"].contains(&it)) {
        return Answer::json(400, &json!({"error": "sort does not have a valid value"}));
    }
    if call.parameter("order_by").is_some_and(|it| !["id", "pipeline_id"].contains(&it)) {
        return Answer::json(400, &json!({"error": "order_by does not have a valid value"}));
    }
    let every = call.parameter("all").is_some_and(|it| ["true", "1"].contains(&it));
    let rows = store.of(&sha);
    let retried = |row: &Row| {
        let newer =
            |it: &Row| it.pipeline == row.pipeline && it.context == row.context && it.id > row.id;
        rows.iter().any(newer)
    };
    let of =
        |name: &str, it: Option<&str>| call.parameter(name).is_none_or(|asked| Some(asked) == it);
    let mut shown: Vec<Row> = rows.iter().filter(|row| every || !retried(row)).cloned().collect();
    shown.retain(|row| {
        let pipeline = row.pipeline.map(|id| id.to_string());
        of("ref", row.reference.as_deref())
            && of("name", Some(&row.context))
            && of("stage", Some("external"))
            && of("pipeline_id", pipeline.as_deref())
    });
    match call.parameter("order_by") {
        Some("pipeline_id") => shown.sort_by_key(|row| row.pipeline),
        _ => shown.sort_by_key(|row| row.id),
    }
    if call.parameter("sort") == Some("desc") {
        shown.reverse();
    }
    let size = call.number("per_page").unwrap_or(20).min(100);
    let (shown, pages) = call.page(&shown, size);
    let statuses: Vec<Value> = shown.iter().map(status).collect();
    let next = (pages.page < pages.last).then(|| (pages.page + 1).to_string());
    Answer::json(200, &json!(statuses))
        .with([
            ("x-total", pages.total.to_string()),
            ("x-total-pages", pages.last.to_string()),
            ("x-page", pages.page.to_string()),
            ("x-per-page", pages.size.to_string()),
            // Empty on the last one.
            ("x-next-page", next.unwrap_or_default()),
        ])
        .with(call.link(&pages))
}

fn hooks(store: &Store, call: &Call) -> Answer {
    let hook = |(at, hook): (usize, &Hook)| {
        let status = if hook.active { "executable" } else { "disabled" };
        json!({
            "id": at + 1, "url": hook.url, "project_id": REPOSITORY_ID, "push_events": true,
            "merge_requests_events": true, "alert_status": status,
        })
    };
    let hooks: Vec<Value> = store.hooks.iter().enumerate().map(hook).collect();
    let (shown, pages) = call.page(&hooks, call.number("per_page").unwrap_or(20).min(100));
    Answer::json(200, &json!(shown)).with(call.link(&pages))
}

/// At most five in a minute.
fn trial(store: &mut Store, id: &str) -> Answer {
    let Some(id) = store.hook(id) else { return says(404, "404 Not found") };
    store.trials += 1;
    if store.trials > TRIALS {
        let words = "This endpoint has been requested too many times. Try again later.";
        return Answer::json(429, &json!({"message": {"error": words}}));
    }
    Answer { pinged: Some(id), ..says(201, "201 Created") }
}

/// The answer to the trial, in the words of whoever was called.
pub fn undelivered(code: u16, words: &str) -> Answer {
    match code {
        0 => says(422, "Failed to open TCP connection (Connection refused)"),
        _ => says(422, words),
    }
}

/// The newest first; twenty at most.
fn events(store: &Store, id: &str) -> Answer {
    let Some(id) = store.hook(id) else { return says(404, "404 Not found") };
    let event = |(number, made): (u64, &Delivery)| {
        let status = match made.code {
            0 => "internal error".to_owned(),
            code => code.to_string(),
        };
        json!({
            "id": number, "url": store.hooks[id as usize - 1].url, "trigger": "push_hooks",
            "request_headers": {}, "request_data": {}, "response_headers": {},
            "response_body": made.words, "execution_duration": 0.27, "response_status": status,
        })
    };
    let events: Vec<Value> = store.deliveries(id).into_iter().take(20).map(event).collect();
    Answer::json(200, &json!(events))
}

fn project(store: &Store) -> Value {
    let name = store.repository.split('/').next_back();
    json!({
        "id": REPOSITORY_ID, "path": name, "path_with_namespace": store.repository,
        "default_branch": BRANCH, "visibility": "private",
        "permissions": {"project_access": {"access_level": 30}, "group_access": null},
    })
}

fn status(row: &Row) -> Value {
    let or_null = |word: &str| if word.is_empty() { Value::Null } else { json!(word) };
    json!({
        "id": row.id, "sha": row.sha, "ref": row.reference, "status": row.state,
        "name": row.context, "target_url": or_null(&row.target_url),
        "description": or_null(&row.description), "pipeline_id": row.pipeline,
        "author": {"id": 77, "username": row.creator, "name": row.creator, "state": "active"},
        "allow_failure": false, "coverage": null, "created_at": "2026-11-30T00:00:00.000Z",
        "started_at": null, "finished_at": null,
    })
}

fn says(code: u16, message: &str) -> Answer {
    Answer::json(code, &json!({"message": message}))
}
