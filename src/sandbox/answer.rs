//! Answers, as bytes.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use super::kinds::Resource;
use super::refusal::Refusal;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An object as an answer shows it: at the version of the path, whole or its metadata only.
pub struct Shown<'a> {
    resource: &'a Resource,
    object: &'a Value,
    metadata_only: bool,
}

impl<'a> Shown<'a> {
    pub fn new(resource: &'a Resource, object: &'a Value, metadata_only: bool) -> Self {
        Self { resource, object, metadata_only }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.metadata_only {
            let mut map = serializer.serialize_map(Some(3))?;
            map.serialize_entry("kind", "PartialObjectMetadata")?;
            map.serialize_entry("apiVersion", "meta.k8s.io/v1")?;
            map.serialize_entry("metadata", &self.object["metadata"])?;
            return map.end();
        }
        let version = self.resource.api_version();
        let object = if self.object["apiVersion"].as_str() == Some(&version) {
            Cow::Borrowed(self.object)
        } else {
            let mut object = self.object.clone();
            object["apiVersion"] = json!(version);
            Cow::Owned(object)
        };
        object.serialize(serializer)
    }
}

/// What a request is answered with, before it becomes bytes.
pub enum Reply {
    Object {
        code: u16,
        resource: Arc<Resource>,
        object: Arc<Value>,
        metadata_only: bool,
    },
    List(List),
    Json(u16, Value),
    /// Discovery in its aggregated form, which clients know by its content type.
    Discovery(Value),
    Text(u16, &'static str),
    /// The lines of a watch.
    Stream(Body),
}

/// One page of a list.
pub struct List {
    pub resource: Arc<Resource>,
    pub items: Vec<Arc<Value>>,
    pub version: u64,
    /// Where the next page begins, and how many items are left.
    pub rest: Option<(String, usize)>,
    pub metadata_only: bool,
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if let Some((next, left)) = &self.rest {
            metadata["continue"] = json!(next);
            metadata["remainingItemCount"] = json!(left);
        }
        let (kind, version) = if self.metadata_only {
            ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
        } else {
            (format!("{}List", self.resource.kind), self.resource.api_version())
        };
        let items: Vec<Shown<'_>> = self
            .items
            .iter()
            .map(|object| Shown::new(&self.resource, object, self.metadata_only))
            .collect();
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &kind)?;
        map.serialize_entry("apiVersion", &version)?;
        map.serialize_entry("metadata", &metadata)?;
        map.serialize_entry("items", &items)?;
        map.end()
    }
}

impl Reply {
    /// A stream of lines.
    pub fn stream(
        lines: impl futures::Stream<Item = Result<http_body::Frame<Bytes>, io::Error>> + Send + 'static,
    ) -> Self {
        Self::Stream(BodyExt::boxed_unsync(StreamBody::new(lines)))
    }

    /// The bytes.
    pub fn into_response(self) -> http::Response<Body> {
        match self {
            Self::Object { code, resource, object, metadata_only } => {
                in_json(code, &Shown::new(&resource, &object, metadata_only))
            }
            Self::List(list) => in_json(200, &list),
            Self::Json(code, value) => in_json(code, &value),
            Self::Discovery(value) => {
                const KIND: &str =
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
                response(200, KIND, whole(value.to_string().into()))
            }
            Self::Text(code, text) => {
                response(code, "text/plain", whole(Bytes::from_static(text.as_bytes())))
            }
            Self::Stream(body) => response(200, "application/json", body),
        }
    }
}

/// The answer that a refusal becomes.
pub fn refused(refusal: &Refusal) -> http::Response<Body> {
    let mut answer = in_json(refusal.code, &refusal.to_json());
    if let Some(seconds) = refusal.retry_after {
        answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// The body of an answer that is never sent: it fails before its first byte, and the connection
/// closes with nothing said.
pub fn lost(why: io::Error) -> Body {
    let failed = futures::stream::once(async { Err(why) });
    BodyExt::boxed_unsync(StreamBody::new(failed))
}

/// A body whose connection is cut after a while.
pub fn cut(body: Body, after: Duration) -> Body {
    let cut = io::Error::new(io::ErrorKind::ConnectionReset, "the watch was cut");
    let frames = BodyStream::new(body).take_until(Box::pin(tokio::time::sleep(after)));
    BodyExt::boxed_unsync(StreamBody::new(frames.chain(futures::stream::once(async { Err(cut) }))))
}

fn in_json(code: u16, value: &impl Serialize) -> http::Response<Body> {
    response(code, "application/json", whole(serde_json::to_vec(value).unwrap_or_default().into()))
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn response(code: u16, kind: &'static str, body: Body) -> http::Response<Body> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    answer
}
