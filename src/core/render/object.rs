//! Marks a body as ours: labels, annotations, hashes, the fields we will own.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::context::Context;
use super::{DesiredObject, Wave};
use crate::catalog::solution::{Component, Exposure};
use crate::model::fields::meaningful;
use crate::model::{ComponentName, ContentHash, FieldSet, Kind, ObjectKey, marks};

/// Label: the kind of tenant; what Gateways, policies and anti-affinity select by.
pub(super) const TENANT: &str = "vitrine.dev/tenant";
/// The value of [`TENANT`].
pub(super) const TENANT_SOLUTION: &str = "solution";
/// Label on pods: `public` or `private`.
pub(super) const EXPOSURE: &str = "vitrine.dev/exposure";
/// Label on pods: the node group they ask for.
pub(super) const NODE_GROUP: &str = "vitrine.dev/node-group";

impl Context<'_> {
    /// An object of the solution's namespace (or the Namespace itself), in the wave of its kind.
    /// `body` is the manifest without what every object has.
    pub fn object(
        &self,
        kind: Kind,
        name: impl Into<SmolStr>,
        component: Option<&Component>,
        body: Value,
    ) -> DesiredObject {
        let namespace = kind.facts().namespaced.then(|| self.solution.name.namespace());
        let key = ObjectKey { kind, namespace, name: name.into() };
        self.object_at(key, wave(kind), component, body)
    }

    /// As [`Context::object`], for the few that lie elsewhere or come at another time.
    pub fn object_at(
        &self,
        key: ObjectKey,
        wave: Wave,
        component: Option<&Component>,
        mut body: Value,
    ) -> DesiredObject {
        body["apiVersion"] = key.kind.api_version().into();
        body["kind"] = key.kind.facts().kind.into();
        body["metadata"]["name"] = key.name.as_str().into();
        if let Some(namespace) = &key.namespace {
            body["metadata"]["namespace"] = namespace.as_str().into();
        }
        for (label, value) in self.labels(component) {
            body["metadata"]["labels"][label] = value;
        }

        sealed(key, wave, component.map(|c| c.name.clone()), body)
    }

    /// The labels of every object, and of every pod.
    pub fn labels(&self, component: Option<&Component>) -> Map<String, Value> {
        let solution = self.solution.name.as_str();
        let mut labels = Map::from_iter([
            ("app.kubernetes.io/name".to_owned(), json!(solution)),
            ("app.kubernetes.io/part-of".to_owned(), json!(solution)),
            (marks::MANAGED_BY.to_owned(), json!(marks::PRODUCT)),
            (marks::INSTANCE.to_owned(), json!(self.instance)),
            (marks::SOLUTION.to_owned(), json!(solution)),
        ]);
        if let Some(component) = component {
            labels.insert("app.kubernetes.io/name".to_owned(), json!(component.name));
            labels.insert(marks::COMPONENT.to_owned(), json!(component.name));
        }
        labels
    }

    /// The labels of a component's pods.
    pub fn pod_labels(&self, component: &Component) -> Map<String, Value> {
        let mut labels = self.labels(Some(component));
        let exposure = match component.exposure {
            Exposure::Public { .. } => "public",
            Exposure::Private => "private",
        };
        labels.insert(TENANT.to_owned(), json!(TENANT_SOLUTION));
        labels.insert(EXPOSURE.to_owned(), json!(exposure));
        if let Some(group) = &component.hardware.node_group {
            labels.insert(NODE_GROUP.to_owned(), json!(group));
        }
        labels
    }

    /// What selects a component's pods. Immutable on a Deployment: never a version, never
    /// anything that a commit could change.
    pub fn selector(&self, component: &Component) -> Value {
        json!({ marks::SOLUTION: self.solution.name, marks::COMPONENT: component.name })
    }
}

