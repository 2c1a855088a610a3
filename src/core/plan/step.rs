//! One thing to do, and what became of it.

use std::sync::Arc;

use smol_str::SmolStr;

use super::observed::Flight;
use super::outline::Form;
use super::verified::Verified;
use crate::model::{ContentHash, FieldSet, ObjectKey, Quoted, Revision, Uid};
use crate::render::Body;

/// One step of a plan. `apply` carries it out as it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One server-side apply of manager `vitrine`, with `revision` as annotation.
    Apply {
        /// What is sent.
        object: Arc<Form>,
        /// The commit that it is annotated with.
        revision: Revision,
        /// What was ours on it, is not any more, and stays because another manager owns it too.
        left: Option<Arc<FieldSet>>,
        /// What made it necessary.
        why: Why,
    },
    /// A Deployment that is born asleep: a POST of its smallest form with `replicas: 0` by
    /// manager `vitrine-birth` (409 AlreadyExists is fine), then as `Apply`.
    Birth {
        /// What is applied after the POST.
        object: Arc<Form>,
        /// The commit that it is annotated with.
        revision: Revision,
    },
    /// Keeps the live `spec.replicas` of a Deployment under manager `vitrine-handover` before
    /// the autoscaler takes over, then as `Apply`.
    Handover {
        /// What is applied afterwards, without replicas.
        object: Arc<Form>,
        /// The commit that it is annotated with.
        revision: Revision,
        /// As in [`Step::Apply`].
        left: Option<Arc<FieldSet>>,
        /// The live `spec.replicas`.
        replicas: i32,
    },
    /// A DELETE with both preconditions.
    Delete {
        /// The object to be deleted.
        key: ObjectKey,
        /// The first precondition: it is the object that was observed.
        uid: Uid,
        /// The second precondition: it has not changed since.
        resource_version: SmolStr,
    },
    /// Looks for foreign work in a namespace: one metadata list a kind.
    Survey {
        /// Its name, such as `sol-use`.
        namespace: SmolStr,
    },
    /// Sets or removes KEDA's force-activation on a ScaledObject, by manager `vitrine-verify`.
    ForceActivation {
        /// The ScaledObject.
        key: ObjectKey,
        /// `true` sets it, `false` removes it.
        on: bool,
    },
    /// Lets KEDA look at a ScaledObject again that it refused: it does so when the annotation that
    /// forces activation changes, and `"false"` forces nothing. By manager `vitrine-verify`.
    Nudge {
        /// The ScaledObject.
        key: ObjectKey,
        /// `true` sets it to `"false"`, `false` removes it: each is a change.
        mark: bool,
    },
    /// Writes what a verification found on a Deployment, by manager `vitrine-verify`.
    Verified {
        /// The Deployment.
        key: ObjectKey,
        /// Hash of the pod template that was tried.
        template: ContentHash,
        /// What was found.
        result: Verified,
    },
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
            Self::Handover { .. }
            | Self::ForceActivation { .. }
            | Self::Nudge { .. }
            | Self::Verified { .. } => true,
            Self::Apply { .. } | Self::Birth { .. } | Self::Delete { .. } | Self::Survey { .. } => {
                false
            }
        }
    }

    /// What it changes while it is under way.
    pub(crate) fn flight(&self) -> Flight {
        match self {
            Self::ForceActivation { on: true, .. } => Flight::Wake,
            Self::ForceActivation { on: false, .. }
            | Self::Nudge { .. }
            | Self::Verified { .. } => Flight::Mark,
            Self::Apply { .. }
            | Self::Birth { .. }
            | Self::Handover { .. }
            | Self::Delete { .. }
            | Self::Survey { .. } => Flight::Body,
        }
    }

    /// What it applies, if it applies anything.
    pub fn form(&self) -> Option<&Arc<Form>> {
        match self {
            Self::Apply { object, .. }
            | Self::Birth { object, .. }
            | Self::Handover { object, .. } => Some(object),
            Self::Delete { .. }
            | Self::Survey { .. }
            | Self::ForceActivation { .. }
            | Self::Nudge { .. }
            | Self::Verified { .. } => None,
        }
    }

    /// The step with what it sends.
    #[must_use]
    pub(crate) fn with_body(mut self, body: Arc<Body>) -> Self {
        if let Self::Apply { object, .. }
        | Self::Birth { object, .. }
        | Self::Handover { object, .. } = &mut self
        {
            Arc::make_mut(object).body = Some(body);
        }
        self
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
            | Self::Nudge { key, .. }
            | Self::Verified { key, .. } => key.clone(),
            Self::Survey { namespace } => ObjectKey::cluster(Kind::Namespace, namespace.clone()),
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server answered 200 (it existed) or 201 (it did not). `Live` is in Observed already.
    Applied {
        /// Whether it was absent before.
        created: bool,
    },
    /// The server took the DELETE; the object goes when its finalizers are done, or is gone.
    Deleted,
    /// 404: it was gone already.
    Gone,
    /// 409 on a DELETE or a precondition: decide again from the newest event.
    Changed,
    /// The namespace was looked through; [`Observed::surveys`](super::Observed::surveys) says what
    /// was found.
    Surveyed,
    /// The server refused the body or the right to write it.
    Rejected(Rejection),
    /// The server could not be reached, was busy or answered 5xx; nothing is known.
    Unavailable {
        /// What happened, in a sentence for the operator.
        cause: Quoted,
        /// How long the server asks us to wait; `None` if it did not say.
        retry_after: Option<std::time::Duration>,
    },
}

/// [`Rejection::reason`] where the write was taken, and admission took a part of it away.
const TAKEN_AWAY: &str = "TakenAway";

impl Rejection {
    /// These fields were written and are not there. The server says that they are ours.
    pub fn taken_away(fields: &FieldSet) -> Self {
        let paths = fields.paths();
        Self {
            code: 200,
            reason: TAKEN_AWAY.to_owned(),
            message: Quoted::of(&paths.join(", ")),
            causes: Vec::new(),
        }
    }

    /// Whether the rest of the object was written.
    pub fn is_taken_away(&self) -> bool {
        self.reason == TAKEN_AWAY
    }
}

/// A refusal in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status code.
    pub code: u16,
    /// `status.reason`: Invalid, Forbidden, ...
    pub reason: String,
    /// `status.message`, for people; a long one is cut.
    pub message: Quoted,
    /// Field paths of `details.causes`, with their reason.
    pub causes: Vec<(String, String)>,
}
