//! What registries say of the images of a pull request, before the merge. With a real registry.

use serde_json::json;
use vitrine_core::config::{ForgeKind, Images, PullRequests};

use super::author::{Author, ONE, is_validated, opened, says, validated};
use super::stage::{Stage, on_each, until};
use crate::support::registry::{PASSWORD, Registry, USER};

/// The settings of an image of one system.
fn settings(architecture: &str, port: u16) -> String {
    json!({
        "os": "linux", "architecture": architecture, "created": "2026-11-02T08:00:00Z",
        "config": {
            "User": "10001", "ExposedPorts": { format!("{port}/tcp"): {} },
            "Labels": { "org.opencontainers.image.licenses": "Apache-2.0" },
        },
    })
    .to_string()
}

/// The platform names this registry, and the daemon may ask it.
async fn asks(stage: &mut Stage, host: &str, images: Images) {
    stage.catalogue.edit("platform.yaml", "    allow: [", &format!("    allow: [\"{host}/*\", "));
    stage.commit("A registry");
    stage.settings.forge.as_mut().unwrap().images = Some(images);
    opened(stage, PullRequests::Comment).await;
}

fn near(host: &str) -> Images {
    Images { credentials_file: None, plain_http: vec![host.to_owned()] }
}

/// Makes `one` start this image.
fn starts(stage: &Stage, image: &str) {
    let text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: one}}\nspec:\n  \
         image: {image}\n  owner: group:lab\n"
    );
    stage.catalogue.write("one/solution.yaml", &text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_not_there_or_does_not_fit_fails_before_the_merge() {
    on_each(&[ForgeKind::GitHub, ForgeKind::GitLab], &["one", "two"], async |stage| {
        let registry = Registry::open();
        let host = registry.host();
        let push = |tag: &str, architecture: &str| {
            let digest = registry.push_image("lab/one", tag, &settings(architecture, 8080), 1000);
            format!("{host}/lab/one:{tag}@{digest}")
        };
        asks(stage, &host, near(&host)).await;
        stage.forge().is_fork(ONE);

        // Nobody pushed it.
        let missing = format!("{host}/lab/one:1@sha256:{}", "e".repeat(64));
        let head = Author { stage }.pushes(ONE, |stage| starts(stage, &missing));
        is_validated(stage, &head, "failure", "one/solution.yaml:5: ").await;
        let words = ["> **Would fail:** `one`", "**Why it would fail**", "(404)"];
        let first = says(stage, ONE, &words).await;

        // Pushed, for arm64 alone: a warning.
        let image = push("2", "arm64");
        let head = Author { stage }.pushes(ONE, |stage| starts(stage, &image));
        is_validated(stage, &head, "success", "1 changed; 1 solution as before; 1 warning").await;
        says(stage, ONE, &["built for arm64 only"]).await;

        // As it should be: the reviewer reads what it is.
        let image = push("3", "amd64");
        let head = Author { stage }.pushes(ONE, |stage| starts(stage, &image));
        is_validated(stage, &head, "success", "1 changed").await;
        let told = "`linux/amd64 · 1.0 kB to fetch · user 10001 · port 8080 · built 2026-11-02 · \
                    license Apache-2.0`";
        let last = says(stage, ONE, &[told]).await;
        assert_eq!((last.id, stage.forge().comment_writes()), (first.id, 3));
        assert!(!last.body.contains("ould fail"), "{}", last.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_lets_nobody_look_or_is_away_is_no_fault_of_the_author() {
    on_each(&[ForgeKind::Forgejo], &["one"], async |stage| {
        let registry = Registry::with_password();
        let host = registry.host();
        let digest = registry.push_image("lab/one", "1", &settings("amd64", 8080), 0);
        let image = format!("{host}/lab/one:1@{digest}");
        let file = stage.secret("registries.json");
        std::fs::write(&file, "{\"auths\": {}}").unwrap();
        let mut images = near(&host);
        images.credentials_file = Some(file.clone());
        asks(stage, &host, images).await;

        // Without credentials.
        let head = Author { stage }.pushes(ONE, |stage| starts(stage, &image));
        is_validated(stage, &head, "success", "1 changed").await;
        let words = "its registry does not let us, or has none of that name";
        let body = says(stage, ONE, &[words]).await.body;
        assert!(!body.contains("registries.json"), "the operator's files are nobody's: {body}");
        let log = || stage.log();
        until(|| log().contains("asks for credentials for `lab/one` (401)"), log).await;

        // With credentials, which are read at each use.
        let pair = format!("{USER}:{PASSWORD}");
        let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
        let text = json!({"auths": {host.clone(): {"auth": auth}}}).to_string();
        std::fs::write(&file, text).unwrap();
        let head = Author { stage }.pushes(ONE, |stage| {
            starts(stage, &image);
            stage.catalogue.write("NOTES.md", "Pushed again.\n");
        });
        is_validated(stage, &head, "success", "1 changed").await;
        says(stage, ONE, &["`linux/amd64 · "]).await;

        // The registry is gone. What a digest names is known already, another one is not.
        drop(registry);
        let writes = stage.forge().comment_writes();
        let head = Author { stage }.pushes(ONE, |stage| {
            starts(stage, &image);
            stage.catalogue.write("NOTES.md", "And again.\n");
        });
        is_validated(stage, &head, "success", "1 changed").await;
        assert_eq!(stage.forge().comment_writes(), writes, "it says what it said");
        assert!(!stage.log().contains("cannot be reached"), "{}", stage.log());
        let other = format!("{host}/lab/one:2@sha256:{}", "e".repeat(64));
        let head = Author { stage }.pushes(ONE, |stage| starts(stage, &other));
        is_validated(stage, &head, "success", "1 changed").await;
        says(stage, ONE, &["the daemon's log says why"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_sends_the_daemon_to_no_host_of_its_choice() {
    on_each(&[ForgeKind::Gitea], &["one"], async |stage| {
        let registry = Registry::open();
        let (host, named) = (registry.host(), "registry.example");
        // The daemon may ask this machine, and the operator's file does not name it.
        asks(stage, named, near(&host)).await;
        stage.forge().is_fork(ONE);
        let image = format!("{host}/lab/one:1@sha256:{}", "e".repeat(64));
        let head = Author { stage }.pushes(ONE, |stage| {
            starts(stage, &image);
            let from = format!("\"{named}/*\", ");
            stage.catalogue.edit("platform.yaml", &from, &format!("\"{host}/*\", "));
        });
        // It is not there, and nobody asked: otherwise this were a failure.
        is_validated(stage, &head, "success", "1 changed").await;
        let body = says(stage, ONE, &["### `one` · changed"]).await.body;
        assert!(!body.contains("could look at"), "{body}");
        assert_eq!(validated(stage, &head).unwrap().0, "success");
    })
    .await;
}
