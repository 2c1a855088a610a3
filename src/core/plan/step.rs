//! One thing to do, and what became of it.

use std::sync::Arc;

use super::verified::Verified;
use crate::model::{ContentHash, ObjectKey, Revision};
use crate::render::DesiredObject;

/// One step of a plan. `apply` carries it out as it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One server-side apply of manager `vitrine`, with `revision` as annotation.
    Apply { object: Arc<DesiredObject>, revision: Revision, why: Why },
    /// A Deployment that is born asleep: a POST of its smallest form with `replicas: 0` by
    /// manager `vitrine-birth` (409 AlreadyExists is fine), then as `Apply`.
    Birth { object: Arc<DesiredObject>, revision: Revision },
    /// Keeps the live `spec.replicas` of a Deployment under manager `vitrine-handover` before
    /// the autoscaler takes over, then as `Apply`.
    Handover { object: Arc<DesiredObject>, revision: Revision, replicas: i32 },
    /// A DELETE with both preconditions.
    Delete { key: ObjectKey, uid: String, resource_version: String },
    /// Looks for foreign work in a namespace: one metadata list a kind.
    Survey { namespace: String },
    /// Sets or removes KEDA's force-activation on a ScaledObject, by manager `vitrine-verify`.
    ForceActivation { key: ObjectKey, on: bool },
    /// Writes what a verification found on a Deployment, by manager `vitrine-verify`.
    Verified { key: ObjectKey, template: ContentHash, result: Verified },
}

/// Why an object is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is absent.
    Create,
    /// The catalogue, the platform or vitrine's rendering changed.
    Update,
    /// Somebody changed or removed what we own.
    Repair {
        /// Paths that left our set, as `spec.template.spec.containers[name=web].image`.
        fields: Vec<String>,
        /// The manager that has them now, if any.
        manager: Option<String>,
    },
}

impl Step {
    /// Whether it writes on an object that must exist, and must not make it.
    pub fn needs_object(&self) -> bool {
        match self {
            Self::Handover { .. } | Self::ForceActivation { .. } | Self::Verified { .. } => true,
            Self::Apply { .. } | Self::Birth { .. } | Self::Delete { .. } | Self::Survey { .. } => {
                false
            }
        }
    }

    /// The object that the step is about.
    pub fn key(&self) -> ObjectKey {
        use crate::model::Kind;
        match self {
            Self::Apply { object, .. }
            | Self::Birth { object, .. }
            | Self::Handover { object, .. } => object.key.clone(),
            Self::Delete { key, .. }
            | Self::ForceActivation { key, .. }
            | Self::Verified { key, .. } => key.clone(),
            Self::Survey { namespace } => ObjectKey::cluster(Kind::Namespace, namespace),
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server answered 200 (it existed) or 201 (it did not). `Live` is in Observed already.
    Applied {
        created: bool,
    },
    /// The server took the DELETE; the object goes when its finalizers are done, or is gone.
    Deleted,
    /// 404: it was gone already.
    Gone,
    /// 409 on a DELETE or a precondition: decide again from the newest event.
    Changed,
    Surveyed,
    /// The server refused the body or the right to write it.
    Rejected(Rejection),
    /// The server could not be reached, was busy or answered 5xx; nothing is known.
    Unavailable {
        cause: String,
        retry_after: Option<std::time::Duration>,
    },
}

/// A refusal in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status code.
    pub code: u16,
    /// `status.reason`: Invalid, Forbidden, ...
    pub reason: String,
    pub message: String,
    /// Field paths of `details.causes`, with their reason.
    pub causes: Vec<(String, String)>,
}
