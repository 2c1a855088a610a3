//! `vitrine doctor` against a real API server from which one thing after the other is taken, and
//! the manifests of `docs/platform.md`.
//!
//! On a control plane of its own: it plays a whole platform, which would stand in the way of others.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use vitrine::cluster::{Asker, Whose};
use vitrine_core::catalog::snapshot::File;
use vitrine_core::catalog::{Platform, platform};
use vitrine_core::doctor::{self, Finding, Grade, Patient};
use vitrine_core::plan::facts::Facts;

use crate::support::binary::{Finished, finish, vitrine};
use crate::support::cluster::DAEMON_NAMESPACE;
use crate::support::objects;
use crate::support::real::{self, ControlPlane, Crds};

/// Everything that can be taken alone, and how its line begins.
const PIECES: [(&str, &str, &str); 23] = [
    ("Gateway", "public", "missing: Gateway edge/public is not there"),
    ("GatewayClass", "traefik", "missing: GatewayClass traefik is not there"),
    ("Certificate", "wildcard", "warning: certificate of listener https-solutions is not known"),
    ("Deployment", "keda-operator", "missing: KEDA has no Deployment"),
    ("APIService", "v1beta1.external.metrics.k8s.io", "missing: APIService v1beta1.external"),
    ("Service", "keda-add-ons-http-interceptor-proxy", "missing: Service keda/keda-add-ons-http-i"),
    ("Service", "keda-add-ons-http-external-scaler", "missing: Service keda/keda-add-ons-http-e"),
    ("ServiceAccount", "keda-add-ons-http-interceptor", "missing: ServiceAccount keda/keda-add"),
    ("EndpointSlice", "keda-add-ons-http-external-scaler", "missing: what answers behind Service"),
    ("EndpointSlice", "traefik", "warning: data plane of the gateway in namespace edge has no"),
    ("ClusterRole", "vitrine-waking-page", "missing: rights of ServiceAccount keda/keda-add-ons"),
    ("Deployment", "linkerd-identity", "missing: Deployment linkerd/linkerd-identity"),
    ("Deployment", "linkerd-destination", "missing: Deployment linkerd/linkerd-destination"),
    ("Deployment", "linkerd-proxy-injector", "missing: Deployment linkerd/linkerd-proxy-injector"),
    ("DaemonSet", "linkerd-cni", "missing: DaemonSet linkerd-cni/linkerd-cni"),
    ("MutatingWebhookConfiguration", "linkerd-proxy-injector-webhook-config", "missing: Linkerd's"),
    ("ServiceAccount", "prometheus", "missing: ServiceAccount monitoring/prometheus"),
    ("PriorityClass", "vitrine-solution", "missing: PriorityClass vitrine-solution"),
    ("Node", "node-1", "warning: node group solutions has no node"),
    ("CustomResourceDefinition", "middlewares.traefik.io", "missing: CRD middlewares.traefik.io"),
    ("CustomResourceDefinition", "servers.policy.linkerd.io", "missing: CRD servers.policy"),
    ("CustomResourceDefinition", "podmonitors.monitoring.coreos.com", "missing: CRD podmonitors"),
    ("CustomResourceDefinition", "scaledobjects.keda.sh", "missing: CRD scaledobjects.keda.sh"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A control plane with all definitions: the real ones where they are, ours for the rest.
fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(|| ControlPlane::start().unwrap())
}

/// The control plane for one test at a time: one takes away what the other needs.
async fn furnished() -> (Client, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let alone = ALONE.lock().await;
    let admin = plane().admin_client().await;
    real::install(&admin, &definitions()).await.unwrap();
    (admin, alone)
}

fn definitions() -> Vec<Value> {
    let mut all = plane().crds().read().unwrap();
    for more in [
        Crds::ours().read().unwrap(),
        objects::read(&root().join("tests/doctor/definitions.yaml")).unwrap(),
    ] {
        for definition in more {
            let name = &definition["metadata"]["name"];
            if !all.iter().any(|d| d["metadata"]["name"] == *name) {
                all.push(definition);
            }
        }
    }
    all
}

fn run<T>(body: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    let limit = std::time::Duration::from_secs(420);
    runtime.block_on(async { tokio::time::timeout(limit, body).await.expect("it was over") })
}

fn judged(text: &str) -> Platform {
    let file = File { size: text.len() as u64, bytes: Some(text.as_bytes().to_vec().into()) };
    let judged = platform::judge(Some(&file));
    assert!(judged.faults.is_empty(), "{:#?}", judged.faults);
    judged.platform
}

/// Creates an object, and its status as its controller would.
async fn put(admin: &Client, object: &Value) {
    let mut body = object.clone();
    let status = body.as_object_mut().unwrap().remove("status");
    objects::apply(admin, &body, "tests").await.unwrap();
    if status.is_none() || object["kind"] == "APIService" {
        return; // the API server itself judges those
    }
    let mut body = json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "status": status,
    });
    let metadata = &object["metadata"];
    body["metadata"] = json!({"name": metadata["name"], "namespace": metadata["namespace"]});
    let params = PatchParams::apply("controllers").force();
    let api = objects::api_of(admin, object).unwrap();
    let name = metadata["name"].as_str().unwrap();
    api.patch_status(name, &params, &Patch::Apply(&body)).await.unwrap();
}

