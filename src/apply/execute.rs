//! Carries out one step: its requests, and what became of it.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::request::{
    self, APPLY, Answer, Api, Failure, JSON, METADATA, METADATA_LIST, unavailable, with_query,
};
use super::store::Written;
use super::wire::{self, Seen};
use crate::model::{InstanceName, Kind, ObjectKey, Revision, marks};
use crate::plan::observed::Survey;
use crate::plan::{Outcome, Step};
use crate::render::DesiredObject;

/// Foreign objects that a survey names; there may be more.
const NAMED: usize = 20;

/// What may be foreign work in a namespace: group, version, kind, plural.
const SURVEYED: [(&str, &str, &str, &str); 7] = [
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("apps", "v1", "StatefulSet", "statefulsets"),
    ("apps", "v1", "Deployment", "deployments"),
    ("", "v1", "Service", "services"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
    ("batch", "v1", "Job", "jobs"),
];

/// Carries out a step. `uid` is the observed object's, for the steps that must not create it.
pub(super) async fn carry_out(
    api: &Api,
    instance: &InstanceName,
    step: &Step,
    uid: Option<String>,
) -> (Outcome, Written) {
    let done = match step {
        Step::Apply { object, revision, .. } => apply(api, object, revision).await,
        Step::Birth { object, revision } => birth(api, object, revision).await,
        Step::Handover { object, revision, replicas } => {
            hand_over(api, object, revision, *replicas, uid).await
        }
        Step::Delete { key, uid, resource_version } => {
            return delete(api, key, uid, resource_version).await;
        }
        Step::Survey { namespace } => {
            return match survey(api, instance, namespace).await {
                Ok(survey) => (Outcome::Surveyed, Written::Survey(survey)),
                Err(failure) => (failure.outcome(), Written::Nothing),
            };
        }
        Step::ForceActivation { key, on } => {
            let annotations =
                if *on { json!({ marks::FORCE_ACTIVATION: "true" }) } else { json!({}) };
            verify(api, key, annotations, uid).await
        }
        Step::Verified { key, template, ok } => {
            let word = if *ok { "ok" } else { "failed" };
            verify(api, key, json!({ marks::VERIFIED: format!("{template} {word}") }), uid).await
        }
    };
    match done {
        Ok((created, seen)) => (Outcome::Applied { created }, Written::Object(Box::new(seen))),
        Err(failure) => (failure.outcome(), Written::Nothing),
    }
}

/// One server-side apply with force, answered by metadata alone.
async fn patch(
    api: &Api,
    key: &ObjectKey,
    manager: &str,
    body: &Value,
) -> Result<(bool, Seen), Failure> {
    let address = with_query(
        &request::address(key),
        &[("fieldManager", manager), ("force", "true"), ("fieldValidation", "Strict")],
    );
    let request = request::request(Method::PATCH, &address, METADATA, APPLY, encoded(body)?)?;
    let answer = api.call(request).await?;
    Ok((answer.status == StatusCode::CREATED, read(&answer)?))
}

fn encoded(body: &Value) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body).map_err(|e| unavailable(format!("a body cannot be written: {e}")))
}

fn read(answer: &Answer) -> Result<Seen, Failure> {
    wire::object(&answer.body).map_err(|e| unavailable(format!("an answer cannot be read: {e}")))
}

async fn apply(
    api: &Api,
    object: &DesiredObject,
    revision: &Revision,
) -> Result<(bool, Seen), Failure> {
    patch(api, &object.key, marks::MANAGER, &with_revision(object, revision)).await
}

/// The body that is sent: the object and the commit that changed it.
fn with_revision(object: &DesiredObject, revision: &Revision) -> Value {
    let mut body = object.body.clone();
    body["metadata"]["annotations"][marks::REVISION] = Value::from(revision.as_str());
    body
}

/// Creates a Deployment asleep, then applies it: what we never own, the apply leaves at 0.
async fn birth(
    api: &Api,
    object: &DesiredObject,
    revision: &Revision,
) -> Result<(bool, Seen), Failure> {
    let address = with_query(
        &request::collection(object.key.kind, object.key.namespace.as_deref()),
        &[("fieldManager", marks::BIRTH), ("fieldValidation", "Strict")],
    );
    let body = encoded(&smallest(object))?;
    let request = request::request(Method::POST, &address, METADATA, JSON, body)?;
    let born = match api.call(request).await {
        Ok(_) => true,
        Err(Failure::Refused { rejection, .. }) if rejection.reason == "AlreadyExists" => false,
        Err(failure) => return Err(failure),
    };
    let (created, seen) = apply(api, object, revision).await?;
    Ok((born || created, seen))
}

