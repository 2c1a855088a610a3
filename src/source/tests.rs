//! The promises of this room, with repositories made by the git program.

mod failures;
mod histories;
mod noted;
pub(super) mod scene;
mod snapshots;
mod transports;
