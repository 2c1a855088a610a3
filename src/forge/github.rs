//! GitHub: <https://docs.github.com/en/rest/commits/statuses>.

use jiff::SignedDuration;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};

use vitrine_core::engine::Refusal;
use vitrine_core::model::Revision;
use vitrine_core::status::{CommitState, CommitStatus};

use super::answer::Heard;
use super::dialect::{Delivery, Dialect, Place, Request, Row, text};

/// The longest page that GitHub gives.
const PAGE: usize = 100;

pub(super) struct GitHub;

impl Dialect for GitHub {
    fn authorization(&self, token: &str) -> (HeaderName, String) {
        (AUTHORIZATION, format!("Bearer {token}"))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")]
    }

    fn post(
        &self,
        place: &Place,
        _: Option<&str>,
        commit: &Revision,
        status: &CommitStatus,
    ) -> Request {
        let CommitStatus { state, context, description, url } = status;
        let mut body =
            json!({"state": state.as_str(), "context": context, "description": description});
        if !url.is_empty() {
            body["target_url"] = json!(url);
        }
        Request::post(format!("/repos/{}/statuses/{commit}", place.repository), body)
    }

    fn stored(&self, body: &Value) -> bool {
        body["state"].is_string() && body["context"].is_string()
    }

    fn page(&self, place: &Place, _: Option<&str>, commit: &Revision, page: u32) -> Request {
        let query = vec![("per_page", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/repos/{}/commits/{commit}/status", place.repository), query)
    }

    fn rows(&self, body: &Value) -> Option<Vec<Row>> {
        let rows = body["statuses"].as_array()?.iter();
        Some(rows.filter_map(row).collect())
    }

    fn has_more(&self, heard: &Heard, page: u32, rows: usize) -> bool {
        let total = heard.body["total_count"].as_u64().unwrap_or_default();
        rows > 0 && total > u64::from(page) * PAGE as u64
    }

    fn hides_rights(&self) -> bool {
        true // a commit that it does not have is 422
    }

    fn refusal(&self, heard: &Heard) -> Option<Refusal> {
        let says = |words: &str| heard.words().contains(words);
        match heard.status.as_u16() {
            422 if says("maximum number of statuses") => Some(Refusal::Full),
            422 if says("No commit found") => Some(Refusal::NoCommit),
            // The limit for bursts, which does not always say how long it lasts.
            403 if heard.pause().is_none() && says("rate limit") => {
                Some(Refusal::Later(SignedDuration::from_mins(1)))
            }
            _ => None,
        }
    }

    fn scope(&self) -> &'static str {
        "the permission \"Commit statuses: read and write\" (a classic token: repo:status)"
    }

    fn pulls(&self, place: &Place, page: u32) -> Request {
        let query = vec![
            ("state", "open".to_owned()),
            ("base", place.branch.clone()),
            ("per_page", PAGE.to_string()),
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
            ("base", place.branch.clone()),
            ("sort", "updated".to_owned()),
            ("direction", "desc".to_owned()),
            ("per_page", "30".to_owned()),
        ];
        Request::get(format!("/repos/{}/pulls", place.repository), query)
    }

    fn comments(&self, place: &Place, number: u64, page: u32) -> Request {
        let query = vec![("per_page", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/repos/{}/issues/{number}/comments", place.repository), query)
    }

    fn comments_on_a_page(&self) -> Option<usize> {
        Some(PAGE)
    }

    fn pull_scope(&self) -> &'static str {
        "the permission \"Pull requests: read and write\" (a classic token: repo)"
    }

    fn hooks(&self, place: &Place, page: u32) -> Request {
        let query = vec![("per_page", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/repos/{}/hooks", place.repository), query)
    }

    fn hooks_on_a_page(&self) -> usize {
        PAGE
    }

    fn deliver(&self, place: &Place, hook: u64) -> Request {
        Request::poke(format!("/repos/{}/hooks/{hook}/pings", place.repository))
    }

    fn trial(&self) -> &'static str {
        "a ping"
    }

    fn deliveries(&self, place: &Place, hook: u64) -> Option<Request> {
        let query = vec![("per_page", PAGE.to_string())];
        Some(Request::get(format!("/repos/{}/hooks/{hook}/deliveries", place.repository), query))
    }

    fn delivery(&self, row: &Value) -> Option<Delivery> {
        // Without an answer and without a failure it is still on its way.
        let code = row["status_code"].as_u64().and_then(|code| u16::try_from(code).ok());
        let code = code.filter(|code| *code > 0 && row["event"] == "ping")?;
        Some(Delivery { id: row["id"].as_u64()?, code, words: text(row, "status") })
    }

    fn taken(&self) -> &'static [u16] {
        &[200]
    }

    fn deliveries_for_people(&self) -> &'static str {
        "Settings, Webhooks, the webhook, Recent Deliveries"
    }

    fn hook_right(&self) -> &'static str {
        "the permission \"Webhooks: read\" (a classic token: admin:repo_hook)"
    }
}

fn row(row: &Value) -> Option<Row> {
    let state = match row["state"].as_str()? {
        "success" => CommitState::Success,
        "pending" => CommitState::Pending,
        "failure" => CommitState::Failure,
        _ => CommitState::Error,
    };
    Row::of(row, state)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_of_the_repository_if_it_lies_there() {
        let own = |repository: Value| {
            let row = json!({
                "number": 7, "state": "open", "head": {"ref": "change", "repo": repository},
                "base": {"ref": "main", "repo": {"id": 1, "full_name": "aim/catalogue"}},
            });
            GitHub.pull_row(&row).unwrap().own
        };
        assert!(own(json!({"id": 1})));
        assert!(!own(json!({"id": 2, "full_name": "aim/catalogue"})), "a name can be had again");
        assert!(!own(Value::Null), "the fork was deleted");
        assert!(!own(json!({})));
    }
}
