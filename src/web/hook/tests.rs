use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use vitrine_core::config::ForgeKind;

const PUSH: &str = r#"{"object_kind":"push","ref":"refs/heads/main"}"#;
const SIGNED: &str = "0890c70ec5523935d3f2f11f01ea6744244d7e83685805ed5c53dc6b7e4cb4e6";

/// A receiver with a hook of each kind, called as the kind is.
struct Door {
    router: Router,
    bell: Arc<Bell>,
    expect: watch::Sender<Arc<Expected>>,
    folder: TempDir,
}

impl Door {
    /// The secret of every hook is `s3cret`.
    fn new() -> Self {
        let door = Self::with(&["secret"]);
        door.keep("secret", "s3cret\n");
        door
    }

    /// Every hook reads these files.
    fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let expected = expected(&folder, files, "main");
        let (expect, heard) = watch::channel(expected);
        let bell = Arc::new(Bell::default());
        let router = Hooks::new(heard, Arc::clone(&bell)).routes();
        Self { router, bell, expect, folder }
    }

    fn keep(&self, file: &str, secret: &str) {
        std::fs::write(self.folder.path().join(file), secret).unwrap();
    }

    async fn ask(&self, request: axum::http::Request<Body>) -> (StatusCode, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Posts JSON to `/hook/<name>`. The answer's number, and whether it rang.
    async fn post(&self, name: &str, headers: &[(&str, &str)], body: &str) -> (u16, bool) {
        let mut request = axum::http::Request::post(format!("/hook/{name}"));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, words) = self.ask(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(words.is_empty(), status == StatusCode::NO_CONTENT, "{status}: {words}");
        (status.as_u16(), self.bell.was_rung())
    }

    /// Posts to the hook of GitHub, with the right signature.
    async fn signed(&self, event: &str, body: &str, more: &[(&str, &str)]) -> (u16, bool) {
        let signature = hub(b"s3cret", body.as_bytes());
        let mut headers = vec![("x-github-event", event), ("x-hub-signature-256", &signature)];
        headers.extend(more);
        self.post("github", &headers, body).await
    }
}

fn expected(folder: &TempDir, files: &[&str], branch: &str) -> Arc<Expected> {
    let secret_files: Vec<PathBuf> = files.iter().map(|file| folder.path().join(file)).collect();
    let hooks = ForgeKind::ALL.map(|kind| config::Hook {
        name: kind.as_str().to_owned(),
        kind,
        secret_files: secret_files.clone(),
    });
    Arc::new(Expected { hooks: hooks.to_vec(), branch: branch.to_owned(), pulls: false })
}

