//! What is said on the one pipe between `vitrine try` and the carrier.
//!
//! A frame is its kind (one byte), a number (four), the length of what follows (four), and that.
//! Numbers are little-endian. The number names a connection, which `vitrine try` chooses.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of a connection that may be under way in one direction, beyond what was taken out at
/// the other end: a connection that nobody reads holds up no other.
pub const WINDOW: u32 = 256 * 1024;
/// The most bytes of a connection in one frame.
pub const PIECE: usize = 32 * 1024;
/// How long the beginning of a frame is.
pub const HEAD: usize = 9;
/// The longest frame that is read, in bytes.
const LONGEST: u32 = 64 * 1024;
/// An address and a port.
const LISTENER: usize = 18;

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// To the carrier: connect.
    Open {
        /// The new connection.
        id: u32,
        /// Where to, in the network that it shares.
        host: Ipv4Addr,
        /// The TCP port.
        port: u16,
    },
    /// From the carrier: the connection stands.
    Opened {
        /// The connection.
        id: u32,
    },
    /// From the carrier: it does not, and why.
    Failed {
        /// The connection.
        id: u32,
        /// In the system's words.
        why: String,
    },
    /// Bytes, at most [`PIECE`].
    Data {
        /// The connection.
        id: u32,
        /// In their order.
        bytes: Vec<u8>,
    },
    /// So many bytes were taken out: as many more may come.
    More {
        /// The connection.
        id: u32,
        /// How many.
        bytes: u32,
    },
    /// No more bytes come from this side.
    End {
        /// The connection.
        id: u32,
    },
    /// To the carrier: nobody wants the connection any more.
    Gone {
        /// The connection.
        id: u32,
    },
    /// To the carrier: who listens?
    Look,
    /// From the carrier: these do.
    Listening(Vec<Listener>),
    /// To the carrier: somebody is still here.
    Here,
}

/// Where somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// `0.0.0.0` or `::` for every address.
    pub host: IpAddr,
    /// The TCP port.
    pub port: u16,
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    kind: u8,
    number: u32,
    length: u32,
}

impl Head {
    /// Takes it apart.
    ///
    /// # Errors
    /// A length that no frame has: what is read is no frame.
    pub fn read(bytes: [u8; HEAD]) -> io::Result<Self> {
        let [kind, a, b, c, d, e, f, g, h] = bytes;
        let length = u32::from_le_bytes([e, f, g, h]);
        if length > LONGEST {
            return Err(garbled());
        }
        Ok(Self { kind, number: u32::from_le_bytes([a, b, c, d]), length })
    }

    /// How many bytes follow.
    pub fn length(&self) -> usize {
        self.length as usize
    }
}

impl Frame {
    /// A frame of its beginning and what followed.
    ///
    /// # Errors
    /// There is no such frame.
    pub fn of(head: Head, rest: Vec<u8>) -> io::Result<Self> {
        let id = head.number;
        Ok(match (head.kind, rest.as_slice()) {
            (0, &[a, b, c, d, low, high]) => {
                let port = u16::from_le_bytes([low, high]);
                Self::Open { id, host: Ipv4Addr::new(a, b, c, d), port }
            }
            (1, []) => Self::Opened { id },
            (2, why) => Self::Failed { id, why: String::from_utf8_lossy(why).into_owned() },
            (3, _) => Self::Data { id, bytes: rest },
            (4, &[a, b, c, d]) => Self::More { id, bytes: u32::from_le_bytes([a, b, c, d]) },
            (5, []) => Self::End { id },
            (6, []) => Self::Gone { id },
            (7, []) => Self::Look,
            (8, rest) => {
                Self::Listening(rest.chunks_exact(LISTENER).filter_map(listener).collect())
            }
            (9, []) => Self::Here,
            _ => return Err(garbled()),
        })
    }

