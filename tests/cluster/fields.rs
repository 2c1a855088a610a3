//! What `render` says we own is what the API server records as ours, for every object that a
//! solution can become. Drift is judged by this equality, so it must hold to the last field.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine::model::{FieldSet, Kind, Revision, marks};
use vitrine::render::DesiredObject;

use crate::render::fixtures::{Case, cases};
use crate::support::cluster::Cluster;
use crate::support::objects;
use crate::support::players::Player;

scenario! {
    async fn what_we_compute_as_ours_is_what_the_server_records(cluster: &Cluster) {
        // They would write in between, and a version must stand still below.
        for player in Player::ALL {
            cluster.players().stop(player).await;
        }
        let mut differences = Vec::new();
        let mut judged = 0;
        for (number, case) in cases().iter().enumerate() {
            for object in &case.render().objects {
                let body = moved(object, number);
                judged += 1;
                match publish(cluster, object.key.kind, &body).await {
                    Err(refusal) => differences.push(told(case, object, &refusal)),
                    Ok(stored) => differences.extend(
                        compare(object, &body, &stored).iter().map(|text| told(case, object, text)),
                    ),
                }
            }
        }
        assert!(judged >= 100, "only {judged} objects were judged");
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    }
}

scenario! {
    async fn the_same_apply_again_changes_nothing(cluster: &Cluster) {
        for player in Player::ALL {
            cluster.players().stop(player).await;
        }
        let mut changed = Vec::new();
        for (number, case) in cases().iter().enumerate() {
            for object in &case.render().objects {
                let body = moved(object, number);
                let kind = object.key.kind;
                let first = publish(cluster, kind, &body).await.unwrap();
                let second = publish(cluster, kind, &body).await.unwrap();
                let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
                if version(&first) != version(&second) {
                    changed.push(told(case, object, "a second apply wrote it again"));
                }
            }
        }
        assert!(changed.is_empty(), "\n{}\n", changed.join("\n"));
    }
}

/// One server-side apply as the engine sends it, with the daemon's rights.
async fn publish(cluster: &Cluster, kind: Kind, body: &Value) -> Result<Value, String> {
    let metadata = &body["metadata"];
    let params = PatchParams::apply(marks::MANAGER).force().validation_strict();
    let stored = objects::api(&cluster.client(), kind, metadata["namespace"].as_str())
        .patch(metadata["name"].as_str().unwrap(), &params, &Patch::Apply(body))
        .await;
    match stored {
        Ok(stored) => Ok(serde_json::to_value(stored).unwrap()),
        Err(kube::Error::Api(status)) => Err(format!("refused: {}", status.message)),
        Err(why) => panic!("the server did not answer: {why}"),
    }
}

/// The body as it is sent, in a namespace of the case's own: the cases share their solutions' names.
fn moved(object: &DesiredObject, case: usize) -> Value {
    let revision = Revision::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
    let mut body = object.with_revision(&revision);
    let namespace = json!(format!("sol-fields-{case}"));
    match object.key.kind {
        Kind::Namespace => body["metadata"]["name"] = namespace,
        // It lies with the interceptor, whose namespace is there.
        Kind::ReferenceGrant => {}
        _ => body["metadata"]["namespace"] = namespace,
    }
    body
}

/// Each field on which the computed and the recorded set differ, as people write it.
fn compare(object: &DesiredObject, body: &Value, stored: &Value) -> Vec<String> {
    let entries = stored["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours: Vec<&Value> = entries
        .filter(|entry| entry["manager"] == marks::MANAGER && entry["operation"] == "Apply")
        .collect();
    let [ours] = ours.as_slice() else {
        return vec![format!("{} entries of ours instead of one", ours.len())];
    };
    let recorded = FieldSet::recorded(&ours["fieldsV1"]);
    let mut differences = Vec::new();
    for (who, computed) in
        [("rendered", &*object.fields), ("computed", &FieldSet::owned(object.key.kind, body))]
    {
        for path in computed.difference(&recorded).paths() {
            differences.push(format!("{path}: {who} as ours, not recorded"));
        }
        for path in recorded.difference(computed).paths() {
            differences.push(format!("{path}: recorded as ours, not {who}"));
        }
        if differences.is_empty() && *computed != recorded {
            differences
                .push(format!("{who} and recorded differ in form: {computed:?} {recorded:?}"));
        }
    }
    differences
}

fn told(case: &Case, object: &DesiredObject, text: &str) -> String {
    format!("{}: {}/{}: {text}", case.name, object.key.kind, object.key.name)
}
