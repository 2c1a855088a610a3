//! Files that people wrote, judged.

mod catalogues;
mod coverage;
mod crds;
pub mod from_folder;
mod guide;
pub mod hostile;
mod manifest;
mod mended;
mod mutated;
mod mutation;
mod pages;
mod planned;
pub mod protected;
mod review;
mod schema;
mod situations;
mod snapshots;
