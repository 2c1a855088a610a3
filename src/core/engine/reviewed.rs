//! What a pull request is told: long, and as pure as all else here.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::check::Check;
use crate::catalog::fit::{Denial, Image, NotHad, Told, pulled};
use crate::catalog::solution::Exposure;
use crate::catalog::{self, Catalog, Memory, NoPreview, Snapshot, Solution};
use crate::change::{self, Brake, Comparison, DryRun, How, Operator, Review, Setting, What};
use crate::ledger;
use crate::model::fault::{Fault, Severity};
use crate::model::{ClaimedName, ContentHash, ImageReference, InstanceName, Revision};
use crate::plan::Form;
use crate::status::{CommitState, CommitStatus};

/// A pull request to be judged.
#[derive(Clone, Debug)]
pub struct Reviewing {
    /// What is in force, and what a merge would leave.
    pub comparison: Arc<Comparison>,
    /// The instance that would publish it.
    pub instance: InstanceName,
    /// Its number in the repository.
    pub pull: u64,
    /// Its newest commit.
    pub head: Revision,
    /// The catalogue's folder in the repository; `.` is the repository's own.
    pub root: String,
    /// The limits of its brake.
    pub brake: Brake,
    /// When it is judged.
    pub now: Timestamp,
    /// What is known of its images.
    pub images: Images,
    /// What the API server says of its objects.
    pub dry_run: Tried,
}

/// What registries said of the images of a pull request.
#[derive(Clone, Debug)]
pub enum Images {
    /// Nobody asks them.
    Unasked,
    /// They are to be asked, and were not yet. Those on this machine that are asked all the same,
    /// as images name them.
    Wanted(Vec<String>),
    /// They were asked.
    Said(Arc<Told>),
}

/// What the API server said of the objects of a pull request.
#[derive(Clone, Debug)]
pub enum Tried {
    /// It is not asked.
    Unasked,
    /// It is to be asked, and was not yet.
    Wanted,
    /// It was asked.
    Said(Arc<DryRun>),
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// The line on the head.
    pub line: CommitStatus,
    /// What a reviewer is told; absent where the pull request touches no solution.
    pub page: Option<String>,
    /// The names of what it touches.
    pub names: BTreeSet<ClaimedName>,
    /// What a preview of it would be; absent where the platform in force has none, or no solution
    /// would be another one.
    pub showing: Option<Showing>,
    /// What is wrong, at its lines.
    pub check: Check,
    /// The images that registries have to be asked for before anybody is told.
    pub asks: BTreeSet<ImageReference>,
    /// The objects that the API server has to be asked about before anybody is told.
    pub tries: Vec<Arc<Form>>,
    /// Whether an image was not had or an object not taken, so that it is worth another look.
    pub lacks: bool,
    /// What could not be looked at, and why: sentences for the operator.
    pub unseen: Vec<String>,
}

/// What a pull request would be shown as.
#[derive(Clone, Debug, PartialEq)]
pub struct Showing {
    /// The solutions that are new or other ones, as previews.
    pub solutions: Vec<Arc<Solution>>,
    /// Where they would be opened: `https://pr-42--use.demo.example`.
    pub addresses: Vec<String>,
    /// Those that cannot be shown, by name, and why.
    pub cannot: Vec<(String, NoPreview)>,
    /// The keys of Secrets that they ask for and do not get.
    pub without: BTreeSet<String>,
    /// The platform that they were judged for.
    pub platform: ContentHash,
}

impl Reviewing {
    /// Judges both sides; `memory` makes it quick and changes nothing in the answer.
    pub fn done(&self, memory: &mut Memory) -> Reviewed {
        let base = catalog::read(&self.comparison.base, memory);
        let head = catalog::read(&self.comparison.head, memory);
        let setting = Setting {
            instance: &self.instance,
            now: self.now,
            brake: self.brake,
            earlier: &self.comparison.earlier,
        };
        let review = change::between(&base, &head, &setting);
        // Then the base is where its author branched off, and the platform of that day: no registry
        // is asked by it, and nothing shown.
        let conflicts = self.comparison.how == How::Branched;
        let mut asks = BTreeSet::new();
        let (mut lacks, mut unseen) = (false, Vec::new());
        let review = match &self.images {
            Images::Unasked => review,
            Images::Wanted(_) if conflicts => review,
            Images::Wanted(near) => {
                asks = change::images_of(&review, &base, &head, near);
                review
            }
            Images::Said(said) => {
                let starts: BTreeSet<_> = head.solutions.values().flat_map(|s| pulled(s)).collect();
                let new = || said.iter().filter(|(image, _)| starts.contains(image));
                lacks = new().any(|(_, said)| said.is_err());
                unseen.extend(new().find_map(|(_, said)| unseen_because(said)));
                review.with_images(&base, &head, &self.comparison.head, said)
            }
        };
        let mut tries = Vec::new();
        let review = match &self.dry_run {
            Tried::Unasked => review,
            Tried::Wanted => {
                tries = change::to_try(&review, &head, &setting);
                review
            }
            Tried::Said(said) => {
                lacks |= !said.refused.is_empty() || said.silent.is_some();
                let why = said.silent.as_ref();
                unseen.extend(why.map(|why| format!("the cluster was not asked for all: {why}")));
                review.with_dry_run(&self.instance, said)
            }
        };
        let touches = review.platform != Operator::Same
            || review.touched.iter().any(|one| one.what != What::Words);
        let names = review.touched.iter().filter(|one| one.what != What::Words);
        let names = names.map(|one| &one.name);
        Reviewed {
            line: line(&self.instance, &review, conflicts),
            page: touches.then(|| page(&self.instance, &review, conflicts)),
            names: names.cloned().collect(),
            showing: if conflicts { None } else { self.showing(&base, head, memory) },
            check: Check::of(&self.instance, &self.root, faults(&review)),
            asks,
            tries,
            lacks,
            unseen,
        }
    }

