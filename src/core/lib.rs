//! What vitrine decides, without hands: plain functions over plain data.
//!
//! [`catalog`] judges what a commit says, [`render`] turns each solution into Kubernetes objects,
//! [`change`] says what differs between two commits, [`plan`] compares them with the cluster, [`status`] says what became of it and [`ledger`] what
//! belongs on which commit; [`doctor`] judges whether a cluster is ready, [`trial`] what an
//! image did that ran on its author's machine. [`engine`] decides when.
//! Nothing here opens a file, holds a client, reads a clock or waits: what these functions know
//! comes in as arguments, and the same input gives the same answer twice.

#![warn(missing_docs)]

pub mod catalog;
pub mod change;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod render;
pub mod status;
pub mod trial;
