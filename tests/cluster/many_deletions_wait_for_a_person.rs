//! E5. Too many deletions at once are held, while everything else goes on. An approval lets go exactly
//! what it names, also across a restart and a further commit; another hash or an expired approval
//! lets go nothing. A held change of activation leaves every solution wakeable.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vitrine::cluster::{self, HeldList};
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::{Board, Held, Sync, Verdict};

use super::publish::observed;
use super::removal::versions;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::objects;

fn names(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{of}-{n:02}")).collect()
}

fn catalogue(names: &[String]) -> Catalogue {
    Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn namespace(name: &str) -> ObjectKey {
    ObjectKey::cluster(Kind::Namespace, format!("sol-{name}"))
}

/// A person approves this hash of what is held.
async fn approve(
    cluster: &Cluster,
    catalogue: &Catalogue,
    hash: &str,
    held: &Held,
) -> Result<(), String> {
    let of = cluster::Settings::of(&settings(catalogue));
    let harm = held.harm.clone();
    let written = cluster::approve(cluster.admin_client(), &of, hash, &harm).await;
    written.map(drop).map_err(|why| why.to_string())
}

/// What there is of these solutions.
async fn of(cluster: &Cluster, names: &[String]) -> BTreeMap<ObjectKey, String> {
    let homes: BTreeSet<String> = names.iter().map(|name| format!("sol-{name}")).collect();
    let mut all = versions(cluster).await;
    all.retain(|key, _| homes.contains(key.namespace.as_ref().unwrap_or(&key.name).as_str()));
    all
}

fn is_held(board: &Board) -> bool {
    board.held.is_some()
}

/// A commit removes so many of so many, and updates one of the others.
async fn removed_at_once(cluster: &Cluster, name: &str, all: usize, removed: usize) {
    let names = names(name, all);
    let catalogue = catalogue(&names);
    let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
    daemon.settled(&catalogue.head()).await;
    let (going, staying) = names.split_at(removed);
    let before = of(cluster, going).await;

    going.iter().for_each(|name| catalogue.remove(name));
    catalogue.edit(&format!("{}/solution.yaml", staying[0]), &image('a'), &image('b'));
    let head = catalogue.commit("A big tidy-up");
    let told = |board: &Board| board.revision.as_ref() == Some(&head) && is_held(board);
    let board = daemon.board("held", told).await;
    let held = board.held.clone().unwrap();
    assert_eq!(held.reason, format!("would remove {removed} of {all} solutions"));
    let says = |v: &Verdict| v.sync == Sync::Blocked && v.reason.contains("held");
    daemon.verdict(&going[0], "blocked", says).await;
    daemon.verdict(&staying[0], "updated", Verdict::is_good).await;
    let updated = ObjectKey::namespaced(Kind::Deployment, format!("sol-{}", staying[0]), "app");
    let runs = cluster.get(&updated).await.unwrap().to_string();
    assert!(runs.contains(&"b".repeat(64)), "{runs}");
    assert_eq!(of(cluster, going).await, before);

    // The list is where `vitrine approve` looks for it by itself.
    let of_daemon = settings(&catalogue).cluster;
    let lists = async || {
        let instance = Some(&settings(&catalogue).instance);
        cluster::held_lists(cluster.admin_client(), &of_daemon, instance, true).await.unwrap()
    };
    let is_list = |list: &HeldList| list.hash == held.hash && list.harm == held.harm;
    assert!(lists().await.iter().all(is_list) && lists().await.len() == 1);
    // One that a hand takes away is written again.
    let key = ObjectKey::namespaced(
        Kind::ConfigMap,
        DAEMON_NAMESPACE,
        format!("vitrine-{INSTANCE}-held"),
    );
    let api = objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref());
    api.delete(&key.name, &Default::default()).await.unwrap();
    cluster.wait_for(&key, "written again", |o| o.is_some()).await;
    assert!(lists().await.iter().all(is_list) && lists().await.len() == 1);

    // Another hash approves nothing, and a list under a hash that is not its own is no approval.
    assert!(approve(cluster, &catalogue, &"0".repeat(64), &held).await.is_err());
    let mut less = held.clone();
    less.harm.deletions.pop_first();
    assert!(approve(cluster, &catalogue, &held.hash.first(12), &less).await.is_err());

    // A restart and a further commit ask the same question.
    daemon.stop().await;
    catalogue.edit(&format!("{}/solution.yaml", staying[0]), &image('b'), &image('c'));
    let head = catalogue.commit("Life goes on");
    let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
    let told = |board: &Board| board.revision.as_ref() == Some(&head) && is_held(board);
    let again = daemon.board("held again", told).await;
    assert_eq!(again.held.as_ref().map(|h| &h.hash), Some(&held.hash));
    daemon.verdict(&staying[0], "updated", Verdict::is_good).await;
    assert_eq!(of(cluster, going).await, before);

    // Approved while no daemon runs, and once more the catalogue goes on: exactly those go.
    daemon.stop().await;
    approve(cluster, &catalogue, &held.hash.first(12), &held).await.unwrap();
    catalogue.edit(&format!("{}/solution.yaml", staying[0]), &image('c'), &image('d'));
    let head = catalogue.commit("And on");
    let rest = of(cluster, &staying[1..]).await;
    let approved: BTreeSet<ObjectKey> = held.harm.deletions.iter().cloned().collect();
    let mut wanted = observed(cluster).await;
    wanted.retain(|key| !approved.contains(key));
    let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
    daemon
        .board("tidied", |b| {
            b.revision.as_ref() == Some(&head)
                && b.held.is_none()
                && b.verdicts.len() == staying.len()
                && b.verdicts.iter().all(Verdict::is_good)
        })
        .await;
    for name in going {
        cluster.wait_for(&namespace(name), "gone", |o| o.is_none()).await;
    }
    assert_eq!(observed(cluster).await, wanted, "exactly what was approved");
    assert_eq!(of(cluster, &staying[1..]).await, rest, "and nobody else was touched");
    cluster.wait_for(&key, "taken away", |o| o.is_none()).await;
    let approvals = cluster.of_instance(Kind::ConfigMap, INSTANCE).await;
    assert!(approvals.iter().any(|o| o["metadata"]["namespace"] == DAEMON_NAMESPACE));
    daemon.stop().await;
}

