//! The names of the mirror's refs.

/// Where the tracked branch stands in the mirror, whatever its name.
pub const TIP: &str = "refs/vitrine/tip";
/// Our copies of notes, by instance.
pub const NOTES: &str = "refs/vitrine/notes/";
