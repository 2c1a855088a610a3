//! What tells an object from an earlier one of the same name.

use std::fmt;

use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

use super::hash::value;

/// `metadata.uid`. API servers write a random UUID (RFC 9562) in lower case.
///
/// Kept as bytes, in place: there is one for every object that is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uid(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Bytes([u8; LENGTH]),
    /// What no API server of today writes.
    Text(SmolStr),
}

const LENGTH: usize = 16;
/// Before which bytes a dash stands.
const DASHES: [usize; 4] = [4, 6, 8, 10];

impl Uid {
    /// Takes any text. Two are equal where their texts are.
    pub fn of(text: &str) -> Self {
        Self(read(text).map_or_else(|| Kept::Text(text.into()), Kept::Bytes))
    }
}

/// The bytes that are written as this text; `None` for a text that [`Uid`] does not write.
fn read(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let mut letters = text.bytes();
    for (at, byte) in bytes.iter_mut().enumerate() {
        if DASHES.contains(&at) && letters.next() != Some(b'-') {
            return None;
        }
        *byte = value(letters.next()?)? << 4 | value(letters.next()?)?;
    }
    letters.next().is_none().then_some(bytes)
}

impl Default for Uid {
    fn default() -> Self {
        Self::of("")
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.0 {
            Kept::Bytes(bytes) => bytes,
            Kept::Text(text) => return f.write_str(text),
        };
        for (at, byte) in bytes.iter().enumerate() {
            let dash = if DASHES.contains(&at) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl PartialEq<str> for Uid {
    fn eq(&self, other: &str) -> bool {
        match &self.0 {
            Kept::Bytes(bytes) => read(other).as_ref() == Some(bytes),
            Kept::Text(text) => text == other,
        }
    }
}

impl PartialEq<&str> for Uid {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialEq<String> for Uid {
    fn eq(&self, other: &String) -> bool {
        self == other.as_str()
    }
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<String> for Uid {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uid_is_small_and_any_text_can_be_one() {
        assert_eq!(size_of::<Uid>(), 24);
        let text = "2f1f5be0-1c41-4f0e-9d3b-0c0ffee00d1e";
        assert!(matches!(Uid::of(text).0, Kept::Bytes(_)));
        for other in ["", "u1", &text.to_uppercase(), &text.replace('-', ""), &format!("{text}0")] {
            assert!(matches!(Uid::of(other).0, Kept::Text(_)), "{other}");
            assert!(Uid::of(text) != *other);
        }
    }

    proptest! {
        #[test]
        fn a_uid_is_written_as_it_was_read(
            text in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-fA-F-]{34,38}|.*"
        ) {
            let uid = Uid::of(&text);
            prop_assert_eq!(uid.to_string(), text.clone());
            prop_assert!(uid == text);
        }
    }
}
