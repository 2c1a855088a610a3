//! Whether the API server would take objects. Each is one apply that is judged like any other, by
//! validation, admission and quotas, and of which nothing is kept.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::{Method, StatusCode};

use super::execute::{body, query};
use super::request::{self, APPLY, Api, Failure, JSON, METADATA, unavailable, with_query};
use super::wire;
use vitrine_core::change::DryRun;
use vitrine_core::model::{Revision, marks};
use vitrine_core::plan::{Form, Outcome, Rejection};

/// Requests under way at a time: what is to be published needs the server more.
const AT_ONCE: usize = 4;
/// How long all objects of one pull request have together.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of one question.
enum Said {
    /// It would be taken.
    Takes,
    /// It would not be taken, or not as it is.
    Refuses(Rejection),
    /// Nothing of this object alone: a sentence why.
    Unsure(String),
    /// The server is silent: a sentence why.
    Silent(String),
}

/// Asks about each of these objects. A server that is silent once is not asked for the rest.
pub(super) async fn ask(api: &Api, revision: &Revision, objects: Vec<Arc<Form>>) -> DryRun {
    let mut said = DryRun::default();
    let questions = objects.into_iter().map(|object| {
        let (api, revision) = (api.clone(), revision.clone());
        async move {
            let answer = attempt(&api, &revision, &object).await;
            (object.key.clone(), understood(answer))
        }
    });
    let mut answers = stream::iter(questions).buffered(AT_ONCE);
    let DryRun { refused, silent } = &mut said;
    let listen = async {
        while let Some((key, answer)) = answers.next().await {
            match answer {
                Said::Takes => {}
                Said::Refuses(rejection) => refused.push((key, rejection)),
                Said::Unsure(why) => *silent = Some(why),
                Said::Silent(why) => {
                    *silent = Some(why);
                    break;
                }
            }
        }
    };
    if tokio::time::timeout(PATIENCE, listen).await.is_err() {
        said.silent = Some(format!("it did not answer within {} s", PATIENCE.as_secs()));
    }
    said
}

fn understood(answer: Result<Option<Rejection>, Failure>) -> Said {
    let failure = match answer {
        Ok(None) => return Said::Takes,
        Ok(Some(lost)) => return Said::Refuses(lost),
        Err(failure @ Failure::Unavailable { .. }) => return Said::Silent(failure.sentence()),
        Err(Failure::Refused { rejection, .. }) if is_no_answer(&rejection) => {
            return Said::Unsure(rejection.message.to_string());
        }
        Err(failure) => failure,
    };
    match failure.outcome() {
        Outcome::Rejected(rejection) => Said::Refuses(rejection),
        // Its namespace is not there or going, or somebody else writes: that says nothing.
        _ => Said::Takes,
    }
}

/// A webhook that has effects elsewhere is not asked in a dry run: the server says 400 and this, as
/// `NewDryRunUnsupportedErr` of k8s.io/apiserver writes it.
fn is_no_answer(rejection: &Rejection) -> bool {
    rejection.code == 400 && rejection.message.as_str().ends_with("does not support dry run")
}

