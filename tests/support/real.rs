//! Real control planes: etcd, kube-apiserver and kube-controller-manager, a few per run of the tests
//! on free ports of the loopback interface, ended with it.
//!
//! The daemon under test gets a certificate of the ServiceAccount that `deploy/rbac.yaml` binds, and
//! no other right: what the tests can do, an installation can do.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::certificates::{Authority, Pair};
use super::clear::Releases;
use super::guard::Guard;
use super::objects;

/// The user name of the ServiceAccount in `deploy/rbac.yaml`, as the API server spells it.
const DAEMON: &str = "system:serviceaccount:vitrine-system:vitrine";

/// The CustomResourceDefinitions that the tests need, as the upstream projects name their files.
const CRDS: [&str; 15] = [
    "cert-manager.io_certificates.yaml",
    "cert-manager.io_clusterissuers.yaml",
    "gateway.envoyproxy.io_backendtrafficpolicies.yaml",
    "gateway.networking.k8s.io_gatewayclasses.yaml",
    "gateway.networking.k8s.io_gateways.yaml",
    "gateway.networking.k8s.io_httproutes.yaml",
    "gateway.networking.k8s.io_referencegrants.yaml",
    "http.keda.sh_interceptorroutes.yaml",
    "keda.sh_scaledobjects.yaml",
    "monitoring.coreos.com_podmonitors.yaml",
    "policy.linkerd.io_authorizationpolicies.yaml",
    "policy.linkerd.io_httplocalratelimitpolicies.yaml",
    "policy.linkerd.io_meshtlsauthentications.yaml",
    "policy.linkerd.io_servers.yaml",
    "traefik.io_middlewares.yaml",
];

/// How long the servers may take to answer. They need 5 s on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running control plane.
pub struct ControlPlane {
    url: String,
    folder: PathBuf,
    authority: Authority,
    /// Where the CRDs came from.
    crds: Crds,
    /// Of the scenarios that it has played.
    releases: Releases,
    /// Of etcd, of its peers that there are none of, and of the API server.
    ports: [u16; 3],
    servers: Vec<Server>,
    /// Last, so that the servers end after everything else.
    _guard: Guard,
}

/// How many scenarios have a control plane at the same time. Most of a scenario is waiting, so one
/// core serves more than one of them; each costs half a GiB of memory and 5 s to start. With 3 of
/// them two cores idle for a quarter of the run; with 5 hardly at all.
const PLANES: usize = 5;

/// The turn of a scenario: it has a control plane for itself until this is dropped.
pub struct Turn {
    place: &'static Place,
    // In this order: who is let in finds a place that is free.
    _alone: MutexGuard<'static, ()>,
    _permit: SemaphorePermit<'static>,
}

/// Where one of the control planes of a run stands, once somebody needed it.
struct Place {
    alone: Mutex<()>,
    plane: OnceLock<Result<ControlPlane, String>>,
}

impl Turn {
    /// Waits until one of the control planes is free. The first that is: a run of few scenarios
    /// starts few of them.
    pub async fn wait() -> Self {
        static PERMITS: Semaphore = Semaphore::const_new(PLANES);
        static PLACES: [Place; PLANES] =
            [const { Place { alone: Mutex::const_new(()), plane: OnceLock::new() } }; PLANES];
        let permit = PERMITS.acquire().await.expect("nobody closes it");
        let free = PLACES.iter().find_map(|place| Some((place, place.alone.try_lock().ok()?)));
        let (place, alone) = free.expect("a permit stands for a place");
        Self { place, _alone: alone, _permit: permit }
    }

    /// Its control plane, started at the first call.
    ///
    /// Panics, with the servers' last words, if there can be none.
    pub fn plane(&self) -> &'static ControlPlane {
        let start = || ControlPlane::start().map_err(|why| format!("{why:#}"));
        match self.place.plane.get_or_init(start) {
            Ok(plane) => plane,
            Err(why) => panic!("there is no control plane: {why}"),
        }
    }
}

/// Which CustomResourceDefinitions are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crds {
    /// The upstream projects' own, from a folder outside the project.
    Upstream(PathBuf),
    /// Ours, of `src/sandbox/definitions`.
    Ours(PathBuf),
}

