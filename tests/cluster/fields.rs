//! What `render` says we own is what the API server records as ours, for every object that a
//! solution can become. Drift is judged by this equality, so it must hold to the last field.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine_core::model::fields::meaningful;
use vitrine_core::model::{FieldSet, Kind, Revision, marks};
use vitrine_core::render::{Body, DesiredObject};

use crate::render::fixtures::{Case, cases};
use crate::support::cluster::Cluster;
use crate::support::objects;
use crate::support::players::Player;

scenario! {
    async fn what_we_compute_as_ours_is_what_the_server_records(cluster: &Cluster) {
        // They would write in between, and a version must stand still below.
        for player in Player::ALL {
            cluster.players().stop(player).await;
        }
        let mut differences = Vec::new();
        let mut judged = 0;
        for (number, case) in cases().iter().enumerate() {
            for object in &case.render().objects {
                let body = moved(object, number);
                judged += 1;
                match publish(cluster, object.key.kind, &body).await {
                    Err(refusal) => differences.push(told(case, object, &refusal)),
                    Ok(stored) => differences.extend(
                        compare(object, &body, &stored).iter().map(|text| told(case, object, text)),
                    ),
                }
            }
        }
        assert!(judged >= 100, "only {judged} objects were judged");
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    }
}

scenario! {
    async fn the_same_apply_again_changes_nothing(cluster: &Cluster) {
        for player in Player::ALL {
            cluster.players().stop(player).await;
        }
        let mut changed = Vec::new();
        for (number, case) in cases().iter().enumerate() {
            for object in &case.render().objects {
                let body = moved(object, number);
                let kind = object.key.kind;
                let first = publish(cluster, kind, &body).await.unwrap();
                let second = publish(cluster, kind, &body).await.unwrap();
                let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
                if version(&first) != version(&second) {
                    changed.push(told(case, object, "a second apply wrote it again"));
                }
            }
        }
        assert!(changed.is_empty(), "\n{}\n", changed.join("\n"));
    }
}

scenario! {
    async fn every_field_that_a_switch_can_render_is_recorded_as_computed(cluster: &Cluster) {
        let namespace = json!({"metadata": {"name": NAMESPACE, "labels": labels()}});
        publish(cluster, Kind::Namespace, &complete(Kind::Namespace, namespace)).await.unwrap();
        let mut differences = Vec::new();
        for (kind, spec) in switched() {
            let body = json!({
                "metadata": {"name": "app", "namespace": NAMESPACE, "labels": labels()},
                "spec": spec,
            });
            let body = complete(kind, body);
            let mut versions = Vec::new();
            for _ in 0..2 {
                match publish(cluster, kind, &body).await {
                    Err(refusal) => differences.push(format!("{kind}: {refusal}")),
                    Ok(stored) => {
                        let entry = ours(&stored).expect("one entry of ours");
                        let recorded = FieldSet::recorded(&entry["fieldsV1"]);
                        let computed = FieldSet::owned(kind, &body);
                        let much = computed.missing_from(&recorded);
                        let little = recorded.missing_from(&computed);
                        if computed != recorded {
                            differences.push(format!("{kind}: too much {much:?}, too little {little:?}"));
                        }
                        versions.push(stored["metadata"]["resourceVersion"].clone());
                    }
                }
            }
            if versions.windows(2).any(|pair| pair[0] != pair[1]) {
                differences.push(format!("{kind}: the same apply again wrote it again"));
            }
        }
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    }
}

/// Where the bodies of [`switched`] lie.
const NAMESPACE: &str = "sol-switched";

fn labels() -> Value {
    json!({marks::MANAGED_BY: marks::PRODUCT, marks::INSTANCE: "tests", marks::SOLUTION: "switched"})
}

fn complete(kind: Kind, mut body: Value) -> Value {
    body["apiVersion"] = kind.api_version().into();
    body["kind"] = kind.facts().kind.into();
    body["metadata"]["annotations"] = json!({marks::CONTENT: "c", marks::REVISION: "r"});
    meaningful(kind, body)
}

