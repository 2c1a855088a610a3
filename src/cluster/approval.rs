//! Approvals: a ConfigMap in the daemon's namespace that lists exactly what may be deleted.
//!
//! The API server's RBAC decides who may write one. A list that does not have the hash that it
//! claims approves nothing.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::request::{self, Api, Failure, JSON, METADATA, unavailable, with_query};
use super::settings::Settings;
use vitrine_core::model::{ContentHash, InstanceName, Kind, ObjectKey, marks};
use vitrine_core::plan::deletions_hash;
use vitrine_core::plan::observed::Approval;

const HASH: &str = "hash";
const DELETIONS: &str = "deletions";

/// Why nothing was approved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    #[error("the plan's deletions have the hash {found}, not {asked}: look at the plan again")]
    OtherPlan { asked: String, found: ContentHash },
    #[error("the plan deletes nothing: there is nothing to approve")]
    Nothing,
    #[error("the approval cannot be written: {0}")]
    Unwritten(String),
}

/// The name of the ConfigMap that approves a hash.
fn name(instance: &InstanceName, hash: &ContentHash) -> String {
    format!("vitrine-{instance}-approval-{}", hash.first(12))
}

/// Approves these deletions with the caller's own rights; answers the ConfigMap's name. An
/// approval that is there already is renewed.
///
/// `asked` is the hash, or its first 12 digits or more, as the person gave it.
///
/// # Errors
/// [`NotApproved`].
pub async fn approve(
    client: kube::Client,
    settings: &Settings,
    asked: &str,
    deletions: &BTreeSet<ObjectKey>,
) -> Result<String, NotApproved> {
    if deletions.is_empty() {
        return Err(NotApproved::Nothing);
    }
    let hash = deletions_hash(deletions);
    if asked.len() < 12 || !hash.as_str().starts_with(asked) {
        return Err(NotApproved::OtherPlan { asked: asked.to_owned(), found: hash });
    }
    let api = Api { client, deadline: settings.deadline };
    let name = name(&settings.instance, &hash);
    let body = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": {
                marks::MANAGED_BY: marks::PRODUCT,
                marks::INSTANCE: settings.instance.as_str(),
                marks::APPROVAL: "true",
            },
        },
        "immutable": true,
        "data": { HASH: hash.as_str(), DELETIONS: lines(deletions) },
    });
    let written = async {
        match create(&api, settings, &body).await {
            Err(Failure::Refused { rejection, .. }) if rejection.reason == "AlreadyExists" => {
                // The old one may have expired: its age counts from its creation.
                let key =
                    ObjectKey::namespaced(Kind::ConfigMap, settings.namespace.as_str(), &name);
                let request = request::request(
                    Method::DELETE,
                    &request::address(&key),
                    METADATA,
                    "",
                    Vec::new(),
                )?;
                match api.call(request).await {
                    Err(failure) if failure.code() != Some(404) => return Err(failure),
                    _ => {}
                }
                create(&api, settings, &body).await
            }
            other => other,
        }
    };
    match written.await {
        Ok(()) => Ok(name),
        Err(failure) => Err(NotApproved::Unwritten(failure.sentence())),
    }
}

async fn create(api: &Api, settings: &Settings, body: &serde_json::Value) -> Result<(), Failure> {
    let address = with_query(
        &request::collection(Kind::ConfigMap, Some(&settings.namespace)),
        &[("fieldManager", "vitrine-approve"), ("fieldValidation", "Strict")],
    );
    let body = serde_json::to_vec(body)
        .map_err(|e| unavailable(format!("the approval cannot be written: {e}")))?;
    api.call(request::request(Method::POST, &address, METADATA, JSON, body)?).await?;
    Ok(())
}