impl Crds {
    /// Upstream's where `VITRINE_TEST_CRDS` points or beside the project, else ours.
    pub fn at_hand() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let named = std::env::var_os("VITRINE_TEST_CRDS").map(PathBuf::from);
        let beside = root.join("../shared/crds");
        match named.or_else(|| beside.is_dir().then_some(beside)) {
            Some(folder) => Self::Upstream(folder),
            None => Self::ours(),
        }
    }

    /// The small ones that lie in this project.
    pub fn ours() -> Self {
        Self::Ours(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox/definitions"))
    }

    /// The definitions of the kinds that the tests need.
    ///
    /// Ours are taken whole, whatever their files are called. Of upstream's, which lie in one folder
    /// a project, those that we use or look at.
    pub fn read(&self) -> anyhow::Result<Vec<Value>> {
        let (folder, wanted): (&Path, fn(&str) -> bool) = match self {
            Self::Upstream(folder) => (folder, |name| CRDS.contains(&name)),
            Self::Ours(folder) => (folder, |name| name.ends_with(".yaml")),
        };
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        files.retain(|file| file.file_name().and_then(|n| n.to_str()).is_some_and(wanted));
        files.sort();
        let mut all = Vec::new();
        for file in files {
            all.extend(objects::read(&file)?);
        }
        all.retain(|object| object["kind"] == "CustomResourceDefinition");
        ensure!(!all.is_empty(), "no CustomResourceDefinition in {}", folder.display());
        Ok(all)
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

impl ControlPlane {
    /// Starts one and makes it ready for the daemon. A [`Turn`] with one that is there already is
    /// nearly always right.
    pub fn start() -> anyhow::Result<Self> {
        // The caller may stand inside a runtime, which cannot wait for another one.
        std::thread::scope(|scope| {
            scope.spawn(Self::start_and_furnish).join().expect("starting reports its faults")
        })
    }

    fn start_and_furnish() -> anyhow::Result<Self> {
        // Both kube and reqwest want a default provider, and panic when they find none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let binaries = binaries()?;
        let mut attempt = 1;
        let plane = loop {
            match Self::launch(&binaries) {
                Ok(plane) => break plane,
                // A port that was free a moment ago may be taken by now.
                Err(why)
                    if attempt < 3 && format!("{why:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                Err(why) => return Err(why),
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(plane.furnish())?;
        Ok(plane)
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which namespaces were released by hand.
    pub fn releases(&self) -> &Releases {
        &self.releases
    }

    /// Which CustomResourceDefinitions were installed.
    pub fn crds(&self) -> &Crds {
        &self.crds
    }

    /// A client that may do everything. A client lives in the runtime that asks for it.
    pub async fn admin_client(&self) -> Client {
        self.client("admin").await.expect("the administrator's kubeconfig is good")
    }

    /// A client with the daemon's rights.
    pub async fn daemon_client(&self) -> Client {
        self.client("daemon").await.expect("the daemon's kubeconfig is good")
    }

    /// A client of a person with rights that a test grants to `user` or `group` itself.
    pub async fn client_of(&self, user: &str, group: Option<&str>) -> anyhow::Result<Client> {
        let pair = self.authority.client(user, group)?;
        connect(&kubeconfig(&self.url, &self.authority.pem(), &pair)).await
    }

    /// The daemon's kubeconfig file.
    pub fn daemon_kubeconfig(&self) -> PathBuf {
        self.folder.join("daemon.kubeconfig")
    }

    /// The administrator's kubeconfig file.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    async fn client(&self, who: &str) -> anyhow::Result<Client> {
        let file = self.folder.join(format!("{who}.kubeconfig"));
        connect(&serde_json::from_slice(&fs::read(&file)?)?).await
    }

    /// Copies what etcd holds at this moment. etcd stands still meanwhile; the copy is what a power
    /// cut would leave.
    pub fn keep_store(&self) -> anyhow::Result<()> {
        let etcd = self.servers.iter().find(|server| server.name == "etcd").context("etcd runs")?;
        signal(etcd, "STOP")?;
        let copied = run(Command::new("cp").arg("-r").arg(self.store()).arg(self.kept_store()));
        signal(etcd, "CONT")?;
        copied
    }

    /// Ends all servers as a power cut does, puts back what [`Self::keep_store`] copied, and starts
    /// them again where they were.
    pub fn put_store_back(&mut self) -> anyhow::Result<()> {
        for server in self.servers.iter_mut().rev() {
            server.child.kill()?;
            server.child.wait()?;
        }
        fs::remove_dir_all(self.store())?;
        fs::rename(self.kept_store(), self.store())?;
        let binaries = binaries()?;
        // The caller may stand inside a runtime, as with `start`.
        self.servers = std::thread::scope(|scope| {
            let starts = scope.spawn(|| self.start_servers(&binaries));
            starts.join().expect("starting reports its faults")
        })?;
        Ok(())
    }

    fn store(&self) -> PathBuf {
        self.folder.join("etcd")
    }

    fn kept_store(&self) -> PathBuf {
        self.folder.join("etcd-kept")
    }

    /// Starts the three servers and waits until the API server is ready.
    fn launch(binaries: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("vitrine-control-plane-").tempdir()?.keep();
        let guard = Guard::over(&folder)?;
        let ports = free_ports()?;
        let [_, _, secure_port] = ports;
        let url = format!("https://127.0.0.1:{secure_port}");

        let authority = Authority::new()?;
        let write = |name: &str, content: &str| fs::write(folder.join(name), content);
        write("ca.crt", &authority.pem())?;
        let server = authority.server()?;
        write("server.crt", &server.certificate)?;
        write("server.key", &server.key)?;
        let accounts = rcgen::KeyPair::generate()?;
        write("accounts.key", &accounts.serialize_pem())?;
        write("accounts.pub", &accounts.public_key_pem())?;
        for (who, user, group) in [
            ("admin", "admin", Some("system:masters")),
            ("controllers", "system:kube-controller-manager", Some("system:masters")),
            ("daemon", DAEMON, None),
        ] {
            let pair = authority.client(user, group)?;
            let config = kubeconfig(&url, &authority.pem(), &pair);
            write(&format!("{who}.kubeconfig"), &config.to_string())?;
        }

        let crds = Crds::at_hand();
        let servers = Vec::new();
        let releases = Releases::default();
        let mut plane =
            Self { url, folder, authority, crds, releases, ports, servers, _guard: guard };
        plane.servers = plane.start_servers(binaries)?;
        Ok(plane)
    }

    fn start_servers(&self, binaries: &Path) -> anyhow::Result<Vec<Server>> {
        let [etcd_port, peer_port, secure_port] = self.ports;
        let mut servers = Vec::new();
        for (name, arguments) in [
            ("etcd", etcd(etcd_port, peer_port)),
            ("kube-apiserver", kube_apiserver(etcd_port, secure_port)),
            ("kube-controller-manager", kube_controller_manager()),
        ] {
            if name == "kube-controller-manager" {
                // It gives up when it finds no API server.
                self.wait_until_ready(&mut servers)?;
            }
            servers.push(self.run(binaries, name, &arguments)?);
        }
        Ok(servers)
    }

    fn run(&self, binaries: &Path, name: &'static str, arguments: &str) -> anyhow::Result<Server> {
        let log = File::create(self.log(name))?;
        let mut command = Command::new(binaries.join(name));
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log));
        let child = self._guard.spawn(&mut command).with_context(|| format!("starting {name}"))?;
        Ok(Server { name, child })
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn wait_until_ready(&self, servers: &mut [Server]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let (_, port) = self.url.rsplit_once(':').context("the URL has a port")?;
        let mut answered = String::from("nothing");
        while Instant::now() < deadline {
            for server in servers.iter_mut() {
                if let Some(status) = server.child.try_wait()? {
                    bail!("{} ended with {status}: {}", server.name, self.last_words(server.name));
                }
            }
            match self.readyz(port) {
                Ok(true) => return Ok(()),
                Ok(false) => answered = "not ready".to_owned(),
                Err(why) => answered = format!("{why:#}"),
            }
            // Nothing announces that a port begins to answer.
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "kube-apiserver was not ready after {PATIENCE:?} ({answered}): {}",
            self.last_words("kube-apiserver")
        )
    }

    /// One request on a connection of its own.
    fn readyz(&self, port: &str) -> anyhow::Result<bool> {
        let client = reqwest::blocking::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_pem(self.authority.pem().as_bytes())?)
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?;
        let answer = client.get(format!("https://127.0.0.1:{port}/readyz")).send()?;
        Ok(answer.status().is_success())
    }

    /// The end of a server's log.
    fn last_words(&self, name: &str) -> String {
        let log = fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// What an operator does before the daemon comes: CRDs, rights, the interceptor's namespace.
    async fn furnish(&self) -> anyhow::Result<()> {
        let admin = self.client("admin").await?;
        install(&admin, &self.crds.read()?).await?;
        let rbac = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rbac.yaml");
        for object in objects::read(&rbac)? {
            objects::apply(&admin, &object, "kubectl").await?;
        }
        // Rights arrive at the authorizer through a watch of its own.
        let daemon = self.client("daemon").await?;
        let deadline = Instant::now() + PATIENCE;
        let namespaces = objects::api(&daemon, vitrine_core::model::Kind::Namespace, None);
        while let Err(why) = namespaces.list(&Default::default()).await {
            ensure!(Instant::now() < deadline, "the daemon's rights do not take effect: {why}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Installs the CustomResourceDefinitions that are not there, and waits until the API server serves
/// their kinds.
pub async fn install(admin: &Client, definitions: &[Value]) -> anyhow::Result<()> {
    let there = names_of_definitions(admin).await?;
    let definitions: Vec<&Value> = definitions
        .iter()
        .filter(|d| !there.iter().any(|name| d["metadata"]["name"] == name.as_str()))
        .collect();
    for definition in &definitions {
        objects::apply(admin, definition, "kubectl").await?;
    }
    for definition in definitions {
        let name = objects::text(definition, "/metadata/name")?;
        let api = objects::api_of(admin, definition)?;
        let established = kube::runtime::wait::await_condition(api, name, |found: Option<&_>| {
            let found = found.map(serde_json::to_value).and_then(Result::ok).unwrap_or_default();
            has_condition(&found, "Established")
        });
        tokio::time::timeout(PATIENCE, established)
            .await
            .with_context(|| format!("{name} was not established"))??;
        serve(admin, definition).await.with_context(|| format!("{name} is not served"))?;
    }
    Ok(())
}

async fn names_of_definitions(admin: &Client) -> anyhow::Result<Vec<String>> {
    let all = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"});
    let found = objects::api_of(admin, &all)?.list_metadata(&Default::default()).await?;
    Ok(found.items.into_iter().filter_map(|found| found.metadata.name).collect())
}

/// Waits until each served version of a definition answers a list.
async fn serve(admin: &Client, definition: &Value) -> anyhow::Result<()> {
    let group = objects::text(definition, "/spec/group")?;
    let plural = objects::text(definition, "/spec/names/plural")?;
    for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
        if version["served"] != true {
            continue;
        }
        let name = objects::text(version, "/name")?;
        let path = format!("/apis/{group}/{name}/{plural}?limit=1");
        let deadline = Instant::now() + PATIENCE;
        while let Err(why) = admin.request_text(http::Request::get(&path).body(vec![])?).await {
            ensure!(Instant::now() < deadline, "{path}: {why}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|c| c["type"] == kind && c["status"] == "True")
}

/// A started process, by the name of its binary.
struct Server {
    name: &'static str,
    child: Child,
}

/// Stops a server where it is, or lets it go on.
fn signal(server: &Server, name: &str) -> anyhow::Result<()> {
    run(Command::new("kill").arg(format!("-{name}")).arg(server.child.id().to_string()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("running {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// The folder with the binaries; builds them if this machine has none yet.
fn binaries() -> anyhow::Result<PathBuf> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/build");
    let output = Command::new(&build)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("running {}", build.display()))?;
    ensure!(output.status.success(), "{} ended with {}", build.display(), output.status);
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Ports that are free now. All are bound at once, so that no two are the same.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut listeners = Vec::new();
    for _ in 0..N {
        listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    }
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// `--unsafe-no-fsync`, because nothing here has to survive a power cut.
fn etcd(port: u16, peer: u16) -> String {
    format!(
        "--data-dir etcd \
         --listen-client-urls http://127.0.0.1:{port} --advertise-client-urls http://127.0.0.1:{port} \
         --listen-peer-urls http://127.0.0.1:{peer} \
         --initial-advertise-peer-urls http://127.0.0.1:{peer} \
         --initial-cluster default=http://127.0.0.1:{peer} \
         --unsafe-no-fsync --quota-backend-bytes 4294967296 --log-level warn"
    )
}

/// The service range is wide, because a /24 has addresses for 254 Services only. The ServiceAccount
/// admission plug-in would wait for tokens that nothing here makes.
fn kube_apiserver(etcd: u16, port: u16) -> String {
    format!(
        "--etcd-servers=http://127.0.0.1:{etcd} \
         --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port={port} \
         --cert-dir=certs --tls-cert-file=server.crt --tls-private-key-file=server.key \
         --client-ca-file=ca.crt --authorization-mode=RBAC \
         --service-cluster-ip-range=10.96.0.0/14 --allow-privileged=true \
         --disable-admission-plugins=ServiceAccount \
         --service-account-issuer=https://127.0.0.1:{port}/ \
         --service-account-key-file=accounts.pub --service-account-signing-key-file=accounts.key \
         --endpoint-reconciler-type=none --profiling=false"
    )
}

/// Two controllers: the one that empties namespaces and the one that collects orphans. The default
/// of 20 requests a second would make each namespace's end take seconds.
fn kube_controller_manager() -> String {
    "--kubeconfig=controllers.kubeconfig --leader-elect=false --secure-port=0 \
     --kube-api-qps=1000 --kube-api-burst=2000 \
     --concurrent-namespace-syncs=10 --concurrent-gc-syncs=20 \
     --controllers=namespace-controller,garbage-collector-controller"
        .to_owned()
}

/// A kubeconfig as JSON, which is YAML too.
fn kubeconfig(url: &str, authority: &str, user: &Pair) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {
            "server": url,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "tests", "user": {
            "client-certificate-data": STANDARD.encode(&user.certificate),
            "client-key-data": STANDARD.encode(&user.key),
        }}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    })
}

async fn connect(kubeconfig: &Value) -> anyhow::Result<Client> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig.clone())?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // A proxy of this machine's environment does not lead to the loopback interface.
    config.proxy_url = None;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
