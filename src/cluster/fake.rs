//! An API server for the tests of this room: answers what the test says, and remembers what it
//! was asked.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::client::Body;
use serde_json::Value;

use super::request::Api;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub content: String,
    pub body: Value,
}

impl Asked {
    /// `PATCH /api/v1/namespaces/a`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer. A held one stays open after its body, as a watch does.
#[derive(Clone, Debug)]
pub(super) struct Says {
    pub code: u16,
    pub body: String,
    pub held: bool,
}

impl Says {
    pub fn json(code: u16, body: &Value) -> Self {
        Self { code, body: body.to_string(), held: false }
    }

    /// A watch that brings these events and stays open.
    pub fn events(events: &[Value]) -> Self {
        Self { held: true, ..Self::ended(events) }
    }

    /// A watch that brings these events and ends.
    pub fn ended(events: &[Value]) -> Self {
        let body = events.iter().map(|event| format!("{event}\n")).collect();
        Self { code: 200, body, held: false }
    }
}

/// What the server was asked, in order.
pub(super) type Log = Arc<Mutex<Vec<Asked>>>;

/// A client of a server that answers so.
pub(super) fn client(
    answer: impl Fn(&Asked) -> Says + Send + Sync + 'static,
) -> (kube::Client, Log) {
    let log = Log::default();
    let (seen, answer) = (Arc::clone(&log), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let asked = Asked {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                content: parts
                    .headers
                    .get(http::header::CONTENT_TYPE)
                    .map(|v| v.to_str().unwrap().to_owned())
                    .unwrap_or_default(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            let says = answer(&asked);
            seen.lock().unwrap().push(asked);
            let first =
                futures::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(says.body)))]);
            let body = if says.held {
                StreamBody::new(first.chain(futures::stream::pending()).boxed())
            } else {
                StreamBody::new(first.boxed())
            };
            Ok::<_, Infallible>(Response::builder().status(says.code).body(body).unwrap())
        }
    });
    (kube::Client::new(service, "default"), log)
}

/// As [`client`], with the deadline of a test.
pub(super) fn api(answer: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> (Api, Log) {
    let (client, log) = client(answer);
    (Api { client, deadline: Duration::from_secs(5) }, log)
}
