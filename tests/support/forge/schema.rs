//! What the official descriptions of the four APIs have words for.
//!
//! The servers overlook a field that they do not know, and so would a test. These facts are written
//! by hand after GitHub's OpenAPI description, GitLab's source and the Swagger of Gitea and Forgejo;
//! a request that is not in them is no refusal, but a fault that the test can read.

use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::call::Call;
use super::store::Store;

/// Notes what is wrong with a request in form.
pub fn judge(store: &mut Store, call: &Call) {
    let place = format!("{} {}", call.method, call.path);
    let Some((body, parameters)) = known(store.kind, call) else {
        store.faults.push(format!("{place}: no such thing in the API"));
        return;
    };
    for (name, _) in &call.query {
        if !parameters.contains(&name.as_str()) {
            store.faults.push(format!("{place}: the parameter {name:?} is not known"));
        }
    }
    if call.body.is_empty() {
        if body["required"].is_array() {
            store.faults.push(format!("{place}: there is no body"));
        }
        return;
    }
    if call.header("content-type").is_none_or(|kind| !kind.starts_with("application/json")) {
        store.faults.push(format!("{place}: the body is not said to be JSON"));
    }
    let Some(said) = call.json() else {
        store.faults.push(format!("{place}: the body is no JSON"));
        return;
    };
    let validator = jsonschema::validator_for(&body).expect("a right schema");
    for error in validator.iter_errors(&said) {
        store.faults.push(format!("{place}: {}: {error}", error.instance_path()));
    }
}

/// What a request may carry: its body, and its parameters. `None` = there is no such request.
fn known(kind: ForgeKind, call: &Call) -> Option<(Value, &'static [&'static str])> {
    let segments = call.segments();
    let rest: Vec<&str> = match (kind, &segments[..]) {
        (ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo, ["repos", _, _, rest @ ..]) => {
            rest.to_vec()
        }
        (ForgeKind::GitHub, ["repositories", _, rest @ ..]) => rest.to_vec(),
        (ForgeKind::GitLab, ["projects", _, rest @ ..]) => rest.to_vec(),
        (ForgeKind::GitHub, ["app", "installations", _, "access_tokens"]) => vec!["access_tokens"],
        (ForgeKind::GitLab, ["personal_access_tokens", "self"]) => vec!["self"],
        (_, ["user"]) => vec!["user"],
        (ForgeKind::Gitea | ForgeKind::Forgejo, ["version"]) => vec!["version"],
        _ => return None,
    };
    let github: &[&str] = &["per_page", "page"];
    let gitea: &[&str] = &["limit", "page"];
    let gitlab: &[&str] = &["per_page", "page"];
    let gitlab_list: &[&str] =
        &["ref", "stage", "name", "pipeline_id", "all", "order_by", "sort", "per_page", "page"];
    let none: &[&str] = &[];
    let nothing = json!({"type": "object", "additionalProperties": false});
    let method = call.method.as_str();
    Some(match (kind, method, &rest[..]) {
        (ForgeKind::GitHub, "POST", ["access_tokens"]) => (token(), none),
        (ForgeKind::GitHub, "POST", ["statuses", _]) => (github_status(), none),
        (ForgeKind::GitHub, "GET", ["commits", _, "status" | "statuses"] | ["hooks"]) => {
            (nothing, github)
        }
        (ForgeKind::GitHub, "GET", ["git", "commits", _]) => (nothing, none),
        (ForgeKind::GitHub, "POST", ["hooks", _, "pings"]) => (nothing, none),
        (ForgeKind::GitHub, "GET", ["hooks", _, "deliveries"]) => {
            (nothing, &["per_page", "cursor", "status"])
        }
        (ForgeKind::GitHub, "POST", ["check-runs"]) => (check_run(true), none),
        (ForgeKind::GitHub, "PATCH", ["check-runs", _]) => (check_run(false), none),
        (ForgeKind::GitHub, "GET", ["commits", _, "check-runs"]) => {
            (nothing, &["check_name", "status", "filter", "per_page", "page", "app_id"])
        }
        (ForgeKind::GitLab, "POST", ["statuses", _]) => (gitlab_status(), none),
        (ForgeKind::GitLab, "GET", ["repository", "commits", _, "statuses"]) => {
            (nothing, gitlab_list)
        }
        (ForgeKind::GitLab, "GET", ["repository", "commits", _]) => (nothing, &["stats"]),
        (ForgeKind::GitLab, "GET", ["hooks"]) => (nothing, gitlab),
        (ForgeKind::GitLab, "POST", ["hooks", _, "test", "push_events"]) => (nothing, none),
        (ForgeKind::GitLab, "GET", ["hooks", _, "events"]) => {
            (nothing, &["status", "per_page", "page"])
        }
        (ForgeKind::GitLab, "GET", ["self"]) => (nothing, none),
        (ForgeKind::Gitea | ForgeKind::Forgejo, "POST", ["statuses", _]) => (gitea_status(), none),
        (ForgeKind::Gitea | ForgeKind::Forgejo, "GET", ["commits", _, "status"] | ["hooks"]) => {
            (nothing, gitea)
        }
        (
            ForgeKind::Gitea | ForgeKind::Forgejo,
            "GET",
            ["statuses", _] | ["commits", _, "statuses"],
        ) => (nothing, &["limit", "page", "sort", "state"]),
        (ForgeKind::Gitea | ForgeKind::Forgejo, "GET", ["git", "commits", _]) => {
            (nothing, &["stat", "verification", "files"])
        }
        (ForgeKind::Gitea | ForgeKind::Forgejo, "POST", ["hooks", _, "tests"]) => {
            (nothing, &["ref"])
        }
        (ForgeKind::Gitea | ForgeKind::Forgejo, "GET", ["version"]) => (nothing, none),
        (_, "GET", [] | ["user"]) => (nothing, none),
        (ForgeKind::GitHub, "GET", ["pulls"]) => {
            (nothing, &["state", "head", "base", "sort", "direction", "per_page", "page"])
        }
        (ForgeKind::Gitea | ForgeKind::Forgejo, "GET", ["pulls"]) => {
            (nothing, &["state", "sort", "milestone", "labels", "poster", "limit", "page"])
        }
        (ForgeKind::GitLab, "GET", ["merge_requests"]) => (
            nothing,
            &["state", "target_branch", "source_branch", "order_by", "sort", "per_page", "page"],
        ),
        (ForgeKind::GitLab, "GET", ["merge_requests", _]) => (nothing, none),
        (_, "GET", ["pulls", _]) => (nothing, none),
        (ForgeKind::GitHub, "GET", ["issues", _, "comments"]) => {
            (nothing, &["since", "per_page", "page"])
        }
        (ForgeKind::Gitea | ForgeKind::Forgejo, "GET", ["issues", _, "comments"]) => {
            (nothing, &["since", "before"])
        }
        (ForgeKind::GitLab, "GET", ["merge_requests", _, "notes"]) => {
            (nothing, &["sort", "order_by", "per_page", "page"])
        }
        (ForgeKind::GitLab, "POST", ["merge_requests", _, "notes"])
        | (ForgeKind::GitLab, "PUT", ["merge_requests", _, "notes", _]) => (comment(), none),
        (ForgeKind::GitLab, "DELETE", ["merge_requests", _, "notes", _]) => (nothing, none),
        (ForgeKind::GitLab, ..) => return None,
        (_, "POST", ["issues", _, "comments"]) | (_, "PATCH", ["issues", "comments", _]) => {
            (comment(), none)
        }
        (_, "DELETE", ["issues", "comments", _]) => (nothing, none),
        _ => return None,
    })
}

