//! Who wakes solutions, who encrypts between them, who reads their metrics.

use serde_json::Value;

use super::command::{self, KEDA, LINKERD, LINKERD_CNI};
use super::partner;
use super::visit::{ACCOUNTS, DEPLOYMENTS, SERVICES, Visit, condition, list, text};
use crate::catalog::platform::{Activation, Interceptor, Mesh};
use crate::plan::facts::Resource;

const API_SERVICES: Resource = Resource::new("apiregistration.k8s.io", "v1", "apiservices");
const DAEMON_SETS: Resource = Resource::new("apps", "v1", "daemonsets");
const WEBHOOKS: Resource =
    Resource::new("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations");

/// The oldest KEDA that knows `force-activation`, and in which one trigger's silence does not
/// overrule the others.
const OLDEST_KEDA: (u32, u32) = (2, 18);
const INTERCEPTOR_PORT: u64 = 8080;
const SCALER_PORT: u64 = 9090;

/// KEDA and what tells it of requests.
pub(super) fn activation(visit: &mut Visit<'_>) {
    let platform = visit.patient.platform;
    match &platform.activation {
        Activation::Interceptor(interceptor) => {
            keda(visit);
            add_on(visit, interceptor);
        }
        Activation::Prometheus(prometheus) => {
            keda(visit);
            server(visit, &prometheus.server_address);
        }
        Activation::None => {
            visit.fine("activation", "is none: nothing sleeps, and nothing has to wake it");
        }
    }
}

fn keda(visit: &mut Visit<'_>) {
    const SUBJECT: &str = "KEDA";
    let question = DEPLOYMENTS.labelled(None, "app.kubernetes.io/name=keda-operator");
    match visit.all(SUBJECT, question) {
        Some([]) => visit.miss(SUBJECT, "has no Deployment keda-operator", KEDA),
        Some([operator, ..]) => operator_of_keda(visit, SUBJECT, operator),
        None => {}
    }
    let subject = "APIService v1beta1.external.metrics.k8s.io";
    let question = API_SERVICES.one(None, "v1beta1.external.metrics.k8s.io");
    if let Some(service) = visit.one(subject, question, KEDA) {
        match condition(list(service, "/status/conditions"), "Available") {
            Some(("True", _)) => visit.fine(subject, "is available"),
            other => {
                let why = other.map_or("nobody answers for it", |(_, message)| message);
                let sentence = format!("is not available, so nothing scales beyond one: {why}");
                visit.miss(subject, sentence, "kubectl -n keda get pods");
            }
        }
    }
}

fn operator_of_keda(visit: &mut Visit<'_>, subject: &str, operator: &Value) {
    let said = operator
        .pointer("/metadata/labels")
        .map_or("", |labels| labels["app.kubernetes.io/version"].as_str().unwrap_or_default());
    let version = {
        let mut parts = said.trim_start_matches('v').split('.').map(str::parse::<u32>);
        parts.next().and_then(Result::ok).zip(parts.next().and_then(Result::ok))
    };
    let (major, minor) = OLDEST_KEDA;
    match version {
        Some(version) if version < OLDEST_KEDA => {
            visit.miss(subject, format!("is {said}; {major}.{minor} or newer is needed"), KEDA);
        }
        Some(_) => visit.runs(&format!("{subject} {said}"), operator),
        None => {
            let sentence = format!("does not say its version; {major}.{minor} or newer is needed");
            visit.warn(
                subject,
                sentence,
                "kubectl get deployments -A -o wide | grep keda-operator",
            );
            visit.runs(subject, operator);
        }
    }
}

