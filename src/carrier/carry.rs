//! Opens connections as it is told, and passes on what goes through them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::credit::Credit;
use crate::frame::{Frame, PIECE};
use crate::listening::listening;

/// How long nobody need say anything before it ends: whoever started it was killed, and its pipe
/// hangs somewhere.
pub const SILENCE: Duration = Duration::from_secs(60);
/// How long a connection may take to be made, inside one machine.
const CONNECT: Duration = Duration::from_secs(5);

/// Carries until its input ends.
///
/// # Errors
/// Its input broke, or is no frames.
pub fn carry(mut from: impl Read, to: impl Write + Send + 'static) -> io::Result<()> {
    let out: Out = Arc::new(Mutex::new(Box::new(to)));
    let heard = Arc::new(Mutex::new(Instant::now()));
    end_in_silence(&heard)?;
    let mut connections: HashMap<u32, Connection> = HashMap::new();
    while let Some(frame) = Frame::next(&mut from)? {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        match frame {
            Frame::Open { id, host, port } => match Connection::open(id, host, port, &out) {
                Ok(connection) => _ = connections.insert(id, connection),
                Err(error) => say(&out, &Frame::Failed { id, why: error.to_string() }),
            },
            Frame::Data { id, bytes } => {
                connections.get(&id).inspect(|one| one.write(Order::Bytes(bytes)));
            }
            Frame::End { id } => _ = connections.get(&id).inspect(|one| one.write(Order::End)),
            Frame::More { id, bytes } => {
                connections.get(&id).inspect(|one| one.credit.give(bytes as usize));
            }
            Frame::Gone { id } => _ = connections.remove(&id).inspect(Connection::close),
            Frame::Look => say(&out, &Frame::Listening(listening())),
            Frame::Here | Frame::Opened { .. } | Frame::Failed { .. } | Frame::Listening(_) => {}
        }
    }
    Ok(())
}

/// Where frames go out, each whole.
type Out = Arc<Mutex<Box<dyn Write + Send>>>;

/// Whoever does not hear it any more has closed the input, too.
fn say(out: &Out, frame: &Frame) {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = out.write_all(&frame.bytes()).and_then(|()| out.flush());
}

fn end_in_silence(heard: &Arc<Mutex<Instant>>) -> io::Result<()> {
    let heard = Arc::clone(heard);
    let watch = move || {
        loop {
            thread::sleep(SILENCE / 4);
            if heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > SILENCE {
                std::process::exit(1);
            }
        }
    };
    thread::Builder::new().spawn(watch).map(|_| ())
}

enum Order {
    Bytes(Vec<u8>),
    End,
}

/// A connection, also before it stands.
struct Connection {
    orders: Sender<Order>,
    credit: Arc<Credit>,
    socket: Arc<Mutex<Socket>>,
}

#[derive(Default)]
struct Socket {
    stream: Option<TcpStream>,
    /// Nobody wants it any more.
    gone: bool,
}

impl Connection {
    /// Begins to connect.
    fn open(id: u32, host: Ipv4Addr, port: u16, out: &Out) -> io::Result<Self> {
        let (orders, received) = channel();
        let (credit, socket) = (Arc::new(Credit::new()), Arc::new(Mutex::new(Socket::default())));
        let connection = Self { orders, credit: Arc::clone(&credit), socket: Arc::clone(&socket) };
        let out = Arc::clone(out);
        let work = move || {
            let connected = TcpStream::connect_timeout(&SocketAddr::from((host, port)), CONNECT)
                .and_then(|stream| begin(id, stream, &socket, credit, &out));
            match connected {
                Ok(stream) => write(id, &stream, &received, &out),
                Err(error) => say(&out, &Frame::Failed { id, why: error.to_string() }),
            }
        };
        thread::Builder::new().spawn(work)?;
        Ok(connection)
    }

    fn write(&self, order: Order) {
        // A connection that failed has said so.
        let _ = self.orders.send(order);
    }

