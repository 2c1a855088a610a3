//! What `plan` says of two revisions is what a pass does of the second one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitrine_core::catalog::snapshot::Oddity;
use vitrine_core::catalog::{self, Catalog, Memory, Platform, Solution, Standing};
use vitrine_core::change::{self, Brake, Setting, Verb, What};
use vitrine_core::model::{ClaimedName, InstanceName, Kind, ObjectKey, Revision, SolutionName};
use vitrine_core::plan::observed::{KindState, NamespaceFacts, Owner, Record};
use vitrine_core::plan::{self, Live, Observed, Outline, Setbacks, Step};
use vitrine_core::render::{self, Desired, Phase};

use super::from_folder::{Files, of_files};
use super::hostile::{PLATFORM, solution};

/// What somebody does to a catalogue.
#[derive(Clone, Debug)]
enum Edit {
    /// A good folder, in one of several forms.
    Publish(&'static str, u8),
    Remove(&'static str),
    Typo(&'static str),
    /// `solution.yaml` is gone, the other files are left.
    Lose(&'static str),
    Misspell(&'static str),
    /// Another folder of the same name.
    Duplicate(&'static str),
    /// A solution inside a solution, with the name of another one.
    Nest(&'static str, &'static str),
    /// The folder has another name, its `metadata.name` stays.
    Rename(&'static str),
    TooDeep(&'static str),
    BreakPlatform,
    MendPlatform,
    LosePlatform,
    /// Something at the root that cannot be looked into.
    Odd(&'static str, Oddity),
    Even,
}

const FOLDERS: [&str; 4] = ["alpha", "beta", "lab/gamma", "lab/delta"];

fn last(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap()
}

#[derive(Clone, Default)]
struct World {
    files: Files,
    oddities: BTreeMap<String, Oddity>,
}

impl World {
    fn begin() -> Self {
        let mut world = Self::default();
        world.edit(&Edit::MendPlatform);
        for folder in FOLDERS {
            world.edit(&Edit::Publish(folder, 0));
        }
        world
    }

    fn write(&mut self, file: String, text: impl Into<String>) {
        self.files.insert(file, text.into().into_bytes());
    }

    fn rename(&mut self, from: &str, to: &str) {
        let moved: Vec<String> =
            self.files.keys().filter(|f| f.starts_with(from)).cloned().collect();
        for file in moved {
            let bytes = self.files.remove(&file).unwrap();
            self.files.insert(file.replacen(from, to, 1), bytes);
        }
    }

    fn edit(&mut self, edit: &Edit) {
        match *edit {
            Edit::Publish(folder, form) => {
                let mut text = solution(last(folder));
                for key in ["x", "y"].iter().take(usize::from(form)) {
                    if !text.contains("configurations") {
                        text += "  configurations:\n";
                    }
                    text += &format!("    {key}: {{}}\n");
                }
                self.write(format!("{folder}/solution.yaml"), text);
                self.write(format!("{folder}/README.md"), "# A demonstrator\n");
            }
            Edit::Remove(folder) => {
                self.files.retain(|file, _| !file.starts_with(&format!("{folder}/")));
            }
            Edit::Typo(folder) => {
                let text = solution(last(folder)) + "  replica: 3\n";
                self.write(format!("{folder}/solution.yaml"), text);
            }
            Edit::Lose(folder) => drop(self.files.remove(&format!("{folder}/solution.yaml"))),
            Edit::Misspell(folder) => {
                self.rename(&format!("{folder}/solution.yaml"), &format!("{folder}/solution.yml"));
            }
            Edit::Duplicate(folder) => {
                self.write(format!("twin/{}/solution.yaml", last(folder)), solution(last(folder)));
            }
            Edit::Nest(folder, name) => {
                self.write(format!("{folder}/inner/solution.yaml"), solution(last(name)));
            }
            Edit::Rename(folder) => self.rename(&format!("{folder}/"), "omega/"),
            Edit::TooDeep(folder) => {
                self.rename(&format!("{folder}/"), &format!("a/b/c/d/{}/", last(folder)));
            }
            Edit::BreakPlatform => self.write("platform.yaml".to_owned(), "kind: [\n"),
            Edit::MendPlatform => self.write("platform.yaml".to_owned(), PLATFORM),
            Edit::LosePlatform => drop(self.files.remove("platform.yaml")),
            Edit::Odd(path, oddity) => drop(self.oddities.insert(path.to_owned(), oddity)),
            Edit::Even => self.oddities.clear(),
        }
    }

    fn read(&self) -> Catalog {
        catalog::read(&of_files(&self.files, self.oddities.clone()), &mut Memory::default())
    }
}

fn wanted(solution: &Solution, platform: &Platform) -> Desired {
    render::all(solution, platform, &InstanceName::parse("prod").unwrap(), Phase::Live)
}

/// What runs: of each name, what the last good revision made of it.
type Running = BTreeMap<SolutionName, Desired>;

/// What runs when a pass over this catalogue has come to its end.
fn settled(running: &Running, catalog: &Catalog) -> Running {
    let names: BTreeSet<&SolutionName> = running.keys().chain(catalog.solutions.keys()).collect();
    let mut after = Running::new();
    for name in names {
        let desired = match catalog.standing(name.as_str()) {
            Standing::Published(solution) => {
                Some(wanted(solution, catalog.platform.as_ref().unwrap()))
            }
            Standing::Frozen => running.get(name).cloned(),
            Standing::Gone => None,
        };
        after.extend(desired.map(|desired| (name.clone(), desired)));
    }
    after
}

fn observed(running: &Running) -> Observed {
    let kinds = Kind::RENDERED.into_iter().map(|kind| (kind, KindState::Synced)).collect();
    let record = Record::Kept { applied: None, root: None, removals: Vec::new() };
    let mut observed = Observed { kinds, record, ..Observed::default() };
    for (name, desired) in running {
        let facts = NamespaceFacts {
            owner: Owner::ThisInstance,
            deleting: None,
            created: None,
            remains: Vec::new(),
        };
        observed.namespaces.insert(name.namespace(), facts);
        let live = desired.objects.iter().map(|object| {
            let live = Live {
                uid: object.key.to_string().into(),
                resource_version: "7".into(),
                created: None,
                deleting: None,
                finalizers: Vec::new(),
                content: Some(object.content.clone()),
                revision: None,
                fields: Some(object.fields.clone()),
                others: Box::default(),
                left: None,
                taken: None,
                birth: false,
                health: Default::default(),
            };
            (object.key.clone(), Box::new(live))
        });
        observed.solutions.insert(name.clone(), live.collect());
    }
    observed
}

/// What a pass does of each object, now or later.
#[derive(Default, Debug)]
struct Pass {
    deleted: BTreeSet<(SolutionName, ObjectKey)>,
    written: BTreeSet<(SolutionName, ObjectKey)>,
}

/// The daemon's own plans.
fn pass(running: &Running, catalog: &Catalog) -> Pass {
    let (setbacks, overdue, losing) = (Setbacks::new(), BTreeSet::new(), BTreeMap::new());
    let revision = Revision::parse(&"a".repeat(40)).unwrap();
    let observed = observed(running);
    let ground = plan::Ground {
        observed: &observed,
        revision: &revision,
        setbacks: &setbacks,
        hold: None,
        losing: &losing,
        nothing_deleted: None,
        verify: false,
        slots: 0,
        turns: None,
        nudges: &BTreeSet::new(),
        overdue: &overdue,
        now: "2026-01-05T10:00:00Z".parse().unwrap(),
    };
    let names: BTreeSet<&SolutionName> = running.keys().chain(catalog.solutions.keys()).collect();
    let mut pass = Pass::default();
    for name in names {
        let desired = match catalog.standing(name.as_str()) {
            Standing::Published(solution) => {
                let desired = wanted(solution, catalog.platform.as_ref().unwrap());
                Standing::Published(Outline::of(&desired))
            }
            Standing::Frozen => Standing::Frozen,
            Standing::Gone => Standing::Gone,
        };
        let standing = match &desired {
            Standing::Published(desired) => Standing::Published(desired),
            Standing::Frozen => Standing::Frozen,
            Standing::Gone => Standing::Gone,
        };
        for planned in plan::of_name(name, standing, &[], &ground).steps {
            let at = (name.clone(), planned.step.key());
            match planned.step {
                Step::Delete { .. } => _ = pass.deleted.insert(at),
                Step::Apply { .. } | Step::Birth { .. } | Step::Handover { .. } => {
                    pass.written.insert(at);
                }
                Step::Survey { .. }
                | Step::ForceActivation { .. }
                | Step::Nudge { .. }
                | Step::Verified { .. } => {}
            }
        }
    }
    pass
}

/// What `plan --against` says, sorted.
#[derive(Default, Debug)]
struct Said {
    of: BTreeMap<Verb, BTreeSet<(SolutionName, ObjectKey)>>,
    unsure: BTreeSet<ClaimedName>,
    kept: BTreeSet<SolutionName>,
    others_may_go: bool,
}

fn said(old: &Catalog, new: &Catalog) -> Said {
    let mut said = Said::default();
    let setting = Setting {
        instance: &InstanceName::parse("prod").unwrap(),
        now: "2026-01-05T10:00:00Z".parse().unwrap(),
        brake: Brake { max_removed_share: 0.2, max_deletions: 100 },
        earlier: &BTreeMap::new(),
    };
    let review = change::between(old, new, &setting);
    for one in review.touched {
        for object in one.objects {
            let solution = one.name.solution().unwrap().clone();
            said.of.entry(object.verb).or_default().insert((solution, object.key));
        }
        match one.what {
            What::WasFrozen | What::FrozenThenGone => _ = said.unsure.insert(one.name),
            What::Kept => _ = said.kept.insert(one.name.solution().unwrap().clone()),
            What::Appears | What::Changes | What::Words | What::Disappears | What::Refused => {}
        }
    }
    said.others_may_go = review.others_may_go.is_some();
    said
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let folder = || proptest::sample::select(FOLDERS.to_vec());
    let edit = prop_oneof![
        4 => (folder(), 0..3_u8).prop_map(|(folder, form)| Edit::Publish(folder, form)),
        3 => folder().prop_map(Edit::Remove),
        2 => folder().prop_map(Edit::Typo),
        1 => folder().prop_map(Edit::Lose),
        1 => folder().prop_map(Edit::Misspell),
        1 => folder().prop_map(Edit::Duplicate),
        1 => (folder(), folder()).prop_map(|(folder, name)| Edit::Nest(folder, name)),
        1 => folder().prop_map(Edit::Rename),
        1 => folder().prop_map(Edit::TooDeep),
        1 => Just(Edit::BreakPlatform),
        2 => Just(Edit::MendPlatform),
        1 => Just(Edit::LosePlatform),
        1 => Just(Edit::Odd("group", Oddity::SymbolicLink)),
        1 => Just(Edit::Odd("elsewhere", Oddity::Submodule)),
        2 => Just(Edit::Even),
    ];
    proptest::collection::vec(edit, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 400, ..ProptestConfig::default()
    })]

    /// Nothing that `plan` calls a deletion is kept by a pass, and nothing that a pass deletes is
    /// missing from `plan`; and so it is with what is written.
    #[test]
    fn what_plan_says_is_what_a_pass_does(
        before in proptest::collection::vec(edits(), 0..3),
        last in edits(),
    ) {
        let mut world = World::begin();
        let mut old = world.read();
        let mut running = settled(&Running::new(), &old);
        for edits in &before {
            edits.iter().for_each(|edit| world.edit(edit));
            old = world.read();
            running = settled(&running, &old);
        }
        last.iter().for_each(|edit| world.edit(edit));
        let new = world.read();

        let (said, pass) = (said(&old, &new), pass(&running, &new));
        let nothing = BTreeSet::new();
        let of = |verb: Verb| said.of.get(&verb).unwrap_or(&nothing);
        for at in of(Verb::Delete) {
            prop_assert!(pass.deleted.contains(at), "{at:?} is kept");
        }
        for at in &pass.deleted {
            let told = of(Verb::Delete).contains(at)
                || said.unsure.contains(at.0.as_str())
                || (said.others_may_go && !old.solutions.contains_key(at.0.as_str()));
            prop_assert!(told, "nobody was told that {at:?} is deleted");
        }
        for at in of(Verb::Create).iter().chain(of(Verb::Update)) {
            prop_assert!(pass.written.contains(at), "{at:?} is not written");
        }
        for at in &pass.written {
            let changes = [Verb::Create, Verb::Update, Verb::Apply];
            prop_assert!(changes.iter().any(|c| of(*c).contains(at)), "{at:?} was not told");
        }
        let refused = new.refused.keys().map(ClaimedName::as_str);
        for name in refused.chain(said.kept.iter().map(SolutionName::as_str)) {
            let touched = pass.deleted.iter().chain(&pass.written).any(|at| at.0.as_str() == name);
            prop_assert!(!touched, "{name} is touched");
        }
    }
}

#[test]
fn the_edits_reach_every_kind_of_difference() {
    let after = |old: &[Edit], new: &[Edit]| {
        let mut world = World::begin();
        old.iter().for_each(|edit| world.edit(edit));
        let old = world.read();
        new.iter().for_each(|edit| world.edit(edit));
        said(&old, &world.read())
    };
    let changes = |said: &Said| said.of.keys().copied().collect::<Vec<_>>();

    let good = after(&[Edit::Publish("alpha", 2)], &[Edit::Publish("alpha", 1)]);
    assert_eq!(changes(&good), [Verb::Update, Verb::Delete]);
    let refused = after(&[], &[Edit::Typo("alpha"), Edit::Lose("beta")]);
    assert!(changes(&refused).is_empty() && refused.kept.is_empty(), "{refused:?}");
    let hidden = after(&[], &[Edit::Remove("alpha"), Edit::Odd("group", Oddity::SymbolicLink)]);
    assert_eq!(hidden.kept, BTreeSet::from([SolutionName::parse("alpha").unwrap()]));
    assert!(changes(&hidden).is_empty(), "{hidden:?}");
    let renamed = after(&[], &[Edit::Rename("alpha")]);
    assert_eq!(
        renamed.kept,
        BTreeSet::from([SolutionName::parse("alpha").unwrap()]),
        "its name is claimed"
    );
    let mended = after(&[Edit::Typo("alpha")], &[Edit::Publish("alpha", 0)]);
    assert_eq!(changes(&mended), [Verb::Apply]);
    assert_eq!(mended.unsure, BTreeSet::from([ClaimedName::of("alpha")]));
    let gone = after(&[Edit::Typo("alpha")], &[Edit::Remove("alpha")]);
    assert!(changes(&gone).is_empty() && gone.unsure.contains("alpha"), "{gone:?}");
    let platform = after(&[Edit::BreakPlatform], &[Edit::MendPlatform, Edit::Remove("alpha")]);
    assert!(platform.others_may_go && platform.unsure.contains("alpha"), "{platform:?}");
}
