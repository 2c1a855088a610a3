//! The brake: which deletions and moves of addresses are held, what an approval lets go, and what
//! the Lease must know before any of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::model::{Revision, SolutionName};
use crate::plan::brake::Wishes;
use crate::plan::observed::{Record, Removal, Shelf, Went};
use crate::plan::{
    self, Address, BrakeSettings, Gate, Hold, Observed, Outline, Phase, SolutionPlan, Step, leads,
};

/// How long an approved removal counts, as the brake does.
const LATELY: SignedDuration = SignedDuration::from_hours(1);
/// How long the deletions of one removal may be apart.
const ONE_REMOVAL: SignedDuration = SignedDuration::from_mins(10);
/// The pause before the Lease is written again that could not be written.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// What may go, and what is remembered of it.
#[derive(Default)]
pub(super) struct Brake {
    wishes: Wishes,
    hold: Option<Hold>,
    /// The solutions whose addresses would move without a person's word for it.
    losers: BTreeSet<SolutionName>,
    /// Whether it was decided at all what is held.
    judged: bool,
    /// The commit in force.
    in_force: Option<Revision>,
    /// Whether the last applied commit is not an ancestor of the one in force.
    rewritten: bool,
    /// Solutions whose removal or move began lately, as the Lease should have it.
    removals: Vec<Removal>,
    /// The commit that the Lease has.
    recorded: Option<Revision>,
    /// Whether what the Lease remembers is known here, or that there is none.
    adopted: bool,
    /// Whether the commit in force was compared with what the Lease remembers. Before that nothing
    /// is recorded and nothing deleted.
    compared: bool,
    /// How often the reader of the repository was told from where history counts.
    errands: u32,
    /// Removals that wait for the Lease to know of them.
    unstamped: BTreeSet<SolutionName>,
    /// First writes that wait for the Lease to be there.
    waiting: BTreeSet<SolutionName>,
    /// Whether it was tried to make the Lease before the first write.
    tried: bool,
    /// Not before, because it could not be written.
    not_before: Option<Timestamp>,
    /// Why it could not be written.
    pub trouble: Option<String>,
}

/// What has to be written onto the Lease.
pub(super) struct Entry {
    pub applied: Revision,
    pub complete: bool,
    pub removals: Vec<Removal>,
}

impl Brake {
    pub fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Whether nothing held means that nothing has to be.
    pub fn is_judged(&self) -> bool {
        self.judged
    }

    pub fn is_compared(&self) -> bool {
        self.compared
    }

    /// History is asked for from what was applied last, so the Lease comes first. Where it cannot
    /// be read, the reader goes without, and again when it was read: until the answer to that,
    /// nothing is deleted or recorded. `troubled`: something of the cluster cannot be read.
    ///
    /// Returns from where history counts, if the reader has to be told.
    pub fn sends_reader(&mut self, record: &Record, troubled: bool) -> Option<Option<Revision>> {
        let since = match record {
            Record::Unread if self.errands == 0 && troubled => None,
            Record::Unread => return None,
            _ if self.adopted => return None,
            Record::Missing => {
                self.adopted = true;
                None
            }
            Record::Kept { applied, removals, .. } => {
                self.adopted = true;
                self.recorded.clone_from(applied);
                self.removals.clone_from(removals);
                applied.clone()
            }
        };
        self.errands += 1;
        Some(since)
    }

    /// The Lease was read again, as the server's store has it now. What it forgot is written again;
    /// what this process removed counts although the Lease does not know of it.
    pub fn reread(&mut self, record: &Record) {
        match record {
            Record::Unread => {}
            Record::Missing => self.recorded = None,
            Record::Kept { applied, removals, .. } => {
                self.recorded.clone_from(applied);
                for removal in removals {
                    if !self.removals.iter().any(|known| known.name == removal.name) {
                        self.removals.push(removal.clone());
                    }
                }
            }
        }
    }

    /// The solutions whose removal began lately, also in an earlier life.
    pub fn begun(&self) -> impl Iterator<Item = &SolutionName> {
        let removals = self.removals.iter();
        removals.filter(|removal| removal.why == Went::Removed).map(|removal| &removal.name)
    }

    /// Whether the reader of the repository was sent off.
    pub fn sent_reader(&self) -> bool {
        self.errands > 0
    }

