//! What goes wrong on the cluster is said in words: a reason, whose turn it is, the next step.
//!
//! The players of the kind are away, and the scenario answers in their place, in the words that the
//! originals use.

use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vitrine_core::config::Verify;
use vitrine_core::model::{Kind, ObjectKey, Party, marks};
use vitrine_core::status::{Board, Health, Proof, Stage, Sync, Verdict};

use super::counts::counted;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::objects;
use crate::support::players::{GATEWAY_CONTROLLER, Player};

const NAMESPACE: &str = "sol-one";

fn key(kind: Kind, name: &str) -> ObjectKey {
    ObjectKey::namespaced(kind, NAMESPACE, name)
}

/// A published solution that a visitor has just woken; nobody starts its pods.
async fn woken(cluster: &Cluster) -> (Catalogue, Daemon) {
    let catalogue = Catalogue::of(&["one"]);
    let mut daemon = Daemon::start(cluster, &catalogue).await;
    daemon.verdict("one", "published", Verdict::is_good).await;
    cluster.players().stop(Player::Deployments).await;
    cluster.players().visit(NAMESPACE, "app", 1).await.unwrap();
    cluster
        .wait_for(&key(Kind::Deployment, "app"), "scaled up", |d| {
            d.is_some_and(|d| d["spec"]["replicas"] == 1)
        })
        .await;
    daemon.verdict("one", "waking", |v| v.stage == Some(Stage::Waking)).await;
    (catalogue, daemon)
}

/// Says something as the controller of the kind.
async fn report(admin: &Client, kind: Kind, name: &str, status: Value) {
    let objects = objects::api(admin, kind, Some(NAMESPACE));
    let patch = Patch::Merge(json!({"status": status}));
    objects.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

/// What the Deployment controller says of one replica that is not ready.
async fn deployment(cluster: &Cluster, conditions: Value) {
    let live = cluster.get(&key(Kind::Deployment, "app")).await.unwrap();
    let generation = &live["metadata"]["generation"];
    let status = json!({
        "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1,
        "readyReplicas": 0, "availableReplicas": 0, "conditions": conditions,
    });
    report(&cluster.admin_client(), Kind::Deployment, "app", status).await;
}

/// The pod of the Deployment's template, of which the kubelet says this.
async fn pod(cluster: &Cluster, state: Value, last: Value) {
    deployment(cluster, json!([])).await;
    let live = cluster.get(&key(Kind::Deployment, "app")).await.unwrap();
    let template = &live["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": template["metadata"], "spec": template["spec"],
    });
    pod["metadata"]["name"] = json!("app-1");
    pod["metadata"]["namespace"] = json!(NAMESPACE);
    let admin = cluster.admin_client();
    let pods = objects::api(&admin, Kind::Pod, Some(NAMESPACE));
    let pod = serde_json::from_value(pod).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let container = json!({
        "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 3,
        "state": state, "lastState": last,
    });
    let status = json!({"phase": "Running", "containerStatuses": [container]});
    report(&admin, Kind::Pod, "app-1", status).await;
}

fn said(verdict: &Verdict) -> (Sync, Option<Stage>, Option<Health>, Party, &str) {
    (verdict.sync, verdict.stage, verdict.health, verdict.party, &verdict.reason)
}

/// Whether the newest mark of a trial or a visit ends like this, or begins what a pod said with it.
fn marked(deployment: Option<&Value>, word: &str) -> bool {
    let mark = deployment.and_then(|d| d["metadata"]["annotations"][marks::VERIFIED].as_str());
    mark.and_then(|mark| mark.split(' ').nth(1)) == Some(word)
}

/// Waits for a component that did not come up, and hears why.
async fn fails(daemon: &mut Daemon, party: Party, reason: &str) -> Verdict {
    let verdict = daemon
        .verdict("one", "failed to wake", |v| {
            v.stage == Some(Stage::WakeFailed) && v.sync == Sync::Synced
        })
        .await;
    let expected = (Sync::Synced, Some(Stage::WakeFailed), Some(Health::Degraded), party, reason);
    assert_eq!(said(&verdict), expected);
    verdict
}

