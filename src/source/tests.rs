//! The promises of this room, with repositories made by the git program.

mod damage;
mod failures;
mod histories;
mod noted;
mod refs;
pub(super) mod scene;
mod snapshots;
mod transports;
