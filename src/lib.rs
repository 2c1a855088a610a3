//! vitrine makes a Git repository the only place where demonstrators are published.
//!
//! The rooms read as a sentence: [`source`] reads the repository, [`catalog`] judges what it
//! says, [`render`] turns each solution into Kubernetes objects, [`plan`] compares them with the
//! cluster, [`apply`] carries the plan out, [`status`] says what became of it and [`report`]
//! tells it on the commit. [`reconcile`] decides when. `docs/architecture.md` has the picture.

pub mod apply;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod model;
pub mod plan;
pub mod reconcile;
pub mod render;
pub mod report;
pub mod sandbox;
pub mod source;
pub mod status;
pub mod web;