    /// The bytes of a frame.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, number, rest): (u8, u32, Vec<u8>) = match self {
            Self::Open { id, host, port } => {
                (0, *id, [&host.octets()[..], &port.to_le_bytes()].concat())
            }
            Self::Opened { id } => (1, *id, Vec::new()),
            Self::Failed { id, why } => (2, *id, why.bytes().take(PIECE).collect()),
            Self::Data { id, bytes } => (3, *id, bytes.clone()),
            Self::More { id, bytes } => (4, *id, bytes.to_le_bytes().to_vec()),
            Self::End { id } => (5, *id, Vec::new()),
            Self::Gone { id } => (6, *id, Vec::new()),
            Self::Look => (7, 0, Vec::new()),
            Self::Listening(all) => {
                let most = LONGEST as usize / LISTENER;
                (8, 0, all.iter().take(most).flat_map(|one| written(*one)).collect())
            }
            Self::Here => (9, 0, Vec::new()),
        };
        let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEAD + rest.len());
        bytes.push(kind);
        bytes.extend(number.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(rest);
        bytes
    }

    /// The next frame; nothing at the end.
    ///
    /// # Errors
    /// The pipe broke, also within a frame, or carries something else.
    pub fn next(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; HEAD];
        // Only between frames is an end an end.
        loop {
            match from.read(&mut head[..1]) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        from.read_exact(&mut head[1..])?;
        let head = Head::read(head)?;
        let mut rest = vec![0; head.length()];
        from.read_exact(&mut rest)?;
        Self::of(head, rest).map(Some)
    }
}

fn written(listener: Listener) -> [u8; LISTENER] {
    let host = match listener.host {
        IpAddr::V4(host) => host.to_ipv6_mapped(),
        IpAddr::V6(host) => host,
    };
    let mut bytes = [0; LISTENER];
    bytes[..16].copy_from_slice(&host.octets());
    bytes[16..].copy_from_slice(&listener.port.to_le_bytes());
    bytes
}

fn listener(bytes: &[u8]) -> Option<Listener> {
    let host = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(..16)?).ok()?);
    let port = u16::from_le_bytes(bytes.get(16..)?.try_into().ok()?);
    let host = host.to_ipv4_mapped().map_or(IpAddr::V6(host), IpAddr::V4);
    Some(Listener { host, port })
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what came is no frame")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Frame> {
        let listeners = ["0.0.0.0", "::", "127.0.0.1", "::1"]
            .map(|host| Listener { host: host.parse().unwrap(), port: 8080 });
        vec![
            Frame::Open { id: 7, host: Ipv4Addr::new(127, 0, 0, 2), port: 65_535 },
            Frame::Opened { id: u32::MAX },
            Frame::Failed { id: 7, why: "connection refused".to_owned() },
            Frame::Data { id: 7, bytes: vec![0; PIECE] },
            Frame::Data { id: 7, bytes: Vec::new() },
            Frame::More { id: 7, bytes: WINDOW },
            Frame::End { id: 7 },
            Frame::Gone { id: 7 },
            Frame::Look,
            Frame::Listening(listeners.to_vec()),
            Frame::Listening(Vec::new()),
            Frame::Here,
        ]
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        let said = one_of_each();
        let bytes: Vec<u8> = said.iter().flat_map(Frame::bytes).collect();
        let mut pipe = bytes.as_slice();
        let heard: Vec<Frame> = std::iter::from_fn(|| Frame::next(&mut pipe).unwrap()).collect();
        assert_eq!(heard, said);
    }

    #[test]
    fn a_frame_that_breaks_off_is_no_end() {
        for frame in one_of_each() {
            let bytes = frame.bytes();
            for length in 1..bytes.len().min(HEAD + 2) {
                assert!(Frame::next(&mut &bytes[..length]).is_err(), "{frame:?} at {length}");
            }
            assert!(Frame::next(&mut &bytes[..0]).unwrap().is_none());
        }
    }

    #[test]
    fn what_is_no_frame_is_not_taken_for_one() {
        for garbage in [
            &b"HTTP/1.1 200 OK"[..],
            &[0, 0, 0, 0, 0, 255, 255, 255, 255],
            &[10, 0, 0, 0, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0, 0, 1, 0, 0, 0, 9],
            &[9, 0, 0, 0, 0, 1, 0, 0, 0, 9],
        ] {
            assert!(Frame::next(&mut &*garbage).is_err(), "{garbage:?}");
        }
    }
}