fn comment() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["body"],
        "properties": {"body": {"type": "string", "minLength": 1}},
    })
}

fn github_status() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["state"],
        "properties": {
            "state": {"enum": ["error", "failure", "pending", "success"]},
            "target_url": {"type": ["string", "null"]},
            "description": {"type": ["string", "null"]},
            "context": {"type": "string"},
        },
    })
}

fn check_run(new: bool) -> Value {
    let annotation = json!({
        "type": "object", "additionalProperties": false,
        "required": ["path", "start_line", "end_line", "annotation_level", "message"],
        "properties": {
            "path": {"type": "string"}, "start_line": {"type": "integer"},
            "end_line": {"type": "integer"}, "start_column": {"type": "integer"},
            "end_column": {"type": "integer"},
            "annotation_level": {"enum": ["notice", "warning", "failure"]},
            "message": {"type": "string"}, "title": {"type": "string"},
            "raw_details": {"type": "string"},
        },
    });
    let required: &[&str] = if new { &["name", "head_sha"] } else { &[] };
    json!({
        "type": "object", "additionalProperties": false, "required": required,
        "properties": {
            "name": {"type": "string"}, "head_sha": {"type": "string"},
            "details_url": {"type": "string"}, "external_id": {"type": "string"},
            "status": {"enum": ["queued", "in_progress", "completed"]},
            "started_at": {"type": "string"}, "completed_at": {"type": "string"},
            "conclusion": {"enum": [
                "action_required", "cancelled", "failure", "neutral", "success", "skipped",
                "timed_out",
            ]},
            "output": {
                "type": "object", "additionalProperties": false, "required": ["title", "summary"],
                "properties": {
                    "title": {"type": "string"}, "summary": {"type": "string"},
                    "text": {"type": "string"},
                    "annotations": {"type": "array", "maxItems": 50, "items": annotation},
                },
            },
        },
    })
}

fn token() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "repositories": {"type": "array", "items": {"type": "string"}},
            "repository_ids": {"type": "array", "items": {"type": "integer"}},
            "permissions": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "metadata": {"enum": ["read", "write"]},
                    "contents": {"enum": ["read", "write"]},
                    "statuses": {"enum": ["read", "write"]},
                    "checks": {"enum": ["read", "write"]},
                    "deployments": {"enum": ["read", "write"]},
                    "environments": {"enum": ["read", "write"]},
                    "issues": {"enum": ["read", "write"]},
                    "pull_requests": {"enum": ["read", "write"]},
                    "repository_hooks": {"enum": ["read", "write"]},
                },
            },
        },
    })
}

fn gitlab_status() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["state"],
        "properties": {
            "state": {"enum": ["pending", "running", "success", "failed", "canceled", "skipped"]},
            "ref": {"type": "string"},
            "name": {"type": "string"},
            "context": {"type": "string"},
            "target_url": {"type": "string"},
            "description": {"type": "string"},
            "coverage": {"type": "number"},
            "pipeline_id": {"type": "integer"},
        },
    })
}

/// Forgejo's own description has no `skipped` in some releases; all of them take it.
fn gitea_status() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "state": {"enum": ["pending", "success", "error", "failure", "warning", "skipped"]},
            "target_url": {"type": "string"},
            "description": {"type": "string"},
            "context": {"type": "string"},
        },
    })
}
