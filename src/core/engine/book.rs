//! The book: what the catalogue says of each name now, and what it was rendered to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::desk::Work;
use super::event::Commit;
use super::form::{FormKey, Rendered};
use crate::catalog::snapshot::Unknown;
use crate::catalog::{Catalog, Snapshot, Solution, Standing};
use crate::model::intern::Interner;
use crate::model::{ClaimedName, InstanceName, Revision, SolutionName};
use crate::plan::{Desired, Outline, Phase};
use crate::render::phase::{day, phase_on};

/// How many solutions one order renders.
const AT_A_TIME: usize = 64;

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
    /// What is being rendered, and to what.
    rendering: BTreeMap<SolutionName, FormKey>,
    /// Solutions without any form in force that are to be rendered, or are being.
    formless: BTreeSet<SolutionName>,
    /// Solutions whose bodies are wanted again.
    bodiless: BTreeSet<SolutionName>,
    /// Solutions that a commit of their own changed, until they are in place.
    own: BTreeSet<SolutionName>,
    today: Option<Date>,
    interner: Interner,
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
    /// While there is something to write; afterwards the outline is enough.
    bodies: Option<Arc<Desired>>,
}

/// What the catalogue says of a name that is in it.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    Published {
        solution: &'a Arc<Solution>,
        outline: &'a Outline,
        bodies: Option<&'a Arc<Desired>>,
        phase: Phase,
    },
    /// Published, and not rendered yet in the form of now.
    Coming,
    /// Left alone: refused, or protected by a fault elsewhere.
    Frozen,
}

