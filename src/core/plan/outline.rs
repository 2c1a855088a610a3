//! What a comparison needs of a solution's objects, without their bodies.
//!
//! A solution that is in place is compared again at every event of its namespace and written
//! never. So this is what is kept of it; the bodies are rendered again when one must be sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize as _;

use super::address::{self, Address, IngressSpec, RouteSpec};
use super::deletion::deletions;
use super::ground::{Ground, namespace_gate};
use super::observed::{Flight, Live};
use super::solution_plan::SolutionPlan;
use super::verify;
use crate::model::{ContentHash, FieldSet, Kind, ObjectKey, SolutionName};
use crate::render::{Desired, DesiredObject, Wave};

/// A [`Desired`] without bodies: nothing of it can be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Whose objects these are.
    pub solution: SolutionName,
    /// In the order of [`Desired::objects`].
    pub objects: Vec<Form>,
    /// Where visitors open it when all of that is in place.
    pub addresses: BTreeSet<Address>,
}

/// A [`DesiredObject`] without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Its kind, namespace and name.
    pub key: ObjectKey,
    /// Hash of the body, as in [`DesiredObject::content`].
    pub content: ContentHash,
    /// Of a Deployment: the hash of its pod template.
    pub template: Option<ContentHash>,
    /// What the API server records as ours once it is applied.
    pub fields: Arc<FieldSet>,
}

impl Outline {
    /// The outline of what was rendered.
    pub fn of(desired: &Desired) -> Self {
        let form = |object: &Arc<DesiredObject>| Form {
            key: object.key.clone(),
            content: object.content.clone(),
            template: object.template.clone(),
            fields: Arc::clone(&object.fields),
        };
        Self {
            solution: desired.solution.clone(),
            objects: desired.objects.iter().map(form).collect(),
            addresses: desired.objects.iter().flat_map(|object| addresses(object)).collect(),
        }
    }

    /// The key of every object, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.objects.iter().map(|form| &form.key)
    }
}

/// Where visitors open a solution when all of it is in place, as they type it.
pub fn urls_of(desired: &Desired) -> Vec<String> {
    address::urls(&desired.objects.iter().flat_map(|object| addresses(object)).collect())
}

/// What a desired object lets visitors open.
pub(crate) fn addresses(object: &DesiredObject) -> BTreeSet<Address> {
    let spec = &object.body["spec"];
    match object.key.kind {
        Kind::HttpRoute => {
            let own = object.key.namespace.as_deref().unwrap_or_default();
            RouteSpec::deserialize(spec).map(|spec| spec.addresses(own))
        }
        // One of an earlier wave sends everybody elsewhere.
        Kind::Ingress if object.wave == Wave::Route => {
            IngressSpec::deserialize(spec).map(|spec| spec.addresses())
        }
        _ => return BTreeSet::new(),
    }
    .unwrap_or_default()
}

/// What [`publish`](super::publish()) would plan, if every object is in place: nothing, or the steps
/// of a trial. They need no bodies. `None`: it takes the bodies to tell.
pub fn rest(outline: &Outline, ground: &Ground<'_>) -> Option<SolutionPlan> {
    let solution = &outline.solution;
    let live = ground.observed.solutions.get(solution)?;
    let in_place = |form: &Form| {
        let same = |live: &Live| live.is_in_place(&form.content, &form.fields);
        // What a verification writes leaves it in place.
        let busy = ground.observed.in_flight.get(&form.key) == Some(&Flight::Body);
        !busy && live.get(&form.key).is_some_and(same)
    };
    if namespace_gate(&outline.solution, ground).is_some()
        || ground.hold.is_some_and(|hold| hold.staying.contains(solution))
        || !outline.objects.iter().all(in_place)
        || !deletions(solution, outline.keys(), ground.observed).is_empty()
    {
        return None;
    }
    let deployments = outline.objects.iter().filter(|form| form.key.kind == Kind::Deployment);
    let templates = deployments.filter_map(|form| Some((&form.key, form.template.as_ref()?)));
    let mut rest = SolutionPlan::default();
    verify::verify(templates, live, ground, &mut rest);
    Some(rest)
}
