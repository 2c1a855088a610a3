//! What a situation costs, counted: requests, renders, log lines. Counts are exact, so they are
//! tests; times are in `benches/`.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use vitrine_core::model::Kind;
use vitrine_core::status::Verdict;
use vitrine_sandbox::Sandbox;

use crate::support::binary::vitrine;
use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::daemon::{Daemon, INSTANCE};
use crate::support::requests::Request;

/// How many solutions the counts are taken at: enough that a cost for each of them would show, few
/// enough that it passes beside other work. The benchmark has more.
const MANY: usize = 300;
/// How long nothing may be asked for the cluster to count as left alone.
const SILENCE: Duration = Duration::from_secs(1);

/// What was asked of the cluster that some budget counts.
pub fn counted(cluster: &Cluster) -> Vec<String> {
    let sent = cluster.requests().take();
    sent.iter().filter(|r| !r.is_lease() && !r.is_watch()).map(ToString::to_string).collect()
}

scenario! {
    only sandbox, because "so many namespaces take a real control plane minutes to clear away";
    async fn many_solutions_cost_what_changed_of_them(cluster: &Cluster) {
        let names: Vec<String> = (0..MANY).map(|n| format!("demo-{n:04}")).collect();
        let catalogue = Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut daemon =
            Daemon::start(cluster, &catalogue).await.patient(Duration::from_secs(200));
        let board = daemon.settled(&catalogue.head()).await;
        assert_eq!(board.verdicts.len(), MANY);
        assert!(board.verdicts.iter().all(Verdict::is_good));
        assert_eq!(daemon.tally.renders(), MANY as u64, "each solution is rendered once");

        // Nothing changed: not for the catalogue, and not for a while.
        cluster.requests().take();
        catalogue.write("NOTES.md", "Nothing of vitrine's.\n");
        let head = catalogue.commit("A note for ourselves");
        daemon.settled(&head).await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(counted(cluster), [""; 0]);
        assert_eq!(daemon.tally.renders(), MANY as u64);

        // One folder changed, and of its objects one.
        catalogue.edit("demo-0050/solution.yaml", &image('a'), &image('b'));
        let head = catalogue.commit("A newer image");
        daemon.settled(&head).await;
        let patch = "PATCH /apis/apps/v1/namespaces/sol-demo-0050/deployments/app by vitrine -> 200";
        assert_eq!(counted(cluster), [patch]);
        assert_eq!(daemon.tally.renders(), MANY as u64 + 1);
        daemon.stop().await;

        // A restart looks and writes nothing.
        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let board = daemon.settled(&head).await;
        assert!(board.verdicts.iter().all(Verdict::is_good));
        let sent = cluster.requests().take();
        assert!(sent.iter().all(|r| !r.is_write() || r.is_lease()), "{sent:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_start_asks_for_each_kind_once(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        daemon.stop().await;

        cluster.requests().take();
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        daemon.settled(&catalogue.head()).await;
        let sent = cluster.requests().take();
        let (lease, sent): (Vec<_>, Vec<_>) = sent.into_iter().partition(Request::is_lease);
        assert_eq!(lease.len(), 1, "{lease:?}");
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        for request in &sent {
            assert!(!request.is_write(), "{request}");
            *asked.entry(&request.path).or_default() += 1;
        }
        for root in ["/api", "/apis"] {
            assert_eq!(asked.remove(root), Some(1), "discovery");
        }
        // What we render, the pods, what Events say of them, and the definitions of kinds: a list
        // and its watch, which a server with streaming lists answers in one.
        assert_eq!(asked.len(), Kind::RENDERED.len() + 3, "{asked:?}");
        assert!(asked.values().all(|times| *times <= 2), "{asked:?}");
        daemon.stop().await;
    }
}

scenario! {
    async fn a_look_at_the_platform_is_taken_once_and_after_the_first_steps(cluster: &Cluster) {
        let catalogue = Catalogue::of(&["one"]);
        let mut daemon = Daemon::with_check_up(cluster, &catalogue).await;
        let board = daemon.board("examined", |board| !board.findings.is_empty()).await;
        assert!(board.findings.iter().any(|f| f.subject == "Gateway edge/public"), "{board:#?}");
        daemon.settled(&catalogue.head()).await;
        let sent = cluster.requests().take();
        let of_platform =
            |r: &Request| !r.is_write() && !r.is_watch() && LOOKED_AT.contains(&&*r.path);
        let first = sent.iter().position(of_platform).expect("it looked");
        let written = sent.iter().position(|r| r.is_write() && !r.is_lease()).unwrap();
        assert!(written < first, "it looked before it published: {sent:#?}");
        for path in LOOKED_AT {
            let times = sent.iter().filter(|r| of_platform(r) && r.path == path).count();
            assert_eq!(times, 1, "{path}");
        }
        // Another commit, the same platform file: nothing is asked again.
        catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
        daemon.settled(&catalogue.commit("A newer image")).await;
        tokio::time::sleep(SILENCE).await;
        let asked: Vec<String> =
            counted(cluster).into_iter().filter(|line| line.starts_with("GET")).collect();
        assert_eq!(asked, [""; 0]);
        daemon.stop().await;
    }
}

/// What the check-up of a bare platform asks for: one request each.
const LOOKED_AT: [&str; 10] = [
    "/version",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scaledobjects.keda.sh",
    "/api/v1/namespaces/edge",
    "/api/v1/namespaces/keda",
    "/apis/gateway.networking.k8s.io/v1/namespaces/edge/gateways/public",
    "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io",
    "/api/v1/namespaces/keda/services/keda-add-ons-http-interceptor-proxy",
    "/api/v1/namespaces/keda/serviceaccounts/keda-add-ons-http-interceptor",
    "/api/v1/namespaces/vitrine-system",
];

scenario! {
    only sandbox, because "the binary reaches it over HTTP, and the log is the binary's";
    async fn a_daemon_with_nothing_to_do_says_nothing_and_asks_nothing(cluster: &Cluster) {
        let sandbox = cluster.as_sandbox().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = sandbox.serve(listener);
        let catalogue = Catalogue::of(&["one", "two"]);
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, Sandbox::kubeconfig(address)).unwrap();
        let mut child = tokio::process::Command::from(vitrine(folder.path()))
            .args(["run", "--instance", INSTANCE, "--namespace", DAEMON_NAMESPACE])
            .arg("--repo")
            .arg(catalogue.path())
            .arg("--mirror")
            .arg(catalogue.mirror("binary"))
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .env("VITRINE_REPOSITORY_POLL", "5s")
            .env("VITRINE_WEB_PUBLIC_LISTEN", "127.0.0.1:0")
            .env("VITRINE_WEB_PRIVATE_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let route = "HTTPRoute/";
        let published = async {
            // The routes come last, each with a line.
            while said.iter().filter(|line: &&String| line.contains(route)).count() < 2 {
                said.push(lines.next_line().await.unwrap().expect("the daemon runs"));
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), published).await.is_ok();
        assert!(in_time, "{said:#?}");
        // The notes, and what others answer to the last write.
        let calm = async { while lines.next_line().await.is_ok() {} };
        let _ = tokio::time::timeout(SILENCE, calm).await;

        sandbox.clear_requests();
        let word = tokio::time::timeout(2 * SILENCE, lines.next_line()).await;
        assert!(word.is_err(), "it said {word:?}");
        assert_eq!(sandbox.requests(), [], "it asked");
        child.kill().await.unwrap();
        server.abort();
    }
}
