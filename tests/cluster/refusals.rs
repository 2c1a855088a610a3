//! What the API server refuses is tried again, by itself, and not too often.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::{Sync, Verdict};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;
use crate::support::objects;
use crate::support::requests::Request;

/// Somebody's policy, in its words.
const WORDS: &str = "pods need a team";

fn deployment(solution: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, format!("sol-{solution}"), "app")
}

fn is_refused(verdict: &Verdict) -> bool {
    verdict.sync == Sync::Failed && verdict.reason.contains(WORDS)
}

/// The tries to write these Deployments.
fn tries(requests: &[Request], names: &[String]) -> usize {
    let paths: BTreeSet<String> = names
        .iter()
        .map(|name| format!("/apis/apps/v1/namespaces/sol-{name}/deployments/app"))
        .collect();
    requests.iter().filter(|r| r.method == http::Method::PATCH && paths.contains(&r.path)).count()
}

/// The most tries that the timer alone makes in this time: after 1 s, 2 s, 4 s, each a fifth
/// sooner at the soonest.
fn timely(within: Duration) -> usize {
    let (mut tries, mut pause, mut sum) = (0, 0.8, 0.8);
    while sum <= within.as_secs_f64() {
        tries += 1;
        pause *= 2.0;
        sum += pause;
    }
    tries
}

/// A Deployment with a label more in its selector, which nobody can change afterwards.
async fn replace_selector(cluster: &Cluster, key: &ObjectKey) {
    let old = cluster.get(key).await.unwrap();
    let api = objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref());
    api.delete(&key.name, &Default::default()).await.unwrap();
    let mut other = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": key.name, "namespace": key.namespace, "labels": old["metadata"]["labels"],
        },
        "spec": {
            "replicas": 0,
            "selector": old["spec"]["selector"], "template": {
                "metadata": {"labels": old["spec"]["template"]["metadata"]["labels"]},
                "spec": {"containers": [{"name": "x", "image": "registry.example/x:1"}]},
            },
        },
    });
    other["spec"]["selector"]["matchLabels"]["more"] = json!("yes");
    other["spec"]["template"]["metadata"]["labels"]["more"] = json!("yes");
    // The daemon may be faster and have its own back; then there is nothing to replace yet.
    while let Err(why) =
        api.create(&Default::default(), &serde_json::from_value(other.clone()).unwrap()).await
    {
        assert!(matches!(&why, kube::Error::Api(status) if status.code == 409), "{why}");
        let _ = api.delete(&key.name, &Default::default()).await;
    }
}

