//! `--timeout` is kept against whoever accepts a connection and never answers.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use axum::response::IntoResponse as _;
use serde_json::json;
use tokio::runtime::Runtime;
use vitrine_sandbox::Sandbox;

use super::scene::Scene;
use crate::support::binary::{Finished, Running, vitrine};
use crate::support::git_server::{GitServer, Manner};

/// The limit of these tests, and what a busy machine and the end of the process may add to it.
const LIMIT: &str = "2s";
const AT_LEAST: Duration = Duration::from_secs(2);
const AT_MOST: Duration = Duration::from_secs(8);

/// Accepts and says nothing.
struct Silent {
    address: SocketAddr,
}

impl Silent {
    fn start() -> Self {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        std::thread::spawn(move || door.incoming().collect::<Vec<_>>());
        Self { address }
    }
}

/// An API server that says which kinds it has, and which Lease, and nothing else.
struct Quiet {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Quiet {
    fn start(lease: bool) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let address = runtime.block_on(async {
            let app = axum::Router::new().fallback(move |uri: http::Uri| async move {
                match uri.path() {
                    "/api" => axum::Json(json!({"kind": "APIVersions", "versions": ["v1"]})),
                    "/apis" => axum::Json(json!({
                        "kind": "APIGroupList", "apiVersion": "v1", "groups": [],
                    })),
                    path if lease && path.contains("/leases/") => {
                        axum::Json(json!({"metadata": {}}))
                    }
                    _ => std::future::pending().await,
                }
                .into_response()
            });
            let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = door.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(door, app).await });
            address
        });
        Self { address, _runtime: runtime }
    }
}

fn kubeconfig(to: &Path, address: SocketAddr) {
    std::fs::write(to, Sandbox::kubeconfig(address)).unwrap();
}

/// Runs a command with the limit; it keeps it, exits with 2 and says these words.
#[track_caller]
fn keeps(scene: &Scene, command: &[&str], words: &[&str]) -> Finished {
    let begun = Instant::now();
    let run = scene.run(&[command, &["--timeout", LIMIT]].concat()).exits(2).says(words);
    let took = begun.elapsed();
    println!("{command:?} took {took:?}: {}", run.err);
    assert!((AT_LEAST..AT_MOST).contains(&took), "{command:?} took {took:?}");
    run.says(&["--timeout"])
}

#[test]
fn a_git_server_that_never_answers_is_named_in_time() {
    let scene = Scene::of(&["one"]);
    let silent = Silent::start();
    let url = format!("http://{}/lab.git", silent.address);
    scene.settle(|s| s["repository"]["url"] = json!(url));
    let words = [url.as_str(), "did not answer within 2s", "repository.url"];
    for command in [&["plan"][..], &["plan", "--against", "HEAD~1"], &["once"]] {
        let run = keeps(&scene, command, &words);
        assert!(!run.err.contains("API server"), "that one answers: {}", run.err);
    }
}

#[test]
fn a_git_server_that_gives_no_objects_is_named_in_time() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    server.turn(Manner::NoObjects);
    let url = server.url("catalogue");
    scene.settle(|s| s["repository"]["url"] = json!(url));
    let words = [url.as_str(), "did not answer within 2s"];
    for command in [&["plan"][..], &["plan", "--against", "HEAD~1"], &["once"]] {
        keeps(&scene, command, &words);
    }
}

#[test]
fn an_api_server_that_never_answers_is_named_in_time() {
    let scene = Scene::of(&["one"]);
    let silent = Silent::start();
    kubeconfig(&scene.kubeconfig(), silent.address);
    for command in ["plan", "once"] {
        let run = keeps(&scene, &[command], &["API server did not answer within 2s", "kubeconfig"]);
        assert!(!run.err.contains("repository"), "that one answers: {}", run.err);
    }
}

#[test]
fn an_api_server_that_falls_silent_while_it_is_read_is_named_in_time() {
    let scene = Scene::of(&["one"]);
    for lease in [false, true] {
        let quiet = Quiet::start(lease);
        kubeconfig(&scene.kubeconfig(), quiet.address);
        for command in ["plan", "once"] {
            keeps(&scene, &[command], &["API server did not answer within 2s"]);
        }
    }
}

#[test]
fn both_are_named_when_neither_answers() {
    let scene = Scene::of(&["one"]);
    let (silent, quiet) = (Silent::start(), Quiet::start(true));
    let url = format!("http://{}/lab.git", silent.address);
    scene.settle(|s| s["repository"]["url"] = json!(url));
    kubeconfig(&scene.kubeconfig(), quiet.address);
    for command in ["plan", "once"] {
        keeps(&scene, &[command], &[&url, "and the Kubernetes API server did not answer"]);
    }
}

#[test]
fn an_api_server_that_falls_silent_at_a_write_is_named_in_time() {
    let scene = Scene::of(&["one", "two", "three"]);
    scene.api.sandbox.faults(|f| f.latency = Duration::from_millis(20));
    let begun = Instant::now();
    let mut command = vitrine(scene.home());
    let once = command.args(["once", "--config", "vitrine.yaml", "--timeout", "4s"]);
    let running = Running::start(once);
    while !scene.api.sandbox.requests().iter().any(|request| request.is_write()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    scene.api.sandbox.faults(|f| f.latency = Duration::from_secs(3600));
    running.ended().exits(2).says(&["API server did not answer within 4s", "--timeout"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_program_that_gives_no_credentials_is_not_waited_for() {
    let scene = Scene::of(&["one"]);
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "c", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sleep", "args": ["20"], "interactiveMode": "Never",
        }}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(scene.kubeconfig(), kubeconfig.to_string()).unwrap();
    keeps(&scene, &["plan"], &["API server did not answer within 2s"]);
}
