//! One request to the API server, and what its answer means.
//!
//! Every request has a deadline and none is repeated here: whoever asked decides when to ask
//! again. A refusal carries the server's own words.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde::Deserialize;
use url::form_urlencoded;

use crate::http::causes;
use vitrine_core::model::{Kind, ObjectKey, Quoted};
use vitrine_core::plan::step::{Outcome, Rejection};

/// The longest answer that is read, in bytes; a list of ours is far below it.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// The longest `Retry-After` that is believed.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// Asks for the metadata alone; a server that cannot answers the whole object, which reads alike.
pub(super) const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";
/// As [`METADATA`], for a list.
pub(super) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";
pub(super) const JSON: &str = "application/json";
pub(super) const APPLY: &str = "application/apply-patch+yaml";

/// The client with the deadline that every call keeps.
#[derive(Clone)]
pub(super) struct Api {
    pub client: kube::Client,
    pub deadline: Duration,
}

/// An answer of 2xx.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// Why there is no such answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// The server understood, and refused.
    Refused { rejection: Rejection, about: String },
    /// Nothing is known: no answer, a busy server, or an answer that is not Kubernetes'.
    Unavailable { cause: Quoted, retry_after: Option<Duration>, code: Option<u16> },
}

impl Failure {
    /// HTTP status code, if there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { rejection, .. } => Some(rejection.code),
            Self::Unavailable { code, .. } => *code,
        }
    }

    /// As people read it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Refused { rejection, .. } => rejection.message.to_string(),
            Self::Unavailable { cause, .. } => cause.to_string(),
        }
    }

    /// What the operator can do about it.
    pub fn next(&self) -> &'static str {
        match (self, self.code()) {
            (Self::Refused { .. }, Some(403)) => "apply deploy/rbac.yaml",
            (Self::Refused { .. }, _) => "mend what the message names",
            (_, Some(401)) => {
                "renew the daemon's credentials: its kubeconfig, or its ServiceAccount's token"
            }
            (_, Some(408 | 429 | 500..)) => "look at the API server and at its etcd",
            (_, Some(_)) => "look who answers at this address: that is no API server",
            (_, None) => "look whether the API server runs and can be reached from the daemon",
        }
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { .. } => None,
            Self::Unavailable { retry_after, .. } => *retry_after,
        }
    }

    /// What became of a step whose PATCH or POST failed so.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Unavailable { cause, retry_after, .. } => {
                Outcome::Unavailable { cause, retry_after }
            }
            Self::Refused { rejection, .. } if rejection.code == 409 => Outcome::Changed,
            // The namespace went between the decision and the request. The world will say so
            // itself; the body is not at fault.
            Self::Refused { rejection, .. } if goes_away(&rejection) => {
                Outcome::Unavailable { cause: rejection.message, retry_after: None }
            }
            Self::Refused { rejection, .. } => Outcome::Rejected(rejection),
        }
    }
}

/// The server refused because the namespace is gone or going.
fn goes_away(rejection: &Rejection) -> bool {
    rejection.code == 404
        || (rejection.code == 403
            && rejection.causes.iter().any(|(_, reason)| reason == "NamespaceTerminating"))
}

impl Api {
    /// Sends one request and reads its answer within the deadline.
    ///
    /// # Errors
    /// [`Failure`] for everything but 2xx.
    pub async fn call(&self, request: Request<Vec<u8>>) -> Result<Answer, Failure> {
        let exchange = async {
            let response = self.client.send(request.map(Body::from)).await.map_err(unreachable)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER)
                .collect()
                .await
                .map_err(|e| unavailable(format!("the answer broke off: {}", causes(&*e))))?
                .to_bytes();
            judge(parts.status, &parts.headers, body)
        };
        match tokio::time::timeout(self.deadline, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(unavailable(format!(
                "the API server did not answer within {} s",
                self.deadline.as_secs()
            ))),
        }
    }
}

/// Builds a request.
///
/// # Errors
/// [`Failure::Unavailable`] if the address is none, which a checked name cannot cause.
pub(super) fn request(
    method: Method,
    address: &str,
    accept: &str,
    content: &str,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Failure> {
    let mut builder =
        Request::builder().method(method).uri(address).header(http::header::ACCEPT, accept);
    if !content.is_empty() {
        builder = builder.header(http::header::CONTENT_TYPE, content);
    }
    builder.body(body).map_err(|e| unavailable(format!("{address} is no address: {e}")))
}

/// The address of all objects of a kind, in one namespace or in all.
pub(super) fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let facts = kind.facts();
    resource(facts.group, facts.version, namespace, facts.plural)
}

/// As [`collection`], for what is not a [`Kind`].
pub(super) fn resource(
    group: &str,
    version: &str,
    namespace: Option<&str>,
    plural: &str,
) -> String {
    let root = if group.is_empty() { "/api".to_owned() } else { format!("/apis/{group}") };
    match namespace {
        Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{version}/{plural}"),
    }
}

/// The address of one object.
pub(super) fn address(key: &ObjectKey) -> String {
    format!("{}/{}", collection(key.kind, key.namespace.as_deref()), key.name)
}

/// An address with a query.
pub(super) fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{address}?{query}")
}