scenario! {
    async fn three_of_four_wait_for_a_person_and_go_when_approved(cluster: &Cluster) {
        removed_at_once(cluster, "few", 4, 3).await;
    }
}

scenario! {
    only sandbox, because "40 namespaces take a real control plane minutes to clear away; it runs \
        the small form above";
    async fn fourteen_of_forty_wait_for_a_person_and_go_when_approved(cluster: &Cluster) {
        removed_at_once(cluster, "many", 40, 14).await;
    }
}

/// Commits remove one solution each. So many go, the next is held, and so are all after it.
async fn removed_one_by_one(cluster: &Cluster, name: &str, all: usize, may_go: usize) {
    let names = names(name, all);
    let catalogue = catalogue(&names);
    let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
    daemon.settled(&catalogue.head()).await;
    let (going, staying) = names.split_at(may_go);
    for name in going {
        catalogue.remove(name);
        let head = catalogue.commit("One more is over");
        cluster.wait_for(&namespace(name), "gone", |o| o.is_none()).await;
        let told = |b: &Board| b.revision.as_ref() == Some(&head) && b.held.is_none();
        daemon
            .board("without it", |b| told(b) && b.verdicts.iter().all(|v| v.name.as_str() != name))
            .await;
    }
    let left = of(cluster, staying).await;
    for name in staying {
        catalogue.remove(name);
        let head = catalogue.commit("One more is over");
        let told = |b: &Board| b.revision.as_ref() == Some(&head) && is_held(b);
        daemon.board("held", |b| told(b) && b.verdicts.len() == staying.len()).await;
    }
    let board = daemon.board("all held", is_held).await;
    let reason = &board.held.as_ref().unwrap().reason;
    let lately =
        format!("would remove {all} of {all} solutions ({may_go} of them within the last hour)");
    assert_eq!(*reason, lately);
    assert_eq!(of(cluster, staying).await, left);
    daemon.stop().await;
}

scenario! {
    async fn a_few_commits_that_remove_one_each_are_held_after_the_first(cluster: &Cluster) {
        removed_one_by_one(cluster, "slow", 4, 1).await;
    }
}

scenario! {
    only sandbox, because "40 namespaces take a real control plane minutes to clear away; it runs \
        the small form above";
    async fn forty_commits_that_remove_one_each_are_held_after_the_eighth(cluster: &Cluster) {
        removed_one_by_one(cluster, "drip", 40, 8).await;
    }
}

