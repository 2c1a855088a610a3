//! One fixture for two API servers, so that one scenario judges both.

use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::api::{DeleteParams, ListParams, Patch};
use serde_json::{Value, json};
use vitrine_core::model::{Kind, ObjectKey, marks};
use vitrine_sandbox::{Denial, Options, Sandbox};

use super::clear::clear;
use super::objects;
use super::players::Players;
use super::policy;
use super::real::{self, ControlPlane, Turn};
use super::requests::Requests;

/// The namespace of the daemon's Lease and of approvals, as in `deploy/rbac.yaml`.
pub const DAEMON_NAMESPACE: &str = "vitrine-system";
/// Where the played HTTP add-on has its interceptor.
pub const INTERCEPTOR_NAMESPACE: &str = "keda";

/// How long anything may take that a scenario waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster that holds nothing of vitrine's yet.
///
/// The one in memory is a new one for each scenario. The real ones are shared by all tests of a run,
/// and a solution's namespace has the same name whoever asks for it; so a scenario has one for
/// itself: the fixture holds its turn, and clears away what the scenario before left.
///
/// The same players are on duty on both, through the same client. They are the demo's own cast, but
/// without a kubelet; the sandbox does not play it a second time.
pub struct Cluster {
    client: Client,
    admin: Client,
    requests: Requests,
    players: Players,
    server: Server,
}

/// Which API server it is.
enum Server {
    Sandbox(Sandbox),
    Real(Turn),
}

impl Cluster {
    /// The API in memory. It knows no rights: both clients may do everything.
    pub async fn sandbox() -> Self {
        let sandbox = Sandbox::new(Options::default());
        let admin = sandbox.client();
        furnish(&admin).await.expect("the sandbox takes namespaces");
        Self::with(sandbox.client(), admin, Server::Sandbox(sandbox))
    }

    /// kube-apiserver, with the rights of `deploy/rbac.yaml`.
    pub async fn real() -> Self {
        let turn = Turn::wait().await;
        let plane = turn.plane();
        let admin = plane.admin_client().await;
        clear(&admin, plane).await.expect("what the scenario before left can be cleared away");
        furnish(&admin).await.expect("the administrator may create namespaces");
        Self::with(plane.daemon_client().await, admin, Server::Real(turn))
    }

    fn with(daemon: Client, admin: Client, server: Server) -> Self {
        let requests = Requests::default();
        let client = requests.watch(daemon);
        let players = Players::start_all(&admin);
        Self { client, admin, requests, players, server }
    }

