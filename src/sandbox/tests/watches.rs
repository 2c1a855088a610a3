//! Lists, watches, deletions, discovery, faults, the doors.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Discovery};

use super::*;
use vitrine_core::model::{Kind, ObjectKey};

fn labelled(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "p", "labels": {"l": value}}})
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::ConfigMap, "p", name)
}

#[tokio::test]
async fn a_watch_tells_what_enters_changes_and_leaves_its_selection() {
    let s = sandbox();
    let api: Api<PartialObjectMeta<ConfigMap>> = Api::all(s.client());
    let from =
        api.list_metadata(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events =
        api.watch_metadata(&WatchParams::default().labels("l=1"), &from).await.unwrap().boxed();
    s.create("t", labelled("other", "2")).unwrap();
    s.create("t", labelled("a", "1")).unwrap();
    s.edit("t", &key("a"), |o| o["data"] = json!({"x": "y"})).unwrap();
    s.edit("t", &key("a"), |o| o["metadata"]["labels"]["l"] = json!("2")).unwrap();
    s.edit("t", &key("other"), |o| o["metadata"]["labels"]["l"] = json!("1")).unwrap();
    s.remove(&key("other")).unwrap();
    let mut told = Vec::new();
    while told.len() < 5 {
        told.push(match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(o) => ("added", o.metadata.name.unwrap()),
            WatchEvent::Modified(o) => ("modified", o.metadata.name.unwrap()),
            WatchEvent::Deleted(o) => ("deleted", o.metadata.name.unwrap()),
            other => panic!("{other:?}"),
        });
    }
    let expected = [
        ("added", "a"),
        ("modified", "a"),
        ("deleted", "a"),
        ("added", "other"),
        ("deleted", "other"),
    ];
    assert_eq!(told.iter().map(|(e, n)| (*e, n.as_str())).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_streaming_list_ends_with_its_bookmark() {
    let s = sandbox();
    s.create("t", labelled("a", "1")).unwrap();
    let api: Api<ConfigMap> = Api::all(s.client());
    let config = watcher::Config::default().streaming_lists();
    let mut events = watcher(api, config).boxed();
    assert!(matches!(events.try_next().await.unwrap(), Some(watcher::Event::Init)));
    assert!(matches!(events.try_next().await.unwrap(), Some(watcher::Event::InitApply(_))));
    assert!(matches!(events.try_next().await.unwrap(), Some(watcher::Event::InitDone)));
    s.remove(&key("a")).unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(watcher::Event::Delete(_))));
}

#[tokio::test]
async fn an_expired_watch_gets_a_410_and_lists_again() {
    let s = sandbox();
    s.create("t", labelled("a", "1")).unwrap();
    let api: Api<ConfigMap> = Api::all(s.client());
    let mut events = watcher(api, watcher::Config::default()).boxed();
    for _ in 0..3 {
        events.try_next().await.unwrap();
    }
    let waiting = tokio::spawn(async move { (events.next().await, events) });
    tokio::task::yield_now().await;
    s.expire_watches();
    let (first, mut events) = waiting.await.unwrap();
    assert!(
        matches!(&first, Some(Err(watcher::Error::WatchError(e))) if e.code == 410),
        "{first:?}"
    );
    assert!(matches!(events.next().await, Some(Ok(watcher::Event::Init))));
}

#[tokio::test]
async fn a_watch_from_before_the_remembered_past_gets_a_410() {
    let s = Sandbox::new(Options { history: 2, ..Options::default() });
    for name in ["a", "b", "c", "d"] {
        s.create("t", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}})).unwrap();
    }
    let (code, event) = get(&s, "/api/v1/configmaps?watch=true&resourceVersion=1").await;
    assert_eq!(
        (code, &event["type"], &event["object"]["code"]),
        (200, &json!("ERROR"), &json!(410))
    );
}

