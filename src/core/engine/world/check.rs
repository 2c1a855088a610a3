//! What must hold of every order, and of a world at rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use super::{Form, World};
use crate::catalog::{Memory, Standing};
use crate::engine::{Order, judged};
use crate::ledger;
use crate::model::{ContentHash, ObjectKey, Revision};
use crate::plan::observed::Record;
use crate::plan::{self, Address, DesiredObject, HELD_DIGITS, Phase, Step};
use crate::render;
use crate::status::{CommitState, CommitStatus, Sync};

/// What a line says of a template that was seen running.
const SEEN: &str = "seen running at this revision";

impl World {
    /// A commit never says more than was seen, and what it says to the end stays said.
    pub(super) fn judge_notes(&mut self, lines: &BTreeMap<Revision, Vec<CommitStatus>>) {
        for (commit, statuses) in lines {
            // That the forge lacks something may be so more than once.
            let mark = |status: &&CommitStatus| {
                ledger::forge::is_mark(&self.settings.instance, &status.context)
            };
            for status in statuses.iter().filter(|status| !mark(status)) {
                let mut told = self.notes.get(commit).into_iter().flatten();
                let before = told.rfind(|said| said.context == status.context);
                let last = before.filter(|said| said.state == CommitState::Success);
                if last.is_some_and(|said| said.state != status.state) {
                    let why = format!("{commit} said {before:?}, and then {status:?}");
                    self.wrong.push(why);
                }
                if status.description.contains(SEEN) && before != Some(status) {
                    let solution = status.context.rsplit('/').next().unwrap_or_default();
                    let unseen = self.templates(solution).into_iter().find(|(_, template)| {
                        !self
                            .server
                            .ran
                            .contains(&(format_smolstr!("sol-{solution}"), template.clone()))
                    });
                    if let Some((component, _)) = unseen {
                        let why = format!("{commit}: {component} of {solution} never ran so");
                        self.wrong.push(why);
                    }
                }
            }
        }
    }

    /// What the components of a solution run, as the commit in force asks.
    fn templates(&self, solution: &str) -> Vec<(SmolStr, ContentHash)> {
        let Some(catalog) = &self.in_force else { return Vec::new() };
        let (Standing::Published(solution), Ok(platform)) =
            (catalog.standing(solution), &catalog.platform)
        else {
            return Vec::new();
        };
        let desired = render::all(solution, platform, &self.settings.instance, Phase::Live);
        let template =
            |object: &Arc<DesiredObject>| Some((object.key.name.clone(), object.template.clone()?));
        desired.objects.iter().filter_map(template).collect()
    }

    /// That all is well is said of the head only while nothing runs that it does not ask for.
    fn look_at_lines(&mut self, lines: &BTreeMap<Revision, Vec<CommitStatus>>) {
        let whole = ledger::context(&self.settings.instance, None);
        for (commit, status) in lines.iter().flat_map(|(c, all)| all.iter().map(move |s| (c, s))) {
            let head = self.engine.book.revision() == Some(commit);
            if status.context == whole && status.state == CommitState::Success && head {
                let runs = self.runs_unasked(commit);
                self.wrong
                    .extend(runs.map(|name| format!("{name} runs, and {commit}: {status:?}")));
            }
        }
    }

    /// A solution that has objects although a commit, all of which is sound, has no folder for it.
    fn runs_unasked(&self, commit: &Revision) -> Option<String> {
        let made = self.remote.made(commit)?;
        let sound = made.platform && !made.link && !made.folders.values().any(|f| *f == Form::Slip);
        if !sound || self.restored {
            return None;
        }
        let names = self.server.ours().filter_map(|(key, _)| key.solution(&self.settings.instance));
        names.map(|name| name.to_string()).find(|name| !made.folders.contains_key(name))
    }

