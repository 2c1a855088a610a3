//! Why a folder was refused. The author reads this under the pull request.

use std::fmt;

use crate::model::Party;

/// One thing that is wrong, where, and who can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable: `V0207`. V01xx file and YAML, V02xx schema, V03xx values and limits, V04xx
    /// references, V05xx across the catalogue, V06xx platform, V07xx the daemon's settings.
    pub code: &'static str,
    /// Relative to the catalogue's root.
    pub file: String,
    /// 1-based; the place of the value, or of the key when the value is missing.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// Where the marked text ends (exclusive), on the same line.
    pub end_column: u32,
    /// What is wrong: what was found, what is allowed.
    pub message: String,
    /// How to mend it, if more can be said than the message does.
    pub help: Option<String>,
    pub party: Party,
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
