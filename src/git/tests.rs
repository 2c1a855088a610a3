//! The promises of this room, with repositories made by the git program.

mod copies;
mod damage;
mod failures;
mod histories;
mod incomplete;
mod noted;
mod pulls;
mod refs;
pub(crate) mod scene;
mod sieves;
mod snapshots;
mod transports;
