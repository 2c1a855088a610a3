//! Reporting to forges, and the fakes that stand for them.

mod fakes;
mod scenario;
mod server;
mod stage;
mod trouble;
