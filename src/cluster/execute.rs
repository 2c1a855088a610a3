//! Carries out one step: its requests, and what became of it.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::request::{
    self, APPLY, Answer, Api, Failure, JSON, METADATA, METADATA_LIST, unavailable, with_query,
};
use super::wire;
use vitrine_core::engine::{Seen, Written};
use vitrine_core::model::{FieldSet, InstanceName, Kind, ObjectKey, Revision, Uid, marks};
use vitrine_core::plan::Form;
use vitrine_core::plan::observed::Survey;
use vitrine_core::plan::{Outcome, Rejection, Step};
use vitrine_core::render::Body;

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
    uid: Option<Uid>,
) -> (Outcome, Written) {
    if step.needs_object() && uid.is_none() {
        return (Outcome::Gone, Written::Nothing);
    }
    let done = match step {
        Step::Apply { object, revision, left, .. } => {
            apply(api, object, revision, left.as_deref()).await
        }
        Step::Birth { object, revision } => birth(api, object, revision).await,
        Step::Handover { object, revision, left, replicas } => {
            match keep_replicas(api, &object.key, *replicas, uid).await {
                Ok(_) => apply(api, object, revision, left.as_deref()).await,
                Err(failure) => Err(failure),
            }
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
        Step::Nudge { key, mark } => {
            let annotations =
                if *mark { json!({ marks::FORCE_ACTIVATION: "false" }) } else { json!({}) };
            verify(api, key, annotations, uid).await
        }
        Step::Verified { key, template, result } => {
            verify(api, key, json!({ marks::VERIFIED: result.mark(template) }), uid).await
        }
    };
    match done {
        Ok((_, seen)) if seen.lacks.as_ref().is_some_and(|lacks| !lacks.is_empty()) => {
            let lacks = seen.lacks.clone().unwrap_or_default();
            (Outcome::Rejected(Rejection::taken_away(&lacks)), Written::Object(Box::new(seen)))
        }
        Ok((created, seen)) => (Outcome::Applied { created }, Written::Object(Box::new(seen))),
        Err(failure) => (failure.outcome(), Written::Nothing),
    }
}

/// How a server-side apply asks: with force, and without a field that nobody knows.
pub(super) const fn query(manager: &str) -> [(&str, &str); 3] {
    [("fieldManager", manager), ("force", "true"), ("fieldValidation", "Strict")]
}

/// One server-side apply with force, answered by metadata alone, or by the whole object.
async fn patch(
    api: &Api,
    key: &ObjectKey,
    manager: &str,
    body: Vec<u8>,
    accept: &str,
) -> Result<(bool, Answer), Failure> {
    let address = with_query(&request::address(key), &query(manager));
    let request = request::request(Method::PATCH, &address, accept, APPLY, body)?;
    let answer = api.call(request).await?;
    Ok((answer.status == StatusCode::CREATED, answer))
}

fn encoded(body: &Value) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body).map_err(|e| unavailable(format!("a body cannot be written: {e}")))
}

/// What is sent of an object.
pub(super) fn body(object: &Form) -> Result<&Body, Failure> {
    object
        .body
        .as_deref()
        .ok_or_else(|| unavailable(format!("{} came without its body", object.key)))
}

fn read(answer: &Answer) -> Result<Seen, Failure> {
    wire::object(&answer.body).map_err(|e| unavailable(format!("an answer cannot be read: {e}")))
}

async fn apply(
    api: &Api,
    object: &Form,
    revision: &Revision,
    left: Option<&FieldSet>,
) -> Result<(bool, Seen), Failure> {
    let body = body(object)?.with_marks(revision, left);
    let (created, answer) = patch(api, &object.key, marks::MANAGER, body, JSON).await?;
    let seen = wire::applied(&answer.body);
    Ok((created, seen.map_err(|e| unavailable(format!("an answer cannot be read: {e}")))?))
}

