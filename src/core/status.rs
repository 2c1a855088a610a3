//! Says in words what became of a solution: three words, a reason, whose turn, a next step.

mod answered;
pub mod board;
mod case;
mod commit;
mod gone;
pub mod health;
pub mod json;
mod judge;
mod left;
mod obstacle;
mod reason;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
mod state;
pub mod text;
mod trial;
mod verdict;
mod verdicts;
pub mod word;
mod wording;
mod would;

pub use board::{Board, Held, Outage};
pub(crate) use case::{Case, Standing};
pub use commit::{CommitState, CommitStatus};
pub use gone::Gone;
pub use health::{Condition, Proof, condition};
pub use json::{NotABoard, read_status_json, status_json};
pub(crate) use judge::judge;
pub use reason::{Cause, Reason};
pub use state::{Health, Stage, Sync};
pub use text::{details, table};
pub use verdict::Verdict;
pub use verdicts::Verdicts;