scenario! {
    async fn a_policy_that_is_gone_lets_the_refused_object_through(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-p", "beta-p"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        for (round, end) in ["a commit elsewhere", "a person's hint", "time"].iter().enumerate() {
            cluster.deny_deployments(&["sol-beta-p"], WORDS).await;
            let digits = ['a', 'b', 'c', 'd'];
            let (from, to) = (image(digits[round]), image(digits[round + 1]));
            catalogue.edit("beta-p/solution.yaml", &from, &to);
            catalogue.commit("Another image");
            daemon.verdict("beta-p", "refused", is_refused).await;
            cluster.deny_nothing().await;
            match *end {
                "a commit elsewhere" => {
                    catalogue.write("NOTES.md", "Nothing to see.\n");
                    catalogue.commit("A note");
                }
                "a person's hint" => daemon.hint(),
                _ => {}
            }
            let verdict = daemon.verdict("beta-p", end, |v| v.sync == Sync::Synced).await;
            assert!(verdict.is_good(), "{verdict:?}");
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn a_deployment_that_the_operator_deletes_as_told_comes_back(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-q"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let key = deployment("alpha-q");
        replace_selector(cluster, &key).await;
        daemon
            .verdict("alpha-q", "refused", |v| {
                v.sync == Sync::Failed && v.reason.contains("selector")
            })
            .await;
        let api = objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref());
        api.delete(&key.name, &Default::default()).await.unwrap();
        let is_ours = |o: Option<&Value>| {
            o.is_some_and(|o| o["spec"]["selector"]["matchLabels"]["more"].is_null())
        };
        cluster.wait_for(&key, "created by the daemon", is_ours).await;
        daemon.verdict("alpha-q", "published", Verdict::is_good).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_route_comes_back_although_the_new_version_is_refused(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-r"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        cluster.deny_deployments(&["sol-alpha-r"], WORDS).await;
        catalogue.edit("alpha-r/solution.yaml", &image('a'), &image('b'));
        catalogue.commit("Another image");
        let keeps = |v: &Verdict| is_refused(v) && v.reason.ends_with("keeps serving");
        daemon.verdict("alpha-r", "refused, and the old one serves", keeps).await;
        let uid = |object: Option<&Value>| object.map(|o| o["metadata"]["uid"].clone());
        for (kind, name) in [(Kind::HttpRoute, "edge"), (Kind::Service, "app")] {
            let key = ObjectKey::namespaced(kind, "sol-alpha-r", name);
            let before = uid(cluster.get(&key).await.as_ref());
            let api = objects::api(&cluster.admin_client(), kind, key.namespace.as_deref());
            api.delete(name, &Default::default()).await.unwrap();
            let is_back = |o: Option<&Value>| o.is_some() && uid(o) != before;
            cluster.wait_for(&key, "made again", is_back).await;
        }
        daemon.verdict("alpha-r", "refused, and the old one serves", keeps).await;
        cluster.deny_nothing().await;
        daemon.verdict("alpha-r", "published", Verdict::is_good).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_refused_object_costs_one_try_for_many_commits(cluster: &Cluster) {
        refused_among(cluster, 10, 3, 20).await;
    }
}

scenario! {
    only sandbox, because "500 solutions take minutes on the real one; it runs the small form above";
    async fn fifty_refused_of_five_hundred_cost_fifty_tries_for_fifty_commits(cluster: &Cluster) {
        refused_among(cluster, 500, 50, 50).await;
    }
}

/// Publishes, has some refused, makes commits elsewhere within 5 s, and counts.
async fn refused_among(cluster: &Cluster, all: usize, refused: usize, commits: usize) {
    let names: Vec<String> = (0..all).map(|n| format!("s{n:03}")).collect();
    let catalogue = Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(200));
    daemon.settled(&catalogue.head()).await;

    let (bad, good) = names.split_at(refused);
    let places: Vec<String> = bad.iter().map(|name| format!("sol-{name}")).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    cluster.deny_deployments(&places, WORDS).await;
    for name in bad {
        catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
    }
    cluster.requests().take();
    let begun = Instant::now();
    catalogue.commit("They need another image");
    daemon
        .board("refused", |b| b.verdicts.iter().filter(|v| is_refused(v)).count() == refused)
        .await;
    for commit in 0..commits {
        let digits = ['a', 'b'];
        let (from, to) = (image(digits[commit % 2]), image(digits[(commit + 1) % 2]));
        catalogue.edit(&format!("{}/solution.yaml", good[0]), &from, &to);
        // Each is a pass of its own.
        let head = catalogue.commit("Another image elsewhere");
        daemon.board("at this commit", |b| b.revision.as_ref() == Some(&head)).await;
    }
    let head = catalogue.head();
    daemon
        .board("at the last commit", |b| {
            let same = |v: &&Verdict| v.name.as_str() == good[0] && v.is_good();
            b.revision.as_ref() == Some(&head) && b.verdicts.iter().any(|v| same(&v))
        })
        .await;
    let elapsed = begun.elapsed();
    let tries = tries(&cluster.requests().take(), bad);
    let most = refused * (1 + timely(elapsed) + 1);
    println!(
        "{tries} tries for {refused} refused and {commits} commits in {elapsed:?}; at most {most}"
    );
    assert!(tries >= refused, "each was tried");
    assert!(tries <= most, "{tries} tries, at most {most} in {elapsed:?}");
    daemon.stop().await;
}
