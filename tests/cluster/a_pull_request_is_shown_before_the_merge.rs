//! A preview: what a pull request changes, beside what is published, for as long as somebody wants
//! to see it. On the forges' fakes, with either API server.

use std::time::Duration;

use serde_json::Value;
use vitrine_core::config::{ForgeKind, PullRequests};
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::Board;

use crate::forge::author::{Author, ONE, opened, says};
use crate::forge::stage::{Stage, play, until};
use crate::support::catalogue::minimal;
use crate::support::cluster::Cluster;

/// What asks for a preview.
const LABEL: &str = "preview";
/// How long a preview may stay where a story waits for its end.
const KEEP: Duration = Duration::from_secs(30);

/// The daemon lives, and the platform shows pull requests with these settings.
async fn shows(stage: &mut Stage, settings: &str) {
    let with = format!("spec:\n  previews: {settings}\n");
    stage.catalogue.edit("platform.yaml", "spec:\n", &with);
    stage.commit("Previews");
    opened(stage, PullRequests::Comment).await;
}

fn namespace(number: u64, name: &str) -> ObjectKey {
    ObjectKey::cluster(Kind::Namespace, format!("pv-{number}-{name}"))
}

fn deployment(number: u64, name: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, format!("pv-{number}-{name}"), "app")
}

fn image_of(object: &Value) -> &str {
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default()
}

/// Waits until a preview is there, asleep, with an image that ends so.
async fn is_up(stage: &mut Stage, number: u64, name: &str, digit: char) {
    stage.daemon_hint();
    let end = digit.to_string().repeat(64);
    let is = |it: Option<&Value>| it.is_some_and(|it| image_of(it).ends_with(&end));
    stage.cluster.wait_for(&deployment(number, name), "the preview's image", is).await;
    let preview = format!("pr-{number}--{name}");
    let well = |board: &Board| {
        board.previews.iter().any(|v| v.name.as_str() == preview && v.is_settled() && v.is_good())
    };
    stage.daemon().board("the preview is ready", well).await;
}

/// Waits until nothing of a preview is there.
async fn is_gone(stage: &mut Stage, number: u64, name: &str) {
    stage.daemon_hint();
    let gone = |it: Option<&Value>| it.is_none();
    stage.cluster.wait_for(&namespace(number, name), "gone", gone).await;
    let preview = format!("pr-{number}--{name}");
    let off = |board: &Board| board.previews.iter().all(|v| v.name.as_str() != preview);
    stage.daemon().board("no preview", off).await;
}

