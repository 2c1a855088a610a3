//! E7. Whatever of ours somebody edits, unlabels or removes by hand is put right, and the verdict says
//! which field and which manager. Foreign namespaces and objects are never written.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::{InstanceName, Kind, ObjectKey, marks};
use vitrine_core::render::phase::phase_at;
use vitrine_core::status::{Sync, Verdict};

use super::publish::observed;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::objects;

/// As `kubectl edit`.
const HAND: &str = "kubectl-edit";

/// The bodies of a solution, as they are rendered.
pub fn bodies(catalogue: &Catalogue, name: &str) -> BTreeMap<ObjectKey, Value> {
    let read = catalog::read(&read_folder(&catalogue.path()).unwrap(), &mut Default::default());
    let (solution, platform) = (&read.solutions[name], read.platform.as_ref().unwrap());
    let instance = InstanceName::parse(INSTANCE).unwrap();
    let phase = phase_at(solution, jiff::Timestamp::now());
    let all = vitrine_core::render::all(solution, platform, &instance, phase).objects;
    all.iter().map(|object| (object.key.clone(), object.body.clone())).collect()
}

/// Merges a patch as `kubectl edit` would.
async fn edit(cluster: &Cluster, key: &ObjectKey, patch: Value) {
    let parameters =
        PatchParams { field_manager: Some("kubectl-edit".into()), ..Default::default() };
    objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref())
        .patch(&key.name, &parameters, &Patch::Merge(&patch))
        .await
        .unwrap();
}

/// Writes another value at a JSON pointer of an object. Answers the object, or the server's refusal.
async fn replace(
    cluster: &Cluster,
    key: &ObjectKey,
    pointer: &str,
    value: &Value,
) -> kube::Result<Value> {
    let parameters = PostParams { field_manager: Some(HAND.into()), ..Default::default() };
    let api = objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref());
    loop {
        let mut object = cluster.get(key).await.expect("it is there");
        *object.pointer_mut(pointer).expect("it has the field") = value.clone();
        let object = serde_json::from_value(object).expect("it still is an object");
        match api.replace(&key.name, &parameters, &object).await {
            // A controller was faster.
            Err(kube::Error::Api(status)) if status.reason == "Conflict" => {}
            written => {
                return written.map(|o| serde_json::to_value(o).expect("an object is JSON"));
            }
        }
    }
}

/// Every plain value of a body, by its JSON pointer.
fn leaves(value: &Value, at: &str, all: &mut BTreeMap<String, Value>) {
    let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(map) => map.iter().for_each(|(name, v)| leaves(v, &below(name), all)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, v)| leaves(v, &below(&n.to_string()), all));
        }
        Value::Null => {}
        plain => {
            all.insert(at.to_owned(), plain.clone());
        }
    }
}

/// What of an object is in a body of ours, as the server stores it: it may write a quantity in
/// another form.
fn as_stored(body: &Value, live: &Value) -> Value {
    match (body, live) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let both = ours.iter().filter_map(|(name, v)| Some((name, v, theirs.get(name)?)));
            both.map(|(name, v, live)| (name.clone(), as_stored(v, live))).collect()
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.iter().zip(theirs).map(|(v, live)| as_stored(v, live)).collect()
        }
        (_, live) => live.clone(),
    }
}

/// Whether an object holds all of this. Others may have added to its maps and lists.
fn includes(object: &Value, wanted: &Value) -> bool {
    match (object, wanted) {
        (Value::Object(object), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| object.get(name).is_some_and(|found| includes(found, value))),
        (Value::Array(list), Value::Array(wanted)) => {
            wanted.iter().all(|value| list.iter().any(|found| includes(found, value)))
        }
        (found, wanted) => found == wanted,
    }
}

