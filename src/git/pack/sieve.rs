//! Lets a pack through on its way to libgit2, but for the objects that would not fit into memory.
//!
//! What is left out is replaced by a small blob that nobody asks for, so that the number of entries
//! stays the same; distances to bases and the checksum at the end are written anew. Nothing is
//! held but one piece of the stream and the place of each entry.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid};
use sha1::{Digest as _, Sha1};

use super::{
    Form, HASH, HEADER, Inflater, MAX_OBJECTS, Malformed, delta_sizes, distance, head, largest,
    write_distance, write_head,
};

/// How much of a difference is held until it has said its sizes, in bytes.
const MAX_HELD: usize = 64 * 1024;

/// Why a pack is not let through at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed,
    TooManyObjects,
    /// A commit, a folder or a tag; without it nothing can be read.
    TooLarge {
        kind: ObjectType,
        size: u64,
    },
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// An object that was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Not known of a difference, which would have to be applied for that.
    pub id: Option<Oid>,
    /// In bytes, as the pack says.
    pub size: u64,
}

/// Reads a pack piece by piece.
pub struct Sieve {
    limit: u64,
    state: State,
    /// Bytes of the field that is being read.
    field: Vec<u8>,
    taken: Sha1,
    given: Sha1,
    /// Bytes taken and given.
    before: u64,
    after: u64,
    entries_left: u32,
    places: Vec<Place>,
    entry: Entry,
    inflater: Inflater,
    left_out: Vec<LeftOut>,
    /// Makes the blobs that stand for others unlike any that somebody could have sent.
    salt: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Head,
    Distance,
    Name,
    Body,
    Trailer,
    Done,
}

/// Where an entry began, and where it begins now.
struct Place {
    before: u64,
    after: u64,
    left_out: bool,
}

struct Entry {
    form: Form,
    size: u64,
    /// Where it began.
    before: u64,
    /// Its first bytes as they came: form, size, and the name of its base.
    head: Vec<u8>,
    /// Of a difference to another entry: where that begins now; `None` if it was left out.
    base: Option<u64>,
    fate: Fate,
}

enum Fate {
    /// A difference that has not said its sizes yet: what came of it, and what that inflates to.
    Open {
        held: Vec<u8>,
        inflated: Vec<u8>,
    },
    Kept,
    LeftOut,
    /// A whole blob, which is given its name.
    Named(Sha1),
}

