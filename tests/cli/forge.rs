//! `vitrine forge test`: says whether a forge can be told, and tells it nothing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use super::hook::{PUSH, signature};
use super::scene::Scene;
use super::status::daemon_with;
use crate::support::binary::{Finished, finish, post, vitrine};
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
fn it_says_what_to_set_for_the_webhook_of_another_forge() {
    let scene = Scene::of(&["use"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let forge = runtime.block_on(FakeForge::start(ForgeKind::Gitea, ["a1".repeat(20)]));
    settle(&scene, &forge, ForgeKind::Gitea, FakeForge::TOKEN);
    let text = std::fs::read_to_string(scene.home().join("vitrine.yaml")).unwrap();
    let mut settings: serde_json::Value = serde_json::from_str(&text).unwrap();
    settings["web"] = json!({
        "public": {"url": "https://gallery.example"},
        "hooks": [{"name": "aim", "kind": "github", "secretFiles": ["/run/secrets/hook"]}],
    });
    std::fs::write(scene.home().join("vitrine.yaml"), settings.to_string()).unwrap();
    let told = scene.run(&["forge", "test"]).exits(0).out;
    let wanted =
        "hook    Settings, Webhooks, Add webhook: Payload URL https://gallery.example/hook/aim,";
    assert!(told.contains(wanted) && told.contains("/run/secrets/hook"), "{told}");
}

/// Where webhooks lead to, as people and forges write it.
const GALLERY: &str = "https://gallery.example";

/// Tries this forge by the settings of the scene, while a daemon may run with them.
fn tries(scene: &Scene, forge: &FakeForge, kind: ForgeKind, hook: &str) -> Finished {
    let (token, secret) = (scene.home().join("forge-token"), scene.home().join("hook-secret"));
    std::fs::write(&token, FakeForge::TOKEN).unwrap();
    let text = std::fs::read_to_string(scene.home().join("vitrine.yaml")).unwrap();
    let mut settings: Value = serde_json::from_str(&text).unwrap();
    settings["reporting"] = json!({"forge": {
        "kind": kind.as_str(), "apiUrl": forge.api_url(), "repository": FakeForge::REPOSITORY,
        "auth": {"tokenFile": token},
    }});
    settings["web"] = json!({
        "public": {"url": GALLERY},
        "hooks": [{"name": hook, "kind": kind.as_str(), "secretFiles": [secret]}],
    });
    std::fs::write(scene.home().join("forge.yaml"), settings.to_string()).unwrap();
    finish(vitrine(scene.home()).args(["forge", "test", "--config", "forge.yaml"]))
}

/// Brings a trial delivery of this forge to a daemon, and what that answers back.
fn delivers(
    kind: ForgeKind,
    address: &str,
    secret: &'static str,
) -> impl Fn(u64) -> (u16, String) + Send + Sync + 'static {
    let address = address.to_owned();
    move |_| {
        let body = if kind == ForgeKind::GitHub { r#"{"zen": "Keep it simple."}"# } else { PUSH };
        let (number, mac) = (fastrand::u64(..).to_string(), signature(secret, body));
        let bare = mac.trim_start_matches("sha256=");
        let headers = match kind {
            ForgeKind::GitHub => [
                ("X-GitHub-Event", "ping"),
                ("X-GitHub-Delivery", &number),
                ("X-Hub-Signature-256", &mac),
            ],
            ForgeKind::GitLab => [
                ("X-Gitlab-Event", "Push Hook"),
                ("Idempotency-Key", &number),
                ("X-Gitlab-Token", secret),
            ],
            ForgeKind::Gitea => [
                ("X-Gitea-Event", "push"),
                ("X-Gitea-Delivery", &number),
                ("X-Gitea-Signature", bare),
            ],
            ForgeKind::Forgejo => [
                ("X-Forgejo-Event", "push"),
                ("X-Forgejo-Delivery", &number),
                ("X-Forgejo-Signature", bare),
            ],
        };
        let headers = [&[("Content-Type", "application/json")][..], &headers].concat();
        post(&address, &format!("/hook/{}", kind.as_str()), &headers, body).unwrap()
    }
}

#[test]
fn a_webhook_of_a_running_daemon_is_tried_and_told_by_the_forges_own_record() {
    let scene = Scene::of(&["use"]);
    let secret = scene.home().join("hook-secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let (daemon, address) = daemon_with(&scene, |s| {
        let hook = |kind: ForgeKind| json!({"name": kind.as_str(), "kind": kind.as_str(), "secretFiles": [secret]});
        s["web"]["hooks"] = json!(ForgeKind::ALL.map(hook));
    });
    for kind in ForgeKind::ALL {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let forge = runtime.block_on(FakeForge::start(kind, ["a1".repeat(20)]));
        let word = kind.as_str();
        let url = format!("{GALLERY}/hook/{word}");
        forge.add_hook("https://ci.example/hook");
        forge.add_hook(&url);
        forge.on_ping(delivers(kind, &address, "s3cret"));
        let told = tries(&scene, &forge, kind, word).exits(0).out;
        let name = format!("{word} (127.0.0.1)");
        let unsaid = format!(
            "hook    {name} was asked for a test push to {url}, and does not tell what became of \
             it; look there under Settings, Webhooks, the webhook, Recent Deliveries\n"
        );
        let wanted = match kind {
            ForgeKind::GitHub => {
                format!("ok      {name} made a ping to {url} and was answered 200\n")
            }
            ForgeKind::GitLab => {
                format!("ok      {name} made a test push to {url} and was answered 202\n")
            }
            ForgeKind::Gitea | ForgeKind::Forgejo => unsaid.clone(),
        };
        assert!(told.contains(&wanted), "{told}");

        // The webhook has another secret than the daemon; then nobody is there.
        let (wrong, away) = match kind {
            ForgeKind::GitHub => {
                ("(401: its secret is not one of the files", "(502: failed to connect to host)")
            }
            ForgeKind::GitLab => {
                ("(the delivery is not signed with the hook's secret)", "(Failed to open TCP")
            }
            ForgeKind::Gitea | ForgeKind::Forgejo => (&*unsaid, &*unsaid),
        };
        forge.on_ping(delivers(kind, &address, "wrong"));
        let refused = tries(&scene, &forge, kind, word);
        forge.on_ping(|_| (0, String::new()));
        let alone = tries(&scene, &forge, kind, word);
        let keeps_a_record = matches!(kind, ForgeKind::GitHub | ForgeKind::GitLab);
        for (tried, words) in [(refused, wrong), (alone, away)] {
            let told = tried.exits(keeps_a_record.into()).out;
            assert!(told.contains(words), "{told}");
            if keeps_a_record {
                assert!(told.contains(&format!("of {name} to {url} failed (")), "{told}");
                assert!(told.contains("; Settings, Webhooks, Add"), "what to set: {told}");
            }
            assert!(!told.contains("s3cret") && !told.contains(FakeForge::TOKEN));
        }
        assert_eq!(forge.faults(), [""; 0], "{kind:?}");
        assert!(forge.rows().is_empty());
    }
    daemon.signal("TERM");
    let log = daemon.ended().exits(0).err;
    assert_eq!(log.matches("a delivery was refused").count(), 4, "one of each forge: {log}");
}

#[test]
fn a_webhook_that_lacks_or_cannot_be_seen_is_told_with_what_to_set() {
    let scene = Scene::of(&["use"]);
    for kind in ForgeKind::ALL {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let forge = runtime.block_on(FakeForge::start(kind, ["a1".repeat(20)]));
        let url = format!("{GALLERY}/hook/aim");
        forge.add_hook(&format!("{url}/else"));
        let tries = || tries(&scene, &forge, kind, "aim");
        let told = tries().exits(0).out;
        let wanted = format!("has no webhook that leads to {url}; Settings, Webhooks, Add");
        assert!(told.contains("hook    ") && told.contains(&wanted), "{told}");
        let id = forge.add_hook(&url);
        for (active, json, wrong) in
            [(false, true, "is switched off"), (true, false, "does not send application/json")]
        {
            forge.set_hook(id, active, json);
            if json || kind != ForgeKind::GitLab {
                let told = tries().exits(1).out;
                assert!(
                    told.contains(&format!("leads to {url} {wrong}; Settings, Webhooks,")),
                    "{told}"
                );
            }
        }
        forge.hide_hooks();
        let told = tries().exits(0).out;
        let right = match kind {
            ForgeKind::GitHub => "Webhooks: read",
            ForgeKind::GitLab => "the role Maintainer",
            ForgeKind::Gitea | ForgeKind::Forgejo => "an account that administers the repository",
        };
        assert!(
            told.contains("has this webhook is not known: it does not show the token"),
            "{told}"
        );
        assert!(told.contains(right) && told.contains("; Settings, Webhooks, Add"), "{told}");
        let asked = forge.requests().into_iter().filter(|it| it.method == "POST" && !it.is_write());
        assert_eq!(asked.count(), 0, "nothing is tried that leads elsewhere");
        assert_eq!(forge.faults(), [""; 0], "{kind:?}");
    }
}

#[test]
fn a_delivery_of_which_there_is_no_record_after_ten_seconds_is_called_neither_good_nor_bad() {
    let scene = Scene::of(&["use"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let forge = runtime.block_on(FakeForge::start(ForgeKind::GitHub, ["a1".repeat(20)]));
    forge.add_hook(&format!("{GALLERY}/hook/aim"));
    let begun = Instant::now();
    // It never was on its way.
    let told = tries(&scene, &forge, ForgeKind::GitHub, "aim").exits(0).out;
    assert!(told.contains("hook    ") && told.contains("has no record of it after 10 s"), "{told}");
    assert!(begun.elapsed() >= Duration::from_secs(10), "{:?}", begun.elapsed());
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