    /// A commit is in force. `errand`: how often its reader had been told from where history counts.
    pub fn take_commit(&mut self, revision: &Revision, errand: u32, rewritten: bool) {
        self.compared |= self.adopted && errand == self.errands;
        self.in_force = Some(revision.clone());
        // Until all that it asks for was done: the next is compared with the commit before it. Also
        // where the Lease is not known to have any commit: the answer may have been lost.
        self.rewritten = (self.rewritten || rewritten) && self.recorded.as_ref() != Some(revision);
    }

    /// Keeps the list of what the catalogue asks to take away. `outline` of what stays, and whether
    /// it may run; `None` for what is gone from it.
    pub fn wish(
        &mut self,
        name: &SolutionName,
        outline: Option<(&Outline, Phase)>,
        observed: &Observed,
    ) {
        self.wish_nothing(name);
        if name.is_preview() {
            return; // nobody was promised that it stays
        }
        if let Some((outline, Phase::Live)) = outline {
            let mut lost = plan::opened(name, observed);
            lost.retain(|address| !outline.addresses.contains(address));
            if !lost.is_empty() {
                self.wishes.losing.insert(name.clone(), lost);
            }
        }
        let outline = outline.map(|(outline, _)| outline);
        let wishes = match outline {
            Some(_) => &mut self.wishes.staying,
            None => &mut self.wishes.disappearing,
        };
        let wanted = outline.into_iter().flat_map(Outline::keys);
        let mut keys = plan::deletions(name, wanted, observed);
        keys.retain(|key| outline.is_none() || !plan::is_routine(key));
        if !keys.is_empty() {
            wishes.insert(name.clone(), keys);
        }
    }

    /// A name asks for no deletion, or nobody knows yet which.
    pub fn wish_nothing(&mut self, name: &SolutionName) {
        self.wishes.disappearing.remove(name);
        self.wishes.staying.remove(name);
        self.wishes.losing.remove(name);
    }

    /// The addresses that the catalogue asks to close while their solutions stay.
    pub fn losing(&self) -> &BTreeMap<SolutionName, BTreeSet<Address>> {
        &self.wishes.losing
    }

    /// Decides anew and returns the solutions whose plans that changes.
    pub fn judge(
        &mut self,
        settings: &Config,
        observed: &Observed,
        now: Timestamp,
    ) -> BTreeSet<SolutionName> {
        let safety = &settings.safety;
        let expire = SignedDuration::try_from(safety.approvals_expire_after);
        let settings = BrakeSettings {
            max_removed_share: safety.max_removed_share,
            max_deletions: safety.max_deletions,
            approvals_expire_after: expire.unwrap_or(SignedDuration::ZERO),
            root: &settings.repository.path,
            rewritten: self.rewritten,
            now,
        };
        let hold = plan::brake(&self.wishes, observed, &settings);
        self.losers = plan::losers(&self.wishes, observed, &settings);
        self.judged = true;
        if hold == self.hold {
            return BTreeSet::new();
        }
        let concerned = |hold: &Option<Hold>| -> BTreeSet<SolutionName> {
            let names = |h: &Hold| -> Vec<SolutionName> {
                h.disappearing.iter().chain(&h.staying).chain(&h.moving).cloned().collect()
            };
            hold.iter().flat_map(names).collect()
        };
        let changed = concerned(&self.hold).union(&concerned(&hold)).cloned().collect();
        self.hold = hold;
        changed
    }

