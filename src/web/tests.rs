use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use vitrine_core::model::ClaimedName;
use vitrine_core::status::sample;

/// A router with this board, and the end that publishes the next ones.
fn with(board: Board) -> (Router, watch::Sender<Arc<Board>>) {
    let (sender, receiver) = watch::channel(Arc::new(board));
    (router(receiver, Arc::default()), sender)
}

async fn ask(router: &Router, method: Method, path: &str, known: Option<&HeaderValue>) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(known) = known {
        request = request.header(header::IF_NONE_MATCH, known);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn get_text(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let answer = ask(router, Method::GET, path, None).await;
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_shows_the_three_words_the_reason_the_turn_and_the_next_step() {
    let (router, _sender) = with(sample::board());
    let (status, headers, page) = get_text(&router, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    for shown in [
        "part-comparer",
        "Failed",
        "Awake",
        "Healthy",
        "unknown field `replica`",
        "The author\u{2019}s turn:",
        "write `maxReplicas` there and commit",
        "href=\"https://part-comparer.demo.example\"",
        "4be1c20",
        "3 solutions: 2 Synced, 1 Failed",
    ] {
        assert!(page.contains(shown), "{shown} is missing in\n{page}");
    }
    let (act, order) = (page.find("Somebody must act").unwrap(), page.find("In order").unwrap());
    assert!(act < order);
}

#[tokio::test]
async fn an_outage_and_a_hold_are_said_above_everything_with_the_command_to_type() {
    let (router, _sender) = with(sample::troubled());
    let (_, _, page) = get_text(&router, "/").await;
    let above = page.split("Somebody must act").next().unwrap();
    for shown in [
        "cannot be read since",
        "the token in /run/secrets/git-token was refused",
        "2 deletions and 1 address held: would remove 3 of 4 solutions",
        &format!("vitrine approve {}", "3f2a".repeat(3)),
        "HTTPRoute/edge-pumps",
        "unknown field `domian`",
    ] {
        assert!(above.contains(shown), "{shown} is missing in\n{above}");
    }
}

#[tokio::test]
async fn what_an_author_wrote_cannot_become_part_of_the_page() {
    let mut board = sample::board();
    let evil = "</script><script>alert(1)</script><img src=x onerror=\"alert(1)\">";
    let verdict = board.verdicts.edit(0).unwrap();
    verdict.name = ClaimedName::of(evil);
    verdict.reason.text = evil.into();
    verdict.next = evil.into();
    verdict.urls = vec!["javascript:alert(1)".into()];
    board.problems = vec![evil.into()];
    board.repository = evil.into();
    let (router, _sender) = with(board);
    let (_, _, page) = get_text(&router, "/").await;
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img"));
    assert!(!page.contains("javascript:"));
}

#[tokio::test]
async fn the_document_is_what_the_command_line_prints() {
    let (router, _sender) = with(sample::troubled());
    let (status, headers, text) = get_text(&router, "/status.json").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(text, status_json(&sample::troubled()));
}

#[tokio::test]
async fn who_has_the_newest_board_gets_304_until_the_next_is_published() {
    let (router, sender) = with(sample::board());
    for path in ["/", "/status.json"] {
        sender.send_replace(Arc::new(sample::board()));
        let first = ask(&router, Method::GET, path, None).await;
        let tag = first.headers()[header::ETAG].clone();
        let again = ask(&router, Method::GET, path, Some(&tag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[header::ETAG], tag);
        assert!(again.into_body().collect().await.unwrap().to_bytes().is_empty());

        sender.send_replace(Arc::new(sample::troubled()));
        let next = ask(&router, Method::GET, path, Some(&tag)).await;
        assert_eq!(next.status(), StatusCode::OK);
        assert_ne!(next.headers()[header::ETAG], tag);
    }
}

#[tokio::test]
async fn one_of_several_known_tags_is_enough() {
    let (router, _sender) = with(sample::board());
    let first = ask(&router, Method::GET, "/", None).await;
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    let several = HeaderValue::from_str(&format!("\"other\", W/{tag}")).unwrap();
    let again = ask(&router, Method::GET, "/", Some(&several)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let other = HeaderValue::from_static("\"other\"");
    assert_eq!(ask(&router, Method::GET, "/", Some(&other)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let (router, _sender) = with(sample::board());
    for path in ["/", "/status.json", "/healthz", "/readyz", "/nowhere"] {
        let answer = ask(&router, Method::GET, path, None).await;
        let headers = answer.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_policy_names_the_style_and_the_script_that_the_page_carries() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let (router, _sender) = with(sample::board());
    let (_, headers, page) = get_text(&router, "/").await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for element in ["style", "script"] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (source, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let digest = sha2::Sha256::digest(source.as_bytes());
        let hash = base64::prelude::BASE64_STANDARD.encode(digest);
        assert!(policy.contains(&format!("{element}-src 'sha256-{hash}'")), "{element}");
    }
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="));
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let (router, _sender) = with(sample::troubled());
    let (_, _, page) = get_text(&router, "/").await;
    for outside in ["src=\"", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn a_head_request_gets_the_headers_without_the_page() {
    let (router, _sender) = with(sample::board());
    let answer = ask(&router, Method::HEAD, "/", None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().contains_key(header::ETAG));
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn nothing_can_be_written() {
    let (router, _sender) = with(sample::board());
    for path in ["/", "/status.json", "/healthz"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = ask(&router, method.clone(), path, None).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_status_leads_to_the_page_of_its_solution() {
    let board = sample::board();
    let (verdict, revision) = (board.verdicts[0].clone(), board.revision.clone().unwrap());
    let (router, _publish) = with(board);
    let address = format!("/solutions/{}?commit=", verdict.name);
    let (code, _, text) =
        get_text(&router, &format!("{address}{}", &revision.as_str()[..12])).await;
    assert_eq!(code, StatusCode::OK);
    assert!(text.contains(&format!("<title>{} - vitrine/", verdict.name)), "{text}");
    assert_eq!(text.matches("class=\"row ").count(), 1, "and no other");
    assert!(!text.contains("You come from"));
    let (_, _, text) = get_text(&router, &format!("{address}0123456789ab")).await;
    assert!(text.contains("You come from commit <code>0123456789ab</code>"), "{text}");
    for nonsense in ["%3Cscript%3Ealert(1)%3C/script%3E", "zz", ""] {
        let (code, _, text) = get_text(&router, &format!("{address}{nonsense}")).await;
        assert!(code == StatusCode::OK && !text.contains("You come from"), "{nonsense}");
    }
    let (code, _, text) = get_text(&router, "/solutions/%3Cb%3Ex?commit=1").await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    assert!(text.contains("&lt;b&gt;x") && text.contains("href=\"/\""), "{text}");
}

#[tokio::test]
async fn a_wrong_address_leads_back_to_the_board() {
    let (router, _sender) = with(sample::board());
    let (status, _, page) = get_text(&router, "/nowhere").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("<a href=\"/\">"));
}

#[tokio::test]
async fn a_daemon_is_ready_when_it_has_read_a_commit_and_ill_when_its_loop_has_ended() {
    let (router, sender) = with(sample::unread());
    assert_eq!(get_text(&router, "/healthz").await.0, StatusCode::OK);
    assert_eq!(get_text(&router, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let mut board = sample::troubled();
    sender.send_replace(Arc::new(board.clone()));
    let (status, _, text) = get_text(&router, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text, "the cluster cannot be read\n");
    board.cluster = None;
    sender.send_replace(Arc::new(board));
    let (status, ..) = get_text(&router, "/readyz").await;
    assert_eq!(status, StatusCode::OK, "an outage of the repository is not unready");
    drop(sender);
    assert_eq!(get_text(&router, "/healthz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_text(&router, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_text(&router, "/").await.0, StatusCode::OK, "the last board is still shown");
}

#[tokio::test]
async fn the_probes_do_not_show_the_board() {
    let (_sender, receiver) = watch::channel(Arc::new(sample::board()));
    let router = probes(receiver, Arc::default());
    assert_eq!(get_text(&router, "/healthz").await.0, StatusCode::OK);
    assert_eq!(get_text(&router, "/").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get_text(&router, "/status.json").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_empty_board_says_how_the_first_solution_gets_there() {
    let (router, _sender) = with(sample::unread());
    let (_, _, page) = get_text(&router, "/").await;
    assert!(page.contains("has not been read yet"));
    assert!(page.contains("solution.yaml"));
}
