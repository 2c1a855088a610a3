//! Puts two catalogues beside each other, name by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::fact::Value;
use super::held::Brake;
use super::sentence::Sentence;
use super::touched::{Earlier, Touched, What};
use super::{Review, asks, bill, fact, held, objects, operator, risks, values};
use crate::catalog::{Catalog, Fault, Platform, Solution, Standing};
use crate::model::{ClaimedName, InstanceName};
use crate::plan::urls_of;
use crate::render::phase::phase_at;
use crate::render::{self, Desired, Phase};

/// What a review depends on beside the two catalogues.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// Whose objects are rendered.
    pub instance: &'a InstanceName,
    /// When it is asked: solutions may be suspended or expired by it.
    pub now: Timestamp,
    /// The limits of the daemon's brake.
    pub brake: Brake,
    /// Folders of the head that were exactly so in an older commit of the base, by path.
    pub earlier: &'a BTreeMap<String, Earlier>,
}

/// One solution on its platform, as one side asks for it.
struct Side<'a> {
    solution: &'a Arc<Solution>,
    platform: &'a Platform,
    desired: Desired,
    phase: Phase,
}

impl<'a> Side<'a> {
    fn of(
        catalog: &'a Catalog,
        solution: &'a Arc<Solution>,
        setting: &Setting<'_>,
    ) -> Option<Self> {
        let platform = catalog.platform.as_ref().ok()?;
        let phase = phase_at(solution, setting.now);
        let desired = render::all(solution, platform, setting.instance, phase);
        Some(Self { solution, platform, desired, phase })
    }

    fn values(&self) -> Vec<Value> {
        values::of(self.solution, self.platform, &self.desired, self.phase)
    }

    fn bill(&self) -> Option<bill::Bill> {
        bill::of(self.solution, self.platform, self.phase)
    }
}

/// What a merge of `head` into `base` would change.
pub fn between(base: &Catalog, head: &Catalog, setting: &Setting<'_>) -> Review {
    let platform = operator::between(&base.platform, &head.platform);
    let mut review = Review {
        base: base.revision.clone(),
        head: head.revision.clone(),
        // Those in force: who opens a pull request does not choose whom it is to be asked of.
        operators: base.platform.as_ref().ok().and_then(|platform| platform.operators.clone()),
        platform,
        touched: Vec::new(),
        untouched: 0,
        others_may_go: None,
        held: None,
    };
    if review.is_frozen() {
        // What the catalogue asks for cannot be told without the operator's file.
        review.touched = refusals(base, head);
        return review;
    }
    let mut moving = BTreeSet::new();
    for name in names(base, head) {
        match touched(&name, base, head, setting) {
            Some((touched, moves)) => {
                if moves {
                    moving.insert(name.to_string());
                }
                review.touched.push(touched);
            }
            None => {
                let published = matches!(head.standing(name.as_str()), Standing::Published(_));
                review.untouched += usize::from(published);
            }
        }
    }
    let was_frozen = base.protected.all.clone().filter(|_| head.protected.all.is_none());
    review.others_may_go = was_frozen;
    review.held = held::held(base, &review.touched, &moving, &setting.brake);
    review
}

/// Every name that either revision mentions. A refused folder whose name another one has goes by
/// its path, which is nobody's name.
fn names(base: &Catalog, head: &Catalog) -> BTreeSet<ClaimedName> {
    let mut names = BTreeSet::new();
    for catalog in [base, head] {
        names.extend(catalog.solutions.keys().map(ClaimedName::from));
        names.extend(catalog.protected.names.iter().cloned());
        names.extend(catalog.refused.keys().cloned());
    }
    names
}

