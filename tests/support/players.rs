//! The controllers that a control plane without nodes lacks, played by the tests: they watch what
//! the daemon wrote and answer as the real ones would.
//!
//! | player | plays |
//! |---|---|
//! | [`Player::Deployments`] | Deployment controller and kubelet: what is asked for is soon ready |
//! | [`Player::Gateway`] | a Gateway API controller: accepts every HTTPRoute |
//! | [`Player::Interceptor`] | the KEDA HTTP add-on: has seen every InterceptorRoute |
//! | [`Player::Keda`] | KEDA: its finalizer, its conditions, and the number of replicas |
//!
//! Each writes only where its original does (status, `/scale`, its own finalizer) and under its own
//! manager, so that `managedFields` look as in production.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::runtime::watcher::{self, Event};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vitrine_core::model::Kind;

use super::objects;

/// KEDA's finalizer on a ScaledObject.
pub const KEDA_FINALIZER: &str = "finalizer.keda.sh";
/// What the played Gateway controller calls itself.
pub const GATEWAY_CONTROLLER: &str = "example.net/gateway-controller";

/// A controller that can be sent away, to see what the daemon does without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Player {
    Deployments,
    Gateway,
    Interceptor,
    Keda,
}

impl Player {
    pub const ALL: [Self; 4] = [Self::Deployments, Self::Gateway, Self::Interceptor, Self::Keda];

    /// The kind that it watches.
    const fn watches(self) -> Kind {
        match self {
            Self::Deployments => Kind::Deployment,
            Self::Gateway => Kind::HttpRoute,
            Self::Interceptor => Kind::InterceptorRoute,
            Self::Keda => Kind::ScaledObject,
        }
    }

    /// The field manager that the original writes under.
    const fn manager(self) -> &'static str {
        match self {
            Self::Deployments => "kube-controller-manager",
            Self::Gateway => "gateway-controller",
            Self::Interceptor => "keda-http-add-on",
            Self::Keda => "keda-operator",
        }
    }
}

/// The players on duty. They go when this goes.
pub struct Players {
    admin: Client,
    on_duty: Mutex<BTreeMap<Player, JoinHandle<()>>>,
    visits: Visits,
}

/// How many replicas visitors need, by namespace and name of the ScaledObject.
type Visits = Arc<Mutex<BTreeMap<(String, String), i64>>>;

impl Players {
    /// All of them, at work.
    pub fn start_all(admin: &Client) -> Self {
        let players =
            Self { admin: admin.clone(), on_duty: Mutex::default(), visits: Visits::default() };
        for player in Player::ALL {
            players.start(player);
        }
        players
    }

    /// Starts a player, which first looks at everything that is there. Twice is once.
    pub fn start(&self, player: Player) {
        let stage = Stage { player, admin: self.admin.clone(), visits: self.visits.clone() };
        let mut on_duty = self.on_duty.lock().expect("nobody panics with the players in hand");
        on_duty.entry(player).or_insert_with(|| tokio::spawn(stage.play()));
    }

