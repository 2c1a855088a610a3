//! A commit becomes running objects, and nothing is done twice.

use std::collections::{BTreeMap, BTreeSet};

use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::{InstanceName, Kind, ObjectKey, marks};
use vitrine_core::render::phase::phase_at;
use vitrine_core::status::{Health, Stage, Sync};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::players::Player;

/// Every object that the catalogue asks for.
pub fn desired(catalogue: &Catalogue) -> BTreeSet<ObjectKey> {
    contents(catalogue).into_keys().collect()
}

/// The content of each, as its annotation will tell it.
pub fn contents(catalogue: &Catalogue) -> BTreeMap<ObjectKey, String> {
    let snapshot = read_folder(&catalogue.path()).unwrap();
    let catalog = catalog::read(&snapshot, &mut catalog::Memory::default());
    let platform = catalog.platform.as_ref().unwrap();
    let instance = InstanceName::parse(INSTANCE).unwrap();
    assert!(catalog.refused.is_empty(), "{:?}", catalog.refused);
    let now = jiff::Timestamp::now();
    let all = catalog
        .solutions
        .values()
        .flat_map(|s| vitrine_core::render::all(s, platform, &instance, phase_at(s, now)).objects);
    all.map(|object| (object.key.clone(), object.content.to_string())).collect()
}

/// Every object of the instance on the cluster.
pub async fn observed(cluster: &Cluster) -> BTreeSet<ObjectKey> {
    observed_of(cluster, &Kind::RENDERED).await
}

/// Every object of these kinds, but for the list of what is held, which says what the daemon thinks.
pub async fn observed_of(cluster: &Cluster, kinds: &[Kind]) -> BTreeSet<ObjectKey> {
    let mut all = BTreeSet::new();
    for &kind in kinds {
        for object in cluster.of_instance(kind, INSTANCE).await {
            if !object["metadata"]["labels"][marks::HELD].is_null() {
                continue;
            }
            let text = |field: &str| object["metadata"][field].as_str().map(Into::into);
            let (namespace, name) = (text("namespace"), text("name").unwrap());
            all.insert(ObjectKey { kind, namespace, name });
        }
    }
    all
}

scenario! {
    async fn the_example_catalogue_is_published_once_and_for_all(cluster: &Cluster) {
        let catalogue = Catalogue::example();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.settled(&catalogue.head()).await;
        for verdict in &board.verdicts {
            let said = (verdict.sync, verdict.stage, verdict.health);
            let asleep = (Sync::Synced, Some(Stage::Asleep), Some(Health::Healthy));
            assert_eq!(said, asleep, "{verdict:?}");
        }
        assert_eq!(board.verdicts.len(), 4);
        assert_eq!(observed(cluster).await, desired(&catalogue), "all as rendered, none else");

        // A deployment that is born asleep asks for no machine.
        for deployment in cluster.of_instance(Kind::Deployment, INSTANCE).await {
            assert_eq!(deployment["spec"]["replicas"], 0, "{}", deployment["metadata"]["name"]);
        }

        // A commit that changes no solution writes nothing.
        cluster.requests().take();
        catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        let head = catalogue.commit("A note for ourselves");
        daemon.settled(&head).await;
        assert_eq!(cluster.requests().take_writes(), []);
        daemon.stop().await;

        // A restart watches and writes nothing.
        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        let sent = cluster.requests().take();
        let writes: Vec<_> = sent.iter().filter(|r| r.is_write() && !r.is_lease()).collect();
        assert!(writes.is_empty(), "{writes:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn one_changed_image_is_one_patch(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one", "two"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;

        cluster.requests().take();
        catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        daemon.settled(&head).await;
        cluster.requests().all_answered().await;
        let writes = cluster.requests().take_writes();
        let said: Vec<String> = writes.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["PATCH /apis/apps/v1/namespaces/sol-one/deployments/app by vitrine -> 200"]);
        daemon.stop().await;
    }
}

scenario! {
    async fn a_verified_update_is_one_patch_and_three_small_writes(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut settings = settings(&catalogue);
        settings.rollouts.verify = vitrine_core::config::Verify::OnUpdate { parallel: 5 };
        let mut daemon = Daemon::with(cluster, settings).await;
        let born = daemon.settled(&catalogue.head()).await;
        assert_eq!(born.verdicts[0].proof, vitrine_core::status::Proof::Applied);

        cluster.requests().take();
        catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        let board = daemon.settled(&head).await;
        cluster.requests().all_answered().await;
        let said: Vec<String> =
            cluster.requests().take_writes().iter().map(ToString::to_string).collect();
        assert_eq!(said, [
            "PATCH /apis/apps/v1/namespaces/sol-one/deployments/app by vitrine -> 200",
            "PATCH /apis/keda.sh/v1alpha1/namespaces/sol-one/scaledobjects/app by vitrine-verify -> 200",
            "PATCH /apis/apps/v1/namespaces/sol-one/deployments/app by vitrine-verify -> 200",
            "PATCH /apis/keda.sh/v1alpha1/namespaces/sol-one/scaledobjects/app by vitrine-verify -> 200",
        ]);
        assert_eq!(board.verdicts[0].proof, vitrine_core::status::Proof::SeenRunning);
        daemon.stop().await;
    }
}

