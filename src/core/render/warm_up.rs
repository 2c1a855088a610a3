//! The warm-up: a sidecar that makes the example requests before a pod gets its first visitor.

use serde_json::{Value, json};

use super::amounts::{Amounts, CPU, MEMORY, STORAGE};
use super::config_map;
use super::context::Context;
use super::image::{self, pulled};
use crate::catalog::solution::Component;
use crate::model::{Quantities, Quantity, duration};

const NAME: &str = "warm-up";
/// Its name in the pod of a component that is itself called [`NAME`].
const OTHER_NAME: &str = "warm-up-sidecar";
/// The volume with the example requests.
const VOLUME: &str = "warm-up";
const FOLDER: &str = "/examples";

/// Where the sidecar says to its own probe whether all requests were made: beyond the ports that
/// systems hand out by themselves. The second is for applications that have the first.
const SAYS: [u16; 2] = [61_417, 61_418];

/// What the sidecar takes, if there is one.
pub(super) fn amounts(cx: &Context, component: &Component) -> Option<Amounts> {
    let amounts = |cpu, memory, storage| -> Quantities {
        let storage = (STORAGE, Quantity::mebibytes(storage));
        [(CPU, Quantity::milli(cpu)), (MEMORY, Quantity::mebibytes(memory)), storage]
            .map(|(name, amount)| (name.to_owned(), amount))
            .into_iter()
            .collect()
    };
    image::of_warm_up(cx, component)
        .map(|_| Amounts { requests: amounts(10, 32, 16), limits: amounts(200, 64, 64) })
}

/// The sidecar, as an init container that stays.
///
/// It has a readiness probe only: a startup probe would hold the application up, for which it
/// waits. The probe runs inside the container and asks over the loopback interface, which neither
/// a network policy nor a mesh stands in.
pub(super) fn sidecar(cx: &Context, component: &Component) -> Option<Value> {
    let (image, pull) = pulled(image::of_warm_up(cx, component)?);
    let taken = component.name.as_str() == NAME;
    let says = if component.port == SAYS[0] { SAYS[1] } else { SAYS[0] }.to_string();
    Some(json!({
        "name": if taken { OTHER_NAME } else { NAME },
        "image": image,
        "imagePullPolicy": pull,
        "restartPolicy": "Always",
        "command": ["vitrine", "warm"],
        "args": [
            "--port", component.port.to_string(),
            "--says", says,
            // What the application has for its start, each request has.
            "--timeout", duration::text(component.startup),
            FOLDER,
        ],
        "resources": amounts(cx, component).map(|amounts| amounts.body()),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            // Also where the application may be root.
            "runAsNonRoot": true,
        },
        "readinessProbe": {
            "exec": { "command": ["vitrine", "warm", "--says", says, "--ready"] },
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 1,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{ "name": VOLUME, "mountPath": FOLDER, "readOnly": true }],
    }))
}

/// The volume with the example requests, if there is a sidecar.
pub(super) fn volume(cx: &Context, component: &Component) -> Option<Value> {
    image::of_warm_up(cx, component)?;
    let name = config_map::warm_up_name(component);
    Some(json!({ "name": VOLUME, "configMap": { "name": name } }))
}
