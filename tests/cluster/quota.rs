//! Quotas that somebody else put into a solution's namespace.

use serde_json::json;
use vitrine_core::model::Kind;

use crate::support::cluster::Cluster;
use crate::support::objects;

scenario! {
    async fn what_a_quota_has_no_room_for_is_refused_in_its_words(cluster: &Cluster) {
        let admin = cluster.admin_client();
        let namespace = "sol-quota";
        let hard = json!({"count/deployments.apps": "0", "configmaps": "1", "services": "0"});
        let used = json!({"count/deployments.apps": "0", "configmaps": "0", "services": "0"});
        let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        objects::apply(&admin, &home, "operator").await.unwrap();
        cluster.quota(namespace, "lab", &hard, &used).await;

        let labels = json!({"app": "app"});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "app", "namespace": namespace},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
                },
            },
        });
        let map = |name: &str| json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace}, "data": {"a": "b"},
        });
        // The plugin hears of a new quota through a watch of its own.
        let mut said = String::new();
        for _ in 0..100 {
            match objects::apply(&admin, &deployment, "tests").await {
                Ok(_) => {
                    let api = objects::api(&admin, Kind::Deployment, Some(namespace));
                    api.delete("app", &Default::default()).await.unwrap();
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Err(why) => {
                    said = format!("{why:#}");
                    break;
                }
            }
        }
        let expected = "deployments.apps \"app\" is forbidden: exceeded quota: lab, \
            requested: count/deployments.apps=1, used: count/deployments.apps=0, \
            limited: count/deployments.apps=0";
        assert!(said.contains(expected), "{said}");
        objects::apply(&admin, &map("one"), "tests").await.unwrap();
        let refusal = objects::apply(&admin, &map("two"), "tests").await.unwrap_err();
        let expected = "configmaps \"two\" is forbidden: exceeded quota: lab, \
            requested: configmaps=1, used: configmaps=1, limited: configmaps=1";
        assert!(format!("{refusal:#}").contains(expected), "{refusal:#}");
        // What is there may still change.
        let mut one = map("one");
        one["data"]["a"] = json!("c");
        objects::apply(&admin, &one, "tests").await.unwrap();
    }
}
