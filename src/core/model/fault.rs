//! What is wrong in a file that a person wrote, where, and who can mend it.

pub mod code;
mod fix;
mod human;
mod json;

use std::fmt;

use super::Party;
use super::credential;
use super::invisible::is_invisible;
use super::yaml::Span;

pub use fix::{Change, Fate, Fix, Piece, Shown, apply};
pub use human::human;
pub use json::FaultJson;

/// One thing that is wrong, where, and who can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable: `V0207`. V01xx file and YAML, V02xx schema, V03xx values and limits, V04xx
    /// references, V05xx across the catalogue, V06xx platform, V07xx the daemon's settings,
    /// V08xx images, V10xx the cluster, V9xxx warnings. [`code::title`] says what each stands for.
    pub code: &'static str,
    /// Whether it refuses what it is found in; follows from `code`.
    pub severity: Severity,
    /// Relative to the catalogue's root.
    pub file: String,
    /// 1-based; the place of the value, or of the key when the value is missing.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// The line on which the marked text ends.
    pub end_line: u32,
    /// Where the marked text ends (exclusive), on `end_line`.
    pub end_column: u32,
    /// What is wrong: what was found, what is allowed.
    pub message: String,
    /// A few words for beside the mark, if more can be said there.
    pub label: Option<String>,
    /// How to mend it, if more can be said than the message does.
    pub help: Option<String>,
    /// The source line, where there is one.
    pub snippet: Option<String>,
    /// Who can mend it.
    pub party: Party,
    /// What puts it right, where it can be meant in one way only.
    pub fix: Option<Box<Fix>>,
}

/// Whether a fault refuses a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The folder or the file is refused; what runs stays as it is.
    Error,
    /// Said, and nothing else.
    Warning,
}

impl Fault {
    /// A fault of a whole file or folder. Its place is the first line, until [`Fault::at`].
    pub fn new(
        code: &'static str,
        file: impl Into<String>,
        party: Party,
        message: impl Into<String>,
    ) -> Self {
        let Span { line, column, end_line, end_column } = Span::START;
        Self {
            code,
            severity: if code.starts_with("V9") { Severity::Warning } else { Severity::Error },
            file: harmless(&file.into()),
            line,
            column,
            end_line,
            end_column,
            message: harmless(&message.into()),
            label: None,
            help: None,
            snippet: None,
            party,
            fix: None,
        }
    }

    /// The same fault at a place.
    #[must_use]
    pub fn at(self, at: Span) -> Self {
        let Span { line, column, end_line, end_column } = at;
        Self { line, column, end_line, end_column, ..self }
    }

    /// The same fault with a sentence that says how to mend it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(harmless(&help.into())), ..self }
    }

    /// The same fault with a few words beside the mark.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(harmless(&label.into())), ..self }
    }

    /// The same fault with what puts it right, if that leaves no choice.
    #[must_use]
    pub fn fix(self, fix: Option<Fix>) -> Self {
        Self { fix: fix.map(Box::new), ..self }
    }

    /// The same fault with its source line.
    #[must_use]
    pub fn snippet(self, snippet: Option<String>) -> Self {
        Self { snippet: snippet.map(|line| credential::masked(&line)), ..self }
    }
}

/// The longest sentence about a fault, in characters. More than the longest value whose text may
/// be masked in it: what is cut could not be recognised.
const LONGEST: usize = 4096;

/// A sentence that may quote an author, without characters that a terminal or a log acts on or
/// nobody sees, and without credentials.
pub fn harmless(text: &str) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        return harmless(text.get(..end).unwrap_or_default()) + "...";
    }
    let visible = |c: char| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c };
    credential::masked(text).chars().map(visible).collect()
}

/// `use/solution.yaml:14:5: unknown field `replica`; did you mean `maxReplicas`?`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