    /// What must hold of an order.
    pub(super) fn look_at(&mut self, order: &Order) {
        if let Order::Note { lines, .. } = order {
            self.look_at_lines(lines);
        }
        let Order::Step { step, .. } = order else { return };
        self.steps += 1;
        let key = step.key();
        if !self.in_flight.insert(key.clone()) {
            self.wrong.push(format!("a second step for {key} in flight"));
        }
        let Some(name) = key.solution(&self.settings.instance) else { return };
        let name = name.to_string();
        let Some(catalog) = &self.in_force else {
            self.wrong.push(format!("a step for {key} without any commit"));
            return;
        };
        // By what people wrote, not by what the engine makes of it.
        let made = self.remote.made(&catalog.revision);
        let form = made.and_then(|made| made.folders.get(&name));
        if made.is_none_or(|made| !made.platform) || form == Some(&Form::Slip) {
            self.wrong.push(format!("{key} is touched although {name} is frozen: {step:?}"));
        }
        let standing = catalog.standing(&name);
        if let Step::Delete { .. } = step {
            let wanted = match (&standing, &catalog.platform) {
                (Standing::Published(solution), Ok(platform)) => {
                    let instance = &self.settings.instance;
                    let desired = render::all(solution, platform, instance, Phase::Live);
                    desired.objects.iter().any(|object| object.key == key)
                }
                _ => false,
            };
            if wanted {
                self.wrong.push(format!("{key} is deleted although the commit asks for it"));
            }
            if !self.heard {
                self.wrong.push(format!("{key} is deleted before the repository answered"));
            }
            if let Some((Record::Kept { applied: Some(applied), .. }, _)) =
                &self.server.state.record
                && !self.remote.follows(&catalog.revision, applied)
                && !self.approved.deletions.contains(&key)
                && !plan::is_routine(&key)
                && !self.restored
            {
                self.wrong.push(format!("{key} is deleted although history was rewritten"));
            }
            if !self.lease {
                self.wrong.push(format!("{key} is deleted before the Lease was read"));
            }
            if let Some(theirs) = self.server.state.objects.get(&key)
                && theirs.ours.is_none()
                && !theirs.birth
            {
                self.wrong.push(format!("{key} is deleted and is not ours"));
            }
            if form.is_none() && !self.approved.deletions.contains(&key) {
                self.count_harm(name);
            }
        } else if let Step::Apply { object, .. } = step {
            let opens = object.object().map(|o| plan::addresses(&o)).unwrap_or_default();
            // What was opened a moment ago, before any watch told of it, nobody can miss.
            let told =
                |address: &&Address| self.told.get(&key).is_some_and(|t| t.contains(address));
            let live = self.server.state.objects.get(&key);
            let lost = live.into_iter().flat_map(|live| live.addresses.difference(&opens));
            let lost: Vec<&Address> = lost.filter(told).collect();
            let kept = |address: &Address| match (&standing, &catalog.platform) {
                (Standing::Published(solution), Ok(platform)) => {
                    let instance = &self.settings.instance;
                    let desired = render::all(solution, platform, instance, Phase::Live);
                    desired.objects.iter().any(|o| plan::addresses(o).contains(address))
                }
                _ => false,
            };
            let approved = |address: &Address| self.approved.addresses.contains(address);
            if lost.into_iter().any(|address| !approved(address) && !kept(address)) {
                self.count_harm(name);
            }
        }
    }

    /// Not more solutions go or move within an hour than the brake allows.
    fn count_harm(&mut self, name: String) {
        if self.removed.iter().any(|(known, _)| *known == name) {
            return;
        }
        let recent =
            |at: &Duration| self.now.since_start.saturating_sub(*at) < Duration::from_secs(3500);
        self.removed.retain(|(_, at)| recent(at));
        let instance = &self.settings.instance;
        let living: BTreeSet<_> =
            self.server.ours().filter_map(|(key, _)| key.solution(instance)).collect();
        let total = living.len() + self.removed.len();
        let going = self.removed.len() + 1;
        let braked = self.settings.safety.max_removed_share < 1.0;
        if braked && going > (total / 5).max(1) && !self.jumped && !self.restored {
            self.wrong
                .push(format!("{name} goes or moves, the {going}th of {total} within an hour"));
        }
        self.removed.push((name, self.now.since_start));
    }

