//! E9. Without the CRD of a kind only its objects, what depends on them and the route wait; they follow
//! within 10 s when the CRD comes. A solution that needs no such object notices nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use vitrine_core::model::{InstanceName, Kind, ObjectKey};
use vitrine_core::status::{Sync, Verdict};

use super::publish::{desired, observed};
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE};

/// Publishes `one`, which needs the kind, and `two`, which does not, on a cluster that lacks it.
/// What waits is `waiting`; `two` is published where it needs none of `kind`.
async fn without(cluster: &Cluster, kind: Kind, waiting: &[Kind]) {
    cluster.remove_definition(kind).await;
    let catalogue = Catalogue::of(&["one", "two"]);
    // Always on: nobody wakes it, and nothing is granted to an interceptor.
    let always = "spec:\n  scaling: {minReplicas: 1, maxReplicas: 1}";
    catalogue.edit("two/solution.yaml", "spec:", always);
    let head = catalogue.commit("One sleeps, one does not");
    let mut daemon = Daemon::start(cluster, &catalogue).await;
    let verdict = daemon.verdict("one", "blocked", |v| v.sync == Sync::Blocked).await;
    assert_eq!(verdict.reason.text, format!("waiting for CRD {}", kind.crd().unwrap()));

    let instance = InstanceName::parse(INSTANCE).unwrap();
    let all = desired(&catalogue);
    let of = |all: &BTreeSet<ObjectKey>, name: &str| -> BTreeSet<ObjectKey> {
        all.iter()
            .filter(|key| key.solution(&instance).is_some_and(|its| its.as_str() == name))
            .cloned()
            .collect()
    };
    assert!(of(&all, "one").iter().any(|key| key.kind == kind), "it would prove nothing");
    if of(&all, "two").iter().all(|key| key.kind != kind) {
        daemon.verdict("two", "published", Verdict::is_good).await;
        assert_eq!(of(&observed_but(cluster, kind).await, "two"), of(&all, "two"));
    }
    // What can be there comes, and no more: nothing is public half-built.
    let mut possible = of(&all, "one");
    possible.retain(|key| !waiting.contains(&key.kind));
    let begun = Instant::now();
    loop {
        let there = of(&observed_but(cluster, kind).await, "one");
        assert!(there.is_subset(&possible), "{there:?}");
        if there == possible {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{there:?} of {possible:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(of(&observed_but(cluster, kind).await, "one"), possible);

    let came = Instant::now();
    cluster.install_definition(kind).await;
    let good = |v: &Verdict| v.is_good();
    daemon.verdict("one", "synced", good).await;
    assert!(came.elapsed() < Duration::from_secs(10), "{:?}", came.elapsed());
    daemon.settled(&head).await;
    assert_eq!(observed(cluster).await, all, "all as rendered, none else");
    daemon.stop().await;
}

/// What there is of every kind but one, which nobody can list.
async fn observed_but(cluster: &Cluster, kind: Kind) -> BTreeSet<ObjectKey> {
    let kinds: Vec<Kind> = Kind::RENDERED.into_iter().filter(|known| *known != kind).collect();
    super::publish::observed_of(cluster, &kinds).await
}

scenario! {
    async fn without_scaled_objects_they_and_the_route_wait(cluster: &Cluster) {
        let waiting = [Kind::ScaledObject, Kind::ReferenceGrant, Kind::HttpRoute];
        without(cluster, Kind::ScaledObject, &waiting).await;
    }
}

scenario! {
    async fn without_interceptor_routes_they_and_what_reads_them_wait(cluster: &Cluster) {
        let waiting =
            [Kind::InterceptorRoute, Kind::ScaledObject, Kind::ReferenceGrant, Kind::HttpRoute];
        without(cluster, Kind::InterceptorRoute, &waiting).await;
    }
}

scenario! {
    async fn without_grants_they_and_the_route_wait(cluster: &Cluster) {
        without(cluster, Kind::ReferenceGrant, &[Kind::ReferenceGrant, Kind::HttpRoute]).await;
    }
}

scenario! {
    async fn without_routes_nothing_else_waits(cluster: &Cluster) {
        without(cluster, Kind::HttpRoute, &[Kind::HttpRoute]).await;
    }
}