/// One body, with every field that vitrine may ever write, of each kind that only some platforms ask for.
fn switched() -> Vec<(Kind, Value)> {
    let server = json!({"group": "policy.linkerd.io", "kind": "Server", "name": "app"});
    let selector = json!({"matchLabels": {marks::SOLUTION: "switched", marks::COMPONENT: "app"}});
    let backend = json!({"service": {"name": "app", "port": {"name": "http"}}});
    vec![
        (
            Kind::ResourceQuota,
            json!({"hard": {"pods": "2", "requests.cpu": "500m", "requests.memory": "2Gi",
                "limits.memory": "2Gi", "requests.nvidia.com/gpu": "1", "services.nodeports": "0"}}),
        ),
        (
            Kind::LimitRange,
            json!({"limits": [{"type": "Container",
                "default": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "5Gi"},
                "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"}}]}),
        ),
        (
            Kind::Server,
            json!({"podSelector": selector, "port": "http", "proxyProtocol": "HTTP/1",
                "accessPolicy": "deny"}),
        ),
        (
            Kind::MeshTlsAuthentication,
            json!({"identityRefs": [
                {"kind": "ServiceAccount", "namespace": "keda", "name": "interceptor"},
                {"group": "", "kind": "ServiceAccount", "namespace": NAMESPACE, "name": "api"}]}),
        ),
        (
            Kind::AuthorizationPolicy,
            json!({"targetRef": server, "requiredAuthenticationRefs": [
                {"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": "app"}]}),
        ),
        (
            Kind::HttpLocalRateLimitPolicy,
            json!({"targetRef": server, "total": {"requestsPerSecond": 50},
                "identity": {"requestsPerSecond": 20}}),
        ),
        (
            Kind::PodDisruptionBudget,
            json!({"selector": selector, "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ),
        (
            Kind::PodMonitor,
            json!({"selector": selector, "namespaceSelector": {"matchNames": [NAMESPACE]},
                "podMetricsEndpoints": [
                    {"port": "http", "path": "/metrics", "interval": "30s", "scheme": "http"},
                    {"portNumber": 4191, "path": "/metrics"}]}),
        ),
        (
            Kind::Middleware,
            json!({
                "rateLimit": {"average": 10, "burst": 50, "period": "1s",
                    "sourceCriterion": {"ipStrategy": {"depth": 1}}},
                "headers": {"accessControlAllowOriginList": ["https://plm.example.org"],
                    "accessControlAllowMethods": ["GET", "POST"],
                    "accessControlAllowHeaders": ["*"], "accessControlMaxAge": 600,
                    "addVaryHeader": true},
            }),
        ),
        (
            Kind::BackendTrafficPolicy,
            json!({
                "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute",
                    "name": "edge", "sectionName": "rest"}],
                "rateLimit": {"type": "Local",
                    "local": {"rules": [{"limit": {"requests": 50, "unit": "Second"}}]}},
                "routingType": "Service",
                "requestBuffer": {"limit": "10Mi"},
                "timeout": {"http": {"requestTimeout": "60s", "streamIdleTimeout": "300s"}},
            }),
        ),
        (
            Kind::Ingress,
            json!({
                "ingressClassName": "nginx",
                "tls": [{"hosts": ["switched.example"]}],
                "defaultBackend": backend,
                "rules": [{"host": "switched.example", "http": {"paths": [
                    {"path": "/api", "pathType": "Prefix", "backend": backend},
                    {"path": "/", "pathType": "Exact", "backend": backend}]}}],
            }),
        ),
    ]
}

/// Our entry, if it is the only one.
fn ours(stored: &Value) -> Option<&Value> {
    let entries = stored["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours: Vec<&Value> = entries
        .filter(|entry| entry["manager"] == marks::MANAGER && entry["operation"] == "Apply")
        .collect();
    match ours.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// One server-side apply as the engine sends it, with the daemon's rights.
async fn publish(cluster: &Cluster, kind: Kind, body: &Value) -> Result<Value, String> {
    let metadata = &body["metadata"];
    let params = PatchParams::apply(marks::MANAGER).force().validation_strict();
    let stored = objects::api(&cluster.client(), kind, metadata["namespace"].as_str())
        .patch(metadata["name"].as_str().unwrap(), &params, &Patch::Apply(body))
        .await;
    match stored {
        Ok(stored) => Ok(serde_json::to_value(stored).unwrap()),
        Err(kube::Error::Api(status)) => Err(format!("refused: {}", status.message)),
        Err(why) => panic!("the server did not answer: {why}"),
    }
}

/// The body as it is sent, in a namespace of the case's own: the cases share their solutions' names.
pub(super) fn moved(object: &DesiredObject, case: usize) -> Value {
    let revision = Revision::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
    let body = Body::of(object).with_marks(&revision, None);
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let namespace = json!(format!("sol-fields-{case}"));
    match object.key.kind {
        Kind::Namespace => body["metadata"]["name"] = namespace,
        // It lies with the interceptor, whose namespace is there.
        Kind::ReferenceGrant => {}
        _ => body["metadata"]["namespace"] = namespace,
    }
    body
}

/// Each field on which the computed and the recorded set differ, as people write it.
fn compare(object: &DesiredObject, body: &Value, stored: &Value) -> Vec<String> {
    let Some(ours) = ours(stored) else {
        return vec!["not one entry of ours".to_owned()];
    };
    let recorded = FieldSet::recorded(&ours["fieldsV1"]);
    let mut differences = Vec::new();
    for (who, computed) in
        [("rendered", &*object.fields), ("computed", &FieldSet::owned(object.key.kind, body))]
    {
        for path in computed.difference(&recorded).paths() {
            differences.push(format!("{path}: {who} as ours, not recorded"));
        }
        for path in recorded.difference(computed).paths() {
            differences.push(format!("{path}: recorded as ours, not {who}"));
        }
        if differences.is_empty() && *computed != recorded {
            differences
                .push(format!("{who} and recorded differ in form: {computed:?} {recorded:?}"));
        }
    }
    differences
}

fn told(case: &Case, object: &DesiredObject, text: &str) -> String {
    format!("{}: {}/{}: {text}", case.name, object.key.kind, object.key.name)
}