/// Reads the approval of this name; `None` = it is gone, or does not say what it claims.
///
/// # Errors
/// The server could not be asked, or refused.
pub(super) async fn read(
    api: &Api,
    settings: &Settings,
    name: &str,
) -> Result<Option<Approval>, Failure> {
    let key = ObjectKey::namespaced(Kind::ConfigMap, settings.namespace.as_str(), name);
    let request = request::request(Method::GET, &request::address(&key), JSON, "", Vec::new())?;
    match api.call(request).await {
        Ok(answer) => Ok(parsed(&settings.instance, &answer.body)),
        Err(failure) if failure.code() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn parsed(instance: &InstanceName, body: &[u8]) -> Option<Approval> {
    #[derive(Deserialize)]
    struct ConfigMap {
        metadata: Metadata,
        #[serde(default)]
        data: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: String,
        creation_timestamp: Timestamp,
    }
    let map: ConfigMap = serde_json::from_slice(body).ok()?;
    let deletions = map.data.get(DELETIONS)?.lines().map(key).collect::<Option<BTreeSet<_>>>()?;
    let hash = deletions_hash(&deletions);
    let honest = map.data.get(HASH).map(String::as_str) == Some(hash.as_str())
        && map.metadata.name == name(instance, &hash);
    honest.then_some(Approval { hash, deletions, created: map.metadata.creation_timestamp })
}

/// One line an object: `Deployment sol-use/web`, `Namespace sol-use`.
fn lines(deletions: &BTreeSet<ObjectKey>) -> String {
    let line = |key: &ObjectKey| match &key.namespace {
        Some(namespace) => format!("{} {namespace}/{}\n", key.kind, key.name),
        None => format!("{} {}\n", key.kind, key.name),
    };
    deletions.iter().map(line).collect()
}

/// Reads one such line.
fn key(line: &str) -> Option<ObjectKey> {
    let (word, address) = line.split_once(' ')?;
    let kind = Kind::RENDERED.into_iter().find(|kind| kind.facts().kind == word)?;
    match address.split_once('/') {
        Some((namespace, name)) => Some(ObjectKey::namespaced(kind, namespace, name)),
        None => Some(ObjectKey::cluster(kind, address)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn deletions() -> BTreeSet<ObjectKey> {
        BTreeSet::from([
            ObjectKey::cluster(Kind::Namespace, "sol-use"),
            ObjectKey::namespaced(Kind::HttpRoute, "sol-use", "use"),
        ])
    }

    fn map(change: impl Fn(&mut serde_json::Value)) -> Option<Approval> {
        let instance = InstanceName::parse("prod").unwrap();
        let hash = deletions_hash(&deletions());
        let mut body = json!({
            "metadata": {
                "name": name(&instance, &hash),
                "creationTimestamp": "2026-01-05T10:00:00Z",
            },
            "data": { HASH: hash.as_str(), DELETIONS: lines(&deletions()) },
        });
        change(&mut body);
        parsed(&instance, body.to_string().as_bytes())
    }

    #[test]
    fn an_approval_reads_back_exactly_what_was_approved() {
        let read = map(|_| {}).unwrap();
        assert_eq!(read.deletions, deletions());
        assert_eq!(read.hash, deletions_hash(&deletions()));
    }

    #[test]
    fn a_list_without_the_hash_that_it_claims_approves_nothing() {
        let more = |body: &mut serde_json::Value| {
            let longer = format!("{}Namespace sol-other\n", lines(&deletions()));
            body["data"][DELETIONS] = json!(longer);
        };
        assert_eq!(map(more), None);
        assert_eq!(map(|body| body["data"][HASH] = json!("0")), None);
        assert_eq!(map(|body| body["metadata"]["name"] = json!("vitrine-prod-approval-0")), None);
        assert_eq!(map(|body| body["data"][DELETIONS] = json!("Secret a/b\n")), None);
        assert_eq!(map(|body| body["data"] = json!({})), None);
    }

    #[test]
    fn every_kind_survives_its_line() {
        for kind in Kind::RENDERED {
            let whole = match kind.facts().namespaced {
                true => ObjectKey::namespaced(kind, "ns", "a.b"),
                false => ObjectKey::cluster(kind, "a"),
            };
            let text = lines(&BTreeSet::from([whole.clone()]));
            assert_eq!(key(text.trim_end()), Some(whole));
        }
    }
}