    /// Sends a player away and waits until it is gone; what it wrote stays.
    pub async fn stop(&self, player: Player) {
        let task =
            self.on_duty.lock().expect("nobody panics with the players in hand").remove(&player);
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Visitors come: KEDA scales to `replicas` and keeps that until told otherwise; 0 = they leave.
    pub async fn visit(&self, namespace: &str, scaled: &str, replicas: i64) -> anyhow::Result<()> {
        let key = (namespace.to_owned(), scaled.to_owned());
        self.visits.lock().expect("nobody panics with the visits in hand").insert(key, replicas);
        let objects = objects::api(&self.admin, Kind::ScaledObject, Some(namespace));
        let object = serde_json::to_value(objects.get(scaled).await?)?;
        let stage =
            Stage { player: Player::Keda, admin: self.admin.clone(), visits: self.visits.clone() };
        Ok(stage.scale(&object).await?)
    }
}

impl Drop for Players {
    fn drop(&mut self) {
        for task in self.on_duty.get_mut().expect("nobody panics with the players in hand").values()
        {
            task.abort();
        }
    }
}

/// One player with what it needs.
struct Stage {
    player: Player,
    admin: Client,
    visits: Visits,
}

impl Stage {
    async fn play(self) {
        let everywhere = objects::api(&self.admin, self.player.watches(), None);
        let mut events = Box::pin(watcher::watcher(everywhere, watcher::Config::default()));
        while let Some(event) = events.next().await {
            let object = match event {
                Ok(Event::Apply(object) | Event::InitApply(object)) => object,
                Ok(Event::Delete(_) | Event::Init | Event::InitDone) => continue,
                // The CRD may be missing on purpose; the watcher comes back by itself.
                Err(_) => {
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                    continue;
                }
            };
            match self.answer(&object).await {
                Ok(()) => {}
                // Gone, or changed since: the next event tells.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(why) => eprintln!("{:?} could not answer: {why}", self.player),
            }
        }
    }

    async fn answer(&self, object: &DynamicObject) -> kube::Result<()> {
        let object = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
        match self.player {
            Player::Deployments => self.report(&object, deployment_status(&object)).await,
            Player::Gateway => self.report(&object, route_status(&object)).await,
            Player::Interceptor => {
                let ready = condition(&object, "Ready", "True", "RouteReady");
                self.report(&object, json!({"conditions": [ready]})).await
            }
            Player::Keda => self.keda(&object).await,
        }
    }

    async fn keda(&self, object: &Value) -> kube::Result<()> {
        let finalizers: Vec<&str> = object["metadata"]["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let kept = finalizers.contains(&KEDA_FINALIZER);
        if !object["metadata"]["deletionTimestamp"].is_null() {
            let others: Vec<&str> =
                finalizers.into_iter().filter(|f| *f != KEDA_FINALIZER).collect();
            return if kept { self.finalizers(object, &others).await } else { Ok(()) };
        }
        if !kept {
            let all: Vec<&str> = finalizers.into_iter().chain([KEDA_FINALIZER]).collect();
            self.finalizers(object, &all).await?;
        }
        let active = self.scale(object).await;
        let (word, reason) = match active {
            Ok(()) if self.wanted(object) > 0 => ("True", "ScalerActive"),
            _ => ("False", "ScalerNotActive"),
        };
        let triggers = object["spec"]["triggers"].as_array().map_or(0, Vec::len);
        let metrics: Vec<String> = (0..triggers).map(|i| format!("s{i}-external")).collect();
        let status = json!({
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "ScaledObjectReady",
                 "message": "ScaledObject is defined correctly and is ready for scaling"},
                {"type": "Active", "status": word, "reason": reason, "message": ""},
                {"type": "Fallback", "status": "False", "reason": "NoFallbackFound", "message": ""},
                {"type": "Paused", "status": "Unknown"},
            ],
            "externalMetricNames": metrics,
            "scaleTargetKind": "apps/v1.Deployment",
        });
        self.report(object, status).await
    }

    /// Brings the target to the replicas that KEDA would want now.
    async fn scale(&self, object: &Value) -> kube::Result<()> {
        let Some(target) = object["spec"]["scaleTargetRef"]["name"].as_str() else {
            return Ok(());
        };
        let deployments = objects::api(&self.admin, Kind::Deployment, namespace(object));
        let wanted = self.wanted(object);
        let live = deployments.get(target).await?;
        if live.data["spec"]["replicas"].as_i64().unwrap_or(1) != wanted {
            let patch = json!({"spec": {"replicas": wanted}});
            deployments.patch_scale(target, &self.params(), &Patch::Merge(&patch)).await?;
        }
        Ok(())
    }