    /// What it would be shown as on the platform in force: whatever a pull request says of that is
    /// no part of it.
    fn showing(&self, base: &Catalog, head: Catalog, memory: &mut Memory) -> Option<Showing> {
        let platform = base.platform.as_ref().ok()?;
        let settings = platform.previews.as_ref()?;
        let same = head.platform.as_ref().is_ok_and(|theirs| theirs.digest == platform.digest);
        let head = if same {
            head
        } else {
            let snapshot = Snapshot {
                platform: self.comparison.base.platform.clone(),
                ..self.comparison.head.clone()
            };
            catalog::read(&snapshot, memory)
        };
        let is_other = |solution: &&Arc<Solution>| {
            base.solutions.get(&solution.name).is_none_or(|before| before.tree != solution.tree)
        };
        let mut showing = Showing {
            solutions: Vec::new(),
            addresses: Vec::new(),
            cannot: Vec::new(),
            without: BTreeSet::new(),
            platform: platform.digest.clone(),
        };
        for solution in head.solutions.values().filter(is_other) {
            match catalog::preview(solution, self.pull, &self.head, platform, settings) {
                Ok(preview) => showing.add(solution, preview),
                Err(why) => showing.cannot.push((solution.name.to_string(), why)),
            }
        }
        (!showing.solutions.is_empty() || !showing.cannot.is_empty()).then_some(showing)
    }
}

impl Showing {
    fn add(&mut self, solution: &Solution, preview: Solution) {
        let hosts = preview.components.values().filter_map(|component| match &component.exposure {
            Exposure::Public { host, .. } => Some(format!("https://{host}")),
            Exposure::Private => None,
        });
        self.addresses.extend(hosts.collect::<BTreeSet<_>>());
        for (name, component) in &solution.components {
            let kept = preview.components.get(name).map(|shown| &shown.secrets);
            let left =
                component.secrets.iter().filter(|key| !kept.is_some_and(|k| k.contains(*key)));
            self.without.extend(left.cloned());
        }
        self.solutions.push(Arc::new(preview));
    }
}

/// What an operator hears of an image that nobody looked at.
fn unseen_because(said: &Result<Image, NotHad>) -> Option<String> {
    let why = said.as_ref().err().filter(|why| why.denial != Denial::Lacks)?;
    Some(format!("an image cannot be looked at: {}", why.what))
}

/// All that is wrong with what it touches.
fn faults(review: &Review) -> impl Iterator<Item = &Fault> {
    let platform = match &review.platform {
        Operator::Refused(faults) => faults.as_slice(),
        Operator::Same | Operator::Changed(_) | Operator::Mended => &[],
    };
    platform.iter().chain(review.touched.iter().flat_map(|one| &one.faults))
}

/// The same judgement as that of `check`, on one line.
fn line(instance: &InstanceName, review: &Review, conflicts: bool) -> CommitStatus {
    let validated = |state, found: &str, next| ledger::validated(instance, state, found, next);
    let errors: Vec<&Fault> =
        faults(review).filter(|fault| fault.severity == Severity::Error).collect();
    if let Some(first) = errors.first() {
        let more = match errors.len() {
            1 => String::new(),
            n => format!(" (1 of {n} faults)"),
        };
        let found = format!("{}:{}: {}{more}", first.file, first.line, first.message);
        return validated(CommitState::Failure, &found, "mend it and push");
    }
    let warnings = faults(review).filter(|fault| fault.severity == Severity::Warning).count();
    let mut found = review.summary();
    if warnings > 0 {
        found += &format!("; {warnings} warning{}", if warnings == 1 { "" } else { "s" });
    }
    if review.held.is_some() {
        found += "; the brake will hold it";
    }
    let next = if conflicts { "a merge has conflicts" } else { "" };
    validated(CommitState::Success, &found, next)
}

