//! Hashes of what we send.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 over an object's body, as 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(Box<str>);

impl ContentHash {
    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hex = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
        Self(hex.into_boxed_str())
    }

    /// Takes a text that an annotation carried. Any text: a wrong one equals no hash of ours.
    pub fn recorded(text: &str) -> Self {
        Self(text.into())
    }

    /// All of the text: 64 digits, or whatever [`ContentHash::recorded`] took.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first `n` digits.
    pub fn first(&self, n: usize) -> &str {
        self.0.get(..n).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({})", self.first(12))
    }
}