scenario! {
    async fn pods_that_the_quota_refuses_are_the_operators_turn(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let message = "pods \"app-1\" is forbidden: exceeded quota: solution, requested: limits.memory=3Gi, used: limits.memory=8Gi, limited: limits.memory=8Gi";
        deployment(cluster, json!([
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message},
        ])).await;
        let verdict = fails(
            &mut daemon,
            Party::Operator,
            "the quota is used up: solution, requested: limits.memory=3Gi, used: limits.memory=8Gi, limited: limits.memory=8Gi",
        ).await;
        assert_eq!(verdict.next, "raise the quota, or make room in it");

        // The controllers come back, and so does the solution.
        cluster.players().start(Player::Deployments);
        daemon.verdict("one", "awake", |v| v.is_good() && v.stage == Some(Stage::Awake)).await;
        daemon.stop().await;
    }
}

/// The Event about `app-1`, or another object, as somebody says it so many times.
async fn event(cluster: &Cluster, about: [&str; 2], reason: &str, message: &str, times: u32) {
    let [kind, object] = about;
    let time = |seconds: u32| format!("2026-11-28T13:{:02}:{:02}Z", seconds / 60, seconds % 60);
    let name = format!("{object}.{}", reason.to_lowercase());
    let said = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "involvedObject": {"kind": kind, "namespace": NAMESPACE, "name": object,
            "fieldPath": "spec.containers{app}"},
        "reason": reason, "message": message, "type": "Warning", "count": 1,
        "firstTimestamp": time(0), "lastTimestamp": time(0),
        "source": {"component": "somebody"}, "reportingComponent": "somebody",
    });
    let events = objects::api_of(&cluster.admin_client(), &said).unwrap();
    events.create(&PostParams::default(), &serde_json::from_value(said).unwrap()).await.unwrap();
    for count in 2..=times {
        let again = Patch::Merge(json!({"count": count, "lastTimestamp": time(count)}));
        events.patch(&name, &PatchParams::default(), &again).await.unwrap();
    }
}

scenario! {
    async fn what_stands_in_events_alone_makes_the_words_exact(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let message = "Pod ephemeral local storage usage exceeds the total limit of containers 5Gi. ";
        pod(cluster, json!({"terminated": {"reason": "Completed", "exitCode": 0}}), json!({})).await;
        report(&cluster.admin_client(), Kind::Pod, "app-1", json!({"phase": "Succeeded"})).await;
        let begin = "starting again; a replica before: ";
        let guess = format!("{begin}was ended from outside, probably past its 5 GiB of local files");
        daemon.verdict("one", "guessed", |v| *v.reason == *guess).await;
        event(cluster, ["Pod", "app-1"], "Evicted", message, 1).await;
        let told = format!("{begin}stopped, it wrote more than its 5 GiB of local files");
        daemon.verdict("one", "told", |v| *v.reason == *told).await;

        // Said again and again nothing is asked because of it.
        cluster.requests().take();
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 500";
        event(cluster, ["Pod", "app-1"], "Unhealthy", message, 50).await;
        daemon.verdict("one", "still told", |v| *v.reason == *told).await;
        assert_eq!(counted(cluster), [""; 0]);
        daemon.stop().await;
    }
}

scenario! {
    async fn a_keda_without_zone_data_says_so_in_an_event_alone(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.verdict("one", "published", Verdict::is_good).await;
        cluster.players().stop(Player::Keda).await;
        let broken = json!({"type": "Ready", "status": "False", "reason": "TriggerError",
            "message": "Triggers defined in ScaledObject are not working correctly"});
        let status = json!({"conditions": [broken]});
        report(&cluster.admin_client(), Kind::ScaledObject, "app", status).await;
        let every = "KEDA cannot read every trigger of ScaledObject/app";
        daemon.verdict("one", "broken", |v| v.reason.contains(every)).await;
        let message = "unable to load timezone: unknown time zone Europe/Berlin";
        event(cluster, ["ScaledObject", "app"], "KEDAScalerFailed", message, 3).await;
        let told = "KEDA does not know the time zone Europe/Berlin of its schedule: its image lacks zone data";
        let verdict = daemon.verdict("one", "told", |v| v.reason.ends_with(told)).await;
        assert_eq!((verdict.party, verdict.is_good()), (Party::Operator, true));
        assert!(verdict.next.contains("tzdata"), "{}", verdict.next);
        cluster.players().start(Player::Keda);
        daemon.verdict("one", "mended", |v| v.is_good() && v.party == Party::Nobody).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn an_image_that_cannot_be_pulled_is_the_authors_turn(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let message = "Back-off pulling image \"x\": ErrImagePull: rpc error: code = NotFound desc = manifest unknown";
        pod(cluster, json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}), json!({})).await;
        fails(&mut daemon, Party::Author, "the image cannot be pulled: manifest unknown").await;
        daemon.stop().await;
    }
}

