//! The book: what the catalogue says of each name now, and what it was rendered to.
//!
//! Every solution has its outline; bodies there are only of a window of those that have something
//! to write, and of each only until it is written. So what is kept does not grow with what is sent.

mod known;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::desk::{Job, Work};
use super::event::Commit;
use super::form::{FormKey, Rendered};
use super::press::Press;
use super::previews::Staging;
use crate::catalog::snapshot::Unknown;
use crate::catalog::{Catalog, Snapshot, Solution};
use crate::model::{ClaimedName, InstanceName, ObjectKey, Revision, SolutionName};
use crate::plan::{Outline, Phase};
use crate::render::Body;
use crate::render::phase::{day, phase_on};

/// How many solutions one order renders: few enough that the first are sent while others are
/// rendered.
const AT_A_TIME: usize = 32;

/// The catalogue in force, and its solutions as objects.
#[derive(Default)]
pub(super) struct Book {
    catalog: Option<Catalog>,
    /// A commit that is being judged, without its snapshot.
    coming: Option<Coming>,
    /// Set while the repository cannot be read.
    pub unknown: Option<Unknown>,
    /// Whether the repository has answered since the start. Before that nothing is deleted.
    pub heard: bool,
    forms: BTreeMap<SolutionName, Form>,
    press: Press,
    /// Solutions that a commit of their own changed, until they are in place.
    own: BTreeSet<SolutionName>,
    today: Option<Date>,
    /// What pull requests show beside it.
    staging: Staging,
}

/// A commit on its way through the judge.
pub(super) struct Coming {
    pub commit: Commit,
    /// Why the repository itself could not be read, if this is what the mirror had.
    pub instead_of: Option<Unknown>,
}

/// A solution as objects, with the key under which it stays true.
struct Form {
    key: FormKey,
    solution: Arc<Solution>,
    outline: Outline,
}

/// What the catalogue says of a name that is in it.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    Published {
        solution: &'a Arc<Solution>,
        outline: &'a Outline,
        phase: Phase,
    },
    /// Published, and not rendered yet in the form of now.
    Coming,
    /// Left alone: refused, or protected by a fault elsewhere.
    Frozen,
    /// A preview, left alone: nobody knows whether it is wanted.
    Undecided,
}

impl Book {
    /// With room for the bodies of so many solutions.
    #[cfg(any(test, feature = "samples"))]
    pub fn narrow(&mut self, places: usize) {
        self.press.narrow(places);
    }

    /// A commit was read; it counts when it is judged.
    pub fn expect(&mut self, coming: Coming) {
        let earlier = self.coming.replace(coming);
        // What the overtaken one would have told happened all the same.
        if let (Some(earlier), Some(now)) = (earlier, &mut self.coming) {
            if now.commit.like.as_ref() == Some(&earlier.commit.snapshot.revision) {
                now.commit.like = earlier.commit.like;
            }
            let changes = &mut now.commit.changes;
            changes.rewritten |= earlier.commit.changes.rewritten;
            let later = std::mem::take(&mut changes.commits);
            changes.commits = earlier.commit.changes.commits;
            changes.commits.extend(later);
            now.commit.noted = now.commit.noted.take().or(earlier.commit.noted);
        }
    }

    /// The commit that waits for its judgement, if it says what the one in force says: that was
    /// judged.
    pub fn like_now(&mut self) -> Option<Coming> {
        let like = self.coming.as_ref()?.commit.like.as_ref()?;
        if self.revision() == Some(like) { self.coming.take() } else { None }
    }

    /// The commit that waits for its judgement.
    pub fn unjudged(&self) -> Option<Arc<Snapshot>> {
        self.coming.as_ref().map(|coming| Arc::clone(&coming.commit.snapshot))
    }

    /// The commit that waits for its judgement, if it is this one.
    pub fn arrived(&mut self, revision: &Revision) -> Option<Coming> {
        let is = self.coming.as_ref().is_some_and(|c| c.commit.snapshot.revision == *revision);
        if is { self.coming.take() } else { None }
    }

    /// The same catalogue is in force at another commit. Returns the names that have to be thought
    /// about. `changed`: as in [`Book::take`]; what they say is as it was.
    pub fn go_on(
        &mut self,
        revision: Revision,
        changed: &BTreeSet<String>,
    ) -> BTreeSet<ClaimedName> {
        let Some(catalog) = &mut self.catalog else { return BTreeSet::new() };
        catalog.revision = revision;
        let mut touched = BTreeSet::new();
        for folder in changed {
            let name = ClaimedName::of_folder(folder);
            let own = catalog.solutions.get(name.as_str()).filter(|s| s.folder == *folder);
            self.own.extend(own.map(|solution| solution.name.clone()));
            touched.insert(name);
        }
        touched
    }

