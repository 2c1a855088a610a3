//! `status`: the board of a daemon, and the notes of a clone.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{Scene, verdicts};
use crate::support::binary::{Finished, Running, finish, get, vitrine};

/// A daemon with a board, and the board's address.
#[track_caller]
pub fn daemon(scene: &Scene) -> (Running, String) {
    daemon_with(scene, |_| {})
}

/// The same, with other settings.
#[track_caller]
pub fn daemon_with(scene: &Scene, change: impl FnOnce(&mut Value)) -> (Running, String) {
    scene.settle(|s| {
        s["web"] = anywhere();
        change(s);
    });
    serving(vitrine(scene.home()).args(["run", "--config", "vitrine.yaml"]))
}

/// Starts a daemon by this command, and waits for its board's address.
#[track_caller]
pub fn serving(command: &mut Command) -> (Running, String) {
    let running = Running::start(command);
    let told = "the board is served at http://";
    running.logs("address", |log| log.contains(told) && log.ends_with('\n'));
    let log = running.log();
    let address = log.split_once(told).unwrap().1.split_whitespace().next().unwrap().to_owned();
    (running, address)
}

/// Ports that the system chooses: tests run side by side.
fn anywhere() -> Value {
    json!({"public": {"listen": "127.0.0.1:0"}, "private": {"listen": "127.0.0.1:0"}})
}

/// Waits until the board is as `told`.
#[track_caller]
pub fn board(daemon: &Running, address: &str, told: &str, is: impl Fn(&Value) -> bool) -> Value {
    board_within(Duration::from_secs(20), daemon, address, told, is)
}

/// The same for what takes longer.
#[track_caller]
pub fn board_within(
    patience: Duration,
    daemon: &Running,
    address: &str,
    told: &str,
    is: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    let mut last = Value::Null;
    while begun.elapsed() < patience {
        let text = get(address, "/status.json").ok();
        if let Some(board) = text.and_then(|text| serde_json::from_str::<Value>(&text).ok()) {
            if is(&board) {
                return board;
            }
            last = board;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the board is not {told}: {last:#}\n{}", daemon.log());
}

fn all_are(sync: &'static str, n: usize) -> impl Fn(&Value) -> bool {
    move |board| {
        let all = verdicts(board);
        all.len() == n && all.values().all(|v| v["sync"] == sync)
    }
}

fn status(scene: &Scene, arguments: &[&str]) -> Finished {
    finish(vitrine(scene.home()).arg("status").args(arguments))
}

#[test]
fn the_board_of_a_daemon_is_shown_in_the_terminal() {
    let scene = Scene::of(&["one", "two"]);
    let (daemon, address) = daemon(&scene);
    board(&daemon, &address, "Synced", all_are("Synced", 2));
    let url = format!("http://{address}");
    status(&scene, &["--url", &url]).exits(0).says(&["2 solutions: 2 Synced"]);
    let shown = status(&scene, &["--url", &url, "--format", "json"]).exits(0).json();
    let served: Value = serde_json::from_str(&get(&address, "/status.json").unwrap()).unwrap();
    assert_eq!(shown["solutions"], served["solutions"]);
    let one = status(&scene, &["two", "--url", &url, "--format", "json"]).exits(0).json();
    assert_eq!(verdicts(&one).keys().collect::<Vec<_>>(), ["two"]);
    status(&scene, &["three", "--url", &url]).exits(2).says(&["three", &url]);

    scene.catalogue.edit("two/solution.yaml", "spec:", "spec:\n  replica: 3");
    scene.catalogue.commit("A slip");
    board(&daemon, &address, "Failed", |b| verdicts(b)["two"]["sync"] == "Failed");
    status(&scene, &["--url", &url]).exits(1).says(&["two/solution.yaml:6:3"]);
    // Of one: everything that is known, the commit that serves beside the refused one.
    let first = scene.catalogue.git(&["rev-parse", "HEAD~1"]);
    let serving = format!("\n  serving  {}\n", first.trim());
    let all = [
        "two  Failed",
        "\n  turn     author\n",
        &serving,
        "\n  url      https://two.demo.example\n",
    ];
    status(&scene, &["two", "--url", &url]).exits(1).says(&all);

    daemon.signal("TERM");
    daemon.ended().exits(0);
    status(&scene, &["--url", &url]).exits(2).says(&[&address]);
}

#[test]
fn the_notes_of_a_clone_tell_the_same() {
    let scene = Scene::of(&["one", "two"]);
    scene.publish();
    let clone = scene.home().join("clone");
    let from = scene.catalogue.path();
    let cloned = Command::new("git").args(["clone", "-q"]).arg(&from).arg(&clone).status().unwrap();
    assert!(cloned.success());
    let at = ["--at", "HEAD", "--repo", "clone", "--instance", "prod"];
    // What `git clone` leaves behind, and the command that brings it.
    let told = status(&scene, &at).exits(2).says(&["no note of vitrine/prod", "git fetch origin"]);
    assert_eq!(told.out, "");
    let fetched = Command::new("git")
        .arg("-C")
        .arg(&clone)
        .args(["fetch", "-q", "origin", "refs/notes/vitrine/*:refs/notes/vitrine/*"])
        .status()
        .unwrap();
    assert!(fetched.success());
    status(&scene, &at).exits(0).says(&["vitrine/prod/one", "vitrine/prod/two", "2 Synced"]);
    let json = status(&scene, &[&at[..], &["--format", "json"]].concat()).exits(0).json();
    let lines = json.as_array().unwrap();
    assert_eq!(lines.len(), 3, "{json:#}");
    assert!(lines.iter().all(|line| line["state"] == "success"), "{json:#}");

    status(&scene, &["--at", "nonsense", "--repo", "clone"]).exits(2).says(&["nonsense"]);
    status(&scene, &["--at", "HEAD", "--repo", "no-clone"]).exits(2).says(&["no-clone"]);
    let mut twice = at.to_vec();
    twice.extend(["--url", "http://127.0.0.1:1"]);
    status(&scene, &twice).exits(2).says(&["--url", "--at"]);
}
