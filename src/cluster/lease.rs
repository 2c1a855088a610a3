//! What the daemon remembers on its Lease: the last commit that is completely applied, the
//! catalogue's root, and what was removed lately.

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::request::{self, APPLY, Api, Failure, JSON, METADATA, unavailable, with_query};
use super::settings::Settings;
use vitrine_core::model::{Revision, SolutionName, marks};
use vitrine_core::plan::observed::{Record, Removal, Went};

const APPLIED: &str = "vitrine.dev/applied";
const ROOT: &str = "vitrine.dev/root";
const REMOVALS: &str = "vitrine.dev/removals";
/// Removals that the Lease holds, the newest; an annotation has at most 256 KiB.
const MOST_REMOVALS: usize = 1000;

/// One removal, as the annotation holds it.
#[derive(Deserialize, Serialize)]
struct Entry {
    name: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Why::is_removed")]
    why: Why,
}

/// Absent: it was removed, which is all that older versions wrote.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Why {
    #[default]
    Removed,
    Moved,
}

impl Why {
    fn is_removed(&self) -> bool {
        *self == Self::Removed
    }
}

fn name(settings: &Settings) -> String {
    format!("vitrine-{}", settings.instance)
}

fn address(settings: &Settings) -> String {
    let namespace = Some(settings.namespace.as_str());
    let leases = request::resource("coordination.k8s.io", "v1", namespace, "leases");
    format!("{leases}/{}", name(settings))
}

/// Reads the record, and the Lease's resourceVersion; without one there is no Lease.
///
/// # Errors
/// Everything but the Lease and its absence: then nothing is known of the record.
pub(super) async fn read(
    api: &Api,
    settings: &Settings,
) -> Result<(Record, Option<String>), Failure> {
    let request = request::request(Method::GET, &address(settings), JSON, "", Vec::new())?;
    match api.call(request).await {
        Ok(answer) => parsed(&answer.body).map(|(record, version)| (record, Some(version))),
        Err(Failure::Refused { rejection, .. }) if rejection.code == 404 => {
            Ok((Record::Missing, None))
        }
        Err(failure) => Err(failure),
    }
}

/// A Lease, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lease {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    annotations: BTreeMap<String, String>,
}

impl Lease {
    fn read(body: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(body)
            .map_err(|e| unavailable(format!("the Lease cannot be read: {e}")))
    }
}

/// The record in the body of a Lease, and the Lease's version.
fn parsed(body: &[u8]) -> Result<(Record, String), Failure> {
    let Metadata { resource_version, annotations } = Lease::read(body)?.metadata;
    let removals: Vec<Entry> = match annotations.get(REMOVALS) {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text).map_err(|e| {
            unavailable(format!("the annotation {REMOVALS} on the Lease cannot be read: {e}"))
        })?,
    };
    let record = Record::Kept {
        applied: annotations.get(APPLIED).and_then(|text| Revision::parse(text).ok()),
        root: annotations.get(ROOT).cloned(),
        // What cannot be a solution's name was written by no daemon.
        removals: removals.into_iter().filter_map(removal).collect(),
    };
    Ok((record, resource_version))
}

fn removal(entry: Entry) -> Option<Removal> {
    let name = SolutionName::parse(&entry.name).ok()?;
    let why = match entry.why {
        Why::Removed => Went::Removed,
        Why::Moved => Went::Moved,
    };
    Some(Removal { name, at: entry.at, why })
}

fn entry(Removal { name, at, why }: &Removal) -> Entry {
    let why = match why {
        Went::Removed => Why::Removed,
        Went::Moved => Why::Moved,
    };
    Entry { name: name.to_string(), at: *at, why }
}