    /// Puts another catalogue into force. Returns the names that have to be thought about: those
    /// whose folder or standing changed; `None`: every name that anything is known of. `changed`:
    /// the folders that were touched since the last commit that was read, or applied by a
    /// predecessor.
    pub fn take(
        &mut self,
        catalog: Catalog,
        changed: &BTreeSet<String>,
        now: Timestamp,
    ) -> Option<BTreeSet<ClaimedName>> {
        let old = self.catalog.take();
        let mut touched = BTreeSet::new();
        let platform = |c: &Catalog| c.platform.as_ref().ok().map(|p| p.digest.clone());
        let everything = old.as_ref().is_none_or(|old| {
            platform(old) != platform(&catalog) || old.protected.all != catalog.protected.all
        });
        for (name, solution) in &catalog.solutions {
            let same = old
                .as_ref()
                .and_then(|o| o.solutions.get(name))
                .is_some_and(|s| s.tree == solution.tree);
            if !same {
                touched.insert(ClaimedName::from(name));
            }
            if changed.contains(&solution.folder) || (!same && old.is_some()) {
                self.own.insert(name.clone());
            }
        }
        touched.extend(catalog.refused.keys().cloned());
        touched.extend(catalog.protected.names.iter().cloned());
        if let Some(old) = &old {
            touched.extend(old.refused.keys().cloned());
            touched.extend(old.protected.names.iter().cloned());
            let left = old.solutions.keys().filter(|name| !catalog.solutions.contains_key(*name));
            for name in left {
                touched.insert(ClaimedName::from(name));
                self.forms.remove(name);
                self.press.forget(name);
                self.own.remove(name);
            }
        }
        // A new day is told by itself, to all whom it changes.
        self.today.get_or_insert_with(|| day(now));
        self.catalog = Some(catalog);
        (!everything).then_some(touched)
    }

    /// Whether the form of a solution is that of now. If it is not, it has none until it is
    /// rendered, which [`Book::work`] asks for. `live`: something of it is on the cluster.
    pub fn settle(&mut self, name: &SolutionName, live: bool) {
        let wanted = self.wanted(name);
        if wanted.is_some() && self.forms.get(name).map(|form| &form.key) == wanted.as_ref() {
            return;
        }
        self.forms.remove(name);
        match wanted {
            None => self.press.forget(name),
            Some(key) => self.press.lacks(name, &key, live),
        }
    }

    /// The form that a solution should have.
    fn wanted(&self, name: &SolutionName) -> Option<FormKey> {
        let (solution, platform) = (self.solution(name)?, self.catalog.as_ref()?.platform.as_ref());
        let phase = phase_on(solution, self.today?);
        let (tree, head) = (solution.tree.clone(), solution.preview.clone());
        Some(FormKey { tree, head, platform: platform.ok()?.digest.clone(), phase })
    }

    /// A solution of the catalogue, or as a pull request shows one.
    fn solution(&self, name: &SolutionName) -> Option<&Arc<Solution>> {
        match name.previews() {
            Some(_) => self.staging.shown.get(name),
            None => self.catalog.as_ref()?.solutions.get(name),
        }
    }

    /// Previews are to be as said from now on. Returns those whose standing that changes.
    pub fn stage(&mut self, staging: Staging) -> BTreeSet<SolutionName> {
        let changed = self.staging.differs(&staging);
        self.staging = staging;
        for name in changed.iter().filter(|name| !self.staging.shown.contains_key(*name)) {
            self.forms.remove(name);
            self.press.forget(name);
        }
        changed
    }

    /// What is sent of an object, if it is at hand. If it is not, it is asked for.
    pub fn body(&mut self, name: &SolutionName, key: &ObjectKey) -> Option<Arc<Body>> {
        self.press.body(name, key)
    }

    /// Whether a solution has something that can be sent, or is under way.
    pub fn sends(&mut self, name: &SolutionName, sends: bool, now: Timestamp) {
        self.press.sends(name, sends, now);
    }