#[tokio::test]
async fn a_cut_watch_ends_with_an_error() {
    let s = sandbox();
    let api: Api<ConfigMap> = Api::all(s.client());
    let mut events = api.watch(&WatchParams::default(), "1").await.unwrap().boxed();
    let waiting = tokio::spawn(async move { events.next().await.is_none_or(|e| e.is_err()) });
    tokio::task::yield_now().await;
    s.drop_watches();
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn an_idle_watch_hears_bookmarks_and_ends_at_its_timeout() {
    let s =
        Sandbox::new(Options { bookmark_every: Duration::from_millis(10), ..Options::default() });
    let uri = "/api/v1/namespaces?watch=true&resourceVersion=1000&allowWatchBookmarks=true&timeoutSeconds=0";
    let (code, _) = get(&s, uri).await;
    assert_eq!(code, 200);
    let api: Api<Namespace> = Api::all(s.client());
    let mut events = api.watch(&WatchParams::default().timeout(5), "1000").await.unwrap().boxed();
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Bookmark(_))));
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let s = sandbox();
    for name in ["a", "b", "c"] {
        s.create("t", labelled(name, "1")).unwrap();
    }
    let (_, page) = get(&s, &format!("{MAPS}?limit=2")).await;
    assert_eq!(page["metadata"]["remainingItemCount"], 1);
    let next = page["metadata"]["continue"].as_str().unwrap();
    let (_, page) = get(&s, &format!("{MAPS}?limit=2&continue={next}")).await;
    assert_eq!(page["items"][0]["metadata"]["name"], "c");
    assert_eq!(page["metadata"].get("continue"), None);
}

#[tokio::test]
async fn metadata_is_answered_alone_where_it_is_asked_for() {
    let s = sandbox();
    let api: Api<DynamicObject> = {
        let resource = kube::api::ApiResource::erase::<ConfigMap>(&());
        Api::namespaced_with(s.client(), "p", &resource)
    };
    let body = map("a", json!({"a": "1"}));
    let params = PatchParams::apply("m").force().validation_strict();
    let answer = api.patch_metadata("a", &params, &Patch::Apply(&body)).await.unwrap();
    assert_eq!(answer.types.unwrap().kind, "PartialObjectMetadata");
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
    assert_eq!(s.requests().iter().filter(|r| r.is_write()).count(), 1);
}

#[tokio::test]
async fn a_deletion_with_preconditions_needs_them_to_hold() {
    let s = sandbox();
    s.create("t", labelled("a", "1")).unwrap();
    let uri = format!("{MAPS}/a");
    let kind = "application/json";
    for wrong in [json!({"uid": "x"}), json!({"resourceVersion": "1"})] {
        let body = json!({"preconditions": wrong});
        let (code, status) = send(&s, Method::DELETE, &uri, kind, &body).await;
        assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    }
    let live = s.get(&key("a")).unwrap();
    let right = json!({"preconditions": {"uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"]}});
    assert_eq!(send(&s, Method::DELETE, &uri, kind, &right).await.0, 200);
    assert_eq!(send(&s, Method::DELETE, &uri, kind, &right).await.0, 404);
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let s = sandbox();
    let body = scaled(
        json!({"scaleTargetRef": {"name": "a"}, "triggers": [{"type": "x", "metadata": {}}]}),
    );
    apply(&s, &format!("{SCALED}/s?fieldManager=m"), &body).await;
    merge(&s, &format!("{SCALED}/s"), &json!({"metadata": {"finalizers": ["finalizer.keda.sh"]}}))
        .await;
    let (code, dying) = send(&s, Method::DELETE, &format!("{SCALED}/s"), "", &Value::Null).await;
    assert_eq!(code, 200);
    assert!(dying["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(
        (&dying["metadata"]["generation"], &dying["metadata"]["deletionGracePeriodSeconds"]),
        (&json!(2), &json!(0))
    );
    let more = json!({"metadata": {"finalizers": ["finalizer.keda.sh", "x/y"]}});
    let (code, status) = merge(&s, &format!("{SCALED}/s"), &more).await;
    assert_eq!(
        (code, &status["details"]["causes"][0]["reason"]),
        (422, &json!("FieldValueForbidden"))
    );
    let none = json!({"metadata": {"finalizers": null}});
    assert_eq!(merge(&s, &format!("{SCALED}/s"), &none).await.0, 200);
    assert_eq!(get(&s, &format!("{SCALED}/s")).await.0, 404);
}

