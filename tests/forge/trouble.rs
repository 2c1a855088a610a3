//! What somebody has to mend before the statuses can be written: it is told once, in words that say
//! what to do, and the forge is left alone meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;
use vitrine_core::config::ForgeKind;

use super::marks::as_app;
use super::stage::{Stage, on_each, until};
use crate::support::forge::{FakeForge, Fault};

const ALL_IS_WELL: (&str, &str, &str) = ("", "success", "1 solution: 1 Synced");
const ONE: (&str, &str, &str) = ("one", "success", "Synced: ");

/// A daemon that told the forge of the first commit.
async fn started(stage: &mut Stage) {
    stage.start().await;
    stage.stands(&stage.catalogue.head(), &[ALL_IS_WELL, ONE]).await;
}

/// For how long a forge is left alone here: longer than the pause after an answer that did not come.
const ALONE: Duration = Duration::from_secs(2);

/// Another commit is applied and stands in the notes, and the forge hears nothing of it however
/// often the daemon is asked to try everything.
async fn the_forge_is_left_alone(stage: &mut Stage, digit: char) {
    let (begun, asked) = (Instant::now(), stage.forge().requests().len());
    let commit = stage.update("one", digit).await;
    let noted = || stage.noted(&commit).get("vitrine/test/one").is_some_and(|it| it.0 == "success");
    until(noted, || "the notes lack it".to_owned()).await;
    while begun.elapsed() < ALONE {
        let before = stage.daemon().boards.borrow().checked_at;
        stage.daemon().hint();
        stage.daemon().board("looked at again", |board| board.checked_at > before).await;
    }
    assert_eq!(stage.forge().requests().len(), asked, "{:#?}", stage.forge().requests());
}

/// Nothing that people read has the token.
async fn no_secret_is_told(stage: &mut Stage) {
    let is_told = || stage.log().contains("the statuses of commits");
    until(is_told, || "the log has nothing of it".to_owned()).await;
    let log = stage.log();
    let told = log.lines().find(|line| line.contains(FakeForge::TOKEN));
    assert_eq!(told, None);
    let board = format!("{:?}", stage.daemon().boards.borrow());
    assert!(!board.contains(FakeForge::TOKEN), "{board}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_accepted_is_told_with_its_file_and_the_forge_is_left_alone() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        started(stage).await;
        stage.forge().revoke_token();
        stage.update("one", 'b').await;
        let said = stage.trouble("write a valid one into that file").await;
        let file = stage.secret("token").display().to_string();
        assert!(said.contains(&file) && said.contains("(401: "), "{said}");
        the_forge_is_left_alone(stage, 'c').await;
        no_secret_is_told(stage).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forge_that_repeats_the_token_does_not_make_us_repeat_it() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        started(stage).await;
        let words = json!({"message": format!("who is {}?", FakeForge::TOKEN)});
        stage.forge().next_write(Fault::Status(401, vec![], words.to_string()));
        stage.update("one", 'b').await;
        let said = stage.trouble("write a valid one into that file").await;
        assert!(said.contains("who is ***?"), "{said}");
        no_secret_is_told(stage).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_may_not_write_is_told_with_what_it_needs() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        started(stage).await;
        stage.forge().scope_missing();
        stage.update("one", 'b').await;
        let needs = match stage.kind().unwrap() {
            ForgeKind::GitHub => "Commit statuses: read and write",
            ForgeKind::GitLab => "the scope api",
            ForgeKind::Gitea | ForgeKind::Forgejo => "the scope write:repository",
        };
        let said = stage.trouble(needs).await;
        let file = stage.secret("token").display().to_string();
        assert!(said.contains(&file) && said.contains("(403: "), "{said}");
        the_forge_is_left_alone(stage, 'c').await;
        no_secret_is_told(stage).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_moved_is_told_with_its_new_place_and_nobody_follows() {
    on_each(&ForgeKind::ALL, &["one"], async |stage| {
        started(stage).await;
        stage.forge().rename_repository("aim/gallery");
        stage.update("one", 'b').await;
        let said = stage.trouble("is elsewhere now").await;
        let place = match stage.kind().unwrap() {
            ForgeKind::GitHub => "/repositories/4711",
            ForgeKind::GitLab => "/projects/4711",
            ForgeKind::Gitea | ForgeKind::Forgejo => "/repos/aim/gallery",
        };
        assert!(said.contains(place) && said.contains("mend reporting.forge"), "{said}");
        the_forge_is_left_alone(stage, 'c').await;
        let followed = |path: &str| path.contains("4711") || path.contains("gallery");
        assert!(stage.forge().requests().iter().all(|request| !followed(&request.path)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_forge_does_not_have_keeps_no_other_from_being_told() {
    on_each(&ForgeKind::ALL, &["one", "two"], async |stage| {
        stage.start().await;
        let two = ("", "success", "2 solutions: 2 Synced");
        stage.stands(&stage.catalogue.head(), &[two, ONE, ("two", "success", "")]).await;
        stage.image("two", 'b');
        let unknown = stage.commit("Not pushed there yet");
        stage.forge().remove_commit(unknown.as_str());
        stage.push();
        stage.daemon().settled(&unknown).await;
        let tried = |stage: &Stage| {
            let all = stage.forge().requests().into_iter();
            all.filter(|it| it.is_write() && it.path.contains(unknown.as_str())).count()
        };
        until(|| tried(stage) > 0, || "it was not tried".to_owned()).await;
        let known = stage.update("one", 'b').await;
        stage.stands(&known, &[two, ONE]).await;
        stage.stands(&unknown, &[]).await;
        assert_eq!(tried(stage), 1, "{:?}", stage.kind());
        let board = stage.daemon().boards.borrow().clone();
        assert_eq!(board.problems, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_writes_with_tokens_that_it_is_given_and_asks_for_another_when_one_ends() {
    on_each(&[ForgeKind::GitHub], &["one"], async |stage| {
        as_app(stage);
        started(stage).await;
        let given = |stage: &Stage| {
            let all = stage.forge().requests();
            all.iter().filter(|request| request.path.ends_with("/access_tokens")).count()
        };
        assert_eq!(given(stage), 1, "one token is good for an hour");
        assert!(stage.forge().rows().iter().all(|row| row.creator == "vitrine[bot]"));
        // The one that we have is as old as two writes, which are a second apart.
        stage.forge().app_tokens_live(Duration::from_millis(500));
        let commit = stage.update("one", 'b').await;
        stage.stands(&commit, &[ALL_IS_WELL, ONE]).await;
        assert!(given(stage) >= 2);
        stage.is_troubled(false).await;
        assert_eq!(stage.forge().rows().len(), 4);
    })
    .await;
}
