//! A client on a bad day: its requests wait, are refused or get lost, and its watches are cut.
//!
//! It stands between the daemon and any API server, where a proxy on a bad network would.

use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::sync::watch;
use tower::BoxError;

/// What goes wrong, for every client that goes through it.
pub struct BadDay {
    chance: Mutex<fastrand::Rng>,
    /// Whether requests meet faults by chance.
    rough: AtomicBool,
    /// Whether nobody answers.
    down: AtomicBool,
    /// What everything is answered meanwhile; 0 = the connection is refused.
    says: AtomicU16,
    /// Whether the Lease is refused.
    no_lease: AtomicBool,
    /// So many answers are lost from now on.
    lose: AtomicU32,
    /// Counts up to cut everything that is being read.
    cuts: watch::Sender<u64>,
    /// How many requests met something.
    met: AtomicU32,
}

/// In the place of a code: no answer at all.
const NEVER: u16 = u16::MAX;

/// What a request meets.
enum Meets {
    Nothing,
    Refused,
    Answer(u16),
    LostAnswer,
    Silence,
}

impl BadDay {
    /// The same requests in the same order meet the same, for the same seed.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
            rough: AtomicBool::new(true),
            down: AtomicBool::new(false),
            says: AtomicU16::new(0),
            no_lease: AtomicBool::new(false),
            lose: AtomicU32::new(0),
            cuts: watch::Sender::new(0),
            met: AtomicU32::new(0),
        })
    }

    /// A client like `client` that has such a day.
    pub fn before(self: &Arc<Self>, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let day = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let (day, client) = (Arc::clone(&day), client.clone());
            async move { day.send(client, request).await }
        });
        Client::new(service, namespace)
    }

    /// Nobody answers from now on, or somebody does again. What is being read breaks off.
    pub fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
        if down {
            self.cuts.send_modify(|cuts| *cuts += 1);
        }
    }

    /// Everything is answered so from now on. What is being read breaks off.
    pub fn says(&self, code: u16) {
        self.says.store(code, Ordering::SeqCst);
        self.down(true);
    }

    /// Everything is let in from now on, and nothing is answered. What is being read breaks off.
    pub fn hangs(&self) {
        self.says(NEVER);
    }

    /// The Lease is refused from now on, or no more.
    pub fn no_lease(&self, refused: bool) {
        self.no_lease.store(refused, Ordering::SeqCst);
    }

    /// The next so many requests are carried out, and nobody hears of it.
    pub fn lose(&self, answers: u32) {
        self.lose.store(answers, Ordering::SeqCst);
    }

    /// Everything is well from now on.
    pub fn over(&self) {
        self.rough.store(false, Ordering::SeqCst);
        self.no_lease(false);
        self.lose(0);
        self.says.store(0, Ordering::SeqCst);
        self.down(false);
    }

    /// How many requests met something other than time.
    pub fn met(&self) -> u32 {
        self.met.load(Ordering::SeqCst)
    }

    fn draw(&self, below: u32) -> u32 {
        self.chance.lock().expect("nobody panics with chance in hand").u32(0..below)
    }

    fn meets(&self, request: &Request<Body>) -> Meets {
        if self.down.load(Ordering::SeqCst) {
            return match self.says.load(Ordering::SeqCst) {
                0 => Meets::Refused,
                NEVER => Meets::Silence,
                code => Meets::Answer(code),
            };
        }
        if self.no_lease.load(Ordering::SeqCst) && request.uri().path().contains("/leases/") {
            return Meets::Answer(503);
        }
        let lose = |left: u32| left.checked_sub(1);
        if self.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok() {
            return Meets::LostAnswer;
        }
        if !self.rough.load(Ordering::SeqCst) {
            return Meets::Nothing;
        }
        match self.draw(100) {
            0 => Meets::Answer(429),
            1..=3 => Meets::Answer(500),
            4..=5 => Meets::Refused,
            6..=7 => Meets::LostAnswer,
            _ => Meets::Nothing,
        }
    }

    async fn send(
        &self,
        client: Client,
        request: Request<Body>,
    ) -> Result<
        Response<impl http_body::Body<Data = bytes::Bytes, Error = BoxError> + use<>>,
        BoxError,
    > {
        let rough = self.rough.load(Ordering::SeqCst);
        if rough {
            tokio::time::sleep(Duration::from_millis(self.draw(15).into())).await;
        }
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let meets = self.meets(&request);
        if !matches!(meets, Meets::Nothing) {
            self.met.fetch_add(1, Ordering::SeqCst);
        }
        let answer = match meets {
            Meets::Refused => return Err(Error::from(ErrorKind::ConnectionRefused).into()),
            Meets::Answer(code) => refusal(code),
            // Until whoever asked gives up, or the day is over.
            Meets::Silence => {
                let mut cuts = self.cuts.subscribe();
                while cuts.changed().await.is_ok() {}
                return Err(Error::from(ErrorKind::ConnectionReset).into());
            }
            Meets::LostAnswer => {
                client.send(request).await?;
                return Err(Error::from(ErrorKind::ConnectionReset).into());
            }
            Meets::Nothing => client.send(request).await?,
        };
        // A watch breaks off when everything does, and some do by themselves.
        let mut cuts = self.cuts.subscribe();
        let alone = (rough && is_watch && self.draw(4) == 0)
            .then(|| Duration::from_millis(u64::from(self.draw(400)) + 20));
        let cut = async move {
            let all = cuts.changed();
            match alone {
                Some(after) => drop(tokio::time::timeout(after, all).await),
                None if all.await.is_err() => std::future::pending().await,
                None => {}
            }
        };
        let (head, body) = answer.into_parts();
        let frames = body.into_data_stream().map(|data| data.map_err(BoxError::from));
        let broken = futures::stream::once(async {
            Err(BoxError::from(Error::from(ErrorKind::ConnectionReset)))
        });
        let whole = Arc::new(AtomicBool::new(false));
        let (ended, is_whole) = (Arc::clone(&whole), whole);
        let told = frames.chain(futures::stream::poll_fn(move |_| {
            ended.store(true, Ordering::SeqCst);
            std::task::Poll::Ready(None)
        }));
        let told = told.take_until(Box::pin(cut));
        let broken = broken.filter(move |_| std::future::ready(!is_whole.load(Ordering::SeqCst)));
        let body = StreamBody::new(told.chain(broken).map(|data| data.map(Frame::data)));
        Ok(Response::from_parts(head, body))
    }
}

/// An answer that no server of ours gave.
fn refusal(code: u16) -> Response<Body> {
    let reason = match code {
        401 => "Unauthorized",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": "a bad day",
    });
    let body = Body::from(serde_json::to_vec(&status).expect("JSON is text"));
    let mut answer = Response::builder().status(code);
    if code == 429 {
        answer = answer.header("Retry-After", "1");
    }
    answer.body(body).expect("a status and a header make an answer")
}
