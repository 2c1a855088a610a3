//! Files that people wrote, judged.

mod catalogues;
mod crds;
mod from_folder;
mod hostile;
mod mutated;