scenario! {
    async fn what_runs_out_of_memory_says_at_which_limit(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let looping = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}});
        let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        pod(cluster, looping, ended).await;
        let verdict = fails(&mut daemon, Party::Author, "out of memory at 1 GiB").await;
        assert_eq!(verdict.next, "raise `resources.limits.memory` or make it need less");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_crash_is_told_with_its_last_words(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let looping = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}});
        let message = "Traceback (most recent call last):\n  File \"app.py\"\n\u{1b}[31mKeyError: 'TOKEN'\u{1b}[0m\n";
        let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "message": message}});
        pod(cluster, looping, ended).await;
        fails(&mut daemon, Party::Author, "crashes with exit code 1: KeyError: 'TOKEN'").await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_missing_secret_is_named_with_its_key(cluster: &Cluster) {
        let (_catalogue, mut daemon) = woken(cluster).await;
        let message = "couldn't find key TOKEN in Secret sol-one/app-secrets";
        let waits = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
        pod(cluster, waits, json!({})).await;
        let verdict = fails(
            &mut daemon,
            Party::Operator,
            "secret TOKEN is missing: Secret app-secrets has no such key",
        ).await;
        assert_eq!(verdict.next, "put TOKEN into Secret app-secrets; vitrine never writes Secrets");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_visit_that_failed_stays_known_until_the_next_one_works(cluster: &Cluster) {
        let (catalogue, mut daemon) = woken(cluster).await;
        let message = "rpc error: code = NotFound desc = manifest unknown";
        pod(cluster, json!({"waiting": {"reason": "ErrImagePull", "message": message}}), json!({})).await;
        let told = "the image cannot be pulled: manifest unknown";
        fails(&mut daemon, Party::Author, told).await;
        cluster.wait_for(&key(Kind::Deployment, "app"), "marked", |d| marked(d, "failed")).await;

        // It falls asleep, its pod is gone, and a daemon that starts now knows it too.
        let admin = cluster.admin_client();
        let pods = objects::api(&admin, Kind::Pod, Some(NAMESPACE));
        pods.delete("app-1", &DeleteParams::default().grace_period(0)).await.unwrap();
        cluster.players().visit(NAMESPACE, "app", 0).await.unwrap();
        cluster.players().start(Player::Deployments);
        cluster.wait_for(&key(Kind::Deployment, "app"), "asleep", |d| {
            d.is_some_and(|d| d["spec"]["replicas"] == 0)
        }).await;
        fails(&mut daemon, Party::Author, told).await;
        daemon.stop().await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        fails(&mut daemon, Party::Author, told).await;

        cluster.players().visit(NAMESPACE, "app", 1).await.unwrap();
        daemon.verdict("one", "awake", |v| v.is_good() && v.stage == Some(Stage::Awake)).await;
        cluster.wait_for(&key(Kind::Deployment, "app"), "marked", |d| marked(d, "ok")).await;
        cluster.players().visit(NAMESPACE, "app", 0).await.unwrap();
        let asleep = |v: &Verdict| v.is_good() && v.stage == Some(Stage::Asleep);
        let verdict = daemon.verdict("one", "asleep", asleep).await;
        assert!(verdict.reason.starts_with("sleeps") && !verdict.reason.contains("not yet"), "{verdict:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_program_that_falls_until_its_database_is_up_fails_no_commit(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut settings = settings(&catalogue);
        settings.rollouts.verify = Verify::OnUpdate { parallel: 5 };
        let mut daemon = Daemon::with(cluster, settings).await;
        daemon.settled(&catalogue.head()).await;

        cluster.players().stop(Player::Deployments).await;
        catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A version that needs its database");
        cluster.wait_for(&key(Kind::Deployment, "app"), "woken", |d| {
            d.is_some_and(|d| d["spec"]["replicas"] == 1)
        }).await;
        let looping = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}});
        let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "message": "no database"}});
        pod(cluster, looping, ended).await;
        let verdict = daemon.verdict("one", "tried", |v| v.reason.contains("so far")).await;
        assert_eq!(
            said(&verdict),
            (
                Sync::Progressing, Some(Stage::Waking), Some(Health::Progressing), Party::Author,
                "woken once to see the new version running; starting; so far: crashes with exit code 1: no database",
            )
        );
        // The same container comes up, and it is the players' pod.
        let pods = objects::api(&cluster.admin_client(), Kind::Pod, Some(NAMESPACE));
        pods.delete("app-1", &DeleteParams::default().grace_period(0)).await.unwrap();
        cluster.players().start(Player::Deployments);
        let board = daemon.settled(&head).await;
        assert_eq!(board.verdicts[0].proof, Proof::SeenRunning, "{board:?}");
        let note = || {
            let listed = catalogue.git(&["notes", "--ref", "vitrine/test", "list"]);
            let show = ["notes", "--ref", "vitrine/test", "show", head.as_str()];
            if listed.contains(head.as_str()) { catalogue.git(&show) } else { String::new() }
        };
        for _ in 0..100 {
            assert!(!note().contains("failure"), "{}", note());
            if note().contains("seen running") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(note().contains("seen running"), "{}", note());
        daemon.stop().await;
    }
}

