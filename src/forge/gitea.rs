//! Gitea and Forgejo, which speak alike. Their API validates nothing, keeps every row, and answers
//! with `status` what it takes as `state`.

use reqwest::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};

use vitrine_core::engine::Refusal;
use vitrine_core::model::Revision;
use vitrine_core::status::{CommitState, CommitStatus};

use super::answer::Heard;
use super::dialect::{Dialect, Place, Request, Row, text};
use super::pull;

/// The longest page, whatever is asked for.
const PAGE: usize = 50;

pub(super) struct Gitea;

impl Dialect for Gitea {
    fn authorization(&self, token: &str) -> (HeaderName, String) {
        (AUTHORIZATION, format!("token {token}"))
    }

    fn post(
        &self,
        place: &Place,
        _: Option<&str>,
        commit: &Revision,
        status: &CommitStatus,
    ) -> Request {
        let CommitStatus { state, context, description, url } = status;
        let body = json!({
            "state": state.as_str(), "context": context, "description": description,
            "target_url": url,
        });
        Request::post(format!("/repos/{}/statuses/{commit}", place.repository), body)
    }

    fn stored(&self, body: &Value) -> bool {
        body["status"].is_string() && body["context"].is_string()
    }

    fn page(&self, place: &Place, _: Option<&str>, commit: &Revision, page: u32) -> Request {
        let query = vec![("limit", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/repos/{}/commits/{commit}/status", place.repository), query)
    }

    fn rows(&self, body: &Value) -> Option<Vec<Row>> {
        match &body["statuses"] {
            Value::Array(rows) => Some(rows.iter().filter_map(row).collect()),
            // Nothing stands there. Forgejo says the same of a commit that it does not have.
            Value::Null if body.is_object() => Some(Vec::new()),
            _ => None,
        }
    }

    fn has_more(&self, heard: &Heard, page: u32, rows: usize) -> bool {
        let total = heard.header("x-total-count").and_then(|total| total.parse::<u64>().ok());
        // The body counts only what stands on this page.
        rows > 0 && total.map_or(rows >= PAGE, |total| total > u64::from(page) * PAGE as u64)
    }

    fn hides_unknown_commits(&self) -> bool {
        true
    }

    fn refusal(&self, _: &Heard) -> Option<Refusal> {
        None
    }

    fn scope(&self) -> &'static str {
        "the scope write:repository"
    }

    /// It overlooks `base`, so the list has those of all branches.
    fn pulls(&self, place: &Place, page: u32) -> Request {
        let query = vec![
            ("state", "open".to_owned()),
            ("limit", PAGE.to_string()),
            ("page", page.to_string()),
        ];
        Request::get(format!("/repos/{}/pulls", place.repository), query)
    }

    fn pulls_on_a_page(&self) -> usize {
        PAGE
    }

    fn merged_pulls(&self, place: &Place) -> Request {
        let query = vec![
            ("state", "closed".to_owned()),
            ("sort", "recentupdate".to_owned()),
            ("limit", "30".to_owned()),
            ("page", "1".to_owned()),
        ];
        Request::get(format!("/repos/{}/pulls", place.repository), query)
    }

    /// Who may only read can push to `refs/for/...`, too: such a head lies in the repository and is no
    /// branch of it, which its empty label says. A branch that was deleted leaves a ref, which is none
    /// either.
    fn is_own(&self, row: &Value) -> bool {
        let head = &row["head"];
        let is_branch = !text(head, "label").is_empty() && !text(head, "ref").starts_with("refs/");
        is_branch && pull::same_number(&head["repo_id"], &row["base"]["repo_id"])
    }

    fn comments(&self, place: &Place, number: u64, _: u32) -> Request {
        let path = format!("/repos/{}/issues/{number}/comments", place.repository);
        Request::get(path, Vec::new())
    }

    fn comments_on_a_page(&self) -> Option<usize> {
        None
    }

    fn pull_scope(&self) -> &'static str {
        "the scopes write:repository, write:issue and read:user"
    }

    fn hooks(&self, place: &Place, page: u32) -> Request {
        let query = vec![("limit", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/repos/{}/hooks", place.repository), query)
    }

    fn hooks_on_a_page(&self) -> usize {
        PAGE
    }

    /// What becomes of it stands on the webhook's page, and in no answer of the API.
    fn deliver(&self, place: &Place, hook: u64) -> Request {
        Request::poke(format!("/repos/{}/hooks/{hook}/tests", place.repository))
    }

    fn deliveries_for_people(&self) -> &'static str {
        "Settings, Webhooks, the webhook, Recent Deliveries"
    }

    fn hook_right(&self) -> &'static str {
        "the scope write:repository and an account that administers the repository"
    }
}

fn row(row: &Value) -> Option<Row> {
    let state = match row["status"].as_str().or(row["state"].as_str())? {
        "success" | "skipped" => CommitState::Success,
        "pending" => CommitState::Pending,
        "failure" | "warning" => CommitState::Failure,
        _ => CommitState::Error,
    };
    Row::of(row, state)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_of_the_repository_if_it_is_a_branch_there() {
        let own = |head: Value| {
            let base = json!({"label": "main", "ref": "main", "repo_id": 1});
            let row = json!({"number": 7, "state": "open", "head": head, "base": base});
            Gitea.pull_row(&row).unwrap().own
        };
        assert!(own(json!({"label": "change", "ref": "change", "repo_id": 1})));
        assert!(!own(json!({"label": "change", "ref": "change", "repo_id": 2})), "a fork");
        // By Gitea's source (services/convert/pull.go): pushed to refs/for/main by a reader, a
        // branch that was deleted, a fork that was.
        assert!(!own(json!({"label": "", "ref": "refs/pull/7/head", "repo_id": 1})));
        assert!(!own(json!({"label": "", "ref": "somebody/change", "repo_id": 1})));
        assert!(!own(json!({"label": "change", "ref": "refs/pull/7/head", "repo_id": 1})));
        assert!(!own(json!({"label": "change", "ref": "refs/pull/7/head", "repo_id": -1})));
        assert!(!own(Value::Null));
    }
}