/// The smallest Deployment that the server accepts and that our apply can grow.
fn smallest(object: &DesiredObject) -> Value {
    let body = &object.body;
    let template = &body["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    let hash = object.template.as_ref().map(ToString::to_string).unwrap_or_default();
    json!({
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {
            "name": object.key.name,
            "namespace": object.key.namespace,
            "labels": body["metadata"]["labels"],
            "annotations": { marks::VERIFIED: format!("{hash} born") },
        },
        "spec": {
            "replicas": 0,
            "selector": body["spec"]["selector"],
            "template": {
                "metadata": { "labels": template["metadata"]["labels"] },
                "spec": { "containers": [
                    { "name": container["name"], "image": container["image"] }
                ] },
            },
        },
    })
}

/// Keeps the live replicas under a manager of their own, then applies without them.
async fn hand_over(
    api: &Api,
    object: &DesiredObject,
    revision: &Revision,
    replicas: i32,
    uid: Option<String>,
) -> Result<(bool, Seen), Failure> {
    let mut body = bare(&object.key, uid);
    body["spec"] = json!({ "replicas": replicas });
    patch(api, &object.key, marks::HANDOVER, &body).await?;
    apply(api, object, revision).await
}

/// Makes these the only annotations of manager `vitrine-verify`.
async fn verify(
    api: &Api,
    key: &ObjectKey,
    annotations: Value,
    uid: Option<String>,
) -> Result<(bool, Seen), Failure> {
    let mut body = bare(key, uid);
    body["metadata"]["annotations"] = annotations;
    patch(api, key, marks::VERIFIER, &body).await
}

/// A body that names the object and no field. With the UID, an apply of it creates nothing: the
/// server answers 409 if that object is gone.
fn bare(key: &ObjectKey, uid: Option<String>) -> Value {
    let mut body = json!({
        "apiVersion": key.kind.api_version(),
        "kind": key.kind.facts().kind,
        "metadata": { "name": key.name },
    });
    if let Some(namespace) = &key.namespace {
        body["metadata"]["namespace"] = Value::from(namespace.as_str());
    }
    if let Some(uid) = uid {
        body["metadata"]["uid"] = Value::from(uid);
    }
    body
}

/// Deletes exactly the object that was observed.
async fn delete(
    api: &Api,
    key: &ObjectKey,
    uid: &str,
    resource_version: &str,
) -> (Outcome, Written) {
    let body = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": uid, "resourceVersion": resource_version },
    });
    let answer = async {
        let request = request::request(
            Method::DELETE,
            &request::address(key),
            METADATA,
            JSON,
            encoded(&body)?,
        )?;
        api.call(request).await
    };
    match answer.await {
        Ok(answer) => (Outcome::Deleted, taken(&answer, uid)),
        Err(failure) if failure.code() == Some(404) => {
            (Outcome::Gone, Written::Gone(uid.to_owned()))
        }
        Err(failure) => (failure.outcome(), Written::Nothing),
    }
}

/// A DELETE answers the object while something holds it, and a Status when it is gone.
fn taken(answer: &Answer, uid: &str) -> Written {
    match wire::object(&answer.body) {
        Ok(seen) if seen.meta.uid == uid && seen.meta.deletion_timestamp.is_some() => {
            Written::Object(Box::new(seen))
        }
        _ => Written::Gone(uid.to_owned()),
    }
}

/// Looks for what is not ours in a namespace.
async fn survey(api: &Api, instance: &InstanceName, namespace: &str) -> Result<Survey, Failure> {
    let mut foreign = Vec::new();
    for (group, version, kind, plural) in SURVEYED {
        let collection = request::resource(group, version, Some(namespace), plural);
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("limit", "100")];
            if let Some(token) = &token {
                query.push(("continue", token));
            }
            let address = with_query(&collection, &query);
            let request = request::request(Method::GET, &address, METADATA_LIST, "", Vec::new())?;
            let answer = match api.call(request).await {
                Ok(answer) => answer,
                // The cluster has no such kind.
                Err(failure) if failure.code() == Some(404) => break,
                Err(failure) => return Err(failure),
            };
            let page = wire::page(wire::Depth::Metadata, &answer.body)
                .map_err(|e| unavailable(format!("a list cannot be read: {e}")))?;
            foreign.extend(
                page.items
                    .iter()
                    .filter(|seen| !is_ours(seen, instance))
                    .map(|seen| format!("{kind}/{}", seen.meta.name)),
            );
            match page.next {
                Some(next) if foreign.len() < NAMED => token = Some(next),
                _ => break,
            }
        }
    }
    foreign.truncate(NAMED);
    Ok(Survey { foreign, at: Timestamp::now() })
}

fn is_ours(seen: &Seen, instance: &InstanceName) -> bool {
    let managed = &seen.meta.managed_fields;
    seen.meta.label(marks::INSTANCE) == Some(instance.as_str())
        && (managed.ours.is_some() || managed.birth)
}

/// Whether a step writes on an object that must exist.
pub(super) fn needs_object(step: &Step) -> bool {
    match step {
        Step::Handover { .. } | Step::ForceActivation { .. } | Step::Verified { .. } => true,
        Step::Apply { .. } | Step::Birth { .. } | Step::Delete { .. } | Step::Survey { .. } => {
            false
        }
    }
}

/// The kinds that a watch is held on.
pub(super) fn watched() -> impl Iterator<Item = Kind> {
    Kind::RENDERED.into_iter().chain([Kind::Pod])
}
