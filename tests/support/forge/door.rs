//! How requests come in and answers go out, and what goes wrong between.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use vitrine_core::config::ForgeKind;

use super::Shared;
use super::call::{Answer, Call};
use super::store::Delivery;
use super::{gitea, github, gitlab, schema};

/// How long GitLab works on a status: so long another one of the same commit is refused.
const GITLAB_WORKS: Duration = Duration::from_millis(5);

/// What a request meets instead of what it asked for.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This code, headers and body, and nothing is stored.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The row is stored, and nobody hears of it: no answer at all.
    StoreThenHang,
    /// The row is stored, and the connection breaks.
    StoreThenBreak,
    /// No answer at all, and nothing is stored.
    Hang,
    /// 301 to the same thing under another name, `aim/other`. Nothing is stored.
    Redirect(String),
    /// What was asked for, but only after so long.
    Slow(Duration),
}

impl Fault {
    /// GitHub's limit on what makes work, which stands in no header before it is reached.
    pub fn secondary_limit(seconds: u64) -> Self {
        let message = json!({
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before \
                        you try again.",
            "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
        });
        Self::Status(403, vec![("retry-after", seconds.to_string())], message.to_string())
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With the base, as it came: `%2F` is still that.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: String,
    /// What was answered; `None` when the answer was kept back.
    pub code: Option<u16>,
    pub at: Instant,
    /// How many were being answered when it came, itself included.
    pub in_flight: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body; `null` when it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whether it wants to write a status.
    pub fn is_write(&self) -> bool {
        self.method == "POST" && self.path.contains("/statuses/")
    }
}

/// What a webhook's other end answers to a ping: its code and words.
pub type OnPing = Arc<dyn Fn(u64) -> (u16, String) + Send + Sync>;

/// What came, and what comes next.
#[derive(Default)]
pub struct Traffic {
    pub requests: Vec<Request>,
    pub in_flight: usize,
    pub down: bool,
    /// When a connection was dropped at once.
    pub knocks: Vec<Instant>,
    pub unavailable: bool,
    /// Each says whether it waits for a write.
    pub coming: VecDeque<(bool, Fault)>,
    /// The commits that GitLab works on.
    pub locked: BTreeSet<String>,
    pub on_ping: Option<OnPing>,
}

impl Traffic {
    fn take(&mut self, write: bool) -> Option<Fault> {
        let stores = |fault: &Fault| matches!(fault, Fault::StoreThenHang | Fault::StoreThenBreak);
        let place = self.coming.iter().position(|(only, it)| write || !(*only || stores(it)))?;
        self.coming.remove(place).map(|(_, fault)| fault)
    }
}

/// Serves from now on, until the runtime ends.
pub async fn open(shared: Arc<Shared>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let door = Door { listener, shared: Arc::clone(&shared) };
    let origin = format!("http://{address}");
    let app = axum::Router::new().fallback(
        move |ConnectInfo(cut): ConnectInfo<Cut>, request: http::Request<Body>| {
            let (shared, origin) = (Arc::clone(&shared), origin.clone());
            async move { serve(&shared, &cut, origin, request).await }
        },
    );
    let app = app.into_make_service_with_connect_info::<Cut>();
    tokio::spawn(async move { axum::serve(door, app).await });
    address
}

/// Counts one request as answered when it is dropped, also because whoever asked went away.
struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.traffic().in_flight -= 1;
    }
}

/// GitLab works on one status of a commit at a time.
struct Lock(Arc<Shared>, String);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.traffic().locked.remove(&self.1);
    }
}