/// Drops from a labelled body what says nothing, and writes its hashes into it.
pub(super) fn sealed(
    key: ObjectKey,
    wave: Wave,
    component: Option<ComponentName>,
    body: Value,
) -> DesiredObject {
    let mut body = meaningful(key.kind, body);
    let is_deployment = key.kind == Kind::Deployment;
    let template = is_deployment.then(|| hash(&tried(body["spec"]["template"].clone())));
    let pods = is_deployment.then(|| hash(&body["spec"]["template"]));
    if let Some((template, pods)) = template.as_ref().zip(pods.as_ref()) {
        body["metadata"]["annotations"][marks::TEMPLATE] = template.to_string().into();
        body["metadata"]["annotations"][marks::PODS] = pods.to_string().into();
        body["spec"]["template"]["metadata"]["annotations"][marks::PODS] = pods.to_string().into();
    }
    let content = hash(&body);
    body["metadata"]["annotations"][marks::CONTENT] = content.to_string().into();

    DesiredObject {
        fields: Arc::new(owned(key.kind, &mut body)),
        key,
        component,
        wave,
        body,
        content,
        template,
        pods,
    }
}

/// A pod template as its trial sees it: how often a start is looked at is no part of what runs. It
/// is written as it was when that was every 5 s, so that what was tried then stays known.
fn tried(mut template: Value) -> Value {
    const PERIOD: u64 = 5;
    let containers = template["spec"]["containers"].as_array_mut();
    for probe in containers.into_iter().flatten().filter_map(|c| c.get_mut("startupProbe")) {
        let number = |field: &str| probe[field].as_u64().unwrap_or_default();
        let failures = (number("periodSeconds") * number("failureThreshold")).div_ceil(PERIOD);
        probe["failureThreshold"] = failures.into();
        probe["periodSeconds"] = PERIOD.into();
    }
    template
}

/// The wave in which objects of a kind are published.
fn wave(kind: Kind) -> Wave {
    match kind {
        Kind::Namespace => Wave::Namespace,
        Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::NetworkPolicy => Wave::Protection,
        Kind::Server | Kind::MeshTlsAuthentication => Wave::Mesh,
        Kind::AuthorizationPolicy | Kind::HttpLocalRateLimitPolicy => Wave::Authorization,
        Kind::Service
        | Kind::Deployment
        | Kind::PodDisruptionBudget
        | Kind::PodMonitor
        | Kind::Pod => Wave::Workload,
        Kind::InterceptorRoute => Wave::Interceptor,
        Kind::ScaledObject => Wave::Scaling,
        Kind::Middleware | Kind::BackendTrafficPolicy => Wave::EdgeLimits,
        Kind::ReferenceGrant => Wave::Grant,
        Kind::HttpRoute | Kind::Ingress => Wave::Route,
    }
}

/// Hash of the canonical JSON: keys sorted (serde_json's map is a BTreeMap here), no spaces.
pub(super) fn hash(value: &Value) -> ContentHash {
    ContentHash::of(value.to_string().as_bytes())
}

/// The fields of a body once the revision annotation is in it. Only the key counts, so that the
/// set does not depend on the commit.
fn owned(kind: Kind, body: &mut Value) -> FieldSet {
    body["metadata"]["annotations"][marks::REVISION] = "".into();
    let fields = FieldSet::owned(kind, body);
    if let Some(annotations) = body["metadata"]["annotations"].as_object_mut() {
        annotations.remove(marks::REVISION);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_depend_on_the_order_of_keys() {
        let one = serde_json::from_str(r#"{"a":1,"b":{"d":2,"c":3}}"#);
        let other = serde_json::from_str(r#"{"b":{"c":3,"d":2},"a":1}"#);
        assert_eq!(one.ok().map(|v: Value| hash(&v)), other.ok().map(|v: Value| hash(&v)));
    }

    #[test]
    fn how_often_a_start_is_looked_at_is_no_other_template_and_how_long_is() {
        let template = |period: u64, failures: u64| {
            let probe = serde_json::json!({"periodSeconds": period, "failureThreshold": failures});
            serde_json::json!({"spec": {"containers": [{"name": "app", "startupProbe": probe}]}})
        };
        // As an older vitrine wrote it: its hash is what the marks on clusters name.
        let before = template(5, 60);
        assert_eq!(tried(before.clone()), before);
        assert_eq!(tried(template(1, 300)), before);
        assert_ne!(tried(template(1, 400)), before);
        assert_ne!(hash(&template(1, 300)), hash(&before), "its pods are others");
    }
}
