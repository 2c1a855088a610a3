//! The words that every room shares: names, revisions, kinds, objects, field sets.
//!
//! Plain data and plain functions. Knows no other room, no file, no clock, no network.

/// For a checked text with a private field: shown, borrowed and sent as that text.
macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
    )*};
}
pub mod backoff;
pub mod claimed_name;
pub mod credential;
pub mod cron;
pub mod decode;
pub mod duration;
pub mod fault;
pub mod fields;
pub mod hash;
pub mod host;
pub mod image;
pub mod intern;
pub mod invisible;
pub mod kind;
pub mod markdown;
pub mod marks;
pub mod meant;
pub mod names;
pub mod network;
pub mod object;
pub mod party;
pub mod path;
pub mod quantity;
pub mod quoted;
pub mod revision;
pub mod uid;
pub mod yaml;

pub use backoff::Backoff;
pub use claimed_name::{ClaimedName, last_name};
pub use cron::Cron;
pub use fault::Fault;
pub use fields::FieldSet;
pub use hash::ContentHash;
pub use host::{Domain, HostName};
pub use image::ImageReference;
pub use kind::Kind;
pub use names::{ComponentName, InstanceName, SolutionName};
pub use network::Network;
pub use object::ObjectKey;
pub use party::Party;
pub use path::{MountPath, UrlPath};
pub use quantity::{Quantities, Quantity};
pub use quoted::Quoted;
pub use revision::{Revision, TreeId};
pub use uid::Uid;
