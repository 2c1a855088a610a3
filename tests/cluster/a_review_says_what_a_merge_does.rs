//! What a review says of objects is what becomes of them on a cluster: random commits, one after
//! the other, each told before and looked at after.

use std::collections::{BTreeMap, BTreeSet};

use vitrine::git::read_folder;
use vitrine_core::catalog::{self, Catalog};
use vitrine_core::change::{self, Brake, Review, Setting, Verb, What};
use vitrine_core::config::Safety;
use vitrine_core::model::{InstanceName, Kind, ObjectKey, marks};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};

/// Pairs on the API server in memory, and on the real one.
const PAIRS: usize = 200;
const REAL_PAIRS: usize = 12;

/// Solutions come and go under these names; `stays` never goes, because all may not.
const NAMES: [&str; 5] = ["one", "two", "three", "four", "five"];

/// A solution's file: any of some images and settings, now and then a broken one.
fn file(name: &str, chance: &mut fastrand::Rng) -> String {
    let mut text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         image: {}\n",
        image(chance.choice(['a', 'b', 'c']).unwrap())
    );
    for line in [
        "  env: {WINDOW: \"60\"}\n",
        "  network: {egress: [{cidr: 0.0.0.0/0, port: 443}]}\n",
        "  scaling: {maxReplicas: 3}\n",
        "  configurations: {left: {}, right: {env: {SIDE: r}}}\n",
        "  resources: {limits: {memory: 2Gi}}\n",
        "  http: {requestTimeout: 90s}\n",
        "  expires: 2020-01-01\n",
        "  # a word to ourselves\n",
    ] {
        if chance.u8(0..4) == 0 {
            text += line;
        }
    }
    if chance.u8(0..12) == 0 {
        text += "  replica: 3\n";
    }
    text
}

/// What one commit changes.
fn edit(catalogue: &Catalogue, chance: &mut fastrand::Rng) {
    for _ in 0..chance.usize(1..4) {
        let name = chance.choice(NAMES).unwrap();
        let is_there = catalogue.path().join(name).exists();
        match chance.u8(0..10) {
            0..=2 if is_there => catalogue.remove(name),
            3 => {
                let text = std::fs::read_to_string(catalogue.path().join("platform.yaml")).unwrap();
                let (from, to) = match text.contains("requestTimeout: 60s") {
                    true => ("requestTimeout: 60s", "requestTimeout: 70s"),
                    false => ("requestTimeout: 70s", "requestTimeout: 60s"),
                };
                catalogue.edit("platform.yaml", from, to);
            }
            _ => catalogue.write(&format!("{name}/solution.yaml"), &file(name, chance)),
        }
    }
}

/// The content of every object of the instance.
async fn contents(cluster: &Cluster) -> BTreeMap<ObjectKey, String> {
    let mut contents = BTreeMap::new();
    for kind in Kind::RENDERED {
        for object in cluster.of_instance(kind, INSTANCE).await {
            let metadata = &object["metadata"];
            let Some(content) = metadata["annotations"][marks::CONTENT].as_str() else { continue };
            let text = |field: &str| metadata[field].as_str().map(Into::into);
            let (namespace, name) = (text("namespace"), text("name").unwrap());
            contents.insert(ObjectKey { kind, namespace, name }, content.to_owned());
        }
    }
    contents
}

fn judged(catalogue: &Catalogue) -> Catalog {
    let snapshot = read_folder(&catalogue.path()).unwrap();
    catalog::read(&snapshot, &mut catalog::Memory::default())
}

fn told(base: &Catalog, head: &Catalog) -> Review {
    let instance = InstanceName::parse(INSTANCE).unwrap();
    let brake = Brake { max_removed_share: 1.0, max_deletions: 100_000 };
    let (now, earlier) = (jiff::Timestamp::now(), BTreeMap::new());
    change::between(base, head, &Setting { instance: &instance, now, brake, earlier: &earlier })
}

/// Holds a review against what was and what is.
fn judge(
    review: &Review,
    before: &BTreeMap<ObjectKey, String>,
    after: &BTreeMap<ObjectKey, String>,
) {
    let keys: BTreeSet<&ObjectKey> = before.keys().chain(after.keys()).collect();
    let mut happened = BTreeMap::new();
    for key in keys {
        let verb = match (before.get(key), after.get(key)) {
            (None, Some(_)) => Verb::Create,
            (Some(_), None) => Verb::Delete,
            (old, new) if old != new => Verb::Update,
            _ => continue,
        };
        happened.insert(key.clone(), verb);
    }
    let mut said = BTreeMap::new();
    let mut unsure = BTreeSet::new();
    for one in &review.touched {
        if matches!(one.what, What::WasFrozen | What::FrozenThenGone) {
            unsure.insert(one.name.solution().unwrap().clone());
            for object in &one.objects {
                assert!(after.contains_key(&object.key), "{} was to be applied", object.key);
            }
            continue;
        }
        said.extend(one.objects.iter().map(|object| (object.key.clone(), object.verb)));
    }
    // Of whom it says that it does not know, it says nothing object by object.
    let instance = InstanceName::parse(INSTANCE).unwrap();
    happened.retain(|key, _| !key.solution(&instance).is_some_and(|name| unsure.contains(&name)));
    assert_eq!(said, happened);
}

scenario! {
    async fn for_random_commits(cluster: &Cluster) {
        let pairs = if cluster.as_sandbox().is_some() { PAIRS } else { REAL_PAIRS };
        let catalogue = Catalogue::of(&["stays", "one", "two"]);
        let mut settings = settings(&catalogue);
        settings.safety =
            Safety { max_removed_share: 1.0, max_deletions: 100_000, ..Safety::default() };
        let mut daemon = Daemon::with(cluster, settings).await;
        daemon.settled(&catalogue.head()).await;
        let mut before = contents(cluster).await;
        let mut base = judged(&catalogue);
        let mut chance = fastrand::Rng::with_seed(15);
        let mut differing = 0;
        for _ in 0..pairs {
            edit(&catalogue, &mut chance);
            if catalogue.git(&["status", "--porcelain"]).is_empty() {
                continue;
            }
            let revision = catalogue.commit("Some changes");
            let head = judged(&catalogue);
            let review = told(&base, &head);
            daemon.settled(&revision).await;
            let after = contents(cluster).await;
            judge(&review, &before, &after);
            differing += usize::from(before != after);
            (base, before) = (head, after);
        }
        assert!(differing * 2 > pairs, "of {pairs} only {differing} changed anything");
    }
}
