//! Brings the answers to what `doctor` asks. Reads only, each question one request.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};

use super::client::Unreachable;
use super::discovery;
use super::request::{self, Answer, Api, Failure, JSON, unavailable, with_query};
use vitrine_core::plan::facts::{Look, Question, Right};

/// Questions in flight.
const AT_ONCE: usize = 8;
/// The most objects of a list that are read.
const LONGEST_LIST: &str = "2000";
const DEADLINE: Duration = Duration::from_secs(30);

/// Who is meant when rights are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Whoever the client is.
    Ours,
    /// A ServiceAccount's, asked by somebody who may.
    Account { namespace: String, name: String },
}

/// Asks a cluster that answers.
pub struct Asker {
    api: Api,
    whose: Whose,
}

impl Asker {
    /// Makes sure that a Kubernetes API answers (2 requests).
    ///
    /// # Errors
    /// [`Unreachable`], for the operator.
    pub async fn connect(client: kube::Client, whose: Whose) -> Result<Self, Unreachable> {
        let api = Api { client, deadline: DEADLINE };
        discovery::served(&api).await?;
        Ok(Self { api, whose })
    }

    /// Answers every question.
    pub async fn ask(&self, questions: BTreeSet<Question>) -> Vec<(Question, Look)> {
        answers(&self.api, &self.whose, questions).await
    }
}

/// Answers every question, [`AT_ONCE`] at a time.
pub(super) async fn answers(
    api: &Api,
    whose: &Whose,
    questions: BTreeSet<Question>,
) -> Vec<(Question, Look)> {
    stream::iter(questions)
        .map(|question| async move {
            let look = match answer(api, whose, &question).await {
                Ok(look) => look,
                Err(Failure::Refused { rejection, .. }) if rejection.code == 403 => {
                    Look::NotTold(format!("forbidden: {}", rejection.message))
                }
                Err(failure) => Look::NotTold(failure.sentence()),
            };
            (question, look)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn answer(api: &Api, whose: &Whose, question: &Question) -> Result<Look, Failure> {
    match question {
        Question::Version => get(api, "/version").await,
        Question::One { resource, namespace, name } => {
            let all = request::resource(
                resource.group,
                resource.version,
                namespace.as_deref(),
                resource.plural,
            );
            get(api, &format!("{all}/{name}")).await
        }
        Question::All { resource, namespace, label } => {
            let all = request::resource(
                resource.group,
                resource.version,
                namespace.as_deref(),
                resource.plural,
            );
            let mut query = vec![("limit", LONGEST_LIST)];
            query.extend(label.as_deref().map(|label| ("labelSelector", label)));
            let look = get(api, &with_query(&all, &query)).await?;
            let Look::Found(mut list) = look else { return Ok(look) };
            Ok(Look::Found(match list.pop().map(|mut list| list["items"].take()) {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }))
        }
        Question::May(right) => may(api, whose, right).await,
        Question::MayOther { namespace, account, right } => {
            let (namespace, name) = (namespace.clone(), account.clone());
            may(api, &Whose::Account { namespace, name }, right).await
        }
    }
}

/// What is at an address. 404 is an answer, in whatever words.
async fn get(api: &Api, address: &str) -> Result<Look, Failure> {
    let request = request::request(Method::GET, address, JSON, "", Vec::new())?;
    match api.call(request).await {
        Ok(answer) => Ok(Look::Found(vec![parsed(&answer)?])),
        Err(failure) if failure.code() == Some(404) => Ok(Look::Absent),
        Err(failure) => Err(failure),
    }
}

/// Asks the server for a review of a right. That is a POST which stores nothing.
async fn may(api: &Api, whose: &Whose, right: &Right) -> Result<Look, Failure> {
    let attributes = json!({
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "namespace": right.namespace,
    });
    let (kind, plural, spec) = match whose {
        Whose::Ours => (
            "SelfSubjectAccessReview",
            "selfsubjectaccessreviews",
            json!({ "resourceAttributes": attributes }),
        ),
        Whose::Account { namespace, name } => (
            "SubjectAccessReview",
            "subjectaccessreviews",
            json!({
                "resourceAttributes": attributes,
                "user": format!("system:serviceaccount:{namespace}:{name}"),
                "groups": [
                    "system:serviceaccounts",
                    format!("system:serviceaccounts:{namespace}"),
                    "system:authenticated",
                ],
            }),
        ),
    };
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec });
    let body = serde_json::to_vec(&review).map_err(|e| unavailable(e.to_string()))?;
    let address = request::resource("authorization.k8s.io", "v1", None, plural);
    let request = request::request(Method::POST, &address, JSON, JSON, body)?;
    let answered = parsed(&api.call(request).await?)?;
    match answered.pointer("/status/allowed").and_then(Value::as_bool) {
        Some(true) => Ok(Look::Found(vec![Value::Bool(true)])),
        Some(false) => Ok(Look::Absent),
        None => Err(unavailable("the API server reviewed no right".to_owned())),
    }
}

fn parsed(answer: &Answer) -> Result<Value, Failure> {
    serde_json::from_slice(&answer.body)
        .map_err(|e| unavailable(format!("the answer is not JSON: {e}")))
}
