//! A client that sends what the daemon sends and does nothing else: the limit of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, Request};
use kube::Client;
use vitrine::git::read_folder;
use vitrine_core::catalog;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::plan::{Desired, DesiredObject, Phase};
use vitrine_core::render::Body;

use crate::catalogue::Catalogue;
use crate::daemon::INSTANCE;

/// As many requests at a time as the daemon has.
const IN_FLIGHT: usize = 8;

/// What the catalogue asks for.
pub fn render(catalogue: &Catalogue) -> Vec<Desired> {
    let snapshot = read_folder(&catalogue.path()).unwrap();
    let catalog = catalog::read(&snapshot, &mut catalog::Memory::default());
    let platform = catalog.platform.as_ref().unwrap();
    let instance = InstanceName::parse(INSTANCE).unwrap();
    let all = catalog.solutions.values();
    all.map(|s| vitrine_core::render::all(s, platform, &instance, Phase::Live)).collect()
}

/// Sends every object, solution by solution, each once; a Deployment first as the daemon creates it.
pub async fn send_all(client: &Client, desired: &[Desired]) {
    let revision = Revision::parse(&"0".repeat(40)).unwrap();
    let solutions: Arc<Vec<Vec<Request<Vec<u8>>>>> = Arc::new(
        desired
            .iter()
            .map(|d| d.objects.iter().flat_map(|o| requests(o, &revision)).collect())
            .collect(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, solutions, next) = (client.clone(), solutions.clone(), next.clone());
        workers.spawn(async move {
            while let Some(requests) = solutions.get(next.fetch_add(1, Ordering::Relaxed)) {
                for request in requests {
                    let answer = client.request_text(request.clone()).await;
                    answer.expect("the sandbox takes what the daemon sends");
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
}

fn requests(object: &DesiredObject, revision: &Revision) -> Vec<Request<Vec<u8>>> {
    let facts = object.key.kind.facts();
    let root = match facts.group {
        "" => format!("/api/{}", facts.version),
        group => format!("/apis/{group}/{}", facts.version),
    };
    let collection = match &object.key.namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", facts.plural),
        None => format!("{root}/{}", facts.plural),
    };
    let body = Body::of(object);
    let sent = body.with_marks(revision, None);
    let request = |method, uri: String, content: &str, body: Vec<u8>| {
        Request::builder()
            .method(method)
            .uri(uri)
            .header("Content-Type", content)
            .header("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
            .body(body)
            .unwrap()
    };
    let mut all = Vec::new();
    let asleep = object.body["spec"].get("replicas").is_none();
    if let Some(born) = body.birth().filter(|_| asleep) {
        let uri = format!("{collection}?fieldManager=vitrine-birth&fieldValidation=Strict");
        all.push(request(Method::POST, uri, "application/json", born.to_vec()));
    }
    let name = &object.key.name;
    let uri = format!("{collection}/{name}?fieldManager=vitrine&force=true&fieldValidation=Strict");
    all.push(request(Method::PATCH, uri, "application/apply-patch+yaml", sent));
    all
}
