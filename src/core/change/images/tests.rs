use std::collections::BTreeMap;

use super::*;
use crate::catalog::fit::{Build, Image, NotHad};
use crate::catalog::{Memory, read};
use crate::change::tests::snapshot;
use crate::change::{Brake, Setting, between, markdown};
use crate::model::fault::code;
use crate::model::{InstanceName, Party};

/// The operator names one registry by its host.
const NAMED: &str = "  registries: {allow: [\"registry.example/*\", \"*.dev/*\"]}\n";

fn image(name: &str, digit: char) -> String {
    let digest = digit.to_string().repeat(64);
    format!("  image: {name}:1@sha256:{digest}\n")
}

fn reference(name: &str, digit: char) -> ImageReference {
    let digest = digit.to_string().repeat(64);
    ImageReference::parse(&format!("{name}:1@sha256:{digest}")).unwrap()
}

/// Both sides on a platform with these lines, and what a merge changes.
struct Sides {
    base: Catalog,
    head: Catalog,
    snapshot: Snapshot,
}

impl Sides {
    fn of(platform: &str, old: &[(&str, &str)], new: &[(&str, &str)]) -> Self {
        let catalog = |snapshot: &Snapshot| {
            let catalog = read(snapshot, &mut Memory::default());
            assert!(catalog.platform.is_ok() && catalog.refused.is_empty(), "{catalog:#?}");
            catalog
        };
        let (before, after) = (snapshot("a", platform, old), snapshot("b", platform, new));
        Self { base: catalog(&before), head: catalog(&after), snapshot: after }
    }

    fn review(&self) -> Review {
        let instance = InstanceName::parse("prod").unwrap();
        let brake = Brake { max_removed_share: 0.2, max_deletions: 100 };
        let now = "2026-12-01T12:00:00Z".parse().unwrap();
        let earlier = BTreeMap::new();
        let setting = Setting { instance: &instance, now, brake, earlier: &earlier };
        between(&self.base, &self.head, &setting)
    }

    fn asked(&self, near: &[&str]) -> Vec<String> {
        let near: Vec<String> = near.iter().map(|&near| near.to_owned()).collect();
        let images = images_of(&self.review(), &self.base, &self.head, &near);
        images.iter().map(|image| image.repository().to_owned()).collect()
    }

    fn told(&self, said: Told) -> Review {
        self.review().with_images(&self.base, &self.head, &self.snapshot, &said)
    }
}

fn built(size: u64, port: u16) -> Result<Image, NotHad> {
    let build = Build {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        user: "10001".to_owned(),
        ports: [port].into(),
        size,
        ..Build::default()
    };
    Ok(Image { digest: "sha256:1".to_owned(), builds: vec![build] })
}

fn not_had(denial: Denial) -> Result<Image, NotHad> {
    let (what, help) = ("registry.example has no tag `1`".to_owned(), "push it".to_owned());
    Err(NotHad { denial, code: code::IMAGE_NOT_HAD, what, help, party: Party::Author })
}

#[test]
fn asked_for_is_what_a_merge_starts_and_what_it_takes_the_place_of() {
    let (old, new) = (image("registry.example/use", 'a'), image("registry.example/other", 'b'));
    let same = image("registry.example/same", 'c');
    let [old, new, same] = [&old, &new, &same].map(String::as_str);
    let sides = Sides::of(NAMED, &[("use", old), ("same", same)], &[("use", new), ("same", same)]);
    assert_eq!(sides.asked(&[]), ["registry.example/other", "registry.example/use"]);
    let removed = Sides::of(NAMED, &[("use", old), ("same", same)], &[("same", same)]);
    assert_eq!(removed.asked(&[]), [""; 0], "what goes is asked for by nobody");
}

#[test]
fn a_host_is_asked_only_where_the_operator_names_it() {
    let asks = |platform: &str, name: &str, near: &[&str]| {
        let body = image(name, 'a');
        !Sides::of(platform, &[], &[("use", &body)]).asked(near).is_empty()
    };
    assert!(asks(NAMED, "registry.example/lab/use", &[]));
    assert!(!asks(NAMED, "registry.dev/lab/use", &[]), "a star names no host");
    assert!(!asks("", "registry.example/lab/use", &[]), "any registry is none by name");
    assert!(!asks("  registries: {allow: [\"*\"]}\n", "registry.example/lab/use", &[]));
    let narrow = "  registries: {allow: [\"registry.example/aim/*\"]}\n";
    assert!(asks(narrow, "registry.example/aim/use", &[]));
    let hub = "  registries: {allow: [\"docker.io/*\"]}\n";
    assert!(asks(hub, "lab/use", &[]), "as a container runtime completes it");
    // Each node's own is not that of the daemon.
    let local = "  registries: {allow: [\"127.0.0.1:5000/*\"]}\n";
    assert!(!asks(local, "127.0.0.1:5000/use", &[]));
    assert!(!asks(local, "127.0.0.1:5000/use", &["127.0.0.1:6000"]));
    assert!(asks(local, "127.0.0.1:5000/use", &["127.0.0.1:5000"]));
}

#[test]
fn the_registries_are_those_of_the_platform_in_force() {
    let body = image("registry.example/use", 'a');
    let (before, after) = (snapshot("a", "", &[]), snapshot("b", NAMED, &[("use", &body)]));
    let [base, head] = [&before, &after].map(|one| read(one, &mut Memory::default()));
    let sides = Sides { base, head, snapshot: after };
    assert_eq!(sides.asked(&[]), [""; 0], "a pull request cannot name a host itself");
    // Nor what else lies on one that the operator names.
    let narrow = "  registries: {allow: [\"registry.example/aim/*\"]}\n";
    let (before, after) = (snapshot("a", narrow, &[]), snapshot("b", NAMED, &[("use", &body)]));
    let [base, head] = [&before, &after].map(|one| read(one, &mut Memory::default()));
    assert_eq!(Sides { base, head, snapshot: after }.asked(&[]), [""; 0]);
}

