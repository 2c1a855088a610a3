//! Carries bytes between `vitrine try` and a container that has no network.
//!
//! It runs in a container of its own, whose network is the tried container's too, and speaks
//! [`Frame`]s on its standard input and output. It knows no HTTP: what it carries is the business
//! of who sends it. It ends with its input, or when nobody has said anything for a while.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod carry;
mod credit;
mod frame;
mod listening;

pub use carry::{SILENCE, carry};
pub use frame::{Frame, HEAD, Head, Listener, PIECE, WINDOW};
