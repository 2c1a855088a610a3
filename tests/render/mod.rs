//! What reaches the cluster: golden files that a person reads, and rules that no solution breaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod fixtures;
mod golden;
mod isolation;
mod mesh;
mod pods;
mod properties;
mod quota;
mod rules;
