//! What is sent: the requests that publish a catalogue, written out.

use std::path::Path;

use http::{Method, Request};
use serde_json::{Value, json};
use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::{InstanceName, Kind, ObjectKey, Revision, marks};
use vitrine_core::plan::{DesiredObject, Phase};
use vitrine_core::render::Body;

use crate::arguments::Workload;
use crate::daemon::INSTANCE;

/// A request that can be sent more than once.
pub type Sent = Request<Vec<u8>>;

/// A solution's objects in the order of publication.
pub struct Solution {
    pub name: String,
    pub objects: Vec<Object>,
}

/// An object, and how it is written.
pub struct Object {
    pub key: ObjectKey,
    /// What creates it before its apply, where something does.
    birth: Option<Value>,
    body: Value,
}

impl Object {
    /// The requests that create it, in their order.
    pub fn creation(&self) -> Vec<Sent> {
        let collection = collection(self.key.kind, self.key.namespace.as_deref());
        let birth = self.birth.as_ref().map(|body| {
            let uri = format!("{collection}?fieldManager={}&fieldValidation=Strict", marks::BIRTH);
            request(Method::POST, &uri, METADATA, JSON, body)
        });
        birth.into_iter().chain([self.apply()]).collect()
    }

    /// The request that puts it right.
    pub fn apply(&self) -> Sent {
        self.apply_of(&self.body)
    }

    /// A Deployment's, with another digest of its image.
    pub fn apply_with(&self, digest: &str) -> Sent {
        let mut body = self.body.clone();
        let image = &mut body["spec"]["template"]["spec"]["containers"][0]["image"];
        let (name, _) = image.as_str().and_then(|i| i.split_once('@')).expect("it has a digest");
        *image = format!("{name}@sha256:{digest}").into();
        self.apply_of(&body)
    }

    fn apply_of(&self, body: &Value) -> Sent {
        let collection = collection(self.key.kind, self.key.namespace.as_deref());
        let uri = format!(
            "{collection}/{}?fieldManager={}&force=true&fieldValidation=Strict",
            self.key.name,
            marks::MANAGER
        );
        request(Method::PATCH, &uri, JSON, "application/apply-patch+yaml", body)
    }
}

const JSON: &str = "application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

fn request(method: Method, uri: &str, accept: &str, content: &str, body: &Value) -> Sent {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("Accept", accept)
        .header("Content-Type", content)
        .body(serde_json::to_vec(body).unwrap())
        .unwrap()
}

fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let facts = kind.facts();
    let root = match facts.group {
        "" => format!("/api/{}", facts.version),
        group => format!("/apis/{group}/{}", facts.version),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", facts.plural),
        None => format!("{root}/{}", facts.plural),
    }
}

/// The watches that the daemon holds.
pub fn watches() -> Vec<Sent> {
    let query = "watch=1&allowWatchBookmarks=true&timeoutSeconds=3000\
                 &sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let open = |collection: &str, accept: &str, selector: &str| {
        Request::get(format!("{collection}?{query}{selector}"))
            .header("Accept", accept)
            .body(Vec::new())
            .unwrap()
    };
    let ours = format!("&labelSelector={}%3D{INSTANCE}", marks::INSTANCE.replace('/', "%2F"));
    let kinds = Kind::RENDERED.into_iter().chain([Kind::Pod]).map(|kind| {
        let selector = if kind == Kind::Namespace { "" } else { ours.as_str() };
        open(&collection(kind, None), if is_read_whole(kind) { JSON } else { METADATA }, selector)
    });
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    kinds.chain([open(definitions, METADATA, "")]).collect()
}

/// Of which kinds the daemon reads more than metadata.
fn is_read_whole(kind: Kind) -> bool {
    match kind {
        Kind::Namespace
        | Kind::ResourceQuota
        | Kind::HttpLocalRateLimitPolicy
        | Kind::Deployment
        | Kind::InterceptorRoute
        | Kind::ScaledObject
        | Kind::BackendTrafficPolicy
        | Kind::HttpRoute
        | Kind::Ingress
        | Kind::Pod => true,
        Kind::LimitRange
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::NetworkPolicy
        | Kind::Server
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::Service
        | Kind::PodDisruptionBudget
        | Kind::PodMonitor
        | Kind::Middleware
        | Kind::ReferenceGrant => false,
    }
}