scenario! {
    async fn an_expired_approval_lets_nothing_go(cluster: &Cluster) {
        let names = names("late", 3);
        let catalogue = catalogue(&names);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        names[..2].iter().for_each(|name| catalogue.remove(name));
        let head = catalogue.commit("A big tidy-up");
        let told = |b: &Board| b.revision.as_ref() == Some(&head) && is_held(b);
        let board = daemon.board("held", told).await;
        let held = board.held.clone().unwrap();
        daemon.stop().await;
        let before = of(cluster, &names).await;
        approve(cluster, &catalogue, &held.hash.first(12), &held).await.unwrap();

        // The server tells the time of an approval in whole seconds.
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let mut short = settings(&catalogue);
        short.safety.approvals_expire_after = Duration::from_secs(1);
        let mut daemon = Daemon::with(cluster, short).await;
        let board = daemon.board("still held", told).await;
        assert_eq!(board.held.as_ref().map(|h| &h.hash), Some(&held.hash));
        // And a new one that lists the same under a hash that is not that of its list.
        let name = format!("vitrine-{INSTANCE}-approval-{}", held.hash.first(12));
        let key = ObjectKey::namespaced(Kind::ConfigMap, DAEMON_NAMESPACE, name);
        let mut forged = cluster.get(&key).await.expect("it was approved");
        let labels = forged["metadata"]["labels"].clone();
        forged["metadata"] = serde_json::json!({
            "name": format!("vitrine-{INSTANCE}-approval-000000000000"),
            "namespace": DAEMON_NAMESPACE, "labels": labels,
        });
        forged["data"]["hash"] = "0".repeat(64).into();
        objects::apply(&cluster.admin_client(), &forged, "kubectl").await.unwrap();
        daemon.hint();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(is_held(&daemon.boards.borrow()));
        assert_eq!(of(cluster, &names).await, before);
        daemon.stop().await;

        // It was for its age alone.
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.board("tidied", |b| b.held.is_none() && b.verdicts.len() == 1).await;
        daemon.stop().await;
    }
}

/// Whether a visit wakes the solution: the route leads to the interceptor, which knows the solution
/// and may be asked, or to the solution itself, and a metric that counts its visitors wakes it.
async fn is_wakeable(cluster: &Cluster, name: &str) -> Result<(), String> {
    let key = |kind, of: &str| ObjectKey::namespaced(kind, format!("sol-{name}"), of);
    let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.ok_or("no route")?;
    let rules = route["spec"]["rules"].as_array().unwrap();
    let back_end = rules.last().unwrap()["backendRefs"][0]["name"].as_str().unwrap_or_default();
    let scaled = cluster.get(&key(Kind::ScaledObject, "app")).await.ok_or("no ScaledObject")?;
    if !scaled["metadata"]["deletionTimestamp"].is_null() {
        return Err("the ScaledObject is leaving".to_owned());
    }
    let trigger = scaled["spec"]["triggers"][0]["type"].as_str().unwrap_or_default();
    match (back_end, trigger) {
        ("app", "prometheus") => Ok(()),
        ("keda-add-ons-http-interceptor-proxy", "external-push" | "external") => {
            let grants = cluster.of_instance(Kind::ReferenceGrant, INSTANCE).await;
            let mine =
                |o: &serde_json::Value| o["metadata"]["labels"]["vitrine.dev/solution"] == name;
            let routes = cluster.of_instance(Kind::InterceptorRoute, INSTANCE).await;
            if !routes.iter().any(mine) || !grants.iter().any(mine) {
                return Err("the interceptor does not know it".to_owned());
            }
            Ok(())
        }
        other => Err(format!("{other:?}")),
    }
}

