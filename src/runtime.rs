//! Runs images on this machine as the platform would: alone knows Podman and Docker.
//!
//! In: a [`Subject`] of the core. Out: what was [`Seen`] of it. Two containers are started: ours,
//! which has a network of its own without a way out, and the tried one, which shares it. Ours runs
//! the [carrier](carrier), through which everything is asked. It also tells that a trial is alive:
//! what is left of one whose carrier has ended is cleared by the next.

mod ask;
mod call;
mod carried;
pub mod carrier;
mod container;
mod find;
mod image;
mod leftover;
mod memory;
mod opened;
mod room;
mod stream;
mod trial;

pub use call::Failed;
pub use find::{Runtime, Sort};
pub use leftover::clear;
pub use opened::{Opened, open};
pub use room::Room;
pub use trial::{NotTried, Trial};
