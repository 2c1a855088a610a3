//! What registries say of the images that a merge would bring: faults, a line before and after, and
//! what nobody knows.
//!
//! Asked for is only what the operator's file in force allows by the name of its host: who opens a
//! pull request sends nobody to a host of his choice, nor our account to what is not his.

use std::collections::BTreeSet;

use super::fact::{Topic, Value, compare};
use super::sentence::Sentence;
use super::touched::{Touched, What};
use super::{Operator, Review};
use crate::catalog::fit::{self, Denial, Told};
use crate::catalog::solution::Component;
use crate::catalog::{Catalog, Snapshot, Solution};
use crate::model::ImageReference;
use crate::model::fault::Severity;
use crate::model::image::is_loopback;

/// The most images that are asked for, for one review.
const MOST: usize = 100;
/// What the fact is called.
const WHAT: &str = "what the image is";

/// The images that registries have to be asked for, in their order and at most 100: those that a
/// merge would start, and those that they take the place of. `near`: registries on this machine
/// that are asked all the same.
pub fn images_of(
    review: &Review,
    base: &Catalog,
    head: &Catalog,
    near: &[String],
) -> BTreeSet<ImageReference> {
    let Ok(platform) = &base.platform else { return BTreeSet::new() };
    let may_ask = |image: &&ImageReference| {
        let local = image.host().is_some_and(is_loopback);
        let named = near.iter().any(|near| image.host() == Some(near.as_str()));
        platform.registries.names(image) && (!local || named)
    };
    let mut images = BTreeSet::new();
    for one in review.touched.iter().filter(|one| brings(one)) {
        let name = one.name.as_str();
        let Some(new) = head.solutions.get(name) else { continue };
        let old = base.solutions.get(name);
        let new = fit::pulled(new);
        let old = old.map(|old| fit::pulled(old)).unwrap_or_default();
        images.extend(new.into_iter().chain(old).filter(may_ask).cloned());
    }
    images.into_iter().take(MOST).collect()
}

/// Whether a merge would start it from another folder than now.
fn brings(one: &Touched) -> bool {
    matches!(one.what, What::Appears | What::Changes | What::WasFrozen) && !one.by_platform
}

impl Review {
    /// Adds what registries said. `snapshot`: that of the head.
    pub fn with_images(
        mut self,
        base: &Catalog,
        head: &Catalog,
        snapshot: &Snapshot,
        said: &Told,
    ) -> Self {
        let Ok(platform) = &head.platform else { return self };
        for one in self.touched.iter_mut().filter(|one| brings(one)) {
            let name = one.name.as_str();
            let Some(new) = head.solutions.get(name) else { continue };
            let file = snapshot.folders.get(&new.folder);
            let file = file.and_then(|folder| folder.files.get("solution.yaml")?.bytes.as_deref());
            let sure = |image: &ImageReference| {
                said.get(image).filter(|said| {
                    said.as_ref().err().is_none_or(|why| why.denial == Denial::Lacks)
                })
            };
            one.faults.extend(fit::judge(new, platform, file.unwrap_or_default(), sure));
            one.faults.sort_by_key(|fault| fault.severity != Severity::Error);
            let old = base.solutions.get(name).map(|old| values(old, said)).unwrap_or_default();
            let facts = compare(&old, &values(new, said));
            let after = one.facts.iter().rposition(|fact| fact.what == "image");
            let at = after.map_or(one.facts.len(), |at| at + 1);
            one.facts.splice(at..at, facts);
            one.risks.extend(unknown(new, said));
        }
        self
    }

    /// The names of solutions that a merge would publish, and of which something would fail.
    pub(super) fn would_fail(&self) -> Vec<&str> {
        let is_bad = |one: &&Touched| {
            one.what != What::Refused && one.faults.iter().any(|f| f.severity == Severity::Error)
        };
        let frozen = matches!(self.platform, Operator::Refused(_));
        self.touched.iter().filter(|_| !frozen).filter(is_bad).map(|o| o.name.as_str()).collect()
    }
}

/// Of each component what its image is, where that is known.
fn values(solution: &Solution, said: &Told) -> Vec<Value> {
    let of = |component: &Component| {
        let image = said.get(&component.image)?.as_ref().ok()?;
        Some(Value {
            topic: Topic::Different,
            component: Some(component.name.clone()),
            what: WHAT.to_owned(),
            text: image.told(),
            usual: false,
        })
    };
    solution.components.values().filter_map(|component| of(component)).collect()
}

/// The images of which nobody knows whether they are there.
fn unknown(solution: &Solution, said: &Told) -> Vec<Sentence> {
    let denied = |image: &&ImageReference, denial| {
        said.get(*image).is_some_and(|said| said.as_ref().is_err_and(|why| why.denial == denial))
    };
    let images = fit::pulled(solution).into_iter();
    let told = images.filter_map(|image| {
        let ours = if denied(&image, Denial::Refuses) {
            "nobody could look at {}: its registry does not let us, or has none of that name"
        } else if denied(&image, Denial::Silent) {
            "nobody could look at {}; the daemon's log says why"
        } else {
            return None;
        };
        Some(Sentence::of(ours, &[image]))
    });
    told.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "images/tests.rs"]
mod tests;
