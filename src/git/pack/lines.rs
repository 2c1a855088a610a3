//! The lines in which a Git server answers, between the connection and libgit2.
//!
//! Each line has its length before it, in four hexadecimal digits that count themselves. Lines of
//! the first band carry the pack, which goes through the [`Sieve`]. All others pass as they are, but
//! for what the server offers and we do not want.

use vitrine_core::model::invisible::is_invisible;

use super::sieve::{LeftOut, Refusal, Sieve};

/// The longest line, with its digits, and what of it carries the pack.
const LONGEST: usize = 65_520;
const CARRIED: usize = LONGEST - 5;

/// How much of a server's last words is kept, in letters.
const MAX_WORDS: usize = 200;

/// Offered by a server, and not asked for: bases that are not in the pack itself. One that was left
/// out here would be missing for ever.
const NOT_WANTED: &str = "thin-pack";

/// Reads an answer piece by piece.
pub struct Lines {
    sieve: Sieve,
    state: State,
    /// Bytes of the digits or of the line that is being read.
    held: Vec<u8>,
    /// What came out of the sieve and is not yet framed.
    sieved: Vec<u8>,
    shallow: bool,
    said: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Digits,
    /// The first byte after the digits, which tells what the line carries; so many bytes are left.
    Band(usize),
    Text(usize),
    Pack(usize),
    /// A pack without lines, up to the end of the answer.
    Raw,
}

impl Lines {
    pub fn new(sieve: Sieve) -> Self {
        let (held, sieved) = (Vec::new(), Vec::new());
        Self { sieve, state: State::Digits, held, sieved, shallow: false, said: None }
    }

    /// What was left out, once the pack is through.
    pub fn left_out(&self) -> Option<&[LeftOut]> {
        self.sieve.is_done().then(|| self.sieve.left_out())
    }

    /// Whether the server said that its history has an end where commits are missing.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// The server's last words, if it gave up.
    pub fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    /// Takes the next bytes of the answer and appends what becomes of them.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let wanted = match self.state {
                State::Digits => 4 - self.held.len(),
                State::Band(_) => 1,
                State::Text(left) | State::Pack(left) => left,
                State::Raw => bytes.len(),
            };
            let (took, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            match self.state {
                State::Digits => {
                    self.held.extend_from_slice(took);
                    if self.held.len() == 4 {
                        self.digits(out)?;
                    }
                }
                State::Band(left) => match took {
                    [1] => {
                        self.held.clear();
                        self.state = State::Pack(left - 1);
                    }
                    _ => {
                        self.held.extend_from_slice(took);
                        self.state = State::Text(left - 1);
                    }
                },
                State::Text(left) => {
                    self.held.extend_from_slice(took);
                    self.state = State::Text(left - took.len());
                }
                State::Pack(left) => {
                    self.sieve.feed(took, &mut self.sieved)?;
                    self.state = State::Pack(left - took.len());
                }
                State::Raw => self.sieve.feed(took, out)?,
            }
            match self.state {
                State::Text(0) => {
                    self.text(out);
                    self.state = State::Digits;
                }
                State::Pack(0) => self.state = State::Digits,
                State::Digits | State::Band(_) | State::Text(_) | State::Pack(_) | State::Raw => {}
            }
        }
        self.frame(out);
        Ok(())
    }

    fn digits(&mut self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.held == b"PACK" {
            let held = std::mem::take(&mut self.held);
            self.state = State::Raw;
            return self.sieve.feed(&held, out);
        }
        let length = std::str::from_utf8(&self.held)
            .ok()
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or(Refusal::Malformed)?;
        // Below four: a line that only divides.
        if length <= 4 {
            self.frame(out);
            out.append(&mut self.held);
            return Ok(());
        }
        self.state = State::Band(length - 4);
        Ok(())
    }

    /// A whole line that carries no pack.
    fn text(&mut self, out: &mut Vec<u8>) {
        self.frame(out);
        let line = self.held.split_off(4);
        self.held.clear();
        self.shallow |= line.starts_with(b"shallow ");
        if let Some(words) = line.strip_prefix(b"\x03").or_else(|| line.strip_prefix(b"ERR ")) {
            let words = String::from_utf8_lossy(words);
            let words = words.trim().chars().map(|c| if is_invisible(c) { ' ' } else { c });
            self.said = Some(words.take(MAX_WORDS).collect());
        }
        write(wanted(&line).as_deref().unwrap_or(&line), out);
    }

    /// Puts what came out of the sieve into lines.
    fn frame(&mut self, out: &mut Vec<u8>) {
        for piece in self.sieved.chunks(CARRIED) {
            out.extend_from_slice(format!("{:04x}\u{1}", piece.len() + 5).as_bytes());
            out.extend_from_slice(piece);
        }
        self.sieved.clear();
    }
}

fn write(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend_from_slice(line);
}

/// The first line of the list of refs without what we do not want; `None` if there is none of it.
fn wanted(line: &[u8]) -> Option<Vec<u8>> {
    let at = line.iter().position(|byte| *byte == 0)?;
    let (named, offers) = line.split_at(at + 1);
    let offers = std::str::from_utf8(offers).ok()?;
    let kept: Vec<&str> =
        offers.split(' ').filter(|offer| offer.trim_end() != NOT_WANTED).collect();
    if kept.len() == offers.split(' ').count() {
        return None;
    }
    let mut less = named.to_vec();
    less.extend_from_slice(kept.join(" ").as_bytes());
    Some(less)
}
