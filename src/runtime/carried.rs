//! Our end of the carrier: opens connections in its network, and asks who listens there.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::stream::Stream;
use vitrine_carrier::{Frame, HEAD, Head, Listener, PIECE, SILENCE, WINDOW};

/// How long the carrier may take to connect, and to say who listens. It gives up before.
const PATIENCE: Duration = Duration::from_secs(10);
/// Frames that wait to be sent.
const WAITING: usize = 64;

/// The carrier, while it runs.
#[derive(Clone)]
pub struct Carried {
    frames: mpsc::Sender<Frame>,
    shared: Arc<Mutex<Shared>>,
    next: Arc<AtomicU32>,
    over: CancellationToken,
}

#[derive(Default)]
struct Shared {
    connections: HashMap<u32, Connection>,
    /// Who waits for the next answer to who listens.
    lookers: Vec<oneshot::Sender<Vec<Listener>>>,
    over: bool,
}

/// What came for a connection goes here.
struct Connection {
    came: mpsc::UnboundedSender<Came>,
    credit: Arc<Semaphore>,
}

enum Came {
    Opened,
    Failed(String),
    Bytes(Vec<u8>),
    End,
}

impl Carried {
    /// Speaks with a carrier on its two pipes.
    pub fn new<I, O>(to: I, from: O) -> Self
    where
        I: AsyncWrite + Unpin + Send + 'static,
        O: AsyncRead + Unpin + Send + 'static,
    {
        let (frames, waiting) = mpsc::channel(WAITING);
        let carried = Self {
            frames,
            shared: Arc::default(),
            next: Arc::default(),
            over: CancellationToken::new(),
        };
        tokio::spawn(speak(waiting, to, carried.over.clone()));
        tokio::spawn(listen(from, Arc::clone(&carried.shared), carried.over.clone()));
        carried
    }

