//! When a ResourceQuota may become smaller.
//!
//! A roll-out runs old and new pods at once. Under a quota that has room for the new ones only,
//! the new pod would be refused for ever. So a value that falls comes after the roll-out; one that
//! rises, and a repair, come at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::observed::{HealthFacts, Shelf};
use super::outline::{Form, Outline};
use crate::model::{Kind, ObjectKey};
use crate::render;

/// What of a desired object may be applied now.
pub(super) struct Timely {
    pub object: Arc<Form>,
    /// The Deployment whose roll-out the rest of it waits for.
    pub waits_for: Option<ObjectKey>,
}

/// A ResourceQuota of which a value falls keeps the greater one while a Deployment is rolled out
/// or one that is no longer desired is there. Every other object is timely as it is.
pub(super) fn timely(
    object: &Arc<Form>,
    desired: &Outline,
    extras: &BTreeSet<ObjectKey>,
    live: &Shelf,
) -> Timely {
    let whole = Timely { object: Arc::clone(object), waits_for: None };
    let Some(HealthFacts::Quota(hard)) = live.get(&object.key).map(|live| &live.health) else {
        return whole;
    };
    let Some(rolling) = rolling(desired, live).or_else(|| leaving(extras, live)) else {
        return whole;
    };
    match object.object().and_then(|quota| render::widened(&quota, hard)) {
        Some(wide) => Timely { object: Arc::new(Form::whole(&wide)), waits_for: Some(rolling) },
        None => whole,
    }
}

/// A Deployment that is not yet as desired, or not all of whose pods are.
fn rolling(desired: &Outline, live: &Shelf) -> Option<ObjectKey> {
    let complete = |object: &Form| {
        live.get(&object.key).is_some_and(|live| {
            live.is_in_place(&object.content, &object.fields)
                && matches!(&live.health, HealthFacts::Deployment(facts) if facts.is_rolled_out())
        })
    };
    let mut deployments = desired.objects.iter().filter(|o| o.key.kind == Kind::Deployment);
    deployments.find(|object| !complete(object)).map(|object| object.key.clone())
}

/// A Deployment that is on its way out: its pods still count.
fn leaving(extras: &BTreeSet<ObjectKey>, live: &Shelf) -> Option<ObjectKey> {
    let extra = extras.iter().find(|key| key.kind == Kind::Deployment);
    let going =
        || live.iter().find(|(key, live)| key.kind == Kind::Deployment && live.deleting.is_some());
    extra.cloned().or_else(|| going().map(|(key, _)| key.clone()))
}
