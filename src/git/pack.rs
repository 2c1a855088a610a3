//! The pack format of Git, as far as memory hangs on it: what an entry says of itself, and how much
//! it inflates to, before anything of that size is made.
//!
//! libgit2 holds a difference whole, with its base and its result. Nothing here holds more than
//! [`LARGEST`], and nothing larger is handed to libgit2.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use git2::ObjectType;

pub mod lines;
pub mod sieve;
pub mod write;

/// The largest object that the mirror takes, in bytes, and the largest base, list of instructions
/// and result of a difference. libgit2 holds three of these at once.
pub const LARGEST: u64 = 32 << 20;
/// The largest tree, in bytes: 200 000 entries with names of 50 letters.
pub const LARGEST_TREE: u64 = 16 << 20;
/// The largest commit or tag, in bytes.
pub const LARGEST_COMMIT: u64 = 1 << 20;
/// Objects in one pack. libgit2 needs about 200 bytes for each while it reads one.
pub const MAX_OBJECTS: u32 = 1_000_000;

/// `PACK`, version 2, and the number of entries.
pub const HEADER: usize = 12;
pub const HASH: usize = 20;

/// How an entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Whole(ObjectType),
    /// A difference to the entry that begins this many bytes before.
    FromEntry,
    /// A difference to the object of this name.
    FromName,
}

/// The largest object of a kind, in bytes.
pub fn largest(kind: ObjectType) -> u64 {
    match kind {
        ObjectType::Tree => LARGEST_TREE,
        ObjectType::Commit | ObjectType::Tag => LARGEST_COMMIT,
        ObjectType::Blob | ObjectType::Any => LARGEST,
    }
}

/// The form and the size in the first bytes of an entry; `None` while its last byte is missing, and
/// an error for what no pack holds.
pub fn head(bytes: &[u8]) -> Option<Result<(Form, u64), Malformed>> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0);
    let Some(last) = last else {
        return (bytes.len() > 9).then_some(Err(Malformed));
    };
    let first = u64::from(*bytes.first()?);
    let mut size = first & 0x0f;
    for (n, byte) in bytes.iter().take(last + 1).skip(1).enumerate() {
        let part = u64::from(byte & 0x7f);
        let shift = 4 + 7 * n;
        if shift > 56 {
            return Some(Err(Malformed));
        }
        size |= part << shift;
    }
    let form = match (first >> 4) & 7 {
        1 => Form::Whole(ObjectType::Commit),
        2 => Form::Whole(ObjectType::Tree),
        3 => Form::Whole(ObjectType::Blob),
        4 => Form::Whole(ObjectType::Tag),
        6 => Form::FromEntry,
        7 => Form::FromName,
        _ => return Some(Err(Malformed)),
    };
    Some(Ok((form, size)))
}

/// The first bytes of an entry; the opposite of [`head`].
pub fn write_head(form: Form, size: u64, out: &mut Vec<u8>) {
    let kind: u8 = match form {
        Form::Whole(ObjectType::Commit) => 1,
        Form::Whole(ObjectType::Tree) => 2,
        Form::Whole(ObjectType::Tag) => 4,
        Form::Whole(ObjectType::Blob | ObjectType::Any) => 3,
        Form::FromEntry => 6,
        Form::FromName => 7,
    };
    let mut rest = size >> 4;
    let more = |rest: u64| if rest == 0 { 0 } else { 0x80 };
    out.push(more(rest) | (kind << 4) | low(size, 0x0f));
    while rest > 0 {
        let part = low(rest, 0x7f);
        rest >>= 7;
        out.push(more(rest) | part);
    }
}

/// How far before an entry its base begins, as [`Form::FromEntry`] writes it.
pub fn distance(bytes: &[u8]) -> Option<Result<u64, Malformed>> {
    let mut distance: u64 = 0;
    for (n, byte) in bytes.iter().enumerate() {
        if n > 8 {
            return Some(Err(Malformed));
        }
        if n > 0 {
            distance = (distance + 1) << 7;
        }
        distance |= u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(if distance == 0 { Err(Malformed) } else { Ok(distance) });
        }
    }
    None
}

/// The opposite of [`distance`].
pub fn write_distance(mut distance: u64, out: &mut Vec<u8>) {
    let mut bytes = vec![low(distance, 0x7f)];
    distance >>= 7;
    while distance > 0 {
        distance -= 1;
        bytes.push(0x80 | low(distance, 0x7f));
        distance >>= 7;
    }
    out.extend(bytes.iter().rev());
}

/// The sizes of base and result at the beginning of a difference, and where its instructions begin.
pub fn delta_sizes(bytes: &[u8]) -> Option<Result<(u64, u64, usize), Malformed>> {
    let mut at = 0;
    let mut next = || -> Option<Result<u64, Malformed>> {
        let mut size: u64 = 0;
        let mut shift = 0;
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            if shift > 56 {
                return Some(Err(Malformed));
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(Ok(size));
            }
        }
    };
    let (base, result) = (next()?, next().transpose());
    match (base, result) {
        (Err(malformed), _) | (_, Err(malformed)) => Some(Err(malformed)),
        (Ok(base), Ok(result)) => Some(Ok((base, result?, at))),
    }
}

fn low(number: u64, mask: u8) -> u8 {
    u8::try_from(number & u64::from(mask)).unwrap_or(mask)
}

