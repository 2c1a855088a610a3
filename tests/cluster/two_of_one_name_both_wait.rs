//! E6. Two solutions that claim one name, and with it one host, are both refused, each naming the other,
//! and what runs keeps running. A host is made of the name (and of a configuration's, after `--`,
//! which no name holds), so there are no two of one host with two names.

use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::Kind;
use vitrine_core::status::{Sync, Verdict};

use super::removal::versions;
use crate::support::catalogue::{Catalogue, image, minimal};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE};

/// The hosts of a solution's routes, by its name.
async fn hosts(cluster: &Cluster, name: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for route in cluster.of_instance(Kind::HttpRoute, INSTANCE).await {
        if route["metadata"]["namespace"] == format!("sol-{name}") {
            let all = route["spec"]["hostnames"].as_array().unwrap();
            hosts.extend(all.iter().map(|host| host.as_str().unwrap().to_owned()));
        }
    }
    hosts
}

scenario! {
    async fn a_newcomer_of_a_name_that_lives_changes_nothing_of_it(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta"]);
        // Also a host of a configuration is one that the newcomer would take.
        catalogue.edit("alpha/solution.yaml", "spec:", "spec:\n  configurations: {green: {}}");
        let first = catalogue.commit("In two colours");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&first).await;
        let mut before = versions(cluster).await;
        before.retain(|key, _| key.namespace.as_deref() != Some("sol-beta"));
        let served = hosts(cluster, "alpha").await;
        assert!(served.iter().any(|host| host == "alpha--green.demo.example"), "{served:?}");

        // The newcomer lies elsewhere, and is first in the alphabet; so is another that nobody has.
        for folder in ["aaa/alpha", "aaa/both", "zzz/both"] {
            let name = folder.split('/').next_back().unwrap();
            catalogue.write(&format!("{folder}/solution.yaml"), &minimal(name));
        }
        catalogue.edit("beta/solution.yaml", &image('a'), &image('b'));
        cluster.requests().take();
        let head = catalogue.commit("Two of one name");
        let board = daemon.settled(&head).await;
        let read = catalog::read(&read_folder(&catalogue.path()).unwrap(), &mut Default::default());
        for (name, folders) in [("alpha", ["aaa/alpha", "alpha"]), ("both", ["aaa/both", "zzz/both"])] {
            let faults = &read.refused[name].faults;
            for (here, there) in [(0, 1), (1, 0)] {
                let names_it = format!("the name `{name}` is also taken by the folder `{}`", folders[there]);
                let file = format!("{}/solution.yaml", folders[here]);
                assert!(
                    faults.iter().any(|fault| {
                        let fault = fault.to_string();
                        fault.starts_with(&file) && fault.contains(&names_it)
                    }),
                    "{file} does not name {}: {faults:#?}", folders[there]
                );
            }
            let verdict = board.verdicts.iter().find(|v| v.name == name).unwrap();
            assert_eq!(verdict.sync, Sync::Failed, "{verdict:?}");
            assert!(verdict.reason.contains("is also taken by the folder"), "{}", verdict.reason);
        }
        assert!(board.verdicts.iter().any(|v| v.name == "beta" && v.is_good()), "{board:#?}");
        let writes = cluster.requests().take_writes();
        assert_eq!(writes.len(), 1, "the update alone: {writes:#?}");
        assert_eq!(hosts(cluster, "alpha").await, served);
        assert_eq!(hosts(cluster, "both").await, [""; 0]);
        let mut after = versions(cluster).await;
        after.retain(|key, _| before.contains_key(key));
        before.retain(|key, _| after.contains_key(key));
        assert_eq!(after, before, "what runs was not touched");
        assert!(after.keys().any(|key| key.namespace.as_deref() == Some("sol-alpha")));

        // The same after a restart; and it is over when the newcomer goes.
        daemon.stop().await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        assert_eq!(cluster.requests().take_writes(), []);
        catalogue.remove("aaa");
        daemon.settled(&catalogue.commit("It was a mistake")).await;
        daemon.verdict("alpha", "published", Verdict::is_good).await;
        daemon.verdict("both", "published", Verdict::is_good).await;
        daemon.stop().await;
    }
}
