//! Stands between a connection and libgit2: every answer to a fetch is looked through here, however
//! it was carried.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::ObjectType;
use git2::transport::SmartSubtransportStream;

use super::Trouble;
use super::pack::lines::Lines;
use super::pack::sieve::{LeftOut, Refusal, Sieve};
use super::pack::{LARGEST, MAX_OBJECTS};

/// What was found out about a server in one call.
#[derive(Default)]
pub struct Findings {
    left_out: Vec<LeftOut>,
    wrong: Option<Wrong>,
    /// The last answer ended before a pack did. No harm is in that where none was asked for.
    broke_off: bool,
    said: Option<String>,
}

/// Why an answer was not let through.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Shallow,
    Refused(Refusal),
}

/// Findings that the stream writes and the call reads.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Findings>>);

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Findings) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The objects that were not let through.
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.with(|findings| std::mem::take(&mut findings.left_out))
    }

    /// Why the answer was not let through, in words about `server`.
    pub fn trouble(&self, server: &impl std::fmt::Display) -> Option<Trouble> {
        let sentence = match self.with(|findings| findings.wrong)? {
            Wrong::Shallow => format!(
                "{server} is a shallow repository, so the history of its branch has no beginning; \
                 run `git fetch --unshallow` there (in CI: `fetch-depth: 0`)"
            ),
            Wrong::Refused(Refusal::Malformed) => format!(
                "{server} sent something that is no pack of Git; run `git fsck` there, and check \
                 the proxies on the way"
            ),
            Wrong::Refused(Refusal::TooManyObjects) => format!(
                "{server} holds more than {MAX_OBJECTS} objects; give the catalogue a repository \
                 of its own"
            ),
            Wrong::Refused(Refusal::TooLarge { kind, size }) => {
                let (what, cure) = match kind {
                    ObjectType::Tree => ("a folder", "divide it"),
                    ObjectType::Tag => ("a tag", "remove it"),
                    ObjectType::Commit | ObjectType::Blob | ObjectType::Any => {
                        ("a commit", "rewrite it with a short message")
                    }
                };
                let size = size >> 10;
                format!("{server} holds {what} of {size} KiB, which is not read; {cure}")
            }
        };
        Some(Trouble::new(sentence))
    }

    /// Why `server` gave up in the middle, for a call that failed.
    pub fn broke_off(&self, server: &impl std::fmt::Display) -> Option<Trouble> {
        let said = self.with(|findings| {
            findings.broke_off.then(|| findings.said.clone().unwrap_or_default())
        })?;
        let said = if said.is_empty() { "no reason given".to_owned() } else { said };
        Some(Trouble::new(format!(
            "{server} broke off its answer ({said}); its repository may lack objects: run `git \
             fsck` there, and if it is a partial clone, make it again without `--filter`"
        )))
    }
}

/// A stream whose answers go through the sieve.
pub struct Sieved {
    inner: Box<dyn SmartSubtransportStream>,
    lines: Lines,
    piece: Box<[u8]>,
    ready: Vec<u8>,
    given: usize,
    findings: Shared,
}

impl Sieved {
    pub fn new(inner: Box<dyn SmartSubtransportStream>, findings: Shared) -> Self {
        let piece = vec![0; 32 * 1024].into_boxed_slice();
        let lines = Lines::new(Sieve::new(LARGEST));
        Self { inner, lines, piece, ready: Vec::new(), given: 0, findings }
    }

    fn refuse(&self, wrong: Wrong) -> io::Error {
        self.findings.with(|findings| _ = findings.wrong.get_or_insert(wrong));
        io::Error::new(io::ErrorKind::InvalidData, "the answer is not let through")
    }
}

impl Read for Sieved {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            let length = self.inner.read(&mut self.piece)?;
            if length == 0 {
                let said = self.lines.said().map(str::to_owned);
                let broke_off = self.lines.left_out().is_none();
                self.findings.with(|findings| {
                    findings.broke_off = broke_off;
                    findings.said = said;
                });
                return Ok(0);
            }
            let piece = self.piece.get(..length).unwrap_or_default();
            if let Err(refusal) = self.lines.feed(piece, &mut self.ready) {
                return Err(self.refuse(Wrong::Refused(refusal)));
            }
            if self.lines.is_shallow() {
                return Err(self.refuse(Wrong::Shallow));
            }
            if let Some(left_out) = self.lines.left_out() {
                self.findings.with(|findings| findings.left_out = left_out.to_vec());
            }
        }
        let waiting = self.ready.get(self.given..).unwrap_or_default();
        let length = waiting.len().min(buffer.len());
        buffer[..length].copy_from_slice(&waiting[..length]);
        self.given += length;
        Ok(length)
    }
}

impl Write for Sieved {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
