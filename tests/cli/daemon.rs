//! `run`: the daemon from its start to its end.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene::{Scene, verdicts};
use super::status::{board, daemon};
use crate::support::binary::get;
use crate::support::catalogue::image;
use crate::support::git_server::{GitServer, Manner};

#[test]
fn a_port_in_use_ends_the_daemon_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let scene = Scene::of(&["one"]);
    for which in ["public", "private"] {
        scene.settle(|s| {
            s["web"] = json!({
                "public": {"listen": "127.0.0.1:0"}, "private": {"listen": "127.0.0.1:0"},
            });
            s["web"][which]["listen"] = json!(address);
        });
        scene.run(&["run"]).exits(2).says(&[&address, "in use", "settings"]);
    }
}

#[test]
fn the_daemon_ends_with_zero_when_it_is_told_to_and_leaves_what_runs() {
    let scene = Scene::of(&["one"]);
    for signal in ["TERM", "INT"] {
        let (daemon, address) = daemon(&scene);
        board(&daemon, &address, "Synced", |b| is(b, "one", "Synced"));
        daemon.signal(signal);
        let ended = daemon.ended().exits(0);
        assert_eq!(ended.out, "", "the daemon's stdout is for nobody");
    }
    assert!(scene.api.state().contains_key("Deployment/sol-one/app"));
}

#[test]
fn a_daemon_publishes_what_is_committed_while_it_runs() {
    let scene = Scene::of(&["one"]);
    let (daemon, address) = daemon(&scene);
    board(&daemon, &address, "Synced", |b| is(b, "one", "Synced"));
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let head = scene.catalogue.commit("A newer image");
    board(&daemon, &address, "at the new commit", |b| {
        b["revision"] == head.as_str() && is(b, "one", "Synced")
    });
    assert!(scene.api.state()["Deployment/sol-one/app"].to_string().contains(&"b".repeat(64)));
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

#[test]
fn changed_settings_take_effect_and_faulty_ones_do_not() {
    let scene = Scene::of(&["one", "two"]);
    let main = scene.catalogue.head();
    scene.catalogue.git(&["checkout", "-q", "-b", "trial"]);
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let trial = scene.catalogue.commit("To be tried");
    let (daemon, address) = daemon(&scene);
    board(&daemon, &address, "at main", |b| {
        b["revision"] == main.as_str() && is(b, "one", "Synced")
    });

    let file = scene.home().join("vitrine.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "instance: [\n").unwrap();
    daemon.signal("HUP");
    daemon.logs("the faulty settings", |log| log.contains("the old ones stay"));
    assert_eq!(verdicts(&now(&address)).len(), 2, "the daemon goes on");

    let mut changed: Value = serde_json::from_str(&good).unwrap();
    changed["repository"]["branch"] = json!("trial");
    std::fs::write(&file, changed.to_string()).unwrap();
    daemon.signal("HUP");
    board(&daemon, &address, "at trial", |b| {
        b["revision"] == trial.as_str() && is(b, "one", "Synced")
    });
    assert!(scene.api.state().contains_key("Deployment/sol-two/app"));
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

#[test]
fn a_mirror_that_is_removed_under_the_daemon_comes_back_with_one_line_in_the_log() {
    let scene = Scene::of(&["one"]);
    // Without notes, which would be written into the mirror at any time.
    let (daemon, address) = super::status::daemon_with(&scene, |s| {
        s["reporting"] = json!({"notes": false});
    });
    board(&daemon, &address, "Synced", |b| is(b, "one", "Synced"));
    // At once, so that nobody puts a file into what is just being removed.
    let away = scene.home().join("away");
    std::fs::rename(scene.home().join("mirror"), &away).unwrap();
    std::fs::remove_dir_all(&away).unwrap();
    // A ref that moves makes the daemon look at once; the branch stays where it was.
    scene.catalogue.git(&["branch", "aside"]);
    daemon.logs("the mirror", |log| log.contains("has been made again"));
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let head = scene.catalogue.commit("A newer image");
    board(&daemon, &address, "at the new commit", |b| {
        b["revision"] == head.as_str() && is(b, "one", "Synced")
    });
    daemon.signal("TERM");
    let log = daemon.ended().exits(0).err;
    let of_it = |line: &&str| line.contains(" the mirror ") || line.contains(" the repository ");
    let warned: Vec<&str> = log.lines().filter(of_it).collect();
    assert_eq!(warned.len(), 1, "{log}");
    assert!(warned[0].contains("WARN") && warned[0].contains("was damaged"), "{log}");
}

#[test]
fn a_git_server_that_wants_to_be_left_alone_is_until_then_whatever_happens() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    let (daemon, address) = super::status::daemon_with(&scene, |s| {
        s["repository"]["url"] = json!(server.url("catalogue"));
        s["reporting"] = json!({"notes": false});
    });
    board(&daemon, &address, "Synced", |b| is(b, "one", "Synced"));
    server.turn(Manner::Later(7));
    let before = server.times().len();
    let told = board(&daemon, &address, "Unknown", |b| !b["unknown"].is_null());
    let cause = told["unknown"]["cause"].as_str().unwrap();
    assert!(cause.contains("(429) and is left alone until "), "{cause}");
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let head = scene.catalogue.commit("Meanwhile");
    server.turn(Manner::Well);
    let file = scene.home().join("vitrine.yaml");
    let settings = std::fs::read_to_string(&file).unwrap().replace("\"5s\"", "\"6s\"");
    std::fs::write(&file, settings).unwrap();
    daemon.signal("HUP");
    daemon.logs("the new settings", |log| log.contains("the settings changed"));
    board(&daemon, &address, "at the new commit", |b| {
        b["revision"] == head.as_str() && is(b, "one", "Synced")
    });
    let times = server.times();
    let waited = times[before + 1] - times[before];
    assert!(waited >= Duration::from_millis(6990), "asked again after {waited:?}");
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

fn now(address: &str) -> Value {
    serde_json::from_str(&get(address, "/status.json").unwrap()).unwrap()
}

fn is(board: &Value, name: &str, sync: &str) -> bool {
    verdicts(board).get(name).is_some_and(|v| v["sync"] == sync)
}
