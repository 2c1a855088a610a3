//! Small facts for the tables of cases.

use std::time::Duration;

use super::Setup;
use crate::model::Quantity;
use crate::plan::observed::Condition;

/// A component as most are.
pub const SETUP: Setup<'static> = Setup {
    name: "app",
    class: Some("gpu-l4"),
    port: Some(8080),
    startup: Some(Duration::from_secs(300)),
    memory: Some(Quantity::gibibytes(3)),
    storage: Some(Quantity::gibibytes(5)),
    beyond: None,
};

/// A condition that says no generation.
pub fn fact(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    let text = str::to_owned;
    Condition {
        kind: text(kind).into(),
        status: text(status).into(),
        reason: reason.into(),
        message: message.into(),
        ..Condition::default()
    }
}