    /// Why nothing at all may be deleted, whatever the brake says. `heard`: the repository has
    /// answered since the start. `complete`: the form of every solution that lives is known.
    pub fn shut(&self, heard: bool, complete: bool) -> Option<&'static Gate> {
        if !self.compared {
            Some(&Gate::Record)
        } else if !heard {
            Some(&Gate::Unheard)
        } else if !complete {
            Some(&Gate::Rendering)
        } else {
            None
        }
    }

    /// What becomes of a solution by its plan that somebody may miss, and that no person approved.
    /// `published`: whether the catalogue has it.
    pub fn goes(&self, name: &SolutionName, published: bool) -> Option<Went> {
        match published {
            _ if name.is_preview() => None,
            false => Some(Went::Removed),
            true => self.losers.contains(name).then_some(Went::Moved),
        }
    }

    /// Whether the steps of a removal or of a move may be sent: the Lease must know of it. If it
    /// does not, it has to be told, which [`Brake::entry`] asks for. The second is whether it just
    /// began.
    pub fn may_go(
        &mut self,
        name: &SolutionName,
        why: Went,
        plan: &SolutionPlan,
        record: &Record,
        now: Timestamp,
    ) -> (bool, bool) {
        if !plan.ready().any(|step| Self::harms(why, step)) {
            return (true, false);
        }
        // An older stamp is of a removal before this one: the name came back in between.
        let stamped = |removals: &[Removal]| {
            let lately = |removal: &Removal| now.duration_since(removal.at) < ONE_REMOVAL;
            removals.iter().any(|r| r.name == *name && r.why == why && lately(r))
        };
        let begins = !stamped(&self.removals);
        if begins {
            self.removals.retain(|removal| removal.name != *name);
            self.removals.push(Removal { name: name.clone(), at: now, why });
        }
        let known = matches!(record, Record::Kept { removals, .. } if stamped(removals));
        if !known {
            self.unstamped.insert(name.clone());
        }
        (known, begins)
    }

    /// On a cluster that holds nothing of ours the Lease is written first, so that a crash during
    /// the first pass does not look like a lost memory. Whether this plan has to wait for that.
    pub fn waits_for_lease(
        &mut self,
        name: &SolutionName,
        plan: &SolutionPlan,
        observed: &Observed,
    ) -> bool {
        let first = !self.tried
            && self.compared
            && observed.record == Record::Missing
            && observed.solutions.values().all(Shelf::is_empty)
            && plan.ready().next().is_some();
        if first {
            self.waiting.insert(name.clone());
        }
        first
    }

    /// Every deletion that the commit asks for is done or sent. `sound`: the platform's file is
    /// good, every kind is known and the form of all that lives, and the repository can be read.
    pub fn is_completely_applied(&self, sound: bool, revision: &Revision) -> bool {
        sound
            && self.compared
            && self.hold.is_none()
            && self.wishes.disappearing.is_empty()
            && self.wishes.staying.is_empty()
            && self.recorded.as_ref() != Some(revision)
    }

    /// What the Lease has to be told now.
    pub fn entry(
        &mut self,
        revision: &Revision,
        complete: bool,
        wall: Timestamp,
        now: Timestamp,
    ) -> Option<Entry> {
        let needed = complete || !self.unstamped.is_empty() || !self.waiting.is_empty();
        if !needed || self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        self.removals.retain(|removal| wall.duration_since(removal.at) < LATELY);
        let applied = match &self.recorded {
            Some(recorded) if !complete => recorded.clone(),
            Some(_) | None => revision.clone(),
        };
        Some(Entry { applied, complete, removals: self.removals.clone() })
    }

    /// The Lease was written, or not. Returns the names that waited for it.
    pub fn recorded_as(
        &mut self,
        applied: Revision,
        complete: bool,
        written: Result<(), String>,
        now: Timestamp,
    ) -> BTreeSet<SolutionName> {
        self.tried = true;
        match written {
            Ok(()) => {
                // An answer about the commit before it says nothing of the one in force.
                self.rewritten &= !(complete && self.in_force.as_ref() == Some(&applied));
                self.recorded = Some(applied);
                self.not_before = None;
                self.trouble = None;
                let mut names = std::mem::take(&mut self.unstamped);
                names.append(&mut self.waiting);
                names
            }
            Err(cause) => {
                self.trouble = Some(cause);
                self.not_before = Some(now + AGAIN);
                std::mem::take(&mut self.waiting)
            }
        }
    }

    /// What a name waited for has no end any more.
    pub fn forget(&mut self, name: &SolutionName) {
        self.wish_nothing(name);
        self.unstamped.remove(name);
        self.waiting.remove(name);
    }

    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let waits =
            !self.unstamped.is_empty() || !self.waiting.is_empty() || self.trouble.is_some();
        self.not_before.filter(|at| waits && *at > now)
    }

    /// Whether this is one of the steps that take something away from people.
    pub fn harms(why: Went, step: &Step) -> bool {
        match step {
            Step::Delete { key, .. } => why == Went::Removed || leads(key.kind),
            Step::Apply { object, .. } => why == Went::Moved && leads(object.key.kind),
            Step::Birth { .. }
            | Step::Handover { .. }
            | Step::Survey { .. }
            | Step::ForceActivation { .. }
            | Step::Nudge { .. }
            | Step::Verified { .. } => false,
        }
    }

    /// Solutions that are just being added; while there are any, removals wait, so that a rename
    /// has no gap.
    pub fn removes_anything(&self) -> bool {
        !self.wishes.disappearing.is_empty()
    }

    /// The names of which the catalogue asks to take something away.
    pub fn concerned(&self) -> impl Iterator<Item = &SolutionName> {
        let wishes = &self.wishes;
        wishes.disappearing.keys().chain(wishes.staying.keys()).chain(wishes.losing.keys())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::model::{Kind, ObjectKey};
    use crate::plan::Live;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn kept(applied: char) -> Record {
        Record::Kept { applied: Some(commit(applied)), root: None, removals: Vec::new() }
    }

    /// A brake that knows from the Lease what was applied, and has the next commit in force.
    fn after(applied: char, in_force: char) -> Brake {
        let mut brake = Brake::default();
        assert_eq!(brake.sends_reader(&kept(applied), false), Some(Some(commit(applied))));
        brake.take_commit(&commit(in_force), 1, false);
        brake
    }

    #[test]
    fn rewritten_history_holds_until_the_commit_in_force_is_applied() {
        let mut brake = after('a', 'b');
        brake.take_commit(&commit('c'), 1, true);
        // The Lease is told of what was in force before.
        brake.recorded_as(commit('b'), true, Ok(()), NOW);
        assert!(brake.rewritten);
        // A later commit on top changes nothing of that.
        brake.take_commit(&commit('d'), 1, false);
        brake.recorded_as(commit('b'), false, Ok(()), NOW);
        assert!(brake.rewritten);
        brake.recorded_as(commit('d'), true, Ok(()), NOW);
        assert!(!brake.rewritten);
    }

    #[test]
    fn rewritten_history_holds_though_the_first_answer_about_the_lease_was_lost() {
        let mut brake = Brake::default();
        assert_eq!(brake.sends_reader(&Record::Missing, false), Some(None));
        brake.take_commit(&commit('a'), 1, false);
        brake.recorded_as(commit('a'), false, Err("the answer broke off".to_owned()), NOW);
        brake.take_commit(&commit('b'), 1, true);
        assert!(brake.rewritten);
    }

    #[test]
    fn back_on_what_was_applied_nothing_is_rewritten() {
        let mut brake = after('a', 'b');
        brake.take_commit(&commit('a'), 1, true);
        assert!(!brake.rewritten);
    }

    #[test]
    fn the_reader_is_sent_without_the_lease_only_in_trouble_and_again_when_it_was_read() {
        let mut brake = Brake::default();
        assert_eq!(brake.sends_reader(&Record::Unread, false), None);
        assert_eq!(brake.sends_reader(&Record::Unread, true), Some(None));
        assert_eq!(brake.sends_reader(&Record::Unread, true), None, "once");
        brake.take_commit(&commit('b'), 1, false);
        assert!(!brake.is_compared());
        assert_eq!(brake.sends_reader(&kept('a'), false), Some(Some(commit('a'))));
        brake.take_commit(&commit('b'), 1, false);
        assert!(!brake.is_compared(), "what was read before the Lease");
        brake.take_commit(&commit('b'), 2, false);
        assert!(brake.is_compared());
    }

    #[test]
    fn nothing_is_recorded_before_it_was_compared_or_while_something_is_left_to_do() {
        let mut brake = Brake::default();
        brake.sends_reader(&Record::Unread, true);
        brake.take_commit(&commit('b'), 1, false);
        assert!(!brake.is_completely_applied(true, &commit('b')));
        let brake = after('a', 'b');
        assert!(brake.is_completely_applied(true, &commit('b')));
        assert!(!brake.is_completely_applied(false, &commit('b')), "not everything is known");
        assert!(!after('a', 'a').is_completely_applied(true, &commit('a')), "the Lease has it");
        let name = SolutionName::parse("use").unwrap();
        let mut brake = after('a', 'b');
        brake.wishes.disappearing.entry(name).or_default();
        assert!(!brake.is_completely_applied(true, &commit('b')), "a solution is left");
    }

    #[test]
    fn a_lease_that_cannot_be_written_is_tried_again_after_a_pause() {
        let mut brake = after('a', 'b');
        let entry = |brake: &mut Brake, at| brake.entry(&commit('b'), true, NOW, at);
        assert_eq!(entry(&mut brake, NOW).map(|e| e.applied), Some(commit('b')));
        brake.recorded_as(commit('b'), true, Err("no".to_owned()), NOW);
        assert_eq!(brake.trouble.as_deref(), Some("no"));
        assert!(entry(&mut brake, NOW).is_none());
        assert!(entry(&mut brake, NOW + AGAIN).is_some());
        brake.recorded_as(commit('b'), true, Ok(()), NOW + AGAIN);
        assert_eq!(brake.trouble, None);
    }

    #[test]
    fn what_is_not_completely_applied_leaves_the_commit_on_the_lease_as_it_is() {
        let mut brake = after('a', 'b');
        brake.unstamped.insert(SolutionName::parse("use").unwrap());
        let entry = brake.entry(&commit('b'), false, NOW, NOW).unwrap();
        assert_eq!((entry.applied, entry.complete), (commit('a'), false));
    }

    #[test]
    fn a_preview_is_no_harm_whatever_becomes_of_it() {
        let solution = SolutionName::parse("use").unwrap();
        let preview = solution.preview(42).unwrap();
        let mut observed = Observed { record: kept('a'), ..Observed::default() };
        for name in [&solution, &preview] {
            let key = ObjectKey::cluster(Kind::Namespace, name.namespace());
            let live = Live { fields: Some(Arc::default()), ..Live::default() };
            observed.solutions.entry(name.clone()).or_default().insert(key, live.into());
        }
        let mut brake = after('a', 'b');
        for name in [&solution, &preview] {
            brake.wish(name, None, &observed);
        }
        let wishes = brake.wishes.disappearing.keys().collect::<Vec<_>>();
        assert_eq!(wishes, [&solution]);
        assert_eq!(brake.goes(&solution, false), Some(Went::Removed));
        assert_eq!(brake.goes(&preview, false), None);
        let hold = brake_of(&brake.wishes, &observed);
        assert_eq!(hold.as_deref(), Some("would remove 1 of 1 solution"));
    }

    /// Why the brake holds these wishes.
    fn brake_of(wishes: &Wishes, observed: &Observed) -> Option<String> {
        let settings = BrakeSettings {
            max_removed_share: 0.2,
            max_deletions: 100,
            approvals_expire_after: LATELY,
            root: ".",
            rewritten: false,
            now: NOW,
        };
        plan::brake(wishes, observed, &settings).map(|hold| hold.reason)
    }

    #[test]
    fn an_address_goes_with_a_route_that_changes_and_with_one_that_is_deleted() {
        let delete = |kind| Step::Delete {
            key: ObjectKey::namespaced(kind, "sol-use", "edge"),
            uid: "u".into(),
            resource_version: "1".into(),
        };
        assert!(Brake::harms(Went::Moved, &delete(Kind::HttpRoute)));
        assert!(!Brake::harms(Went::Moved, &delete(Kind::ConfigMap)), "a routine");
        assert!(Brake::harms(Went::Removed, &delete(Kind::ConfigMap)));
    }

    #[test]
    fn removals_older_than_an_hour_leave_the_lease() {
        let mut brake = after('a', 'b');
        let name = |text: &str| SolutionName::parse(text).unwrap();
        let removed = |text: &str, at| Removal { name: name(text), at, why: Went::Removed };
        let new = removed("new", NOW + SignedDuration::from_mins(2));
        brake.removals = vec![removed("old", NOW), new.clone()];
        let wall = NOW + LATELY;
        let entry = brake.entry(&commit('b'), true, wall, NOW).unwrap();
        assert_eq!(entry.removals, [new]);
    }

    #[test]
    fn a_lease_that_forgot_a_removal_does_not_make_the_brake_forget_it() {
        let mut brake = after('a', 'b');
        let name = SolutionName::parse("use").unwrap();
        let removal = Removal { name, at: NOW, why: Went::Removed };
        brake.removals = vec![removal.clone()];
        brake.reread(&kept('a'));
        assert_eq!(brake.removals, [removal]);
        brake.reread(&Record::Missing);
        assert_eq!(brake.recorded, None);
    }
}
