//! What `vitrine render` prints is what a cluster takes.

use serde_json::Value;
use vitrine_core::model::{Kind, ObjectKey};

use crate::support::binary::{finish, vitrine};
use crate::support::cluster::Cluster;
use crate::support::objects;

scenario! {
    async fn what_render_prints_can_be_applied(cluster: &Cluster) {
        let catalog = format!("{}/catalog", env!("CARGO_MANIFEST_DIR"));
        let home = tempfile::tempdir().unwrap();
        let admin = cluster.admin_client();
        for name in ["anomaly", "part-comparer", "tourism", "use"] {
            let mut render = vitrine(home.path());
            let run = finish(render.args(["render", name, "--catalog", &catalog])).exits(0);
            let documents: Vec<Value> = serde_saphyr::from_multiple(&run.out).unwrap();
            assert!(documents.len() > 8, "{name}: {} objects", documents.len());
            // As `kubectl apply` does: one after the other, strictly judged, for real.
            for document in &documents {
                let stored = objects::apply(&admin, document, "kubectl").await;
                let stored = stored.unwrap_or_else(|why| panic!("{name}: {why:#}\n{document:#}"));
                for (name, value) in document["metadata"]["labels"].as_object().unwrap() {
                    assert_eq!(stored["metadata"]["labels"][name], *value, "{document:#}");
                }
            }
            let namespace = ObjectKey::cluster(Kind::Namespace, format!("sol-{name}"));
            assert!(cluster.get(&namespace).await.is_some());
        }
        assert!(cluster.of_instance(Kind::Deployment, "demo").await.len() > 8);
    }
}
