//! E3. Of 100 solutions one is broken, in each way that we know, the mistakes that would make a name
//! vanish among them: 99 are published in the same pass, and the broken one stays as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::Value;
use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::{InstanceName, Kind, ObjectKey};
use vitrine_core::status::Sync;

use crate::corpus::from_folder::Files;
use crate::corpus::hostile::hostile;
use crate::corpus::protected::{LIVE, MISTAKES};
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
            let key = ObjectKey {
                kind,
                namespace: text("namespace").map(Into::into),
                name: text("name").unwrap().into(),
            };
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

/// The folders that the mistakes are about.
const FOLDERS: [&str; 3] = ["alpha", "beta", "lab/gamma"];

/// Every file of the folders that a mistake is about.
fn files(catalogue: &Catalogue) -> Files {
    let listed = catalogue.git(&["ls-files", "alpha", "beta", "lab"]);
    // What the last way left in the index and not on the disk is nobody's.
    let read =
        |file: &str| Some((file.to_owned(), std::fs::read(catalogue.path().join(file)).ok()?));
    listed.lines().filter_map(read).collect()
}

/// Removes whatever a way to break a catalogue left on the disk.
fn clear(catalogue: &Catalogue) {
    for entry in std::fs::read_dir(catalogue.path()).unwrap().flatten() {
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if entry.path().is_dir() && name != ".git" && !name.starts_with("demo-") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

/// What happens to the folders, by name.
type Blow = (String, Box<dyn Fn(&Catalogue)>);

/// Each way above, three folders at a time because it is one commit then, and each mistake alone.
fn blows() -> Vec<Blow> {
    let mut all: Vec<Blow> = Vec::new();
    let mut ways = ways().into_iter().peekable();
    while ways.peek().is_some() {
        let three: Vec<(Way, &str)> = ways.by_ref().take(3).zip(FOLDERS).collect();
        let name = three.iter().map(|((name, _), _)| *name).collect::<Vec<_>>().join(", ");
        let make = move |catalogue: &Catalogue| {
            three.iter().for_each(|((_, break_it), folder)| break_it(catalogue, folder));
        };
        all.push((name, Box::new(make)));
    }
    for (name, mistake, _) in MISTAKES {
        let make = move |catalogue: &Catalogue| {
            let mut files = files(catalogue);
            mistake(&mut files);
            clear(catalogue);
            for (file, bytes) in files {
                let path = catalogue.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        };
        all.push((name.to_owned(), Box::new(make)));
    }
    all
}

scenario! {
    only sandbox, because "a hundred namespaces take a real control plane minutes to clear away; it \
        runs the scenario above";
    async fn one_of_a_hundred_broken_in_each_way_stays_and_the_others_go_on(cluster: &Cluster) {
        let others: Vec<String> = (0..97).map(|n| format!("demo-{n:02}")).collect();
        let catalogue = Catalogue::of(&others.iter().map(String::as_str).collect::<Vec<_>>());
        for (folder, name) in FOLDERS.iter().zip(LIVE) {
            catalogue.write(&format!("{folder}/solution.yaml"), &minimal(name));
            catalogue.write(&format!("{folder}/README.md"), "# A demonstrator\n");
            catalogue.write(&format!("{folder}/examples/a.json"), "{\"path\": \"/\"}");
        }
        let base = catalogue.commit("A hundred");
        let daemon = Daemon::start(cluster, &catalogue).await;
        let mut daemon = daemon.patient(Duration::from_secs(90));
        daemon.settled(&base).await;
        let before = objects(cluster).await;
        cluster.requests().take();

        let instance = InstanceName::parse(INSTANCE).unwrap();
        for (round, (way, strike)) in blows().into_iter().enumerate() {
            clear(&catalogue);
            catalogue.git(&["checkout", "-q", base.as_str(), "--", "alpha", "beta", "lab"]);
            strike(&catalogue);
            // First everybody else has a newer image, then a few at a time.
            let changed = if round == 0 { 0..97 } else { round % 90..round % 90 + 5 };
            let digits = |name: &str| {
                let text = catalogue.path().join(name).join("solution.yaml");
                let old = std::fs::read_to_string(text).unwrap().contains(&image('a'));
                if old { ['a', 'b'] } else { ['b', 'a'] }
            };
            for name in &others[changed.clone()] {
                let [from, to] = digits(name).map(image);
                catalogue.edit(&format!("{name}/solution.yaml"), &from, &to);
            }
            let head = catalogue.commit(&way);
            let good: BTreeSet<String> = {
                let read = catalog::read(&read_folder(&catalogue.path()).unwrap(), &mut Default::default());
                read.solutions.keys().map(ToString::to_string).collect()
            };
            assert!(LIVE.iter().any(|name| !good.contains(*name)), "{way} breaks nothing");

            let board = daemon.settled(&head).await;
            for name in others.iter().map(String::as_str).chain(LIVE) {
                let verdict = board.verdicts.iter().find(|v| v.name == name);
                let verdict = verdict.unwrap_or_else(|| panic!("{way}: {name} has vanished"));
                let expected = if good.contains(name) { Sync::Synced } else { Sync::Failed };
                assert_eq!(verdict.sync, expected, "{way}: {verdict:?}");
            }
            // The others have arrived, with one request each; of the broken nothing was touched.
            let writes = cluster.requests().take_writes();
            let (of_others, rest): (Vec<_>, Vec<_>) =
                writes.into_iter().partition(|r| r.path.contains("/sol-demo-"));
            let wanted: BTreeSet<String> = others[changed]
                .iter()
                .map(|name| format!("/apis/apps/v1/namespaces/sol-{name}/deployments/app"))
                .collect();
            assert_eq!(of_others.len(), wanted.len(), "{way}: {of_others:#?}");
            let patched: BTreeSet<String> = of_others.into_iter().map(|r| r.path).collect();
            assert_eq!(patched, wanted, "{way}");
            for name in LIVE.iter().filter(|name| !good.contains(**name)) {
                let touched: Vec<_> = rest
                    .iter()
                    .filter(|r| r.path.contains(&format!("sol-{name}")) || r.path.ends_with(name))
                    .collect();
                assert!(touched.is_empty(), "{way}: {touched:#?}");
            }
        }
        let mut after = objects(cluster).await;
        let mut of_live = before;
        for all in [&mut of_live, &mut after] {
            all.retain(|key, _| key.solution(&instance).is_some_and(|its| its.as_str() == "alpha"));
        }
        assert_eq!(after, of_live, "alpha was broken all the time");
        daemon.stop().await;
    }
}