/// What differs of one name, and whether a solution that stays loses an address. `None`: nothing.
fn touched(
    name: &ClaimedName,
    base: &Catalog,
    head: &Catalog,
    setting: &Setting<'_>,
) -> Option<(Touched, bool)> {
    let side = |catalog, solution| Side::of(catalog, solution, setting);
    if head.refused.contains_key(name) {
        let mut touched = of_refusal(name, base, head)?;
        // What runs of it goes on.
        if let Standing::Published(old) = base.standing(name.as_str())
            && let Some(old) = Side::of(base, old, setting)
        {
            touched.facts = fact::compare(&old.values(), &old.values());
            touched.facts.retain(fact::Fact::answers);
            touched.urls = urls_of(&old.desired);
            touched.bills = (old.bill(), old.bill());
        }
        return Some((touched, false));
    }
    match (base.standing(name.as_str()), head.standing(name.as_str())) {
        (Standing::Published(old), Standing::Published(new)) => {
            if is_same(base, head, old, new) {
                return None;
            }
            let (old, new) = (side(base, old)?, side(head, new)?);
            let (touched, moves) = of_change(&old, &new, head, setting);
            // What an operator changed for others.
            let nothing = touched.by_platform && touched.what == What::Words;
            (!nothing).then_some((touched, moves))
        }
        (Standing::Gone, Standing::Published(new)) => {
            Some((of_arrival(What::Appears, &side(head, new)?, head, setting), false))
        }
        (Standing::Frozen, Standing::Published(new)) => {
            Some((of_arrival(What::WasFrozen, &side(head, new)?, head, setting), false))
        }
        (Standing::Published(old), Standing::Gone) => {
            Some((of_removal(&side(base, old)?, base, head), false))
        }
        (Standing::Published(old), Standing::Frozen) => {
            let why = head.why_frozen(name.as_str());
            let mut touched = bare(name, What::Kept, &old.folder);
            touched.title = Some(old.title.clone());
            let risk = Sentence::of("nothing of it is changed or deleted: {}", &[&why]);
            touched.risks.push(risk);
            Some((touched, false))
        }
        (Standing::Frozen, Standing::Gone) => {
            let why = base.why_frozen(name.as_str());
            let mut touched = bare(name, What::FrozenThenGone, name.as_str());
            touched.risks.push(Sentence::of(
                "at {} it was left alone ({}), so it is not known what runs: whatever it is, it \
                 is deleted",
                &[&base.revision.short(), &why],
            ));
            Some((touched, false))
        }
        (Standing::Frozen | Standing::Gone, Standing::Frozen)
        | (Standing::Gone, Standing::Gone) => None,
    }
}

/// Whether neither the folder nor the operator's file differs.
fn is_same(base: &Catalog, head: &Catalog, old: &Arc<Solution>, new: &Arc<Solution>) -> bool {
    let digest = |catalog: &Catalog| catalog.platform.as_ref().ok().map(|p| p.digest.clone());
    old.tree == new.tree && old.folder == new.folder && digest(base) == digest(head)
}

fn bare(name: &ClaimedName, what: What, folder: &str) -> Touched {
    Touched {
        name: name.clone(),
        folder: folder.to_owned(),
        title: None,
        what,
        urls: Vec::new(),
        by_platform: false,
        earlier: None,
        facts: Vec::new(),
        bills: (None, None),
        risks: Vec::new(),
        asks: Vec::new(),
        objects: Vec::new(),
        faults: Vec::new(),
    }
}

fn refusals(base: &Catalog, head: &Catalog) -> Vec<Touched> {
    head.refused.keys().filter_map(|name| of_refusal(name, base, head)).collect()
}

/// A folder that the head refuses; `None`: the base does so too, and alike, so that it is no part
/// of this change.
fn of_refusal(name: &ClaimedName, base: &Catalog, head: &Catalog) -> Option<Touched> {
    let refused = head.refused.get(name)?;
    let before = base.refused.get(name);
    if before.is_some_and(|b| b.faults == refused.faults && b.folder == refused.folder) {
        return None;
    }
    let mut touched = bare(name, What::Refused, &refused.folder);
    touched.faults.clone_from(&refused.faults);
    let ours = match base.standing(name.as_str()) {
        Standing::Gone => "nothing of it is published until it is mended",
        Standing::Published(_) | Standing::Frozen => {
            "what runs of it goes on as it is: nothing of it is changed or deleted until it is \
             mended"
        }
    };
    touched.risks.push(Sentence::of(ours, &[]));
    Some(touched)
}

