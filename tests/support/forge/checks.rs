//! GitHub's check runs: an App's alone, complete once, the newest of a name counts.

use serde_json::{Map, Value, json};

use super::app::App;
use super::call::{Answer, Call};
use super::github::{not_found, says};
use super::store::Store;

/// The most annotations of one request.
const A_CALL: usize = 50;
/// The longest summary, in bytes.
const LONGEST_SUMMARY: usize = 65_535;

/// A check run, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    pub id: u64,
    pub head: String,
    pub name: String,
    pub conclusion: String,
    pub external_id: String,
    pub title: String,
    pub summary: String,
    /// Path, first line, level, message; of all requests together.
    pub annotations: Vec<(String, u64, String, String)>,
    /// The number of the App that made it.
    pub app: u64,
}

impl CheckRun {
    /// One that somebody else's App made.
    pub fn of_another(id: u64, head: String, name: String, external_id: String) -> Self {
        let conclusion = "success".to_owned();
        let (title, summary, annotations) = (String::new(), String::new(), Vec::new());
        Self { id, head, name, conclusion, external_id, title, summary, annotations, app: 15368 }
    }
}

/// What is asked of check runs; `None`: something else is.
pub fn answer(store: &mut Store, call: &Call, who: &str, rest: &[&str]) -> Option<Answer> {
    let answer = match (call.method.as_str(), rest) {
        ("GET", ["commits", sha, "check-runs"]) => list(store, call, sha),
        ("POST", ["check-runs"]) => write(store, call, who, None),
        ("PATCH", ["check-runs", id]) => match id.parse() {
            Ok(id) => write(store, call, who, Some(id)),
            Err(_) => not_found(),
        },
        _ => return None,
    };
    Some(answer)
}

fn list(store: &Store, call: &Call, sha: &str) -> Answer {
    if !store.commits.iter().any(|commit| commit == sha) {
        return says(422, &format!("No commit found for SHA: {sha}"));
    }
    let name = call.parameter("check_name");
    let of_it = store.checks.iter().filter(|run| run.head == sha);
    let mut runs: Vec<&CheckRun> = of_it.filter(|run| name.is_none_or(|n| n == run.name)).collect();
    runs.reverse();
    if call.parameter("filter") != Some("all") {
        let mut seen = Vec::new();
        runs.retain(|run| {
            let key = (run.name.clone(), run.app);
            let is_new = !seen.contains(&key);
            seen.push(key);
            is_new
        });
    }
    let size = call.number("per_page").unwrap_or(30).min(100);
    let shown: Vec<Value> = runs.iter().take(size).map(|run| told(run)).collect();
    Answer::json(200, &json!({"total_count": runs.len(), "check_runs": shown}))
}

fn told(run: &CheckRun) -> Value {
    json!({
        "id": run.id, "head_sha": run.head, "name": run.name, "status": "completed",
        "conclusion": run.conclusion, "external_id": run.external_id,
        "app": {"id": run.app, "client_id": format!("Iv1.{}", run.app), "slug": "some-app"},
        "output": {"title": run.title, "summary": run.summary,
                   "annotations_count": run.annotations.len()},
    })
}

fn write(store: &mut Store, call: &Call, who: &str, id: Option<u64>) -> Answer {
    if !who.ends_with("[bot]") {
        return says(403, "You must authenticate via a GitHub App.");
    }
    let Some(app) = store.app.as_ref().filter(|app| app.may("checks")).map(App::id) else {
        return says(403, "Resource not accessible by integration");
    };
    let Some(Value::Object(body)) = call.json() else { return says(400, "Problems parsing JSON") };
    let added = match annotations(&body) {
        Ok(added) => added,
        Err(words) => return says(422, &words),
    };
    let text = |from: &Map<String, Value>, key: &str| {
        from.get(key).and_then(Value::as_str).map(str::to_owned)
    };
    let empty = Map::new();
    let output = body.get("output").and_then(Value::as_object).unwrap_or(&empty);
    let summary = text(output, "summary").unwrap_or_default();
    if !output.is_empty() && summary.is_empty() {
        return says(422, "Invalid request.\n\n\"summary\" wasn't supplied.");
    }
    if summary.len() > LONGEST_SUMMARY {
        return says(422, "Only 65535 characters are allowed; more were supplied.");
    }
    let run = match id {
        None => {
            let head = text(&body, "head_sha").unwrap_or_default();
            if !store.commits.contains(&head) {
                return says(422, &format!("No commit found for SHA: {head}"));
            }
            let Some(conclusion) = text(&body, "conclusion") else {
                return says(422, "Invalid request.\n\n\"conclusion\" wasn't supplied.");
            };
            let id = 1 + store.checks.len() as u64;
            store.checks.push(CheckRun {
                id,
                head,
                name: text(&body, "name").unwrap_or_default(),
                conclusion,
                external_id: String::new(),
                title: String::new(),
                summary: String::new(),
                annotations: Vec::new(),
                app,
            });
            store.checks.last_mut()
        }
        Some(id) => store.checks.iter_mut().find(|run| run.id == id),
    };
    let Some(run) = run else { return not_found() };
    run.external_id = text(&body, "external_id").unwrap_or_else(|| run.external_id.clone());
    run.title = text(output, "title").unwrap_or_else(|| run.title.clone());
    run.summary = if summary.is_empty() { run.summary.clone() } else { summary };
    run.annotations.extend(added);
    let code = if id.is_none() { 201 } else { 200 };
    Answer::json(code, &told(run))
}

/// The annotations of a request, or why it is refused.
fn annotations(body: &Map<String, Value>) -> Result<Vec<(String, u64, String, String)>, String> {
    let all = body.get("output").and_then(|output| output["annotations"].as_array());
    let all = all.cloned().unwrap_or_default();
    if all.len() > A_CALL {
        return Err(format!("Only {A_CALL} items are allowed; {} were supplied.", all.len()));
    }
    let one = |it: &Value| {
        let text = |key: &str| it[key].as_str().map(str::to_owned);
        let (first, last) = (it["start_line"].as_u64(), it["end_line"].as_u64());
        let (Some(first), Some(last)) = (first, last) else {
            return Err("start_line and end_line are integers".to_owned());
        };
        if it.get("start_column").is_some() && first != last {
            return Err("start_column is of annotations on one line alone".to_owned());
        }
        if first == 0 || last < first || it["end_column"].as_u64() < it["start_column"].as_u64() {
            return Err("the end is before the start".to_owned());
        }
        let level = text("annotation_level").unwrap_or_default();
        if !["notice", "warning", "failure"].contains(&level.as_str()) {
            return Err(format!("{level} is not a level"));
        }
        let path = text("path").filter(|path| !path.starts_with('/')).ok_or("path")?;
        Ok((path, first, level, text("message").ok_or("message")?))
    };
    all.iter().map(one).collect()
}
