//! E15: what left the catalogue and another manager keeps is told, with field and manager.

use serde_json::{Value, json};
use vitrine_core::model::{Kind, ObjectKey, Party};
use vitrine_core::status::{Cause, Sync, Verdict};

use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::objects;

fn deployment() -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, "sol-one", "app")
}

/// What the tool of somebody else applies: this environment of our container, and a label.
fn theirs(env: &Value, labels: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "app", "namespace": "sol-one", "labels": labels},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "env": env}]}}},
    })
}

fn env(live: &Value) -> Vec<&str> {
    let env = live["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
    env.into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect()
}

/// Waits for the verdict that names what stays.
async fn told(daemon: &mut Daemon) -> Verdict {
    daemon.verdict("one", "told", |v| v.reason.cause == Cause::LeftBehind).await
}

scenario! {
    async fn what_admission_takes_away_is_told_until_it_may_stay(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let head = catalogue.head();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        cluster.take_env(Some("sol-one")).await;
        catalogue.edit("one/solution.yaml", "spec:", "spec:\n  env: {LEVEL: \"1\"}");
        let head = catalogue.commit("A variable");
        let verdict = daemon
            .verdict("one", "told", |v| {
                v.reason.cause == Cause::TakenAway && v.revision.as_ref() == Some(&head)
            })
            .await;
        assert_eq!((verdict.sync, verdict.party), (Sync::Blocked, Party::Operator), "{verdict:?}");
        assert!(
            verdict.reason.starts_with("admission takes spec.template.spec.containers[name=app].env")
                && verdict.reason.ends_with(" away from Deployment/app"),
            "{verdict:?}"
        );
        let live = cluster.get(&deployment()).await.unwrap();
        assert_eq!(env(&live), [""; 0]);

        // Whoever did so lets it be. Nothing is to be done on vitrine's side.
        cluster.take_env(None).await;
        daemon.hint();
        daemon.verdict("one", "good", Verdict::is_good).await;
        let live = cluster.get(&deployment()).await.unwrap();
        assert!(env(&live).contains(&"LEVEL"), "{live:#}");
        daemon.stop().await;
    }
}

scenario! {
    async fn an_entry_that_git_dropped_and_a_tool_keeps_is_no_success(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        catalogue.edit("one/solution.yaml", "spec:", "spec:\n  env: {OLD: \"1\", NEW: \"2\"}");
        let head = catalogue.commit("Two variables");
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        let admin = cluster.admin_client();
        let old = json!([{"name": "OLD", "value": "1"}]);
        objects::apply(&admin, &theirs(&old, &json!({})), "flux").await.unwrap();

        catalogue.edit("one/solution.yaml", "OLD: \"1\", ", "");
        let head = catalogue.commit("One is enough");
        let verdict = told(&mut daemon).await;
        assert_eq!((verdict.sync, verdict.party), (Sync::Blocked, Party::Operator));
        assert_eq!(
            &*verdict.reason,
            "spec.template.spec.containers[name=app].env[name=OLD] left the catalogue and stays on \
             Deployment/app: flux holds it"
        );
        assert_eq!(
            verdict.next,
            "take it out with `kubectl edit`, or where flux applies it"
        );
        assert_eq!(verdict.revision.as_ref(), Some(&head));
        let live = cluster.get(&deployment()).await.unwrap();
        assert!(env(&live).contains(&"OLD"), "{live:#}");
        daemon.stop().await;

        // A successor knows it too, and has nothing to write.
        cluster.requests().take();
        let mut daemon = Daemon::with(cluster, settings(&catalogue)).await;
        told(&mut daemon).await;
        let writes = cluster.requests().take_writes().into_iter().filter(|r| !r.is_lease());
        assert_eq!(writes.map(|r| r.to_string()).collect::<Vec<_>>(), [""; 0]);

        // So does another commit, which writes the object anew.
        catalogue.edit("one/solution.yaml", "NEW: \"2\"", "NEW: \"3\"");
        let head = catalogue.commit("Another value");
        daemon
            .verdict("one", "told again", |v| {
                v.reason.cause == Cause::LeftBehind && v.revision.as_ref() == Some(&head)
            })
            .await;

        // Whoever holds it lets go: all is as the catalogue says.
        objects::apply(&admin, &theirs(&json!([]), &json!({"team": "lab"})), "flux").await.unwrap();
        daemon.verdict("one", "good", Verdict::is_good).await;
        let live = cluster.get(&deployment()).await.unwrap();
        assert_eq!(env(&live).into_iter().filter(|name| *name == "OLD").count(), 0);
        daemon.stop().await;
    }
}