/// RFC 2104, by another implementation than the one under test.
fn mac(secret: &[u8], body: &[u8]) -> String {
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret);
    let inner = Sha256::new().chain_update(key.map(|b| b ^ 0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(key.map(|b| b ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

fn hub(secret: &[u8], body: &[u8]) -> String {
    format!("sha256={}", mac(secret, body))
}

/// A push as each forge signs it.
fn deliveries() -> [(&'static str, Vec<(&'static str, String)>); 4] {
    let said = |pairs: &[(&'static str, &str)]| {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    let hub = format!("sha256={SIGNED}");
    [
        ("github", said(&[("x-github-event", "push"), ("x-hub-signature-256", &hub)])),
        ("gitlab", said(&[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "s3cret")])),
        ("gitea", said(&[("x-gitea-event", "push"), ("x-gitea-signature", SIGNED)])),
        ("forgejo", said(&[("x-forgejo-event", "push"), ("x-forgejo-signature", SIGNED)])),
    ]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn a_push_to_the_branch_rings_and_is_answered_with_202() {
    let door = Door::new();
    for (kind, headers) in deliveries() {
        assert_eq!(door.post(kind, &borrowed(&headers), PUSH).await, (202, true), "{kind}");
    }
    assert_eq!(mac(b"s3cret", PUSH.as_bytes()), SIGNED);
}

#[tokio::test]
async fn one_flipped_byte_a_missing_header_and_another_forges_header_are_401() {
    let door = Door::new();
    let flipped = PUSH.replace("main", "mbin");
    // What a program makes of the same document.
    let document: serde_json::Value = serde_json::from_str(PUSH).unwrap();
    let rewritten = format!("{document:#}");
    for (kind, headers) in deliveries() {
        let headers = borrowed(&headers);
        if kind != "gitlab" {
            assert_eq!(door.post(kind, &headers, &flipped).await, (401, false), "{kind}");
            assert_eq!(door.post(kind, &headers, &rewritten).await, (401, false), "{kind}");
        }
        assert_eq!(door.post(kind, &headers[..1], PUSH).await, (401, false), "{kind}");
        let wrong = [headers[0], (headers[1].0, "sha256=00")];
        assert_eq!(door.post(kind, &wrong, PUSH).await, (401, false), "{kind}");
    }
    let all = deliveries();
    assert_eq!(door.post("github", &borrowed(&all[1].1), PUSH).await, (401, false));
    assert_eq!(door.post("github", &borrowed(&all[2].1), PUSH).await, (401, false));
    assert_eq!(door.post("gitlab", &borrowed(&all[0].1), PUSH).await, (401, false));
    assert_eq!(door.post("gitea", &borrowed(&all[3].1), PUSH).await, (401, false));
    let sha1 = [("x-github-event", "push"), ("x-hub-signature", "sha1=0123456789abcdef")];
    assert_eq!(door.post("github", &sha1, PUSH).await, (401, false));
}

#[tokio::test]
async fn a_secret_that_is_missing_or_empty_proves_nothing() {
    let door = Door::with(&["secret"]);
    let empty = hub(b"", PUSH.as_bytes());
    let by_nothing = [("x-github-event", "push"), ("x-hub-signature-256", empty.as_str())];
    for content in [None, Some(""), Some("\n"), Some(" \r\n")] {
        if let Some(content) = content {
            door.keep("secret", content);
        }
        assert_eq!(door.post("github", &by_nothing, PUSH).await, (401, false), "{content:?}");
        let token = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "")];
        assert_eq!(door.post("gitlab", &token, PUSH).await, (401, false), "{content:?}");
    }
    door.keep("secret", "s3cret");
    assert_eq!(door.signed("push", PUSH, &[]).await, (202, true));
}

#[tokio::test]
async fn while_a_secret_is_changed_both_are_good_and_files_are_read_at_each_use() {
    let door = Door::with(&["old", "new"]);
    door.keep("old", "s3cret\r\n");
    assert_eq!(door.signed("push", PUSH, &[]).await, (202, true), "the new one is not there yet");
    door.keep("new", "0ther");
    let by_new = hub(b"0ther", PUSH.as_bytes());
    let by_new = [("x-github-event", "push"), ("x-hub-signature-256", by_new.as_str())];
    assert_eq!(door.signed("push", PUSH, &[]).await, (202, true));
    assert_eq!(door.post("github", &by_new, PUSH).await, (202, true));
    door.keep("old", "0ther");
    assert_eq!(door.signed("push", PUSH, &[]).await, (401, false));
    assert_eq!(door.post("github", &by_new, PUSH).await, (202, true));
}

#[tokio::test]
async fn what_is_too_large_is_413_whether_or_not_it_says_so() {
    let door = Door::new();
    let large = "x".repeat(4 * 1024 * 1024);
    assert_eq!(door.signed("push", &large, &[]).await, (413, false));
    let part = Bytes::from(vec![b'x'; 1024 * 1024]);
    let parts = (0..4).map(move |_| Ok::<_, std::io::Error>(part.clone()));
    let unsized_body = Body::from_stream(futures::stream::iter(parts));
    let request = axum::http::Request::post("/hook/github")
        .header("content-type", "application/json")
        .header("x-hub-signature-256", format!("sha256={SIGNED}"));
    let (status, _) = door.ask(request.body(unsized_body).unwrap()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let just = format!("{PUSH}{}", " ".repeat(3 * 1024 * 1024 - PUSH.len()));
    assert_eq!(door.signed("push", &just, &[]).await, (202, true));
}

#[tokio::test]
async fn a_form_is_415_with_the_words_that_mend_it() {
    let door = Door::new();
    let form = format!("payload={PUSH}");
    for kind in ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", ""] {
        let more = [("content-type", kind)];
        assert_eq!(door.signed("push", &form, &more).await, (415, false), "{kind}");
    }
    let request = axum::http::Request::post("/hook/github")
        .header("content-type", "application/x-www-form-urlencoded");
    let (_, words) = door.ask(request.body(Body::from(form)).unwrap()).await;
    assert!(words.contains("content type to application/json"), "{words}");
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let more = [("content-type", kind)];
        assert_eq!(door.signed("push", PUSH, &more).await, (202, true), "{kind}");
    }
}

#[tokio::test]
async fn an_unknown_name_is_404_and_another_method_405() {
    let door = Door::new();
    let (_, headers) = &deliveries()[0];
    for name in ["aim", "GitHub", "github/", "", "%2e%2e", "github%00"] {
        let (status, rang) = {
            let mut request = axum::http::Request::post(format!("/hook/{name}"))
                .header("content-type", "application/json");
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let (status, _) = door.ask(request.body(Body::from(PUSH)).unwrap()).await;
            (status, door.bell.was_rung())
        };
        assert_eq!((status, rang), (StatusCode::NOT_FOUND, false), "{name}");
    }
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = axum::http::Request::builder().method(&method).uri("/hook/github");
        let (status, _) = door.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn a_replay_rings_once() {
    let door = Door::new();
    for (kind, number) in [
        ("github", "x-github-delivery"),
        ("gitlab", "idempotency-key"),
        ("gitea", "x-gitea-delivery"),
        ("forgejo", "x-forgejo-delivery"),
    ] {
        let headers = deliveries().into_iter().find(|(name, _)| *name == kind).unwrap().1;
        let mut headers = borrowed(&headers);
        headers.push((number, "72d3162e-cc78-11e3-81ab-4c9367dc0958"));
        // A stranger cannot use up a number.
        let stranger = [headers[0], (headers[1].0, "0"), headers[2]];
        assert_eq!(door.post(kind, &stranger, PUSH).await, (401, false), "{kind}");
        assert_eq!(door.post(kind, &headers, PUSH).await, (202, true), "{kind}");
        for _ in 0..100 {
            assert_eq!(door.post(kind, &headers, PUSH).await, (204, false), "{kind}");
        }
        headers[2].1 = "another";
        assert_eq!(door.post(kind, &headers, PUSH).await, (202, true), "{kind}");
    }
}

#[tokio::test]
async fn what_does_not_move_the_branch_rings_nothing() {
    let door = Door::new();
    for event in [
        "status",
        "check_run",
        "check_suite",
        "deployment",
        "deployment_status",
        "issue_comment",
        "pull_request",
        "create",
        "PUSH",
        "",
    ] {
        assert_eq!(door.signed(event, PUSH, &[]).await, (204, false), "{event}");
    }
    for reference in [
        "refs/heads/other",
        "refs/heads/main/x",
        "refs/heads/Main",
        "refs/tags/main",
        "refs/notes/vitrine/prod",
        "main",
        "",
    ] {
        let body = format!(r#"{{"ref":"{reference}","deleted":true}}"#);
        assert_eq!(door.signed("push", &body, &[]).await, (204, false), "{reference}");
    }
    for meaningless in
        ["", "[]", "{}", r#"{"ref":1}"#, r#"{"ref":null}"#, "{\"ref\":\"refs/heads/main\""]
    {
        assert_eq!(door.signed("push", meaningless, &[]).await, (400, false), "{meaningless}");
    }
    let signature = hub(b"s3cret", PUSH.as_bytes());
    let eventless = [("x-hub-signature-256", signature.as_str())];
    assert_eq!(door.post("github", &eventless, PUSH).await, (400, false));
    assert_eq!(door.signed("ping", r#"{"zen":"x"}"#, &[]).await, (200, false));
    for event in ["Tag Push Hook", "Merge Request Hook", "Note Hook", "push"] {
        let headers = [("x-gitlab-event", event), ("x-gitlab-token", "s3cret")];
        assert_eq!(door.post("gitlab", &headers, PUSH).await, (204, false), "{event}");
    }
    // Escaped or not, a name is a name.
    let escaped = r#"{"ref":"refs\/heads\/m\u0061in"}"#;
    assert_eq!(door.signed("push", escaped, &[]).await, (202, true));
}

#[tokio::test]
async fn a_pull_request_rings_where_pull_requests_are_told_and_a_comment_on_one_does_not() {
    let door = Door::new();
    let told = (**door.expect.borrow()).clone();
    door.expect.send_replace(Arc::new(Expected { pulls: true, ..told }));
    // What it says is not read: the list says it.
    for event in ["pull_request", "pull_request_sync", "pull_request_label"] {
        assert_eq!(door.signed(event, "{}", &[]).await, (202, true), "{event}");
    }
    for event in ["pull_request_comment", "pull_request_review", "issue_comment"] {
        assert_eq!(door.signed(event, "{}", &[]).await, (204, false), "{event}");
    }
    for (event, rings) in [("Merge Request Hook", true), ("Note Hook", false)] {
        let headers = [("x-gitlab-event", event), ("x-gitlab-token", "s3cret")];
        let code = if rings { 202 } else { 204 };
        assert_eq!(door.post("gitlab", &headers, "{}").await, (code, rings), "{event}");
    }
}

#[tokio::test]
async fn changed_settings_hold_from_the_next_delivery_on() {
    let door = Door::new();
    let release = r#"{"ref":"refs/heads/release/v1"}"#;
    assert_eq!(door.signed("push", release, &[]).await, (204, false));
    door.expect.send_replace(expected(&door.folder, &["secret"], "release/v1"));
    assert_eq!(door.signed("push", PUSH, &[]).await, (204, false));
    assert_eq!(door.signed("push", release, &[]).await, (202, true));
    door.expect.send_replace(Arc::new(Expected {
        hooks: Vec::new(),
        branch: "main".into(),
        pulls: false,
    }));
    assert_eq!(door.signed("push", PUSH, &[]).await, (404, false));
}

/// Set for the process that runs [`a_hundred_thousand_wild_deliveries_ring_only_by_signature`]
/// alone, where nobody else takes memory.
const ALONE: &str = "HOOK_TEST_ALONE";

#[test]
fn a_hundred_thousand_wild_deliveries_ring_only_by_signature() {
    if std::env::var_os(ALONE).is_some() {
        return wild();
    }
    let name = "web::hook::tests::a_hundred_thousand_wild_deliveries_ring_only_by_signature";
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let ended = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.contains("1 passed"), "{out}\n{err}");
    let told = out.lines().find(|line| line.contains("deliveries")).unwrap();
    // Past the test runner, which swallows what a passing test prints.
    let _ = writeln!(std::io::stderr(), "{told}");
}

/// Answers to deliveries, by their number.
type Answers = BTreeMap<u16, u32>;

fn wild() {
    let doors = [Door::new(), Door::new()];
    let on_both = |seed: u64, each: u32| {
        let mut all = Answers::new();
        std::thread::scope(|scope| {
            let tasks = [0, 1].map(|n| (&doors[n], seed + n as u64));
            let tasks = tasks.map(|(door, seed)| scope.spawn(move || knock(door, seed, each)));
            for (status, count) in tasks.into_iter().flat_map(|task| task.join().unwrap()) {
                *all.entry(status).or_default() += count;
            }
        });
        all
    };
    on_both(7, 2_500); // what is taken once
    let (before, begun) = (resident(), Instant::now());
    let answers = on_both(1305, 50_000);
    let (grown, took) = (resident().saturating_sub(before), begun.elapsed());
    println!("100000 deliveries in {took:.1?}: {grown} KiB more, answers {answers:?}");
    assert!(grown < 10 * 1024, "{grown} KiB");
    let all = [200, 202, 204, 400, 401, 404, 405, 413, 415];
    assert!(answers.keys().all(|status| all.contains(status)), "{answers:?}");
    assert!(answers.len() >= 8 && answers[&202] > 5_000, "{answers:?}");
}

fn knock(door: &Door, seed: u64, count: u32) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut answers = Answers::new();
    for number in 0..count {
        let Some((request, is_allowed)) = draw(&mut chance, number) else { continue };
        let (status, _) = runtime.block_on(door.ask(request));
        let rang = door.bell.was_rung();
        assert!(!rang || is_allowed, "{seed}/{number} rang without a signature");
        assert_eq!(rang, status == StatusCode::ACCEPTED, "{seed}/{number}");
        *answers.entry(status.as_u16()).or_default() += 1;
    }
    answers
}

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Not made anew for each delivery: what the allocator makes of that is not the receiver's.
static LARGE: [u8; 4 * 1024 * 1024] = [b' '; 4 * 1024 * 1024];

/// A delivery, mostly changed in some way, and whether its signature is right.
fn draw(chance: &mut fastrand::Rng, number: u32) -> Option<(axum::http::Request<Body>, bool)> {
    let (kind, headers) = deliveries().into_iter().nth(chance.usize(..4)).unwrap();
    let mut body = match chance.u8(..10) {
        0 => Vec::new(),
        1 => (0..chance.usize(..400)).map(|_| chance.u8(..)).collect(),
        2 => "[".repeat(chance.usize(..500)).into_bytes(),
        3 => format!(r#"{{"a":"{}","ref":"refs/heads/main"}}"#, "x".repeat(chance.usize(..900)))
            .into(),
        _ => PUSH.as_bytes().to_owned(),
    };
    let mut headers: Vec<(String, Vec<u8>)> = headers
        .into_iter()
        .map(|(name, value)| {
            let value = match name {
                "x-hub-signature-256" => hub(b"s3cret", &body),
                "x-gitea-signature" | "x-forgejo-signature" => mac(b"s3cret", &body),
                _ => value,
            };
            (name.to_owned(), value.into_bytes())
        })
        .collect();
    headers.push(("content-type".to_owned(), b"application/json".to_vec()));
    let id = if chance.bool() { number.to_string() } else { "x".repeat(chance.usize(..200)) };
    headers.push((format!("x-{kind}-delivery"), id.into_bytes()));
    let (mut path, mut method, mut is_large) = (kind.to_owned(), Method::POST, false);
    for _ in 0..chance.u8(..3) {
        match chance.u8(..11) {
            0 if !body.is_empty() => {
                let at = chance.usize(..body.len());
                body[at] ^= 1 << chance.u8(..8);
            }
            1 => body.truncate(chance.usize(..=body.len())),
            2 => body.extend((0..chance.usize(..50)).map(|_| chance.u8(..))),
            3 => drop(headers.swap_remove(chance.usize(..headers.len()))),
            4 => {
                let at = chance.usize(..headers.len());
                let value = &mut headers[at].1;
                if !value.is_empty() {
                    let at = chance.usize(..value.len());
                    value[at] = chance.u8(..);
                }
            }
            5 => {
                let at = chance.usize(..headers.len());
                headers[at].1 = (0..chance.usize(..100)).map(|_| chance.u8(32..127)).collect();
            }
            6 => {
                let all = deliveries();
                let (name, value) = &all[chance.usize(..4)].1[chance.usize(..2)];
                headers.push(((*name).to_owned(), value.clone().into_bytes()));
            }
            7 => path = ForgeKind::ALL[chance.usize(..4)].as_str().to_owned(),
            8 => path = (0..chance.usize(..20)).map(|_| chance.alphanumeric()).collect(),
            9 if chance.u8(..20) == 0 => is_large = true,
            _ => method = [Method::GET, Method::PUT, Method::POST][chance.usize(..3)].clone(),
        }
    }
    let request = axum::http::Request::builder().method(method).uri(format!("/hook/{path}"));
    let sent = if is_large { Bytes::from_static(&LARGE) } else { Bytes::from(body.clone()) };
    let mut request = request.body(Body::from(sent)).unwrap();
    for (name, value) in &headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    let says = |name: &str, value: &str| {
        let text = |value: &HeaderValue| value.to_str().map(str::to_lowercase).ok();
        request.headers().get_all(name).iter().any(|found| text(found).as_deref() == Some(value))
    };
    let bare = mac(b"s3cret", &body);
    let by_hub = says("x-hub-signature-256", &format!("sha256={bare}"));
    let by_gitea = says("x-gitea-signature", &bare);
    let allowed = match path.as_str() {
        "github" => by_hub,
        "gitlab" => says("x-gitlab-token", "s3cret"),
        "gitea" => by_hub || by_gitea,
        "forgejo" => by_hub || by_gitea || says("x-forgejo-signature", &bare),
        _ => false,
    };
    Some((request, allowed && !is_large))
}