async fn serve(
    shared: &Arc<Shared>,
    cut: &Cut,
    origin: String,
    request: http::Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return broken(cut) };
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let came = Request {
        method: head.method.to_string(),
        path: path.clone(),
        query: query.clone(),
        headers: head.headers.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
        code: None,
        at: Instant::now(),
        in_flight: 0,
    };
    let write = came.is_write();
    let (place, fault, down, unavailable) = {
        let mut traffic = shared.traffic();
        traffic.in_flight += 1;
        let place = traffic.requests.len();
        let in_flight = traffic.in_flight;
        traffic.requests.push(Request { in_flight, ..came });
        let fault = if traffic.down { None } else { traffic.take(write) };
        (place, fault, traffic.down, traffic.unavailable)
    };
    let _in_flight = InFlight(Arc::clone(shared));
    let say = |answer: Answer| {
        shared.traffic().requests[place].code = Some(answer.code);
        send(answer)
    };
    if down {
        return broken(cut);
    }
    if unavailable {
        return say(Answer::empty(503));
    }
    let (base, kind) = {
        let store = shared.store();
        (store.base(), store.kind)
    };
    let Some(rest) = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) else {
        return say(Answer::json(404, &json!({"message": "Not Found"})));
    };
    let call = Call {
        method: head.method.to_string(),
        segments: rest.split('/').map(decoded).collect(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: head.headers,
        path,
        origin,
        body: body.to_vec(),
    };
    schema::judge(&mut shared.store(), &call);

    let mut lock = None;
    if kind == ForgeKind::GitLab && write {
        // By what the path says, as the real one does it.
        let sha = call.segments.last().cloned().unwrap_or_default();
        if !shared.traffic().locked.insert(sha.clone()) {
            return say(gitlab::locked());
        }
        lock = Some(Lock(Arc::clone(shared), sha));
        tokio::time::sleep(GITLAB_WORKS).await;
    }
    let (hang, cut_off) = match fault {
        Some(Fault::Status(code, headers, body)) => {
            let plain = headers.iter().all(|(name, _)| *name != "content-type");
            let kind = plain.then(|| ("content-type", "application/json".to_owned()));
            let answer = Answer { body, ..Answer::empty(code) };
            return say(answer.with(headers).with(kind));
        }
        Some(Fault::Redirect(new)) => return say(redirected(shared, &call, &new)),
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            (false, false)
        }
        Some(Fault::StoreThenHang) => (true, false),
        Some(Fault::StoreThenBreak) => (false, true),
        None => (false, false),
    };
    let answer = {
        let mut store = shared.store();
        match kind {
            ForgeKind::GitHub => github::answer(&mut store, &call),
            ForgeKind::GitLab => gitlab::answer(&mut store, &call),
            ForgeKind::Gitea | ForgeKind::Forgejo => gitea::answer(&mut store, &call),
        }
    };
    drop(lock);
    if hang {
        return std::future::pending().await;
    }
    if cut_off {
        return broken(cut);
    }
    let call = shared.traffic().on_ping.clone();
    if let (Some(hook), Some(call)) = (answer.pinged, call) {
        let shared = Arc::clone(shared);
        let made = tokio::task::spawn_blocking(move || {
            let (code, words) = call(hook);
            let delivery = Delivery { hook, code, words: words.clone() };
            shared.store().deliveries.push(delivery);
            (code, words)
        });
        // It alone waits for the answer.
        if kind == ForgeKind::GitLab {
            let (code, words) = made.await.unwrap_or_default();
            if !(200..300).contains(&code) {
                return say(gitlab::undelivered(code, &words));
            }
        }
    }
    say(answer)
}

fn redirected(shared: &Shared, call: &Call, new: &str) -> Answer {
    let store = shared.store();
    let new = match store.kind {
        ForgeKind::GitLab => {
            call.path.replace(&store.repository.replace('/', "%2F"), &new.replace('/', "%2F"))
        }
        ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => {
            call.path.replace(&store.repository, new)
        }
    };
    let to = format!("{}{new}", call.origin);
    Answer::json(301, &json!({"message": "Moved Permanently", "url": to}))
        .with([("location", to.clone())])
}

/// One segment of a path; `+` is itself in it.
fn decoded(segment: &str) -> String {
    let pair = format!("it={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn send(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.code);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("a code and headers make an answer")
}

/// Nothing of this arrives.
fn broken(cut: &Cut) -> Response {
    cut.0.store(true, Ordering::SeqCst);
    Response::new(Body::empty())
}

/// Lets connections in, or drops them at once.
struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = Cut;

    async fn accept(&mut self) -> (Line, Cut) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else { continue };
            let mut traffic = self.shared.traffic();
            if traffic.down {
                traffic.knocks.push(Instant::now());
                continue;
            }
            let cut = Cut::default();
            return (Line { stream, cut: cut.clone() }, cut);
        }
    }

    fn local_addr(&self) -> Result<Cut> {
        Ok(Cut::default())
    }
}

/// Whether nothing goes out on a connection any more.
#[derive(Clone, Debug, Default)]
struct Cut(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A connection that can break.
struct Line {
    stream: TcpStream,
    cut: Cut,
}

impl Line {
    fn whole(&self) -> Result<()> {
        match self.cut.0.load(Ordering::SeqCst) {
            true => Err(Error::from(ErrorKind::ConnectionReset)),
            false => Ok(()),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