/// What of it would be taken away, if anything. What would be new is born as it would be.
async fn attempt(
    api: &Api,
    revision: &Revision,
    object: &Form,
) -> Result<Option<Rejection>, Failure> {
    let key = &object.key;
    let whole = body(object)?;
    let dry = |manager| query(manager).into_iter().chain([("dryRun", "All")]).collect::<Vec<_>>();
    let address = with_query(&request::address(key), &dry(marks::MANAGER));
    let sent = whole.with_marks(revision, None);
    let answer = api.call(request::request(Method::PATCH, &address, JSON, APPLY, sent)?).await?;
    if answer.status == StatusCode::CREATED
        && object.is_born_asleep()
        && let Some(birth) = whole.birth()
    {
        let collection = request::collection(key.kind, key.namespace.as_deref());
        let born: Vec<(&str, &str)> =
            dry(marks::BIRTH).into_iter().filter(|(name, _)| *name != "force").collect();
        let address = with_query(&collection, &born);
        api.call(request::request(Method::POST, &address, METADATA, JSON, birth.to_vec())?).await?;
    }
    let seen = wire::applied(&answer.body)
        .map_err(|e| unavailable(format!("an answer cannot be read: {e}")))?;
    Ok(seen.lacks.filter(|lacks| !lacks.is_empty()).map(|lacks| Rejection::taken_away(&lacks)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::fake::{self, Asked, Says};
    use vitrine_core::model::{ContentHash, FieldSet, Kind, ObjectKey};
    use vitrine_core::plan::{DesiredObject, Wave};

    fn map(name: &str) -> Arc<Form> {
        Arc::new(Form::whole(&DesiredObject {
            key: ObjectKey::namespaced(Kind::ConfigMap, "sol-use", name),
            component: None,
            wave: Wave::Workload,
            content: ContentHash::of(b"c"),
            template: None,
            pods: None,
            fields: Arc::new(FieldSet::default()),
            body: json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": "sol-use", "annotations": {}},
            }),
        }))
    }

    fn live() -> Value {
        json!({"kind": "ConfigMap", "metadata": {
            "name": "a", "namespace": "sol-use", "uid": "u1", "resourceVersion": "7",
        }})
    }

    fn refused(code: u16, causes: &Value) -> Says {
        let status = json!({"kind": "Status", "code": code, "reason": "Invalid", "message": "no",
            "details": {"kind": "configmaps", "causes": causes}});
        Says::json(code, &status)
    }

    /// What is said of so many objects, and what the server was asked.
    async fn asked(
        names: &[&str],
        answer: impl Fn(&Asked) -> Says + Send + Sync + 'static,
    ) -> (DryRun, Vec<Asked>) {
        let (api, log) = fake::api(answer);
        let revision = Revision::parse(&"a".repeat(40)).unwrap();
        let said = ask(&api, &revision, names.iter().map(|name| map(name)).collect()).await;
        let asked = log.lock().unwrap().clone();
        (said, asked)
    }

    #[tokio::test]
    async fn each_is_asked_as_it_would_be_applied_and_kept_nowhere() {
        let (said, asked) = asked(&["a", "b"], |_| Says::json(200, &live())).await;
        assert_eq!(said, DryRun::default());
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].line(), "PATCH /api/v1/namespaces/sol-use/configmaps/a");
        let query = "fieldManager=vitrine&force=true&fieldValidation=Strict&dryRun=All";
        assert_eq!(asked[0].query, query);
        let marks = &asked[0].body["metadata"]["annotations"];
        assert_eq!(marks["vitrine.dev/revision"], "a".repeat(40));
    }

    #[tokio::test]
    async fn what_is_refused_is_told_and_what_says_nothing_is_not() {
        let going = json!([{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]);
        let (said, asked) =
            asked(&["a", "b", "c", "d", "e"], move |asked| match asked.path.rsplit('/').next() {
                Some("a") => refused(422, &json!([])),
                Some("b") => refused(404, &json!([])),
                Some("c") => refused(409, &json!([])),
                Some("d") => refused(403, &going),
                _ => refused(403, &json!([])),
            })
            .await;
        let told: Vec<(&str, u16)> =
            said.refused.iter().map(|(key, why)| (key.name.as_str(), why.code)).collect();
        assert_eq!(told, [("a", 422), ("e", 403)]);
        assert_eq!((said.silent, asked.len()), (None, 5));
    }

    #[tokio::test]
    async fn a_deployment_that_would_be_new_is_tried_as_it_is_born() {
        let (api, log) = fake::api(|asked| match asked.method.as_str() {
            "PATCH" => Says::json(201, &live()),
            _ => refused(422, &json!([])),
        });
        let app = Arc::new(Form::whole(&DesiredObject {
            key: ObjectKey::namespaced(Kind::Deployment, "sol-use", "app"),
            component: None,
            wave: Wave::Workload,
            content: ContentHash::of(b"c"),
            template: Some(ContentHash::of(b"t")),
            pods: None,
            fields: Arc::new(FieldSet::default()),
            body: json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "app", "namespace": "sol-use", "annotations": {}},
                "spec": {"selector": {}, "template": {"metadata": {}, "spec": {"containers": []}}},
            }),
        }));
        let revision = Revision::parse(&"a".repeat(40)).unwrap();
        let said = ask(&api, &revision, vec![app]).await;
        assert_eq!(said.refused.len(), 1, "{said:?}");
        let asked = log.lock().unwrap().clone();
        assert_eq!(asked[1].line(), "POST /apis/apps/v1/namespaces/sol-use/deployments");
        let query = "fieldManager=vitrine-birth&fieldValidation=Strict&dryRun=All";
        assert_eq!((asked.len(), asked[1].query.as_str()), (2, query));
    }

    #[tokio::test]
    async fn a_webhook_that_knows_no_dry_runs_is_no_refusal_and_told_to_the_operator() {
        let words = "admission webhook \"a.example\" does not support dry run";
        let status = json!({"kind": "Status", "code": 400, "reason": "BadRequest",
            "message": words});
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let (said, all) = asked(&names, move |asked| match asked.path.ends_with("/l") {
            true => refused(422, &json!([])),
            false => Says::json(400, &status),
        })
        .await;
        assert_eq!((said.refused.len(), said.silent.as_deref()), (1, Some(words)));
        assert_eq!(all.len(), names.len(), "it says nothing of the others");
        // Any other webhook that gives no code of its own says 400 as well.
        let (said, _) = asked(&["a"], |_| refused(400, &json!([]))).await;
        assert_eq!((said.refused.len(), said.silent), (1, None));
    }

    #[tokio::test]
    async fn what_admission_would_take_away_is_told() {
        let mut whole = live();
        whole["metadata"]["managedFields"] = json!([
            {"manager": "vitrine", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}},
        ]);
        let (said, _) = asked(&["a"], move |_| Says::json(200, &whole)).await;
        let [(_, rejection)] = said.refused.as_slice() else { panic!("{said:?}") };
        assert!(rejection.is_taken_away());
        assert_eq!(rejection.message.as_str(), "data.a");
    }

    #[tokio::test]
    async fn a_silent_server_is_not_asked_for_the_rest() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let (said, asked) = asked(&names, |asked| match asked.path.ends_with("/a") {
            true => refused(422, &json!([])),
            false => Says::json(503, &json!({"kind": "Status", "code": 503, "message": "busy"})),
        })
        .await;
        assert_eq!(said.refused.len(), 1, "what was said before stands");
        let why = said.silent.unwrap();
        assert!(why.starts_with("the API server answered 503"), "{why}");
        assert!(asked.len() <= 2 * AT_ONCE, "{}", asked.len());
    }
}
