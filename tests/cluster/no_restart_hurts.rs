//! E2. A restart at any step of a pass changes nothing of the end: the same objects, none deleted that
//! should stay. With everything in place a restart writes nothing.
//!
//! The points are drawn anew in each run; a failure names the seed, and with `VITRINE_SEED` the same
//! points are drawn again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::Method;
use tokio::sync::Notify;
use vitrine_core::model::{InstanceName, Kind, ObjectKey, marks};
use vitrine_core::status::Verdict;

use super::publish::contents;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};

/// A power cut: so many writes leave, then nothing does any more.
struct PowerCut {
    left: AtomicI64,
    /// It comes sooner, when an object in a place like this is to be patched.
    before_patch: Option<&'static str>,
    /// Whether the last write is carried out, and its answer never heard.
    answer_is_lost: bool,
    dark: AtomicBool,
    fell: Notify,
}

impl PowerCut {
    fn after(writes: i64, answer_is_lost: bool) -> Arc<Self> {
        let (left, dark) = (AtomicI64::new(writes), AtomicBool::new(false));
        Arc::new(Self { left, before_patch: None, answer_is_lost, dark, fell: Notify::new() })
    }

    fn before_patch(place: &'static str) -> Arc<Self> {
        let (left, dark) = (AtomicI64::new(i64::MAX), AtomicBool::new(false));
        let before_patch = Some(place);
        Arc::new(Self { left, before_patch, answer_is_lost: false, dark, fell: Notify::new() })
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
                let path = request.uri().path();
                if request.method() == Method::PATCH
                    && cut.before_patch.is_some_and(|place| path.contains(place))
                {
                    return cut.fall().await;
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
            let key = ObjectKey {
                kind,
                namespace: text("namespace").map(Into::into),
                name: text("name").unwrap().into(),
            };
            if key.solution(&OURS).is_none_or(|name| name.as_str() != without) {
                all.insert(key, text("uid").unwrap());
            }
        }
    }
    all
}

/// Where the power fails: points drawn from a seed.
struct Chance {
    drawn: fastrand::Rng,
    seed: u64,
}

impl Chance {
    fn new() -> Self {
        let told = std::env::var("VITRINE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = told.unwrap_or_else(|| fastrand::u64(..));
        Self { drawn: fastrand::Rng::with_seed(seed), seed }
    }

    /// So many points of a pass that makes more than `most` writes, in their order: each is told by
    /// the writes since the one before.
    fn points(&mut self, count: usize, most: i64) -> Vec<PowerPoint> {
        let mut points: Vec<i64> = (0..count).map(|_| self.drawn.i64(0..=most)).collect();
        points.sort_unstable();
        let mut before = 0;
        let since = points.into_iter().map(|point| {
            let writes = point - std::mem::replace(&mut before, point);
            PowerPoint { writes, answer_is_lost: self.drawn.bool(), seed: self.seed }
        });
        since.collect()
    }
}

/// The power fails after so many writes.
#[derive(Clone, Copy, Debug)]
struct PowerPoint {
    writes: i64,
    answer_is_lost: bool,
    #[expect(dead_code, reason = "told when a test fails")]
    seed: u64,
}

/// Starts a daemon that the power fails after a few writes, and asserts that what was there is
/// there, but for one solution.
async fn struck(cluster: &Cluster, catalogue: &Catalogue, point: PowerPoint, without: &str) {
    let before = identities(cluster, without).await;
    let cut = PowerCut::after(point.writes, point.answer_is_lost);
    let daemon = Daemon::through(cut.client(cluster.client()), settings(catalogue)).await;
    let fell = tokio::time::timeout(Duration::from_secs(20), cut.fell.notified()).await;
    assert!(fell.is_ok(), "{point:?}: there was too little to write");
    daemon.kill();
    let after = identities(cluster, without).await;
    for (key, uid) in before {
        assert_eq!(after.get(&key), Some(&uid), "{point:?}: {key:?} is not what it was");
    }
}

/// The content of every object, as it is marked.
async fn marked(cluster: &Cluster) -> BTreeMap<ObjectKey, String> {
    let mut all = BTreeMap::new();
    for key in identities(cluster, "nobody").await.into_keys() {
        let object = cluster.get(&key).await.unwrap();
        let content = object["metadata"]["annotations"][marks::CONTENT].as_str();
        all.insert(key, content.unwrap_or_default().to_owned());
    }
    all
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
        let mut chance = Chance::new();
        // Of five namespaces with a dozen objects each.
        for point in chance.points(20, 60) {
            struck(cluster, &catalogue, point, "nobody").await;
        }
        let settled = async |catalogue: &Catalogue| {
            let mut daemon = Daemon::start(cluster, catalogue).await;
            daemon.settled(&catalogue.head()).await;
            daemon.stop().await;
        };
        settled(&catalogue).await;
        assert_eq!(marked(cluster).await, contents(&catalogue), "all as rendered, none else");
        let published = identities(cluster, "nobody").await;
        for name in names {
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
        }
        catalogue.commit("A newer image for everybody");
        for point in chance.points(3, 4) {
            struck(cluster, &catalogue, point, "nobody").await;
        }
        settled(&catalogue).await;
        assert_eq!(identities(cluster, "nobody").await, published, "nothing was made anew");
        assert_eq!(deletes(cluster), [""; 0]);

        // What leaves the catalogue goes, and takes nobody along.
        catalogue.remove("beta-r");
        catalogue.commit("Without beta-r");
        for point in chance.points(3, 9) {
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

        assert_eq!(marked(cluster).await, contents(&catalogue));

        cluster.requests().take();
        settled(&catalogue).await;
        assert_eq!(cluster.requests().take_writes(), []);
    }
}

scenario! {
    async fn a_kill_between_a_birth_and_its_apply_is_made_good(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["alpha-t"]);
        let cut = PowerCut::before_patch("/deployments/");
        let daemon = Daemon::through(cut.client(cluster.client()), settings(&catalogue)).await;
        let fell = tokio::time::timeout(Duration::from_secs(20), cut.fell.notified()).await;
        assert!(fell.is_ok(), "nothing was born");
        daemon.kill();
        let key = ObjectKey::namespaced(Kind::Deployment, "sol-alpha-t", "app");
        let born = cluster.get(&key).await.expect("it was born");
        let content = &born["metadata"]["annotations"][marks::CONTENT];
        assert!(content.is_null(), "it is no more than that: {born:#}");

        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        assert_eq!(marked(cluster).await, contents(&catalogue));
        let now = cluster.get(&key).await.unwrap();
        assert_eq!(now["metadata"]["uid"], born["metadata"]["uid"]);
        assert_eq!(now["spec"]["replicas"], 0, "nobody was woken");
        daemon.stop().await;
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
