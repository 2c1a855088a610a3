//! A control plane whose store is put back to an older state, as after a restored backup: what the
//! daemon knows is of a time that the server forgot.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey, marks};
use vitrine_core::status::{Board, Sync};

use crate::support::catalogue::{Catalogue, image, minimal};
use crate::support::cluster::furnish;
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::objects;
use crate::support::players::Players;
use crate::support::real::{ControlPlane, Turn};
use crate::support::requests::Requests;

/// How long the daemon may take until the cluster is again as the catalogue asks. It hears of the
/// servers again after a pause that doubles while they are down; then all is done within seconds.
const PATIENCE: Duration = Duration::from_secs(60);

mod a_store_that_was_put_back_is_brought_forward_again {
    use super::*;

    #[test]
    fn real() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(scenario());
    }

    /// On servers of its own, because the others' would lose what their tests wrote.
    async fn scenario() {
        let _alone = Turn::wait().await;
        let mut plane = ControlPlane::start().unwrap();
        let admin = plane.admin_client().await;
        furnish(&admin).await.unwrap();
        let players = Players::start_all(&admin);
        let requests = Requests::default();
        let client = requests.watch(plane.daemon_client().await);

        let catalogue = Catalogue::of(&["changed", "removed", "same"]);
        let mut daemon = Daemon::through(client, settings(&catalogue)).await.patient(PATIENCE);
        daemon.settled(&catalogue.head()).await;
        plane.keep_store().unwrap();

        catalogue.edit("changed/solution.yaml", &image('a'), &image('b'));
        catalogue.write("added/solution.yaml", &minimal("added"));
        let head = catalogue.commit("One more, and a newer image");
        daemon.settled(&head).await;
        catalogue.remove("removed");
        let head = catalogue.commit("One less");
        let is_gone = |board: &Board| board.verdicts.iter().all(|v| v.name.as_str() != "removed");
        daemon.board("without the removed one", is_gone).await;
        daemon.settled(&head).await;
        assert_eq!(namespaces(&admin).await, ["sol-added", "sol-changed", "sol-same"]);

        requests.take();
        // The other controllers are begun again with the servers; the daemon runs through.
        drop(players);
        plane.put_store_back().unwrap();
        let _players = Players::start_all(&admin);
        let changed = ObjectKey::namespaced(Kind::Deployment, "sol-changed", "app");
        let is_there = async {
            loop {
                let found = objects::get(&admin, &changed).await.ok().flatten();
                let newer = found.is_some_and(|d| runs(&d).ends_with(&"b".repeat(64)));
                if newer && namespaces(&admin).await == ["sol-added", "sol-changed", "sol-same"] {
                    return;
                }
                // Whoever looks has no watch that would outlive the servers.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, is_there).await.is_ok();
        assert!(in_time, "{:?}: {:#?}", namespaces(&admin).await, daemon.boards.borrow());

        let board = daemon
            .board("synced", |board| {
                board.revision.as_ref() == Some(&head)
                    && board.verdicts.len() == 3
                    && board.verdicts.iter().all(|v| v.sync == Sync::Synced)
                    && is_gone(board)
            })
            .await;
        assert!(board.held.is_none() && board.problems.is_empty(), "{board:#?}");
        // It found the old state, and nothing else was taken.
        let (taken, sent): (Vec<_>, Vec<_>) =
            requests.take_writes().into_iter().partition(|r| r.method == "DELETE");
        assert!(sent.iter().any(|r| r.path == "/api/v1/namespaces/sol-added"), "{sent:#?}");
        assert!(taken.iter().any(|r| r.path == "/api/v1/namespaces/sol-removed"), "{taken:#?}");
        let wrongly: Vec<String> =
            taken.iter().filter(|r| !r.path.contains("removed")).map(ToString::to_string).collect();
        assert_eq!(wrongly, [""; 0]);
        daemon.stop().await;

        // All of it is as the catalogue asks: whoever starts now has nothing to write.
        let client = requests.watch(plane.daemon_client().await);
        let mut again = Daemon::through(client, settings(&catalogue)).await.patient(PATIENCE);
        again.settled(&head).await;
        requests.all_answered().await;
        let written: Vec<String> = requests.take_writes().iter().map(ToString::to_string).collect();
        assert_eq!(written, [""; 0]);
        again.stop().await;
    }
}

/// The solutions' namespaces that are there.
async fn namespaces(admin: &kube::Client) -> Vec<String> {
    let selected =
        kube::api::ListParams::default().labels(&format!("{}={INSTANCE}", marks::INSTANCE));
    let found = objects::api(admin, Kind::Namespace, None).list(&selected).await.unwrap();
    let names: BTreeSet<String> = found.items.into_iter().filter_map(|o| o.metadata.name).collect();
    names.into_iter().collect()
}

/// The image of a Deployment.
fn runs(deployment: &Value) -> String {
    let image = deployment.pointer("/spec/template/spec/containers/0/image");
    image.and_then(Value::as_str).unwrap_or_default().to_owned()
}