impl Sieve {
    /// Leaves out what is larger than `limit` bytes or made from such.
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            state: State::Header,
            field: Vec::new(),
            taken: Sha1::new(),
            given: Sha1::new(),
            before: 0,
            after: 0,
            entries_left: 0,
            places: Vec::new(),
            entry: Entry {
                form: Form::FromName,
                size: 0,
                before: 0,
                head: Vec::new(),
                base: None,
                fate: Fate::Kept,
            },
            inflater: Inflater::new(),
            left_out: Vec::new(),
            salt: fastrand::u128(..),
        }
    }

    /// Whether the pack came to its end.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What was left out so far.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Takes the next bytes of the pack and appends what becomes of them.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let taken = match self.state {
                State::Body => self.body(bytes, out)?,
                State::Done => return Err(Refusal::Malformed),
                _ => self.one_byte(bytes, out)?,
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn one_byte(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Refusal> {
        let Some(byte) = bytes.first() else { return Ok(0) };
        self.field.push(*byte);
        if self.state != State::Trailer {
            self.taken.update([*byte]);
        }
        self.before += 1;
        match self.state {
            State::Header if self.field.len() == HEADER => self.header(out)?,
            State::Head => {
                if let Some(read) = head(&self.field) {
                    let (form, size) = read?;
                    self.begin(form, size, out)?;
                }
            }
            State::Distance => {
                if let Some(read) = distance(&self.field) {
                    let at = self.entry.before.checked_sub(read?).ok_or(Malformed)?;
                    let place = self.places.binary_search_by_key(&at, |place| place.before);
                    let place = place.ok().and_then(|n| self.places.get(n)).ok_or(Malformed)?;
                    self.entry.base = (!place.left_out).then_some(place.after);
                    self.open();
                }
            }
            State::Name if self.field.len() == HASH => {
                self.entry.head.extend_from_slice(&self.field);
                self.open();
            }
            State::Trailer if self.field.len() == HASH => {
                if self.field.as_slice() != self.taken.finalize_reset().as_slice() {
                    return Err(Refusal::Malformed);
                }
                out.extend_from_slice(self.given.finalize_reset().as_slice());
                self.state = State::Done;
            }
            State::Header | State::Name | State::Trailer | State::Body | State::Done => {}
        }
        Ok(1)
    }

    fn header(&mut self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let (said, count) = self.field.split_at(HEADER - 4);
        if !matches!(said, b"PACK\0\0\0\x02" | b"PACK\0\0\0\x03") {
            return Err(Refusal::Malformed);
        }
        self.entries_left = u32::from_be_bytes(count.try_into().map_err(|_| Malformed)?);
        if self.entries_left > MAX_OBJECTS {
            return Err(Refusal::TooManyObjects);
        }
        let field = std::mem::take(&mut self.field);
        self.give(&field, out);
        self.next();
        Ok(())
    }

    /// To the next entry or to the end.
    fn next(&mut self) {
        self.field.clear();
        self.state = if self.entries_left == 0 { State::Trailer } else { State::Head };
    }

    fn begin(&mut self, form: Form, size: u64, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let head = std::mem::take(&mut self.field);
        let before = self.before - head.len() as u64;
        self.entry = Entry { form, size, before, head, base: None, fate: Fate::Kept };
        self.inflater.begin(size);
        match form {
            Form::FromEntry => self.state = State::Distance,
            Form::FromName => self.state = State::Name,
            Form::Whole(ObjectType::Blob) if size > self.limit => {
                let mut name = Sha1::new();
                name.update(format!("blob {size}\0"));
                self.entry.fate = Fate::Named(name);
                self.place(true);
                self.stand_in(out)?;
                self.state = State::Body;
            }
            Form::Whole(kind) if size > largest(kind) => {
                return Err(Refusal::TooLarge { kind, size });
            }
            Form::Whole(_) => {
                self.place(false);
                let head = std::mem::take(&mut self.entry.head);
                self.give(&head, out);
                self.state = State::Body;
            }
        }
        Ok(())
    }

    /// A difference whose base is known: now its own first bytes decide.
    fn open(&mut self) {
        self.field.clear();
        self.entry.fate = Fate::Open { held: Vec::new(), inflated: Vec::new() };
        self.state = State::Body;
    }

    fn body(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Refusal> {
        let step = self.inflater.step(bytes)?;
        let (consumed, ended) = (step.consumed, step.ended);
        let took = bytes.get(..consumed).ok_or(Malformed)?;
        self.taken.update(took);
        self.before += consumed as u64;
        let mut sizes = None;
        match &mut self.entry.fate {
            Fate::Kept => {
                self.given.update(took);
                self.after += consumed as u64;
                out.extend_from_slice(took);
            }
            Fate::LeftOut => {}
            Fate::Named(name) => name.update(step.inflated),
            Fate::Open { held, inflated } => {
                held.extend_from_slice(took);
                let room = 20_usize.saturating_sub(inflated.len());
                inflated.extend(step.inflated.iter().take(room));
                sizes = delta_sizes(inflated).transpose()?;
                if sizes.is_none() && (ended || held.len() > MAX_HELD) {
                    return Err(Refusal::Malformed);
                }
            }
        }
        if let Some((base, result, _)) = sizes {
            self.decide(base, result, out)?;
        }
        if ended {
            self.end();
        }
        // With all bytes taken, more than one piece may still come of them: the next bytes bring it out.
        Ok(consumed)
    }

    /// Keeps a difference or leaves it out.
    fn decide(&mut self, base: u64, result: u64, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let Fate::Open { held, .. } = std::mem::replace(&mut self.entry.fate, Fate::LeftOut) else {
            return Ok(());
        };
        let too_large = [self.entry.size, base, result].iter().any(|size| *size > self.limit);
        let lost_base = self.entry.form == Form::FromEntry && self.entry.base.is_none();
        self.place(too_large || lost_base);
        if too_large || lost_base {
            self.left_out.push(LeftOut { id: None, size: result });
            return self.stand_in(out);
        }
        self.entry.fate = Fate::Kept;
        let mut bytes = std::mem::take(&mut self.entry.head);
        if let Some(base) = self.entry.base {
            write_distance(self.after - base, &mut bytes);
        }
        bytes.extend_from_slice(&held);
        self.give(&bytes, out);
        Ok(())
    }

    fn place(&mut self, left_out: bool) {
        let (before, after) = (self.entry.before, self.after);
        self.places.push(Place { before, after, left_out });
    }

    fn end(&mut self) {
        if let Fate::Named(name) = &mut self.entry.fate {
            let id = Oid::from_bytes(name.finalize_reset().as_slice()).ok();
            self.left_out.push(LeftOut { id, size: self.entry.size });
        }
        self.entries_left -= 1;
        self.next();
    }

    /// An entry that takes the place of one that is left out.
    fn stand_in(&mut self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let text = format!("left out by vitrine: {:x} {}\n", self.salt, self.places.len());
        let mut bytes = Vec::new();
        write_head(Form::Whole(ObjectType::Blob), text.len() as u64, &mut bytes);
        let mut deflate = ZlibEncoder::new(bytes, Compression::fast());
        deflate.write_all(text.as_bytes()).map_err(|_| Malformed)?;
        let bytes = deflate.finish().map_err(|_| Malformed)?;
        self.give(&bytes, out);
        Ok(())
    }

    fn give(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.given.update(bytes);
        self.after += bytes.len() as u64;
        out.extend_from_slice(bytes);
    }
}
