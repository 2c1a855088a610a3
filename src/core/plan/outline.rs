//! What a plan needs of a solution's objects, without their bodies.
//!
//! A solution that is in place is compared again at every event of its namespace and written
//! never. So this is what is kept of it, and what plans are made of; a body is put into a step when
//! it is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize as _;

use super::address::{self, Address, IngressSpec, RouteSpec};
use crate::model::intern::Interner;
use crate::model::{ComponentName, ContentHash, FieldSet, Kind, ObjectKey, SolutionName};
use crate::render::{Body, Desired, DesiredObject, Wave};

/// A [`Desired`] without bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Whose objects these are.
    pub solution: SolutionName,
    /// In the order of [`Desired::objects`].
    pub objects: Vec<Arc<Form>>,
    /// Where visitors open it when all of that is in place: sorted, each once.
    pub addresses: Box<[Address]>,
}

/// A [`DesiredObject`], with its body only where it is about to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Its kind, namespace and name.
    pub key: ObjectKey,
    /// The component that it belongs to; none if to the whole solution.
    pub component: Option<ComponentName>,
    /// When it is published.
    pub wave: Wave,
    /// Hash of the body, as in [`DesiredObject::content`].
    pub content: ContentHash,
    /// Of a Deployment: the hash of its pod template. Boxed like the next: of most objects there is
    /// none.
    pub template: Option<Box<ContentHash>>,
    /// Of a Deployment: the hash of all that its pods are, as in [`DesiredObject::pods`].
    pub pods: Option<Box<ContentHash>>,
    /// What the API server records as ours once it is applied.
    pub fields: Arc<FieldSet>,
    /// What is sent. Kept with a quota, of which a plan may ask for another form; of all others
    /// absent until a step takes it along.
    pub body: Option<Arc<Body>>,
}

/// Whether a Deployment says how many copies there are; else the autoscaler does.
pub(super) fn owns_replicas(fields: &FieldSet) -> bool {
    fields.has(&["f:spec", "f:replicas"])
}

impl Form {
    /// Whether it is a Deployment that comes to life without copies: somebody else counts them.
    pub fn is_born_asleep(&self) -> bool {
        self.template.is_some() && !owns_replicas(&self.fields)
    }

    /// An object that can be sent as it is.
    pub fn whole(object: &DesiredObject) -> Self {
        Self { body: Some(Arc::new(Body::of(object))), ..Self::bare(object) }
    }

    fn bare(object: &DesiredObject) -> Self {
        Self {
            key: object.key.clone(),
            component: object.component.clone(),
            wave: object.wave,
            content: object.content.clone(),
            template: object.template.clone().map(Box::new),
            pods: object.pods.clone().map(Box::new),
            fields: Arc::clone(&object.fields),
            body: None,
        }
    }

    fn of(object: &DesiredObject) -> Self {
        match object.key.kind {
            Kind::ResourceQuota => Self::whole(object),
            _ => Self::bare(object),
        }
    }

    /// The object that this is the form of; `None` without a body.
    pub fn object(&self) -> Option<DesiredObject> {
        Some(DesiredObject {
            key: self.key.clone(),
            component: self.component.clone(),
            wave: self.wave,
            body: self.body.as_ref()?.tree(),
            content: self.content.clone(),
            template: self.template.as_deref().cloned(),
            pods: self.pods.as_deref().cloned(),
            fields: Arc::clone(&self.fields),
        })
    }
}

impl Outline {
    /// The outline of what was rendered.
    pub fn of(desired: &Desired) -> Self {
        Self {
            solution: desired.solution.clone(),
            objects: desired.objects.iter().map(|object| Arc::new(Form::of(object))).collect(),
            addresses: addresses_of(desired).into_iter().collect(),
        }
    }

    /// Lets equal field sets share one allocation: a set is larger than the body that it is of, and
    /// a thousand solutions of one shape have a handful of them.
    pub fn share(&mut self, interner: &mut Interner) {
        for form in self.objects.iter_mut().filter_map(Arc::get_mut) {
            form.fields = interner.share(&form.fields);
        }
    }

    /// The key of every object, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.objects.iter().map(|form| &form.key)
    }
}

/// Where visitors open a solution when all of it is in place, as they type it.
pub fn urls_of(desired: &Desired) -> Vec<String> {
    address::urls(&addresses_of(desired))
}

fn addresses_of(desired: &Desired) -> BTreeSet<Address> {
    desired.objects.iter().flat_map(|object| addresses(object)).collect()
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