/// Tells a 2xx from a refusal and from everything else.
pub(super) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, Failure> {
    if status.is_success() {
        return Ok(Answer { status, body });
    }
    let code = status.as_u16();
    let said = serde_json::from_slice::<Status>(&body).ok().filter(|s| s.kind == "Status");
    let retry_after = headers
        .get(http::header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.trim().parse().ok())
        .or(said.as_ref().and_then(|s| s.details.retry_after_seconds).filter(|s| *s > 0))
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY));
    // A field that a built-in kind does not have is answered as a plain 500 (seen at 1.36).
    let malformed = said.as_ref().is_some_and(|s| {
        code == 500 && s.message.starts_with("failed to create typed patch object")
    });
    let busy = (status.is_server_error() && !malformed) || matches!(code, 401 | 408 | 429);
    let cause = match (&said, code) {
        (_, 401) => "the API server does not accept the daemon's credentials (401)".to_owned(),
        (None, 404) => "the API server does not know the kind (404)".to_owned(),
        (Some(said), _) => format!("the API server answered {code}: {}", said.message),
        (None, _) => format!("{code} was answered, and not in Kubernetes' words"),
    };
    match said {
        Some(said) if !busy => Err(Failure::Refused {
            about: said.details.kind,
            rejection: Rejection {
                code,
                reason: said.reason,
                message: Quoted::of(&said.message),
                causes: said
                    .details
                    .causes
                    .into_iter()
                    .map(|cause| (cause.field, cause.reason))
                    .collect(),
            },
        }),
        _ => Err(Failure::Unavailable { cause: cause.into(), retry_after, code: Some(code) }),
    }
}

/// A failure without an answer.
pub(super) fn unavailable(cause: String) -> Failure {
    Failure::Unavailable { cause: cause.into(), retry_after: None, code: None }
}

/// The client could not get an answer.
pub(super) fn unreachable(error: kube::Error) -> Failure {
    unavailable(format!("the API server cannot be reached: {}", causes(&error)))
}

/// `metav1.Status`, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub kind: String,
    pub code: u16,
    pub reason: String,
    pub message: String,
    #[serde(deserialize_with = "or_default")]
    pub details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Details {
    /// The plural name of what the answer is about.
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub causes: Vec<Cause>,
    pub retry_after_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cause {
    pub field: String,
    pub reason: String,
}

/// Takes `null` for the empty form.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;

    fn judged(code: u16, retry: Option<&'static str>, body: &Value) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(retry) = retry {
            headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static(retry));
        }
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        judge(StatusCode::from_u16(code).unwrap(), &headers, Bytes::from(body))
    }

    fn outcome(code: u16, body: &Value) -> Outcome {
        judged(code, None, body).unwrap_err().outcome()
    }

    fn status(code: u16, reason: &str, message: &str, details: &Value) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": code, "reason": reason, "message": message, "details": details,
        })
    }

    #[test]
    fn a_refusal_carries_the_servers_words_and_the_fields() {
        let details = json!({"name": "web", "kind": "Service", "causes": [
            {"reason": "FieldValueInvalid", "message": "no", "field": "spec.ports[0].port"}]});
        let said = status(422, "Invalid", "Service \"web\" is invalid", &details);
        assert_eq!(
            outcome(422, &said),
            Outcome::Rejected(Rejection {
                code: 422,
                reason: "Invalid".to_owned(),
                message: "Service \"web\" is invalid".into(),
                causes: vec![("spec.ports[0].port".to_owned(), "FieldValueInvalid".to_owned())],
            })
        );
        let forbidden = status(403, "Forbidden", "quota exceeded", &Value::Null);
        assert!(matches!(
            outcome(403, &json!({"kind": "Status", "reason": "Forbidden", "message": "quota"})),
            Outcome::Rejected(Rejection { code: 403, .. })
        ));
        // Without details, and with null for them.
        assert!(judged(403, None, &forbidden).is_err());
    }

    #[test]
    fn a_busy_server_is_unavailable_for_as_long_as_it_says() {
        for code in [408, 429, 500, 502, 503, 504] {
            let said = status(code, "Busy", "later", &json!({}));
            match judged(code, Some("7"), &said).unwrap_err().outcome() {
                Outcome::Unavailable { retry_after, .. } => {
                    assert_eq!(retry_after, Some(Duration::from_secs(7)), "{code}");
                }
                other => panic!("{code}: {other:?}"),
            }
        }
        let said = status(429, "TooManyRequests", "later", &json!({"retryAfterSeconds": 3}));
        let failure = judged(429, None, &said).unwrap_err();
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));
        let forever = judged(503, Some("99999999"), &said).unwrap_err();
        assert_eq!(forever.retry_after(), Some(LONGEST_RETRY));
    }

    #[test]
    fn what_is_no_word_of_kubernetes_refuses_nothing() {
        for (code, body) in [
            (404, json!("404 page not found")),
            (403, json!("<html>proxy</html>")),
            (401, status(401, "Unauthorized", "Unauthorized", &json!({}))),
            (302, json!("")),
        ] {
            assert!(matches!(outcome(code, &body), Outcome::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn a_namespace_that_goes_is_no_fault_of_the_body() {
        let gone =
            status(404, "NotFound", "namespaces \"x\" not found", &json!({"kind": "namespaces"}));
        let going = status(
            403,
            "Forbidden",
            "it is being terminated",
            &json!({"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}),
        );
        for (code, said) in [(404, gone), (403, going)] {
            assert!(matches!(outcome(code, &said), Outcome::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn a_conflict_means_that_the_world_changed() {
        assert_eq!(outcome(409, &status(409, "Conflict", "uid", &json!({}))), Outcome::Changed);
    }

    #[test]
    fn a_field_that_a_kind_does_not_have_is_refused_though_the_server_says_500() {
        let message = "failed to create typed patch object (a/b; /v1, Kind=Service): .spec.x";
        assert!(matches!(
            outcome(500, &json!({"kind": "Status", "code": 500, "message": message})),
            Outcome::Rejected(Rejection { code: 500, .. })
        ));
    }

    #[test]
    fn a_selector_survives_its_query() {
        assert_eq!(
            with_query("/api/v1/pods", &[("labelSelector", "vitrine.dev/instance=a")]),
            "/api/v1/pods?labelSelector=vitrine.dev%2Finstance%3Da"
        );
    }
}