fn page(instance: &InstanceName, review: &Review, conflicts: bool) -> String {
    let page = change::markdown(review);
    let conflicts = match conflicts {
        true => "\n\nA merge would have conflicts; told is the branch beside where it began.",
        false => "",
    };
    format!("**What a merge changes at vitrine/{instance}:** {}{conflicts}\n", page.trim_end())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::change::tests::snapshot;
    use crate::model::{Kind, Quoted};
    use crate::plan::Rejection;

    /// What a pull request is told that makes these solutions of those.
    fn reviewed(old: &[(&str, &str)], new: &[(&str, &str)], how: How) -> Reviewed {
        let (base, head) = (snapshot("a", "", old), snapshot("b", "", new));
        let comparison = Comparison { base, head, how, earlier: BTreeMap::new() };
        reviewing(comparison).done(&mut Memory::default())
    }

    fn reviewing(comparison: Comparison) -> Reviewing {
        Reviewing {
            comparison: Arc::new(comparison),
            pull: 42,
            root: ".".to_owned(),
            head: Revision::parse(&"d".repeat(40)).unwrap(),
            instance: InstanceName::parse("prod").unwrap(),
            brake: Brake { max_removed_share: 0.2, max_deletions: 100 },
            now: "2026-12-01T12:00:00Z".parse().unwrap(),
            images: Images::Unasked,
            dry_run: Tried::Unasked,
        }
    }

    #[track_caller]
    fn says(reviewed: &Reviewed, state: CommitState, words: &str) {
        let line = &reviewed.line;
        assert_eq!(line.context, "vitrine/prod/validate");
        assert_eq!((line.state, line.description.as_str()), (state, words));
    }

    #[test]
    fn a_pull_request_that_touches_no_solution_is_well_and_gets_no_page() {
        let same = [("use", "")];
        let told = reviewed(&same, &same, How::Merged);
        says(&told, CommitState::Success, "nothing changes; 1 solution as before");
        assert_eq!(told.page, None);
        let told = reviewed(&same, &[("use", "  # a word\n")], How::Merged);
        assert_eq!(told.page, None, "nothing that anybody could notice");
    }

    #[test]
    fn a_change_is_told_and_a_refusal_fails_with_its_place() {
        let told = reviewed(&[("use", "")], &[("use", "  port: 9000\n"), ("two", "")], How::Merged);
        says(&told, CommitState::Success, "1 new, 1 changed");
        let page = told.page.unwrap();
        assert!(page.starts_with("**What a merge changes at vitrine/prod:** 1 new, 1 changed\n"));
        let told = reviewed(&[("use", "")], &[("use", "  prot: 9000\n")], How::Merged);
        says(
            &told,
            CommitState::Failure,
            "use/solution.yaml:7: unknown field `prot`; mend it and push",
        );
        assert!(told.page.unwrap().contains("### `use` · refused"));
        let told = reviewed(&[("use", "")], &[("use", "  port: 9000\n")], How::Branched);
        says(&told, CommitState::Success, "1 changed; a merge has conflicts");
    }

    #[test]
    fn a_fault_of_the_operators_file_is_told_first_and_counted_with_the_others() {
        let head = snapshot("b", "  domian: x\n", &[("use", "  prot: 9000\n")]);
        let base = snapshot("a", "", &[("use", "")]);
        let comparison = Comparison { base, head, how: How::Merged, earlier: BTreeMap::new() };
        let told = reviewing(comparison).done(&mut Memory::default());
        assert!(told.line.description.starts_with("platform.yaml:5: "), "{:?}", told.line);
        assert!(told.line.description.contains(" (1 of 2 faults); mend"), "{:?}", told.line);
    }

    #[test]
    fn what_the_brake_will_hold_is_said_on_the_line() {
        let all: Vec<(&str, &str)> = ["a", "b", "c", "d", "e"].map(|name| (name, "")).into();
        let told = reviewed(&all, &all[3..], How::Merged);
        let words = "3 removed; 2 solutions as before; the brake will hold it";
        says(&told, CommitState::Success, words);
    }

    /// The same pull request on a platform that names one registry, with what is known of images.
    fn of_images(images: Images) -> Reviewed {
        let platform = "  registries: {allow: [\"registry.example/*\"]}\n";
        let side = |digit, body| snapshot(digit, platform, &[("use", body)]);
        let (base, head) = (side("a", ""), side("b", "  port: 9000\n"));
        let comparison = Comparison { base, head, how: How::Merged, earlier: BTreeMap::new() };
        Reviewing { images, ..reviewing(comparison) }.done(&mut Memory::default())
    }

    #[test]
    fn an_image_is_asked_for_once_and_only_where_somebody_asks() {
        let asks = of_images(Images::Wanted(Vec::new())).asks;
        assert_eq!(
            asks.iter().map(|image| image.repository()).collect::<Vec<_>>(),
            ["registry.example/use"]
        );
        assert_eq!(of_images(Images::Unasked).asks, BTreeSet::new());
        assert_eq!(of_images(Images::Said(Arc::default())).asks, BTreeSet::new());
    }

    #[test]
    fn what_conflicts_lets_the_platform_of_another_day_ask_nobody_and_show_nothing() {
        let judged = |how| {
            let platform = "  previews: {keepFor: 1h, atMost: 2}\n  registries: \
                            {requireDigest: false, allow: [\"registry.example/*\"]}\n";
            let side = |digit, body| snapshot(digit, platform, &[("use", body)]);
            let (base, head) = (side("a", ""), side("b", "  port: 9000\n"));
            let comparison = Comparison { base, head, how, earlier: BTreeMap::new() };
            let images = Images::Wanted(Vec::new());
            Reviewing { images, ..reviewing(comparison) }.done(&mut Memory::default())
        };
        let merges = judged(How::Merged);
        assert!(!merges.asks.is_empty() && merges.showing.is_some());
        let conflicts = judged(How::Branched);
        assert!(conflicts.asks.is_empty() && conflicts.showing.is_none());
        says(&conflicts, CommitState::Success, "1 changed; a merge has conflicts");
    }

    #[test]
    fn an_image_that_is_not_there_fails_the_head_and_one_that_nobody_saw_does_not() {
        let said = |denial| {
            let image = of_images(Images::Wanted(Vec::new())).asks.into_iter().next().unwrap();
            let (what, help) = ("registry.example has no tag `1`".to_owned(), "push it".to_owned());
            let code = crate::model::fault::code::IMAGE_NOT_HAD;
            let party = crate::model::Party::Author;
            let why = NotHad { denial, code, what, help, party };
            of_images(Images::Said(Arc::new([(image, Err(why))].into())))
        };
        let told = said(Denial::Lacks);
        let words = "use/solution.yaml:6: registry.example has no tag `1`; mend it and push";
        says(&told, CommitState::Failure, words);
        assert_eq!((told.unseen.len(), told.lacks), (0, true), "somebody may push it yet");
        let told = said(Denial::Silent);
        says(&told, CommitState::Success, "1 changed");
        assert_eq!(told.unseen, ["an image cannot be looked at: registry.example has no tag `1`"]);
    }

    #[test]
    fn the_api_server_is_asked_once_and_its_refusal_fails_the_head() {
        let judged = |dry_run| {
            let side = |digit, body| snapshot(digit, "", &[("use", body)]);
            let (base, head) = (side("a", ""), side("b", "  port: 9000\n"));
            let comparison = Comparison { base, head, how: How::Merged, earlier: BTreeMap::new() };
            Reviewing { dry_run, ..reviewing(comparison) }.done(&mut Memory::default())
        };
        let tries = judged(Tried::Wanted).tries;
        let app = tries.iter().find(|form| form.key.kind == Kind::Deployment).unwrap();
        assert_eq!(judged(Tried::Unasked).tries, []);
        let said = |refused, silent| judged(Tried::Said(Arc::new(DryRun { refused, silent })));
        let well = said(Vec::new(), None);
        says(&well, CommitState::Success, "1 changed");
        assert_eq!((well.tries.len(), well.lacks, well.unseen.len()), (0, false, 0));
        let message = Quoted::of("pods need a team");
        let (code, reason, causes) = (422, "Invalid".to_owned(), Vec::new());
        let rejection = Rejection { code, reason, message, causes };
        let told = said(vec![(app.key.clone(), rejection)], None);
        let words = "use/solution.yaml:1: the API server would refuse Deployment/app: pods need a \
                     team; mend it and push";
        says(&told, CommitState::Failure, words);
        assert!(told.lacks, "an operator may change the policy");
        let told = said(Vec::new(), Some("it did not answer".to_owned()));
        says(&told, CommitState::Success, "1 changed");
        assert_eq!(told.unseen, ["the cluster was not asked for all: it did not answer"]);
        assert!(told.lacks);
    }

    #[test]
    fn a_long_fault_keeps_what_is_to_be_done() {
        let body = format!("  {}: 1\n", "x".repeat(300));
        let told = reviewed(&[("use", "")], &[("use", &body)], How::Merged);
        assert!(told.line.description.ends_with("…; mend it and push"));
        assert_eq!(told.line.description.chars().count(), 140);
    }
}