/// Bytes that are no pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, "not a pack")
    }
}

/// Inflates one entry after the other, a piece at a time, and refuses one that becomes longer than
/// it said.
pub struct Inflater {
    stream: Decompress,
    piece: Box<[u8]>,
    /// How many bytes there must be in the end, if that was said before.
    expected: Option<u64>,
}

/// What became of some bytes.
pub struct Step<'a> {
    pub consumed: usize,
    pub inflated: &'a [u8],
    pub ended: bool,
}

impl Inflater {
    pub fn new() -> Self {
        let piece = vec![0; 64 * 1024].into_boxed_slice();
        Self { stream: Decompress::new(true), piece, expected: None }
    }

    /// Begins an entry that inflates to so many bytes.
    pub fn begin(&mut self, expected: u64) {
        self.stream.reset(true);
        self.expected = Some(expected);
    }

    /// Begins something whose length is not known.
    pub fn begin_open(&mut self) {
        self.stream.reset(true);
        self.expected = None;
    }

    pub fn step(&mut self, bytes: &[u8]) -> Result<Step<'_>, Malformed> {
        let (read, wrote) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(bytes, &mut self.piece, FlushDecompress::None)
            .map_err(|_| Malformed)?;
        let ended = match status {
            Status::StreamEnd => true,
            Status::Ok | Status::BufError => false,
        };
        let total = self.stream.total_out();
        let wrong = self
            .expected
            .is_some_and(|expected| if ended { total != expected } else { total > expected });
        let consumed = usize::try_from(self.stream.total_in() - read).map_err(|_| Malformed)?;
        let length = usize::try_from(total - wrote).map_err(|_| Malformed)?;
        // Neither took nor gave anything although there was room for both.
        let stuck = !ended && consumed == 0 && length == 0 && !bytes.is_empty();
        if wrong || stuck {
            return Err(Malformed);
        }
        let inflated = self.piece.get(..length).ok_or(Malformed)?;
        Ok(Step { consumed, inflated, ended })
    }
}

/// Makes an object from its base and a difference, whose sizes are known to be small.
pub fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (from, to, mut at) = delta_sizes(delta).ok_or(Malformed)??;
    if from != base.len() as u64 || to > LARGEST {
        return Err(Malformed);
    }
    let length = usize::try_from(to).map_err(|_| Malformed)?;
    let mut result = Vec::with_capacity(length);
    while let Some(&instruction) = delta.get(at) {
        at += 1;
        let piece = if instruction & 0x80 == 0 {
            let end = at + usize::from(instruction);
            let piece = delta.get(at..end).filter(|piece| !piece.is_empty()).ok_or(Malformed)?;
            at = end;
            piece
        } else {
            let mut number = |bits: std::ops::Range<u32>| -> Result<usize, Malformed> {
                let mut number = 0;
                for (n, bit) in bits.enumerate() {
                    if instruction & (1 << bit) != 0 {
                        number |= usize::from(*delta.get(at).ok_or(Malformed)?) << (8 * n);
                        at += 1;
                    }
                }
                Ok(number)
            };
            let offset = number(0..4)?;
            let size = match number(4..7)? {
                0 => 0x1_0000,
                size => size,
            };
            base.get(offset..offset + size).ok_or(Malformed)?
        };
        if result.len() + piece.len() > length {
            return Err(Malformed);
        }
        result.extend_from_slice(piece);
    }
    if result.len() == length { Ok(result) } else { Err(Malformed) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_an_entry_is_read_again() {
        for size in [0, 1, 15, 16, 2047, 2048, 1 << 20, 1 << 40, u64::MAX >> 8] {
            for form in [Form::Whole(ObjectType::Tree), Form::FromEntry, Form::FromName] {
                let mut bytes = Vec::new();
                write_head(form, size, &mut bytes);
                assert_eq!(head(&bytes), Some(Ok((form, size))), "{size}");
                assert_eq!(head(&bytes[..bytes.len() - 1]), None);
            }
            let mut bytes = Vec::new();
            write_distance(size + 1, &mut bytes);
            assert_eq!(distance(&bytes), Some(Ok(size + 1)));
        }
    }

    #[test]
    fn numbers_without_an_end_are_no_pack() {
        assert_eq!(head(&[0xff; 10]), Some(Err(Malformed)));
        assert_eq!(distance(&[0xff; 10]), Some(Err(Malformed)));
        assert_eq!(delta_sizes(&[0xff; 10]), Some(Err(Malformed)));
        assert_eq!(delta_sizes(&[1]), None);
    }

    #[test]
    fn a_difference_is_applied_and_never_reaches_outside_its_base() {
        // Copy 2 from 1, then insert "xy".
        let delta = [4, 4, 0x80 | 1 | 16, 1, 2, 2, b'x', b'y'];
        assert_eq!(apply(b"abcd", &delta), Ok(b"bcxy".to_vec()));
        assert_eq!(apply(b"abc", &delta), Err(Malformed), "another base");
        assert_eq!(apply(b"abcd", &[4, 4, 0x80 | 1 | 16, 3, 2]), Err(Malformed), "beyond the base");
        assert_eq!(apply(b"abcd", &[4, 1, 0x80 | 16, 2]), Err(Malformed), "longer than it says");
        assert_eq!(apply(b"abcd", &[4, 4, 1]), Err(Malformed), "cut off");
    }
}
