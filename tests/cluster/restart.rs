//! A daemon that dies anywhere ends where it would have ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::Method;
use tokio::sync::Notify;
use vitrine_core::model::{InstanceName, Kind, ObjectKey};
use vitrine_core::status::Verdict;

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};

/// A power cut: so many writes leave, then nothing does any more.
struct PowerCut {
    left: AtomicI64,
    /// Whether the last write is carried out, and its answer never heard.
    answer_is_lost: bool,
    dark: AtomicBool,
    fell: Notify,
}

impl PowerCut {
    fn after(writes: i64, answer_is_lost: bool) -> Arc<Self> {
        let (left, dark) = (AtomicI64::new(writes), AtomicBool::new(false));
        Arc::new(Self { left, answer_is_lost, dark, fell: Notify::new() })
    }

    /// What a request meets that finds no power.
    async fn fall<T>(&self) -> T {
        self.dark.store(true, Ordering::SeqCst);
        self.fell.notify_one();
        std::future::pending().await
    }

    /// The client of a daemon that the power fails. Reading and the Lease cost nothing.
    fn client(self: &Arc<Self>, client: kube::Client) -> kube::Client {
        let cut = Arc::clone(self);
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (client, cut) = (client.clone(), cut.clone());
            async move {
                if cut.dark.load(Ordering::SeqCst) {
                    return cut.fall().await;
                }
                if request.method() == Method::GET || request.uri().path().contains("/leases") {
                    return client.send(request).await;
                }
                let left = cut.left.fetch_sub(1, Ordering::SeqCst);
                if left <= 0 {
                    return cut.fall().await;
                }
                let answer = client.send(request).await;
                if left == 1 && cut.answer_is_lost { cut.fall().await } else { answer }
            }
        });
        kube::Client::new(service, "default")
    }
}

/// The UID of every object of the instance, but for those of a solution.
async fn identities(cluster: &Cluster, without: &str) -> BTreeMap<ObjectKey, String> {
    static OURS: LazyLock<InstanceName> = LazyLock::new(|| InstanceName::parse(INSTANCE).unwrap());
    let mut all = BTreeMap::new();
    for kind in Kind::RENDERED {
        for object in cluster.of_instance(kind, INSTANCE).await {
            let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
            let key = ObjectKey { kind, namespace: text("namespace"), name: text("name").unwrap() };
            if key.solution(&OURS).is_none_or(|name| name.as_str() != without) {
                all.insert(key, text("uid").unwrap());
            }
        }
    }
    all
}

/// Starts a daemon that the power fails after a few writes, another number at each point, and
/// asserts that what was there is there, but for one solution.
async fn struck(cluster: &Cluster, catalogue: &Catalogue, point: i64, without: &str) {
    let before = identities(cluster, without).await;
    let cut = PowerCut::after(point % 4, point % 2 == 1);
    let daemon = Daemon::through(cut.client(cluster.client()), settings(catalogue)).await;
    let fell = tokio::time::timeout(Duration::from_secs(20), cut.fell.notified()).await;
    assert!(fell.is_ok(), "point {point}: there was too little to write");
    daemon.kill();
    let after = identities(cluster, without).await;
    for (key, uid) in before {
        assert_eq!(after.get(&key), Some(&uid), "point {point}: {key:?} is not what it was");
    }
}

/// The paths of every DELETE so far.
fn deletes(cluster: &Cluster) -> Vec<String> {
    let sent = cluster.requests().all();
    sent.into_iter().filter(|r| r.method == Method::DELETE).map(|r| r.path).collect()
}

scenario! {
    async fn a_kill_at_any_point_changes_nothing_of_the_end(cluster: &Cluster) {
        let names = ["alpha-r", "beta-r", "gamma-r", "delta-r", "omega-r"];
        let catalogue = Catalogue::of(&names);
        for point in 0..20 {
            struck(cluster, &catalogue, point, "nobody").await;
        }
        let settled = async |catalogue: &Catalogue| {
            let mut daemon = Daemon::start(cluster, catalogue).await;
            daemon.settled(&catalogue.head()).await;
            daemon.stop().await;
        };
        settled(&catalogue).await;
        let published = identities(cluster, "nobody").await;
        for name in names {
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
        }
        catalogue.commit("A newer image for everybody");
        for point in 0..3 {
            struck(cluster, &catalogue, point, "nobody").await;
        }
        settled(&catalogue).await;
        assert_eq!(identities(cluster, "nobody").await, published, "nothing was made anew");
        assert_eq!(deletes(cluster), [""; 0]);

        // What leaves the catalogue goes, and takes nobody along.
        catalogue.remove("beta-r");
        catalogue.commit("Without beta-r");
        for point in 0..2 {
            struck(cluster, &catalogue, point, "beta-r").await;
        }
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon
            .board("settled without beta-r", |b| {
                b.revision.as_ref() == Some(&catalogue.head())
                    && b.verdicts.len() == 4
                    && b.verdicts.iter().all(Verdict::is_good)
            })
            .await;
        daemon.stop().await;
        let deleted = deletes(cluster);
        let of_beta = |path: &String| path.ends_with("-beta-r") || path.contains("/sol-beta-r/");
        assert!(!deleted.is_empty() && deleted.iter().all(of_beta), "{deleted:?}");
        let mut others = published;
        let home = |key: &ObjectKey| key.namespace.clone().unwrap_or_else(|| key.name.clone());
        others.retain(|key, _| home(key) != "sol-beta-r" && !key.name.ends_with("-beta-r"));
        assert_eq!(identities(cluster, "beta-r").await, others);

        cluster.requests().take();
        settled(&catalogue).await;
        assert_eq!(cluster.requests().take_writes(), []);
    }
}

/// A client whose requests about Leases take long.
fn with_a_slow_lease(client: kube::Client) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let client = client.clone();
        async move {
            if request.uri().path().contains("/leases") {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, "default")
}

scenario! {
    async fn what_left_the_catalogue_meanwhile_goes_although_the_lease_is_read_last(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-s", "beta-s", "gamma-s"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;
        catalogue.remove("beta-s");
        catalogue.commit("Nobody looks at beta-s");

        let client = with_a_slow_lease(cluster.client());
        let daemon = Daemon::through(client, settings(&catalogue)).await;
        let beta = ObjectKey::cluster(Kind::Namespace, "sol-beta-s");
        let leaving = |o: Option<&serde_json::Value>| {
            o.is_none_or(|o| !o["metadata"]["deletionTimestamp"].is_null())
        };
        cluster.wait_for(&beta, "leaving", leaving).await;
        daemon.stop().await;
    }
}
