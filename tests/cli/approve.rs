//! `approve`: a held plan deletes when a person says so, and only that plan.

use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey};

use super::scene::{Scene, verdicts};
use super::status::{board, daemon};
use crate::support::binary::{finish, vitrine};
use crate::support::cluster::DAEMON_NAMESPACE;

fn held(scene: &Scene) -> String {
    for name in ["two", "three", "four"] {
        scene.catalogue.remove(name);
    }
    scene.catalogue.commit("A big tidy-up");
    let board = scene.once().exits(1).json();
    assert_eq!(board["held"]["reason"], "would remove 3 of 4 solutions", "{board:#}");
    let hash = board["held"]["hash"].as_str().unwrap().to_owned();
    assert_eq!(board["held"]["command"], format!("vitrine approve {}", &hash[..12]));
    hash
}

fn solutions(scene: &Scene) -> Vec<String> {
    let state = scene.api.state();
    let names = state.keys().filter_map(|key| key.strip_prefix("Namespace//sol-"));
    names.map(str::to_owned).collect()
}

#[test]
fn what_is_held_goes_when_it_is_approved() {
    let scene = Scene::of(&["one", "two", "three", "four"]);
    scene.publish();
    let hash = held(&scene);
    let before = scene.api.state();

    // Nothing goes for another hash, half a hash, or no hash.
    for (wrong, words) in [
        ("0".repeat(64), ["another plan is held", &hash[..12]]),
        ("0".repeat(12), ["another plan is held", &hash[..12]]),
        (hash[..8].to_owned(), ["is not the hash of a plan", "12 digits"]),
        ("all-of-them!".to_owned(), ["is not the hash of a plan", "12 digits"]),
    ] {
        scene.run(&["approve", &wrong]).exits(2).says(&words);
    }
    assert_eq!(scene.api.state(), before);
    scene.once().exits(1);

    scene.run(&["approve", &hash[..12]]).exits(0).says(&[
        "  Namespace/sol-two\n",
        "  Deployment/app in sol-two\n",
        "approved",
    ]);
    let after = scene.once().exits(0).json();
    assert_eq!(verdicts(&after).keys().collect::<Vec<_>>(), ["one"]);
    assert_eq!(solutions(&scene), ["one"]);
    scene.run(&["approve", &hash[..12]]).exits(2).says(&["nothing is held"]);
}

#[test]
fn a_running_daemon_goes_on_when_its_plan_is_approved() {
    let scene = Scene::of(&["one", "two", "three", "four"]);
    scene.publish();
    let hash = held(&scene);
    let (daemon, address) = daemon(&scene);
    board(&daemon, &address, "held", |b| b["held"]["hash"] == hash.as_str());
    let url = format!("http://{address}");
    scene.run(&["approve", &"0".repeat(12), "--url", &url]).exits(2).says(&["another plan"]);
    assert_eq!(solutions(&scene).len(), 4);
    scene.run(&["approve", &hash[..12], "--url", &url]).exits(0).says(&["approved"]);
    board(&daemon, &address, "tidied", |b| b["held"].is_null() && verdicts(b).len() == 1);
    assert_eq!(solutions(&scene), ["one"]);
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

#[test]
fn the_command_on_the_board_needs_nothing_but_a_kubeconfig() {
    let scene = Scene::of(&["one", "two", "three", "four"]);
    scene.publish();
    let kubeconfig = scene.kubeconfig();
    let approve = |arguments: &[&str]| {
        let mut command = vitrine(scene.home());
        command.env("KUBECONFIG", &kubeconfig);
        finish(command.arg("approve").args(arguments))
    };
    let any = "0".repeat(12);
    approve(&[&any]).exits(2).says(&["nothing is held"]);
    let hash = held(&scene);
    let command = format!("approve {}", &hash[..12]);
    approve(&[&any]).exits(2).says(&["another plan is held", &hash[..12]]);

    // Options narrow: another instance, another namespace.
    approve(&[&hash, "--instance", "other"]).exits(2).says(&["nothing is held"]);
    approve(&[&hash, "--instance", "Not A Name"]).exits(2).says(&["Not A Name"]);
    approve(&[&hash, "--namespace", "elsewhere"]).exits(2).says(&["nothing is held"]);
    scene.once().exits(1);

    let printed: Vec<&str> = command.split(' ').skip(1).collect();
    approve(&printed).exits(0).says(&[
        "  Namespace/sol-two\n",
        "  Deployment/app in sol-two\n",
        "approved",
    ]);
    let after = scene.once().exits(0).json();
    assert_eq!(verdicts(&after).keys().collect::<Vec<_>>(), ["one"]);
    approve(&printed).exits(2).says(&["nothing is held"]);
}

#[test]
fn a_list_that_was_changed_by_hand_approves_nothing() {
    let scene = Scene::of(&["one", "two", "three", "four"]);
    scene.publish();
    let hash = held(&scene);
    let key = ObjectKey::namespaced(Kind::ConfigMap, DAEMON_NAMESPACE, "vitrine-prod-held");
    let more = |list: &mut Value| {
        let lines = list["data"]["deletions"].as_str().unwrap();
        list["data"]["deletions"] = format!("{lines}Namespace sol-one\n").into();
    };
    scene.api.sandbox.edit("kubectl", &key, more).unwrap();
    let before = scene.api.state();
    let mut command = vitrine(scene.home());
    command.env("KUBECONFIG", scene.kubeconfig());
    finish(command.args(["approve", &hash])).exits(2).says(&["nothing is held"]);
    assert_eq!(scene.api.state(), before);
}