/// Writes the record, creating the Lease if need be; answers the version that it has then.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn write(
    api: &Api,
    settings: &Settings,
    applied: &Revision,
    root: &str,
    removals: &[Removal],
) -> Result<String, String> {
    let newest = removals.iter().rev().take(MOST_REMOVALS).rev();
    let newest: Vec<Entry> = newest.map(entry).collect();
    let sent = async {
        let text = serde_json::to_string(&newest)
            .map_err(|e| unavailable(format!("the removals cannot be written: {e}")))?;
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name(settings),
                "namespace": settings.namespace,
                "labels": {
                    marks::MANAGED_BY: marks::PRODUCT,
                    marks::INSTANCE: settings.instance.as_str(),
                },
                "annotations": { APPLIED: applied.as_str(), ROOT: root, REMOVALS: text },
            },
        });
        let body = serde_json::to_vec(&body)
            .map_err(|e| unavailable(format!("the Lease cannot be written: {e}")))?;
        let address = with_query(
            &address(settings),
            &[("fieldManager", marks::MANAGER), ("force", "true"), ("fieldValidation", "Strict")],
        );
        let request = request::request(Method::PATCH, &address, METADATA, APPLY, body)?;
        Lease::read(&api.call(request).await?.body)
    };
    match sent.await {
        Ok(lease) => Ok(lease.metadata.resource_version),
        Err(failure) => Err(trouble(settings, &failure)),
    }
}

/// Why the record cannot be kept, in a sentence.
pub(super) fn trouble(settings: &Settings, failure: &Failure) -> String {
    let Settings { namespace, .. } = settings;
    let lease = name(settings);
    match failure {
        Failure::Refused { rejection, about } if rejection.code == 404 && about == "namespaces" => {
            format!("the daemon's namespace {namespace} does not exist: create it")
        }
        Failure::Refused { rejection, .. } if rejection.code == 403 => format!(
            "the daemon may not read and patch Lease {namespace}/{lease}: apply deploy/rbac.yaml ({})",
            rejection.message
        ),
        _ => format!("Lease {namespace}/{lease}: {}", failure.sentence()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn read(annotations: &serde_json::Value) -> Result<Record, Failure> {
        let lease = json!({"metadata": {"annotations": annotations, "resourceVersion": "7"}});
        let (record, version) = parsed(lease.to_string().as_bytes())?;
        assert_eq!(version, "7");
        Ok(record)
    }

    #[test]
    fn a_lease_that_says_nothing_is_not_a_missing_one() {
        let empty = Record::Kept { applied: None, root: None, removals: Vec::new() };
        assert_eq!(read(&json!({})), Ok(empty.clone()));
        assert_eq!(parsed(br#"{"metadata":{}}"#), Ok((empty, String::new())));
    }

    #[test]
    fn removals_that_cannot_be_read_leave_the_record_unread() {
        assert!(read(&json!({REMOVALS: "yesterday"})).is_err());
        assert!(parsed(b"<html>").is_err());
    }

    #[test]
    fn a_removal_of_what_could_not_be_a_solution_is_none() {
        let removals = r#"[{"name":"Old Demo","at":"2026-01-05T10:00:00Z"}]"#;
        let empty = Record::Kept { applied: None, root: None, removals: Vec::new() };
        assert_eq!(read(&json!({REMOVALS: removals})), Ok(empty));
    }

    #[test]
    fn what_was_written_is_read_again() {
        let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let removed =
            |name: &str, why| Removal { name: SolutionName::parse(name).unwrap(), at, why };
        let all = vec![removed("use", Went::Removed), removed("anomaly", Went::Moved)];
        let removals = serde_json::to_string(&all.iter().map(entry).collect::<Vec<_>>()).unwrap();
        let text = "[{\"name\":\"use\",\"at\":\"2026-01-05T10:00:00Z\"},\
                    {\"name\":\"anomaly\",\"at\":\"2026-01-05T10:00:00Z\",\"why\":\"moved\"}]";
        assert_eq!(removals, text, "a removal is written as ever");
        let applied = "a".repeat(40);
        let read = read(&json!({APPLIED: applied, ROOT: "demos", REMOVALS: removals})).unwrap();
        assert_eq!(
            read,
            Record::Kept {
                applied: Revision::parse(&applied).ok(),
                root: Some("demos".to_owned()),
                removals: all,
            }
        );
    }
}
