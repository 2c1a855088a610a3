//! What a situation costs, counted: requests, renders, log lines. Counts are exact, so they are
//! tests; times are in `benches/`.

use std::time::Duration;

use vitrine::model::{Kind, ObjectKey};
use vitrine::status::{Stage, Verdict};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::daemon::{Daemon, INSTANCE};
use crate::support::guard::Guard;
use crate::support::requests::Request;

/// How many solutions the counts are taken at.
const MANY: usize = 1000;
/// How long nothing may be asked for the cluster to count as left alone.
const SILENCE: Duration = Duration::from_secs(1);

/// What was asked of the cluster that some budget counts.
fn counted(cluster: &Cluster) -> Vec<String> {
    let sent = cluster.requests().take();
    sent.iter().filter(|r| !r.is_lease() && !r.is_watch()).map(ToString::to_string).collect()
}

scenario! {
    only sandbox, because "a thousand namespaces take a real control plane minutes to clear away";
    async fn a_thousand_solutions_cost_what_changed_of_them(cluster: &Cluster) {
        let names: Vec<String> = (0..MANY).map(|n| format!("demo-{n:04}")).collect();
        let catalogue = Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut daemon =
            Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(50));
        let board = daemon.settled(&catalogue.head()).await;
        assert_eq!(board.verdicts.len(), MANY);
        assert!(board.verdicts.iter().all(Verdict::is_good));
        assert_eq!(daemon.tally.renders(), MANY as u64, "each solution is rendered once");

        // Nothing changed: not for the catalogue, and not for a while.
        cluster.requests().take();
        catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        let head = catalogue.commit("A note for ourselves");
        daemon.settled(&head).await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(counted(cluster), [""; 0]);
        assert_eq!(daemon.tally.renders(), MANY as u64);

        // One folder changed, and of its objects one.
        catalogue.edit("demo-0500/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        daemon.settled(&head).await;
        let patch = "PATCH /apis/apps/v1/namespaces/sol-demo-0500/deployments/app by vitrine -> 200";
        assert_eq!(counted(cluster), [patch]);
        assert_eq!(daemon.tally.renders(), MANY as u64 + 1);
        daemon.stop().await;

        // A restart looks and writes nothing.
        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.settled(&head).await;
        assert!(board.verdicts.iter().all(Verdict::is_good));
        let sent = cluster.requests().take();
        assert!(sent.iter().all(|r| !r.is_write() || r.is_lease()), "{sent:?}");
        daemon.stop().await;
    }
}
