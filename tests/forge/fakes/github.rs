//! GitHub's rules, and how an App proves itself.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::{Desk, OTHER, SHA, UNKNOWN, header, ok, told};
use crate::support::forge::{APP_KEY, FakeForge, Fault};

#[tokio::test]
async fn github_refuses_what_it_cannot_store() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    let long = |n: usize| "é".repeat(n);
    let rows = [
        (json!({"state": "failure", "description": long(140), "context": long(255)}), 201, ""),
        (
            json!({"state": "success", "target_url": "https://x.example/a", "description": null}),
            201,
            "",
        ),
        (json!({"context": "a"}), 422, "state"),
        (json!({"state": "running"}), 422, "state"),
        (json!({"state": "warning"}), 422, "state"),
        (json!({"state": "success", "description": long(141)}), 422, "140"),
        (json!({"state": "success", "context": long(256)}), 422, "255"),
        (json!({"state": "success", "target_url": "not a url"}), 422, "target_url"),
        (json!({"state": "success", "target_url": "ftp://x.example"}), 422, "target_url"),
        (json!({"state": "success", "description": 7}), 422, "description"),
    ];
    for (body, code, word) in rows {
        let (got, said) = desk.post(SHA, &body).await;
        assert_eq!(got, code, "{body}: {said}");
        assert!(said.to_string().contains(word), "{body}: {said}");
    }
    let (code, said) = desk.post(UNKNOWN, &json!({"state": "success"})).await;
    assert_eq!(
        (code, &said["message"]),
        (422, &json!(format!("No commit found for SHA: {UNKNOWN}")))
    );
    assert_eq!(desk.post("main", &json!({"state": "success"})).await.0, 422);
    let rows = desk.forge.rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].context, "default");
    assert_eq!(rows[1].creator, FakeForge::LOGIN);
    assert_eq!(desk.forge.writes(), 12);
}

#[tokio::test]
async fn github_has_one_row_for_contexts_that_differ_in_case_and_takes_only_so_many() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    desk.forge.max_per_context(2);
    assert_eq!(desk.post(SHA, &ok(desk.kind, "Vitrine/Prod")).await.0, 201);
    assert_eq!(desk.post(SHA, &ok(desk.kind, "vitrine/prod")).await.0, 201);
    assert_eq!(desk.forge.latest(SHA).keys().collect::<Vec<_>>(), ["vitrine/prod"]);
    let (code, said) = desk.post(SHA, &ok(desk.kind, "VITRINE/prod")).await;
    assert_eq!(code, 422);
    let words = "This SHA and context has reached the maximum number of statuses.";
    assert_eq!(said["errors"][0]["message"], words);
    assert_eq!(desk.post(SHA, &ok(desk.kind, "another")).await.0, 201);
    assert_eq!(desk.post(OTHER, &ok(desk.kind, "vitrine/prod")).await.0, 201);
}

#[tokio::test]
async fn github_tells_the_newest_of_each_context_in_pages_and_nothing_twice() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    let (_, empty) = desk.get(&format!("/commits/{SHA}/status")).await;
    assert_eq!((&empty["state"], &empty["total_count"]), (&json!("pending"), &json!(0)));
    for n in 0..120 {
        desk.forge.seed(SHA, &format!("c{n}"), "pending", "", "");
    }
    for n in 0..120 {
        desk.forge.seed(SHA, &format!("c{n}"), "success", "", "");
    }
    let mut seen = BTreeSet::new();
    for (page, rows) in [(1, 100), (2, 20), (3, 0)] {
        let (code, said) =
            desk.get(&format!("/commits/{SHA}/status?per_page=500&page={page}")).await;
        assert_eq!(
            (code, &said["total_count"], &said["state"]),
            (200, &json!(120), &json!("success"))
        );
        let statuses = said["statuses"].as_array().unwrap();
        assert_eq!(statuses.len(), rows);
        seen.extend(statuses.iter().map(|row| row["context"].to_string()));
    }
    assert_eq!(seen.len(), 120);
    let (_, list) = desk.get(&format!("/commits/{SHA}/statuses")).await;
    assert_eq!(list.as_array().unwrap().len(), 30);
    assert_eq!((&list[0]["context"], &list[0]["state"]), (&json!("c119"), &json!("success")));

    let path = format!("/repos/aim/catalogue/commits/{SHA}/status");
    let first = desk.ask(Method::GET, &path).send().await.unwrap();
    let (tag, left) = (header(&first, "etag"), header(&first, "x-ratelimit-remaining"));
    let again = desk.ask(Method::GET, &path).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), header(&again, "x-ratelimit-remaining")), (304, left));
    desk.forge.seed(SHA, "c0", "failure", "", "");
    let changed = desk.ask(Method::GET, &path).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(told(changed).await.1["state"], "failure");
}

