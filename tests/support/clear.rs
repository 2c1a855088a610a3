//! Makes the shared cluster as a fresh one again: no solution, no record of the daemon, every CRD
//! there.
//!
//! Kubernetes would do it by itself, but waits 5 s before it empties a namespace and 8 s more when a
//! finalizer is in the way. Between two tests nobody has to be that careful: whatever lies in a
//! solution's namespace is deleted, finalizers or not, and the namespace is released, unless the
//! controller may have begun to empty it. That goes by name, also when the next test has made a
//! namespace of the same one: then it has to end first.
//!
//! The controller comes 5 s after *any* deletion of the name, also of a namespace that was released
//! long before, and begins if it then finds the name deleted once more ([`Releases`]).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use vitrine_core::model::{Kind, SolutionName, marks};

use super::cluster::DAEMON_NAMESPACE;
use super::real::{self, ControlPlane};
use super::{objects, policy};

const PATIENCE: Duration = Duration::from_secs(40);
/// The namespace controller begins 5 s after a namespace was deleted; the API tells whole seconds.
const UNTOUCHED: i64 = 3;
/// When the controller's visit for an earlier deletion of a name may fall together with this one.
const VISITED: std::ops::Range<Duration> = Duration::from_secs(3)..Duration::from_secs(8);
/// Requests in flight.
const AT_ONCE: usize = 16;

/// When namespaces were deleted that were released before the namespace controller had come.
#[derive(Default)]
pub struct Releases(Mutex<BTreeMap<String, Vec<Instant>>>);

impl Releases {
    /// Whether a visit for an earlier deletion of `name` is due about now.
    fn visited(&self, name: &str) -> bool {
        let mut all = self.0.lock().expect("nobody panics with the releases in hand");
        let earlier = all.entry(name.to_owned()).or_default();
        earlier.retain(|at| at.elapsed() < VISITED.end);
        earlier.iter().any(|at| VISITED.contains(&at.elapsed()))
    }

    fn record(&self, name: &str, age: Duration) {
        let mut all = self.0.lock().expect("nobody panics with the releases in hand");
        let at = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        all.entry(name.to_owned()).or_default().push(at);
    }
}

pub async fn clear(admin: &Client, plane: &ControlPlane) -> anyhow::Result<()> {
    policy::remove(admin).await?;
    real::install(admin, &plane.crds().read()?).await?;
    // From now on nothing new can come into them.
    let namespaces = objects::api(admin, Kind::Namespace, None);
    let mut doomed: Vec<String> = namespaces
        .list_metadata(&ListParams::default())
        .await?
        .iter()
        .map(|n| n.name_any())
        .collect();
    doomed.retain(|name| SolutionName::of_namespace(name).is_some());
    for name in &doomed {
        gone_is_fine(namespaces.delete(name, &DeleteParams::default()).await)?;
    }

    let kinds = Discovery::new(admin.clone()).run_aggregated().await?;
    let kinds = kinds.groups().flat_map(|group| group.recommended_resources());
    let kinds = kinds.filter(|(_, can)| {
        can.scope == Scope::Namespaced
            && can.supports_operation(verbs::LIST)
            && can.supports_operation(verbs::DELETE)
    });
    stream::iter(kinds)
        .map(|(kind, _)| async move { empty(admin, &kind).await.context(kind.kind) })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;

    for name in &doomed {
        release(admin, plane, name).await?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(stuck) = namespaces.get_opt(name).await? {
            ensure!(Instant::now() < deadline, "namespace {name} does not end: {:?}", stuck.data);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

/// Deletes what scenarios may have left of one kind.
async fn empty(admin: &Client, kind: &ApiResource) -> anyhow::Result<()> {
    let everywhere: Api<DynamicObject> = Api::all_with(admin.clone(), kind);
    let left = everywhere.list_metadata(&ListParams::default()).await?;
    stream::iter(left.items.into_iter().filter(|object| is_left_over(kind, object)))
        .map(|object| async move {
            let home = object.namespace().unwrap_or_default();
            let api: Api<DynamicObject> = Api::namespaced_with(admin.clone(), &home, kind);
            if !object.finalizers().is_empty() {
                let freed = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                let params = PatchParams::default();
                gone_is_fine(api.patch_metadata(&object.name_any(), &params, &freed).await)?;
            }
            gone_is_fine(api.delete(&object.name_any(), &DeleteParams::default()).await)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// Everything of a solution, and what the daemon or an approver writes elsewhere.
fn is_left_over(kind: &ApiResource, object: &PartialObjectMeta<DynamicObject>) -> bool {
    let ours = object.labels().get(marks::MANAGED_BY).is_some_and(|who| who == marks::PRODUCT);
    match object.namespace().unwrap_or_default().as_str() {
        DAEMON_NAMESPACE => matches!(kind.kind.as_str(), "ConfigMap" | "Lease"),
        name => ours || SolutionName::of_namespace(name).is_some(),
    }
}

/// Says that a namespace is empty, as the namespace controller would in a while, if it has not begun.
async fn release(admin: &Client, plane: &ControlPlane, name: &str) -> anyhow::Result<()> {
    let Some(namespace) = objects::api(admin, Kind::Namespace, None).get_opt(name).await? else {
        return Ok(());
    };
    let deleted = namespace.metadata.deletion_timestamp.map(|at| at.0.as_second());
    let age = deleted.map_or(0, |deleted| jiff::Timestamp::now().as_second() - deleted);
    if age >= UNTOUCHED || plane.releases().visited(name) {
        return Ok(());
    }
    plane.releases().record(name, Duration::from_secs(age.unsigned_abs()));
    let body = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name}, "spec": {"finalizers": []},
    });
    let path = format!("/api/v1/namespaces/{name}/finalize");
    let request = http::Request::put(path)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body)?)?;
    gone_is_fine(admin.request::<serde_json::Value>(request).await)
}

/// Somebody else may have been faster.
fn gone_is_fine<T>(result: kube::Result<T>) -> anyhow::Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(why) => Err(why.into()),
    }
}