scenario! {
    async fn a_held_change_of_activation_leaves_every_solution_wakeable(cluster: &Cluster) {
        let names = names("wake", 4);
        let catalogue = catalogue(&names);
        catalogue.edit("platform.yaml", "controller: other", "controller: traefik");
        let head = catalogue.commit("Behind Traefik");
        // As the default of 100 is to 50 solutions.
        let few = || {
            let mut settings = settings(&catalogue);
            settings.safety.max_deletions = 5;
            settings
        };
        let mut daemon = Daemon::with(cluster, few()).await;
        daemon.settled(&head).await;
        let before = versions(cluster).await;
        let all_are_wakeable = async |told: &str| {
            for name in &names {
                is_wakeable(cluster, name).await.unwrap_or_else(|why| panic!("{told}: {name}: {why}"));
            }
        };
        all_are_wakeable("before").await;

        let prometheus = "mode: prometheus\n    prometheus: {serverAddress: \"http://prometheus.monitoring:9090\", job: traefik}";
        catalogue.edit("platform.yaml", "mode: interceptor", prometheus);
        let head = catalogue.commit("Prometheus wakes");
        let told = |b: &Board| {
            b.revision.as_ref() == Some(&head) && b.verdicts.iter().all(|v| v.sync == Sync::Blocked)
        };
        let board = daemon.board("held", |b| is_held(b) && told(b)).await;
        let held = board.held.clone().unwrap();
        assert_eq!(held.reason, format!("would delete {} objects", held.harm.deletions.len()));
        for name in &names {
            let route = ObjectKey::namespaced(Kind::InterceptorRoute, format!("sol-{name}"), "app");
            assert!(held.harm.deletions.contains(&route), "{:?}", held.harm.deletions);
        }
        all_are_wakeable("while it is held").await;
        assert_eq!(versions(cluster).await, before, "the whole of each waits");

        // Across a restart and a further commit of one of them.
        daemon.stop().await;
        catalogue.edit(&format!("{}/solution.yaml", names[0]), &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        let mut daemon = Daemon::with(cluster, few()).await;
        daemon.board("held again", |b| b.revision.as_ref() == Some(&head) && is_held(b)).await;
        all_are_wakeable("after a restart").await;

        approve(cluster, &catalogue, &held.hash.first(12), &held).await.unwrap();
        let done = |b: &Board| b.held.is_none() && b.verdicts.iter().all(Verdict::is_good);
        daemon.board("switched", done).await;
        all_are_wakeable("when it is approved").await;
        for object in cluster.of_instance(Kind::ScaledObject, INSTANCE).await {
            assert_eq!(object["spec"]["triggers"][0]["type"], "prometheus");
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn after_a_rewritten_history_no_further_commit_lets_the_deletions_go(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha5", "beta5", "gamma5", "delta5", "omega5"]);
        catalogue.write("NOTES.md", "Will be rewritten.\n");
        catalogue.commit("A note");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let before = versions(cluster).await;

        catalogue.remove("beta5");
        catalogue.git(&["add", "-A"]);
        catalogue.git(&["commit", "-q", "--amend", "-m", "Another past"]);
        let rewritten = "and the branch's history was rewritten";
        daemon
            .board("held", |b| b.held.as_ref().is_some_and(|h| h.reason.ends_with(rewritten)))
            .await;
        catalogue.write("NOTES.md", "On top of the other past.\n");
        let head = catalogue.commit("A harmless commit");
        let board = daemon.settled(&head).await;
        assert!(board.held.as_ref().is_some_and(|h| h.reason.ends_with(rewritten)), "{board:?}");
        assert_eq!(versions(cluster).await, before);
        daemon.stop().await;
    }
}

/// The hosts that the routes of these solutions have.
async fn hosts(cluster: &Cluster, names: &[String]) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for name in names {
        let key = ObjectKey::namespaced(Kind::HttpRoute, format!("sol-{name}"), "edge");
        let route = cluster.get(&key).await.expect("a route");
        let of = route["spec"]["hostnames"].as_array().unwrap().iter();
        hosts.extend(of.map(|host| host.as_str().unwrap().to_owned()));
    }
    hosts
}

scenario! {
    async fn another_domain_moves_nobody_before_a_person_says_so(cluster: &Cluster) {
        let names = names("moves", 4);
        let catalogue = catalogue(&names);
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon.settled(&catalogue.head()).await;
        let before = hosts(cluster, &names).await;
        let wanted: BTreeSet<String> =
            names.iter().map(|name| format!("{name}.demo.example")).collect();
        assert_eq!(before, wanted);

        // An update beside it goes on.
        catalogue.edit("platform.yaml", "domain: demo.example", "domain: other.example");
        catalogue.edit(&format!("{}/solution.yaml", names[0]), &image('a'), &image('b'));
        let head = catalogue.commit("A nicer domain");
        let told = |board: &Board| board.revision.as_ref() == Some(&head) && is_held(board);
        let held = daemon.board("held", told).await.held.clone().unwrap();
        assert_eq!(held.reason, "would move the addresses of 4 of 4 solutions");
        let told: BTreeSet<String> =
            held.harm.addresses.iter().map(|address| address.host.to_string()).collect();
        assert_eq!(told, before);
        let says = |v: &Verdict| {
            v.sync == Sync::Blocked
                && v.reason.contains("would move the addresses")
                && v.next.contains("vitrine approve")
                && v.urls.iter().all(|url| url.ends_with(".demo.example"))
        };
        for name in &names {
            daemon.verdict(name, "blocked, and opened where it was", says).await;
        }
        let updated = ObjectKey::namespaced(Kind::Deployment, format!("sol-{}", names[0]), "app");
        cluster
            .wait_for(&updated, "updated", |o| {
                o.is_some_and(|o| o.to_string().contains(&"b".repeat(64)))
            })
            .await;
        assert_eq!(hosts(cluster, &names).await, before);

        // Approved while no daemon runs: all move.
        daemon.stop().await;
        approve(cluster, &catalogue, &held.hash.first(12), &held).await.unwrap();
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon
            .board("moved", |b| {
                b.revision.as_ref() == Some(&head)
                    && b.held.is_none()
                    && b.verdicts.len() == names.len()
                    && b.verdicts.iter().all(Verdict::is_good)
            })
            .await;
        let wanted: BTreeSet<String> =
            names.iter().map(|name| format!("{name}.other.example")).collect();
        assert_eq!(hosts(cluster, &names).await, wanted);
        daemon.stop().await;
    }
}