impl Book {
    /// A commit was read; it counts when it is judged.
    pub fn expect(&mut self, coming: Coming) {
        let earlier = self.coming.replace(coming);
        // What the overtaken one would have told happened all the same.
        if let (Some(earlier), Some(now)) = (earlier, &mut self.coming) {
            let changes = &mut now.commit.changes;
            changes.rewritten |= earlier.commit.changes.rewritten;
            let later = std::mem::take(&mut changes.commits);
            changes.commits = earlier.commit.changes.commits;
            changes.commits.extend(later);
            now.commit.noted = now.commit.noted.take().or(earlier.commit.noted);
        }
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
            touched.extend(left.map(ClaimedName::from));
        }
        self.today = Some(day(now));
        self.catalog = Some(catalog);
        let published: BTreeSet<SolutionName> = self.published().cloned().collect();
        self.forms.retain(|name, _| published.contains(name));
        self.rendering.retain(|name, _| published.contains(name));
        self.formless.retain(|name| published.contains(name));
        self.bodiless.retain(|name| published.contains(name));
        self.own.retain(|name| published.contains(name));
        (!everything).then_some(touched)
    }

    /// Whether the form of a solution is that of now. If it is not, it has none until it is
    /// rendered, which [`Book::work`] asks for.
    pub fn settle(&mut self, name: &SolutionName) {
        let Some(key) = self.wanted(name) else {
            self.forms.remove(name);
            self.formless.remove(name);
            self.bodiless.remove(name);
            return;
        };
        if self.forms.get(name).is_none_or(|form| form.key != key) {
            self.forms.remove(name);
            self.bodiless.remove(name);
            self.formless.insert(name.clone());
        }
    }

    /// The form that a solution should have.
    fn wanted(&self, name: &SolutionName) -> Option<FormKey> {
        let catalog = self.catalog.as_ref()?;
        let (solution, platform) = (catalog.solutions.get(name)?, catalog.platform.as_ref().ok()?);
        let phase = phase_on(solution, self.today?);
        let (tree, platform) = (solution.tree.clone(), platform.digest.clone());
        Some(FormKey { tree, platform, phase })
    }

    /// A solution has to be written, and its bodies were let go.
    pub fn want_bodies(&mut self, name: &SolutionName) {
        self.bodiless.insert(name.clone());
    }

    /// What has to be rendered and is not being rendered yet, in portions.
    pub fn work(
        &mut self,
        instance: &InstanceName,
    ) -> Vec<(Work, BTreeMap<SolutionName, FormKey>)> {
        let asked: Vec<(SolutionName, FormKey)> = self
            .formless
            .iter()
            .chain(&self.bodiless)
            .filter_map(|name| Some((name.clone(), self.wanted(name)?)))
            .filter(|(name, key)| self.rendering.get(name) != Some(key))
            .collect();
        let Some(catalog) = &self.catalog else { return Vec::new() };
        let Ok(platform) = &catalog.platform else { return Vec::new() };
        let mut portions = Vec::new();
        for portion in asked.chunks(AT_A_TIME) {
            let solutions = portion.iter().filter_map(|(name, key)| {
                Some((Arc::clone(catalog.solutions.get(name)?), key.phase))
            });
            let work = Work {
                platform: Arc::clone(platform),
                instance: instance.clone(),
                solutions: solutions.collect(),
            };
            portions.push((work, portion.iter().cloned().collect()));
        }
        self.rendering.extend(asked);
        portions
    }

    /// Solutions were rendered. Returns the names whose form is that of now.
    pub fn rendered(&mut self, rendered: Vec<Rendered>) -> Vec<SolutionName> {
        let mut names = Vec::with_capacity(rendered.len());
        for Rendered { key, mut desired } in rendered {
            let name = desired.solution.clone();
            if self.rendering.get(&name) == Some(&key) {
                self.rendering.remove(&name);
            }
            if self.wanted(&name).as_ref() != Some(&key) {
                continue; // overtaken
            }
            let Some(solution) = self.catalog.as_ref().and_then(|c| c.solutions.get(&name)) else {
                continue;
            };
            share_fields(&mut desired, &mut self.interner);
            let (solution, outline) = (Arc::clone(solution), Outline::of(&desired));
            let form = Form { key, solution, outline, bodies: Some(Arc::new(desired)) };
            self.forms.insert(name.clone(), form);
            self.formless.remove(&name);
            self.bodiless.remove(&name);
            names.push(name);
        }
        names
    }

    /// Nobody rendered these.
    pub fn not_rendered(&mut self, lost: &BTreeMap<SolutionName, FormKey>) {
        self.rendering.retain(|name, key| lost.get(name) != Some(key));
    }

    /// Whether every solution has its form of now: before that nobody knows what they ask to delete.
    pub fn is_complete(&self) -> bool {
        self.formless.is_empty()
    }

    /// Whether nothing is to be rendered.
    pub fn is_quiet(&self) -> bool {
        self.formless.is_empty() && self.bodiless.is_empty() && self.coming.is_none()
    }

    /// What the catalogue says of a name; `None` = it is not in it.
    pub fn known(&self, name: &str) -> Option<Known<'_>> {
        match self.catalog.as_ref()?.standing(name) {
            Standing::Published(_) => Some(match self.forms.get(name) {
                Some(form) => Known::Published {
                    solution: &form.solution,
                    outline: &form.outline,
                    bodies: form.bodies.as_ref(),
                    phase: form.key.phase,
                },
                None => Known::Coming,
            }),
            Standing::Frozen => Some(Known::Frozen),
            Standing::Gone => None,
        }
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

    /// Lets go of what is only needed to write: 1000 solutions have 13 000 bodies. What changes it
    /// from now on is not the commit that brought it here.
    pub fn in_place(&mut self, name: &SolutionName) {
        if let Some(form) = self.forms.get_mut(name) {
            form.bodies = None;
            self.own.remove(name);
        }
    }

    /// Whether a solution's own commit changed it, and that is not in place yet.
    pub fn is_own(&self, name: &SolutionName) -> bool {
        self.own.contains(name)
    }

    /// The start-up budget of a component.
    pub fn startup(&self, name: &SolutionName, component: &str) -> Option<SignedDuration> {
        let solution = self.catalog.as_ref()?.solutions.get(name)?;
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

/// Lets equal field sets share one allocation: a set is larger than the body that it is of, and a
/// thousand solutions of one shape have a handful of them.
fn share_fields(desired: &mut Desired, interner: &mut Interner) {
    for object in desired.objects.iter_mut().filter_map(Arc::get_mut) {
        object.fields = interner.set((*object.fields).clone());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::{Changes, Memory};
    use crate::engine::judged;
    use crate::engine::world::{Form as Text, Remote};

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
        book.settle(&name("alpha"));
        let [(old, _)] = &book.work(&instance())[..] else { panic!() };
        let old = old.clone();
        assert!(book.work(&instance()).is_empty(), "asked for once");
        edit(&mut remote, "alpha", Text::Good(1));
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"));
        let [(new, _)] = &book.work(&instance())[..] else { panic!() };
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
        book.settle(&name("alpha"));
        let work = book.work(&instance()).remove(0).0;
        book.rendered(work.done());
        book.in_place(&name("alpha"));
        let bodies = |book: &Book| match book.known("alpha") {
            Some(Known::Published { bodies, .. }) => bodies.is_some(),
            _ => panic!(),
        };
        assert!(!bodies(&book) && book.work(&instance()).is_empty(), "nobody wants them");
        book.want_bodies(&name("alpha"));
        let work = book.work(&instance()).remove(0).0;
        book.rendered(work.done());
        assert!(bodies(&book));
    }

    #[test]
    fn work_that_nobody_did_is_given_out_again() {
        let remote = remote(&[("alpha", Text::Good(0))]);
        let mut book = Book::default();
        book.take(head(&remote), &none(), NOW);
        book.settle(&name("alpha"));
        let (_, lost) = book.work(&instance()).remove(0);
        book.not_rendered(&lost);
        assert_eq!(book.work(&instance()).len(), 1);
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
