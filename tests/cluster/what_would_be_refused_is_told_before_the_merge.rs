//! What the API server would refuse of a pull request is told before the merge: it is asked in dry
//! runs, which keep nothing, and only of branches of the repository itself.

use http::Method;
use vitrine_core::config::{ForgeKind, PullRequests};

use crate::forge::author::{Author, ONE, is_validated, opened, says};
use crate::forge::stage::{Stage, play};
use crate::support::cluster::Cluster;
use crate::support::requests::Request;

/// Somebody's policy, in its words.
const WORDS: &str = "pods need a team";
/// Another pull request, of a fork.
const TWO: u64 = 2;

/// The objects that the API server was asked about in dry runs, and whether nothing was written.
fn asked(stage: &Stage) -> (Vec<String>, bool) {
    let all = stage.cluster.requests().take();
    let dry = |request: &&Request| request.parameter("dryRun").as_deref() == Some("All");
    let tried = all.iter().filter(dry).map(|request| {
        assert_eq!(request.method, Method::PATCH);
        request.path.clone()
    });
    (tried.collect(), !all.iter().any(|request| request.is_write() && !request.is_lease()))
}

async fn told_before_the_merge(stage: &mut Stage) {
    stage.settings.forge.as_mut().unwrap().dry_run = true;
    opened(stage, PullRequests::Comment).await;
    stage.cluster.deny_deployments(&["sol-one", "sol-two"], WORDS).await;
    stage.cluster.requests().take();
    let push = |stage: &Stage, number, name: &str, digit| {
        Author { stage }.pushes(number, |stage| stage.image(name, digit))
    };

    // A branch of the repository: the refusal stands on the head and in the comment, and what runs
    // was not touched.
    let head = push(stage, ONE, "one", 'b');
    let words = "one/solution.yaml:1: the API server would refuse Deployment/app: ";
    is_validated(stage, &head, "failure", words).await;
    says(stage, ONE, &["> **Would fail:** `one`. Below stands why.", WORDS]).await;
    let deployment = "/apis/apps/v1/namespaces/sol-one/deployments/app".to_owned();
    assert_eq!(asked(stage), (vec![deployment.clone()], true));

    // The same of a fork: for whoever may not write nobody asks.
    stage.forge().is_fork(TWO);
    let fork = push(stage, TWO, "two", 'c');
    is_validated(stage, &fork, "success", "1 changed; 1 solution as before").await;
    says(stage, TWO, &["### `two` · changed"]).await;
    let (tried, unwritten) = asked(stage);
    // What was refused may be asked again meanwhile.
    assert!(unwritten && tried.iter().all(|path| *path == deployment), "{tried:?}");

    // Without the policy it is well, and the merge does what was said.
    stage.cluster.deny_nothing().await;
    let head = push(stage, ONE, "one", 'd');
    is_validated(stage, &head, "success", "1 changed; 1 solution as before").await;
    let (tried, unwritten) = asked(stage);
    assert!(unwritten && tried.contains(&deployment), "{tried:?}");
    Author { stage }.merges(ONE, &head);
    stage.is_applied("one", 'd').await;
}

mod a_policy_of_the_cluster_fails_the_head_of_who_may_write {
    use super::*;

    #[test]
    fn sandbox() {
        for kind in ForgeKind::ALL {
            play(Cluster::sandbox, kind, told_before_the_merge);
        }
    }

    #[test]
    fn real() {
        play(Cluster::real, ForgeKind::Forgejo, told_before_the_merge);
    }
}