/// Creates a Deployment asleep, then applies it: what we never own, the apply leaves at 0.
async fn birth(api: &Api, object: &Form, revision: &Revision) -> Result<(bool, Seen), Failure> {
    let address = with_query(
        &request::collection(object.key.kind, object.key.namespace.as_deref()),
        &[("fieldManager", marks::BIRTH), ("fieldValidation", "Strict")],
    );
    let body = body(object)?.birth().map(<[u8]>::to_vec);
    let body =
        body.ok_or_else(|| unavailable("only a Deployment can be born asleep".to_owned()))?;
    let request = request::request(Method::POST, &address, METADATA, JSON, body)?;
    let born = match api.call(request).await {
        Ok(_) => true,
        Err(Failure::Refused { rejection, .. }) if rejection.reason == "AlreadyExists" => false,
        Err(failure) => return Err(failure),
    };
    let (created, seen) = apply(api, object, revision, None).await?;
    Ok((born || created, seen))
}

/// Keeps the live replicas under a manager of their own, before an apply without them.
async fn keep_replicas(
    api: &Api,
    key: &ObjectKey,
    replicas: i32,
    uid: Option<Uid>,
) -> Result<(bool, Seen), Failure> {
    let mut body = bare(key, uid);
    body["spec"] = json!({ "replicas": replicas });
    let (created, answer) = patch(api, key, marks::HANDOVER, encoded(&body)?, METADATA).await?;
    Ok((created, read(&answer)?))
}

/// Makes these the only annotations of manager `vitrine-verify`.
async fn verify(
    api: &Api,
    key: &ObjectKey,
    annotations: Value,
    uid: Option<Uid>,
) -> Result<(bool, Seen), Failure> {
    let mut body = bare(key, uid);
    body["metadata"]["annotations"] = annotations;
    let (created, answer) = patch(api, key, marks::VERIFIER, encoded(&body)?, METADATA).await?;
    Ok((created, read(&answer)?))
}

/// A body that names the object and no field. With the UID, an apply of it creates nothing: the
/// server answers 409 if that object is gone.
fn bare(key: &ObjectKey, uid: Option<Uid>) -> Value {
    let mut body = json!({
        "apiVersion": key.kind.api_version(),
        "kind": key.kind.facts().kind,
        "metadata": { "name": key.name },
    });
    if let Some(namespace) = &key.namespace {
        body["metadata"]["namespace"] = Value::from(namespace.as_str());
    }
    if let Some(uid) = uid {
        body["metadata"]["uid"] = Value::from(uid.to_string());
    }
    body
}

/// Deletes exactly the object that was observed.
async fn delete(
    api: &Api,
    key: &ObjectKey,
    uid: &Uid,
    resource_version: &str,
) -> (Outcome, Written) {
    let body = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": uid.to_string(), "resourceVersion": resource_version },
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
        Err(failure) if failure.code() == Some(404) => (Outcome::Gone, Written::Gone(uid.clone())),
        Err(failure) => (failure.outcome(), Written::Nothing),
    }
}

