//! The client that does nothing else, in a process of its own: the least that the work can cost.
//!
//! It holds the daemon's watches and lets their lines fall, sends the daemon's requests, and takes
//! orders on its standard input, one a line:
//!
//! | order | answer |
//! |---|---|
//! | (the start) | `watching` when every list is complete |
//! | `publish` | `published SECONDS` when every request was answered |
//! | `change SOLUTION DIGEST` | none: one apply of its Deployment |
//!
//! A line of a watch that tells of [`HAND`] is answered with one apply of that object.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use tokio::sync::mpsc;
use vitrine::cluster;
use vitrine_core::config;
use vitrine_core::model::Kind;

use crate::arguments::{Orders, Workload};
use crate::daemon::without_proxy;
use crate::support::cluster::DAEMON_NAMESPACE;
use crate::workload::{self, Sent, Solution};

/// The field manager of edits by hand.
pub const HAND: &str = "kubectl-edit";

/// The bare client's process, seen from outside. Ends with this value.
pub struct Bare {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Bare {
    /// Starts it; answers when it holds its watches.
    pub fn start(
        catalogue: &Path,
        kubeconfig: &Path,
        workload: Workload,
        in_flight: usize,
    ) -> Self {
        let workload = match workload {
            Workload::Fixed => "fixed",
            Workload::Rendered => "rendered",
        };
        let mut child = without_proxy(Command::new(std::env::current_exe().unwrap()))
            .args(["bare", "--workload", workload, "--in-flight", &in_flight.to_string()])
            .arg("--catalogue")
            .arg(catalogue)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts itself");
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut bare = Self { child, orders, answers };
        bare.answer("watching");
        bare
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// From the first request to the last answer.
    pub fn publish(&mut self) -> Duration {
        self.order("publish");
        Duration::from_secs_f64(self.answer("published").parse().expect("it answers seconds"))
    }

    /// Begins to apply a solution's Deployment with another image.
    pub fn change(&mut self, solution: &str, digest: &str) {
        self.order(&format!("change {solution} {digest}"));
    }

    fn order(&mut self, line: &str) {
        writeln!(self.orders, "{line}").expect("it takes orders");
    }

    fn answer(&mut self, word: &str) -> String {
        let line = self.answers.next().expect("the bare client lives").unwrap();
        let (said, rest) = line.split_once(' ').unwrap_or((&line, ""));
        assert_eq!(said, word, "the bare client says {line}");
        rest.to_owned()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the process does.
pub async fn run(orders: &Orders) {
    let settings = config::Cluster {
        kubeconfig: Some(orders.kubeconfig.clone()),
        context: None,
        namespace: DAEMON_NAMESPACE.to_owned(),
        mode: config::Mode::Apply,
    };
    let client = cluster::client(&settings).await.unwrap();
    let (edited, edits) = mpsc::unbounded_channel();
    let mut lists = tokio::task::JoinSet::new();
    for watch in workload::watches() {
        let (listed, is_listed) = tokio::sync::oneshot::channel();
        tokio::spawn(follow(client.clone(), watch, listed, edited.clone()));
        lists.spawn(is_listed);
    }
    while lists.join_next().await.is_some() {}
    say("watching");

    let solutions = workload::solutions(orders.workload, &orders.catalogue);
    tokio::spawn(put_right(client.clone(), services(&solutions), edits));
    let mut lines = spawn_reader();
    while let Some(line) = lines.recv().await {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["publish"] => {
                let took = publish(&client, &solutions, orders.in_flight).await;
                say(&format!("published {}", took.as_secs_f64()));
            }
            ["change", name, digest] => {
                let solution = solutions.iter().find(|s| s.name == name);
                let objects = &solution.expect("it is in the catalogue").objects;
                let deployment = objects.iter().find(|o| o.key.kind == Kind::Deployment);
                let request = deployment.expect("each has one").apply_with(digest);
                client.request_text(request).await.expect("the server takes an apply");
            }
            ref other => panic!("{other:?} is no order"),
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

/// Standard input, line by line. Its end is the end.
fn spawn_reader() -> mpsc::UnboundedReceiver<String> {
    let (tell, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Sends every request, solution by solution, so many solutions at a time.
async fn publish(client: &Client, solutions: &[Solution], in_flight: usize) -> Duration {
    let creations = |s: &Solution| s.objects.iter().flat_map(|o| o.creation()).collect();
    let requests: Arc<Vec<Vec<Sent>>> = Arc::new(solutions.iter().map(creations).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (client, requests, next) = (client.clone(), requests.clone(), next.clone());
        workers.spawn(async move {
            while let Some(requests) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                for request in requests {
                    let answer = client.request_text(request.clone()).await;
                    answer.expect("the server takes what the daemon sends");
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    begin.elapsed()
}

/// Reads a watch to its end, and hands on the lines that tell of an edit by hand.
async fn follow(
    client: Client,
    watch: Sent,
    listed: tokio::sync::oneshot::Sender<()>,
    edited: mpsc::UnboundedSender<Vec<u8>>,
) {
    let answer = client.send(watch.map(Body::from)).await.expect("the server answers");
    if !answer.status().is_success() {
        return; // the server has no such kind
    }
    let mut body = answer.into_body();
    let mut listed = Some(listed);
    let mut line = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(chunk) = frame.into_data() else { continue };
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if line.last() != Some(&b'\n') {
                continue;
            }
            let text = str::from_utf8(&line).unwrap_or_default();
            if listed.is_some() && text.contains("k8s.io/initial-events-end") {
                listed.take().map(|listed| listed.send(()));
            } else if text.contains(HAND) {
                let _ = edited.send(line.clone());
            }
            line.clear();
        }
    }
}

/// The applies of all Services, by namespace.
fn services(solutions: &[Solution]) -> BTreeMap<String, Sent> {
    let objects = solutions.iter().flat_map(|s| &s.objects);
    let services = objects.filter(|o| o.key.kind == Kind::Service);
    services.filter_map(|o| Some((o.key.namespace.as_ref()?.to_string(), o.apply()))).collect()
}

/// Applies a Service again that somebody edited.
async fn put_right(
    client: Client,
    services: BTreeMap<String, Sent>,
    mut edits: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    while let Some(line) = edits.recv().await {
        let event: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let namespace = event["object"]["metadata"]["namespace"].as_str().unwrap_or_default();
        if let Some(apply) = services.get(namespace) {
            client.request_text(apply.clone()).await.expect("the server takes an apply");
        }
    }
}
