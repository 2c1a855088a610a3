//! Reporting to forges, and the fakes that stand for them.

mod fakes;
mod manners;
mod pulls;
mod scenario;
mod server;
mod stage;
mod trouble;