#[tokio::test]
async fn a_terminating_namespace_takes_nothing_new_and_says_what_holds_it() {
    let s = sandbox();
    let mut held = labelled("held", "1");
    held["metadata"]["finalizers"] = json!(["x.y/z"]);
    s.create("t", held).unwrap();
    s.create("t", labelled("free", "1")).unwrap();
    let (code, _) = send(&s, Method::DELETE, "/api/v1/namespaces/p", "", &Value::Null).await;
    assert_eq!(code, 200);
    let (code, status) = post(&s, MAPS, &map("late", json!({}))).await;
    assert_eq!(code, 403);
    assert_eq!(status["details"]["causes"][0]["reason"], "NamespaceTerminating");
    let (_, namespace) = get(&s, "/api/v1/namespaces/p").await;
    assert_eq!(namespace["status"]["phase"], "Terminating");
    let conditions = namespace["status"]["conditions"].as_array().unwrap();
    let said =
        |kind: &str| conditions.iter().find(|c| c["type"] == kind).unwrap()["message"].clone();
    assert_eq!(
        said("NamespaceContentRemaining"),
        "Some resources are remaining: configmaps. has 1 resource instances"
    );
    assert_eq!(
        said("NamespaceFinalizersRemaining"),
        "Some content in the namespace has finalizers remaining: x.y/z in 1 resource instances"
    );
    assert!(s.get(&key("free")).is_none());
    merge(&s, &format!("{MAPS}/held"), &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(get(&s, "/api/v1/namespaces/p").await.0, 404);
}

#[tokio::test]
async fn a_namespace_is_born_active_with_its_own_label() {
    let s = sandbox();
    let uri = "/api/v1/namespaces/n?fieldManager=m";
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"a": "b"}}});
    let (_, namespace) = apply(&s, uri, &body).await;
    assert_eq!(
        namespace["metadata"]["labels"],
        json!({"a": "b", "kubernetes.io/metadata.name": "n"})
    );
    assert_eq!(
        (&namespace["status"]["phase"], &namespace["spec"]["finalizers"]),
        (&json!("Active"), &json!(["kubernetes"]))
    );
    let again = apply(&s, uri, &body).await.1;
    assert_eq!(namespace["metadata"]["resourceVersion"], again["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn discovery_follows_the_definitions() {
    let s = sandbox();
    let scaled = kube::core::GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject");
    let found = Discovery::new(s.client()).run_aggregated().await.unwrap();
    assert!(found.resolve_gvk(&scaled).is_some());
    assert_eq!(s.requests().len(), 2);
    s.remove_definition("scaledobjects.keda.sh");
    let found = Discovery::new(s.client()).run_aggregated().await.unwrap();
    assert!(found.resolve_gvk(&scaled).is_none());
    assert_eq!(get(&s, SCALED).await.0, 404);
    let scaled_object = |text: &&&str| text.contains("name: scaledobjects.keda.sh");
    s.install_definition(super::super::DEFINITIONS.iter().find(scaled_object).unwrap());
    assert_eq!(get(&s, SCALED).await.0, 200);
    s.faults(|f| f.old_discovery = true);
    let found = Discovery::new(s.client()).run().await.unwrap();
    assert!(found.resolve_gvk(&scaled).is_some());
}

#[tokio::test]
async fn our_definitions_and_the_model_agree_on_what_is_atomic() {
    let s = sandbox();
    for kind in Kind::RENDERED.into_iter().filter(|k| k.crd().is_some()) {
        let resource = s.resource(kind).unwrap();
        let body = json!({"metadata": {"finalizers": ["a"], "labels": {"a": "b"}}, "spec": {
            "rules": [{"hosts": ["a"]}], "parentRefs": [{"name": "a"}], "hostnames": ["a"],
            "triggers": [{"type": "a", "metadata": {"a": "b"}}], "from": [{}], "to": [{}],
            "scaleTargetRef": {"name": "a"}, "target": {"service": "a"},
            "coldStart": {"placeholder": {"response": {"headers": {"a": "b"}}}},
            "selector": {"matchLabels": {"a": "b"}}, "podSelector": {"matchLabels": {"a": "b"}},
            "podMetricsEndpoints": [{"port": "a"}], "namespaceSelector": {"matchNames": ["a"]},
            "identityRefs": [{"kind": "a"}], "requiredAuthenticationRefs": [{"kind": "a"}],
            "targetRef": {"name": "a"}, "targetRefs": [{"name": "a"}], "total": {"a": 1},
            "rateLimit": {"average": 1, "sourceCriterion": {"ipStrategy": {"depth": 1}},
                "local": {"rules": [{"limit": {"requests": 1}}]}},
            "buffering": {"a": 1}, "requestBuffer": {"limit": "1"},
            "timeout": {"http": {"requestTimeout": "1s"}}}});
        let known = vitrine_core::model::FieldSet::of(resource.shape, &body);
        assert_eq!(known, vitrine_core::model::FieldSet::owned(kind, &body), "{kind}");
    }
}

#[tokio::test]
async fn faults_are_met_and_counted_down() {
    let s = sandbox();
    s.faults(|f| (f.too_many, f.internal) = ((1, 7), 1));
    assert_eq!(get(&s, MAPS).await.0, 429);
    assert_eq!(get(&s, MAPS).await.0, 500);
    assert_eq!(get(&s, MAPS).await.0, 200);
    s.create("t", labelled("a", "1")).unwrap();
    s.faults(|f| {
        f.no_deletes.insert(Kind::ConfigMap);
    });
    assert_eq!(send(&s, Method::DELETE, &format!("{MAPS}/a"), "", &Value::Null).await.0, 403);
    s.faults(|f| f.down = true);
    let api: Api<ConfigMap> = Api::all(s.client());
    assert!(api.list(&ListParams::default()).await.is_err());
}

#[tokio::test]
async fn a_lost_answer_was_carried_out() {
    let s = sandbox();
    s.faults(|f| f.lost_answers = 1);
    let api: Api<ConfigMap> = Api::namespaced(s.client(), "p");
    let body = map("a", json!({}));
    let patched = api.patch("a", &PatchParams::apply("m"), &Patch::Apply(&body)).await;
    assert!(patched.is_err());
    assert!(s.get(&key("a")).is_some());
}

#[tokio::test]
async fn the_http_door_serves_a_client_with_its_kubeconfig() {
    let s = sandbox();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = s.serve(listener);
    let config: kube::config::Kubeconfig =
        serde_json::from_str(&Sandbox::kubeconfig(address)).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let api: Api<ConfigMap> = Api::namespaced(kube::Client::try_from(config).unwrap(), "p");
    let mut events = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    api.create(&Default::default(), &serde_json::from_value(map("a", json!({"a": "b"}))).unwrap())
        .await
        .unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Added(_))));
    door.abort();
}

#[tokio::test]
async fn a_selected_watch_of_ten_thousand_objects_tells_its_own_only() {
    let s = sandbox();
    let api: Api<PartialObjectMeta<ConfigMap>> = Api::all(s.client());
    let selected = WatchParams::default().labels("l=7");
    let mut events = api.watch_metadata(&selected, "1").await.unwrap().boxed();
    for n in 0..10_000 {
        let body = labelled(&format!("c{n}"), &(n % 100).to_string());
        let (code, _) = apply(&s, &format!("{MAPS}/c{n}?fieldManager=m"), &body).await;
        assert_eq!(code, 201);
    }
    for _ in 0..100 {
        let Some(WatchEvent::Added(object)) = events.try_next().await.unwrap() else { panic!() };
        assert_eq!(object.metadata.labels.unwrap()["l"], "7");
    }
    s.create("t", labelled("last", "7")).unwrap();
    let Some(WatchEvent::Added(object)) = events.try_next().await.unwrap() else { panic!() };
    assert_eq!(object.metadata.name.unwrap(), "last");
}