scenario! {
    only sandbox, because "a control plane without nodes takes no pods; the same shapes are put there \
                           one by one by the scenarios above";
    async fn a_commit_is_told_what_became_of_each_kind_of_failure(cluster: &Cluster) {
        // The players' kubelet fails as the image's name says, in the shapes of a real one.
        let fates = [
            ("once", "fails-once", "success\tvitrine/test/once\tSynced: applied, and seen running"),
            ("oom", "fails-oom", "failure\tvitrine/test/oom\tSynced, but out of memory at 1 GiB"),
            ("pull", "fails-pull", "failure\tvitrine/test/pull\tSynced, but the image cannot be pulled"),
            ("root", "fails-root", "failure\tvitrine/test/root\tSynced, but the image runs as root"),
            ("start", "fails-start", "failure\tvitrine/test/start\tSynced, but its program cannot be started"),
        ];
        let catalogue = Catalogue::of(&fates.map(|(name, ..)| name));
        let mut settings = settings(&catalogue);
        settings.rollouts.verify = Verify::OnUpdate { parallel: 5 };
        let mut daemon = Daemon::with(cluster, settings).await;
        cluster.players().with_kubelet().await;
        daemon.settled(&catalogue.head()).await;
        for (name, fate, _) in fates {
            let broken = image('b').replace("lab/demo", &format!("lab/{fate}"));
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &broken);
        }
        let head = catalogue.commit("A bad day");
        let board = daemon.settled(&head).await;
        for verdict in &board.verdicts {
            assert_eq!(verdict.is_good(), verdict.name.as_str() == "once", "{verdict:?}");
        }
        let note = || {
            let listed = catalogue.git(&["notes", "--ref", "vitrine/test", "list"]);
            let show = ["notes", "--ref", "vitrine/test", "show", head.as_str()];
            if listed.contains(head.as_str()) { catalogue.git(&show) } else { String::new() }
        };
        for _ in 0..100 {
            if fates.iter().all(|(.., line)| note().contains(line)) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        for (.., line) in fates {
            assert!(note().contains(line), "{line}\n{}", note());
        }
        // They fall asleep, and stay what they were: nobody has to open one to learn it.
        let all_asleep = |b: &Board| b.verdicts.iter().all(|v| {
            let known = v.name.as_str() == "once" || v.stage == Some(Stage::WakeFailed);
            v.stage != Some(Stage::Awake) && known
        });
        daemon.board("asleep", all_asleep).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn what_an_operator_paused_by_hand_is_reported_and_not_touched(cluster: &Cluster) {
        const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.verdict("one", "published", Verdict::is_good).await;
        cluster.requests().take();

        let admin = cluster.admin_client();
        let objects = objects::api(&admin, Kind::ScaledObject, Some(NAMESPACE));
        let hand = PatchParams { field_manager: Some("kubectl-annotate".into()), ..PatchParams::default() };
        let annotate = |value: Value| Patch::Merge(json!({"metadata": {"annotations": {PAUSED: value}}}));
        objects.patch("app", &hand, &annotate(json!("0"))).await.unwrap();
        let verdict = daemon.verdict("one", "paused", |v| v.reason.starts_with("paused")).await;
        let reason = "paused at 0 by hand by kubectl-annotate; no visit wakes it and nothing puts it to sleep";
        let asleep = (Sync::Synced, Some(Stage::Asleep), Some(Health::Healthy), Party::Operator, reason);
        assert_eq!(said(&verdict), asleep);
        assert!(verdict.is_good() && verdict.next.contains(PAUSED), "{}", verdict.next);

        objects.patch("app", &hand, &annotate(Value::Null)).await.unwrap();
        daemon.verdict("one", "let go", |v| v.party == Party::Nobody && v.is_good()).await;
        // Only of this object: a namespace controller may still empty a namespace of the same name.
        let mut writes = cluster.requests().take_writes();
        writes.retain(|request| request.path.contains("/scaledobjects/"));
        assert_eq!(writes, [], "nobody's annotation is repaired");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_route_that_is_not_permitted_is_blocked_until_the_gateway_takes_it(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        cluster.players().stop(Player::Gateway).await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let waits = "waiting for the gateway to accept HTTPRoute/edge";
        daemon.verdict("one", "waiting for the gateway", |v| *v.reason == *waits).await;

        let route = cluster.get(&key(Kind::HttpRoute, "edge")).await.unwrap();
        let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "observedGeneration": route["metadata"]["generation"],
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let refused = condition("ResolvedRefs", "False", "RefNotPermitted", "no grant for Service keda/proxy");
        let accepted = condition("Accepted", "True", "Accepted", "");
        // A gateway that nobody asked is happy with everything.
        let foreign = json!({
            "parentRef": {"name": "another", "namespace": "elsewhere"},
            "controllerName": GATEWAY_CONTROLLER,
            "conditions": [&accepted, condition("ResolvedRefs", "True", "ResolvedRefs", "")],
        });
        let ours = json!({
            "parentRef": route["spec"]["parentRefs"][0],
            "controllerName": GATEWAY_CONTROLLER,
            "conditions": [accepted, refused],
        });
        let status = json!({"parents": [foreign, ours]});
        report(&cluster.admin_client(), Kind::HttpRoute, "edge", status).await;
        let verdict = daemon.verdict("one", "blocked", |v| v.sync == Sync::Blocked).await;
        assert_eq!(
            &*verdict.reason,
            "the gateway refuses HTTPRoute/edge: RefNotPermitted: no grant for Service keda/proxy"
        );
        assert_eq!(verdict.party, Party::Operator);
        assert!(verdict.next.contains("ReferenceGrant"), "{}", verdict.next);

        cluster.players().start(Player::Gateway);
        daemon.verdict("one", "published", |v| v.is_good()).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_solution_that_keda_has_not_taken_on_is_not_green(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        cluster.players().stop(Player::Keda).await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let waits = "waiting for KEDA to take on ScaledObject/app";
        let verdict = daemon.verdict("one", "waiting for KEDA", |v| *v.reason == *waits).await;
        assert_eq!((verdict.sync, verdict.party), (Sync::Progressing, Party::Nobody));
        cluster.players().start(Player::Keda);
        daemon.verdict("one", "published", Verdict::is_good).await;
        daemon.stop().await;
    }
}
