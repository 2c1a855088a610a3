//! `once`: the board and the exit code that scripts go by.

use std::time::Duration;

use serde_json::Value;

use super::scene::{Scene, verdicts};
use crate::support::binary::{Running, vitrine};
use crate::support::catalogue::image;

#[test]
fn once_publishes_the_example_catalogue_and_a_second_time_changes_nothing() {
    let scene = Scene::example();
    let board = scene.once().exits(0).json();
    assert_eq!(board["revision"], scene.catalogue.head().as_str());
    let all = verdicts(&board);
    assert_eq!(all.len(), 4);
    assert!(all.values().all(|v| v["sync"] == "Synced" && v["stage"] == "Asleep"), "{board:#}");

    let before = scene.api.state();
    scene.api.sandbox.clear_requests();
    assert_eq!(scene.run(&["once"]).exits(0).out.matches("Synced").count(), 5);
    assert_eq!(scene.api.state(), before);
    let writes: Vec<_> =
        scene.api.sandbox.requests().into_iter().filter(|r| r.is_write()).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn once_keeps_its_log_out_of_stdout() {
    let scene = Scene::of(&["one"]);
    let run = scene.run(&["once", "--format", "json", "--log-format", "json"]).exits(0);
    assert_eq!(verdicts(&run.json()).len(), 1);
    assert!(!run.err.is_empty());
    for line in run.err.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        assert!(event["message"].is_string(), "{line}");
    }
}

/// Publishes `good` and `bad`, breaks `bad` with another commit that also updates `good`, and
/// answers the verdict on `bad`: whatever is wrong with it, nothing of it changes.
#[track_caller]
fn broken(damage: impl FnOnce(&Scene)) -> Value {
    let scene = Scene::of(&["good", "bad"]);
    scene.publish();
    let of_bad = |scene: &Scene| {
        let mut state = scene.api.state();
        state.retain(|key, _| key.contains("sol-bad"));
        state
    };
    let before = of_bad(&scene);
    assert!(before.len() > 5, "{before:?}");

    scene.catalogue.edit("good/solution.yaml", &image('a'), &image('b'));
    damage(&scene);
    let head = scene.catalogue.commit("An update and a mistake");
    let run = scene.once().exits(1);
    let board = run.json();
    assert_eq!(board["revision"], head.as_str());
    let all = verdicts(&board);
    assert_eq!(all["good"]["sync"], "Synced", "{board:#}");
    assert_eq!(all["bad"]["sync"], "Failed", "{board:#}");
    assert_eq!(of_bad(&scene), before, "what runs is left alone");
    let deployed = scene.api.state()["Deployment/sol-good/app"].to_string();
    assert!(deployed.contains(&"b".repeat(64)), "the other one goes on");
    all["bad"].clone()
}

#[track_caller]
fn says(verdict: &Value, words: &[&str]) {
    let said = format!("{} {}", verdict["reason"], verdict["next"]);
    for word in words {
        assert!(said.contains(word), "nothing says {word:?}: {verdict:#}");
    }
    assert_ne!(verdict["party"], "nobody", "{verdict:#}");
}

#[test]
fn one_broken_folder_is_one_broken_folder() {
    let verdict = broken(|s| s.catalogue.edit("bad/solution.yaml", "spec:", "spec:\n  replica: 3"));
    says(&verdict, &["bad/solution.yaml:6:3", "replica", "keeps serving"]);
}

#[test]
fn a_folder_that_lost_its_solution_file_is_not_a_deleted_folder() {
    let verdict = broken(|s| {
        s.catalogue.write("bad/README.md", "# Still here\n");
        std::fs::remove_file(s.catalogue.path().join("bad/solution.yaml")).unwrap();
    });
    says(&verdict, &["bad", "solution.yaml"]);
}

#[test]
fn yaml_that_cannot_be_read_is_named_with_its_line() {
    let verdict = broken(|s| s.catalogue.write("bad/solution.yaml", "spec: [\n  {image: \"\n"));
    says(&verdict, &["bad/solution.yaml:"]);
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let verdict = broken(|s| {
        let file = s.catalogue.path().join("bad/solution.yaml");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("../good/solution.yaml", file).unwrap();
    });
    says(&verdict, &["bad/solution.yaml", "symbolic link"]);
}

#[test]
fn a_broken_platform_file_stops_everything_and_deletes_nothing() {
    let scene = Scene::of(&["one", "two"]);
    scene.publish();
    let before = scene.api.state();
    scene.catalogue.write("platform.yaml", "kind: [\n");
    scene.catalogue.remove("two");
    scene.catalogue.commit("A slip");
    let run = scene.once().exits(1);
    assert!(run.json()["problems"].to_string().contains("platform.yaml:"), "{}", run.out);
    assert_eq!(scene.api.state(), before);
}

#[test]
fn an_empty_catalogue_deletes_nothing() {
    let scene = Scene::of(&["one", "two"]);
    scene.publish();
    let before = scene.api.state();
    for name in ["one", "two"] {
        scene.catalogue.remove(name);
    }
    scene.catalogue.commit("Everything is gone");
    let board = scene.once().exits(1).json();
    assert_eq!(
        board["held"]["deletions"].as_array().map(|d| d.len() > 10),
        Some(true),
        "{board:#}"
    );
    assert_eq!(scene.api.state(), before);

    std::fs::remove_file(scene.catalogue.path().join("platform.yaml")).unwrap();
    scene.catalogue.write("README.md", "Nothing here.\n");
    scene.catalogue.commit("Not even a platform");
    let board = scene.once().exits(1).json();
    assert!(board["problems"].to_string().contains("holds no `platform.yaml`"), "{board:#}");
    assert_eq!(scene.api.state(), before);
}

#[test]
fn a_killed_run_is_taken_up_where_it_stopped() {
    let undisturbed = Scene::of(&["one", "two", "three"]);
    undisturbed.publish();
    let scene = Scene::of(&["one", "two", "three"]);
    scene.api.sandbox.faults(|f| f.latency = Duration::from_millis(10));
    for pause in [60, 110, 160, 210] {
        let mut command = vitrine(scene.home());
        let running = Running::start(command.args(["once", "--config", "vitrine.yaml"]));
        std::thread::sleep(Duration::from_millis(pause));
        running.signal("KILL");
        assert_eq!(running.ended().code, None);
    }
    scene.api.sandbox.faults(|f| f.latency = Duration::ZERO);
    scene.publish();
    let keys = |scene: &Scene| scene.api.state().into_keys().collect::<Vec<_>>();
    assert_eq!(keys(&scene), keys(&undisturbed));
}
