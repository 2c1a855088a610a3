//! An object as the API server shows it, read as far as a decision needs.
//!
//! Of `managedFields` the sets stay as they are written until they are digested; whole objects are
//! never held.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

use crate::model::fields::Recorded;
use crate::model::{ContentHash, FieldSet, Kind, ObjectKey, Uid, marks};
use crate::plan::observed::{
    Condition, DeploymentFacts, HealthFacts, KindState, PodFacts, Problem, Survey,
};
use crate::plan::said::Said;

/// What the watch of a kind has to say.
#[derive(Clone, Debug)]
pub enum News {
    /// A list begins: what does not come now is gone.
    Listing,
    /// An object of a list, or one that was made or changed.
    Present(Box<Seen>),
    /// An object that is gone, or lost the label that the watch selects by; as it was last.
    Deleted(Box<Seen>),
    /// The list is complete as of this version.
    Listed(String),
    /// Everything up to this version was said.
    Bookmark(String),
    /// With the reason, if it is trouble.
    State(KindState, Option<Problem>),
}

/// What a step wrote.
#[derive(Clone, Debug)]
pub enum Written {
    /// Nothing, or the server did not say what.
    Nothing,
    /// The metadata that a PATCH answered.
    Object(Box<Seen>),
    /// The object with this UID is gone.
    Gone(Uid),
    /// Of a survey: what it found.
    Survey(Survey),
}

/// One object, digested.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its name, version, marks and owners of fields.
    pub meta: Meta,
    /// [`HealthFacts::None`] where only metadata was read.
    pub health: HealthFacts,
    /// Of a Pod.
    pub pod: Option<PodFacts>,
    /// Of an Event: what it says, if somebody needs it.
    pub said: Option<Box<Said>>,
    /// Of a Namespace: what holds it while it is being deleted.
    pub remains: Vec<Condition>,
    /// What we own by the server's word and the object does not have; absent where not all of it
    /// was read.
    pub lacks: Option<FieldSet>,
}

/// `metadata`, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// The object's name, unique in its kind and namespace.
    pub name: SmolStr,
    /// Absent for cluster-wide kinds.
    pub namespace: Option<SmolStr>,
    /// What tells it from an earlier object of the same name.
    pub uid: Uid,
    /// The version of the object that this is, as the server wrote it.
    pub resource_version: SmolStr,
    /// Counts the changes of its `spec`; 0 where the server counts none.
    pub generation: i64,
    /// When it was made, by the server's clock.
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for; absent while nobody did.
    pub deletion_timestamp: Option<Timestamp>,
    /// All labels, also those of others.
    pub labels: BTreeMap<String, String>,
    /// All annotations, also those of others.
    pub annotations: BTreeMap<String, String>,
    /// Who has to let go before it is gone.
    pub finalizers: Vec<String>,
    /// Who owns which fields, from `managedFields`.
    #[serde(deserialize_with = "digested")]
    pub managed_fields: Managed,
}

impl Meta {
    /// A label's value; absent if the object has no such label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// An annotation's value; absent if the object has no such annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }

    /// What our marks say of a Deployment, and its generation.
    pub fn marked(&self) -> DeploymentFacts {
        DeploymentFacts {
            generation: self.generation,
            verified: self.annotation(marks::VERIFIED).map(str::to_owned),
            template: self.annotation(marks::TEMPLATE).map(ContentHash::recorded),
            pods: self.annotation(marks::PODS).map(ContentHash::recorded),
            ..DeploymentFacts::default()
        }
    }

    /// Whether KEDA was nudged, an odd number of times.
    pub fn is_nudged(&self) -> bool {
        self.annotation(marks::FORCE_ACTIVATION) == Some("false")
    }

    /// Whether KEDA is told to keep a target awake.
    pub fn is_forced(&self) -> bool {
        self.annotation(marks::FORCE_ACTIVATION) == Some("true")
    }
}

impl Seen {
    /// What it is called, as one of a kind.
    pub fn key(&self, kind: Kind) -> ObjectKey {
        ObjectKey { kind, namespace: self.meta.namespace.clone(), name: self.meta.name.clone() }
    }
}

/// Whose the fields are, without the entries of subresources.
#[derive(Clone, Debug, Default)]
pub struct Managed {
    /// Manager `vitrine`, operation Apply.
    pub ours: Option<Recorded>,
    /// Manager `vitrine-birth` has an entry.
    pub birth: bool,
    /// The others, in the server's order, without `vitrine-verify`.
    pub others: Vec<(String, Recorded)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    fields_v1: Recorded,
}

fn digested<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Managed, D::Error> {
    let mut managed = Managed::default();
    for entry in Option::<Vec<Entry>>::deserialize(deserializer)?.unwrap_or_default() {
        if !entry.subresource.is_empty() || entry.manager == marks::VERIFIER {
            continue;
        }
        if entry.manager == marks::MANAGER && entry.operation == "Apply" {
            managed.ours = Some(entry.fields_v1);
        } else if entry.manager == marks::BIRTH {
            managed.birth = true;
        } else {
            managed.others.push((entry.manager, entry.fields_v1));
        }
    }
    Ok(managed)
}
