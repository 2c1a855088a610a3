//! What may go: the wishes for the brake, the gap that a rename must not have, and what the Lease
//! remembers of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::memory::Known;
use vitrine_core::model::names::NAMESPACE_PREFIX;
use vitrine_core::plan::observed::Record;
use vitrine_core::plan::{self, BrakeSettings, Hold, Outline, SolutionPlan, Step};
use vitrine_core::status::Sync;

/// How long an approved removal counts, as the brake does.
const LATELY: SignedDuration = SignedDuration::from_hours(1);
/// How long the deletions of one removal may be apart.
const ONE_REMOVAL: SignedDuration = SignedDuration::from_mins(10);
/// How old a Namespace may be for its solution to count as just being added.
const JUST_ADDED: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// Decides on the brake and returns the solutions whose plans it changes.
    pub(super) fn apply_brake(&mut self, now: Timestamp) -> BTreeSet<String> {
        if !self.knows_every_kind() {
            return BTreeSet::new(); // it could not count, and the plan deletes nothing until then
        }
        let settings = BrakeSettings {
            max_removed_share: self.settings.safety.max_removed_share,
            max_deletions: self.settings.safety.max_deletions,
            approvals_expire_after: SignedDuration::try_from(
                self.settings.safety.approvals_expire_after,
            )
            .unwrap_or(SignedDuration::ZERO),
            root: &self.settings.repository.path,
            rewritten: self.rewritten,
            now,
        };
        let hold = plan::brake(&self.wishes, self.cluster.observed(), &settings);
        if hold == self.hold {
            return BTreeSet::new();
        }
        if let Some(hold) = &hold {
            tracing::warn!(hash = hold.hash.first(12), "deletions are held: {}", hold.reason);
        }
        let concerned = |hold: &Option<Hold>| -> BTreeSet<String> {
            hold.iter().flat_map(|h| h.disappearing.iter().chain(&h.staying).cloned()).collect()
        };
        let changed = concerned(&self.hold).union(&concerned(&hold)).cloned().collect();
        self.hold = hold;
        self.telling.changed();
        changed
    }

    /// Keeps the list of deletions that the catalogue asks for.
    pub(super) fn note_wishes(&mut self, name: &str) {
        self.wishes.disappearing.remove(name);
        self.wishes.staying.remove(name);
        let observed = self.cluster.observed();
        let (wishes, outline) = match self.memory.known(name) {
            Some(Known::Published { outline, .. }) => (&mut self.wishes.staying, Some(outline)),
            Some(Known::Frozen) => return,
            None => (&mut self.wishes.disappearing, None),
        };
        let wanted = outline.into_iter().flat_map(Outline::keys);
        let mut keys = plan::deletions(name, wanted, observed);
        keys.retain(|key| outline.is_none() || !plan::is_routine(key));
        if !keys.is_empty() {
            wishes.insert(name.to_owned(), keys);
        }
    }

    /// Solutions that are just being added: a rename removes the old name after the new one is
    /// there.
    pub(super) fn additions(&self, now: Timestamp) -> Vec<String> {
        if self.wishes.disappearing.is_empty() {
            return Vec::new();
        }
        let observed = self.cluster.observed();
        let is_new =
            |name: &str| match observed.namespaces.get(&format!("{NAMESPACE_PREFIX}{name}")) {
                None => true,
                Some(facts) => {
                    facts.created.is_some_and(|created| now.duration_since(created) < JUST_ADDED)
                }
            };
        let arrived = |name: &str| {
            self.memory.verdict(name).is_some_and(|v| match v.sync {
                Sync::Synced | Sync::Failed | Sync::Blocked => true,
                Sync::Progressing | Sync::OutOfSync | Sync::Unknown | Sync::Removing => false,
            })
        };
        self.memory
            .published()
            .filter(|name| is_new(name) && !arrived(name))
            .map(str::to_owned)
            .collect()
    }

    /// Whether solutions begin to be removed, which the Lease must know before the first DELETE.
    pub(super) fn begins_to_remove(
        &mut self,
        plans: &[(String, SolutionPlan)],
        now: Timestamp,
    ) -> bool {
        let mut begun = false;
        for (name, plan) in plans {
            let deletes = plan.ready().any(|step| matches!(step, Step::Delete { .. }));
            if !deletes || self.memory.known(name).is_some() {
                continue;
            }
            // An older stamp is of a removal before this one: the name came back in between.
            let lately = |at: &Timestamp| now.duration_since(*at) < ONE_REMOVAL;
            if self.removals.iter().any(|(removed, at)| removed == name && lately(at)) {
                continue;
            }
            tracing::info!(solution = name, "removing: its folder is gone");
            self.removals.retain(|(removed, _)| removed != name);
            self.removals.push((name.clone(), now));
            begun = true;
        }
        begun
    }

    /// On a cluster that holds nothing of ours the Lease is written first, so that a crash during
    /// the first pass does not look like a lost memory.
    pub(super) fn is_first_write(&self, plans: &[(String, SolutionPlan)]) -> bool {
        let observed = self.cluster.observed();
        self.compared
            && observed.record == Record::Missing
            && observed.solutions.values().all(BTreeMap::is_empty)
            && plans.iter().any(|(_, plan)| plan.ready().next().is_some())
    }

    /// Every deletion that the commit asks for is done or sent.
    pub(super) fn completely_applied(&self) -> bool {
        // A faulty platform freezes everything: that nothing is to be deleted then says nothing.
        let sound = self.memory.catalog.as_ref().is_some_and(|c| c.platform.is_ok());
        sound
            && self.compared
            && self.heard
            && self.knows_every_kind()
            && self.unknown.is_none()
            && self.hold.is_none()
            && self.wishes.disappearing.is_empty()
            && self.wishes.staying.is_empty()
            && self
                .memory
                .revision()
                .is_some_and(|revision| self.recorded.as_ref() != Some(revision))
    }

    pub(super) async fn record(&mut self, now: Timestamp) {
        let Some(revision) = self.memory.revision().cloned() else { return };
        let complete = self.completely_applied();
        let applied = match &self.recorded {
            Some(recorded) if !complete => recorded.clone(),
            Some(_) | None => revision,
        };
        self.removals.retain(|(_, at)| now.duration_since(*at) < LATELY);
        match self.cluster.record(&applied, &self.settings.repository.path, &self.removals).await {
            Ok(()) => {
                self.recorded = Some(applied);
                self.rewritten &= !complete;
                self.problems.remove("lease");
            }
            Err(cause) => {
                tracing::warn!("the Lease could not be written: {cause}");
                self.problems.insert("lease", format!("the Lease could not be written: {cause}"));
            }
        }
    }
}
