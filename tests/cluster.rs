//! The engine against a cluster: one file per rule that a user can see.
//!
//! A scenario runs on both API servers, the one in memory and the real one; where it cannot, it
//! says why. A difference between the two is a bug of the sandbox.

mod admitted;
mod apply;
mod control_plane;
mod counts;
pub mod doctor;
mod drift;
mod fields;
mod health;
mod histories;
mod hostile;
mod matrix;
mod memory;
mod modes;
mod publish;
mod put_back;
mod quota;
mod refusals;
mod remote;
mod removal;
mod rendered;
mod restart;
mod stray;
