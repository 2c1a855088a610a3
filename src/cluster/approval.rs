//! What is held, and approvals of it: ConfigMaps in the daemon's namespace that list harm.
//!
//! The daemon writes what it holds, a person writes what may be deleted; the API server's RBAC
//! decides who that is. A list that does not have the hash that it claims holds and approves
//! nothing.

mod lines;

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::request::{self, APPLY, Api, Failure, JSON, METADATA, unavailable, with_query};
use super::settings::Settings;
use vitrine_core::config;
use vitrine_core::model::{ContentHash, InstanceName, Kind, ObjectKey, marks};
use vitrine_core::plan::observed::Approval;
use vitrine_core::plan::{HELD_DIGITS, Harm, Hold, held_list};

const HASH: &str = "hash";
const REASON: &str = "reason";

/// Why nothing was approved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    #[error("the plan's list has the hash {found}, not {asked}: look at the plan again")]
    OtherPlan { asked: String, found: ContentHash },
    #[error("the plan takes nothing away: there is nothing to approve")]
    Nothing,
    #[error("the approval cannot be written: {0}")]
    Unwritten(String),
}

/// The name of the ConfigMap that approves a hash.
fn name(instance: &InstanceName, hash: &ContentHash) -> String {
    format!("vitrine-{instance}-approval-{}", hash.first(HELD_DIGITS))
}

/// Approves this harm with the caller's own rights; answers the ConfigMap's name. An
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
    harm: &Harm,
) -> Result<String, NotApproved> {
    if harm.is_empty() {
        return Err(NotApproved::Nothing);
    }
    let hash = harm.hash();
    if asked.len() < HELD_DIGITS || !hash.to_string().starts_with(asked) {
        return Err(NotApproved::OtherPlan { asked: asked.to_owned(), found: hash });
    }
    let api = Api { client, deadline: settings.deadline };
    let name = name(&settings.instance, &hash);
    let mut body = body(settings, &name, (marks::APPROVAL, "true"), &hash, harm);
    body["immutable"] = json!(true);
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

/// A ConfigMap that lists this harm.
fn body(
    settings: &Settings,
    name: &str,
    label: (&str, &str),
    hash: &ContentHash,
    harm: &Harm,
) -> serde_json::Value {
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": {
                marks::MANAGED_BY: marks::PRODUCT,
                marks::INSTANCE: settings.instance.as_str(),
                label.0: label.1,
            },
        },
        "data": { HASH: hash.to_string() },
    });
    let (field, name, text) = lines::write(harm);
    body[field][name] = json!(text);
    body
}

/// Writes what is held, or takes away what was written.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn post(
    api: &Api,
    settings: &Settings,
    hold: Option<&Hold>,
) -> Result<(), String> {
    let name = held_list(&settings.instance);
    let key = ObjectKey::namespaced(Kind::ConfigMap, settings.namespace.as_str(), &name);
    let address = request::address(&key);
    let sent = async {
        let request = match hold {
            Some(hold) => {
                let digits = hold.hash.first(HELD_DIGITS);
                let label = (marks::HELD, digits.as_str());
                let mut body = body(settings, &name, label, &hold.hash, &hold.harm);
                body["data"][REASON] = json!(hold.reason);
                let body = serde_json::to_vec(&body)
                    .map_err(|e| unavailable(format!("the list cannot be written: {e}")))?;
                let address = with_query(
                    &address,
                    &[
                        ("fieldManager", marks::MANAGER),
                        ("force", "true"),
                        ("fieldValidation", "Strict"),
                    ],
                );
                request::request(Method::PATCH, &address, METADATA, APPLY, body)?
            }
            None => request::request(Method::DELETE, &address, METADATA, "", Vec::new())?,
        };
        api.call(request).await
    };
    match sent.await {
        Ok(_) => Ok(()),
        Err(failure) if hold.is_none() && failure.code() == Some(404) => Ok(()),
        Err(failure) => {
            Err(format!("ConfigMap {}/{name}: {}", settings.namespace, failure.sentence()))
        }
    }
}

/// What a daemon holds, as it wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldList {
    pub instance: InstanceName,
    /// The daemon's own namespace.
    pub namespace: String,
    /// Of exactly `harm`.
    pub hash: ContentHash,
    pub harm: Harm,
}

/// What the daemons of a cluster hold: in the namespace of the settings or, where nothing is held
/// there, in all that the caller may read. `instance` and `only_there` narrow it.
///
/// # Errors
/// A sentence for whoever asks: the server cannot be reached, or refuses.
pub async fn held_lists(
    client: kube::Client,
    cluster: &config::Cluster,
    instance: Option<&InstanceName>,
    only_there: bool,
) -> Result<Vec<HeldList>, String> {
    let api = Api { client, deadline: Settings::DEADLINE };
    let there = lists(&api, Some(&cluster.namespace), instance).await;
    let lists = match there {
        Ok(found) if !found.is_empty() || only_there => Ok(found),
        Err(failure) if only_there || matches!(failure, Failure::Unavailable { .. }) => {
            Err(failure)
        }
        // Whoever may not look everywhere is told what is wrong with the place that was named.
        there => lists(&api, None, instance).await.or(there),
    };
    lists.map_err(|failure| {
        let namespace = &cluster.namespace;
        match failure.code() {
            Some(403) => format!(
                "you may not list ConfigMaps in {namespace}: ask for the Role vitrine-approver of deploy/rbac.yaml ({})",
                failure.sentence()
            ),
            _ => failure.sentence(),
        }
    })
}