    /// Paused is stronger than forced, forced is stronger than nobody there.
    fn wanted(&self, object: &Value) -> i64 {
        let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
        if let Some(paused) = annotation("autoscaling.keda.sh/paused-replicas") {
            return paused.parse().unwrap_or(0);
        }
        let least = object["spec"]["minReplicaCount"].as_i64().unwrap_or(0);
        let forced =
            i64::from(annotation(vitrine_core::model::marks::FORCE_ACTIVATION) == Some("true"));
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = (namespace(object).unwrap_or_default().to_owned(), name.to_owned());
        let visits = self.visits.lock().expect("nobody panics with the visits in hand");
        least.max(forced).max(visits.get(&key).copied().unwrap_or(0))
    }

    async fn finalizers(&self, object: &Value, finalizers: &[&str]) -> kube::Result<()> {
        // With the version, so that a finalizer of somebody else does not get lost.
        let patch = json!({"metadata": {
            "resourceVersion": object["metadata"]["resourceVersion"],
            "finalizers": finalizers,
        }});
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.same_kind(object).patch(name, &self.params(), &Patch::Merge(&patch)).await?;
        Ok(())
    }

    /// Writes a status unless it stands there already, which also ends the circle of our own events.
    async fn report(&self, object: &Value, status: Value) -> kube::Result<()> {
        if !object["metadata"]["deletionTimestamp"].is_null()
            || contains(&object["status"], &status)
        {
            return Ok(());
        }
        let patch = json!({"status": status});
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.same_kind(object).patch_status(name, &self.params(), &Patch::Merge(&patch)).await?;
        Ok(())
    }

    fn same_kind(&self, object: &Value) -> Api<DynamicObject> {
        objects::api(&self.admin, self.player.watches(), namespace(object))
    }

    fn params(&self) -> PatchParams {
        PatchParams { field_manager: Some(self.player.manager().to_owned()), ..Default::default() }
    }
}

/// A Deployment whose pods all started at once.
fn deployment_status(object: &Value) -> Value {
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    json!({
        "observedGeneration": object["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
             "message": "Deployment has minimum availability."},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
             "message": "ReplicaSet has successfully progressed."},
        ],
    })
}

/// A route that each of its parents accepted.
fn route_status(object: &Value) -> Value {
    let parents = object["spec"]["parentRefs"].as_array().into_iter().flatten();
    let accepted = parents.map(|parent| {
        json!({
            "parentRef": parent,
            "controllerName": GATEWAY_CONTROLLER,
            "conditions": [
                condition(object, "Accepted", "True", "Accepted"),
                condition(object, "ResolvedRefs", "True", "ResolvedRefs"),
            ],
        })
    });
    json!({"parents": accepted.collect::<Vec<_>>()})
}

fn condition(object: &Value, kind: &str, status: &str, reason: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "",
        "observedGeneration": object["metadata"]["generation"],
        // Always the same, so that saying the same twice is not a change.
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

fn namespace(object: &Value) -> Option<&str> {
    object["metadata"]["namespace"].as_str()
}

/// Does `whole` say all that `part` says? A list must be equal in length; what is zero in `part` may
/// be absent, because the API server leaves it out.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, Value::Object(part)) => part.iter().all(|(key, value)| contains(&whole[key], value)),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| contains(w, p))
        }
        (Value::Null, Value::Number(part)) => part.as_i64() == Some(0),
        (Value::Null, Value::Array(part)) => part.is_empty(),
        (whole, part) => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_stands_there_already_is_recognised() {
        let status =
            json!({"replicas": 0, "conditions": [{"type": "Available", "status": "True"}]});
        let live = json!({"conditions": [{"type": "Available", "status": "True", "message": "x"}]});
        assert!(contains(&live, &status));
        assert!(!contains(&json!({}), &status));
        assert!(!contains(&live, &json!({"replicas": 1})));
        assert!(!contains(&live, &json!({"conditions": []})));
    }
}
