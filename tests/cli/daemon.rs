//! `run`: the daemon from its start to its end.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::scene::{Scene, verdicts};
use super::status::{board, daemon};
use crate::support::binary::get;
use crate::support::catalogue::image;

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

fn now(address: &str) -> Value {
    serde_json::from_str(&get(address, "/status.json").unwrap()).unwrap()
}

fn is(board: &Value, name: &str, sync: &str) -> bool {
    verdicts(board).get(name).is_some_and(|v| v["sync"] == sync)
}