/// What is not fine, when as many lines as expected are. The authorizer hears of rights by a watch.
async fn heard(admin: &Client, expected: usize) -> Vec<String> {
    let mut lines = says(admin, Whose::Ours).await;
    for _ in 0..100 {
        if lines.len() == expected {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        lines = says(admin, Whose::Ours).await;
    }
    lines
}

async fn take(admin: &Client, object: &Value) {
    let api = objects::api_of(admin, object).unwrap();
    let name = object["metadata"]["name"].as_str().unwrap();
    api.delete(name, &DeleteParams::default().grace_period(0)).await.unwrap();
    while api.get_metadata_opt(name).await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn examined(client: &Client, whose: Whose) -> Vec<Finding> {
    let text = std::fs::read_to_string(root().join("tests/doctor/platform.yaml")).unwrap();
    let platform = judged(&text);
    let patient = Patient {
        platform: &platform,
        namespace: DAEMON_NAMESPACE,
        demand: None,
        rights: true,
        now: Timestamp::now(),
    };
    let asker = Asker::connect(client.clone(), whose).await.unwrap();
    let mut facts = Facts::default();
    loop {
        let found = doctor::examine(&patient, &facts);
        if found.open.is_empty() {
            return found.findings;
        }
        facts.learn(asker.ask(found.open).await);
    }
}

async fn says(client: &Client, whose: Whose) -> Vec<String> {
    let findings = examined(client, whose).await;
    findings.iter().filter(|f| f.grade != Grade::Fine).map(Finding::line).collect()
}

fn binary(kubeconfig: &Path) -> Finished {
    let home = tempfile::tempdir().unwrap();
    let catalog: PathBuf = root().join("tests/doctor/platform.yaml");
    finish(
        vitrine(home.path())
            .args(["doctor", "--service-account", "vitrine", "--catalog"])
            .arg(catalog)
            .arg("--kubeconfig")
            .arg(kubeconfig),
    )
}

mod a_ready_cluster_loses_one_thing_at_a_time_and_each_has_its_line {
    use super::*;

    #[test]
    fn real() {
        run(scenario());
    }

    async fn scenario() {
        let (admin, _alone) = furnished().await;
        let all = objects::read(&root().join("tests/doctor/cluster.yaml")).unwrap();
        for object in &all {
            put(&admin, object).await;
        }
        assert_eq!(says(&admin, Whose::Ours).await, [""; 0]);
        // The daemon's own rights are enough to see all of it.
        assert_eq!(says(&plane().daemon_client().await, Whose::Ours).await, [""; 0]);
        let kubeconfig = plane().admin_kubeconfig();
        let fine = binary(&kubeconfig).exits(0);
        assert!(fine.out.contains("fine      Gateway edge/public"), "{}", fine.out);
        assert!(fine.out.ends_with(" fine\n"), "{}", fine.out);

        let definitions = definitions();
        for (kind, name, told) in PIECES {
            let found = all
                .iter()
                .chain(&definitions)
                .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
            let piece = found.unwrap();
            take(&admin, piece).await;
            let lines = heard(&admin, 1).await;
            assert_eq!(lines.len(), 1, "{kind} {name}: {lines:#?}");
            assert!(lines[0].starts_with(told), "{kind} {name}: {lines:#?}");
            if name == "public" {
                let missing = binary(&kubeconfig).exits(1);
                assert!(missing.out.contains("missing   Gateway edge/public"), "{}", missing.out);
            }
            if kind == "CustomResourceDefinition" {
                real::install(&admin, &definitions).await.unwrap();
            } else {
                put(&admin, piece).await;
            }
        }
        assert_eq!(heard(&admin, 0).await, [""; 0], "all is back");

        // The administrator has rights that the daemon lost.
        let roles = objects::read(&root().join("deploy/rbac.yaml")).unwrap();
        let binding = roles.iter().find(|o| o["kind"] == "ClusterRoleBinding").unwrap();
        take(&admin, binding).await;
        assert_eq!(says(&admin, Whose::Ours).await, [""; 0]);
        let daemon = Whose::Account { namespace: DAEMON_NAMESPACE.into(), name: "vitrine".into() };
        let mut lines = says(&admin, daemon.clone()).await;
        while lines.is_empty() {
            // The authorizer hears of it by a watch.
            lines = says(&admin, daemon.clone()).await;
        }
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[0].contains("delete deployments.apps"), "{lines:#?}");
        assert!(lines[0].ends_with("kubectl apply -f deploy/rbac.yaml"), "{lines:#?}");
        assert!(lines[1].starts_with("warning: optional rights of the daemon lack"), "{lines:#?}");
        // And whoever has none is told nothing, which is not `fine`.
        let nobody = plane().client_of("nobody", None).await.unwrap();
        let findings = examined(&nobody, Whose::Ours).await;
        assert_eq!(findings.iter().filter(|f| f.grade == Grade::Fine).count(), 1, "{findings:#?}");
        assert!(findings.iter().any(|f| f.grade == Grade::NotTold), "{findings:#?}");
        put(&admin, binding).await;
    }
}

mod every_manifest_of_the_guide_is_taken_by_the_api_server {
    use super::*;

    #[test]
    fn real() {
        run(scenario());
    }

    async fn scenario() {
        let (admin, _alone) = furnished().await;
        let (mut taken, mut kinds) = (0, Vec::new());
        for (line, block) in blocks("docs/platform.md") {
            let documents: Vec<Value> = serde_saphyr::from_multiple(&block)
                .unwrap_or_else(|why| panic!("docs/platform.md:{line}: {why}"));
            for object in documents {
                let Some(version) = object["apiVersion"].as_str() else { continue };
                kinds.push(object["kind"].as_str().unwrap().to_owned());
                if version.starts_with("vitrine.dev/") {
                    continue;
                }
                let name = objects::text(&object, "/metadata/name").unwrap();
                let params = PatchParams::apply("guide").force().validation_strict();
                // What others stand in has to be there; the rest leaves nothing behind.
                let params = if object["kind"] == "Namespace" { params } else { params.dry_run() };
                let api = objects::api_of(&admin, &object).unwrap();
                let answer = api.patch(name, &params, &Patch::Apply(&object)).await;
                answer.unwrap_or_else(|why| panic!("docs/platform.md:{line}: {name}: {why}"));
                taken += 1;
            }
        }
        assert!(taken >= 15, "{taken} manifests of {kinds:?}");
    }
}

/// Every YAML block of a page, with the line it begins at.
pub fn blocks(page: &str) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match &mut open {
            Some(_) if line == "```" => all.extend(open.take()),
            Some((_, block)) => *block += &format!("{line}\n"),
            None if line == "```yaml" => open = Some((number + 1, String::new())),
            None => {}
        }
    }
    all
}
