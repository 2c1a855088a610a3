//! From a push to the status on its commit, with the real binary: Git over HTTP, a webhook, the
//! cluster, the forge.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::hook::push;
use super::scene::{Scene, verdicts};
use super::status::daemon_with;
use crate::support::binary::get;
use crate::support::catalogue::image;
use crate::support::forge::FakeForge;
use crate::support::git_server::GitServer;

/// How many commits are timed.
const COMMITS: usize = 7;

/// Waits for something, and says when it was.
fn until<T>(told: &str, log: impl Fn() -> String, mut is: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = is() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "not {told}:\n{}", log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_change_that_takes_eight_seconds_is_pending_after_five_and_then_a_success() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    let first = scene.catalogue.head().to_string();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let forge = runtime.block_on(FakeForge::start(ForgeKind::Forgejo, [first.clone()]));
    let (daemon, address) = daemon_with(&scene, |s: &mut Value| {
        published_with(s, &scene, &server, &forge);
        s["rollouts"] = json!({"verify": {"on": "update"}});
    });
    let log = || daemon.log();
    until("told of the first commit", log, || {
        forge.latest(&first).remove("vitrine/prod/one").filter(|row| row.state == "success")
    });

    // The played kubelet says after eight seconds that this image serves.
    let slow = image('b').replace("demo:1.0.0", "slow-start:1.0.0");
    scene.catalogue.edit("one/solution.yaml", &image('a'), &slow);
    let head = scene.catalogue.commit("A program that takes its time").to_string();
    forge.add_commit(&head);
    let begun = Instant::now();
    assert_eq!(push(&address, "aim", "s3cret", "slow"), 202);
    until("told", log, || {
        forge.latest(&head).remove("vitrine/prod/one").filter(|row| row.state == "success")
    });
    let path = format!("/statuses/{head}");
    let sent = forge.requests().into_iter().filter(|r| r.is_write() && r.path.ends_with(&path));
    let sent = sent.filter(|request| request.json()["context"] == "vitrine/prod/one");
    let said: Vec<(Value, Duration)> = sent
        .map(|request| (request.json()["state"].clone(), request.at.duration_since(begun)))
        .collect();
    // Past the test runner, which swallows what a passing test prints.
    let _ = writeln!(std::io::stderr(), "a trial of 8 s: {said:?} after the webhook");
    let states: Vec<&Value> = said.iter().map(|(state, _)| state).collect();
    assert_eq!(states, ["pending", "success"], "{said:?}");
    let (pending, success) = (said[0].1, said[1].1);
    assert!(pending >= Duration::from_secs(4) && success >= Duration::from_secs(7), "{said:?}");
    assert!(pending < success, "{said:?}");
    assert_eq!(forge.faults(), [""; 0]);
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

/// Settings of a daemon that hears of pushes by a hook alone, and tells this forge.
fn published_with(s: &mut Value, scene: &Scene, server: &GitServer, forge: &FakeForge) {
    let (secret, token) = (scene.home().join("hook-secret"), scene.home().join("token"));
    std::fs::write(&secret, "s3cret\n").unwrap();
    std::fs::write(&token, FakeForge::TOKEN).unwrap();
    s["repository"]["url"] = json!(server.url("catalogue"));
    s["repository"]["poll"] = json!("1h");
    s["web"]["hooks"] = json!([{"name": "aim", "kind": "github", "secretFiles": [secret]}]);
    s["reporting"] = json!({"notes": false, "forge": {
        "kind": "forgejo", "apiUrl": forge.api_url(), "repository": FakeForge::REPOSITORY,
        "auth": {"tokenFile": token},
    }});
}

#[test]
fn a_pushed_commit_has_its_final_status_and_no_other_and_a_broken_one_names_the_line() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    let first = scene.catalogue.head().to_string();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let forge = runtime.block_on(FakeForge::start(ForgeKind::Forgejo, [first.clone()]));
    let (daemon, address) =
        daemon_with(&scene, |s: &mut Value| published_with(s, &scene, &server, &forge));
    let log = || daemon.log();
    let state = |sha: &str, context: &str| {
        forge.latest(sha).get(context).map(|row| (row.state.clone(), row.description.clone()))
    };
    until("told of the first commit", log, || state(&first, "vitrine/prod/one"));

    let (mut verdicts_after, mut told_after) = (Vec::new(), Vec::new());
    for n in 0..COMMITS {
        let digit = |n: usize| char::from_digit(u32::try_from(n + 1).unwrap(), 10).unwrap();
        let before = if n == 0 { image('a') } else { image(digit(n - 1)) };
        scene.catalogue.edit("one/solution.yaml", &before, &image(digit(n)));
        let head = scene.catalogue.commit("A newer image").to_string();
        forge.add_commit(&head);
        let begun = Instant::now();
        assert_eq!(push(&address, "aim", "s3cret", &n.to_string()), 202);
        let judged = until("published", log, || {
            let board: Value = serde_json::from_str(&get(&address, "/status.json").ok()?).ok()?;
            let good = board["revision"] == head && verdicts(&board)["one"]["sync"] == "Synced";
            good.then(Instant::now)
        });
        until("told", log, || state(&head, "vitrine/prod/one"));
        let path = format!("/statuses/{head}");
        let sent = forge.requests().into_iter().filter(|r| r.is_write() && r.path.ends_with(&path));
        let sent: Vec<Instant> = sent.map(|request| request.at).collect();
        let last = *sent.iter().max().unwrap();
        verdicts_after.push(judged.duration_since(begun));
        told_after.push(last.saturating_duration_since(judged));
        let rows = forge.rows().into_iter().filter(|row| row.sha == head);
        let states: Vec<String> = rows.map(|row| row.state).collect();
        assert!(
            states.iter().all(|state| state == "success"),
            "short work is not pending: {states:?}"
        );
        // Webhooks ring at most every two seconds.
        std::thread::sleep(Duration::from_secs(2));
    }
    verdicts_after.sort();
    told_after.sort();
    let (verdict, told) = (verdicts_after[COMMITS / 2], told_after[COMMITS / 2]);
    // Past the test runner, which swallows what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "p50 of {COMMITS} pushes: published {verdict:?} after the webhook, told {told:?} after that"
    );
    assert!(told < Duration::from_secs(1), "{told_after:?}");

    let number = char::from_digit(u32::try_from(COMMITS).unwrap(), 10).unwrap();
    scene.catalogue.edit("one/solution.yaml", &image(number), "latest image");
    let broken = scene.catalogue.commit("A slip").to_string();
    forge.add_commit(&broken);
    assert_eq!(push(&address, "aim", "s3cret", "broken"), 202);
    let (word, text) = until("told", log, || state(&broken, "vitrine/prod/one"));
    assert_eq!(word, "failure", "{text}");
    assert!(text.contains("solution.yaml:"), "{text}");
    let pending = forge.rows().into_iter().filter(|row| row.state == "pending").count();
    assert_eq!(pending, 0);
    assert_eq!(forge.faults(), [""; 0]);
    assert!(!daemon.log().contains(FakeForge::TOKEN));
    daemon.signal("TERM");
    daemon.ended().exits(0);
}
