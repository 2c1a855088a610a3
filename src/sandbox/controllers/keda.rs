//! KEDA and its HTTP add-on: conditions, the finalizer, pausing, waking and falling asleep.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::write::{finalizers, text};
use super::Sandbox;
use super::condition::set_condition;
use vitrine_core::model::{Kind, ObjectKey, marks};

const MANAGER: &str = "keda";
const FINALIZER: &str = "finalizer.keda.sh";
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";

/// One step for a ScaledObject.
pub fn scaled_object(sandbox: &Sandbox, key: &ObjectKey, object: &Value) -> Option<Duration> {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        if !sandbox.lock().faults.stuck_finalizers {
            let _ = sandbox.edit(MANAGER, key, |object| {
                let list = object.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut);
                if let Some(list) = list {
                    list.retain(|f| f != FINALIZER);
                }
            });
        }
        // A stuck finalizer may be let go later.
        return sandbox.get(key).map(|_| sandbox.options().controller_delay);
    }
    if !finalizers(object).contains(&FINALIZER) {
        let _ = sandbox.edit(MANAGER, key, |object| {
            let list = &mut object["metadata"]["finalizers"];
            match list.as_array_mut() {
                Some(list) => list.push(json!(FINALIZER)),
                None => *list = json!([FINALIZER]),
            }
        });
    }
    let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
    let count = |field: &str| object.pointer(&format!("/spec/{field}")).and_then(Value::as_i64);
    let (least, most) =
        (count("minReplicaCount").unwrap_or(0), count("maxReplicaCount").unwrap_or(100));
    let forced = annotation(marks::FORCE_ACTIVATION) == Some("true");
    let paused = annotation(PAUSED).and_then(|n| n.parse::<i64>().ok());
    let target = text(object, "/spec/scaleTargetRef/name").unwrap_or_default();
    let target = ObjectKey::namespaced(Kind::Deployment, key.namespace.as_deref()?, target);
    let live = sandbox.get(&target);
    let replicas = live.as_ref().and_then(|d| d.pointer("/spec/replicas")?.as_i64());

    let now = sandbox.now();
    let since =
        text(object, "/status/lastActiveTime").and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let idle = now
        .parse::<jiff::Timestamp>()
        .ok()
        .zip(since)
        .map_or(i64::MAX, |(now, since)| now.as_second().saturating_sub(since.as_second()));
    let cooldown = sandbox.options().cooldown;
    let awake = idle < cooldown.as_secs().cast_signed().max(0);
    let wanted = replicas.map(|n| match paused {
        Some(paused) => paused,
        None if forced || awake => n.clamp(least.max(1), most.max(1)),
        None => least,
    });
    if let (Some(wanted), Some(found)) = (wanted, replicas)
        && wanted != found
    {
        let _ = sandbox.scale(MANAGER, &target, wanted);
    }
    let _ = sandbox.edit_status(MANAGER, key, |object| {
        let active = paused.is_none() && (forced || awake);
        let mut list = object["status"]["conditions"].take();
        let (ready, reason, message) = match replicas {
            Some(_) => (
                "True",
                "ScaledObjectReady",
                "ScaledObject is defined correctly and is ready for scaling",
            ),
            None => ("False", "ScaledObjectCheckFailed", "Target resource doesn't exist"),
        };
        let truth = |yes: bool| if yes { "True" } else { "False" };
        for (kind, status, reason, message) in [
            ("Ready", ready, reason, message),
            ("Active", truth(active), if active { "ScalerActive" } else { "ScalerNotActive" }, ""),
            ("Fallback", "False", "NoFallbackFound", ""),
            (
                "Paused",
                truth(paused.is_some()),
                if paused.is_some() { "ScaledObjectPaused" } else { "" },
                "",
            ),
        ] {
            let condition =
                json!({"type": kind, "status": status, "reason": reason, "message": message});
            set_condition(&mut list, condition, &now);
            // KEDA's conditions carry no time.
            for condition in
                list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
            {
                condition.remove("lastTransitionTime");
            }
        }
        let name = text(object, "/metadata/name").unwrap_or_default().to_owned();
        let triggers =
            object.pointer("/spec/triggers").and_then(Value::as_array).map_or(0, Vec::len);
        let metrics: Vec<String> = (0..triggers).map(|n| format!("s{n}-{name}")).collect();
        let status = &mut object["status"];
        status["conditions"] = list;
        status["externalMetricNames"] = json!(metrics);
        status["hpaName"] = json!(format!("keda-hpa-{name}"));
        status["scaleTargetKind"] = json!("apps/v1.Deployment");
        if forced {
            status["lastActiveTime"] = json!(now);
        }
    });
    (forced || awake).then(|| cooldown.max(Duration::from_secs(1)))
}

/// One step for an InterceptorRoute: the add-on calls every one ready.
pub fn interceptor_route(sandbox: &Sandbox, key: &ObjectKey, object: &Value) -> Option<Duration> {
    let now = sandbox.now();
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or_default();
    let _ = sandbox.edit_status("keda-http-add-on", key, |object| {
        let mut list = object["status"]["conditions"].take();
        let condition = json!({"type": "Ready", "status": "True", "reason": "Reconciled",
            "message": "InterceptorRoute is ready", "observedGeneration": generation});
        set_condition(&mut list, condition, &now);
        object["status"]["conditions"] = list;
    });
    None
}