/// What the catalogue in this folder becomes.
pub fn solutions(workload: Workload, folder: &Path) -> Vec<Solution> {
    let snapshot = read_folder(folder).unwrap();
    let catalog = catalog::read(&snapshot, &mut catalog::Memory::default());
    let platform = catalog.platform.as_ref().unwrap();
    let instance = InstanceName::parse(INSTANCE).unwrap();
    let revision = Revision::parse(&"0".repeat(40)).unwrap();
    let all = catalog.solutions.values().map(|solution| {
        let name = solution.name.to_string();
        let objects = match workload {
            Workload::Fixed => fixed(&name),
            Workload::Rendered => {
                let desired = vitrine_core::render::all(solution, platform, &instance, Phase::Live);
                desired.objects.iter().map(|object| rendered(object, &revision)).collect()
            }
        };
        Solution { name, objects }
    });
    all.collect()
}

fn rendered(object: &DesiredObject, revision: &Revision) -> Object {
    let asleep =
        object.key.kind == Kind::Deployment && object.body["spec"].get("replicas").is_none();
    let body = Body::of(object);
    let birth = body.birth().filter(|_| asleep).map(tree);
    Object { key: object.key.clone(), birth, body: tree(&body.with_marks(revision, None)) }
}

fn tree(sent: &[u8]) -> Value {
    serde_json::from_slice(sent).unwrap()
}

/// Ten objects, of which the ConfigMap has 1 KB. They are no part of what vitrine renders, so that
/// a number of years ago and one of another program stay comparable.
fn fixed(name: &str) -> Vec<Object> {
    let namespace = format!("sol-{name}");
    let labels = json!({
        marks::MANAGED_BY: marks::PRODUCT,
        marks::INSTANCE: INSTANCE,
        marks::SOLUTION: name,
    });
    let app = json!({ marks::SOLUTION: name });
    let object = |kind: Kind, called: &str, content: Value| {
        let facts = kind.facts();
        let mut body = json!({
            "apiVersion": kind.api_version(), "kind": facts.kind,
            "metadata": {"name": called, "labels": labels},
        });
        let mut key = ObjectKey { kind, namespace: None, name: called.into() };
        if facts.namespaced {
            body["metadata"]["namespace"] = namespace.as_str().into();
            key.namespace = Some(namespace.clone().into());
        }
        for (field, value) in content.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        Object { key, birth: None, body }
    };
    let image = format!("registry.example/lab/demo:1.0.0@sha256:{}", "a".repeat(64));
    vec![
        object(Kind::Namespace, &namespace, json!({})),
        object(Kind::ServiceAccount, "app", json!({"automountServiceAccountToken": false})),
        object(Kind::ConfigMap, "app", json!({"data": {"settings": "x".repeat(1024)}})),
        object(
            Kind::LimitRange,
            "app",
            json!({"spec": {"limits": [
                {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}},
            ]}}),
        ),
        object(
            Kind::ResourceQuota,
            "app",
            json!({"spec": {"hard": {
                "pods": "10", "requests.cpu": "4", "requests.memory": "8Gi",
            }}}),
        ),
        object(
            Kind::NetworkPolicy,
            "app",
            json!({"spec": {
                "podSelector": {"matchLabels": app}, "policyTypes": ["Ingress"],
                "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}],
            }}),
        ),
        object(
            Kind::Service,
            "app",
            json!({"spec": {
                "selector": app, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            }}),
        ),
        object(
            Kind::Deployment,
            "app",
            json!({"spec": {
                "replicas": 0,
                "selector": {"matchLabels": app},
                "template": {"metadata": {"labels": app}, "spec": {"containers": [{
                    "name": "app", "image": image,
                    "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}},
                }]}},
            }}),
        ),
        object(
            Kind::ScaledObject,
            "app",
            json!({"spec": {
                "scaleTargetRef": {"name": "app"}, "minReplicaCount": 0, "maxReplicaCount": 1,
                "triggers": [{"type": "external-push", "metadata": {
                    "scalerAddress": "keda-add-ons-http-external-scaler.keda:9090",
                }}],
            }}),
        ),
        object(
            Kind::HttpRoute,
            "app",
            json!({"spec": {
                "parentRefs": [{"name": "public", "namespace": "edge"}],
                "hostnames": [format!("{name}.demo.example")],
                "rules": [{"backendRefs": [{"name": "app", "port": 8080}]}],
            }}),
        ),
    ]
}
