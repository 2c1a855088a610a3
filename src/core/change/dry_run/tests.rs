use super::*;
use crate::catalog::{Memory, Snapshot, read};
use crate::change::tests::snapshot;
use crate::change::{Brake, between, markdown};
use crate::model::FieldSet;
use serde_json::json;

/// Two commits and what is said of them.
struct Sides {
    base: Catalog,
    head: Catalog,
    instance: InstanceName,
}

impl Sides {
    fn of(base: &Snapshot, head: &Snapshot) -> Self {
        let [base, head] = [base, head].map(|one| read(one, &mut Memory::default()));
        Self { base, head, instance: InstanceName::parse("prod").unwrap() }
    }

    /// The same platform with these solutions.
    fn between(old: &[(&str, &str)], new: &[(&str, &str)]) -> Self {
        Self::of(&snapshot("a", "", old), &snapshot("b", "", new))
    }

    fn with<T>(&self, use_: impl FnOnce(Review, &Setting<'_>) -> T) -> T {
        let earlier = std::collections::BTreeMap::new();
        let setting = Setting {
            instance: &self.instance,
            now: "2026-12-01T12:00:00Z".parse().unwrap(),
            brake: Brake { max_removed_share: 0.2, max_deletions: 100 },
            earlier: &earlier,
        };
        use_(between(&self.base, &self.head, &setting), &setting)
    }

    /// What the API server is asked about, as `kind/name`.
    fn asked(&self) -> Vec<String> {
        self.with(|review, setting| {
            let forms = to_try(&review, &self.head, setting);
            assert!(forms.iter().all(|form| form.body.is_some()));
            forms.iter().map(|form| form.key.to_string()).collect()
        })
    }

    fn told(&self, refused: Vec<(ObjectKey, Rejection)>) -> Review {
        let said = DryRun { refused, silent: None };
        self.with(|review, _| review.with_dry_run(&self.instance, &said))
    }
}

fn app(solution: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, format!("sol-{solution}"), "app")
}

fn refusal(code: u16) -> Rejection {
    let message = Quoted::of("pods need a `team`");
    Rejection { code, reason: "Invalid".to_owned(), message, causes: Vec::new() }
}

const MORE: &str = "  env: {A: \"1\"}\n";

#[test]
fn asked_about_is_what_a_merge_writes_and_nothing_else() {
    let same = Sides::between(&[("use", "")], &[("use", "")]);
    assert_eq!(same.asked(), [""; 0]);
    let changed = Sides::between(&[("use", ""), ("two", "")], &[("use", MORE), ("two", "")]);
    assert_eq!(changed.asked(), ["Deployment/app"]);
    // A new one has no namespace yet in which anything else could be tried.
    let new = Sides::between(&[("use", "")], &[("use", ""), ("new", "")]);
    assert_eq!(new.asked(), ["Namespace/sol-new"]);
    let gone = Sides::between(&[("use", ""), ("two", "")], &[("use", "")]);
    assert_eq!(gone.asked(), [""; 0]);
    let refused = Sides::between(&[("use", "")], &[("use", "  prot: 1\n")]);
    assert_eq!(refused.asked(), [""; 0]);
}

#[test]
fn two_hundred_objects_are_asked_about_and_no_more() {
    let names: Vec<String> = (0..250).map(|n| format!("use-{n:03}")).collect();
    let side = |body: &'static str| -> Vec<(&str, &str)> {
        names.iter().map(|name| (name.as_str(), body)).collect()
    };
    assert_eq!(Sides::between(&side(""), &side(MORE)).asked().len(), MOST);
}

#[test]
fn a_refusal_fails_the_solution_that_it_is_of_and_no_other() {
    let sides = Sides::between(&[("use", ""), ("two", "")], &[("use", MORE), ("two", MORE)]);
    let review = sides.told(vec![(app("use"), refusal(422))]);
    let [two, one] = review.touched.as_slice() else { panic!("{:#?}", review.touched) };
    assert_eq!(two.faults, []);
    let [fault] = one.faults.as_slice() else { panic!("{:#?}", one.faults) };
    assert_eq!((fault.code, fault.file.as_str(), fault.line), ("V1001", "use/solution.yaml", 1));
    let words = "the API server would refuse Deployment/app: pods need a `team`";
    assert_eq!((fault.message.as_str(), fault.party), (words, Party::Author));
    assert_eq!(review.would_fail(), ["use"]);
    let page = markdown(&review);
    assert!(page.contains("> **Would fail:** `use`. Below stands why."), "{page}");
    assert!(page.contains("**Why it would fail**\n\n- `use/solution.yaml:1:1`"), "{page}");
}

#[test]
fn of_what_no_merge_touches_nothing_is_told() {
    let sides = Sides::between(&[("use", "")], &[("use", MORE)]);
    let review = sides.told(vec![(app("other"), refusal(422))]);
    assert_eq!(review.touched[0].faults, []);
}