fn of_change(
    old: &Side<'_>,
    new: &Side<'_>,
    head: &Catalog,
    setting: &Setting<'_>,
) -> (Touched, bool) {
    let mut touched =
        bare(&ClaimedName::from(&new.solution.name), What::Changes, &new.solution.folder);
    touched.title = Some(new.solution.title.clone());
    touched.urls = urls_of(&new.desired);
    touched.by_platform =
        old.solution.tree == new.solution.tree && old.solution.folder == new.solution.folder;
    touched.facts = fact::compare(&old.values(), &new.values());
    touched.bills = (old.bill(), new.bill());
    touched.objects = objects::compare(&old.desired.objects, &new.desired.objects);
    touched.earlier = setting.earlier.get(&new.solution.folder).cloned();
    let kept: BTreeSet<&String> = touched.urls.iter().collect();
    let lost = urls_of(&old.desired).into_iter().filter(|url| !kept.contains(url)).collect();
    touched.risks = risks::of_change(
        Some(old.solution),
        new.solution,
        new.platform,
        new.phase,
        &touched.objects,
        &new.desired,
        &lost,
    );
    touched.asks = asks::asks(Some(old.solution), new.solution, new.platform);
    touched.faults = warnings(head, &new.solution.folder);
    if touched.objects.is_empty() && !touched.facts.iter().any(fact::Fact::differs) {
        touched.what = What::Words;
    }
    let moves = !lost.is_empty() && new.phase == Phase::Live;
    (touched, moves)
}

fn of_arrival(what: What, new: &Side<'_>, head: &Catalog, setting: &Setting<'_>) -> Touched {
    let mut touched = bare(&ClaimedName::from(&new.solution.name), what, &new.solution.folder);
    touched.title = Some(new.solution.title.clone());
    touched.urls = urls_of(&new.desired);
    touched.facts = fact::compare(&[], &new.values());
    touched.bills = (None, new.bill());
    touched.earlier = setting.earlier.get(&new.solution.folder).cloned();
    let verb = match what {
        What::WasFrozen => objects::Verb::Apply,
        _ => objects::Verb::Create,
    };
    touched.objects = objects::all(&new.desired.objects, verb);
    if what == What::WasFrozen {
        touched.risks.push(Sentence::of(
            "before, it was left alone, so it is not known what runs: what else runs of it is \
             deleted",
            &[],
        ));
    }
    let more = risks::of_change(
        None,
        new.solution,
        new.platform,
        new.phase,
        &touched.objects,
        &new.desired,
        &BTreeSet::new(),
    );
    touched.risks.extend(more);
    touched.asks = asks::asks(None, new.solution, new.platform);
    touched.faults = warnings(head, &new.solution.folder);
    touched
}

fn of_removal(old: &Side<'_>, base: &Catalog, head: &Catalog) -> Touched {
    let mut touched =
        bare(&ClaimedName::from(&old.solution.name), What::Disappears, &old.solution.folder);
    touched.title = Some(old.solution.title.clone());
    touched.urls = urls_of(&old.desired);
    touched.facts = fact::compare(&old.values(), &[]);
    // How it was is of no interest any more; that it was, is.
    touched.facts.retain(fact::Fact::answers);
    touched.bills = (old.bill(), None);
    touched.objects = objects::all(&old.desired.objects, objects::Verb::Delete);
    touched.risks = risks::of_removal(old.solution, &touched.urls, base, head);
    touched
}

/// What is said of the files of a folder, and refuses nobody.
fn warnings(head: &Catalog, folder: &str) -> Vec<Fault> {
    let inside =
        |fault: &&Fault| fault.file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    head.warnings.iter().filter(inside).cloned().collect()
}
