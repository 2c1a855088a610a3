//! How the API says no: a `Status` with a code, a reason and causes.

use serde_json::{Value, json};

use super::cause::Cause;
use super::kinds::Resource;

/// An answer other than success.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: u16,
    /// `NotFound`, `Conflict`, ...; empty where the server gives none.
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
    /// Seconds for the header `Retry-After`.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// An answer of this code and reason. `details` and `Retry-After` are absent.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after: None }
    }

    /// The same with these `details.causes`.
    pub fn because_of(mut self, causes: &[Cause]) -> Self {
        self.details["causes"] = causes.iter().map(Cause::to_json).collect();
        self
    }

    /// The same with this `Retry-After`, in seconds, which is told in `details` too.
    pub fn try_again_after(mut self, seconds: u32) -> Self {
        self.details["retryAfterSeconds"] = json!(seconds);
        self.retry_after = Some(seconds);
        self
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        let mut details = json!({"name": name, "kind": resource.plural});
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        self.details = details;
        self
    }

    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    pub fn namespace_not_found(name: &str) -> Self {
        let mut refusal = Self::new(404, "NotFound", format!("namespaces \"{name}\" not found"));
        refusal.details = json!({"name": name, "kind": "namespaces"});
        refusal
    }

    pub fn no_such_path() -> Self {
        let mut refusal =
            Self::new(404, "NotFound", "the server could not find the requested resource");
        refusal.details = json!({});
        refusal
    }

    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// Another writer was quicker.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// Fields that other managers own: `(whose, path)`, grouped by manager.
    pub fn field_conflicts(conflicts: &[(String, Vec<String>)]) -> Self {
        let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
        let whose: Vec<String> = conflicts
            .iter()
            .map(|(whose, paths)| match &paths[..] {
                [path] if count == 1 => format!("conflict with {whose}: {path}"),
                paths => {
                    let lines: String = paths.iter().map(|p| format!("\n- {p}")).collect();
                    format!("conflicts with {whose}:{lines}")
                }
            })
            .collect();
        let noun = if count == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {count} {noun}: {}", whose.join("\n"));
        let causes: Vec<Value> = conflicts
            .iter()
            .flat_map(|(whose, paths)| paths.iter().map(move |path| (whose, path)))
            .map(|(whose, path)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with {whose}"), "field": path})
            })
            .collect();
        let mut refusal = Self::new(409, "Conflict", message);
        refusal.details = json!({"causes": causes});
        refusal
    }

    pub fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let said: Vec<String> =
            causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let said = match &said[..] {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = if resource.group.is_empty() {
            resource.kind.clone()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let mut refusal =
            Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {said}"))
                .about(resource, name)
                .because_of(causes);
        refusal.details["kind"] = json!(resource.kind);
        refusal
    }

    pub fn no_manager() -> Self {
        let why = "Required value: is required for apply patch";
        let mut refusal = Self::new(
            422,
            "Invalid",
            format!("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: {why}"),
        );
        refusal.details = json!({"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [
            {"reason": "FieldValueRequired", "message": why, "field": "fieldManager"}]});
        refusal
    }

    pub fn terminating(resource: &Resource, namespace: &str, name: &str) -> Self {
        let message = format!(
            "{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            resource.qualified()
        );
        let mut refusal = Self::new(403, "Forbidden", message).about(resource, name);
        refusal.details["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        refusal
    }

    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn unsupported_media_type(found: &str) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!("the body of the request was in an unknown format: {found}"),
        )
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    /// What an apply of a body that is not of its schema gets: 500 and no reason, as on the real
    /// server.
    pub fn untyped(resource: &Resource, namespace: &str, name: &str, faults: &[String]) -> Self {
        let faults = match faults {
            [one] => one.clone(),
            many => format!("errors:\n  {}", many.join("\n  ")),
        };
        let version = resource.api_version();
        let version = if resource.group.is_empty() { format!("/{version}") } else { version };
        Self::new(
            500,
            "",
            format!(
                "failed to create typed patch object ({namespace}/{name}; {version}, Kind={}): {faults}",
                resource.kind
            ),
        )
    }

    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::new(429, "TooManyRequests", "too many requests, please try again later")
            .try_again_after(retry_after)
    }

    pub fn internal() -> Self {
        Self::new(500, "InternalError", "Internal error occurred: injected fault")
    }

    /// The `Status` object.
    pub fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}