#[test]
fn more_than_are_asked_about_are_named() {
    let names: Vec<String> = (0..202).map(|n| format!("use-{n:03}")).collect();
    let side = |body: &'static str| -> Vec<(&str, &str)> {
        names.iter().map(|name| (name.as_str(), body)).collect()
    };
    let review = Sides::between(&side(""), &side(MORE)).told(Vec::new());
    let is_left = |one: &&Touched| one.risks.iter().any(|r| r.to_string().contains("not asked"));
    let left: Vec<&str> = review.touched.iter().filter(is_left).map(|o| o.name.as_str()).collect();
    assert_eq!(left, ["use-200", "use-201"]);
}

#[test]
fn what_the_same_merge_may_end_is_a_risk() {
    // Another level of security: the namespace itself changes.
    let level = |digit, level| {
        let platform = format!("  podSecurity: {{level: {level}}}\n");
        snapshot(digit, &platform, &[("use", "")])
    };
    let sides = Sides::of(&level("a", "restricted"), &level("b", "baseline"));
    let asked = sides.asked();
    assert!(asked.contains(&"Namespace/sol-use".to_owned()), "{asked:?}");
    let review = sides.told(vec![(app("use"), refusal(422))]);
    assert_eq!(review.touched[0].faults, []);
    let told = |risk: &Sentence| risk.to_string().starts_with("as its namespace is now");
    assert!(review.touched[0].risks.iter().any(told), "{:#?}", review.touched);
    // A refusal of the namespace itself is none; the operator's file is where it comes from.
    let home = ObjectKey::cluster(Kind::Namespace, "sol-use");
    let review = sides.told(vec![(home, refusal(422))]);
    let [fault] = review.touched[0].faults.as_slice() else { panic!("{review:#?}") };
    assert_eq!((fault.file.as_str(), fault.party), ("platform.yaml", Party::Operator));
}

#[test]
fn what_was_left_alone_before_fails_as_well() {
    let broken = snapshot("a", "", &[("use", "  prot: 1\n")]);
    let sides = Sides::of(&broken, &snapshot("b", "", &[("use", "")]));
    sides.with(|review, _| assert_eq!(review.touched[0].what, What::WasFrozen));
    assert!(sides.asked().contains(&"Deployment/app".to_owned()), "{:?}", sides.asked());
    let review = sides.told(vec![(app("use"), refusal(422))]);
    assert_eq!(review.touched[0].faults.len(), 1, "{:#?}", review.touched);
}

#[test]
fn what_nobody_could_ask_is_told_to_the_reviewer() {
    let sides = Sides::between(&[("use", ""), ("two", "")], &[("use", MORE)]);
    let said = DryRun { refused: Vec::new(), silent: Some("10.0.0.1 is away".to_owned()) };
    let review = sides.with(|review, _| review.with_dry_run(&sides.instance, &said));
    let page = markdown(&review);
    assert_eq!(page.matches("nobody could ask the API server").count(), 1, "{page}");
    assert!(!page.contains("10.0.0.1"), "the operator's, and in the log: {page}");
}

#[test]
fn a_right_that_lacks_is_the_operators() {
    let sides = Sides::between(&[("use", "")], &[("use", MORE)]);
    let review = sides.told(vec![(app("use"), refusal(403))]);
    let [fault] = review.touched[0].faults.as_slice() else { panic!("{review:#?}") };
    assert_eq!((fault.file.as_str(), fault.party), ("use/solution.yaml", Party::Operator));
}

#[test]
fn what_admission_takes_away_is_named() {
    let sides = Sides::between(&[("use", "")], &[("use", MORE)]);
    let lost = FieldSet::recorded(&json!({"f:spec": {"f:paused": {}}}));
    let review = sides.told(vec![(app("use"), Rejection::taken_away(&lost))]);
    let [fault] = review.touched[0].faults.as_slice() else { panic!("{review:#?}") };
    assert_eq!(fault.message, "admission would take spec.paused away from Deployment/app");
    assert_eq!(fault.party, Party::Operator);
}

#[test]
fn words_of_the_server_cannot_leave_their_line() {
    let sides = Sides::between(&[("use", "")], &[("use", MORE)]);
    let long = format!("</details>\n# @everyone <b>{}", "x".repeat(5000));
    let hostile = Rejection { message: Quoted::of(&long), ..refusal(422) };
    let page = markdown(&sides.told(vec![(app("use"), hostile)]));
    // In one code span of one line.
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("@everyone")).collect();
    let [line] = lines.as_slice() else { panic!("{page}") };
    assert!(line.starts_with("- `use/solution.yaml:1:1` `the API server would refuse"), "{line}");
    assert_eq!(line.matches('`').count(), 6, "{line}");
    assert!(page.len() < 3000, "{}", page.len());
}
