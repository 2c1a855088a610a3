//! vitrine makes a Git repository the only place where demonstrators are published.
//!
//! The crate `vitrine_core` decides; the rooms here touch the world. [`git`] reads the repository
//! and writes notes onto it, [`registry`] asks what an image is, [`runtime`] runs one on this machine, [`http`] is their door to other machines, [`cluster`] watches and writes
//! Kubernetes, [`web`] shows the board. [`drive`] carries what happens to the engine and its orders to them, and [`cli`] starts everything.
//! `docs/architecture.md` has the picture.

pub mod cli;
pub mod cluster;
pub mod drive;
pub mod forge;
pub mod git;
pub mod http;
pub mod registry;
pub mod runtime;
pub mod web;
