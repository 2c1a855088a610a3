//! Names of Git objects.

use std::fmt;

/// A commit, as 40 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(Box<str>);

/// A tree, as 40 lower-case hexadecimal digits. Equal trees have equal contents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(Box<str>);

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
                let ok = text.len() == 40
                    && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if ok { Ok(Self(text.into())) } else { Err(BadObjectName(text.to_owned())) }
            }

            /// All 40 digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first seven digits, as people say it.
            pub fn short(&self) -> &str {
                self.0.get(..7).unwrap_or(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
    )*};
}
git_name!(Revision, TreeId);