    fn close(&self) {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.gone = true;
        if let Some(stream) = &socket.stream {
            // Lets go who reads or writes.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.credit.end();
    }
}

/// Says that the connection stands, and begins to read what comes from it.
fn begin(
    id: u32,
    stream: TcpStream,
    socket: &Mutex<Socket>,
    credit: Arc<Credit>,
    out: &Out,
) -> io::Result<TcpStream> {
    let (own, reading) = (stream.try_clone()?, stream.try_clone()?);
    // What is asked and answered in small pieces is not held back for more.
    let _ = stream.set_nodelay(true);
    {
        let mut socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.gone {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        socket.stream = Some(own);
    }
    say(out, &Frame::Opened { id });
    let out = Arc::clone(out);
    thread::Builder::new().spawn(move || read(id, reading, &credit, &out))?;
    Ok(stream)
}

fn read(id: u32, mut stream: TcpStream, credit: &Credit, out: &Out) {
    let mut buffer = vec![0; PIECE];
    while let Some(most) = credit.take(PIECE) {
        let came = match stream.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(came) => came,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => {
                say(out, &Frame::Failed { id, why: error.to_string() });
                return;
            }
        };
        credit.give(most - came);
        if came > 0 {
            let bytes = buffer.get(..came).unwrap_or_default().to_vec();
            say(out, &Frame::Data { id, bytes });
        }
    }
    say(out, &Frame::End { id });
}

fn write(id: u32, mut stream: &TcpStream, orders: &Receiver<Order>, out: &Out) {
    for order in orders {
        match order {
            Order::Bytes(bytes) => {
                // Reading tells what broke.
                if stream.write_all(&bytes).is_err() {
                    return;
                }
                let taken = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                say(out, &Frame::More { id, bytes: taken });
            }
            Order::End => _ = stream.shutdown(Shutdown::Write),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::frame::WINDOW;

    /// A carrier on two pipes, as in its container.
    struct Carrier {
        to: Option<io::PipeWriter>,
        from: io::PipeReader,
        thread: thread::JoinHandle<io::Result<()>>,
    }

    impl Carrier {
        fn start() -> Self {
            let (input, to) = io::pipe().unwrap();
            let (from, output) = io::pipe().unwrap();
            let thread = thread::spawn(move || carry(input, output));
            Self { to: Some(to), from, thread }
        }

        fn say(&mut self, frame: &Frame) {
            self.to.as_mut().unwrap().write_all(&frame.bytes()).unwrap();
        }

        fn hear(&mut self) -> Frame {
            Frame::next(&mut self.from).unwrap().unwrap()
        }

        fn open(&mut self, id: u32, port: u16) -> Frame {
            self.say(&Frame::Open { id, host: Ipv4Addr::LOCALHOST, port });
            self.hear()
        }
    }

    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn bytes_go_both_ways_and_each_side_ends_by_itself() {
        let (listener, port) = listener();
        let mut carrier = Carrier::start();
        assert_eq!(carrier.open(1, port), Frame::Opened { id: 1 });
        let (mut peer, _) = listener.accept().unwrap();
        carrier.say(&Frame::Data { id: 1, bytes: b"hello".to_vec() });
        carrier.say(&Frame::End { id: 1 });
        let mut came = String::new();
        peer.read_to_string(&mut came).unwrap();
        assert_eq!(came, "hello");
        assert_eq!(carrier.hear(), Frame::More { id: 1, bytes: 5 });
        peer.write_all(b"and you").unwrap();
        assert_eq!(carrier.hear(), Frame::Data { id: 1, bytes: b"and you".to_vec() });
        drop(peer);
        assert_eq!(carrier.hear(), Frame::End { id: 1 });
        carrier.say(&Frame::Gone { id: 1 });
        drop(carrier.to.take());
        carrier.thread.join().unwrap().unwrap();
    }

    #[test]
    fn a_connection_that_nobody_reads_holds_up_no_other() {
        let (listener, port) = listener();
        let mut carrier = Carrier::start();
        assert_eq!(carrier.open(1, port), Frame::Opened { id: 1 });
        let (mut endless, _) = listener.accept().unwrap();
        let flood = thread::spawn(move || while endless.write_all(&[7; 65_536]).is_ok() {});
        let mut came = 0;
        while came < WINDOW as usize {
            let Frame::Data { id: 1, bytes } = carrier.hear() else { panic!("another frame") };
            came += bytes.len();
        }
        assert_eq!(came, WINDOW as usize);
        // Now it waits; another one is served.
        assert_eq!(carrier.open(2, port), Frame::Opened { id: 2 });
        let (mut other, _) = listener.accept().unwrap();
        other.write_all(b"x").unwrap();
        assert_eq!(carrier.hear(), Frame::Data { id: 2, bytes: b"x".to_vec() });
        carrier.say(&Frame::More { id: 1, bytes: 3 });
        assert_eq!(carrier.hear(), Frame::Data { id: 1, bytes: vec![7; 3] });
        carrier.say(&Frame::Gone { id: 1 });
        flood.join().unwrap();
    }

    #[test]
    fn where_nobody_listens_is_told() {
        let (listener, port) = listener();
        drop(listener);
        let mut carrier = Carrier::start();
        let Frame::Failed { id: 4, why } = carrier.open(4, port) else { panic!("it is open") };
        assert!(why.to_lowercase().contains("refused"), "{why}");
    }

    #[test]
    fn who_listens_is_told_when_asked() {
        let (_listener, port) = listener();
        let mut carrier = Carrier::start();
        carrier.say(&Frame::Here);
        carrier.say(&Frame::Look);
        let Frame::Listening(all) = carrier.hear() else { panic!("another frame") };
        assert!(all.iter().any(|one| one.port == port), "{all:?}");
    }

    #[test]
    fn what_is_no_frame_ends_it() {
        let mut carrier = Carrier::start();
        carrier.to.as_mut().unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(carrier.thread.join().unwrap().is_err());
    }
}
