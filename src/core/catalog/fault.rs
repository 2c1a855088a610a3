//! Why a folder was refused. The author reads this under the pull request.
//!
//! The type lives in `model`, because the daemon's settings speak of faults as well.

pub use crate::model::fault::{
    Change, Fate, Fault, Fix, Piece, Severity, Shown, apply, code, human,
};