async fn lists(
    api: &Api,
    namespace: Option<&str>,
    instance: Option<&InstanceName>,
) -> Result<Vec<HeldList>, Failure> {
    #[derive(Deserialize)]
    struct List {
        items: Vec<ConfigMap>,
    }
    let ours = instance.map(|instance| format!(",{}={instance}", marks::INSTANCE));
    let selector = format!("{}{}", marks::HELD, ours.unwrap_or_default());
    let collection = request::collection(Kind::ConfigMap, namespace);
    let address = with_query(&collection, &[("labelSelector", &selector)]);
    let answer = api.call(request::request(Method::GET, &address, JSON, "", Vec::new())?).await?;
    let list: List = serde_json::from_slice(&answer.body)
        .map_err(|e| unavailable(format!("the ConfigMaps cannot be read: {e}")))?;
    Ok(list.items.iter().filter_map(ConfigMap::held).collect())
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

/// A ConfigMap, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigMap {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    binary_data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    creation_timestamp: Timestamp,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl ConfigMap {
    /// What it lists, if it has the hash that it claims.
    fn harm(&self) -> Option<(ContentHash, Harm)> {
        let harm = lines::read(&self.data, &self.binary_data)?;
        let hash = harm.hash();
        (self.data.get(HASH).map(String::as_str) == Some(hash.to_string().as_str()))
            .then_some((hash, harm))
    }

    /// What is held, if it is such a list.
    fn held(&self) -> Option<HeldList> {
        let Metadata { name, namespace, labels, .. } = &self.metadata;
        let instance = InstanceName::parse(labels.get(marks::INSTANCE)?).ok()?;
        let (hash, harm) = self.harm()?;
        let namespace = namespace.clone();
        (*name == held_list(&instance)).then_some(HeldList { instance, namespace, hash, harm })
    }
}

fn parsed(instance: &InstanceName, body: &[u8]) -> Option<Approval> {
    let map: ConfigMap = serde_json::from_slice(body).ok()?;
    let (hash, harm) = map.harm()?;
    let honest = map.metadata.name == name(instance, &hash);
    honest.then_some(Approval { hash, harm, created: map.metadata.creation_timestamp })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::collections::BTreeSet;

    use vitrine_core::plan::Address;

    use super::*;

    fn harm() -> Harm {
        Harm {
            deletions: BTreeSet::from([
                ObjectKey::cluster(Kind::Namespace, "sol-use"),
                ObjectKey::namespaced(Kind::HttpRoute, "sol-use", "use"),
            ]),
            addresses: BTreeSet::from([Address {
                host: "anomaly.demo.example".into(),
                path: "/".into(),
                gateway: "edge/public".into(),
            }]),
        }
    }

    fn map(change: impl Fn(&mut serde_json::Value)) -> Option<Approval> {
        let instance = InstanceName::parse("prod").unwrap();
        let hash = harm().hash();
        let mut body = json!({
            "metadata": {
                "name": name(&instance, &hash),
                "creationTimestamp": "2026-01-05T10:00:00Z",
            },
            "data": { HASH: hash.to_string(), "deletions": lines::text(&harm()) },
        });
        change(&mut body);
        parsed(&instance, body.to_string().as_bytes())
    }

    #[test]
    fn an_approval_reads_back_exactly_what_was_approved() {
        let read = map(|_| {}).unwrap();
        assert_eq!(read.harm, harm());
        assert_eq!(read.hash, harm().hash());
    }

    #[test]
    fn a_list_without_the_hash_that_it_claims_approves_nothing() {
        let more = |body: &mut serde_json::Value| {
            let longer = format!("{}Namespace sol-other\n", lines::text(&harm()));
            body["data"]["deletions"] = json!(longer);
        };
        assert_eq!(map(more), None);
        assert_eq!(map(|body| body["data"][HASH] = json!("0")), None);
        assert_eq!(map(|body| body["metadata"]["name"] = json!("vitrine-prod-approval-0")), None);
        assert_eq!(map(|body| body["data"]["deletions"] = json!("Secret a/b\n")), None);
        assert_eq!(map(|body| body["data"] = json!({})), None);
    }

    #[test]
    fn a_list_of_what_is_held_is_believed_by_its_name_and_its_hash() {
        let settings = Settings::new(InstanceName::parse("prod").unwrap(), "vitrine");
        let hash = harm().hash();
        let map = |name: &str, harm: &Harm| {
            let digits = hash.first(HELD_DIGITS);
            let label = (marks::HELD, digits.as_str());
            let mut body = body(&settings, name, label, &hash, harm);
            body["metadata"]["creationTimestamp"] = json!("2026-01-05T10:00:00Z");
            serde_json::from_value::<ConfigMap>(body).unwrap().held()
        };
        let held = map("vitrine-prod-held", &harm()).unwrap();
        assert_eq!((held.instance.as_str(), held.namespace.as_str()), ("prod", "vitrine"));
        assert_eq!((&held.hash, held.harm), (&hash, harm()));
        assert_eq!(map("vitrine-other-held", &harm()), None);
        let fewer = Harm { addresses: BTreeSet::new(), ..harm() };
        assert_eq!(map("vitrine-prod-held", &fewer), None);
    }
}
