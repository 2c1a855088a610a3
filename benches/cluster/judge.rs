//! The API server that both sides send their requests to, and what it counts of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vitrine_sandbox::{Logged, Options, Sandbox};

use crate::arguments::On;
use crate::process;
use crate::support::cluster::furnish;
use crate::support::objects;
use crate::support::players::Players;
use crate::support::real::ControlPlane;

/// Whom the real server takes the daemon for, and the bare client with it.
const USER: &str = "system:serviceaccount:vitrine-system:vitrine";
/// The user agent of this process's own requests to the sandbox, which logs all of them.
const OURSELVES: &str = "benchmark";
/// The processes of the real one that answer requests.
const SERVERS: [&str; 2] = ["kube-apiserver", "etcd"];
/// How long a thing of the server may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster that holds nothing of vitrine's yet, with the other controllers at work.
pub struct Judge {
    admin: Client,
    kubeconfig: PathBuf,
    server: Server,
}

enum Server {
    Sandbox {
        sandbox: Sandbox,
        door: JoinHandle<std::io::Result<()>>,
        _folder: tempfile::TempDir,
    },
    /// The players first: they end before what they talk to.
    Real {
        _players: Players,
        _plane: Box<ControlPlane>,
    },
}

/// How many requests of one side a server took since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub writes: u64,
    pub reads: u64,
    pub watches: u64,
    /// Reads and writes of the Lease, in none of the others.
    pub lease: u64,
}

impl Counts {
    pub fn since(self, before: Self) -> Self {
        Self {
            writes: self.writes - before.writes,
            reads: self.reads - before.reads,
            watches: self.watches - before.watches,
            lease: self.lease - before.lease,
        }
    }
}

