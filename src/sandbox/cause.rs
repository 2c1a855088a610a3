//! What is wrong with an object, in the words of the API server.

use serde_json::{Value, json};

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        let (field, reason) = (field.into(), "FieldValueInvalid");
        Self { reason, message: format!("Invalid value: {value}: {why}"), field }
    }

    pub fn required(field: impl Into<String>) -> Self {
        let (field, reason) = (field.into(), "FieldValueRequired");
        Self { reason, message: "Required value".to_owned(), field }
    }

    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        let (field, reason) = (field.into(), "FieldValueForbidden");
        Self { reason, message: format!("Forbidden: {why}"), field }
    }

    pub fn unsupported(field: impl Into<String>, value: &Value, supported: &[Value]) -> Self {
        let supported: Vec<String> = supported.iter().map(Value::to_string).collect();
        let message =
            format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.into() }
    }

    /// As `details.causes` lists it.
    pub fn to_json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}
