//! GitLab's rules: a status is a job of a pipeline.

use futures::future::{Either, select};
use reqwest::Method;
use serde_json::json;
use vitrine_core::config::ForgeKind;

use super::{Desk, OTHER, SHA, UNKNOWN, header, ok, told, until};
use crate::support::forge::{FakeForge, Fault};

#[tokio::test]
async fn gitlab_moves_a_status_as_a_job_moves() {
    let states = ["pending", "running", "success", "failed", "canceled", "skipped"];
    let events = ["enqueue", "run", "success", "drop", "cancel", "skip"];
    // From each open state to each state: whether it may.
    let open = [
        ("pending", [false, true, true, true, true, true]),
        ("running", [false, false, true, true, true, false]),
    ];
    for (from, may) in open {
        for ((to, event), may) in states.iter().zip(events).zip(may) {
            let desk = Desk::open(ForgeKind::GitLab).await;
            let of = |state: &str, words: &str| json!({"state": state, "name": "n", "ref": "main", "description": words});
            assert_eq!(desk.post(SHA, &of(from, "first")).await.0, 201);
            let (code, said) = desk.post(SHA, &of(to, "second")).await;
            let rows = desk.forge.rows();
            assert_eq!(rows.len(), 1, "{from} to {to}");
            if may {
                assert_eq!((code, rows[0].state.as_str()), (201, *to), "{from} to {to}: {said}");
                assert_eq!(rows[0].description, "second");
            } else {
                let words = format!(
                    "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
                );
                assert_eq!((code, &said["message"]), (400, &json!(words)));
                assert_eq!((rows[0].state.as_str(), rows[0].description.as_str()), (from, "first"));
            }
        }
    }
    // What is over is not touched again: each is a new row.
    for over in &states[2..] {
        let desk = Desk::open(ForgeKind::GitLab).await;
        for state in [over, over, &"running"] {
            let body = json!({"state": state, "name": "n", "ref": "main"});
            assert_eq!(desk.post(SHA, &body).await.0, 201, "{state}");
        }
        assert_eq!(desk.forge.rows().len(), 3);
    }
}

#[tokio::test]
async fn gitlab_refuses_what_its_columns_cannot_hold() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    let long = |n: usize| "é".repeat(n);
    let far = format!("https://x.example/{}", "a".repeat(250));
    let rows = [
        (json!({"name": "a"}), 400, "state is missing"),
        (json!({"state": "failure", "name": "a"}), 400, "state does not have a valid value"),
        (json!({"state": "success", "name": "a", "description": long(256)}), 400, "description"),
        (json!({"state": "success", "name": "a", "ref": long(256)}), 400, "ref"),
        (json!({"state": "success", "name": "a", "target_url": "not a url"}), 400, "target_url"),
        (json!({"state": "success", "name": "a", "target_url": far}), 400, "target_url"),
        (json!({"state": "success", "name": " "}), 400, "name"),
        (
            json!({"state": "success", "description": long(255), "target_url": "https://x.example"}),
            201,
            "",
        ),
        (json!({"state": "success", "context": "b"}), 201, ""),
        (json!({"state": "success"}), 201, "default"),
    ];
    for (body, code, word) in rows {
        let (got, said) = desk.post(SHA, &body).await;
        assert_eq!(got, code, "{body}: {said}");
        assert!(said.to_string().contains(word), "{body}: {said}");
    }
    let (code, said) = desk.post(UNKNOWN, &ok(desk.kind, "a")).await;
    assert_eq!((code, &said["message"]), (404, &json!("404 Commit Not Found")));
    // The path of the project is one segment.
    let split = desk.ask(Method::GET, "/projects/aim/catalogue").send().await.unwrap();
    assert_eq!(split.status(), 404);
    assert_eq!(desk.get("").await.1["path_with_namespace"], FakeForge::REPOSITORY);
}

#[tokio::test]
async fn gitlab_appends_to_the_newest_pipeline_of_the_ref_and_makes_one_else() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    desk.forge.has_pipeline(SHA, "main");
    let newest = desk.forge.has_pipeline(SHA, "main");
    let elsewhere = desk.forge.has_pipeline(SHA, "fork");
    assert_eq!(desk.post(SHA, &ok(desk.kind, "a")).await.1["pipeline_id"], newest);
    // Without a ref it lands where the newest one is.
    let (_, said) = desk.post(SHA, &json!({"state": "success", "name": "a"})).await;
    assert_eq!((&said["pipeline_id"], &said["ref"]), (&json!(elsewhere), &json!("fork")));
    assert_eq!(desk.forge.pipelines(SHA).len(), 3);
    for _ in 0..2 {
        assert_eq!(desk.post(OTHER, &ok(desk.kind, "a")).await.0, 201);
    }
    let made = desk.forge.pipelines(OTHER);
    assert_eq!(made.iter().map(|it| it.2).collect::<Vec<_>>(), ["external"]);
    desk.forge.max_per_pipeline(2);
    assert_eq!(desk.post(OTHER, &ok(desk.kind, "a")).await.0, 201);
    assert_eq!(desk.forge.pipelines(OTHER).len(), 2);
    // Another account's open job is not ours to finish.
    desk.forge.max_per_pipeline(9);
    desk.forge.seed_by("somebody", OTHER, "z", "running", "", "");
    assert_eq!(desk.post(OTHER, &ok(desk.kind, "z")).await.0, 201);
    let states: Vec<String> = desk
        .forge
        .rows()
        .into_iter()
        .filter(|row| row.context == "z")
        .map(|row| row.state)
        .collect();
    assert_eq!(states, ["running", "success"]);
}