/// Whether such a server can be had without building one.
///
/// # Errors
/// What to do, for whoever called.
pub fn at_hand(on: On) -> Result<(), String> {
    if on == On::Sandbox {
        return Ok(());
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/build");
    let found = Command::new(build).arg("--look").stdout(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err("there is no API server to measure on: build the one of the tests with \
                  tests/controlplane/build, or take the API in memory with `--on sandbox`"
            .to_owned()),
    }
}

impl Judge {
    /// A fresh one.
    pub async fn start(on: On) -> Self {
        match on {
            On::Sandbox => Self::sandbox().await,
            On::Real => Self::real().await,
        }
    }

    async fn sandbox() -> Self {
        let controller_delay = Duration::from_millis(1);
        let sandbox =
            Sandbox::new(Options { controllers: true, controller_delay, ..Options::default() });
        let admin = known_as(OURSELVES, sandbox.client());
        furnish(&admin).await.expect("the sandbox takes namespaces");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, Sandbox::kubeconfig(listener.local_addr().unwrap())).unwrap();
        let door = sandbox.serve(listener);
        Self { admin, kubeconfig, server: Server::Sandbox { sandbox, door, _folder: folder } }
    }

    async fn real() -> Self {
        let plane = ControlPlane::start().unwrap_or_else(|why| panic!("no control plane: {why:#}"));
        let admin = plane.admin_client().await;
        furnish(&admin).await.expect("the administrator may create namespaces");
        let players = Players::start_all(&admin);
        let kubeconfig = plane.daemon_kubeconfig();
        let daemon = plane.daemon_client().await;
        let server = Server::Real { _players: players, _plane: Box::new(plane) };
        let judge = Self { admin, kubeconfig, server };
        judge.count_from_now_on(&daemon).await;
        judge
    }

    /// With the daemon's rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// With all rights, as the people and controllers who are not vitrine; not counted.
    pub fn admin(&self) -> Client {
        self.admin.clone()
    }

    /// The CPU time of API server and etcd so far. Of the sandbox nothing is known: it shares this
    /// process with the stopwatch and the played controllers.
    pub fn cpu(&self) -> Option<Duration> {
        match &self.server {
            Server::Sandbox { .. } => None,
            Server::Real { .. } => {
                Some(process::children(&SERVERS).into_iter().map(process::cpu).sum())
            }
        }
    }

    /// Waits until the servers have little to do: what was published has had its echo. Twice in a
    /// row, because on a busy machine they may just have had no turn.
    pub async fn calm(&self) {
        const LOOK: Duration = Duration::from_millis(700);
        let Some(mut before) = self.cpu() else { return tokio::time::sleep(LOOK).await };
        let (deadline, mut quiet) = (Instant::now() + PATIENCE, 0);
        while quiet < 2 && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            let now = self.cpu().unwrap_or_default();
            quiet = if now.saturating_sub(before) < LOOK / 6 { quiet + 1 } else { 0 };
            before = now;
        }
    }

    /// What one side sent so far.
    pub async fn counts(&self) -> Counts {
        match &self.server {
            Server::Sandbox { sandbox, .. } => {
                let mut counts = Counts::default();
                for request in sandbox.requests().iter().filter(|r| is_counted(r)) {
                    let count = if request.path.contains("/leases/") {
                        &mut counts.lease
                    } else if request.is_watch() {
                        &mut counts.watches
                    } else if request.is_write() {
                        &mut counts.writes
                    } else {
                        &mut counts.reads
                    };
                    *count += 1;
                }
                counts
            }
            Server::Real { .. } => {
                let dispatched = self.dispatched().await;
                let of = |name: &str| dispatched.get(name).copied().unwrap_or_default();
                let [lease, writes, watches, reads] =
                    SCHEMAS.map(|(name, _)| of(&format!("bench-{name}")));
                Counts { writes, reads, watches, lease }
            }
        }
    }

    /// The requests that write, as far as they have to be the same on both sides, each with how
    /// often it was sent. Only the sandbox tells them.
    pub fn writes(&self) -> Option<BTreeMap<String, u64>> {
        let Server::Sandbox { sandbox, .. } = &self.server else { return None };
        let mut writes = BTreeMap::new();
        let sent = sandbox.requests();
        let sent = sent.iter().filter(|r| is_counted(r) && r.is_write());
        for r in sent.filter(|r| !r.path.contains("/leases/")) {
            let query = r.query.join("&");
            let line = format!("{} {}?{query} {} {} B", r.method, r.path, r.accept, r.bytes);
            *writes.entry(line).or_default() += 1;
        }
        Some(writes)
    }

    /// Lets the real server count what the daemon's user sends, by what it is: requests of a flow
    /// of its own are counted for that flow. They keep the priority that they would have without.
    async fn count_from_now_on(&self, daemon: &Client) {
        for ((name, rules), precedence) in SCHEMAS.into_iter().zip(400_u32..) {
            let rules: Value = serde_json::from_str(rules).expect("it is JSON");
            let subjects = json!([{"kind": "User", "user": {"name": USER}}]);
            let mut rule = json!({ "subjects": subjects });
            for (field, value) in rules.as_object().into_iter().flatten() {
                rule[field] = value.clone();
            }
            let schema = json!({
                "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
                "metadata": {"name": format!("bench-{name}")},
                "spec": {
                    "matchingPrecedence": precedence,
                    "priorityLevelConfiguration": {"name": "global-default"},
                    "distinguisherMethod": {"type": "ByUser"},
                    "rules": [rule],
                },
            });
            objects::apply(&self.admin, &schema, "bench").await.expect("flow schemas are served");
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = http::Request::get("/version").body(Vec::new()).unwrap();
            daemon.request_text(asked).await.expect("everybody may ask for the version");
            if self.counts().await.reads > 0 {
                return;
            }
            assert!(Instant::now() < deadline, "the server does not count");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The requests that the real server let through, by flow schema.
    async fn dispatched(&self) -> BTreeMap<String, u64> {
        let asked = http::Request::get("/metrics").body(Vec::new()).unwrap();
        let text = self.admin.request_text(asked).await.expect("the server tells its metrics");
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let Some(rest) =
                line.strip_prefix("apiserver_flowcontrol_dispatched_requests_total{flow_schema=\"")
            else {
                continue;
            };
            let counted = rest.split_once('"').zip(rest.rsplit_once(' '));
            let Some(((schema, _), (_, count))) = counted else { continue };
            // Prometheus writes large numbers with an exponent.
            let count: f64 = count.parse().expect("a metric is a number");
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of requests"
            )]
            let count = count as u64;
            *all.entry(schema.to_owned()).or_default() += count;
        }
        all
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        if let Server::Sandbox { door, .. } = &self.server {
            door.abort();
        }
    }
}

/// Whether a request came from the side that is measured.
fn is_counted(request: &Logged) -> bool {
    request.user_agent != OURSELVES
}

/// A client whose requests say whose they are.
fn known_as(whose: &'static str, client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
        let whose = http::HeaderValue::from_static(whose);
        request.headers_mut().insert(http::header::USER_AGENT, whose);
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, namespace)
}

/// What is counted apart, the first that fits.
const SCHEMAS: [(&str, &str); 4] = [
    (
        "lease",
        r#"{"resourceRules": [{"verbs": ["*"], "apiGroups": ["coordination.k8s.io"],
            "resources": ["*"], "namespaces": ["*"], "clusterScope": true}]}"#,
    ),
    (
        "writes",
        r#"{"resourceRules": [{"verbs": ["create", "update", "patch", "delete"],
            "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true}]}"#,
    ),
    (
        "watches",
        r#"{"resourceRules": [{"verbs": ["watch"],
            "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true}]}"#,
    ),
    (
        "reads",
        r#"{"resourceRules": [{"verbs": ["get", "list"],
            "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}"#,
    ),
];
