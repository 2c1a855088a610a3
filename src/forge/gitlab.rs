//! GitLab, where a status is a job of a pipeline: it goes from state to state, not from any to any.

use reqwest::header::HeaderName;
use serde_json::{Value, json};

use vitrine_core::engine::Refusal;
use vitrine_core::model::Revision;
use vitrine_core::status::{CommitState, CommitStatus};

use super::answer::Heard;
use super::dialect::{Delivery, Dialect, Hook, Place, Request, Row, text};
use super::pull;

/// The longest page that GitLab gives.
const PAGE: usize = 100;

/// How the words of a job begin that failed for the operator: GitLab has one word for both.
const OPERATOR: &str = "operator: ";

pub(super) struct GitLab;

impl Dialect for GitLab {
    fn authorization(&self, token: &str) -> (HeaderName, String) {
        (HeaderName::from_static("private-token"), token.to_owned())
    }

    /// Without a ref GitLab takes that of the commit's newest pipeline, or else the first branch
    /// that has the commit; where no branch has it, it refuses.
    fn post(
        &self,
        place: &Place,
        at: Option<&str>,
        commit: &Revision,
        status: &CommitStatus,
    ) -> Request {
        let CommitStatus { state, context, description, url } = status;
        let (state, description) = match state {
            CommitState::Success => ("success", description.clone()),
            CommitState::Pending => ("running", description.clone()),
            CommitState::Failure => ("failed", description.clone()),
            CommitState::Error => ("failed", format!("{OPERATOR}{description}")),
        };
        let mut body = json!({"state": state, "name": context, "description": description});
        if let Some(at) = at {
            body["ref"] = json!(at);
        }
        if !url.is_empty() {
            body["target_url"] = json!(url);
        }
        Request::post(format!("/projects/{}/statuses/{commit}", project(place)), body)
    }

    fn stored(&self, body: &Value) -> bool {
        body["status"].is_string() && body["name"].is_string()
    }

    fn page(&self, place: &Place, at: Option<&str>, commit: &Revision, page: u32) -> Request {
        let mut query = vec![
            ("per_page", PAGE.to_string()),
            ("page", page.to_string()),
            ("order_by", "id".to_owned()),
            ("sort", "desc".to_owned()),
        ];
        query.extend(at.map(|at| ("ref", at.to_owned())));
        let project = project(place);
        Request::get(format!("/projects/{project}/repository/commits/{commit}/statuses"), query)
    }

    fn rows(&self, body: &Value) -> Option<Vec<Row>> {
        Some(body.as_array()?.iter().filter_map(row).collect())
    }

    fn has_more(&self, heard: &Heard, _: u32, rows: usize) -> bool {
        match heard.header("x-next-page") {
            Some(next) => !next.is_empty(),
            None => rows >= PAGE,
        }
    }

    fn commit(&self, place: &Place, commit: &Revision) -> Request {
        let project = project(place);
        Request::get(format!("/projects/{project}/repository/commits/{commit}"), Vec::new())
    }

    fn repository(&self, place: &Place) -> Request {
        Request::get(format!("/projects/{}", project(place)), Vec::new())
    }

    fn refusal(&self, heard: &Heard) -> Option<Refusal> {
        match heard.status.as_u16() {
            400 => transition(&heard.words()).map(Refusal::Is),
            // A head whose branch was deleted, and that no pipeline is of.
            404 if heard.words().contains("References for commit") => Some(Refusal::NoCommit),
            409 => Some(Refusal::Busy),
            _ => None,
        }
    }