    /// The real one's control plane.
    ///
    /// Panics on the API in memory.
    pub fn plane(&self) -> &'static ControlPlane {
        match &self.server {
            Server::Sandbox(_) => panic!("the API in memory has no control plane"),
            Server::Real(turn) => turn.plane(),
        }
    }

    /// The API in memory, to make things go wrong; `None` on the real one.
    pub fn as_sandbox(&self) -> Option<&Sandbox> {
        match &self.server {
            Server::Sandbox(sandbox) => Some(sandbox),
            Server::Real(_) => None,
        }
    }

    /// Takes the definition of a kind away, with all its objects.
    pub async fn remove_definition(&self, kind: Kind) {
        let name = kind.crd().expect("the kind is not built in");
        match &self.server {
            Server::Sandbox(sandbox) => sandbox.remove_definition(&name),
            Server::Real(_) => {
                let definition = json!({
                    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                });
                let api = objects::api_of(&self.admin, &definition).expect("it says what it is");
                let gone = async {
                    api.delete(&name, &DeleteParams::default()).await?;
                    while api.get_metadata_opt(&name).await?.is_some() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Ok::<_, kube::Error>(())
                };
                gone.await.expect("the administrator may delete definitions");
            }
        }
    }

    /// Installs the definition of a kind again.
    pub async fn install_definition(&self, kind: Kind) {
        let name = kind.crd().expect("the kind is not built in");
        match &self.server {
            Server::Sandbox(sandbox) => {
                let text = vitrine_sandbox::DEFINITIONS.iter().find(|text| text.contains(&name));
                sandbox.install_definition(text.expect("the sandbox knows our definitions"));
            }
            Server::Real(turn) => {
                let mut all = turn.plane().crds().read().expect("they were read before");
                all.retain(|definition| definition["metadata"]["name"] == name.as_str());
                real::install(&self.admin, &all).await.expect("it was installed before");
            }
        }
    }

    /// An admission policy denies Deployments in these namespaces from now on, with a 422.
    pub async fn deny_deployments(&self, places: &[&str], words: &str) {
        match &self.server {
            Server::Sandbox(sandbox) => sandbox.faults(|faults| {
                let denials = places.iter().map(|place| Denial {
                    kind: Kind::Deployment,
                    namespace: Some((*place).to_owned()),
                    code: 422,
                    reason: "Invalid",
                    message: policy::refusal(words),
                });
                faults.denials = denials.collect();
            }),
            Server::Real(_) => {
                policy::deny(&self.admin, places, words).await.expect("policies are served");
            }
        }
    }

    /// Takes that policy away.
    pub async fn deny_nothing(&self) {
        match &self.server {
            Server::Sandbox(sandbox) => sandbox.faults(|faults| faults.denials.clear()),
            Server::Real(_) => {
                policy::remove(&self.admin).await.expect("the administrator may delete policies");
            }
        }
    }

    /// Admission takes `env` away from the first container of each Deployment in this namespace, or
    /// nothing any more.
    pub async fn take_env(&self, namespace: Option<&str>) {
        match (&self.server, namespace) {
            (Server::Sandbox(sandbox), _) => {
                let pointer = "/spec/template/spec/containers/0/env";
                sandbox.take_away(namespace.map(|place| (Kind::Deployment, place, pointer)));
            }
            (Server::Real(_), Some(place)) => {
                policy::take_env(&self.admin, place).await.expect("policies are served");
            }
            (Server::Real(_), None) => {
                policy::remove(&self.admin).await.expect("the administrator may delete policies");
            }
        }
    }

    /// Somebody else's quota of object counts, which holds from now on: with what the quota
    /// controller, which runs on neither server, would say of it.
    pub async fn quota(&self, namespace: &str, name: &str, hard: &Value, used: &Value) {
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": name, "namespace": namespace}, "spec": {"hard": hard},
        });
        objects::apply(&self.admin, &quota, "operator").await.expect("a quota makes sense");
        let api = objects::api(&self.admin, Kind::ResourceQuota, Some(namespace));
        let patch = Patch::Merge(json!({"status": {"hard": hard, "used": used}}));
        let told = api.patch_status(name, &Default::default(), &patch).await;
        told.expect("the administrator may write a status");
    }

    /// With the daemon's rights; every request is logged in [`Self::requests`].
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// With all rights, as the people and controllers who are not vitrine; nothing is logged.
    pub fn admin_client(&self) -> Client {
        self.admin.clone()
    }

    /// What was sent through [`Self::client`].
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The other controllers.
    pub fn players(&self) -> &Players {
        &self.players
    }

    /// The object at `key`, or `None` if there is none.
    pub async fn get(&self, key: &ObjectKey) -> Option<Value> {
        objects::get(&self.admin, key).await.expect("the administrator may read everything")
    }

    /// Waits until the object at `key` (or its absence) is as `told`; answers it.
    ///
    /// Panics with the last state seen when that takes too long.
    pub async fn wait_for(
        &self,
        key: &ObjectKey,
        told: &str,
        mut is: impl FnMut(Option<&Value>) -> bool,
    ) -> Option<Value> {
        let api = objects::api(&self.admin, key.kind, key.namespace.as_deref());
        let mut seen = None;
        let fulfilled = async {
            let mut states = Box::pin(kube::runtime::watcher::watch_object(api, &key.name));
            while let Some(state) = states.next().await {
                // An error is a watch that broke or a kind that is missing; the stream goes on.
                let Ok(object) = state else { continue };
                seen = object.map(|o| serde_json::to_value(o).expect("an object is JSON"));
                if is(seen.as_ref()) {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, fulfilled).await.is_ok();
        assert!(in_time, "{key:?} was not {told} within {PATIENCE:?}; last seen: {seen:#?}");
        seen
    }

    /// Every object of `kind` of this instance, in all namespaces.
    pub async fn of_instance(&self, kind: Kind, instance: &str) -> Vec<Value> {
        let selected = ListParams::default().labels(&format!("{}={instance}", marks::INSTANCE));
        let found = objects::api(&self.admin, kind, None).list(&selected).await;
        let found = found.expect("the administrator may list everything");
        found.items.iter().map(|o| serde_json::to_value(o).expect("an object is JSON")).collect()
    }
}

/// What an operator's platform has before vitrine comes.
pub async fn furnish(admin: &Client) -> anyhow::Result<()> {
    for name in [DAEMON_NAMESPACE, INTERCEPTOR_NAMESPACE] {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name},
        });
        objects::apply(admin, &namespace, "tests").await?;
    }
    Ok(())
}

/// Runs a scenario in a runtime of its own, and ends it when it takes too long.
pub fn play(start: impl AsyncFnOnce() -> Cluster, scenario: impl AsyncFnOnce(&Cluster)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let cluster = start().await;
        // From here on, because the start may build a control plane and wait for its turn.
        let limit = Duration::from_secs(240);
        let played = tokio::time::timeout(limit, scenario(&cluster)).await;
        assert!(played.is_ok(), "the scenario was not over after {limit:?}");
    });
}

/// Declares a scenario: one body, a test for each API server.
///
/// ```ignore
/// scenario! {
///     async fn a_deleted_folder_takes_its_namespace_along(cluster: &Cluster) { ... }
/// }
/// scenario! {
///     only real, because "it is about kube-apiserver's own rules";
///     async fn the_daemon_cannot_read_secrets(cluster: &Cluster) { ... }
/// }
/// ```
macro_rules! scenario {
    (only $server:ident, because $why:literal; async fn $name:ident($cluster:ident: &Cluster) $body:block) => {
        mod $name {
            use super::*;

            async fn scenario($cluster: &Cluster) $body

            #[doc = $why]
            #[test]
            fn $server() {
                $crate::support::cluster::play(Cluster::$server, scenario);
            }
        }
    };
    (async fn $name:ident($cluster:ident: &Cluster) $body:block) => {
        mod $name {
            use super::*;

            async fn scenario($cluster: &Cluster) $body

            #[test]
            fn sandbox() {
                $crate::support::cluster::play(Cluster::sandbox, scenario);
            }

            #[test]
            fn real() {
                $crate::support::cluster::play(Cluster::real, scenario);
            }
        }
    };
}