/// From the label to the comment's last edit.
async fn from_the_label_to_the_merge(stage: &mut Stage) {
    shows(stage, "{keepFor: 1h, atMost: 3, secrets: []}").await;
    let main = stage.catalogue.head();
    let push =
        |stage: &Stage, digit| Author { stage }.pushes(ONE, |stage| stage.image("one", digit));

    // Pushed: nothing is shown that nobody asked for.
    let first = push(stage, 'b');
    says(stage, ONE, &["**Preview:** with the label `preview` it can be opened"]).await;
    assert!(stage.cluster.get(&namespace(ONE, "one")).await.is_none());

    // Labelled: it is there, asleep, beside what is published.
    stage.forge().label(ONE, LABEL, true);
    is_up(stage, ONE, "one", 'b').await;
    let domain = "demo.example";
    let words = format!("**Preview** of {}: <https://pr-1--one.{domain}>, asleep", first.short());
    says(stage, ONE, &[&words]).await;
    let line = |stage: &Stage| stage.said(&first).remove("vitrine/test/preview");
    let ready = format!("ready at https://pr-1--one.{domain}");
    let expected = Some(("success".to_owned(), ready));
    until(|| line(stage) == expected, || format!("{:?}", line(stage))).await;
    let made = stage.cluster.get(&namespace(ONE, "one")).await.unwrap();
    assert_eq!(made["metadata"]["annotations"]["vitrine.dev/preview-of"], first.as_str());
    assert_eq!(made["metadata"]["annotations"]["vitrine.dev/revision"], first.as_str());
    let shown = stage.cluster.get(&deployment(ONE, "one")).await.unwrap();
    assert_eq!(shown["spec"]["replicas"], 0);
    let quota = ObjectKey::namespaced(Kind::ResourceQuota, "pv-1-one", "limits");
    let quota = stage.cluster.get(&quota).await.unwrap();
    // One copy, and one more while it is replaced.
    assert_eq!(quota["spec"]["hard"]["pods"], "2");
    let published = ObjectKey::namespaced(Kind::Deployment, "sol-one", "app");
    let before = stage.cluster.get(&published).await.unwrap();
    assert!(image_of(&before).ends_with(&"a".repeat(64)));
    let board = stage.daemon().boards.borrow().clone();
    assert_eq!(board.summary(), "2 solutions: 2 Synced");
    assert!(stage.said(&main)["vitrine/test"].1.starts_with("2 solutions"));

    // Visited: it wakes as all others do.
    stage.cluster.players().visit("pv-1-one", "app", 1).await.unwrap();
    let awake = |it: Option<&Value>| it.is_some_and(|it| it["spec"]["replicas"] == 1);
    stage.cluster.wait_for(&deployment(ONE, "one"), "awake", awake).await;

    // Another life goes on with it.
    stage.kill();
    stage.start().await;
    is_up(stage, ONE, "one", 'b').await;
    let again = stage.cluster.get(&namespace(ONE, "one")).await.unwrap();
    assert_eq!(again["metadata"]["uid"], made["metadata"]["uid"]);

    // Pushed over: the label counts for what it was put on.
    let second = push(stage, 'c');
    is_gone(stage, ONE, "one").await;
    let stale = format!("was put on at {} and counts for that alone", first.short());
    says(stage, ONE, &[&stale]).await;
    assert_eq!(stage.said(&second).remove("vitrine/test/preview"), None);
    stage.forge().label(ONE, LABEL, false);
    says(stage, ONE, &["with the label `preview` it can be opened"]).await;
    stage.forge().label(ONE, LABEL, true);
    is_up(stage, ONE, "one", 'c').await;

    // Merged: it is published, and the preview is gone.
    let merge = Author { stage }.merges(ONE, &second);
    stage.is_applied("one", 'c').await;
    is_gone(stage, ONE, "one").await;
    says(stage, ONE, &[&format!("**Merged as {}.**", merge.short()), "`one`: `Synced: "]).await;
}

/// Each way in which a preview ends, while the brake lets nothing go.
async fn ends_and_the_brake_counts_none(stage: &mut Stage) {
    stage.settings.safety.max_removed_share = 0.0;
    stage.settings.safety.max_deletions = 1;
    shows(stage, "{keepFor: 30s, atMost: 3}").await;
    let names = ["one", "two", "three"];
    for (number, name) in (1..).zip(names) {
        Author { stage }.pushes(number, |stage| {
            let text = minimal(name).replace(&"a".repeat(64), &"b".repeat(64));
            stage.catalogue.write(&format!("{name}/solution.yaml"), &text);
        });
        says(stage, number, &["with the label `preview`"]).await;
        stage.forge().label(number, LABEL, true);
    }
    for (number, name) in (1..).zip(names) {
        is_up(stage, number, name, 'b').await;
    }
    // The label is taken off, and it is closed without a merge.
    stage.forge().label(1, LABEL, false);
    stage.forge().end_pull(2, None);
    is_gone(stage, 1, "one").await;
    is_gone(stage, 2, "two").await;
    // Its time is over.
    tokio::time::sleep(KEEP).await;
    is_gone(stage, 3, "three").await;
    says(stage, 3, &["it was there for 30s and is gone; take the label `preview` off"]).await;
    let board = stage.daemon().boards.borrow().clone();
    assert_eq!((board.held.clone(), board.summary()), (None, "2 solutions: 2 Synced".to_owned()));
}

mod a_label_shows_it_and_the_merge_publishes_it {
    use super::*;

    #[test]
    fn sandbox() {
        for kind in ForgeKind::ALL {
            play(Cluster::sandbox, kind, from_the_label_to_the_merge);
        }
    }

    #[test]
    fn real() {
        play(Cluster::real, ForgeKind::Gitea, from_the_label_to_the_merge);
    }
}

mod a_preview_ends_in_each_way_and_the_brake_counts_none {
    use super::*;

    #[test]
    fn sandbox() {
        play(Cluster::sandbox, ForgeKind::GitHub, ends_and_the_brake_counts_none);
    }

    #[test]
    fn real() {
        play(Cluster::real, ForgeKind::GitLab, ends_and_the_brake_counts_none);
    }
}