#[test]
fn what_only_the_operator_changes_asks_for_nothing() {
    let body = image("registry.example/use", 'a');
    let quota = format!("{NAMED}  podSecurity: {{level: baseline}}\n");
    let (before, after) =
        (snapshot("a", NAMED, &[("use", &body)]), snapshot("b", &quota, &[("use", &body)]));
    let [base, head] = [&before, &after].map(|one| read(one, &mut Memory::default()));
    let sides = Sides { base, head, snapshot: after };
    assert!(sides.review().touched[0].by_platform);
    assert_eq!(sides.asked(&[]), [""; 0]);
}

#[test]
fn a_hundred_images_are_asked_for_and_no_more() {
    let names: Vec<String> = (0..150).map(|n| format!("use-{n:03}")).collect();
    let bodies: Vec<String> =
        names.iter().map(|name| image(&format!("registry.example/{name}"), 'a')).collect();
    let new: Vec<(&str, &str)> =
        names.iter().zip(&bodies).map(|(name, body)| (name.as_str(), body.as_str())).collect();
    assert_eq!(Sides::of(NAMED, &[], &new).asked(&[]).len(), MOST);
}

#[test]
fn what_an_image_is_stands_below_its_name_before_and_after() {
    let old = image("registry.example/use", 'a');
    let new = image("registry.example/use", 'b') + "  env: {A: \"1\"}\n";
    let sides = Sides::of(NAMED, &[("use", &old)], &[("use", &new)]);
    let said = [
        (reference("registry.example/use", 'a'), built(1_500_000, 8080)),
        (reference("registry.example/use", 'b'), built(2_500_000, 8080)),
    ];
    let review = sides.told(said.into());
    let one = &review.touched[0];
    let at = one.facts.iter().position(|fact| fact.what == WHAT).unwrap();
    assert_eq!(one.facts[at - 1].what, "image");
    let told =
        |size: &str| Some(format!("linux/amd64 · {size} MB to fetch · user 10001 · port 8080"));
    assert_eq!((&one.facts[at].now, &one.facts[at].then), (&told("1.5"), &told("2.5")));
    assert!(one.faults.is_empty() && review.would_fail().is_empty(), "{:?}", one.faults);
}

#[test]
fn an_image_that_is_not_there_or_does_not_fit_is_told_at_its_line() {
    let body = image("registry.example/use", 'a');
    let sides =
        Sides::of(NAMED, &[], &[("use", &body), ("well", &image("registry.example/well", 'b'))]);
    let well = (reference("registry.example/well", 'b'), built(1, 8080));
    let missing = (reference("registry.example/use", 'a'), not_had(Denial::Lacks));
    let review = sides.told([missing, well.clone()].into());
    let [fault] = review.touched[0].faults.as_slice() else { panic!("{:#?}", review.touched) };
    assert_eq!((fault.code, fault.file.as_str(), fault.line), ("V0801", "use/solution.yaml", 6));
    assert_eq!(review.would_fail(), ["use"]);
    let page = markdown(&review);
    assert!(page.contains("> **Would fail:** `use`. Below stands why."), "{page}");
    assert!(page.contains("**Why it would fail**\n\n- `use/solution.yaml:6:10`"), "{page}");
    // Another port than it names is worth a word, and no reason not to run.
    let other = (reference("registry.example/use", 'a'), built(1, 9000));
    let review = sides.told([other, well].into());
    assert_eq!((review.touched[0].faults[0].code, review.would_fail().len()), ("V9010", 0));
    let page = markdown(&review);
    assert!(page.contains("**Warnings**") && !page.contains("ould fail"), "{page}");
}

#[test]
fn an_image_that_nobody_could_look_at_is_no_fault_of_its_author() {
    let body = image("registry.example/use", 'a');
    let sides = Sides::of(NAMED, &[], &[("use", &body)]);
    for (denial, words) in [
        (Denial::Silent, "the daemon's log says why"),
        (Denial::Refuses, "its registry does not let us, or has none of that name"),
    ] {
        let review = sides.told([(reference("registry.example/use", 'a'), not_had(denial))].into());
        let one = &review.touched[0];
        assert!(one.faults.is_empty(), "{:?}", one.faults);
        let risks: Vec<String> = one.risks.iter().map(ToString::to_string).collect();
        assert!(risks.iter().any(|risk| risk.ends_with(words)), "{risks:?}");
    }
    assert_eq!(sides.told(Told::new()), sides.review(), "of what was not asked nothing is said");
}

#[test]
fn labels_are_authors_words_and_stay_in_their_cell() {
    let body = image("registry.example/use", 'a');
    let sides = Sides::of(NAMED, &[], &[("use", &body)]);
    let mut image = built(1, 8080).unwrap();
    let build = image.builds.first_mut().unwrap();
    build.user = "@everyone`".to_owned();
    build.license = Some("MIT | <img src=x>\n\n# Big".to_owned());
    build.source = Some(format!("https://somebody:secret-of-mine@git.example/{}", "x".repeat(500)));
    let review = sides.told([(reference("registry.example/use", 'a'), Ok(image))].into());
    let page = markdown(&review);
    let row = page.lines().find(|line| line.contains(WHAT)).unwrap();
    assert!(row.contains("license MIT \u{a6} <img src=x>") && row.contains("``"), "{row}");
    assert!(!page.contains("secret-of-mine"), "{row}");
}
