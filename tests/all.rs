//! Every test that is not beside the code it judges, in one binary, so that it is linked once and
//! the same control planes serve all of them.
//!
//! `tests/run` runs them rung by rung and goes by their paths: `rooms::`, `support::` and `forge::`
//! are units, `corpus::` and `render::` judge files, `cli::` the binary, and in `cluster::` a name
//! ends in `::sandbox` or `::real` for the API server that it runs on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
mod support;

mod cli;
mod cluster;
mod corpus;
mod forge;
mod render;
mod rooms;