/// Other values of the same type, one of which the server may take.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(n) => {
            let n = n.as_i64().unwrap_or_default();
            vec![json!(n + 1), json!(n - 1)]
        }
        Value::String(text) => {
            let texts =
                [format!("{text}x"), format!("{text}/x"), "77".into(), "7Mi".into(), "7s".into()];
            texts.into_iter().map(Value::from).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a JSON pointer leads to what tells the entries of a list apart.
fn names_an_entry(pointer: &str) -> bool {
    let keys = ["port", "containerPort", "protocol", "name"];
    let mut parts = pointer.rsplit('/');
    let (key, at) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    keys.contains(&key) && at.parse::<usize>().is_ok()
}

/// Waits until an object holds all of ours again; `None`: the server refuses that, as a verdict
/// says that counts.
async fn put_right(
    cluster: &Cluster,
    daemon: &Daemon,
    key: &ObjectKey,
    mine: &Value,
    told: impl Fn(&Verdict) -> bool,
) -> Option<Value> {
    let refused = format!("refused {key}");
    let begun = Instant::now();
    loop {
        let now = cluster.get(key).await;
        if now.as_ref().is_some_and(|now| includes(now, mine)) {
            return now;
        }
        let board = daemon.boards.borrow().clone();
        let is_refused = |v: &Verdict| told(v) && v.reason.contains(&refused);
        if board.verdicts.iter().any(is_refused) {
            return None;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{key} is not put right: {now:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

scenario! {
    async fn every_field_of_ours_that_a_hand_edits_is_put_right(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon.settled(&catalogue.head()).await;
        let (mut edited, mut refused) = (0, Vec::new());
        for (key, body) in bodies(&catalogue, "one") {
            let before = cluster.get(&key).await.unwrap();
            let mine = as_stored(&body, &before);
            let mut all = BTreeMap::new();
            leaves(&mine, "", &mut all);
            for (pointer, value) in all {
                // Which object it is nobody can edit; whose a namespace is, an operator decides.
                let which = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
                let whose = format!("/metadata/labels/{}", marks::INSTANCE.replace('/', "~1"));
                if which.contains(&&*pointer) || (key.kind == Kind::Namespace && pointer == whose) {
                    continue;
                }
                let mut taken = false;
                for other in others(&value) {
                    taken = match replace(cluster, &key, &pointer, &other).await {
                        // A server may write it in another form, or as it was.
                        Ok(now) => now.pointer(&pointer) != Some(&value),
                        Err(kube::Error::Api(_)) => false,
                        Err(why) => panic!("{key:?} {pointer}: {why}"),
                    };
                    if taken {
                        break;
                    }
                }
                if !taken {
                    refused.push(format!("{key} {pointer}"));
                    continue;
                }
                edited += 1;
                let now =
                    put_right(cluster, &daemon, &key, &mine, |v| v.sync == Sync::Failed).await;
                if now.is_none() {
                    println!("the server refuses to put {key} right at {pointer}");
                }
                if now.is_none_or(|now| now.pointer(&pointer) != Some(&value)) {
                    // What names an entry of a list was edited. Ours is back, and what the hand made
                    // of it stays beside it as whatever others add; or the server refuses the two
                    // beside each other, and the verdict says so until a person deletes the object.
                    assert!(names_an_entry(&pointer), "{key} is not put right at {pointer}");
                    let api = objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref());
                    api.delete(&key.name, &DeleteParams::default()).await.unwrap();
                    let again = put_right(cluster, &daemon, &key, &mine, |_| false).await;
                    let again = again.and_then(|object| object.pointer(&pointer).cloned());
                    assert_eq!(again.as_ref(), Some(&value), "{key} at {pointer}");
                    // What was said of the one that was refused is not of the next edit.
                    daemon.verdict("one", "well again", |v| v.sync == Sync::Synced).await;
                }
            }
        }
        println!("{edited} fields edited; nobody can edit {refused:#?}");
        assert!(edited > 60, "{edited}: {refused:#?}");
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
    }
}

/// A client whose PATCHes take a moment, so that what is said meanwhile is seen.
fn unhurried(client: kube::Client) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let client = client.clone();
        async move {
            if request.method() == http::Method::PATCH {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, "default")
}

scenario! {
    async fn a_repair_names_the_field_and_the_manager(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let client = unhurried(cluster.client());
        let mut daemon = Daemon::through(client, settings(&catalogue)).await;
        daemon.settled(&catalogue.head()).await;
        let service = ObjectKey::namespaced(Kind::Service, "sol-one", "app");
        let deployment = ObjectKey::namespaced(Kind::Deployment, "sol-one", "app");
        let mine = json!({"spec": {"selector": {"vitrine.dev/component": "mine"}}});
        let relabel = json!({"metadata": {"labels": {marks::SOLUTION: "another"}}});
        for (key, patch, field) in [
            (&service, mine, "spec.selector"),
            (&deployment, relabel, "metadata.labels"),
        ] {
            edit(cluster, key, patch).await;
            let verdict = daemon
                .verdict("one", "being repaired", |v| v.sync == Sync::OutOfSync)
                .await;
            let by = format!("{key} was edited by {HAND} (");
            assert!(verdict.reason.starts_with(&by), "{}", verdict.reason);
            assert!(verdict.reason.contains(field), "{}", verdict.reason);
            daemon.verdict("one", "repaired", |v| v.is_good()).await;
        }
        daemon.stop().await;
    }
}

scenario! {
    async fn every_object_that_a_hand_unlabels_or_deletes_is_there_again(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one", "two"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(60));
        daemon.settled(&catalogue.head()).await;
        cluster.requests().take();
        let all = bodies(&catalogue, "one");
        for (key, body) in &all {
            for label in [marks::INSTANCE, marks::SOLUTION] {
                if key.kind == Kind::Namespace && label == marks::INSTANCE {
                    continue; // the next scenario
                }
                edit(cluster, key, json!({"metadata": {"labels": {label: null}}})).await;
                let right = |o: Option<&Value>| {
                    o.is_some_and(|o| o["metadata"]["labels"][label] == body["metadata"]["labels"][label])
                };
                cluster.wait_for(key, "marked again", right).await;
            }
        }
        let writes = cluster.requests().take_writes();
        let (patches, more): (Vec<_>, Vec<_>) =
            writes.into_iter().partition(|r| r.method == http::Method::PATCH);
        assert_eq!(patches.len(), 2 * all.len() - 1, "one PATCH a repair: {patches:#?}");
        // A Deployment that is not ours to see would be born again, were it not there.
        let told: Vec<String> = more.iter().map(ToString::to_string).collect();
        let birth = "POST /apis/apps/v1/namespaces/sol-one/deployments by vitrine-birth -> 409";
        assert_eq!(told, [birth]);
        for key in all.keys().filter(|key| key.kind != Kind::Namespace) {
            let uid = cluster.get(key).await.unwrap()["metadata"]["uid"].clone();
            objects::api(&cluster.admin_client(), key.kind, key.namespace.as_deref())
                .delete(&key.name, &DeleteParams::default())
                .await
                .unwrap();
            let anew = |o: Option<&Value>| o.is_some_and(|o| o["metadata"]["uid"] != uid);
            cluster.wait_for(key, "there again", anew).await;
        }
        daemon.settled(&catalogue.head()).await;
        let deletes = cluster.requests().take_writes();
        assert!(deletes.iter().all(|r| r.method != http::Method::DELETE), "{deletes:#?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_namespace_that_a_hand_takes_from_us_is_left_and_named_until_it_is_given_back(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        cluster.requests().take();
        let namespace = ObjectKey::cluster(Kind::Namespace, "sol-one");
        edit(cluster, &namespace, json!({"metadata": {"labels": {marks::INSTANCE: null}}})).await;
        let verdict = daemon.verdict("one", "blocked", |v| v.sync == Sync::Blocked).await;
        assert_eq!(&*verdict.reason, "Namespace sol-one exists and is not vitrine's");
        assert_eq!(cluster.requests().take_writes(), []);
        edit(cluster, &namespace, json!({"metadata": {"labels": {marks::INSTANCE: INSTANCE}}})).await;
        daemon.verdict("one", "published", |v| v.is_good()).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn a_foreign_namespace_of_the_same_name_is_untouched_and_named(cluster: &Cluster) {
        let foreign = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "sol-taken", "labels": {"owner": "somebody-else"}},
        });
        crate::support::objects::apply(&cluster.admin_client(), &foreign, "kubectl").await.unwrap();
        let key = ObjectKey::cluster(Kind::Namespace, "sol-taken");
        let before = cluster.get(&key).await;

        let catalogue = Catalogue::of(&["free", "taken"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.settled(&catalogue.head()).await;
        let taken = board.verdicts.iter().find(|v| v.name == "taken").unwrap();
        assert_eq!(taken.sync, Sync::Blocked);
        assert_eq!(&*taken.reason, "Namespace sol-taken exists and is not vitrine's");
        assert!(taken.next.contains("vitrine.dev/instance=test"), "{}", taken.next);
        assert_eq!(cluster.get(&key).await, before);
        assert!(observed(cluster).await.iter().all(|key| key.solution(&InstanceName::parse(INSTANCE).unwrap()).is_some_and(|its| its.as_str() == "free")));

        // An operator who labels it for us hands it over.
        let labelled = serde_json::json!({"metadata": {"labels": {"vitrine.dev/instance": INSTANCE}}});
        let namespaces = crate::support::objects::api(&cluster.admin_client(), Kind::Namespace, None);
        let merge = kube::api::Patch::Merge(&labelled);
        namespaces.patch("sol-taken", &Default::default(), &merge).await.unwrap();
        daemon.verdict("taken", "published", |v| v.is_good()).await;
        daemon.stop().await;
    }
}

scenario! {
    async fn foreign_objects_beside_ours_are_never_written(cluster: &Cluster) {
        let admin = cluster.admin_client();
        // A name of its own: the namespace controller empties by name what a scenario before had.
        // One was there before us, in a namespace that we are given, and one comes later.
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "sol-beside", "labels": {marks::INSTANCE: INSTANCE}},
        });
        objects::apply(&admin, &namespace, "kubectl").await.unwrap();
        let of = |kind: &str, name: &str, more: Value| {
            let mut object = json!({
                "apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "sol-beside"},
            });
            object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object
        };
        let ports = json!({"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}});
        objects::apply(&admin, &of("Service", "theirs", ports), "kubectl").await.unwrap();
        let catalogue = Catalogue::of(&["beside"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let data = json!({"data": {"a": "b"}});
        objects::apply(&admin, &of("ConfigMap", "theirs", data), "kubectl").await.unwrap();
        let theirs = [Kind::Service, Kind::ConfigMap]
            .map(|kind| ObjectKey::namespaced(kind, "sol-beside", "theirs"));
        let mut before = Vec::new();
        for key in &theirs {
            before.push(cluster.get(key).await.unwrap());
        }
        // An update, a repair and a restart later.
        catalogue.edit("beside/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        daemon.settled(&head).await;
        let service = ObjectKey::namespaced(Kind::Service, "sol-beside", "app");
        edit(cluster, &service, json!({"metadata": {"labels": {marks::SOLUTION: null}}})).await;
        let right = |o: Option<&Value>| o.is_some_and(|o| o["metadata"]["labels"][marks::SOLUTION] == "beside");
        cluster.wait_for(&service, "marked again", right).await;
        daemon.stop().await;
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&head).await;
        for (key, before) in theirs.iter().zip(before) {
            assert_eq!(cluster.get(key).await.unwrap(), before);
        }
        let sent = cluster.requests().take_writes();
        assert!(!sent.iter().any(|r| r.path.ends_with("/theirs")), "{sent:#?}");
        daemon.stop().await;
    }
}