    /// What keeps the world from resting, for whoever reads a failed history.
    pub(super) fn unrest(&self) -> String {
        let engine = &self.engine;
        let unsettled = engine.rows.verdicts().values().filter(|v| !v.is_settled());
        let unsettled: Vec<String> =
            unsettled.map(|v| format!("{} {:?}: {}", v.name, v.sync, v.reason)).collect();
        format!(
            "read {}, dirty {:?}, desk {}, book {}, behind {}, ledger {}, unsettled {unsettled:?}, \
             held {:?}, problems {:?}",
            self.remote.is_read(),
            engine.dirty,
            engine.desk.is_quiet(),
            engine.book.is_quiet(),
            engine.behind,
            engine.ledger.is_quiet(),
            engine.brake.hold().map(|hold| &hold.reason),
            engine.sight.problems,
        )
    }

    /// What is not as the newest commit asks, in a world at rest.
    pub fn differences(&self) -> Vec<String> {
        let snapshot = self.remote.snapshot(self.remote.head);
        let catalog = judged(&snapshot, &mut Memory::default());
        let instance = &self.settings.instance;
        let mut wrong = Vec::new();
        let mut wanted: BTreeMap<ObjectKey, _> = BTreeMap::new();
        if let Ok(platform) = &catalog.platform {
            for solution in catalog.solutions.values() {
                let desired = render::all(solution, platform, instance, Phase::Live);
                wanted.extend(desired.objects.into_iter().map(|o| (o.key.clone(), o)));
            }
        }
        for (key, object) in &wanted {
            match self.server.state.objects.get(key) {
                None => wrong.push(format!("{key} of {:?} is not there", key.namespace)),
                Some(live) if live.content.as_ref() != Some(&object.content) => {
                    wrong.push(format!("{key} of {:?} is of another commit", key.namespace));
                }
                Some(live) if live.ours.as_deref() != Some(&*object.fields) => {
                    wrong.push(format!("{key} of {:?} is not repaired", key.namespace));
                }
                Some(_) => {}
            }
        }
        for (key, _) in self.server.ours() {
            let standing = key.solution(instance).map(|name| catalog.standing(name.as_str()));
            let stays = matches!(standing, None | Some(Standing::Frozen));
            if !wanted.contains_key(key) && !stays {
                wrong.push(format!("{key} of {:?} is still there", key.namespace));
            }
        }
        for verdict in &self.engine.board().verdicts {
            let standing = catalog.standing(verdict.name.as_str());
            let good = match standing {
                Standing::Published(_) => verdict.sync == Sync::Synced,
                Standing::Frozen => verdict.sync == Sync::Failed,
                Standing::Gone => false,
            };
            if !good {
                wrong.push(format!(
                    "{} is called {:?}: {}",
                    verdict.name, verdict.sync, verdict.reason
                ));
            }
        }
        let board = self.engine.board();
        let held = board.held.as_ref().map(|held| held.hash.first(HELD_DIGITS));
        if self.engine.posting.trouble.is_none() && self.server.posted() != held.as_deref() {
            wrong.push(format!("the list says {:?}, held is {held:?}", self.server.posted()));
        }
        if board.revision.as_ref() != Some(&snapshot.revision) {
            wrong.push(format!("the board speaks of {:?}", board.revision));
        }
        wrong.extend(self.untold(&snapshot.revision));
        wrong
    }

    /// What the forge was not told in a world at rest: no line is left pending, the head and each
    /// commit that last changed a solution have their word.
    fn untold(&self, head: &Revision) -> Vec<String> {
        let Some(forge) = &self.settings.forge else { return Vec::new() };
        let mut wrong = self.forge.pending();
        let latest = self.forge.latest();
        let has = |commit: &Revision, context: &str| {
            latest.get(commit).is_some_and(|lines| lines.contains_key(context))
        };
        let whole = ledger::context(&self.settings.instance, None);
        if !has(head, &whole) {
            wrong.push(format!("the forge has no line for the whole on {head}"));
        }
        for verdict in self.engine.rows.verdicts().values() {
            let Some(commit) = self.engine.ledger.record(&verdict.name) else { continue };
            let context = ledger::context(&self.settings.instance, Some(&verdict.name));
            if forge.per_solution && !has(commit, &context) {
                wrong.push(format!("the forge has no line for {context} on {commit}"));
            }
            let line = latest.get(commit).and_then(|lines| lines.get(&context));
            if verdict.is_good() && line.is_some_and(|line| line.state != CommitState::Success) {
                wrong.push(format!("{context} is well, and on {commit} stands {line:?}"));
            }
        }
        wrong
    }
}