    /// When those who wait for bodies have to be looked at although nothing happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.press.deadline()
    }

    /// What has to be rendered and is not being rendered yet, in portions. `writes`: whether
    /// anything will be sent at all.
    pub fn work(
        &mut self,
        instance: &InstanceName,
        writes: bool,
        now: Timestamp,
    ) -> Vec<(Work, BTreeMap<SolutionName, FormKey>)> {
        let wanted = self.press.next(writes, now);
        let Some(catalog) = &self.catalog else { return Vec::new() };
        let Ok(platform) = &catalog.platform else { return Vec::new() };
        let mut portions = Vec::new();
        for portion in wanted.chunks(AT_A_TIME) {
            let (mut jobs, mut keys) = (Vec::new(), BTreeMap::new());
            for (name, bodies) in portion {
                let solution = self.solution(name);
                let Some((solution, key)) = solution.zip(self.wanted(name)) else { continue };
                let (solution, phase) = (Arc::clone(solution), key.phase);
                jobs.push(Job { solution, phase, bodies: *bodies });
                self.press.asks(name.clone(), key.clone(), *bodies);
                keys.insert(name.clone(), key);
            }
            let (platform, instance) = (Arc::clone(platform), instance.clone());
            portions.push((Work { platform, instance, jobs }, keys));
        }
        portions
    }

    /// Solutions were rendered. Returns the names whose form is that of now.
    pub fn rendered(&mut self, rendered: Vec<Rendered>) -> Vec<SolutionName> {
        let mut names = Vec::with_capacity(rendered.len());
        for Rendered { key, outline, bodies } in rendered {
            let name = outline.solution.clone();
            self.press.answered(&name, &key);
            if self.wanted(&name).as_ref() != Some(&key) {
                continue; // overtaken
            }
            let Some(solution) = self.solution(&name).map(Arc::clone) else { continue };
            self.forms.insert(name.clone(), Form { key, solution, outline });
            self.press.has_form(&name, bodies);
            names.push(name);
        }
        names
    }

    /// Nobody rendered these.
    pub fn not_rendered(&mut self, lost: &BTreeMap<SolutionName, FormKey>) {
        for (name, key) in lost {
            self.press.lost(name, key, self.forms.contains_key(name));
        }
    }

    /// Whether every solution that lives has its form of now: before that nobody knows what they ask
    /// to delete.
    pub fn is_complete(&self) -> bool {
        self.press.is_complete()
    }

    /// Whether nothing is to be rendered.
    pub fn is_quiet(&self) -> bool {
        self.press.is_quiet() && self.coming.is_none()
    }

    pub fn catalog(&self) -> Option<&Catalog> {
        self.catalog.as_ref()
    }

    pub fn revision(&self) -> Option<&Revision> {
        self.catalog.as_ref().map(|c| &c.revision)
    }

    /// The names that the catalogue publishes.
    pub fn published(&self) -> impl Iterator<Item = &SolutionName> {
        self.catalog.iter().flat_map(|c| c.solutions.keys())
    }

    /// The names of refused folders, and those that are protected.
    pub fn left_alone(&self) -> impl Iterator<Item = &ClaimedName> {
        let catalog = self.catalog.iter();
        let refused = catalog.clone().flat_map(|c| c.refused.keys());
        let protected = catalog.flat_map(|c| &c.protected.names);
        refused.chain(protected)
    }

    /// All of it is in place: lets go of what is only needed to write. What changes it from now on
    /// is not the commit that brought it here.
    pub fn in_place(&mut self, name: &SolutionName) {
        // What has no form yet is in no place.
        if self.forms.contains_key(name) {
            self.press.let_go(name);
            self.own.remove(name);
        }
    }

    /// Whether a solution's own commit changed it, and that is not in place yet.
    pub fn is_own(&self, name: &SolutionName) -> bool {
        self.own.contains(name)
    }

    /// The start-up budget of a component.
    pub fn startup(&self, name: &SolutionName, component: &str) -> Option<SignedDuration> {
        let solution = self.solution(name)?;
        SignedDuration::try_from(solution.components.get(component)?.startup).ok()
    }

    /// The solutions that wake or fall asleep because a new day began.
    pub fn changed_phase(&mut self, now: Timestamp) -> BTreeSet<SolutionName> {
        let today = day(now);
        let Some(before) = self.today.replace(today).filter(|before| *before != today) else {
            return BTreeSet::new();
        };
        let catalog = self.catalog.iter();
        catalog
            .flat_map(|c| c.solutions.values())
            .filter(|s| phase_on(s, before) != phase_on(s, today))
            .map(|s| s.name.clone())
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::{Changes, Memory};
    use crate::engine::judged;
    use crate::engine::world::{Form as Text, Remote};
    use crate::model::Kind;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn instance() -> InstanceName {
        InstanceName::parse("prod").unwrap()
    }

    fn name(text: &str) -> SolutionName {
        SolutionName::parse(text).unwrap()
    }

    /// A repository with these folders in its first commit.
    fn remote(folders: &[(&str, Text)]) -> Remote {
        Remote::new(folders.iter().map(|(name, text)| ((*name).to_owned(), *text)).collect())
    }

    fn work(book: &mut Book) -> Vec<(Work, BTreeMap<SolutionName, FormKey>)> {
        book.work(&instance(), true, NOW)
    }

    /// So many solutions, published.
    fn many(number: usize) -> Book {
        let folders: Vec<String> = (0..number).map(|n| format!("demo-{n:04}")).collect();
        let folders: Vec<(&str, Text)> =
            folders.iter().map(|name| (name.as_str(), Text::Good(0))).collect();
        let mut book = Book::default();
        book.take(head(&remote(&folders)), &none(), NOW);
        book
    }

    fn none() -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn edit(remote: &mut Remote, name: &str, text: Text) {
        remote.commit(false, |made| {
            made.folders.insert(name.to_owned(), text);
        });
    }

    fn head(remote: &Remote) -> Catalog {
        judged(&remote.snapshot(remote.head), &mut Memory::default())
    }

    fn coming(remote: &mut Remote) -> Coming {
        match remote.visit(NOW) {
            crate::engine::Repository::Commit(commit) => {
                Coming { commit: *commit, instead_of: None }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_commit_that_is_heard_first_on_a_new_day_leaves_it_to_be_told() {
        let day_after = NOW + SignedDuration::from_hours(24);
        let mut book = many(1);
        let same = head(&remote(&[("demo-0000", Text::Good(0))]));
        book.take(same.clone(), &none(), day_after);
        assert_eq!(book.today, Some(day(NOW)), "whoever expires is still to be told");
        book.go_on(same.revision, &none());
        assert_eq!(book.today, Some(day(NOW)), "whoever expires is still to be told");
        book.changed_phase(day_after);
        assert_eq!(book.today, Some(day(day_after)));
    }

    #[test]
    fn only_what_changed_is_thought_about_and_everything_with_another_platform() {
        let mut remote = remote(&[("alpha", Text::Good(0)), ("beta", Text::Good(0))]);
        let mut book = Book::default();
        assert_eq!(book.take(head(&remote), &none(), NOW), None, "the first one is about all");
        edit(&mut remote, "alpha", Text::Good(1));
        assert_eq!(book.take(head(&remote), &none(), NOW), Some([ClaimedName::of("alpha")].into()));
        remote.commit(false, |made| {
            made.folders.remove("beta");
        });
        assert_eq!(book.take(head(&remote), &none(), NOW), Some([ClaimedName::of("beta")].into()));
        remote.commit(false, |made| made.platform = false);
        assert_eq!(book.take(head(&remote), &none(), NOW), None);
    }

    #[test]
    fn a_form_that_was_overtaken_while_it_was_rendered_is_not_taken() {
        let mut remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"), true);
        let [(old, _)] = &work(&mut book)[..] else { panic!() };
        let old = old.clone();
        assert!(work(&mut book).is_empty(), "asked for once");
        edit(&mut remote, "alpha", Text::Good(1));
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"), true);
        let [(new, _)] = &work(&mut book)[..] else { panic!() };
        let new = new.clone();
        assert_eq!(book.rendered(old.done()), []);
        assert!(!book.is_complete());
        assert_eq!(book.rendered(new.done()), [name("alpha")]);
        assert!(book.is_complete() && book.is_quiet());
    }

    #[test]
    fn bodies_that_were_let_go_are_asked_for_again_when_they_are_wanted() {
        let remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"), true);
        let first = work(&mut book).remove(0).0;
        book.rendered(first.done());
        let [Known::Published { outline, .. }] = [book.known(&name("alpha")).unwrap()] else {
            panic!()
        };
        let key = outline.objects[0].key.clone();
        assert!(book.body(&name("alpha"), &key).is_some());
        book.in_place(&name("alpha"));
        assert!(work(&mut book).is_empty() && book.is_quiet(), "nobody wants them");
        assert!(book.body(&name("alpha"), &key).is_none() && !book.is_quiet());
        assert!(book.is_complete(), "its outline stays");
        let again = work(&mut book).remove(0).0;
        assert!(book.body(&name("alpha"), &key).is_none() && work(&mut book).is_empty());
        book.rendered(again.done());
        assert!(book.body(&name("alpha"), &key).is_some());
    }

    #[test]
    fn all_have_outlines_and_a_window_of_them_bodies() {
        let mut book = many(1100);
        let names: Vec<SolutionName> = book.published().cloned().collect();
        names.iter().for_each(|name| book.settle(name, true));
        for (work, _) in work(&mut book) {
            book.rendered(work.done());
        }
        assert!(book.is_complete());
        let key = |name: &SolutionName| ObjectKey::cluster(Kind::Namespace, name.namespace());
        let with = |book: &mut Book| -> Vec<SolutionName> {
            let has = |name: &&SolutionName| book.body(name, &key(name)).is_some();
            names.iter().filter(has).cloned().collect()
        };
        let first = with(&mut book);
        assert!(first.len() < 600 && !first.is_empty(), "{}", first.len());
        assert!(work(&mut book).is_empty(), "there is no room");
        // Half of them are in place, the other half waits for somebody.
        let (placed, waiting) = first.split_at(first.len() / 2);
        placed.iter().for_each(|name| book.in_place(name));
        waiting.iter().for_each(|name| book.sends(name, false, NOW));
        let took = |book: &mut Book, now: Timestamp| -> usize {
            let work = book.work(&instance(), true, now);
            work.into_iter().map(|(work, _)| book.rendered(work.done()).len()).sum()
        };
        assert_eq!(took(&mut book, NOW), placed.len());
        let later = book.deadline().unwrap();
        assert_eq!(took(&mut book, later), waiting.len());
    }

    #[test]
    fn what_is_new_is_rendered_once_and_when_there_is_room() {
        let mut book = many(1100);
        let names: Vec<SolutionName> = book.published().cloned().collect();
        names.iter().for_each(|name| book.settle(name, false));
        assert!(book.is_complete(), "it asks for no deletion");
        let mut rendered = 0;
        for _ in 0..9 {
            for (work, _) in work(&mut book) {
                rendered += work.jobs.len();
                for (number, name) in book.rendered(work.done()).into_iter().enumerate() {
                    // Every third waits for a controller for a moment.
                    let waits = number % 3 == 0;
                    book.sends(&name, !waits, NOW);
                    if !waits {
                        book.in_place(&name);
                    }
                }
            }
        }
        assert_eq!((rendered, book.is_quiet()), (1100, true), "who waits keeps its place");
        // It lives after all: its next form comes at once.
        let mut book = many(1100);
        names.iter().for_each(|name| book.settle(name, false));
        let first: usize = work(&mut book).iter().map(|(work, _)| work.jobs.len()).sum();
        assert!(first < 1100);
        let last = names.last().unwrap();
        book.settle(last, true);
        assert!(!book.is_complete());
        let [(work, _)] = &work(&mut book)[..] else { panic!() };
        assert_eq!((&work.jobs[0].solution.name, work.jobs[0].bodies), (last, false));
    }

    #[test]
    fn where_nothing_is_written_nothing_has_a_body() {
        let remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"), true);
        let (work, _) = book.work(&instance(), false, NOW).remove(0);
        assert!(work.done()[0].bodies.is_none());
        book.rendered(work.done());
        assert!(book.is_complete() && book.is_quiet());
    }

    #[test]
    fn work_that_nobody_did_is_given_out_again() {
        let remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"), true);
        let (_, lost) = work(&mut book).remove(0);
        book.not_rendered(&lost);
        let (again, _) = work(&mut book).remove(0);
        book.rendered(again.done());
        // Also where only the bodies are missing.
        let key = ObjectKey::cluster(Kind::Namespace, name("alpha").namespace());
        book.in_place(&name("alpha"));
        assert!(book.body(&name("alpha"), &key).is_none());
        let (_, lost) = work(&mut book).remove(0);
        assert!(!book.is_quiet(), "it is being rendered");
        book.not_rendered(&lost);
        assert_eq!(work(&mut book).len(), 1);
    }

    #[test]
    fn what_an_overtaken_commit_would_have_told_is_told_by_the_next() {
        let mut remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.expect(coming(&mut remote));
        edit(&mut remote, "alpha", Text::Good(1));
        let mut first = coming(&mut remote);
        first.commit.changes.rewritten = true;
        let revision = first.commit.snapshot.revision.clone();
        book.expect(first);
        edit(&mut remote, "alpha", Text::Good(2));
        let second = coming(&mut remote);
        let newest = second.commit.snapshot.revision.clone();
        book.expect(second);
        assert!(book.arrived(&revision).is_none(), "nobody waits for it any more");
        let Changes { commits, rewritten } = book.arrived(&newest).unwrap().commit.changes;
        assert!(rewritten);
        assert!(commits.iter().any(|change| change.revision == revision));
        assert!(commits.iter().any(|change| change.revision == newest));
    }
}
