//! What `check --fix` puts right of the catalogues of `tests/catalogues/invalid`, and why it leaves
//! the others to a person.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_core::catalog::fault::Fault;
use vitrine_core::catalog::{self, Catalog, Memory, Mended, Snapshot, mend};

use super::catalogues::cases;
use super::from_folder::{Files, of_files, snapshot};
use super::mutation::{Mistake, Mutated, Right, places, right};

/// Cases that lead to a good catalogue.
const MENDED: [&str; 57] = [
    "anchor-and-alias",
    "bidi-control",
    "broken-example",
    "byte-order-mark-inside",
    "colon-in-a-title",
    "component-to-be-spelt",
    "control-character",
    "days-otherwise",
    "decimal-comma",
    "directive",
    "document-that-ends-twice",
    "file-from-the-root",
    "image-with-a-scheme",
    "indented-by-a-tab",
    "keys-at-the-wrong-level",
    "keys-with-one-answer",
    "kind",
    "leading-zero",
    "licence-spelling",
    "licence-with-a-blank",
    "list-for-a-map",
    "list-of-names-and-values",
    "mail-with-a-scheme",
    "megabytes",
    "merge-key",
    "minutes-in-words",
    "misspelt-class",
    "misspelt-file",
    "misspelt-keys",
    "misspelt-words",
    "name-to-be-spelt",
    "nickname-of-cron",
    "no-space-behind-a-colon",
    "no-space-in-braces",
    "no-such-category",
    "no-such-component",
    "not-yaml",
    "null-written-out",
    "numbers-for-texts",
    "one-machine",
    "one-map-for-a-list",
    "one-space-too-many",
    "one-text-for-a-list",
    "origin-with-a-slash",
    "path-that-ends-with-a-slash",
    "platform-bad-domain",
    "quoted-number",
    "same-key-twice",
    "same-look",
    "tag",
    "true-in-capitals",
    "upper-case-image",
    "utf-16",
    "without-a-slash",
    "words-of-a-space",
    "words-of-compose",
    "yes-for-true",
];

