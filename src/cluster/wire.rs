//! Objects as the API server sends them, read as far as a decision needs.
//!
//! Whole objects are never held.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::health::{
    self, DeploymentWire, NamespaceWire, PodWire, PolicyWire, QuotaWire, ReadyWire, ScaledWire,
};
use super::request::Status;
use super::route::{self, IngressWire, RouteWire};
use super::said::{self, EventWire};
use vitrine_core::engine::{Meta, Seen};
use vitrine_core::model::Kind;
use vitrine_core::plan::observed::HealthFacts;

/// An event of a watch.
#[derive(Debug)]
pub(super) enum Event {
    /// Added or modified.
    Present(Box<Seen>),
    Deleted(Box<Seen>),
    /// Everything up to this version was sent; `initial` = the list is complete with it.
    Bookmark {
        version: String,
        initial: bool,
    },
    /// The server ends the watch for a reason.
    Error(Status),
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub items: Vec<Seen>,
    pub version: String,
    /// The token of the next page.
    pub next: Option<String>,
}

/// What is read of the objects that a watch brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Metadata,
    Ingress,
    Namespace,
    Deployment,
    Route,
    Scaled,
    Ready,
    Policy,
    Quota,
    Pod,
    Event,
}

impl Depth {
    /// How much of a kind is read.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Deployment => Self::Deployment,
            Kind::HttpRoute => Self::Route,
            Kind::Ingress => Self::Ingress,
            Kind::ScaledObject => Self::Scaled,
            Kind::InterceptorRoute => Self::Ready,
            Kind::HttpLocalRateLimitPolicy | Kind::BackendTrafficPolicy => Self::Policy,
            Kind::ResourceQuota => Self::Quota,
            Kind::Pod => Self::Pod,
            Kind::Namespace => Self::Namespace,
            Kind::LimitRange
            | Kind::Server
            | Kind::MeshTlsAuthentication
            | Kind::AuthorizationPolicy
            | Kind::PodDisruptionBudget
            | Kind::PodMonitor
            | Kind::Middleware
            | Kind::ServiceAccount
            | Kind::ConfigMap
            | Kind::NetworkPolicy
            | Kind::Service
            | Kind::ReferenceGrant => Self::Metadata,
        }
    }
}

/// Reads one line of a watch.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn event(depth: Depth, line: &[u8]) -> Result<Event, serde_json::Error> {
    match depth {
        Depth::Metadata => typed_event::<Bare>(line),
        Depth::Namespace => typed_event::<NamespaceWire>(line),
        Depth::Deployment => typed_event::<DeploymentWire>(line),
        Depth::Route => typed_event::<RouteWire>(line),
        Depth::Ingress => typed_event::<IngressWire>(line),
        Depth::Scaled => typed_event::<ScaledWire>(line),
        Depth::Ready => typed_event::<ReadyWire>(line),
        Depth::Policy => typed_event::<PolicyWire>(line),
        Depth::Quota => typed_event::<QuotaWire>(line),
        Depth::Pod => typed_event::<PodWire>(line),
        Depth::Event => typed_event::<EventWire>(line),
    }
}

/// Reads one page of a list.
///
/// # Errors
/// What is wrong with the page.
pub(super) fn page(depth: Depth, body: &[u8]) -> Result<Page, serde_json::Error> {
    match depth {
        Depth::Metadata => typed_page::<Bare>(body),
        Depth::Namespace => typed_page::<NamespaceWire>(body),
        Depth::Deployment => typed_page::<DeploymentWire>(body),
        Depth::Route => typed_page::<RouteWire>(body),
        Depth::Ingress => typed_page::<IngressWire>(body),
        Depth::Scaled => typed_page::<ScaledWire>(body),
        Depth::Ready => typed_page::<ReadyWire>(body),
        Depth::Policy => typed_page::<PolicyWire>(body),
        Depth::Quota => typed_page::<QuotaWire>(body),
        Depth::Pod => typed_page::<PodWire>(body),
        Depth::Event => typed_page::<EventWire>(body),
    }
}

/// Reads the metadata of one object, as a PATCH answers it.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn object(body: &[u8]) -> Result<Seen, serde_json::Error> {
    Ok(serde_json::from_slice::<Bare>(body)?.seen())
}

/// Reads one whole object, as an apply answers it: its metadata, and what of ours it lacks.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn applied(body: &[u8]) -> Result<Seen, serde_json::Error> {
    let whole: serde_json::Value = serde_json::from_slice(body)?;
    let mut seen = object(body)?;
    seen.lacks = seen.meta.managed_fields.ours.as_ref().map(|ours| ours.read().lacking_in(&whole));
    Ok(seen)
}

/// An object of which more than metadata is read.
pub(super) trait Wire: DeserializeOwned {
    fn seen(self) -> Seen;
}

/// An object of which only metadata is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Bare {
    metadata: Meta,
}

impl Wire for Bare {
    fn seen(self) -> Seen {
        Seen { meta: self.metadata, ..Seen::default() }
    }
}

impl Wire for NamespaceWire {
    fn seen(self) -> Seen {
        let remains = health::remains(&self);
        Seen { meta: self.metadata, remains, ..Seen::default() }
    }
}

impl Wire for DeploymentWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::Deployment(Box::new(health::deployment(&self)));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for RouteWire {
    fn seen(self) -> Seen {
        let (meta, facts) = route::route(self);
        Seen { meta, health: HealthFacts::Route(Box::new(facts)), ..Seen::default() }
    }
}

impl Wire for IngressWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::Ingress(route::ingress(&self));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for ScaledWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::ScaledObject(Box::new(health::scaled(&self)));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for ReadyWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::Ready(health::ready(&self));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for PolicyWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::Policy(Box::new(health::policy(&self)));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for QuotaWire {
    fn seen(self) -> Seen {
        let health = HealthFacts::Quota(health::hard(self.spec));
        Seen { meta: self.metadata, health, ..Seen::default() }
    }
}

