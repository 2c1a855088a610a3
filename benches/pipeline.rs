//! How long it takes, measured: the daemon as it is run, against the sandbox in this process.
//!
//! `cargo bench --bench pipeline [-- --solutions 1000] [--commits 30] [--quick]`. Prints a table and
//! judges nothing: what can be counted is a test, and a time on a shared machine is not.
//! `docs/benchmarks.md` says what each row means.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "pipeline/bare.rs"]
mod bare;
#[allow(dead_code)]
#[path = "../tests/support/catalogue.rs"]
mod catalogue;
#[path = "pipeline/daemon.rs"]
mod daemon;
#[path = "pipeline/seen.rs"]
mod seen;

use std::time::{Duration, Instant};

use catalogue::Catalogue;
use daemon::Daemon;
use seen::Seen;
use tokio::net::TcpListener;
use vitrine::cluster;
use vitrine_core::config;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::plan::Desired;
use vitrine_sandbox::{Options, Sandbox};

/// How large a run is.
struct Size {
    solutions: usize,
    /// Commits, and edits by hand.
    samples: usize,
    /// How long nothing is done, to see what that costs.
    idle: Duration,
}

impl Size {
    fn read() -> Self {
        let mut size = Self { solutions: 1000, samples: 40, idle: Duration::from_secs(5) };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|text| text.parse().ok()).expect("a number follows");
            match argument.as_str() {
                "--solutions" => size.solutions = number(),
                "--commits" => size.samples = number(),
                "--quick" => {
                    size = Self { solutions: 50, samples: 5, idle: Duration::from_secs(1) };
                }
                "--bench" => {} // cargo says it to every benchmark
                other => panic!("{other} is no argument: --solutions N, --commits N, --quick"),
            }
        }
        size
    }
}

fn main() {
    let size = Size::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(size));
}

async fn run(size: Size) {
    let names: Vec<String> = (0..size.solutions).map(|n| format!("demo-{n:05}")).collect();
    let catalogue = Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let desired = bare::render(&catalogue);
    let objects = desired.iter().map(|d| d.objects.len()).sum::<usize>();
    row("solutions, objects", format!("{}, {objects}", size.solutions));

    let bare = publish_bare(&desired).await;
    row("bare client, onto an empty cluster", seconds(bare));

    let cluster = Cluster::start().await;
    let begin = Instant::now();
    let daemon = Daemon::start(&catalogue, cluster.address).await;
    daemon.synced(size.solutions).await;
    let took = begin.elapsed();
    let ratio = took.as_secs_f64() / bare.as_secs_f64();
    row("vitrine, onto an empty cluster", format!("{} ({ratio:.2} x bare)", seconds(took)));
    row("  its CPU time", seconds(daemon.cpu()));
    row("memory after it (RSS, peak)", daemon.memory());

    tokio::time::sleep(Duration::from_secs(2)).await; // the last notes are written
    cluster.sandbox.clear_requests();
    let before = daemon.cpu();
    tokio::time::sleep(size.idle).await;
    let spent = daemon.cpu().saturating_sub(before);
    let share = 100.0 * spent.as_secs_f64() / size.idle.as_secs_f64();
    let requests = cluster.sandbox.requests().len();
    let idle = size.idle.as_secs();
    row(&format!("nothing changed for {idle} s"), format!("{requests} requests"));
    row("  CPU", format!("{:.1} ms ({share:.2} % of a core)", spent.as_secs_f64() * 1e3));

    cluster.sandbox.clear_requests();
    let (committed, changed) = change(&catalogue, &cluster, &names, size.samples).await;
    row(&format!("one of {} changed, x {}", size.solutions, size.samples), spread(changed));
    row("  `git commit` itself", spread(committed));
    let writes = cluster
        .sandbox
        .requests()
        .iter()
        .filter(|r| r.method == "PATCH" && !r.path.contains("/leases/"))
        .count();
    row("  PATCHes", writes.to_string());

    let repaired = drift(&cluster, &names, size.samples).await;
    row(&format!("drift repaired, x {}", size.samples), spread(repaired));
    row("memory after it (RSS, peak)", daemon.memory());

    daemon.kill();
    cluster.sandbox.clear_requests();
    let begin = Instant::now();
    let daemon = Daemon::start(&catalogue, cluster.address).await;
    daemon.synced(size.solutions).await;
    row("restart, until all is known to be Synced", seconds(begin.elapsed()));
    let sent = cluster.sandbox.requests();
    let writes = sent.iter().filter(|r| r.is_write() && !r.path.contains("/leases/")).count();
    row("  writes", writes.to_string());
    row("memory after it (RSS, peak)", daemon.memory());
    daemon.kill();
}

