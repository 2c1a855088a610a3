//! Folders that somebody broke, in each way we know, beside folders that are well.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::status::Sync;

use crate::corpus::hostile::hostile;
use crate::support::catalogue::{Catalogue, image, minimal};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE};

/// A way to break a folder, by name.
type Way = (&'static str, Box<dyn Fn(&Catalogue, &str)>);

/// Every way: a solution file that hurts, and what Git can hold that is no plain file.
fn ways() -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for (name, bytes, _) in hostile() {
        // One that takes minutes to commit says no more than one of a megabyte.
        if bytes.len() <= 1 << 20 {
            let break_it = move |catalogue: &Catalogue, folder: &str| {
                let named = String::from_utf8(bytes.clone())
                    .map(|text| text.replace("{name: use}", &format!("{{name: {folder}}}")));
                let bytes = named.map_or_else(|_| bytes.clone(), String::into_bytes);
                std::fs::write(catalogue.path().join(folder).join("solution.yaml"), bytes).unwrap();
            };
            ways.push((name, Box::new(break_it)));
        }
    }
    ways.push((
        "linked",
        Box::new(|catalogue, folder| {
            symlink("solution.yaml", catalogue.path().join(folder).join("link.yaml")).unwrap();
        }),
    ));
    ways.push((
        "linked-itself",
        Box::new(|catalogue, folder| {
            let file = catalogue.path().join(folder).join("solution.yaml");
            std::fs::remove_file(&file).unwrap();
            symlink("../good-a/solution.yaml", file).unwrap();
        }),
    ));
    ways.push((
        "submodule",
        Box::new(|catalogue, folder| {
            let module = format!("{folder}/vendor");
            catalogue.git(&["init", "-q", &module]);
            let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
            let commit = ["commit", "-q", "--allow-empty", "-m", "Another repository"];
            catalogue.git(&[&["-C", &module][..], &identity, &commit].concat());
        }),
    ));
    ways.push((
        "not-utf8",
        Box::new(|catalogue, folder| {
            let name = OsStr::from_bytes(b"caf\xe9.txt");
            std::fs::write(catalogue.path().join(folder).join(name), "coffee").unwrap();
        }),
    ));
    ways
}

/// Every object of the instance, but for what other controllers say of it, whenever they come to
/// it.
async fn objects(cluster: &Cluster) -> BTreeMap<ObjectKey, Value> {
    let mut all = BTreeMap::new();
    for kind in Kind::RENDERED {
        for mut object in cluster.of_instance(kind, INSTANCE).await {
            object.as_object_mut().unwrap().remove("status");
            for told in ["resourceVersion", "managedFields"] {
                object["metadata"].as_object_mut().unwrap().remove(told);
            }
            let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
            let key = ObjectKey { kind, namespace: text("namespace"), name: text("name").unwrap() };
            all.insert(key, object);
        }
    }
    all
}

scenario! {
    async fn one_broken_solution_in_each_way_leaves_the_others_published(cluster: &Cluster) {
        let ways = ways();
        let good = ["good-a", "good-b"];
        let broken: Vec<&str> = ways.iter().map(|(name, _)| *name).collect();
        let catalogue = Catalogue::of(&[&good[..], &broken].concat());
        let daemon = Daemon::start(cluster, &catalogue).await;
        let mut daemon = daemon.patient(Duration::from_secs(90));
        daemon.settled(&catalogue.head()).await;
        let before = objects(cluster).await;
        cluster.requests().take();

        // One commit: everybody gets a newer image or one more folder, and most are broken by it.
        for (name, break_it) in &ways {
            let twin = format!("{name}-x");
            catalogue.write(&format!("{twin}/solution.yaml"), &minimal(&twin));
            break_it(&catalogue, name);
            break_it(&catalogue, &twin);
        }
        for name in good {
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
        }
        catalogue.write("good-c/solution.yaml", &minimal("good-c"));
        let head = catalogue.commit("A bad day");
        let board = daemon.settled(&head).await;
        for verdict in &board.verdicts {
            let well = verdict.name.as_str().starts_with("good-");
            let expected = if well { Sync::Synced } else { Sync::Failed };
            assert_eq!(verdict.sync, expected, "{verdict:?}");
        }
        let mut expected: BTreeSet<String> =
            ["good-a", "good-b", "good-c"].map(str::to_owned).into();
        expected.extend(broken.iter().flat_map(|name| [(*name).to_owned(), format!("{name}-x")]));
        assert_eq!(board.verdicts.iter().map(|v| v.name.to_string()).collect::<BTreeSet<_>>(), expected);

        // What is well has arrived, with the same pass.
        let after = objects(cluster).await;
        for (name, digit) in [("good-a", 'b'), ("good-b", 'b'), ("good-c", 'a')] {
            let key = ObjectKey::namespaced(Kind::Deployment, format!("sol-{name}"), "app");
            let runs = &after[&key]["spec"]["template"]["spec"]["containers"][0]["image"];
            let digest = digit.to_string().repeat(64);
            assert!(runs.as_str().is_some_and(|runs| runs.ends_with(&digest)), "{name}: {runs}");
        }
        // Of what is broken the old objects are as they were, and no new one was made.
        let is_well = |key: &ObjectKey| {
            let home = key.namespace.as_ref().unwrap_or(&key.name);
            home.starts_with("sol-good-") || key.name.contains("-good-")
        };
        let of_broken = |all: &BTreeMap<ObjectKey, Value>| {
            let mut all = all.clone();
            all.retain(|key, _| !is_well(key));
            all
        };
        assert_eq!(of_broken(&after), of_broken(&before));
        let writes = cluster.requests().take_writes();
        let touched: Vec<_> = writes.iter().filter(|r| !r.path.contains("-good-")).collect();
        assert!(touched.is_empty(), "{touched:?}");
        daemon.stop().await;
    }
}
