//! What a step waits for.

use jiff::Timestamp;
use smol_str::SmolStr;

use crate::model::{Kind, ObjectKey, SolutionName};

/// Why a step cannot begin yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// An object of an earlier wave is not in place.
    Object(ObjectKey),
    /// A request for this object is under way.
    InFlight(ObjectKey),
    /// The cluster does not have this kind; its CRD is missing.
    MissingKind(Kind),
    /// The kind could not be listed yet.
    UnknownKind(Kind),
    /// The Namespace exists and is not ours.
    ForeignNamespace {
        /// Its name, such as `sol-use`.
        namespace: SmolStr,
        /// The other instance that it belongs to, if it carries such a label.
        instance: Option<String>,
    },
    /// The object is being deleted; these finalizers hold it.
    Leaving {
        /// The object that goes.
        key: ObjectKey,
        /// Their names; `kubernetes` stands for what a Namespace waits for.
        finalizers: Vec<String>,
    },
    /// The add-on has not seen this InterceptorRoute yet.
    NotReady(ObjectKey),
    /// The Deployment is not available yet.
    NotAvailable(ObjectKey),
    /// The gateway has not accepted this route yet.
    NotAccepted(ObjectKey),
    /// It was refused or could not be sent; tried again at this time.
    BackOff {
        /// The object that the step is about.
        key: ObjectKey,
        /// Not before.
        until: Timestamp,
    },
    /// The deletions are held until a person approves them.
    Held,
    /// What the daemon remembers on its Lease has not been read, or the commit was not compared
    /// with it yet.
    Record,
    /// The repository has not answered since the start.
    Unheard,
    /// The catalogue is still being rendered, so nobody knows yet all that it asks to delete.
    Rendering,
    /// Solutions that are just being added, so that a rename has no gap.
    Additions(Vec<SolutionName>),
    /// Work in the namespace that is not ours.
    ForeignWork(Vec<String>),
    /// All verification slots are taken.
    Slot,
    /// A change for all reaches a few running solutions at a time, and others are before it.
    Turn,
}

/// As `vitrine plan` says it, after "waits".
impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Object(key) => write!(f, "after {key}"),
            Self::InFlight(key) => write!(f, "a request for {key} is under way"),
            Self::MissingKind(kind) => write!(f, "the cluster has no {kind}"),
            Self::UnknownKind(kind) => write!(f, "{kind} could not be listed yet"),
            Self::ForeignNamespace { namespace, .. } => {
                write!(f, "Namespace {namespace} exists and is not vitrine's")
            }
            Self::Leaving { key, finalizers } if finalizers.is_empty() => {
                write!(f, "{key} is being deleted")
            }
            Self::Leaving { key, finalizers } => {
                write!(f, "{key} is being deleted, held by {}", finalizers.join(", "))
            }
            Self::NotReady(key) => write!(f, "{key} is not ready"),
            Self::NotAvailable(key) => write!(f, "{key} is not available"),
            Self::NotAccepted(key) => write!(f, "the gateway has not accepted {key}"),
            Self::BackOff { key, until } => write!(f, "{key} is tried again at {until}"),
            Self::Held => f.write_str("held until it is approved"),
            Self::Record => f.write_str("the daemon's Lease has not been read"),
            Self::Unheard => f.write_str("the repository has not answered since the start"),
            Self::Rendering => f.write_str("the catalogue is being rendered"),
            Self::Additions(names) => {
                let names: Vec<&str> = names.iter().map(SolutionName::as_str).collect();
                write!(f, "after {} is published", names.join(", "))
            }
            Self::ForeignWork(names) => write!(f, "foreign work is left: {}", names.join(", ")),
            Self::Slot => f.write_str("all verification slots are taken"),
            Self::Turn => f.write_str("others roll out first (`rollouts.maxParallel`)"),
        }
    }
}