/// A sandbox that other processes reach.
struct Cluster {
    sandbox: Sandbox,
    address: std::net::SocketAddr,
}

impl Cluster {
    async fn start() -> Self {
        let controller_delay = Duration::from_millis(1);
        let sandbox =
            Sandbox::new(Options { controllers: true, controller_delay, ..Options::default() });
        for name in [daemon::NAMESPACE, "keda"] {
            let namespace = serde_json::json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name},
            });
            sandbox.create("operator", namespace).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        sandbox.serve(listener);
        Self { sandbox, address }
    }
}

/// The same bodies from a client that does nothing else.
async fn publish_bare(desired: &[Desired]) -> Duration {
    let cluster = Cluster::start().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, Sandbox::kubeconfig(cluster.address)).unwrap();
    let settings = config::Cluster {
        kubeconfig: Some(kubeconfig),
        context: None,
        namespace: daemon::NAMESPACE.to_owned(),
        mode: config::Mode::Apply,
    };
    let client = cluster::client(&settings).await.unwrap();
    let begin = Instant::now();
    bare::send_all(&client, desired).await;
    begin.elapsed()
}

/// From the end of `git commit` until the API server has the new image; and `git commit` itself.
async fn change(
    catalogue: &Catalogue,
    cluster: &Cluster,
    names: &[String],
    samples: usize,
) -> (Vec<Duration>, Vec<Duration>) {
    let mut deployments = Seen::all(cluster.sandbox.client(), Kind::Deployment).await;
    let (mut committed, mut changed) = (Vec::new(), Vec::new());
    for n in 0..samples {
        let name = &names[n * 7 % names.len()];
        let digest = format!("{:064x}", n + 1);
        let text = catalogue::minimal(name).replace(&"a".repeat(64), &digest);
        catalogue.write(&format!("{name}/solution.yaml"), &text);
        catalogue.git(&["add", "-A"]);
        let begin = Instant::now();
        catalogue.git(&["commit", "-q", "-m", "A newer image"]);
        let done = Instant::now();
        committed.push(done - begin);
        let namespace = format!("sol-{name}");
        let at = deployments
            .until(|o| {
                o["metadata"]["namespace"] == namespace.as_str()
                    && o["spec"]["template"]["spec"]["containers"][0]["image"]
                        .as_str()
                        .is_some_and(|image| image.ends_with(&digest))
            })
            .await;
        changed.push(at.saturating_duration_since(done));
        tokio::time::sleep(Duration::from_millis(150)).await; // one at a time
    }
    (committed, changed)
}

/// From an edit by hand until the API server has what we asked for again.
async fn drift(cluster: &Cluster, names: &[String], samples: usize) -> Vec<Duration> {
    let mut services = Seen::all(cluster.sandbox.client(), Kind::Service).await;
    let mut repaired = Vec::new();
    for n in 0..samples {
        let namespace = format!("sol-{}", names[n * 11 % names.len()]);
        let key = ObjectKey::namespaced(Kind::Service, &namespace, "app");
        let begin = Instant::now();
        cluster
            .sandbox
            .edit("kubectl-edit", &key, |o| {
                o["spec"]["selector"]["vitrine.dev/component"] = "mine".into();
            })
            .unwrap();
        for component in ["mine", "app"] {
            let at = services
                .until(|o| {
                    o["metadata"]["namespace"] == namespace.as_str()
                        && o["spec"]["selector"]["vitrine.dev/component"] == component
                })
                .await;
            if component == "app" {
                repaired.push(at - begin);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    repaired
}

fn row(what: &str, value: impl Into<String>) {
    println!("{what:<48} {}", value.into());
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Half of them are at most this, 99 of 100 are at most that.
fn spread(mut durations: Vec<Duration>) -> String {
    durations.sort();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank in a short list"
        )]
        let rank = (share * durations.len() as f64).ceil() as usize;
        durations[rank.clamp(1, durations.len()) - 1].as_secs_f64() * 1e3
    };
    format!("p50 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.99))
}
