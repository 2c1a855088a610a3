//! The rules of Gitea and Forgejo, and where the two differ.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::{Desk, OTHER, SHA, UNKNOWN, header, ok, told};
use crate::support::forge::FakeForge;

#[tokio::test]
async fn gitea_stores_whatever_is_text() {
    for kind in [ForgeKind::Gitea, ForgeKind::Forgejo] {
        let desk = Desk::open(kind).await;
        let bodies = [
            json!({}),
            json!({"state": "", "context": ""}),
            json!({"state": "any", "context": " a ", "description": " b\n", "target_url": " no url "}),
            json!({"state": "skipped", "context": "a", "description": "x".repeat(100_000)}),
            json!({"state": "skipped", "context": "a", "description": "x".repeat(100_000)}),
        ];
        for (at, body) in bodies.iter().enumerate() {
            let (code, said) = desk.post(SHA, body).await;
            assert_eq!((code, &said["id"]), (201, &json!(at + 1)));
            assert_eq!(said["status"], *body.get("state").unwrap_or(&json!("")));
            assert!(said.get("state").is_none());
        }
        let rows = desk.forge.rows();
        assert_eq!(
            (rows[2].context.as_str(), rows[2].description.as_str(), rows[2].target_url.as_str()),
            ("a", "b", "no url")
        );
        for body in [json!({"state": 7}), json!({"state": "success", "context": []}), json!([])] {
            assert_eq!(desk.post(SHA, &body).await.0, 422, "{body}");
        }
        let (code, said) = desk.post(UNKNOWN, &ok(kind, "a")).await;
        assert_eq!((code, &said["message"]), (500, &json!("")));
        assert_eq!(desk.get(&format!("/git/commits/{UNKNOWN}")).await.0, 404);
        assert_eq!(desk.get(&format!("/git/commits/{SHA}")).await.0, 200);
        // Counted for each commit, which a path may name in short.
        for word in [&OTHER[..8], "main", "HEAD"] {
            assert_eq!(desk.post(word, &ok(kind, "a")).await.0, 201);
        }
        assert_eq!(
            desk.forge
                .rows()
                .iter()
                .filter(|row| row.sha == OTHER)
                .map(|row| row.id)
                .collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let path = format!("/repos/aim/catalogue/statuses/{SHA}");
        assert_eq!(desk.ask(Method::DELETE, &path).send().await.unwrap().status(), 405);
    }
}

#[tokio::test]
async fn gitea_combines_only_the_page_that_it_shows() {
    for kind in [ForgeKind::Gitea, ForgeKind::Forgejo] {
        let desk = Desk::open(kind).await;
        desk.forge.seed(SHA, "c0", "failure", "", "");
        for n in 1..120 {
            desk.forge.seed(SHA, &format!("c{n}"), "success", "", "");
        }
        let rest = format!("/commits/{SHA}/status");
        for (query, rows, state) in [
            ("", 30, "success"),
            ("?limit=200&page=1", 50, "success"),
            ("?limit=50&page=3", 20, "failure"),
            ("?per_page=100", 30, "success"),
        ] {
            let path = format!("{}{rest}{query}", desk.place());
            let request = desk.ask(Method::GET, &path).header("if-none-match", "*");
            let answer = request.send().await.unwrap();
            assert_eq!(
                (header(&answer, "x-total-count"), header(&answer, "etag")),
                ("120".into(), String::new())
            );
            let (code, said) = told(answer).await;
            assert_eq!((code, &said["state"]), (200, &json!(state)), "{query}");
            assert_eq!(
                (&said["total_count"], said["statuses"].as_array().unwrap().len()),
                (&json!(rows), rows),
                "{query}"
            );
        }
        assert_eq!(desk.forge.faults().len(), 1, "{:?}", desk.forge.faults());
    }
}

#[tokio::test]
async fn what_gitea_says_of_nothing_depends_on_whose_and_how_old_it_is() {
    for (kind, version, state, unknown) in [
        (ForgeKind::Gitea, "1.25.5", "", 404),
        (ForgeKind::Gitea, "1.27.3", "pending", 404),
        (ForgeKind::Forgejo, "12.0.4+gitea-1.22.0", "", 200),
    ] {
        let desk = Desk::open(kind).await;
        desk.forge.version(version);
        let anonymous = desk.client.get(format!("{}/version", desk.forge.api_url()));
        assert_eq!(told(anonymous.send().await.unwrap()).await, (200, json!({"version": version})));
        let (code, said) = desk.get(&format!("/commits/{SHA}/status")).await;
        assert_eq!((code, &said["state"], &said["statuses"]), (200, &json!(state), &Value::Null));
        let (code, said) = desk.get(&format!("/commits/{UNKNOWN}/status")).await;
        assert_eq!(code, unknown, "{said}");
        assert!(code == 404 || (said["state"] == "" && said["statuses"].is_null()));
    }
}

#[tokio::test]
async fn gitea_lists_the_oldest_of_a_second_first_and_all_without_a_page() {
    let desk = Desk::open(ForgeKind::Gitea).await;
    for _ in 0..60 {
        desk.forge.seed(SHA, "a", "pending", "", "");
    }
    for (query, rows) in [("?limit=10", 60), ("?limit=10&page=1", 10), ("?page=1&limit=99", 50)] {
        let (_, said) = desk.get(&format!("/statuses/{SHA}{query}")).await;
        assert_eq!(said.as_array().unwrap().len(), rows, "{query}");
        assert!(said[0]["id"].as_u64() < said[1]["id"].as_u64(), "{query}");
    }
}

#[tokio::test]
async fn gitea_takes_its_token_in_three_ways_and_a_wrong_one_in_none() {
    let desk = Desk::open(ForgeKind::Forgejo).await;
    let url = |path: &str| format!("{}{path}", desk.forge.api_url());
    let ask = async |path: &str, said: String| {
        let request = desk.client.get(url(path)).header("authorization", said);
        request.send().await.unwrap().status().as_u16()
    };
    let basic =
        |user: &str, word: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{word}")));
    let token = FakeForge::TOKEN;
    for said in
        [format!("token {token}"), format!("Bearer {token}"), basic("x", token), basic(token, "")]
    {
        assert_eq!(ask("/repos/aim/catalogue", said.clone()).await, 200, "{said}");
    }
    assert_eq!(ask("/repos/aim/catalogue", "token wrong".into()).await, 401);
    assert_eq!(ask("/version", "token wrong".into()).await, 401);
    let anonymous = desk.client.get(url("/repos/aim/catalogue"));
    assert_eq!(anonymous.send().await.unwrap().status(), 404);
    desk.forge.scope_missing();
    let (code, said) = desk.post(SHA, &ok(desk.kind, "a")).await;
    assert_eq!(code, 403);
    let words = "token does not have at least one of required scope(s)";
    assert!(said["message"].as_str().unwrap().starts_with(words));
}