fn add_on(visit: &mut Visit<'_>, interceptor: &Interceptor) {
    let namespace = interceptor.namespace.as_str();
    let install = command::add_on(namespace);
    let mend = |key: &str| format!("{install}; or name yours in activation.interceptor.{key}");
    visit.namespace(namespace, &format!("kubectl create namespace {namespace}"));
    port(visit, namespace, &interceptor.service, INTERCEPTOR_PORT, &mend("service"));
    port(visit, namespace, &interceptor.scaler, SCALER_PORT, &mend("scaler"));
    let name = &interceptor.service_account;
    let subject = format!("ServiceAccount {namespace}/{name}");
    if visit.there(&subject, ACCOUNTS.one(Some(namespace), name), &mend("serviceAccount")).is_some()
    {
        partner::waking_page(visit, namespace, name);
    }
}

/// A Service that has to have a port, and a pod behind it.
fn port(visit: &mut Visit<'_>, namespace: &str, name: &str, port: u64, mend: &str) {
    let subject = format!("Service {namespace}/{name}");
    let question = SERVICES.one(Some(namespace), name);
    let Some(service) = visit.one(&subject, question, mend) else { return };
    let ports = list(service, "/spec/ports");
    if ports.iter().any(|p| p.get("port").and_then(Value::as_u64) == Some(port)) {
        visit.fine(&subject, format!("has port {port}"));
        partner::behind(visit, namespace, name);
    } else {
        visit.miss(&subject, format!("has no port {port}"), mend);
    }
}

/// The Service behind an address like `http://prometheus.monitoring:9090`.
fn server(visit: &mut Visit<'_>, address: &str) {
    let subject = format!("Prometheus {address}");
    let host = url::Url::parse(address)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let mut labels = host.split('.');
    let (name, namespace, rest) = (labels.next(), labels.next(), labels.next());
    match (name, namespace, rest) {
        (Some(name), Some(namespace), None | Some("svc")) => {
            let mend = "activation: {prometheus: {serverAddress: ...}} in platform.yaml";
            visit.there(&subject, SERVICES.one(Some(namespace), name), mend);
        }
        _ => visit.warn(
            &subject,
            "is outside this cluster: whether it answers shows only a visit",
            "curl it from a pod of KEDA's namespace",
        ),
    }
}

/// Linkerd's parts, as its charts name them.
pub(super) fn mesh(visit: &mut Visit<'_>) {
    if visit.patient.platform.mesh == Mesh::Off {
        return;
    }
    visit.namespace("linkerd", LINKERD);
    for name in ["linkerd-identity", "linkerd-destination", "linkerd-proxy-injector"] {
        let subject = format!("Deployment linkerd/{name}");
        let question = DEPLOYMENTS.one(Some("linkerd"), name);
        if let Some(deployment) = visit.one(&subject, question, LINKERD) {
            visit.runs(&subject, deployment);
        }
    }
    // Without it each pod gets a container that the restricted level forbids.
    let subject = "DaemonSet linkerd-cni/linkerd-cni";
    let question = DAEMON_SETS.one(Some("linkerd-cni"), "linkerd-cni");
    visit.there(subject, question, LINKERD_CNI);

    let subject = "Linkerd's injector";
    let name = "linkerd-proxy-injector-webhook-config";
    let Some(webhooks) = visit.one(subject, WEBHOOKS.one(None, name), LINKERD) else { return };
    if list(webhooks, "/webhooks").iter().all(|w| text(w, "/failurePolicy") == "Fail") {
        visit.fine(subject, "lets no pod start without its proxy");
    } else {
        visit.warn(
            subject,
            "lets pods start without a proxy while it is down; nobody may call them then",
            "linkerd upgrade --ha | kubectl apply -f -",
        );
    }
}

/// Who may read metrics.
pub(super) fn monitoring(visit: &mut Visit<'_>) {
    let Some(monitoring) = &visit.patient.platform.monitoring else { return };
    let namespace = monitoring.namespace.as_str();
    visit.namespace(namespace, "monitoring: {namespace: ...} in platform.yaml names yours");
    if let Some(name) = &monitoring.service_account {
        let subject = format!("ServiceAccount {namespace}/{name}");
        let mend = "monitoring: {serviceAccount: ...} in platform.yaml names yours";
        visit.there(&subject, ACCOUNTS.one(Some(namespace), name), mend);
    }
}
