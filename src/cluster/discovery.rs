//! Asks the server once which kinds it offers: two requests, answered in the aggregated form.

use std::collections::BTreeSet;

use http::Method;
use kube::core::discovery::v2::{ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscoveryList};

use super::client::Unreachable;
use super::request::{self, Api, Failure};
use vitrine_core::model::Kind;

/// What the server offers.
pub(super) struct Served {
    /// Group, version, plural; `None` = the server does not say it in one answer, so that each
    /// kind is simply tried.
    resources: Option<BTreeSet<(String, String, String)>>,
}

impl Served {
    pub fn has(&self, kind: Kind) -> bool {
        let facts = kind.facts();
        self.resources.as_ref().is_none_or(|resources| {
            resources.contains(&(
                facts.group.to_owned(),
                facts.version.to_owned(),
                facts.plural.to_owned(),
            ))
        })
    }
}

/// Asks `/api` and `/apis`.
///
/// # Errors
/// [`Unreachable`]: no answer, no right, or no Kubernetes.
pub(super) async fn served(api: &Api) -> Result<Served, Unreachable> {
    let mut resources = Some(BTreeSet::new());
    for root in ["/api", "/apis"] {
        let request =
            request::request(Method::GET, root, ACCEPT_AGGREGATED_DISCOVERY_V2, "", Vec::new());
        let answer = match request {
            Ok(request) => api.call(request).await,
            Err(failure) => Err(failure),
        };
        let body = answer.map_err(unreachable)?.body;
        let word = serde_json::from_slice::<serde_json::Value>(&body)
            .ok()
            .and_then(|value| Some(value.get("kind")?.as_str()?.to_owned()));
        match word.as_deref() {
            Some("APIGroupDiscoveryList") => {
                let list: APIGroupDiscoveryList = serde_json::from_slice(&body)
                    .map_err(|e| Unreachable::NotKubernetes(format!("{root}: {e}")))?;
                if let Some(resources) = &mut resources {
                    resources.extend(offered(list));
                }
            }
            Some("APIGroupList" | "APIVersions") => resources = None,
            _ => return Err(Unreachable::NotKubernetes(format!("{root} is no list of APIs"))),
        }
    }
    Ok(Served { resources })
}

fn offered(list: APIGroupDiscoveryList) -> impl Iterator<Item = (String, String, String)> {
    list.items.into_iter().flat_map(|group| {
        let name = group.metadata.and_then(|m| m.name).unwrap_or_default();
        group.versions.into_iter().flat_map(move |version| {
            let (name, word) = (name.clone(), version.version.unwrap_or_default());
            version
                .resources
                .into_iter()
                .filter_map(move |r| Some((name.clone(), word.clone(), r.resource?)))
        })
    })
}

fn unreachable(failure: Failure) -> Unreachable {
    match (failure.code(), failure.sentence()) {
        (Some(401), _) => Unreachable::Credentials,
        (Some(403), sentence) => Unreachable::Forbidden(sentence),
        (Some(404), sentence) => Unreachable::NotKubernetes(sentence),
        (_, sentence) => Unreachable::NoAnswer(sentence),
    }
}