/// Cases that do not, each with the question that only a person can answer.
const LEFT: [(&str, &str); 81] = [
    ("api-version", "a version that is not known may be one of a newer vitrine"),
    ("bad-component-names", "`app` is reserved: what should it be called?"),
    ("bad-day", "which day was meant by 30 February, and until when it is suspended"),
    ("bad-duration", "300 of what?"),
    ("bad-env", "the program reads the variable by exactly this name, or by which other?"),
    ("bad-image", "which image?"),
    ("bad-names", "a name is an address: which other one?"),
    ("bad-network", "the one machine or its whole network, and which port?"),
    ("bad-origin", "every page, or the ones that are named?"),
    ("bad-paths", "which file, and what should not have been mounted over the system?"),
    ("bad-quantity", "how much is -1?"),
    ("bad-schedule", "when should it be awake?"),
    ("bad-secrets", "a secret stands there: it must be revoked first"),
    ("bad-texts", "who owns it, and whom can one write to?"),
    ("bad-volumes", "which digest, and which of two mounts at one place?"),
    ("bad-warmup", "which example?"),
    ("below-four-groups", "into which group should it move?"),
    ("binary", "what was the file to be?"),
    ("circle", "which of the dependencies is one too many?"),
    ("component-without-image", "which image?"),
    ("concurrency-under-prometheus", "which port?"),
    ("credential", "a secret stands there: it must be revoked first"),
    ("credential-in-a-file", "a secret stands there: it must be revoked first"),
    ("duplicate-key", "which of two values?"),
    ("egress-inside", "what should it call instead?"),
    ("egress-not-allowed", "what should it call instead?"),
    ("empty-file", "everything is missing"),
    ("empty-values", "nothing stands behind the key: which value was forgotten?"),
    ("env-taken-by-a-dependency", "another name, or the platform's value?"),
    ("excluding-keys", "which of the two?"),
    ("git-lfs", "the file itself is not there"),
    ("hidden-by-escapes", "a secret stands there, and paths nobody can guess"),
    ("key-not-a-word", "which key?"),
    ("local-image", "to which registry is it pushed?"),
    ("local-image-by-star", "to which registry is it pushed?"),
    ("lost-solution-file", "put back, or removed?"),
    ("memory-in-thousandths", "mega or mebi, and half of what?"),
    ("manifest-of-kubernetes", "which image, on which port? it is another file"),
    ("missing-keys", "which image?"),
    ("mounted-twice", "which of two mounts at one place?"),
    ("name-is-not-the-folder", "the folder's name or the file's: both are addresses"),
    ("nested-too-deep-yaml", "what was the file to say?"),
    ("no-digest", "the registry knows the digest: `vitrine pin` asks it"),
    ("no-entrance", "which component do visitors see first?"),
    ("no-platform", "which domain?"),
    ("no-such-file", "which picture? none is there"),
    ("no-such-hardware", "another class, or no device?"),
    ("not-one-of", "is a beta experimental or production?"),
    ("not-supported-yet", "how should it do without?"),
    ("not-utf8", "in which encoding was it written?"),
    ("old-server", "do without, or wait for the operator?"),
    ("one-name-twice", "which of the two keeps the name?"),
    ("one-path-twice", "which of the two answers there?"),
    ("out-of-range", "which port, how many replicas, how much room?"),
    ("over-limits", "less, or ask the operator: a value is never lowered in silence"),
    ("over-own-limit", "more of the limit, or less of the request?"),
    ("picture-as-a-file", "into which image does it go?"),
    ("platform-class-twice", "which of the two is called otherwise?"),
    ("platform-default-over-limit", "a lower default, or a higher limit?"),
    ("platform-ingress-with-a-controller", "a Gateway, or no controller?"),
    ("platform-ingress-with-interceptor", "which other way to wake?"),
    ("platform-mesh-refuses-the-gateway", "which account do the gateway's pods have?"),
    ("platform-not-supported-yet", "how should it do without?"),
    ("platform-old-server", "which servers are there?"),
    ("platform-prometheus-with-other", "which controller, or another mode?"),
    ("platform-prometheus-without-address", "where is Prometheus?"),
    ("platform-switches", "a Gateway or an Ingress, and where is Prometheus?"),
    (
        "platform-unknown-field",
        "`registry` may mean what `registries` says already, or something else",
    ),
    ("production-without-contact", "whom can one reach?"),
    ("readme-of-new", "how few, or how many at most?"),
    ("registry-not-allowed", "from which registry instead?"),
    ("schedule-without-turns", "which days are meant?"),
    ("secret-that-the-platform-sets", "another name, or the platform's value?"),
    ("solution-inside-solution", "a solution of its own, or a left-over?"),
    ("too-long", "what is the short form?"),
    ("two-documents", "in which folder does the second belong?"),
    ("unknown-field", "is it needed? nothing here means `hostNetwork`"),
    ("warnings-beside-a-fault", "which port?"),
    ("warnings-of-time-and-place", "how few, or how many at most?"),
    ("words-of-kubernetes", "how many at most, and on which class of machine?"),
    ("wrong-types", "which variables, and how is it scaled?"),
];

fn judged(snapshot: &Snapshot) -> Catalog {
    catalog::read(snapshot, &mut Memory::default())
}

fn is_good(catalog: &Catalog) -> bool {
    catalog.platform.is_ok() && catalog.refused.is_empty()
}

fn everything(snapshot: &Snapshot) -> Mended {
    mend(snapshot, |_| true)
}

#[test]
fn every_case_leads_to_a_good_catalogue_or_says_why_not() {
    let mended: BTreeSet<String> = cases("invalid")
        .into_iter()
        .filter(|(_, folder)| is_good(&judged(&everything(&snapshot(folder)).snapshot)))
        .map(|(name, _)| name)
        .collect();
    let expected: BTreeSet<String> = MENDED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(mended, expected);
    let all: BTreeSet<String> = cases("invalid").into_keys().collect();
    let listed = MENDED.iter().copied().chain(LEFT.iter().map(|(name, _)| *name));
    assert_eq!(all, listed.map(str::to_owned).collect());
    assert_eq!(all.len(), MENDED.len() + LEFT.len(), "one stands in both lists");
    assert!(LEFT.iter().all(|(_, why)| why.len() >= 10));
    assert!(MENDED.len() >= 45, "{}", MENDED.len());
}

