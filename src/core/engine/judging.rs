//! Brings together what is known of a solution, so that `status` can judge it.

use std::collections::BTreeSet;

use super::book::Known;
use super::{Engine, Now};
use crate::catalog::Catalog;
use crate::config::Mode;
use crate::model::fault::harmless;
use crate::model::{ClaimedName, Party, SolutionName};
use crate::plan::SolutionPlan;
use crate::plan::observed::Shelf;
use crate::status::{self, Case, Cause, Stage, Standing, Verdict};

impl Engine {
    pub(super) fn judge(&mut self, name: &ClaimedName, now: Now) {
        let Some(catalog) = self.book.catalog() else { return };
        let platform = catalog.platform.as_ref().ok();
        let empty = SolutionPlan::default();
        let plan = name.solution().and_then(|name| self.rows.plan(name)).unwrap_or(&empty);
        let frozen;
        let is_preview = name.solution().is_some_and(SolutionName::is_preview);
        let unread = !self.looked && platform.is_some() && !catalog.protected.covers(name.as_str());
        let standing =
            match (self.book.known_as(name), catalog.refused.get(name).filter(|_| !is_preview)) {
                (_, None) if unread => Standing::Unread,
                (Some(Known::Published { solution, outline, phase, .. }), _) => {
                    let (objects, addresses) = (outline.objects.len(), &outline.addresses);
                    Standing::Published { solution, phase, plan, objects, addresses }
                }
                // Without a sound platform nobody can tell what an author did wrong.
                (_, Some(refused)) if platform.is_some() => Standing::Refused(refused),
                (Some(Known::Frozen), _) => {
                    let (reason, party) = frozen_because(catalog);
                    frozen = reason;
                    Standing::Frozen { reason: &frozen, party }
                }
                (Some(Known::Coming), _) => Standing::Coming,
                (Some(Known::Undecided), _) => Standing::Undecided,
                (None, Some(refused)) => Standing::Refused(refused),
                (None, None) => Standing::Removed(plan),
            };
        let case = Case {
            name,
            standing,
            observed: &self.sight.observed,
            setbacks: self.failures.known(),
            hold: self.brake.hold(),
            problems: &self.sight.problems,
            unknown: self.book.unknown.as_ref(),
            silence: self.outage.silence(),
            reports: self.settings.cluster.mode == Mode::Report,
            revision: match name.solution().filter(|_| is_preview) {
                Some(preview) => self.book.head_of(preview),
                None => self.ledger.record(name),
            },
            placed: name.solution().and_then(|name| self.rows.placed(name)),
            in_force: self.book.revision(),
            instance: self.settings.instance.as_str(),
            late: self.patience.is_over(name, self.steady.at(now)),
            now: now.wall,
        };
        // A name is on the board because somebody declared it or because something of ours carries
        // it: a foreign namespace is nobody's solution, whatever protects absent names.
        let declared = match is_preview {
            true => self.book.known_as(name).is_some(),
            false => {
                catalog.solutions.contains_key(name.as_str())
                    || catalog.refused.contains_key(name.as_str())
            }
        };
        let gone = !declared && case.objects().is_none_or(Shelf::is_empty);
        let verdict = (!gone).then(|| status::judge(&case));
        if matches!(case.standing, Standing::Published { plan, .. } if plan.is_empty())
            && let (Some(solution), Some(record)) = (name.solution(), case.revision)
        {
            self.rows.is_placed(solution, record.clone());
        }
        self.patience.note(name, verdict.as_ref(), self.steady.at(now));
        let is_gone = self.book.known_as(name).is_none();
        let failed = |verdict: &Verdict| verdict.stage == Some(Stage::WakeFailed);
        let fails = verdict.as_ref().is_some_and(failed);
        let refused = verdict.as_ref().is_some_and(|v| v.reason.cause == Cause::RouteRefused);
        let vanishes = verdict.is_none();
        if let Some(before) = self.rows.judged(name, verdict, is_gone) {
            self.behind = true;
            if is_preview {
                return; // no commit of the branch speaks of it
            }
            if vanishes {
                // Taken back before anything of it was there: its commits wait for a word.
                self.ledger.doubts.add(name.clone());
            }
            let same = before.as_ref().is_some_and(|v| v.reason.cause == Cause::RouteRefused);
            let failed = before.as_deref().is_some_and(failed);
            if (fails && !failed) || (refused && !same) {
                // A partner that stopped may be why.
                self.checkup.stir();
            }
            self.diary.changed(name, self.steady.at(now));
            self.ledger.changed(name);
        }
    }
}

/// Why names without a good solution are frozen, and whose turn it is.
fn frozen_because(catalog: &Catalog) -> (String, Party) {
    let reason = match (&catalog.platform, &catalog.protected.all) {
        (Err(faults), _) => {
            let fault = faults.first().map(ToString::to_string);
            let missing = || "there is no usable platform.yaml".to_owned();
            return (fault.unwrap_or_else(missing), Party::Operator);
        }
        (Ok(_), Some(all)) => all.clone(),
        (Ok(_), None) => {
            let folders: BTreeSet<&str> =
                catalog.refused.values().map(|refused| refused.folder.as_str()).collect();
            let folders: Vec<String> = folders.into_iter().map(harmless).collect();
            format!("a refused folder declares this name (refused: {})", folders.join(", "))
        }
    };
    (reason, Party::Author)
}
