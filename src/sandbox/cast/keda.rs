//! KEDA and its HTTP add-on: conditions, the finalizer, pausing, waking and falling asleep.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{conditions, list, seconds, set_condition};
use super::moves::{Door, Move, Turn};
use super::stage::{Around, Stage};
use crate::object::{finalizers, text};
use vitrine_core::model::{Kind, ObjectKey, marks};

/// Its field manager.
pub const MANAGER: &str = "keda";
/// Its finalizer on a ScaledObject.
pub const FINALIZER: &str = "finalizer.keda.sh";
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
const ADD_ON: &str = "keda-http-add-on";

/// A look at a ScaledObject.
pub fn scaled_object(
    key: &ObjectKey,
    object: &Value,
    around: &impl Around,
    stage: &Stage,
) -> Option<Turn> {
    let mut turn = Turn::default();
    let kept = finalizers(object).contains(&FINALIZER);
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        if kept && stage.stuck_finalizers {
            // A stuck finalizer may be let go later.
            turn.again = Some(stage.delay);
        } else if kept {
            let others = finalizers(object).into_iter().filter(|f| *f != FINALIZER).collect();
            turn.moves.push(with_finalizers(key, object, others));
        }
        return Some(turn);
    }
    if !kept {
        let all = finalizers(object).into_iter().chain([FINALIZER]).collect();
        turn.moves.push(with_finalizers(key, object, all));
    }
    let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
    let forced = annotation(marks::FORCE_ACTIVATION) == Some("true");
    let paused = annotation(PAUSED).and_then(|n| n.parse::<i64>().ok());
    let visitors = stage.visitors.get(key).copied();
    let awake = visitors.unwrap_or(0) > 0 || seen_lately(object, stage);

    let target = text(object, "/spec/scaleTargetRef/name").unwrap_or_default();
    let target = ObjectKey::namespaced(Kind::Deployment, key.namespace.as_deref()?, target);
    let live = around.object(&target);
    let replicas = live.as_ref().map(|d| d.pointer("/spec/replicas")?.as_i64());
    let replicas = replicas.map(|stated| stated.unwrap_or(1));
    if let Some(found) = replicas {
        let wanted = match paused {
            Some(paused) => paused,
            None => wanted(object, found, forced, awake, visitors),
        };
        if wanted != found {
            let (key, patch) = (target, json!({"spec": {"replicas": wanted}}));
            turn.moves.push(Move::Patch { manager: MANAGER, key, through: Door::Scale, patch });
        }
    }
    let judged = Judged {
        target: replicas.is_some(),
        active: paused.is_none() && (forced || awake),
        paused: paused.is_some(),
        forced,
    };
    turn.status(MANAGER, key, object, status(key, object, &judged, stage));
    turn.again = (forced || awake).then(|| stage.cooldown.max(Duration::from_secs(1)));
    Some(turn)
}

/// With the version, so that a finalizer of somebody else does not get lost.
fn with_finalizers(key: &ObjectKey, object: &Value, finalizers: Vec<&str>) -> Move {
    let version = &object["metadata"]["resourceVersion"];
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": finalizers}});
    Move::Patch { manager: MANAGER, key: key.clone(), through: Door::Object, patch }
}

/// Whether the last sign of life is younger than the cooldown.
fn seen_lately(object: &Value, stage: &Stage) -> bool {
    let since = text(object, "/status/lastActiveTime").and_then(|t| t.parse::<Timestamp>().ok());
    since.is_some_and(|since| {
        let idle = stage.now.as_second().saturating_sub(since.as_second());
        idle < stage.cooldown.as_secs().cast_signed()
    })
}

/// The replicas of what is not paused. Of a known number of visitors that number, else whatever
/// there is within the limits.
fn wanted(object: &Value, found: i64, forced: bool, awake: bool, visitors: Option<i64>) -> i64 {
    let count = |field: &str| object["spec"][field].as_i64();
    let least = count("minReplicaCount").unwrap_or(0);
    let floor = if forced || awake { least.max(1) } else { least };
    let most = count("maxReplicaCount").unwrap_or(100).max(floor);
    match visitors {
        Some(visitors) => visitors.clamp(floor, most),
        None if forced || awake => found.clamp(floor, most),
        None => least,
    }
}

/// What a status is made of.
struct Judged {
    /// Whether what it scales is there.
    target: bool,
    active: bool,
    paused: bool,
    forced: bool,
}

fn status(key: &ObjectKey, object: &Value, judged: &Judged, stage: &Stage) -> Value {
    let Judged { target, active, paused, forced } = *judged;
    let truth = |yes: bool| if yes { "True" } else { "False" };
    let (reason, message) = if target {
        ("ScaledObjectReady", "ScaledObject is defined correctly and is ready for scaling")
    } else {
        ("ScaledObjectCheckFailed", "Target resource doesn't exist")
    };
    let mut said = conditions(&object["status"]);
    for (kind, status, reason, message) in [
        ("Ready", truth(target), reason, message),
        ("Active", truth(active), if active { "ScalerActive" } else { "ScalerNotActive" }, ""),
        ("Fallback", "False", "NoFallbackFound", ""),
        ("Paused", truth(paused), if paused { "ScaledObjectPaused" } else { "" }, ""),
    ] {
        let condition =
            json!({"type": kind, "status": status, "reason": reason, "message": message});
        set_condition(&mut said, condition, stage.now);
    }
    // KEDA's conditions carry no time.
    for condition in said.iter_mut().filter_map(Value::as_object_mut) {
        condition.remove("lastTransitionTime");
    }
    let name = &key.name;
    let triggers = list(object, "/spec/triggers").count();
    let metrics: Vec<String> = (0..triggers).map(|n| format!("s{n}-{name}")).collect();
    let mut status = object.get("status").cloned().unwrap_or_else(|| json!({}));
    status["conditions"] = json!(said);
    status["externalMetricNames"] = json!(metrics);
    status["hpaName"] = json!(format!("keda-hpa-{name}"));
    status["scaleTargetKind"] = json!("apps/v1.Deployment");
    if forced {
        status["lastActiveTime"] = json!(seconds(stage.now));
    }
    status
}

/// A look at an InterceptorRoute: the add-on calls every one ready.
pub fn interceptor_route(key: &ObjectKey, object: &Value, stage: &Stage) -> Turn {
    let mut said = conditions(&object["status"]);
    let condition = json!({"type": "Ready", "status": "True", "reason": "Reconciled",
        "message": "InterceptorRoute is ready",
        "observedGeneration": object["metadata"]["generation"]});
    set_condition(&mut said, condition, stage.now);
    let mut status = object.get("status").cloned().unwrap_or_else(|| json!({}));
    status["conditions"] = json!(said);
    let mut turn = Turn::default();
    turn.status(ADD_ON, key, object, status);
    turn
}
