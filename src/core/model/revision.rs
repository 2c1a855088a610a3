//! Names of Git objects.

use std::fmt;

/// A commit, as 40 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision([u8; DIGITS]);

/// A tree, as 40 lower-case hexadecimal digits. Equal trees have equal contents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId([u8; DIGITS]);

/// The length of a SHA-1 in hexadecimal digits. Kept in place: there is one for every object that
/// is seen, and an allocation of its own would cost as much again.
const DIGITS: usize = 40;

/// A text that is not 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the full name of a Git object (40 hexadecimal digits)")]
pub struct BadObjectName(pub String);

macro_rules! git_name {
    ($($name:ident),*) => {$(
        impl $name {
            /// Parses 40 hexadecimal digits.
            ///
            /// # Errors
            /// [`BadObjectName`].
            pub fn parse(text: &str) -> Result<Self, BadObjectName> {
                let digits = <[u8; DIGITS]>::try_from(text.as_bytes()).ok();
                let is_digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
                let digits = digits.filter(|digits| digits.iter().all(is_digit));
                digits.map(Self).ok_or_else(|| BadObjectName(text.to_owned()))
            }

            /// All 40 digits.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("digits are ASCII")
            }

            /// The first seven digits, as people say it.
            pub fn short(&self) -> &str {
                self.as_str().get(..7).unwrap_or(self.as_str())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    )*};
}
git_name!(Revision, TreeId);
