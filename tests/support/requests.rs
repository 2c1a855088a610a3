//! A log of every request that a client sends, so that a test can count them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use http::Method;
use kube::Client;

/// One request that was sent, in the order of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// Without the server, without the query.
    pub path: String,
    pub query: String,
    /// The HTTP status code; absent while there is no answer.
    pub status: Option<u16>,
}

impl Request {
    /// Does it ask for a change? A dry run does not count.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && self.parameter("dryRun").is_none()
    }

    pub fn is_watch(&self) -> bool {
        self.parameter("watch").is_some_and(|value| value == "true" || value == "1")
    }

    /// Is it about the daemon's own Lease, which no budget counts?
    pub fn is_lease(&self) -> bool {
        self.path.starts_with("/apis/coordination.k8s.io/")
    }

    /// Who writes, if it says so.
    pub fn manager(&self) -> Option<String> {
        self.parameter("fieldManager")
    }

    /// The value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(manager) = self.manager() {
            write!(f, " by {manager}")?;
        }
        match self.status {
            Some(status) => write!(f, " -> {status}"),
            None => f.write_str(" -> no answer yet"),
        }
    }
}

/// The log. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<Log>>);

/// By number, because an answer may come after its request was taken out.
#[derive(Debug, Default)]
struct Log {
    sent: u64,
    requests: BTreeMap<u64, Request>,
}

impl Requests {
    /// A client like `client` whose every request is logged here.
    pub fn watch(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let log = self.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (client, log) = (client.clone(), log.clone());
            async move {
                let entry = log.sent(&request);
                let answer = client.send(request).await?;
                log.answered(entry, answer.status().as_u16());
                Ok::<_, kube::Error>(answer)
            }
        });
        Client::new(service, namespace)
    }

    /// Everything that was sent and not yet taken, oldest first.
    pub fn all(&self) -> Vec<Request> {
        self.log().requests.values().cloned().collect()
    }

    /// As [`Self::all`], and forgets it.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.log().requests).into_values().collect()
    }

    /// As [`Self::take`], but answers only what asked for a change of something other than the
    /// daemon's Lease.
    pub fn take_writes(&self) -> Vec<Request> {
        self.take().into_iter().filter(|r| r.is_write() && !r.is_lease()).collect()
    }

    /// Waits until every request was answered but the watches: a watch may tell of a write before
    /// its answer is here.
    pub async fn all_answered(&self) {
        for _ in 0..500 {
            let open = |r: &Request| r.status.is_none() && r.is_write();
            if !self.log().requests.values().any(open) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn sent(&self, request: &http::Request<kube::client::Body>) -> u64 {
        let mut log = self.log();
        log.sent += 1;
        let number = log.sent;
        let request = Request {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            status: None,
        };
        log.requests.insert(number, request);
        number
    }

    fn answered(&self, number: u64, status: u16) {
        if let Some(request) = self.log().requests.get_mut(&number) {
            request.status = Some(status);
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nobody panics with the log in hand")
    }
}
