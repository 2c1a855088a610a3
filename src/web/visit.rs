//! Makes one request to an application on this machine, and tells the status of the answer.

use std::error::Error as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;

use crate::http::builder;

/// The most of an answer that is waited for, in bytes: an application may stream for ever.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Who asks.
pub struct Visitor {
    client: reqwest::Client,
    port: u16,
}

/// What is asked.
pub struct Visit<'a> {
    pub method: &'a str,
    /// Begins with `/`.
    pub path: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct NoAnswer {
    cause: String,
}

impl Visitor {
    /// A visitor of `127.0.0.1:port` with this patience for each whole answer. It takes no proxy,
    /// and follows no redirect: the answer is the application's. It needs no certificates, which an
    /// image may lack.
    ///
    /// # Errors
    /// What the system lacks for it.
    pub fn new(port: u16, patience: Duration) -> Result<Self, NoAnswer> {
        let client = builder().no_proxy().tls_certs_only(std::iter::empty()).timeout(patience);
        Ok(Self { client: client.build().map_err(unanswered)?, port })
    }

    /// Makes the request, and takes the answer to its end.
    ///
    /// # Errors
    /// [`NoAnswer`]: nobody listens, the connection broke, patience ended.
    pub async fn visit(&self, visit: &Visit<'_>) -> Result<u16, NoAnswer> {
        let address = format!("http://{}:{}{}", Ipv4Addr::LOCALHOST, self.port, visit.path);
        let method = Method::from_bytes(visit.method.as_bytes())
            .map_err(|error| NoAnswer { cause: error.to_string() })?;
        let mut request = self.client.request(method, address);
        for (name, value) in visit.headers {
            request = request.header(name, value);
        }
        if !visit.body.is_empty() {
            request = request.body(visit.body.to_vec());
        }
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status().as_u16();
        let mut length = 0;
        let mut parts = answer.bytes_stream();
        while let Some(part) = parts.next().await {
            length += part.map_err(unanswered)?.len();
            if length > ANSWER_MAX {
                break;
            }
        }
        Ok(status)
    }
}

fn unanswered(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    if error.is_timeout() {
        return NoAnswer { cause: "no answer in time".to_owned() };
    }
    // The innermost cause says what happened, the others where.
    let mut cause = error.source();
    let mut innermost = error.to_string();
    while let Some(inner) = cause {
        innermost = inner.to_string();
        cause = inner.source();
    }
    NoAnswer { cause: innermost }
}