#[tokio::test]
async fn github_counts_requests_and_says_when_to_come_back() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    desk.forge.rate(1, Duration::from_secs(600));
    assert_eq!(desk.get("").await.0, 200);
    let refused = desk.ask(Method::GET, "/repos/aim/catalogue").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(header(&refused, "x-ratelimit-remaining"), "0");
    let reset: i64 = header(&refused, "x-ratelimit-reset").parse().unwrap();
    assert!((550..=601).contains(&(reset - jiff::Timestamp::now().as_second())));
    // The next window begins.
    desk.forge.rate(0, Duration::ZERO);
    assert_eq!(desk.get("").await.0, 200);
    desk.forge.next(Fault::secondary_limit(30));
    let refused = desk.try_post(SHA, &ok(desk.kind, "a")).await.unwrap();
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (403, "30".into()));
    assert!(desk.forge.rows().is_empty());
}

#[tokio::test]
async fn github_wants_a_name_and_a_version_that_it_knows() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    let nameless = desk.ask(Method::GET, "/repos/aim/catalogue").header("user-agent", "");
    assert_eq!(nameless.send().await.unwrap().status(), 403);
    for (version, code) in [("2022-11-28", 200), ("2026-03-10", 200), ("2021-01-01", 400)] {
        let request = desk.ask(Method::GET, "/repos/aim/catalogue");
        let answer = request.header("x-github-api-version", version).send().await.unwrap();
        assert_eq!(answer.status(), code, "{version}");
    }
}

/// A signed claim of who an App is.
fn claim(head: &Value, claims: &Value) -> (String, Vec<u8>) {
    let base64: String = APP_KEY.lines().filter(|line| !line.starts_with("--")).collect();
    let key = RsaKeyPair::from_der(&STANDARD.decode(base64).unwrap()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
    (format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)), key.public().as_ref().to_vec())
}

#[tokio::test]
async fn github_gives_a_token_to_an_app_that_signs_well() {
    let desk = Desk::open(ForgeKind::GitHub).await;
    let now = jiff::Timestamp::now().as_second();
    let good = json!({"iss": "12", "iat": now - 10, "exp": now + 500});
    let head = json!({"alg": "RS256", "typ": "JWT"});
    let (signed, public) = claim(&head, &good);
    desk.forge.app(12, 34, &public);
    let ask = async |claim: &str, installation: u64| {
        let path = format!("/app/installations/{installation}/access_tokens");
        let url = format!("{}{path}", desk.forge.api_url());
        let body = json!({"repositories": ["catalogue"], "permissions": {"statuses": "write"}});
        told(desk.client.post(url).bearer_auth(claim).json(&body).send().await.unwrap()).await
    };
    let bad = [
        (json!({"alg": "none"}), good.clone()),
        (json!({"alg": "HS256"}), good.clone()),
        (head.clone(), json!({"iss": 13, "iat": now, "exp": now + 500})),
        (head.clone(), json!({"iss": 12, "iat": now - 200, "exp": now + 500})),
        (head.clone(), json!({"iss": 12, "iat": now + 300, "exp": now + 700})),
        (head.clone(), json!({"iss": 12, "iat": now - 500, "exp": now - 1})),
        (head.clone(), json!({"iss": 12, "exp": now + 500})),
    ];
    for (head, claims) in bad {
        assert_eq!(ask(&claim(&head, &claims).0, 34).await.0, 401, "{head} {claims}");
    }
    let mut forged = signed.clone();
    let at = forged.len() - 4..forged.len() - 3;
    let other = if &forged[at.clone()] == "A" { "B" } else { "A" };
    forged.replace_range(at, other);
    assert_eq!(ask(&forged, 34).await.0, 401);
    assert_eq!(ask(FakeForge::TOKEN, 34).await.0, 401);
    assert_eq!(ask(&signed, 35).await.0, 404);

    let (code, said) = ask(&signed, 34).await;
    assert_eq!(code, 201, "{said}");
    let token = said["token"].as_str().unwrap();
    let url = format!("{}/repos/aim/catalogue/statuses/{SHA}", desk.forge.api_url());
    let post = async || {
        let request = desk.client.post(&url).bearer_auth(token).json(&ok(desk.kind, "a"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post().await, 201);
    assert_eq!(desk.forge.rows()[0].creator, "vitrine[bot]");
    desk.forge.app_tokens_live(Duration::ZERO);
    assert_eq!(post().await, 401);
    assert_eq!(desk.forge.faults(), [""; 0]);
}
