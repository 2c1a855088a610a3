//! One pack of a repository on this machine and its index, read at places instead of mapped.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use git2::Oid;

use crate::git::pack::{Form, HASH, Inflater, LARGEST, Malformed, delta_sizes, distance, head};

/// The longest beginning of an entry: form and size, then a distance or a name.
const LONGEST_HEAD: usize = 10 + HASH;
/// How much is read at once, in bytes.
const PIECE: usize = 32 * 1024;

pub struct Pack {
    index: File,
    pack: File,
    /// The length of the pack without its checksum.
    length: u64,
    /// How many objects have a name whose first byte is at most this.
    fanout: Vec<u32>,
    inflater: RefCell<Inflater>,
}

/// What an entry says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub form: Form,
    /// Of what is deflated.
    pub size: u64,
    /// Where the base begins.
    pub base: Option<u64>,
    /// Where the deflated bytes begin.
    pub body: u64,
}

impl Pack {
    /// Opens `x.idx` and `x.pack`.
    pub fn open(index: &Path) -> io::Result<Self> {
        let pack = File::open(index.with_extension("pack"))?;
        let index = File::open(index)?;
        let mut head = [0; 8 + 4 * 256];
        index.read_exact_at(&mut head, 0)?;
        let (magic, fanout) = head.split_at(8);
        // Git has written no other since 2007.
        if magic != b"\xfftOc\0\0\0\x02" {
            return Err(Malformed.into());
        }
        let fanout = fanout.chunks_exact(4).map(number).collect();
        let length = pack.metadata()?.len().checked_sub(HASH as u64).ok_or(Malformed)?;
        Ok(Self { index, pack, length, fanout, inflater: RefCell::new(Inflater::new()) })
    }

    fn count(&self) -> u64 {
        self.fanout.last().copied().unwrap_or_default().into()
    }

    /// Where the object begins, if it is here.
    pub fn find(&self, id: Oid) -> io::Result<Option<u64>> {
        let first = usize::from(id.as_bytes().first().copied().unwrap_or_default());
        let at = |n: usize| self.fanout.get(n).copied().unwrap_or_default();
        let (mut from, mut to) = (first.checked_sub(1).map_or(0, at).into(), u64::from(at(first)));
        let names = 8 + 4 * 256;
        while from < to {
            let middle = u64::midpoint(from, to);
            let mut name = [0; HASH];
            self.index.read_exact_at(&mut name, names + middle * HASH as u64)?;
            match name.as_slice().cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return self.place(middle).map(Some),
            }
        }
        Ok(None)
    }

    fn place(&self, n: u64) -> io::Result<u64> {
        let after_sums = 8 + 4 * 256 + self.count() * (HASH as u64 + 4);
        let mut short = [0; 4];
        self.index.read_exact_at(&mut short, after_sums + n * 4)?;
        let short = number(&short);
        if short & 0x8000_0000 == 0 {
            return Ok(short.into());
        }
        let mut long = [0; 8];
        let row = u64::from(short & 0x7fff_ffff);
        self.index.read_exact_at(&mut long, after_sums + self.count() * 4 + row * 8)?;
        Ok(u64::from_be_bytes(long))
    }

    /// What the entry at `place` says of itself.
    pub fn entry(&self, place: u64) -> io::Result<Entry> {
        let mut bytes = [0; LONGEST_HEAD];
        let bytes = self.read_at(&mut bytes, place)?;
        let (form, size) = head(bytes).ok_or(Malformed)??;
        let mut at = bytes.iter().position(|byte| byte & 0x80 == 0).ok_or(Malformed)? + 1;
        let rest = bytes.get(at..).unwrap_or_default();
        let base = match form {
            Form::Whole(_) => None,
            Form::FromEntry => {
                let back = distance(rest).ok_or(Malformed)??;
                at += rest.iter().position(|byte| byte & 0x80 == 0).ok_or(Malformed)? + 1;
                Some(place.checked_sub(back).ok_or(Malformed)?)
            }
            Form::FromName => {
                let name = Oid::from_bytes(rest.get(..HASH).ok_or(Malformed)?);
                at += HASH;
                let name = name.map_err(|_| Malformed)?;
                Some(self.find(name)?.ok_or(Malformed)?)
            }
        };
        Ok(Entry { form, size, base, body: place + at as u64 })
    }

    /// The size of the result of a difference.
    pub fn result_size(&self, entry: &Entry) -> io::Result<u64> {
        let mut start = Vec::new();
        self.inflate(entry, |_, inflated| {
            start.extend(inflated.iter().take(20));
            start.len() < 20
        })?;
        let (_, result, _) = delta_sizes(&start).ok_or(Malformed)??;
        Ok(result)
    }

    /// The whole entry, whose size is known to be small.
    pub fn read(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        if entry.size > LARGEST {
            return Err(Malformed.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(entry.size).unwrap_or_default());
        self.inflate(entry, |_, inflated| {
            bytes.extend_from_slice(inflated);
            true
        })?;
        Ok(bytes)
    }

    /// Goes through an entry piece by piece: the deflated bytes and what they inflate to. Ends
    /// early when told so.
    pub fn inflate(
        &self,
        entry: &Entry,
        mut piece: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> io::Result<()> {
        let mut inflater = self.inflater.try_borrow_mut().map_err(io::Error::other)?;
        inflater.begin(entry.size);
        let mut buffer = vec![0; PIECE];
        let mut at = entry.body;
        loop {
            let mut bytes: &[u8] = self.read_at(&mut buffer, at)?;
            // One more step without new bytes brings out what is still inside.
            loop {
                let step = inflater.step(bytes)?;
                let consumed = step.consumed;
                let goes_on = piece(bytes.get(..consumed).unwrap_or_default(), step.inflated);
                if step.ended || !goes_on {
                    return Ok(());
                }
                let idle = consumed == 0 && step.inflated.is_empty();
                at += consumed as u64;
                bytes = bytes.get(consumed..).unwrap_or_default();
                if bytes.is_empty() {
                    if at >= self.length && idle {
                        return Err(Malformed.into());
                    }
                    break;
                }
            }
        }
    }

    fn read_at<'b>(&self, buffer: &'b mut [u8], at: u64) -> io::Result<&'b [u8]> {
        let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        self.pack.read_exact_at(buffer, at)?;
        Ok(buffer)
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}