scenario! {
    async fn trials_beyond_the_slots_wait_for_their_turn_and_get_it(cluster: &Cluster) {
        let names = ["one", "two", "three"];
        let catalogue = Catalogue::of(&names);
        let mut settings = settings(&catalogue);
        settings.rollouts.verify = vitrine_core::config::Verify::OnUpdate { parallel: 1 };
        let mut daemon = Daemon::with(cluster, settings).await;
        daemon.settled(&catalogue.head()).await;
        for name in names {
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
        }
        let head = catalogue.commit("Three newer images");
        let board = daemon.settled(&head).await;
        for verdict in &board.verdicts {
            assert_eq!(verdict.proof, vitrine_core::status::Proof::SeenRunning, "{verdict:?}");
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn a_broken_folder_keeps_what_runs_and_the_others_go_on(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["good", "bad"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let first = catalogue.head();
        let board = daemon.settled(&first).await;
        let urls = ["https://bad.demo.example"];
        assert!(board.verdicts.iter().any(|v| v.urls == urls), "{board:#?}");
        let before = cluster.get(&ObjectKey::namespaced(Kind::Deployment, "sol-bad", "app")).await;

        catalogue.edit("bad/solution.yaml", "spec:", "spec:\n  replica: 3");
        catalogue.edit("good/solution.yaml", &image('a'), &image('c'));
        let head = catalogue.commit("A mistake and an update");
        let board = daemon.settled(&head).await;
        let bad = board.verdicts.iter().find(|v| v.name.as_str() == "bad").unwrap();
        assert_eq!(bad.sync, Sync::Failed);
        assert!(bad.reason.contains("bad/solution.yaml:6:3"), "{}", bad.reason);
        let keeps = format!("; revision {} keeps serving", first.short());
        assert!(bad.reason.ends_with(&keeps), "{}", bad.reason);
        // What is asked for and what serves are two facts.
        assert_eq!((bad.revision.as_ref(), bad.serving.as_ref()), (Some(&head), Some(&first)));
        assert_eq!(bad.urls, urls);
        let key = ObjectKey::namespaced(Kind::Deployment, "sol-bad", "app");
        assert_eq!(cluster.get(&key).await, before);
        let good = cluster.get(&ObjectKey::namespaced(Kind::Deployment, "sol-good", "app")).await.unwrap();
        let runs = good["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
        assert!(runs.ends_with(&"c".repeat(64)), "{runs}");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_commit_that_is_overtaken_while_it_is_verified_gets_a_last_word(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut settings = settings(&catalogue);
        settings.rollouts.verify = vitrine_core::config::Verify::OnUpdate { parallel: 5 };
        let mut daemon = Daemon::with(cluster, settings).await;
        daemon.settled(&catalogue.head()).await;

        cluster.players().stop(Player::Deployments).await;
        catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
        let first = catalogue.commit("An image that never runs");
        daemon
            .board("being verified", |b| {
                b.revision.as_ref() == Some(&first)
                    && b.verdicts[0].reason.starts_with("woken once")
            })
            .await;
        catalogue.edit("one/solution.yaml", &image('b'), &image('c'));
        let second = catalogue.commit("The right image");
        daemon.board("at the second commit", |b| b.revision.as_ref() == Some(&second)).await;
        cluster.players().start(Player::Deployments);
        daemon.settled(&second).await;

        let lines = || {
            let note = ["notes", "--ref", "vitrine/test", "show", first.as_str()];
            let listed = catalogue.git(&["notes", "--ref", "vitrine/test", "list"]);
            if listed.contains(first.as_str()) { catalogue.git(&note) } else { String::new() }
        };
        let as_part = format!("success\tvitrine/test/one\tapplied as part of {}", second.short());
        let by = format!("success\tvitrine/test\tovertaken by {}: 1 solution: 1 Synced", second.short());
        for _ in 0..100 {
            if lines().contains(&as_part) && lines().contains(&by) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(lines().contains(&as_part) && lines().contains(&by), "{}", lines());
        daemon.stop().await;
    }
}