    fn scope(&self) -> &'static str {
        "the scope api and, on a protected branch, the right to push or merge"
    }

    fn pulls(&self, place: &Place, page: u32) -> Request {
        let query = vec![
            ("state", "opened".to_owned()),
            ("target_branch", place.branch.clone()),
            ("per_page", PAGE.to_string()),
            ("page", page.to_string()),
        ];
        Request::get(format!("/projects/{}/merge_requests", project(place)), query)
    }

    fn pulls_on_a_page(&self) -> usize {
        PAGE
    }

    fn merged_pulls(&self, place: &Place) -> Request {
        let query = vec![
            ("state", "merged".to_owned()),
            ("target_branch", place.branch.clone()),
            ("order_by", "updated_at".to_owned()),
            ("sort", "desc".to_owned()),
            ("per_page", "30".to_owned()),
        ];
        Request::get(format!("/projects/{}/merge_requests", project(place)), query)
    }

    fn pull(&self, place: &Place, number: u64) -> Request {
        let path = format!("/projects/{}/merge_requests/{number}", project(place));
        Request::get(path, Vec::new())
    }

    /// Merged by fast-forward, a request has neither a merge commit nor a squashed one.
    fn pull_row(&self, row: &Value) -> Option<pull::Row> {
        let merged = ["merge_commit_sha", "squash_commit_sha", "sha"].map(|key| &row[key]);
        let state = match row["state"].as_str()? {
            "merged" => {
                let commit = merged.into_iter().find_map(pull::commit)?;
                pull::State::Merged(commit, pull::time(&row["merged_at"]))
            }
            "closed" => pull::State::Closed,
            _ => pull::State::Open, // also while it is being merged
        };
        let number = row["iid"].as_u64()?;
        // A fork's branch is none of this project; this ref is, and its pipelines are where GitLab
        // runs those of the request itself. A branch of the project has pipelines of its own.
        let own = pull::same_number(&row["source_project_id"], &row["target_project_id"]);
        Some(pull::Row {
            number,
            head: pull::commit(&row["sha"]),
            base: text(row, "target_branch"),
            labels: pull::labels(&row["labels"]),
            state,
            reference: (!own).then(|| format!("refs/merge-requests/{number}/head")),
            own,
        })
    }

    fn comments(&self, place: &Place, number: u64, page: u32) -> Request {
        let query = vec![
            ("sort", "asc".to_owned()),
            ("order_by", "created_at".to_owned()),
            ("per_page", PAGE.to_string()),
            ("page", page.to_string()),
        ];
        Request::get(notes(place, number), query)
    }

    fn comments_on_a_page(&self) -> Option<usize> {
        Some(PAGE)
    }

    fn comment_row(&self, row: &Value) -> Option<pull::Said> {
        Some(pull::Said {
            id: row["id"].as_u64()?,
            body: row["body"].as_str()?.to_owned(),
            by: text(&row["author"], "username"),
            app: None,
        })
    }

    fn write_comment(&self, place: &Place, number: u64, body: &str) -> Request {
        Request::post(notes(place, number), json!({"body": body}))
    }

    fn edit_comment(&self, place: &Place, number: u64, id: u64, body: &str) -> Request {
        Request::put(format!("{}/{id}", notes(place, number)), json!({"body": body}))
    }

    fn delete_comment(&self, place: &Place, number: u64, id: u64) -> Request {
        Request::delete(format!("{}/{id}", notes(place, number)))
    }

    fn pull_scope(&self) -> &'static str {
        "the scope api and the role Reporter or more"
    }

    fn hooks(&self, place: &Place, page: u32) -> Request {
        let query = vec![("per_page", PAGE.to_string()), ("page", page.to_string())];
        Request::get(format!("/projects/{}/hooks", project(place)), query)
    }

    fn hooks_on_a_page(&self) -> usize {
        PAGE
    }

    /// It sends nothing but JSON.
    fn hook(&self, row: &Value) -> Option<Hook> {
        Some(Hook {
            id: row["id"].as_u64()?,
            url: text(row, "url"),
            active: row["alert_status"] != "disabled",
            pushes: row["push_events"] == true,
            json: true,
        })
    }

    fn deliver(&self, place: &Place, hook: u64) -> Request {
        Request::poke(format!("/projects/{}/hooks/{hook}/test/push_events", project(place)))
    }

    fn waits_for_the_answer(&self) -> bool {
        true
    }

    /// Since 17.3.
    fn deliveries(&self, place: &Place, hook: u64) -> Option<Request> {
        Some(Request::get(format!("/projects/{}/hooks/{hook}/events", project(place)), Vec::new()))
    }

    fn delivery(&self, row: &Value) -> Option<Delivery> {
        // A word in the place of a number: nobody answered, which the answer to the test says too.
        let code = text(row, "response_status").parse().ok()?;
        let id = row["id"].as_u64().filter(|_| row["trigger"] == "push_hooks")?;
        Some(Delivery { id, code, words: text(row, "response_body") })
    }

    fn deliveries_for_people(&self) -> &'static str {
        "Settings, Webhooks, Edit, Recent events"
    }

    fn hook_right(&self) -> &'static str {
        "the scope api and the role Maintainer"
    }
}

/// Where the comments on a merge request are.
fn notes(place: &Place, number: u64) -> String {
    format!("/projects/{}/merge_requests/{number}/notes", project(place))
}

/// The project as one part of a path.
fn project(place: &Place) -> String {
    let mut encoded = String::new();
    for byte in place.repository.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The state that a job is in, of `Cannot transition status via :run from :running`.
fn transition(words: &str) -> Option<CommitState> {
    let (_, rest) = words.split_once("Cannot transition status via ")?;
    let (_, from) = rest.split_once("from :")?;
    let word: String = from.chars().take_while(char::is_ascii_alphabetic).collect();
    Some(state(&word, ""))
}

fn state(word: &str, description: &str) -> CommitState {
    match word {
        "success" => CommitState::Success,
        "created" | "pending" | "running" => CommitState::Pending,
        "failed" if !description.starts_with(OPERATOR) => CommitState::Failure,
        _ => CommitState::Error,
    }
}

fn row(row: &Value) -> Option<Row> {
    let description = text(row, "description");
    let state = state(row["status"].as_str()?, &description);
    let description = description.strip_prefix(OPERATOR).unwrap_or(&description).to_owned();
    let (context, url) = (text(row, "name"), text(row, "target_url"));
    let status = CommitStatus { state, context, description, url };
    Some(Row { id: row["id"].as_u64()?, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_in_groups_is_one_part_of_a_path() {
        let place = Place { repository: "aim/labs/cat.a".to_owned(), branch: String::new() };
        assert_eq!(project(&place), "aim%2Flabs%2Fcat.a");
    }

    #[test]
    fn a_head_is_of_the_project_if_its_source_is() {
        let own = |source: Value| {
            let row = json!({
                "iid": 7, "state": "opened", "sha": "a".repeat(40), "target_branch": "main",
                "source_project_id": source, "target_project_id": 1,
            });
            GitLab.pull_row(&row).unwrap().own
        };
        assert!(own(json!(1)));
        // A fork, and one that was deleted.
        assert!(!own(json!(2)));
        assert!(!own(Value::Null));
    }

    #[test]
    fn the_state_that_stands_in_the_way_is_read_from_the_answer() {
        let words = "Cannot transition status via :run from :running (Reason(s): Status cannot)";
        assert_eq!(transition(words), Some(CommitState::Pending));
        let words = "Cannot transition status via :enqueue from :success";
        assert_eq!(transition(words), Some(CommitState::Success));
        assert_eq!(transition("name is missing"), None);
    }
}
