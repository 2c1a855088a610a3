//! Which part of a catalogue is told.

/// A part of a catalogue.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Relative to the root; empty for all of it.
    path: String,
    /// Whether what lies below it is meant too.
    deep: bool,
}

impl Scope {
    pub fn everything() -> Self {
        Self::below(String::new())
    }

    /// The path and all below it.
    pub fn below(path: String) -> Self {
        Self { path, deep: true }
    }

    /// The path alone.
    pub fn exactly(path: String) -> Self {
        Self { path, deep: false }
    }

    pub fn covers(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some("") => true,
            Some(rest) => self.deep && (self.path.is_empty() || rest.starts_with('/')),
            None => false,
        }
    }
}
