//! `vitrine forge test`: says whether a forge can be told, and tells it nothing.

use serde_json::json;
use vitrine_core::config::ForgeKind;

use super::scene::Scene;
use crate::support::forge::{FakeForge, Fault};

/// Settings with this forge.
fn settle(scene: &Scene, forge: &FakeForge, kind: ForgeKind, token: &str) {
    let file = scene.home().join("forge-token");
    std::fs::write(&file, token).unwrap();
    scene.settle(|settings| {
        settings["reporting"] = json!({"forge": {
            "kind": kind.as_str(), "apiUrl": forge.api_url(),
            "repository": FakeForge::REPOSITORY, "auth": {"tokenFile": file},
        }});
    });
}

#[test]
fn every_forge_is_tried_without_a_status_being_written() {
    let scene = Scene::of(&["use"]);
    for kind in ForgeKind::ALL {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let forge = runtime.block_on(FakeForge::start(kind, ["a1".repeat(20)]));
        settle(&scene, &forge, kind, FakeForge::TOKEN);
        let told = scene.run(&["forge", "test"]).exits(0).out;
        for line in [
            format!("ok      {} (127.0.0.1) accepts the token in ", kind.as_str()),
            "ok      it may write statuses of aim/catalogue\n".to_owned(),
        ] {
            assert!(told.contains(&line), "{kind:?}: {told}");
        }
        assert!(!told.contains(FakeForge::TOKEN));
        assert!(forge.rows().is_empty(), "{kind:?}");
        assert_eq!(forge.faults(), [""; 0], "{kind:?}");
        // The scope for statuses lacks.
        forge.scope_missing();
        let told = scene.run(&["forge", "test"]).exits(1).out;
        assert!(told.contains("fault   ") && told.contains("give it the"), "{kind:?}: {told}");
        // Another token altogether.
        settle(&scene, &forge, kind, "another-token");
        let told = scene.run(&["forge", "test"]).exits(1).out;
        assert!(told.contains("write a valid one into that file"), "{kind:?}: {told}");
        assert!(!told.contains("another-token"));
    }
}

#[test]
fn without_a_forge_in_the_settings_it_says_what_to_write() {
    let scene = Scene::of(&["use"]);
    let told = scene.run(&["forge", "test"]).exits(2).err;
    assert!(told.contains("the settings name no forge; write reporting: {forge:"), "{told}");
}

#[test]
fn it_says_what_to_set_at_the_forge_for_each_webhook() {
    let scene = Scene::of(&["use"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let forge = runtime.block_on(FakeForge::start(ForgeKind::Gitea, ["a1".repeat(20)]));
    settle(&scene, &forge, ForgeKind::Gitea, FakeForge::TOKEN);
    let text = std::fs::read_to_string(scene.home().join("vitrine.yaml")).unwrap();
    let mut settings: serde_json::Value = serde_json::from_str(&text).unwrap();
    settings["web"] = json!({
        "public": {"url": "https://gallery.example"},
        "hooks": [{"name": "aim", "kind": "gitea", "secretFiles": ["/run/secrets/hook"]}],
    });
    std::fs::write(scene.home().join("vitrine.yaml"), settings.to_string()).unwrap();
    let told = scene.run(&["forge", "test"]).exits(0).out;
    let wanted =
        "hook    Settings, Webhooks, Add webhook: Target URL https://gallery.example/hook/aim,";
    assert!(told.contains(wanted) && told.contains("/run/secrets/hook"), "{told}");
}

/// What GitHub answers that is easily taken for something else.
#[test]
fn a_right_that_lacks_is_not_taken_for_a_commit_that_lacks() {
    let scene = Scene::of(&["use"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (status, message, told) in [
        (404, "Not Found", "or give the token the permission"),
        (403, "You have exceeded a secondary rate limit.", "left alone for 60 s"),
        (423, "Repository is archived", "lets nobody write into aim/catalogue"),
    ] {
        let forge = runtime.block_on(FakeForge::start(ForgeKind::GitHub, ["a1".repeat(20)]));
        settle(&scene, &forge, ForgeKind::GitHub, FakeForge::TOKEN);
        forge.next_write(Fault::Status(status, vec![], json!({"message": message}).to_string()));
        let said = scene.run(&["forge", "test"]).exits(1).out;
        assert!(said.contains(told), "{status}: {said}");
    }
}
