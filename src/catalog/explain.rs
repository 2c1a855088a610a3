//! Every effective value of a solution, and where it came from.

use std::cell::RefCell;
use std::fmt;

use super::fault::Fault;
use super::platform::Platform;
use super::snapshot::Snapshot;
use super::solution::{self, Bench, Solution};

/// One value that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The component that it belongs to.
    pub component: String,
    /// As in the file, below the component: `scaling.minReplicas`, `env.WINDOW`.
    pub path: String,
    /// As it would be written.
    pub value: String,
    pub origin: Origin,
    /// What becomes of it on this platform, if not what it says.
    pub note: Option<String>,
}

/// Who decided a value: the first of these who said anything, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The component or configuration, on this line of `solution.yaml`.
    Component { line: u32 },
    /// The solution, on this line of `solution.yaml`.
    Solution { line: u32 },
    /// The hardware class of this name.
    Class(String),
    /// `spec.defaults` of `platform.yaml`, or what its other keys ask for.
    Platform,
    /// vitrine itself.
    BuiltIn,
    /// It follows from another value of the author's.
    Follows(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { line } => write!(f, "component, line {line}"),
            Self::Solution { line } => write!(f, "solution, line {line}"),
            Self::Class(name) => write!(f, "hardware class {name}"),
            Self::Platform => f.write_str("platform"),
            Self::BuiltIn => f.write_str("built in"),
            Self::Follows(what) => write!(f, "follows from {what}"),
        }
    }
}

/// Explains a good solution of a snapshot, in the order of its components and of the reference.
///
/// # Errors
/// The faults of its folder, when there are any.
pub fn explain(
    snapshot: &Snapshot,
    platform: &Platform,
    solution: &Solution,
) -> Result<Vec<Effective>, Vec<Fault>> {
    let Some(folder) = snapshot.folders.get(&solution.folder) else { return Ok(Vec::new()) };
    let origins = RefCell::default();
    let path = solution.folder.as_str();
    let verdict = solution::judge(&Bench { path, folder, platform, origins: Some(&origins) });
    if verdict.solution.is_some() { Ok(origins.into_inner()) } else { Err(verdict.faults) }
}
