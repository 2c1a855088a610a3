//! Files that people wrote, judged.

mod crds;
