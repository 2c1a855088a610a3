//! What others leave on the cluster, with our labels and without.

use serde_json::json;
use vitrine_core::model::{Kind, ObjectKey, Party};
use vitrine_core::status::Sync;

use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;

scenario! {
    async fn a_namespace_that_only_carries_our_labels_is_named_and_left_alone(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let stray = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": "sol-stray",
                "labels": {"vitrine.dev/instance": "test", "vitrine.dev/solution": "alpha"},
            },
        });
        crate::support::objects::apply(&cluster.admin_client(), &stray, "kubectl").await.unwrap();
        let verdict = daemon.verdict("stray", "settled", |v| v.is_settled()).await;
        assert_eq!((verdict.sync, verdict.party), (Sync::Blocked, Party::Operator));
        assert!(verdict.reason.ends_with("are not vitrine's"), "{}", verdict.reason);
        let left = cluster.get(&ObjectKey::cluster(Kind::Namespace, "sol-stray")).await.unwrap();
        assert!(left["metadata"]["deletionTimestamp"].is_null());
        daemon.stop().await;
    }
}

scenario! {
    async fn nobody_is_blamed_for_what_a_missing_platform_would_have_said(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta"]);
        catalogue.edit("beta/solution.yaml", "spec:", "spec:\n  hardware: cpu-large");
        catalogue.commit("A larger machine");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        catalogue.git(&["mv", "platform.yaml", "platform.yml"]);
        let head = catalogue.commit("A slip of the keyboard");
        let board = daemon.settled(&head).await;
        assert_eq!(board.verdicts.len(), 2);
        for verdict in &board.verdicts {
            assert_eq!((verdict.sync, verdict.party), (Sync::Failed, Party::Operator), "{verdict:?}");
            assert!(verdict.reason.starts_with("platform.yaml"), "{}", verdict.reason);
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn a_renamed_folder_of_the_same_name_inside_is_the_author_s_to_mend(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha", "beta"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        catalogue.git(&["mv", "beta", "renamed"]);
        let head = catalogue.commit("Half a rename");
        let board = daemon.settled(&head).await;
        let beta = board.verdicts.iter().find(|v| v.name.as_str() == "beta").unwrap();
        assert_eq!((beta.sync, beta.party), (Sync::Failed, Party::Author), "{beta:?}");
        assert!(beta.reason.contains("renamed"), "{}", beta.reason);
        daemon.stop().await;
    }
}
