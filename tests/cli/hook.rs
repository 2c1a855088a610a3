//! `/hook/<name>`: a push is published at once because its forge says so.

use std::io::Write as _;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};

use super::scene::{Scene, verdicts};
use super::status::{board, daemon_with};
use crate::support::binary::post;
use crate::support::catalogue::image;
use crate::support::git_server::GitServer;

pub const PUSH: &str =
    r#"{"ref":"refs/heads/main","after":"0000000000000000000000000000000000000000"}"#;

/// Long enough for a daemon that looks without being asked to be found.
const ASIDE: Duration = Duration::from_secs(3);

pub fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// Delivers a push as GitHub does, and answers with the status.
pub fn push(address: &str, hook: &str, secret: &str, number: &str) -> u16 {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "push"),
        ("X-GitHub-Delivery", number),
        ("X-Hub-Signature-256", &signature(secret, PUSH)),
    ];
    post(address, &format!("/hook/{hook}"), &headers, PUSH).unwrap().0
}

fn is(board: &Value, name: &str, sync: &str) -> bool {
    verdicts(board).get(name).is_some_and(|v| v["sync"] == sync)
}

/// The repository is asked once an hour, over HTTP: nothing but the hook tells of the commit.
#[test]
fn a_signed_push_is_published_within_seconds_and_an_unsigned_one_is_not_looked_at() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    let secret = scene.home().join("hook-secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let hook = |name: &str| json!({"name": name, "kind": "github", "secretFiles": [secret]});
    let change = |s: &mut Value| {
        s["repository"]["url"] = json!(server.url("catalogue"));
        s["repository"]["poll"] = json!("1h");
        s["reporting"] = json!({"notes": false});
        s["web"]["hooks"] = json!([hook("aim")]);
    };
    let (daemon, address) = daemon_with(&scene, change);
    board(&daemon, &address, "Synced", |b| is(b, "one", "Synced"));

    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let head = scene.catalogue.commit("A newer image");
    let asked = server.requests().len();
    assert_eq!(push(&address, "aim", "wrong", "1"), 401);
    assert_eq!(push(&address, "lab", "s3cret", "1"), 404);
    std::thread::sleep(ASIDE);
    assert_eq!(server.requests().len(), asked, "nobody may make it look without the secret");

    let begun = Instant::now();
    assert_eq!(push(&address, "aim", "s3cret", "1"), 202);
    let answered = begun.elapsed();
    board(&daemon, &address, "at the new commit", |b| {
        b["revision"] == head.as_str() && is(b, "one", "Synced")
    });
    let applied = begun.elapsed();
    // Past the test runner, which swallows what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "a hook was answered after {answered:?}, its commit was published after {applied:?}"
    );
    assert!(applied < Duration::from_secs(10), "{applied:?}");
    assert!(scene.api.state()["Deployment/sol-one/app"].to_string().contains(&"b".repeat(64)));

    // The same delivery again, and again.
    std::thread::sleep(ASIDE);
    let asked = server.requests().len();
    for _ in 0..100 {
        assert_eq!(push(&address, "aim", "s3cret", "1"), 204);
    }
    std::thread::sleep(ASIDE);
    assert_eq!(server.requests().len(), asked, "a replay is no reason to look");

    // Another name and another secret hold without a restart.
    std::fs::write(&secret, "changed").unwrap();
    scene.settle(|s| {
        s["web"] =
            json!({"public": {"listen": "127.0.0.1:0"}, "private": {"listen": "127.0.0.1:0"}});
        change(s);
        s["web"]["hooks"] = json!([hook("lab")]);
    });
    daemon.signal("HUP");
    let begun = Instant::now();
    while push(&address, "lab", "changed", "2") != 202 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(push(&address, "aim", "changed", "3"), 404);
    assert_eq!(push(&address, "lab", "s3cret", "3"), 401);
    daemon.signal("TERM");
    let log = daemon.ended().exits(0).err;
    assert_eq!(log.matches("a delivery was refused").count(), 2, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}
