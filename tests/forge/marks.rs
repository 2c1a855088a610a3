//! Faults at the lines of a pull request's head, where a GitHub App says so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair as _, RsaKeyPair};
use serde_json::{Value, json};
use vitrine_core::config::{ForgeAuth, ForgeKind, PullRequests};
use vitrine_core::status::Board;

use super::author::{Author, ONE, is_validated, opened};
use super::stage::{Stage, on_each, until};
use crate::support::forge::{APP_KEY, CheckRun};

/// The daemon is an App that may write check runs.
pub fn as_app(stage: &mut Stage) {
    let text: String = APP_KEY.lines().filter(|line| !line.starts_with("--")).collect();
    let key = RsaKeyPair::from_der(&STANDARD.decode(text).unwrap()).unwrap();
    stage.forge().app(12, 34, key.public_key().as_ref());
    let private_key_file = stage.secret("app.pem");
    std::fs::write(&private_key_file, APP_KEY).unwrap();
    let app_id = "12".to_owned();
    let auth = ForgeAuth::App { app_id, installation_id: 34, private_key_file };
    stage.settings.forge.as_mut().unwrap().auth = auth;
}

/// A slip on line 6.
fn wrong(stage: &Stage) {
    stage.catalogue.edit("one/solution.yaml", "spec:", "spec:\n  replica: 3");
}

async fn marked(stage: &Stage, runs: usize) -> Vec<CheckRun> {
    stage.daemon_hint();
    let checks = || stage.forge().checks();
    let whole = || checks().len() == runs && checks().iter().all(|run| !run.external_id.is_empty());
    until(whole, || format!("{:#?}", checks())).await;
    checks()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_stand_at_their_lines_once_a_head() {
    on_each(&[ForgeKind::GitHub], &["one", "two"], async |stage| {
        as_app(stage);
        stage.settings.forge.as_mut().unwrap().annotations = true;
        opened(stage, PullRequests::Comment).await;
        let head = Author { stage }.pushes(ONE, wrong);
        is_validated(stage, &head, "failure", "one/solution.yaml:6: ").await;
        let runs = marked(stage, 1).await;
        let run = &runs[0];
        assert_eq!((run.head.as_str(), run.conclusion.as_str()), (head.as_str(), "failure"));
        assert_eq!(
            (run.name.as_str(), run.title.as_str()),
            ("vitrine/test/validate: lines", "1 error, 0 warnings")
        );
        let [(path, line, level, message)] = run.annotations.as_slice() else { panic!("{run:#?}") };
        assert_eq!((path.as_str(), *line, level.as_str()), ("one/solution.yaml", 6, "failure"));
        assert!(message.starts_with("unknown field `replica`"), "{message}");

        // Another life finds what stands there.
        stage.stop().await;
        stage.start().await;
        stage.daemon_hint();
        let main = stage.catalogue.head();
        stage.daemon().settled(&main).await;
        let asked = |stage: &Stage| {
            let all = stage.forge().requests();
            all.iter().filter(|it| it.method == "GET" && it.path.contains("check-runs")).count()
        };
        until(|| asked(stage) == 2, || format!("{:#?}", stage.forge().requests())).await;
        assert_eq!(marked(stage, 1).await, runs);

        // More than one request takes.
        let many = |stage: &Stage| {
            let lines: String = (0..70).map(|n| format!("\n  word{n}: 3")).collect();
            stage.catalogue.edit("one/solution.yaml", "spec:", &format!("spec:{lines}"));
        };
        let head = Author { stage }.pushes(ONE, many);
        is_validated(stage, &head, "failure", "(1 of 70 faults)").await;
        let runs = marked(stage, 2).await;
        assert_eq!((runs[1].head.as_str(), runs[1].annotations.len()), (head.as_str(), 70));

        // Without a fault there is nothing to mark, and another one is marked after it.
        let owned = "spec:\n  owner: group:lab";
        let head = Author { stage }.pushes(ONE, |stage| {
            stage.image("one", 'b');
            stage.catalogue.edit("one/solution.yaml", "spec:", owned);
        });
        is_validated(stage, &head, "success", "1 changed; 1 solution as before").await;
        let classed = |stage: &Stage| {
            let big = format!("{owned}\n  hardware: big");
            stage.catalogue.edit("one/solution.yaml", "spec:", &big);
        };
        let other = Author { stage }.pushes(2, classed);
        is_validated(stage, &other, "failure", "one/solution.yaml:7: ").await;
        let three = marked(stage, 3).await;
        let heads = |runs: &[CheckRun]| runs.iter().map(|it| it.head.clone()).collect::<Vec<_>>();
        assert_eq!(heads(&three), [heads(&runs), vec![other.to_string()]].concat());

        // The branch mends it while no daemon runs: ours is red no more, whatever others call theirs.
        stage.stop().await;
        stage.forge().foreign_check(other.as_str(), &three[2].name, &three[2].external_id);
        let class = "  hardware:\n    - {name: big, requests: {cpu: 250m, memory: 1Gi}}\n";
        stage.catalogue.edit("platform.yaml", "  hardware:\n", class);
        stage.publish("A class");
        stage.start().await;
        is_validated(stage, &other, "success", "1 changed").await;
        let last = marked(stage, 5).await.remove(4);
        assert_eq!((last.head.as_str(), last.conclusion.as_str()), (other.as_str(), "success"));
        assert!(last.annotations.is_empty(), "{last:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_not_asked_to_mark_lines_asks_for_no_right_to() {
    on_each(&[ForgeKind::GitHub], &["one"], async |stage| {
        as_app(stage);
        opened(stage, PullRequests::Validate).await;
        let head = Author { stage }.pushes(ONE, wrong);
        is_validated(stage, &head, "failure", "one/solution.yaml:6: ").await;
        let asked = stage.forge().requests();
        assert!(asked.iter().all(|it| !it.path.contains("check-runs")), "{asked:#?}");
        let tokens = asked.iter().filter(|it| it.path.ends_with("/access_tokens"));
        let rights: Vec<Value> = tokens.map(|it| serde_json::from_str(&it.body).unwrap()).collect();
        let few = json!({"statuses": "write", "pull_requests": "write"});
        assert!(!rights.is_empty() && rights.iter().all(|it| it["permissions"] == few));
        assert_eq!(stage.forge().checks(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_without_the_right_to_mark_lines_tells_all_else() {
    on_each(&[ForgeKind::GitHub], &["one"], async |stage| {
        as_app(stage);
        stage.forge().app_may_not("checks");
        stage.settings.forge.as_mut().unwrap().annotations = true;
        opened(stage, PullRequests::Comment).await;
        let head = Author { stage }.pushes(ONE, wrong);
        is_validated(stage, &head, "failure", "one/solution.yaml:6: ").await;
        let said = || stage.forge().comments(ONE);
        let refused = || said().iter().any(|it| it.body.contains("### `one` · refused"));
        until(refused, || format!("{:#?}", said())).await;
        let told = |board: &Board| {
            board.problems.iter().any(|it| it.contains("\"Checks: read and write\""))
        };
        stage.daemon().board("what the App lacks", told).await;
        assert_eq!(stage.forge().checks(), []);
    })
    .await;
}
