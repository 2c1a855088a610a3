//! Reporting to forges, and the fakes that stand for them.

pub mod author;
mod fakes;
mod images;
mod manners;
mod marks;
mod pulls;
mod scenario;
mod server;
pub mod stage;
mod trouble;