/// A DELETE answers the object while something holds it, and a Status when it is gone.
fn taken(answer: &Answer, uid: &Uid) -> Written {
    match wire::object(&answer.body) {
        Ok(seen) if seen.meta.uid == *uid && seen.meta.deletion_timestamp.is_some() => {
            Written::Object(Box::new(seen))
        }
        _ => Written::Gone(uid.clone()),
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

/// The kinds that a watch is held on.
pub(super) fn watched() -> impl Iterator<Item = Kind> {
    Kind::RENDERED.into_iter().chain([Kind::Pod])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::Arc;

    use super::*;
    use crate::cluster::fake::{self, Asked, Says};
    use vitrine_core::model::{ContentHash, FieldSet};
    use vitrine_core::plan::step::Why;
    use vitrine_core::render::{DesiredObject, Wave};

    fn deployment() -> Arc<Form> {
        let body = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "sol-use",
                "labels": {"vitrine.dev/instance": "prod"},
                "annotations": {"vitrine.dev/content": "c"},
            },
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}},
                    "spec": {"containers": [{"name": "web", "image": "i", "env": []}]},
                },
            },
        });
        Arc::new(Form::whole(&DesiredObject {
            key: ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"),
            component: None,
            wave: Wave::Workload,
            content: ContentHash::of(b"c"),
            template: Some(ContentHash::recorded("t1")),
            pods: Some(ContentHash::recorded("p1")),
            fields: Arc::new(FieldSet::default()),
            body,
        }))
    }

    fn revision() -> Revision {
        Revision::parse(&"a".repeat(40)).unwrap()
    }

    fn live() -> Value {
        json!({"kind": "PartialObjectMetadata", "metadata": {"name": "web",
            "namespace": "sol-use", "uid": "u1", "resourceVersion": "7"}})
    }

    fn refused(code: u16, reason: &str) -> Says {
        Says::json(
            code,
            &json!({"kind": "Status", "code": code, "reason": reason,
            "message": "no", "details": {"kind": "deployments"}}),
        )
    }

    async fn run(
        step: Step,
        uid: Option<&str>,
        answer: impl Fn(&Asked) -> Says + Send + Sync + 'static,
    ) -> (Outcome, Written, Vec<Asked>) {
        let (api, log) = fake::api(answer);
        let instance = InstanceName::parse("prod").unwrap();
        let (outcome, written) = carry_out(&api, &instance, &step, uid.map(Uid::of)).await;
        let asked = log.lock().unwrap().clone();
        (outcome, written, asked)
    }

    #[tokio::test]
    async fn an_apply_is_one_patch_with_force_and_strict_fields() {
        let step = Step::Apply {
            object: deployment(),
            revision: revision(),
            left: None,
            why: Why::Create,
        };
        let (outcome, written, asked) = run(step, None, |_| Says::json(201, &live())).await;
        assert_eq!(outcome, Outcome::Applied { created: true });
        assert!(matches!(written, Written::Object(seen) if seen.meta.uid == "u1"));
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].line(), "PATCH /apis/apps/v1/namespaces/sol-use/deployments/web");
        assert_eq!(asked[0].query, "fieldManager=vitrine&force=true&fieldValidation=Strict");
        assert_eq!(asked[0].content, "application/apply-patch+yaml");
        let mut expected = deployment().object().unwrap().body;
        expected["metadata"]["annotations"]["vitrine.dev/revision"] = json!("a".repeat(40));
        assert_eq!(asked[0].body, expected);
    }

    #[tokio::test]
    async fn an_answer_that_lacks_what_is_ours_is_refused_by_admission() {
        let step = || Step::Apply {
            object: deployment(),
            revision: revision(),
            left: None,
            why: Why::Update,
        };
        let mut whole = live();
        whole["metadata"]["managedFields"] = json!([
            {"manager": "vitrine", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}}},
            {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:spec": {"f:c": {}}}},
        ]);
        whole["spec"] = json!({"a": 1});
        let answer = whole.clone();
        let (outcome, written, _) = run(step(), None, move |_| Says::json(200, &answer)).await;
        let Outcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
        assert!(rejection.is_taken_away());
        assert_eq!(rejection.message.as_str(), "spec.b");
        assert!(matches!(written, Written::Object(_)), "the rest was written");
        whole["spec"]["b"] = json!(null);
        let (outcome, ..) = run(step(), None, move |_| Says::json(200, &whole)).await;
        assert_eq!(outcome, Outcome::Applied { created: false });
    }

    #[tokio::test]
    async fn an_object_that_existed_is_applied_but_not_created() {
        let step = Step::Apply {
            object: deployment(),
            revision: revision(),
            left: None,
            why: Why::Update,
        };
        let (outcome, ..) = run(step, None, |_| Says::json(200, &live())).await;
        assert_eq!(outcome, Outcome::Applied { created: false });
    }

    #[tokio::test]
    async fn a_birth_posts_the_smallest_form_asleep_and_then_applies() {
        let step = Step::Birth { object: deployment(), revision: revision() };
        let (outcome, _, asked) = run(step, None, |asked| match asked.method.as_str() {
            "POST" => Says::json(201, &live()),
            _ => Says::json(200, &live()),
        })
        .await;
        assert_eq!(outcome, Outcome::Applied { created: true });
        let methods: Vec<&str> = asked.iter().map(|a| a.method.as_str()).collect();
        assert_eq!(methods, ["POST", "PATCH"]);
        assert_eq!(asked[0].query, "fieldManager=vitrine-birth&fieldValidation=Strict");
        let body = deployment().body.clone().unwrap();
        let born: Value = serde_json::from_slice(body.birth().unwrap()).unwrap();
        assert_eq!((&asked[0].body, &born["spec"]["replicas"]), (&born, &json!(0)));
        assert_eq!(asked[1].body["spec"].get("replicas"), None);
    }

    #[tokio::test]
    async fn a_birth_that_was_interrupted_goes_on_and_a_refused_one_does_not() {
        let step = || Step::Birth { object: deployment(), revision: revision() };
        let (outcome, _, asked) = run(step(), None, |asked| match asked.method.as_str() {
            "POST" => refused(409, "AlreadyExists"),
            _ => Says::json(200, &live()),
        })
        .await;
        assert_eq!((outcome, asked.len()), (Outcome::Applied { created: false }, 2));
        let (outcome, _, asked) = run(step(), None, |_| refused(403, "Forbidden")).await;
        assert!(matches!(outcome, Outcome::Rejected(r) if r.code == 403));
        assert_eq!(asked.len(), 1);
    }

    #[tokio::test]
    async fn a_handover_keeps_the_live_replicas_of_that_very_object() {
        let step =
            Step::Handover { object: deployment(), revision: revision(), left: None, replicas: 4 };
        let (_, _, asked) = run(step, Some("u1"), |_| Says::json(200, &live())).await;
        assert_eq!(asked.len(), 2);
        assert!(asked[0].query.starts_with("fieldManager=vitrine-handover&"));
        assert_eq!(asked[0].body["spec"], json!({"replicas": 4}));
        assert_eq!(asked[0].body["metadata"]["uid"], "u1");
        assert!(asked[1].query.starts_with("fieldManager=vitrine&"));
    }

    #[tokio::test]
    async fn a_delete_names_the_object_and_the_version_that_were_observed() {
        let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
        let step =
            || Step::Delete { key: key.clone(), uid: "u1".into(), resource_version: "7".into() };
        let gone = json!({"kind": "Status", "status": "Success", "details": {"uid": "u1"}});
        let (outcome, written, asked) = run(step(), None, move |_| Says::json(200, &gone)).await;
        assert_eq!((outcome, asked.len()), (Outcome::Deleted, 1));
        assert!(matches!(written, Written::Gone(uid) if uid == "u1"));
        assert_eq!(asked[0].line(), "DELETE /api/v1/namespaces/sol-use");
        assert_eq!(asked[0].body["preconditions"], json!({"uid": "u1", "resourceVersion": "7"}));
        assert_eq!(asked[0].body["propagationPolicy"], "Background");

        let mut held = live();
        held["metadata"]["deletionTimestamp"] = json!("2026-01-05T10:00:00Z");
        let (_, written, _) = run(step(), None, move |_| Says::json(200, &held)).await;
        assert!(matches!(written, Written::Object(_)), "a finalizer holds it");

        for (says, expected) in [
            (refused(404, "NotFound"), Outcome::Gone),
            (refused(409, "Conflict"), Outcome::Changed),
        ] {
            let (outcome, ..) = run(step(), None, move |_| says.clone()).await;
            assert_eq!(outcome, expected);
        }
    }

    #[tokio::test]
    async fn a_verification_writes_its_one_annotation_and_takes_it_away_again() {
        let key = ObjectKey::namespaced(Kind::ScaledObject, "sol-use", "web");
        let force = |on| Step::ForceActivation { key: key.clone(), on };
        let nudge = |mark| Step::Nudge { key: key.clone(), mark };
        let annotation = |value: &str| json!({"autoscaling.keda.sh/force-activation": value});
        for (step, annotations) in [
            (force(true), annotation("true")),
            (force(false), json!({})),
            (nudge(true), annotation("false")),
            (nudge(false), json!({})),
        ] {
            let (_, _, asked) = run(step, Some("u1"), |_| Says::json(200, &live())).await;
            assert_eq!(asked.len(), 1);
            assert!(asked[0].query.starts_with("fieldManager=vitrine-verify&"));
            assert_eq!(asked[0].body["metadata"]["annotations"], annotations);
            assert_eq!(asked[0].body["metadata"]["uid"], "u1", "it must not create the object");
        }
        let step = Step::Verified {
            key: ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"),
            template: ContentHash::recorded("t1"),
            result: vitrine_core::plan::Verified::Failed(None),
        };
        let (_, _, asked) = run(step, Some("u1"), |_| Says::json(200, &live())).await;
        assert_eq!(
            asked[0].body["metadata"]["annotations"],
            json!({"vitrine.dev/verified": "t1 failed"})
        );
    }

    #[tokio::test]
    async fn a_survey_names_what_is_not_ours_and_asks_once_a_kind() {
        let ours = json!({"name": "web", "labels": {"vitrine.dev/instance": "prod"},
            "managedFields": [{"manager": "vitrine", "operation": "Apply", "fieldsV1": {}}]});
        let label = json!({"name": "copied", "labels": {"vitrine.dev/instance": "prod"}});
        let (outcome, written, asked) =
            run(Step::Survey { namespace: "sol-use".into() }, None, move |asked| {
                match asked.path.rsplit('/').next().unwrap() {
                    "persistentvolumeclaims" => list(&[json!({"name": "data"})]),
                    "services" => list(&[ours.clone(), label.clone()]),
                    "httproutes" => {
                        Says { code: 404, body: "404 page not found".into(), held: false }
                    }
                    _ => list(&[]),
                }
            })
            .await;
        assert_eq!(outcome, Outcome::Surveyed);
        assert_eq!(asked.len(), SURVEYED.len());
        let Written::Survey(survey) = written else { panic!("{written:?}") };
        assert_eq!(survey.foreign, ["PersistentVolumeClaim/data", "Service/copied"]);
    }

    #[tokio::test]
    async fn a_survey_that_may_not_look_finds_nothing_out() {
        let step = Step::Survey { namespace: "sol-use".into() };
        let (outcome, written, _) = run(step, None, |_| refused(403, "Forbidden")).await;
        assert!(matches!(outcome, Outcome::Rejected(_)));
        assert!(matches!(written, Written::Nothing));
    }

    fn list(metas: &[Value]) -> Says {
        let items: Vec<Value> = metas.iter().map(|meta| json!({"metadata": meta})).collect();
        Says::json(200, &json!({"metadata": {"resourceVersion": "9"}, "items": items}))
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_in_time_is_unavailable() {
        let (mut api, _) = fake::api(|_| Says::events(&[]));
        api.deadline = std::time::Duration::from_millis(20);
        let instance = InstanceName::parse("prod").unwrap();
        let step = Step::Apply {
            object: deployment(),
            revision: revision(),
            left: None,
            why: Why::Create,
        };
        let (outcome, _) = carry_out(&api, &instance, &step, None).await;
        assert!(matches!(outcome, Outcome::Unavailable { .. }), "{outcome:?}");
    }
}