impl Wire for PodWire {
    fn seen(self) -> Seen {
        let pod = Some(health::pod(&self));
        Seen { meta: self.metadata, pod, ..Seen::default() }
    }
}

impl Wire for EventWire {
    fn seen(self) -> Seen {
        let said = said::said(&self).map(Box::new);
        Seen { meta: self.metadata, said, ..Seen::default() }
    }
}

#[derive(Deserialize)]
struct Framed<T> {
    r#type: String,
    object: T,
}

fn typed_event<T: Wire>(line: &[u8]) -> Result<Event, serde_json::Error> {
    // The `status` of an error is a word, so an error may not read as an object.
    let framed = match serde_json::from_slice::<Framed<T>>(line) {
        Ok(framed) if framed.r#type != "ERROR" => framed,
        read => {
            return match serde_json::from_slice::<Framed<Status>>(line) {
                Ok(framed) if framed.r#type == "ERROR" => Ok(Event::Error(framed.object)),
                _ => Err(read.err().unwrap_or_else(|| {
                    serde::de::Error::custom("an error event without a Status")
                })),
            };
        }
    };
    let seen = framed.object.seen();
    Ok(match framed.r#type.as_str() {
        "DELETED" => Event::Deleted(Box::new(seen)),
        "BOOKMARK" => Event::Bookmark {
            initial: seen.meta.annotation("k8s.io/initial-events-end") == Some("true"),
            version: seen.meta.resource_version.into(),
        },
        _ => Event::Present(Box::new(seen)),
    })
}

fn typed_page<T: Wire>(body: &[u8]) -> Result<Page, serde_json::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct ListMeta {
        resource_version: String,
        r#continue: Option<String>,
    }
    #[derive(Deserialize)]
    struct List<T> {
        metadata: ListMeta,
        items: Option<Vec<T>>,
    }
    let list = serde_json::from_slice::<List<T>>(body)?;
    Ok(Page {
        items: list.items.unwrap_or_default().into_iter().map(T::seen).collect(),
        version: list.metadata.resource_version,
        next: list.metadata.r#continue.filter(|token| !token.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::json;

    use super::*;
    use serde_json::Value;

    #[test]
    fn managed_fields_are_told_apart_by_manager_operation_and_subresource() {
        let entry = |manager: &str, operation: &str, subresource: Option<&str>| {
            let mut entry = json!({"manager": manager, "operation": operation,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}});
            if let Some(subresource) = subresource {
                entry["subresource"] = json!(subresource);
            }
            entry
        };
        let body = json!({"metadata": {"name": "web", "managedFields": [
            entry("vitrine", "Apply", None),
            entry("vitrine", "Apply", Some("status")),
            entry("vitrine", "Update", None),
            entry("vitrine-birth", "Update", None),
            entry("vitrine-verify", "Apply", None),
            entry("kubectl-set", "Update", None),
            entry("kube-controller-manager", "Update", Some("status")),
        ]}});
        let managed = object(body.to_string().as_bytes()).unwrap().meta.managed_fields;
        assert!(managed.ours.is_some() && managed.birth);
        let others: Vec<&str> = managed.others.iter().map(|(m, _)| m.as_str()).collect();
        assert_eq!(others, ["vitrine", "kubectl-set"]);
    }

    #[test]
    fn an_object_that_was_only_updated_by_our_manager_is_not_ours() {
        let body =
            json!({"metadata": {"managedFields": [{"manager": "vitrine", "operation": "Update"}]}});
        let managed = object(body.to_string().as_bytes()).unwrap().meta.managed_fields;
        assert!(managed.ours.is_none() && !managed.birth);
    }

    #[test]
    fn an_error_event_is_read_whatever_the_kind() {
        let line = json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure",
            "reason": "Expired", "code": 410, "message": "too old", "metadata": {}}})
        .to_string();
        for depth in [
            Depth::Metadata,
            Depth::Deployment,
            Depth::Route,
            Depth::Scaled,
            Depth::Ready,
            Depth::Policy,
            Depth::Quota,
            Depth::Pod,
        ] {
            match event(depth, line.as_bytes()).unwrap() {
                Event::Error(status) => assert_eq!(status.code, 410),
                other => panic!("{depth:?}: {other:?}"),
            }
        }
        assert!(event(Depth::Pod, b"{\"type\":\"ADDED\"}").is_err());
        assert!(event(Depth::Pod, b"<html>").is_err());
    }

    #[test]
    fn the_bookmark_that_ends_a_streamed_list_is_known() {
        let bookmark = |annotations: Value| {
            let line = json!({"type": "BOOKMARK", "object": {"kind": "Deployment",
                "metadata": {"resourceVersion": "9", "annotations": annotations},
                "spec": {"template": {"spec": {"containers": null}}}, "status": {}}});
            match event(Depth::Deployment, line.to_string().as_bytes()).unwrap() {
                Event::Bookmark { version, initial } => (version, initial),
                other => panic!("{other:?}"),
            }
        };
        let end = bookmark(json!({"k8s.io/initial-events-end": "true"}));
        assert_eq!(end, ("9".to_owned(), true));
        assert_eq!(bookmark(json!({})), ("9".to_owned(), false));
    }

    #[test]
    fn a_page_without_items_is_an_empty_one() {
        let read = page(Depth::Metadata, br#"{"metadata":{"resourceVersion":"5"},"items":null}"#);
        let read = read.unwrap();
        assert!(read.items.is_empty() && read.next.is_none() && read.version == "5");
    }
}
