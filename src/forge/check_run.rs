//! Check runs, which GitHub alone has and only an App may write: faults at the lines of a commit.
//!
//! One that is complete is never opened again, so another one is made in its place; the newest of a
//! name counts. What it says is told by its hash, so that the same is not made twice.

use serde_json::{Value, json};

use vitrine_core::engine::{Check, End, Left, Mark, Refusal, Reply};
use vitrine_core::model::{ContentHash, Revision};

use super::answer::Heard;
use super::dialect::Request;
use super::line::Line;

/// The most annotations of a request (GitHub's description of the API).
const A_CALL: usize = 50;

impl Line {
    /// Makes our newest check run of that name on a commit say this. Without a mark none is made where
    /// none stands.
    pub async fn mark(&self, head: &Revision, check: &Check) -> Reply<()> {
        let mut left = None;
        let result = self.marks(head, check, &mut left).await;
        Reply { result, left }
    }

    async fn marks(
        &self,
        head: &Revision,
        check: &Check,
        left: &mut Option<Left>,
    ) -> Result<(), Refusal> {
        let repository = &self.place.repository;
        let marks: Vec<Value> = check.marks.iter().map(annotation).collect();
        let mut parts = marks.chunks(A_CALL);
        let first = output(check, parts.next().unwrap_or_default());
        let rest: Vec<Value> = parts.map(|part| output(check, part)).collect();
        let whole = json!([check.name, conclusion(check.end), first, rest]);
        let sum = ContentHash::of(whole.to_string().as_bytes()).first(16);

        let query = vec![
            ("check_name", check.name.clone()),
            ("filter", "latest".to_owned()),
            ("per_page", "100".to_owned()),
        ];
        let path = format!("/repos/{repository}/commits/{head}/check-runs");
        let known = self.told(&Request::get(path, query), left).await?;
        let runs = known.body["check_runs"].as_array().ok_or_else(|| self.no_forge())?;
        // The newest comes first, and others may call theirs the same.
        match runs.iter().find(|run| self.is_ours(run)) {
            Some(run) if run["external_id"] == sum.as_str() => return Ok(()),
            None if check.marks.is_empty() => return Ok(()),
            _ => {}
        }
        // The hash comes with the last part: what was cut short is made again.
        let mut body = json!({
            "name": check.name, "head_sha": head.as_str(), "status": "completed",
            "conclusion": conclusion(check.end), "output": first,
        });
        if rest.is_empty() {
            body["external_id"] = json!(sum);
        }
        let path = format!("/repos/{repository}/check-runs");
        let made = self.told(&Request::post(path, body), left).await?;
        let id = made.body["id"].as_u64().ok_or_else(|| self.no_forge())?;
        let last = rest.len();
        for (at, output) in rest.into_iter().enumerate() {
            let mut body = json!({ "output": output });
            if at + 1 == last {
                body["external_id"] = json!(sum);
            }
            let path = format!("/repos/{repository}/check-runs/{id}");
            self.told(&Request::patch(path, body), left).await?;
        }
        Ok(())
    }

    fn is_ours(&self, run: &Value) -> bool {
        let app = self.credential.app().unwrap_or_default();
        let told = &run["app"];
        told["client_id"] == app || told["id"].as_u64().is_some_and(|id| id.to_string() == app)
    }

    /// Asks, and takes nothing but a yes.
    async fn told(&self, request: &Request, left: &mut Option<Left>) -> Result<Heard, Refusal> {
        let heard = self.ask(request).await?;
        *left = heard.left().or(*left);
        if heard.status.is_success() {
            return Ok(heard);
        }
        if let Some(refusal) = self.dialect.refusal(&heard) {
            return Err(refusal);
        }
        let scope = "the App's permission \"Checks: read and write\"";
        Err(self.meaning_of(&heard, "write check runs of", scope))
    }
}

fn conclusion(end: End) -> &'static str {
    match end {
        End::Success => "success",
        End::Neutral => "neutral",
        End::Failure => "failure",
    }
}

fn output(check: &Check, annotations: &[Value]) -> Value {
    json!({ "title": check.title, "summary": check.summary, "annotations": annotations })
}

fn annotation(mark: &Mark) -> Value {
    let Mark { path, lines, columns, is_error, title, message } = mark;
    let mut annotation = json!({
        "path": path, "start_line": lines.0, "end_line": lines.1,
        "annotation_level": if *is_error { "failure" } else { "warning" },
        "title": title, "message": message,
    });
    if let Some((first, last)) = columns {
        annotation["start_column"] = json!(first);
        annotation["end_column"] = json!(last);
    }
    annotation
}
