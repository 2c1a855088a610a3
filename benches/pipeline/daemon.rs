//! The daemon in a process of its own, and what the kernel says of that process.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vitrine_sandbox::Sandbox;

use crate::catalogue::Catalogue;

/// Its name on the cluster.
pub const INSTANCE: &str = "bench";
/// Where it keeps its Lease.
pub const NAMESPACE: &str = "vitrine-system";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// `vitrine run`. Ends with this value.
pub struct Daemon {
    child: Child,
    board: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts it on the catalogue and the API server at this address.
    pub async fn start(catalogue: &Catalogue, api: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, Sandbox::kubeconfig(api)).unwrap();
        // Free now; nobody else on a benchmark's machine takes it in the next moment.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("vitrine.yaml");
        let text = format!(
            "instance: {INSTANCE}\n\
             repository: {{url: {}, mirror: {}}}\n\
             cluster: {{kubeconfig: {}, namespace: {NAMESPACE}}}\n\
             rollouts: {{verify: {{on: never}}}}\n\
             web: {{public: {{listen: \"127.0.0.1:{port}\"}}}}\n\
             log: {{level: warn}}\n",
            catalogue.path().display(),
            catalogue.mirror("bench").display(),
            kubeconfig.display(),
        );
        std::fs::write(&settings, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_vitrine"))
            .args(["run", "--config"])
            .arg(&settings)
            .stdin(Stdio::null())
            .spawn()
            .expect("cargo has built the daemon");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let board = format!("http://127.0.0.1:{port}/status.json");
        Self { child, board, http: reqwest::Client::new(), _folder: folder }
    }

    /// Waits until its board says that this many solutions are Synced, and no other.
    pub async fn synced(&self, solutions: usize) {
        let words = format!("\"{solutions} solutions: {solutions} Synced\"");
        let waited = async {
            let mut known = None;
            loop {
                let mut request = self.http.get(&self.board);
                if let Some(known) = &known {
                    request = request.header("If-None-Match", known);
                }
                if let Ok(answer) = request.send().await {
                    known = answer.headers().get("ETag").cloned();
                    if answer.text().await.is_ok_and(|text| text.contains(&words)) {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("everything is Synced in the end");
    }

    /// The time that its threads ran, in both modes.
    pub fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanoseconds = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Its resident memory now and at its peak.
    pub fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mebibytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            let kibibytes: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
            kibibytes / 1024.0
        };
        format!("{:.1} MiB, {:.1} MiB", mebibytes("VmRSS:"), mebibytes("VmHWM:"))
    }

    /// Ends it as a power cut does.
    pub fn kill(self) {}
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