/// Everything that refuses something.
fn errors(catalog: &Catalog) -> Vec<&Fault> {
    let of_platform = catalog.platform.as_ref().err().into_iter().flatten();
    of_platform.chain(catalog.refused.values().flat_map(|refused| &refused.faults)).collect()
}

/// The files that say something else than before, in both snapshots.
fn changed(before: &Snapshot, after: &Mended) -> BTreeSet<String> {
    let moved = after.moved.iter().flat_map(|(old, new)| [Some(old), new.as_ref()]);
    let named: BTreeSet<String> = after.written.keys().chain(moved.flatten()).cloned().collect();
    let same = |file: &String| before.bytes(file) == after.snapshot.bytes(file);
    named.into_iter().filter(|file| !same(file)).collect()
}

/// What has to hold of every catalogue, however broken it is.
#[track_caller]
fn judge(what: &str, before: &Snapshot) {
    let catalog = judged(before);
    let faulty: BTreeSet<&str> = errors(&catalog).iter().map(|fault| fault.file.as_str()).collect();
    let once = everything(before);
    for file in changed(before, &once) {
        let renamed = once.moved.iter().any(|(_, new)| new.as_deref() == Some(file.as_str()));
        // A solution may depend on what the platform says: it is judged anew when that is right.
        let judged_anew = catalog.platform.is_err();
        let known = faulty.contains(file.as_str()) || renamed || judged_anew;
        assert!(known, "{what}: {file} had no fault and was changed");
    }
    let after = judged(&once.snapshot);
    for (name, solution) in &catalog.solutions {
        let same = after.solutions.get(name).is_some_and(|now| now.tree == solution.tree);
        assert!(same || catalog.platform.is_err(), "{what}: {name} was good, and is another");
    }
    let twice = everything(&once.snapshot);
    let moved: Vec<_> =
        twice.written.keys().chain(twice.moved.iter().map(|(old, _)| old)).collect();
    assert_eq!((twice.fixed, moved.len()), (0, 0), "{what}: a second time changed {moved:?}");
    // What was put right is no longer told, and nothing that can be put right is left.
    let left = errors(&after);
    assert!(left.iter().all(|fault| fault.fix.is_none()), "{what}: {left:?}");
}

#[test]
fn what_is_good_is_never_changed_and_a_second_time_changes_nothing() {
    for sort in ["valid", "invalid"] {
        for (name, folder) in cases(sort) {
            let before = snapshot(&folder);
            judge(&name, &before);
            if sort == "valid" {
                let mended = everything(&before);
                assert_eq!((mended.fixed, mended.written.len(), mended.moved.len()), (0, 0, 0));
            }
        }
    }
}

fn with(right: &Right, path: &str, text: String) -> Snapshot {
    let mut files: Files = right.files.clone();
    files.insert(path.to_owned(), text.into_bytes());
    of_files(&files, BTreeMap::new())
}

