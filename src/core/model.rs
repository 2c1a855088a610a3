//! The words that every room shares: names, revisions, kinds, objects, field sets.
//!
//! Plain data and plain functions. Knows no other room, no file, no clock, no network.

pub mod credential;
pub mod decode;
pub mod duration;
pub mod fault;
pub mod fields;
pub mod hash;
pub mod intern;
pub mod kind;
pub mod marks;
pub mod names;
pub mod network;
pub mod object;
pub mod party;
pub mod quantity;
pub mod revision;
pub mod yaml;

pub use fault::Fault;
pub use fields::FieldSet;
pub use hash::ContentHash;
pub use kind::Kind;
pub use names::{ComponentName, InstanceName, SolutionName};
pub use network::Network;
pub use object::{Object, ObjectKey};
pub use party::Party;
pub use quantity::Quantity;
pub use revision::{Revision, TreeId};
