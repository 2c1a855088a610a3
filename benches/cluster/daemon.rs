//! The daemon in a process of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::catalogue::Catalogue;
use crate::support::cluster::DAEMON_NAMESPACE;

/// Its name on the cluster.
pub const INSTANCE: &str = "bench";
/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(1800);

/// `vitrine run`. Ends with this value, as a power cut ends it.
pub struct Daemon {
    child: Child,
    board: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts it on the catalogue and the cluster of this kubeconfig.
    pub fn start(catalogue: &Catalogue, kubeconfig: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Free now; nobody else on a benchmark's machine takes it in the next moment.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("vitrine.yaml");
        let text = format!(
            "instance: {INSTANCE}\n\
             repository: {{url: {}, mirror: {}}}\n\
             cluster: {{kubeconfig: {}, namespace: {DAEMON_NAMESPACE}}}\n\
             rollouts: {{verify: {{on: never}}}}\n\
             web: {{public: {{listen: \"127.0.0.1:{port}\"}}, private: {{listen: \"127.0.0.1:0\"}}}}\n\
             log: {{level: error}}\n",
            catalogue.path().display(),
            catalogue.mirror("bench").display(),
            kubeconfig.display(),
        );
        std::fs::write(&settings, text).unwrap();
        let child = without_proxy(Command::new(env!("CARGO_BIN_EXE_vitrine")))
            .args(["run", "--config"])
            .arg(&settings)
            .stdin(Stdio::null())
            .spawn()
            .expect("cargo has built the daemon");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, board: format!("http://127.0.0.1:{port}/status.json"), http, _folder: folder }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Comes back when the process ended by itself, which it should not.
    pub async fn ended(&self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        while !std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits until its board says that this many solutions are Synced, and no other. Each look at a
    /// board that changed costs the daemon the writing of it, half a megabyte for a thousand
    /// solutions: so the longer it takes, the rarer are the looks. What is measured is at most a
    /// fiftieth too long.
    pub async fn synced(&self, solutions: usize) {
        let words = format!("\"{solutions} solutions: {solutions} Synced\"");
        let begun = Instant::now();
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
                tokio::time::sleep(Duration::from_millis(20).max(begun.elapsed() / 50)).await;
            }
        };
        tokio::select! {
            synced = tokio::time::timeout(PATIENCE, waited) => {
                synced.expect("everything is Synced in the end");
            }
            () = self.ended() => panic!("the daemon ended"),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy of this machine's environment does not lead to the loopback interface.
pub fn without_proxy(mut command: Command) -> Command {
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        command.env_remove(name);
    }
    command
}
