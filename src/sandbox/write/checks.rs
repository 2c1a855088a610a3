//! What must be right before something is written.

use serde_json::{Value, json};

use super::{Write, remove, unknown_fields};
use crate::cause::Cause;
use crate::kinds::Resource;
use crate::object::{finalizers, text};
use crate::refusal::Refusal;
use crate::rules;
use crate::store::Store;

impl Write<'_> {
    /// The body must be of the kind, name and namespace of the path; what it omits is filled in.
    pub(super) fn address(&self, body: &mut Value) -> Result<(), Refusal> {
        if !body.is_object() {
            return Err(Refusal::bad_request("the body of the request is not an object"));
        }
        for (field, right) in
            [("apiVersion", self.resource.api_version()), ("kind", self.resource.kind.clone())]
        {
            match body.get(field).and_then(Value::as_str) {
                None | Some("") => body[field] = json!(right),
                Some(found) if found == right => {}
                Some(found) => {
                    return Err(Refusal::bad_request(format!(
                        "the {field} in the data ({found}) does not match the expected {field} ({right})"
                    )));
                }
            }
        }
        if !body.get("metadata").is_some_and(Value::is_object) {
            body["metadata"] = json!({});
        }
        match text(body, "/metadata/name") {
            None | Some("") => body["metadata"]["name"] = json!(self.name),
            Some(found) if found == self.name => {}
            Some(found) => {
                return Err(Refusal::bad_request(format!(
                    "the name of the object ({found}) does not match the name on the URL ({})",
                    self.name
                )));
            }
        }
        match text(body, "/metadata/namespace") {
            _ if !self.resource.namespaced => remove(&mut body["metadata"], "namespace"),
            None | Some("") => body["metadata"]["namespace"] = json!(self.namespace),
            Some(found) if found == self.namespace => {}
            Some(_) => {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn check_namespace(&self, store: &Store) -> Result<(), Refusal> {
        if !self.resource.namespaced {
            return Ok(());
        }
        let place = (String::new(), self.namespace.to_owned());
        let namespace = store
            .get("namespaces.", &place)
            .ok_or_else(|| Refusal::namespace_not_found(self.namespace))?;
        if namespace.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(Refusal::terminating(self.resource, self.namespace, self.name));
        }
        Ok(())
    }

    pub(super) fn check_version(&self, body: &Value, old: &Value) -> Result<(), Refusal> {
        let version = text(body, "/metadata/resourceVersion").filter(|v| !v.is_empty());
        if version.is_some_and(|v| Some(v) != text(old, "/metadata/resourceVersion")) {
            return Err(Refusal::modified(self.resource, self.name));
        }
        let uid = text(body, "/metadata/uid").filter(|uid| !uid.is_empty());
        if let (Some(wanted), Some(found)) = (uid, text(old, "/metadata/uid"))
            && wanted != found
        {
            return Err(self.precondition("UID", wanted, found, "deleted and then recreated"));
        }
        Ok(())
    }

    pub(super) fn unknown(&self, body: &Value) -> Result<Vec<String>, String> {
        match &self.resource.schema {
            Some(schema) => {
                let mut unknown = schema.unknown(body);
                unknown.extend(rules::unknown_metadata(body)?);
                Ok(unknown)
            }
            None => rules::unknown_fields(self.resource, body),
        }
    }

    /// Refuses what the type does not know, or drops it.
    pub(super) fn decode(&self, body: &mut Value) -> Result<(), Refusal> {
        let Resource { version, kind, .. } = &**self.resource;
        let refuse = |why: String| {
            Refusal::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
            ))
        };
        let unknown = self.unknown(body).map_err(refuse)?;
        if self.strict && !unknown.is_empty() {
            let why = format!("strict decoding error: {}", unknown_fields(&unknown));
            return Err(refuse(why));
        }
        self.prune(body, &unknown);
        Ok(())
    }

    pub(super) fn prune(&self, body: &mut Value, unknown: &[String]) {
        match &self.resource.schema {
            Some(schema) => {
                schema.prune(body, true);
                let metadata = unknown.iter().filter(|path| path.starts_with("metadata."));
                metadata.for_each(|path| remove_path(body, path));
            }
            None => unknown.iter().for_each(|path| remove_path(body, path)),
        }
    }

    /// What an apply cannot be read for.
    pub(super) fn untyped(&self, body: &Value) -> Vec<String> {
        let undeclared = |path: String| format!(".{path}: field not declared in schema");
        match &self.resource.schema {
            Some(schema) => {
                let mut faults = schema.mistyped(body);
                match self.unknown(body) {
                    Ok(unknown) => faults.extend(unknown.into_iter().map(undeclared)),
                    Err(why) => faults.push(why),
                }
                faults
            }
            None => match rules::unknown_fields(self.resource, body) {
                Ok(unknown) => unknown.into_iter().map(undeclared).collect(),
                Err(why) => vec![why],
            },
        }
    }

    pub(super) fn check(&self, object: &Value, old: Option<&Value>) -> Result<(), Refusal> {
        let mut causes = rules::judge_metadata(self.resource, object);
        match &self.resource.schema {
            Some(schema) => causes.extend(schema.judge(object)),
            None => causes.extend(rules::judge(self.resource, object, old)),
        }
        if let Some(old) = old.filter(|o| o.pointer("/metadata/deletionTimestamp").is_some()) {
            let before = finalizers(old);
            let fresh: Vec<&str> =
                finalizers(object).into_iter().filter(|f| !before.contains(f)).collect();
            if !fresh.is_empty() {
                let why = format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{fresh:?}}}"
                );
                causes.push(Cause::forbidden("metadata.finalizers", &why));
            }
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid(self.resource, self.name, &causes))
        }
    }
}

/// Removes the field at a path as the decoder names it (`spec.ports[0].foo`).
fn remove_path(object: &mut Value, path: &str) {
    let (first, rest) = match path.find(['.', '[']) {
        Some(end) => (&path[..end], &path[end..]),
        None => return remove(object, path),
    };
    let Some(mut inner) = object.get_mut(first) else { return };
    let mut rest = rest;
    while let Some(indexed) = rest.strip_prefix('[') {
        let Some((index, after)) = indexed.split_once(']') else { return };
        let item = index.parse::<usize>().ok().and_then(|i| inner.get_mut(i));
        let Some(item) = item else { return };
        (inner, rest) = (item, after);
    }
    if let Some(rest) = rest.strip_prefix('.') {
        remove_path(inner, rest);
    }
}
