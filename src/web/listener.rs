//! A listener that no visitor can exhaust.
//!
//! `axum::serve` sets no time limit for a request's head, so a few hundred connections that
//! send a byte a minute would shut everyone else out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// A [`TcpListener`] with at most [`Limited::CONNECTIONS`] open connections, each closed when
/// nothing moved for [`Limited::IDLE`], and after [`Limited::LIFETIME`] at the latest. Browsers
/// open the next one by themselves.
pub struct Limited {
    inner: TcpListener,
    seats: Arc<Semaphore>,
    idle: Duration,
    lifetime: Duration,
}

impl Limited {
    /// Connections at a time; the next ones wait in the kernel's queue.
    pub const CONNECTIONS: usize = 512;
    /// How long a connection may be silent.
    pub const IDLE: Duration = Duration::from_secs(20);
    /// How long a connection may live, however busy.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    pub fn new(inner: TcpListener) -> Self {
        Self::with(inner, Self::CONNECTIONS, Self::IDLE, Self::LIFETIME)
    }

    fn with(inner: TcpListener, seats: usize, idle: Duration, lifetime: Duration) -> Self {
        Self { inner, seats: Arc::new(Semaphore::new(seats)), idle, lifetime }
    }
}

impl Listener for Limited {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed; without a permit we would only count wrongly.
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        // The TcpListener's own accept logs and waits when descriptors run out.
        let (stream, address) = Listener::accept(&mut self.inner).await;
        let timed = Timed {
            stream,
            idle: self.idle,
            silence: Box::pin(sleep(self.idle)),
            end: Box::pin(sleep(self.lifetime)),
            _seat: seat,
        };
        (timed, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection whose time is bounded.
pub struct Timed {
    stream: TcpStream,
    idle: Duration,
    silence: Pin<Box<Sleep>>,
    end: Pin<Box<Sleep>>,
    _seat: Option<OwnedSemaphorePermit>,
}

impl Timed {
    /// Something moved: the silence begins anew. Nothing moved: is the time over?
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        moved: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.silence.as_mut().reset(Instant::now() + self.idle);
            return moved;
        }
        if self.silence.as_mut().poll(cx).is_ready() || self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.judge(cx, moved)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, moved)
    }

    /// Without these two every answer is copied into a buffer of the connection, which stays.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(cx, moved)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    async fn served(seats: usize, idle: Duration, lifetime: Duration) -> SocketAddr {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let limited = Limited::with(inner, seats, idle, lifetime);
        let app = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
        tokio::spawn(async move { axum::serve(limited, app).await });
        address
    }

    async fn closed(stream: &mut TcpStream) -> bool {
        let mut all = Vec::new();
        timeout(LONG, stream.read_to_end(&mut all)).await.is_ok()
    }

    #[tokio::test]
    async fn a_visitor_who_says_nothing_is_let_go() {
        let address = served(2, Duration::from_millis(50), LONG).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"GET / HT").await.unwrap();
        assert!(closed(&mut silent).await);
    }

    #[tokio::test]
    async fn a_visitor_who_dribbles_is_let_go_in_the_end() {
        let address = served(2, LONG, Duration::from_millis(120)).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        let dribble = async {
            while slow.write_all(b"G").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(LONG, dribble).await.is_ok());
    }

    #[tokio::test]
    async fn the_next_visitor_waits_for_a_seat_and_gets_it() {
        let address = served(1, Duration::from_millis(80), LONG).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        timeout(LONG, second.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
        assert!(closed(&mut first).await);
    }
}
