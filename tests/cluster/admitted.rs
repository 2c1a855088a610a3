//! The pods that a solution becomes are let into its namespace: a Deployment that is accepted says
//! nothing yet about them.

use kube::api::PostParams;
use serde_json::{Value, json};
use vitrine_core::model::Kind;

use super::fields::moved;
use crate::render::fixtures::cases;
use crate::support::cluster::Cluster;
use crate::support::objects;
use crate::support::players::Player;

scenario! {
    only real, because "the sandbox judges no pods";
    async fn every_pod_that_is_rendered_is_admitted_at_the_platforms_security_level(cluster: &Cluster) {
        for player in Player::ALL {
            cluster.players().stop(player).await;
        }
        let admin = cluster.admin_client();
        let mut refused = Vec::new();
        let mut judged = 0;
        for (number, case) in cases().iter().enumerate() {
            let desired = case.render();
            for object in &desired.objects {
                let needed = [Kind::Namespace, Kind::LimitRange, Kind::ServiceAccount];
                if needed.contains(&object.key.kind) {
                    objects::apply(&admin, &moved(object, number), "tests").await.unwrap();
                }
            }
            for object in desired.objects.iter().filter(|o| o.key.kind == Kind::Deployment) {
                let pod = pod(&moved(object, number));
                judged += 1;
                if let Err(refusal) = create(cluster, &pod).await {
                    refused.push(format!("{}: {}: {refusal}", case.name, object.key.name));
                }
                // The level holds: what the pod may not be is noticed.
                let mut root = pod.clone();
                root["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
                let refusal = create(cluster, &root).await.unwrap_err();
                assert!(refusal.contains("PodSecurity"), "{}: {refusal}", case.name);
            }
        }
        assert!(judged > 20, "only {judged} pods were judged");
        assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
    }
}

/// A pod as the Deployment's controller would make it.
fn pod(deployment: &Value) -> Value {
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "judged".into();
    pod["metadata"]["namespace"] = deployment["metadata"]["namespace"].clone();
    // The class is the operator's, who has none here.
    pod["spec"].as_object_mut().unwrap().remove("priorityClassName");
    pod
}

/// Asks the server to take the pod without keeping it.
async fn create(cluster: &Cluster, pod: &Value) -> Result<(), String> {
    let namespace = pod["metadata"]["namespace"].as_str();
    let api = objects::api(&cluster.admin_client(), Kind::Pod, namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&params, &serde_json::from_value(pod.clone()).unwrap()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(why) => panic!("the server did not answer: {why}"),
    }
}
