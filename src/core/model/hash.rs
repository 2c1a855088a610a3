//! Hashes of what we send.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 over an object's body. Written as 64 lower-case hexadecimal digits.
///
/// Kept as bytes, in place: some thirty are known of every solution.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(Kept);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kept {
    Sum([u8; LENGTH]),
    /// What somebody wrote where one of ours would stand, and is none.
    Text(Box<str>),
}

const LENGTH: usize = 32;

impl ContentHash {
    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Kept::Sum(Sha256::digest(bytes).into()))
    }

    /// Takes a text that an annotation carried. Any text: a wrong one equals no hash of ours.
    pub fn recorded(text: &str) -> Self {
        Self(read(text).map_or_else(|| Kept::Text(text.into()), Kept::Sum))
    }

    /// The first `n` digits, or letters of whatever [`ContentHash::recorded`] took.
    pub fn first(&self, n: usize) -> String {
        match &self.0 {
            Kept::Sum(bytes) => {
                let mut digits = digits(bytes.get(..n.div_ceil(2)).unwrap_or(bytes));
                digits.truncate(n);
                digits
            }
            Kept::Text(text) => text.get(..n).unwrap_or(text).to_owned(),
        }
    }
}

/// The bytes that are written as these digits; `None` for a text that [`digits`] does not write.
fn read(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let pairs = text.as_bytes().chunks(2);
    if text.len() != 2 * LENGTH {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = pair.iter().try_fold(0, |sum, digit| Some(sum << 4 | value(*digit)?))?;
    }
    Some(bytes)
}

/// What a lower-case hexadecimal digit stands for.
pub(super) fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Sum(bytes) => f.write_str(&digits(bytes)),
            Kept::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({})", self.first(12))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `printf '' | sha256sum`.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn it_is_written_in_digits_and_read_back() {
        let hash = ContentHash::of(b"");
        assert_eq!(hash.to_string(), EMPTY);
        assert_eq!(ContentHash::recorded(EMPTY), hash);
        assert_eq!((hash.first(1).as_str(), hash.first(12).as_str()), ("e", "e3b0c44298fc"));
        assert_eq!(hash.first(1000), EMPTY);
    }

    #[test]
    fn what_is_no_hash_equals_none_and_stays_what_it_is() {
        let upper = EMPTY.to_uppercase();
        let long = format!("{EMPTY}0");
        for text in ["", "sha256:1", &EMPTY[1..], &upper, &long, &"ä".repeat(32)] {
            let recorded = ContentHash::recorded(text);
            assert_ne!(recorded, ContentHash::of(b""));
            assert_eq!(recorded.to_string(), text);
        }
        assert_eq!(ContentHash::recorded("sha256:1").first(3), "sha");
    }

    proptest! {
        #[test]
        fn a_text_and_its_hash_are_one_another(text in "[0-9a-f]{64}|[0-9a-fA-F]{60,66}|.*") {
            prop_assert_eq!(ContentHash::recorded(&text).to_string(), text);
        }
    }
}