#[tokio::test]
async fn gitlab_finds_no_ref_for_the_head_of_a_fork_by_itself() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    desk.forge.pull(1, SHA);
    let body = json!({"state": "success", "name": "a"});
    assert_eq!(desk.post(SHA, &body).await.1["ref"], "change");
    desk.forge.pull(2, OTHER);
    desk.forge.is_fork(2);
    let (code, said) = desk.post(OTHER, &body).await;
    assert_eq!((code, &said["message"]), (404, &json!("404 References for commit Not Found")));
    let head = "refs/merge-requests/2/head";
    let named = json!({"state": "success", "name": "a", "ref": head});
    assert_eq!(desk.post(OTHER, &named).await.1["ref"], head);
    // From now on its newest pipeline has one.
    assert_eq!(desk.post(OTHER, &body).await.1["ref"], head);
}

#[tokio::test]
async fn gitlab_keeps_the_pipelines_of_a_protected_branch_to_its_maintainers() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    desk.forge.protect_branch();
    let (code, said) = desk.post(SHA, &ok(desk.kind, "a")).await;
    assert_eq!((code, &said["message"]), (403, &json!("403 Forbidden")));
    assert_eq!(desk.forge.pipelines(SHA).len(), 1);
    let body = json!({"state": "success", "name": "a", "ref": "free"});
    assert_eq!(desk.post(SHA, &body).await.0, 201);
}

#[tokio::test]
async fn gitlab_takes_one_status_of_a_commit_at_a_time() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    desk.forge.next_write(Fault::Hang);
    let (a, b) = (ok(desk.kind, "a"), ok(desk.kind, "b"));
    let mut first = Box::pin(desk.post(SHA, &a));
    let came = until(|| desk.forge.requests().len() == 1);
    assert!(matches!(select(&mut first, Box::pin(came)).await, Either::Right(_)));
    let (code, said) = desk.post(SHA, &b).await;
    assert_eq!(code, 409);
    assert_eq!(said["message"], "Another update to this commit status is in progress");
    assert_eq!(desk.forge.requests()[1].in_flight, 2);
    assert_eq!(desk.post(OTHER, &b).await.0, 201);
    // Whoever gives up lets the next one in.
    drop(first);
    until(|| desk.forge.in_flight() == 0).await;
    assert_eq!(desk.post(SHA, &b).await.0, 201);
}

#[tokio::test]
async fn gitlab_lists_twenty_at_a_time_and_the_retried_only_when_asked() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    for n in 0..120 {
        desk.forge.seed(SHA, &format!("c{n}"), "failed", "", "");
        desk.forge.seed(SHA, &format!("c{n}"), "success", "", "");
    }
    let rest = format!("/repository/commits/{SHA}/statuses");
    for (query, rows, total, next) in [
        ("", 20, "120", "2"),
        ("?per_page=500&page=1", 100, "120", "2"),
        ("?per_page=100&page=2&order_by=id&sort=desc", 20, "120", ""),
        ("?all=true", 20, "240", "2"),
        ("?name=c3", 1, "1", ""),
        ("?ref=other", 0, "0", ""),
    ] {
        let path = format!("{}{rest}{query}", desk.place());
        let answer = desk.ask(Method::GET, &path).send().await.unwrap();
        assert_eq!(
            (header(&answer, "x-total"), header(&answer, "x-next-page")),
            (total.into(), next.into()),
            "{query}"
        );
        let said = told(answer).await.1;
        assert_eq!(said.as_array().unwrap().len(), rows, "{query}");
        assert!(query.contains("all") || rows == 0 || said[0]["status"] == "success");
    }
    let (_, said) = desk.get(&format!("{rest}?sort=desc")).await;
    assert_eq!(said[0]["name"], "c119");
}

#[tokio::test]
async fn gitlab_shuts_out_who_keeps_coming_with_a_wrong_token() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    let url = format!("{}/projects/1", desk.forge.api_url());
    for _ in 0..30 {
        let request = desk.client.get(&url).header("private-token", "wrong");
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    assert_eq!(desk.get("").await.0, 403);
}

#[tokio::test]
async fn gitlab_says_what_a_token_is_good_for() {
    let desk = Desk::open(ForgeKind::GitLab).await;
    let scopes = async || {
        let answer = desk.ask(Method::GET, "/personal_access_tokens/self").send().await.unwrap();
        told(answer).await.1["scopes"].clone()
    };
    assert_eq!(scopes().await, json!(["api"]));
    desk.forge.scope_missing();
    assert_eq!(scopes().await, json!(["read_api"]));
    let (code, said) = desk.post(SHA, &ok(desk.kind, "a")).await;
    assert_eq!((code, &said["error"]), (403, &json!("insufficient_scope")));
}
