//! Files that people wrote, judged.

mod catalogues;
mod coverage;
mod crds;
mod from_folder;
mod hostile;
mod mutated;
mod pages;
mod snapshots;