#[test]
fn what_may_mean_two_things_is_left() {
    let head = "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}\nspec:\n  \
                owner: group:lab\n  image: registry.example/lab/use@sha256:DIGEST\n"
        .replace("DIGEST", &"a1".repeat(32));
    let platform = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n  \
                    hardware: [{name: gpu-l4}, {name: gpu-a}, {name: gpu-b}]\n";
    for said in [
        "replica: 3",
        "port:",
        "port: 010000",
        "hardware: gpu-l5",
        "hardware: gpu-c",
        "command: python app.py",
        "models: a/b, c/d",
        "env: [A]",
        "env: [A=1, A=2]",
        "env: {A: }",
        "expires: 03/04/2099",
        "resources: {limits: {memory: 512m}}",
        "resources: {limits: {memory: 2g}}",
        "resources: {limits: {memory: \"1,500Mi\"}}",
        "startup: {timeout: 300}",
        "network: {egress: [{cidr: 192.0.2.7/24, port: 443}]}",
        "files: {config.yaml: a.txt}",
        "restart: \"no\"",
        "hostNetwork: true",
        "hardware: ~ # why it is not gpu-a",
        "path: /docs",
        "args: [a,\n  port: 8080",
    ] {
        let text = format!("{head}  {said}\n");
        let files: Files = [
            ("platform.yaml".to_owned(), platform.as_bytes().to_vec()),
            ("use/solution.yaml".to_owned(), text.clone().into_bytes()),
            ("use/a.txt".to_owned(), b"a".to_vec()),
        ]
        .into();
        let before = of_files(&files, BTreeMap::new());
        assert!(!is_good(&judged(&before)), "{said} is no fault");
        let mended = everything(&before);
        let now = mended.snapshot.bytes("use/solution.yaml").expect("it is there");
        assert_eq!(String::from_utf8_lossy(&now), text);
    }
}

/// How many mistakes are made in each right file.
const TRIES: usize = 60;

#[test]
fn whatever_one_mistake_is_fixing_ends_and_never_undoes_itself() {
    for right in right() {
        for path in [right.solution.clone(), "platform.yaml".to_owned()] {
            let file = match path.as_str() {
                "platform.yaml" => catalog::contract::File::Platform,
                _ => catalog::contract::File::Solution,
            };
            let text = right.text(&path);
            let places = places(file, &text);
            let mut random = fastrand::Rng::with_seed(15);
            for _ in 0..TRIES {
                let place = random.choice(&places).expect("every file has keys");
                let mistake = *random.choice(&Mistake::ALL).expect("there are mistakes");
                let Some(Mutated { text, what, .. }) = place.mutate(&text, mistake, &mut random)
                else {
                    continue;
                };
                judge(
                    &format!("{}: {what}\n{text}", right.name),
                    &with(&right, &path, text.clone()),
                );
            }
        }
    }
}

#[test]
fn whatever_is_cut_or_swapped_fixing_ends_and_never_undoes_itself() {
    let mut random = fastrand::Rng::with_seed(16);
    for right in right() {
        let text = right.text(&right.solution);
        for _ in 0..TRIES {
            let mut characters: Vec<char> = text.chars().collect();
            let at = random.usize(0..characters.len());
            match random.u8(0..4) {
                0 => _ = characters.remove(at),
                1 => {
                    let end = (at + random.usize(1..40)).min(characters.len());
                    characters.drain(at..end);
                }
                2 => characters.insert(at, ' '),
                _ => {
                    let odd = ['"', '\'', '{', '}', '[', ']', ':', '#', '&', '|', '-', '\t', '\n'];
                    characters[at] = *random.choice(&odd).expect("there are some");
                }
            }
            let text: String = characters.into_iter().collect();
            let before = with(&right, &right.solution, text.clone());
            judge(&format!("{}:\n{text}", right.name), &before);
        }
    }
}

#[test]
fn a_slip_in_one_letter_of_a_key_is_put_right_byte_for_byte_or_left() {
    let (mut made, mut mended) = (0, 0);
    for right in right() {
        let text = right.text(&right.solution);
        let places = places(catalog::contract::File::Solution, &text);
        let mut random = fastrand::Rng::with_seed(17);
        for _ in 0..TRIES {
            let place = random.choice(&places).expect("every file has keys");
            let slip = place.mutate(&text, Mistake::Renamed, &mut random);
            let Some(Mutated { text: slip, what, .. }) = slip else { continue };
            let after = everything(&with(&right, &right.solution, slip.clone()));
            let now = after.snapshot.bytes(&right.solution).expect("it is there");
            let now = String::from_utf8_lossy(&now).into_owned();
            let kept = now == slip || now == text;
            // Another fault of the same file may be put right beside it.
            assert!(kept, "{}: {what}\n{now}", right.name);
            made += 1;
            mended += usize::from(now == text);
        }
    }
    assert!(mended * 10 >= made * 7, "{mended} of {made}");
}