    /// Ends when the carrier has.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Connects to a port of the shared network.
    ///
    /// # Errors
    /// Nobody listens, or the carrier has ended.
    pub async fn open(&self, host: Ipv4Addr, port: u16) -> io::Result<Stream> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (came, mut coming) = mpsc::unbounded_channel();
        let credit = Arc::new(Semaphore::new(WINDOW as usize));
        let connection = Connection { came, credit: Arc::clone(&credit) };
        {
            let mut shared = locked(&self.shared);
            if shared.over {
                return Err(ended());
            }
            shared.connections.insert(id, connection);
        }
        // Forgets it and says so, also when whoever waits here is dropped.
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        tokio::spawn(forget(id, gone.clone(), Arc::clone(&self.shared), self.frames.clone()));
        let frames = self.frames.clone();
        frames.send(Frame::Open { id, host, port }).await.map_err(|_| ended())?;
        match timeout(PATIENCE, coming.recv()).await {
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(Some(Came::Opened)) => {}
            Ok(Some(Came::Failed(why))) => return Err(io::Error::other(why)),
            Ok(_) => return Err(ended()),
        }
        let (near, far) = tokio::io::duplex(2 * PIECE);
        let (read, write) = tokio::io::split(far);
        tokio::spawn(until(gone.clone(), outward(id, read, credit, frames.clone())));
        tokio::spawn(until(gone, inward(id, write, coming, frames)));
        Ok(Stream { near, _gone: guard })
    }

    /// Who listens in the shared network; nobody, if that cannot be told.
    pub async fn look(&self) -> Vec<Listener> {
        let (answer, answered) = oneshot::channel();
        {
            let mut shared = locked(&self.shared);
            if shared.over {
                return Vec::new();
            }
            shared.lookers.push(answer);
        }
        if self.frames.send(Frame::Look).await.is_err() {
            return Vec::new();
        }
        let listeners = timeout(PATIENCE, answered).await;
        listeners.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Whether the carrier answers; it is given the time to start.
    pub async fn answers(&self, patience: Duration) -> bool {
        let (answer, answered) = oneshot::channel();
        locked(&self.shared).lookers.push(answer);
        let asked = async { self.frames.send(Frame::Look).await.is_ok() && answered.await.is_ok() };
        tokio::select! {
            asked = timeout(patience, asked) => asked.unwrap_or(false),
            () = self.over.cancelled() => false,
        }
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the carrier has ended")
}

async fn until(gone: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! { () = work => {}, () = gone.cancelled() => {} }
}

async fn forget(
    id: u32,
    gone: CancellationToken,
    shared: Arc<Mutex<Shared>>,
    frames: mpsc::Sender<Frame>,
) {
    gone.cancelled().await;
    locked(&shared).connections.remove(&id);
    // A carrier that has ended needs no word.
    let _ = frames.send(Frame::Gone { id }).await;
}

/// Sends frames, and a sign of life where there are none.
async fn speak(
    mut waiting: mpsc::Receiver<Frame>,
    mut to: impl AsyncWrite + Unpin,
    over: CancellationToken,
) {
    loop {
        let frame = tokio::select! {
            frame = waiting.recv() => frame,
            () = tokio::time::sleep(SILENCE / 6) => Some(Frame::Here),
            () = over.cancelled() => None,
        };
        let Some(frame) = frame else { return };
        let sent = async {
            to.write_all(&frame.bytes()).await?;
            to.flush().await
        };
        if sent.await.is_err() {
            return;
        }
    }
}

/// Hears frames until the carrier ends, and passes on what they say.
async fn listen(
    mut from: impl AsyncRead + Unpin,
    shared: Arc<Mutex<Shared>>,
    over: CancellationToken,
) {
    while let Ok(frame) = heard(&mut from).await {
        let mut shared = locked(&shared);
        let pass = |shared: &Shared, id: u32, came: Came| {
            // Who left does not want it.
            shared.connections.get(&id).map(|one| one.came.send(came));
        };
        match frame {
            Frame::Opened { id } => pass(&shared, id, Came::Opened),
            Frame::Failed { id, why } => pass(&shared, id, Came::Failed(why)),
            Frame::Data { id, bytes } => pass(&shared, id, Came::Bytes(bytes)),
            Frame::End { id } => pass(&shared, id, Came::End),
            Frame::More { id, bytes } => {
                if let Some(connection) = shared.connections.get(&id) {
                    let room = Semaphore::MAX_PERMITS - connection.credit.available_permits();
                    connection.credit.add_permits((bytes as usize).min(room));
                }
            }
            Frame::Listening(listeners) => {
                for looker in shared.lookers.drain(..) {
                    // Who left does not want it.
                    let _ = looker.send(listeners.clone());
                }
            }
            Frame::Open { .. } | Frame::Gone { .. } | Frame::Look | Frame::Here => {}
        }
    }
    let mut shared = locked(&shared);
    shared.over = true;
    shared.connections.clear();
    shared.lookers.clear();
    over.cancel();
}

async fn heard(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let mut head = [0; HEAD];
    from.read_exact(&mut head).await?;
    let head = Head::read(head)?;
    let mut rest = vec![0; head.length()];
    from.read_exact(&mut rest).await?;
    Frame::of(head, rest)
}

async fn outward(
    id: u32,
    mut read: impl AsyncRead + Unpin,
    credit: Arc<Semaphore>,
    frames: mpsc::Sender<Frame>,
) {
    let mut buffer = vec![0; PIECE];
    loop {
        let came = read.read(&mut buffer).await.unwrap_or(0);
        if came == 0 {
            let _ = frames.send(Frame::End { id }).await;
            return;
        }
        let Ok(taken) = credit.acquire_many(u32::try_from(came).unwrap_or(u32::MAX)).await else {
            return;
        };
        taken.forget();
        let bytes = buffer.get(..came).unwrap_or_default().to_vec();
        if frames.send(Frame::Data { id, bytes }).await.is_err() {
            return;
        }
    }
}

async fn inward(
    id: u32,
    mut write: impl AsyncWrite + Unpin,
    mut coming: mpsc::UnboundedReceiver<Came>,
    frames: mpsc::Sender<Frame>,
) {
    while let Some(came) = coming.recv().await {
        let Came::Bytes(bytes) = came else { break };
        let taken = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if write.write_all(&bytes).await.is_err()
            || frames.send(Frame::More { id, bytes: taken }).await.is_err()
        {
            return;
        }
    }
    let _ = write.shutdown().await;
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A carrier beside us, on two pipes.
    fn carried() -> Carried {
        let (input, to) = io::pipe().unwrap();
        let (from, output) = io::pipe().unwrap();
        std::thread::spawn(move || vitrine_carrier::carry(input, output));
        let to = tokio::fs::File::from_std(std::fs::File::from(std::os::fd::OwnedFd::from(to)));
        let from = tokio::fs::File::from_std(std::fs::File::from(std::os::fd::OwnedFd::from(from)));
        Carried::new(to, from)
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn megabytes_go_both_ways_unchanged() {
        let carried = carried();
        let (listener, port) = listener().await;
        let echo = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = peer.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap()
        });
        let stream = carried.open(Ipv4Addr::LOCALHOST, port).await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 4]).collect();
        let all = sent.clone();
        tokio::spawn(async move {
            write.write_all(&all).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let mut came = Vec::new();
        read.read_to_end(&mut came).await.unwrap();
        assert!(came == sent, "{} of {} bytes", came.len(), sent.len());
        assert_eq!(echo.await.unwrap(), 3_000_000);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_connection_that_nobody_reads_holds_up_no_other_and_ends_when_it_is_dropped() {
        let carried = carried();
        let (listener, port) = listener().await;
        let stuck = carried.open(Ipv4Addr::LOCALHOST, port).await.unwrap();
        let (mut endless, _) = listener.accept().await.unwrap();
        let flood =
            tokio::spawn(async move { while endless.write_all(&[1; 65_536]).await.is_ok() {} });
        let mut other = carried.open(Ipv4Addr::LOCALHOST, port).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"x").await.unwrap();
        let mut came = [0];
        timeout(PATIENCE, other.read_exact(&mut came)).await.unwrap().unwrap();
        assert!(!flood.is_finished());
        drop(stuck);
        timeout(PATIENCE, flood).await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn where_nobody_listens_is_an_error_and_who_listens_is_told() {
        let carried = carried();
        let (listener, port) = listener().await;
        assert!(carried.answers(PATIENCE).await);
        assert!(carried.look().await.iter().any(|one| one.port == port));
        drop(listener);
        assert!(carried.open(Ipv4Addr::LOCALHOST, port).await.is_err());
    }
}
