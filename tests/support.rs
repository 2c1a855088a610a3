//! What the tests stand on: a cluster to run against, and the things that people and other
//! controllers do to it.

// Shared by scenarios that come and go; the ones on duty decide what is used.
#![allow(dead_code)]

pub mod bad_day;
pub mod binary;
pub mod catalogue;
pub mod certificates;
pub mod clear;
#[macro_use]
pub mod cluster;
pub mod daemon;
pub mod forge;
pub mod git_server;
pub mod guard;
pub mod heavy;
pub mod objects;
pub mod players;
pub mod podman;
mod policy;
pub mod real;
pub mod registry;
pub mod requests;

/// Says that something is not judged here. Past the capture of a test that passes, so that it is
/// read in every run.
pub fn left_out(what: &str, why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "left out: {what}, because {why}");
}
