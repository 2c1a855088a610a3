//! Reads a YAML tree against a closed schema and collects every fault on the way.
//!
//! A [`Sheet`] is one file under judgement; a [`Cursor`] is a value in it that knows its path; a
//! [`Fields`] is a map of which the allowed keys were told. Nothing stops at the first fault:
//! what cannot be read becomes `None`, and the rest is judged.

mod cursor;
mod form;
mod json_schema;
mod mend;
mod near;
mod open;
mod repair;
mod scalar;
mod sheet;

pub use cursor::{Cursor, Fields};
pub use form::{Choice, Field, Foreign, Form, Means, Schema};
pub use json_schema::json_schema;
pub use near::{certain, nearest};
pub use open::open;
pub use sheet::Sheet;

#[cfg(test)]
#[path = "decode/tests.rs"]
mod tests;
