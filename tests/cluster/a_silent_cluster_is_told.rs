//! While the API server tells nothing, everybody is told so: since when, why now, and what to do.
//! Nothing is called healthy meanwhile, and when it answers again there is nothing to do.

use std::time::Duration;

use vitrine_core::model::Party;
use vitrine_core::status::{Board, Sync, Verdict};

use super::removal::versions;
use crate::support::bad_day::BadDay;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};

/// A watch that fails is opened again after pauses that grow to 30 s.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long the daemon waits for an answer here.
const DEADLINE: Duration = Duration::from_secs(4);

fn unknown(board: &Board, name: &str) -> Verdict {
    let verdict = board.verdicts.iter().find(|verdict| verdict.name.as_str() == name);
    let verdict = verdict.unwrap_or_else(|| panic!("{name}: {board:?}")).clone();
    assert_eq!((verdict.sync, verdict.party), (Sync::Unknown, Party::Operator), "{verdict:?}");
    assert_eq!((verdict.stage, verdict.health), (None, None), "{verdict:?}");
    assert!(verdict.reason.starts_with("the cluster cannot be read since "), "{verdict:?}");
    verdict
}

scenario! {
    async fn an_api_server_that_goes_is_told_until_it_comes_back(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one-s", "two-s"]);
        catalogue.edit("two-s/solution.yaml", "image:", "imge:");
        let head = catalogue.commit("A slip");
        let day = BadDay::new(1);
        day.over();
        let client = day.before(cluster.client());
        let daemon = Daemon::within(DEADLINE, client, settings(&catalogue)).await;
        let mut daemon = daemon.patient(PATIENCE);
        daemon.settled(&head).await;
        let before = versions(cluster).await;

        day.down(true);
        let because = |cause: &'static str| {
            move |board: &Board| {
                let outage = board.cluster.as_ref();
                let says = |verdict: &Verdict| {
                    verdict.name.as_str() != "one-s" || verdict.reason.contains(cause)
                };
                outage.is_some_and(|outage| outage.cause.contains(cause))
                    && board.verdicts.iter().all(says)
            }
        };
        let board = daemon.board("silent", because("cannot be reached")).await.clone();
        let since = board.cluster.as_ref().unwrap().since;
        let verdict = unknown(&board, "one-s");
        assert!(verdict.next.starts_with("look whether the API server runs"), "{verdict:?}");
        assert_eq!(verdict.urls, ["https://one-s.demo.example"]);
        // What the author did wrong is known all the same.
        let slip = board.verdicts.iter().find(|v| v.name.as_str() == "two-s").unwrap();
        assert_eq!((slip.sync, slip.health), (Sync::Failed, None), "{slip:?}");
        assert_eq!(board.problems, [""; 0], "one outage is not twenty problems");

        // Each try says why now; it is still the same outage.
        for (code, cause, next) in [
            (401, "does not accept the daemon's credentials", "renew the daemon's credentials"),
            (500, "answered 500", "look at the API server and at its etcd"),
        ] {
            day.says(code);
            let board = daemon.board(cause, because(cause)).await.clone();
            assert_eq!(board.cluster.as_ref().unwrap().since, since);
            let verdict = unknown(&board, "one-s");
            assert!(verdict.next.starts_with(next), "{verdict:?}");
        }

        // It lets everybody in and answers nobody.
        day.hangs();
        let cause = "the API server did not answer within 4 s";
        let board = daemon.board(cause, because(cause)).await.clone();
        assert_eq!(board.cluster.as_ref().unwrap().since, since);
        let verdict = unknown(&board, "one-s");
        assert!(verdict.next.starts_with("look whether the API server runs"), "{verdict:?}");

        day.over();
        daemon
            .board("as before", |b| {
                let is_good = |v: &Verdict| v.name.as_str() != "one-s" || v.is_good();
                b.cluster.is_none() && b.verdicts.iter().all(is_good)
            })
            .await;
        assert_eq!(versions(cluster).await, before);
        daemon.stop().await;
    }
}
