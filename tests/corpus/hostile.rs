//! Catalogues that no small tree of plain files can hold.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vitrine_core::catalog::fault::{code, human};
use vitrine_core::catalog::snapshot::Oddity;
use vitrine_core::catalog::{self, Catalog, Memory};

use super::from_folder::{Files, of_files};

pub const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\n\
                            spec: {domain: demo.example}\n";

pub fn solution(name: &str) -> String {
    format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         owner: group:lab\n  image: registry.example/{name}:1.0@sha256:{}\n",
        "a".repeat(64)
    )
}

fn files(entries: &[(&str, &[u8])]) -> Files {
    let mut files = Files::from([("platform.yaml".to_owned(), PLATFORM.as_bytes().to_vec())]);
    for (path, bytes) in entries {
        files.insert((*path).to_owned(), bytes.to_vec());
    }
    files
}

fn read(files: &Files, oddities: &[(&str, Oddity)]) -> Catalog {
    let oddities = oddities.iter().map(|(path, odd)| ((*path).to_owned(), *odd)).collect();
    catalog::read(&of_files(files, oddities), &mut Memory::default())
}

fn codes(catalog: &Catalog, name: &str) -> Vec<&'static str> {
    catalog.refused[name].faults.iter().map(|fault| fault.code).collect()
}

/// A solution with a variable `B` of so many bytes.
fn word(bytes: usize) -> String {
    format!("{}  env: {{B: {}}}\n", solution("use"), "x".repeat(bytes))
}

/// What is wrong with a `use/solution.yaml`.
fn codes_of(text: &str) -> Vec<&'static str> {
    let catalog = read(&files(&[("use/solution.yaml", text.as_bytes())]), &[]);
    let refused = catalog.refused.get("use");
    refused.into_iter().flat_map(|refused| refused.faults.iter().map(|fault| fault.code)).collect()
}

/// Files that somebody made to hurt, by name, each with the code of a fault that tells it.
pub fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let utf16 = |little: bool| -> Vec<u8> {
        let units = solution("use").encode_utf16().collect::<Vec<_>>();
        let order = |unit: &u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        units.iter().flat_map(order).collect()
    };
    let with_mark = |mark: [u8; 2], text: Vec<u8>| [mark.to_vec(), text].concat();
    let in_text = |odd: &str| solution("use").replace("owner:", &format!("owner:{odd}"));
    // As deep as 256 KiB of indents can be, and that as often as they allow.
    let stairs: String = (0..500).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let unknown =
        |pause: &str| -> String { (0..9000).map(|n| format!("key{n}: 1{pause}")).collect() };
    let components = format!(
        "{}  components: {}{}\n",
        solution("use"),
        "{a: {components: ".repeat(5000),
        "}".repeat(10_000)
    );
    let regex = "(a+)+$|((b|c)*d?)+e".repeat(250 * 1024 / 19 - 40);
    let env = format!("{}  env:\n    PATTERN: '{regex}'\n    1X: {{}}\n", solution("use"));
    let text = |text: String| text.into_bytes();
    assert!(codes_of(&word(128 * 1024 - 3)).is_empty());
    vec![
        ("nested", text(format!("a: {}", "[".repeat(10_000))), code::TOO_DEEP),
        ("nested-maps", text("{a: ".repeat(10_000)), code::TOO_DEEP),
        ("nested-lists", text("- ".repeat(10_000)), code::TOO_DEEP),
        ("stairs", text(stairs), code::TOO_DEEP),
        ("components", text(components), code::TOO_DEEP),
        ("bomb", text(bomb), code::ANCHOR),
        ("huge", vec![b'a'; 300 * 1024], code::TOO_LARGE),
        ("vast", vec![b'a'; 100 * 1024 * 1024], code::TOO_LARGE),
        ("long-line", vec![b'a'; 1024 * 1024], code::TOO_LARGE),
        ("long", text(format!("a: {}", "x".repeat(250 * 1024))), code::UNKNOWN_FIELD),
        ("long-key", text(format!("{}: 1", "x".repeat(1000))), code::UNKNOWN_FIELD),
        ("endless-key", text(format!("? {}\n: 1", "x".repeat(250 * 1024))), code::UNKNOWN_FIELD),
        // One byte more than Linux gives to a program, with the name and the end.
        ("word", text(word(128 * 1024 - 2)), code::TOO_LONG),
        ("nul", b"a: \0\0\0".to_vec(), code::BINARY),
        ("wide-le", with_mark([0xff, 0xfe], utf16(true)), code::UTF16),
        ("wide-be", with_mark([0xfe, 0xff], utf16(false)), code::UTF16),
        ("wide-le-bare", utf16(true), code::UTF16),
        ("wide-be-bare", utf16(false), code::UTF16),
        ("mark-inside", text(in_text("\u{feff}")), code::BYTE_ORDER_MARK),
        ("right-to-left", text(in_text(" \"\u{202e}bal\u{202c}\"")), code::BIDI_CONTROL),
        ("isolate", text(in_text(" \"\u{2066}bal\u{2069}\"")), code::BIDI_CONTROL),
        ("many", text(format!("a: [{}]", "1,".repeat(30_000))), code::TOO_MANY_NODES),
        (
            "many-keys",
            text((0..20_000).map(|n| format!("k{n}: 1\n")).collect()),
            code::TOO_MANY_NODES,
        ),
        ("many-faults", text(unknown("\n")), code::TOO_MANY_FAULTS),
        ("many-faults-in-a-line", text(format!("{{{}}}", unknown(", "))), code::TOO_MANY_FAULTS),
        ("one-key-often", text("a: 1\n".repeat(9000)), code::TOO_MANY_FAULTS),
        (
            "anchors",
            text((0..6000).map(|n| format!("k{n}: &a 1\n")).collect()),
            code::TOO_MANY_FAULTS,
        ),
        ("regex", text(env), code::BAD_ENV),
    ]
}

#[test]
fn hostile_files_get_a_named_fault_and_get_it_promptly() {
    for (name, bytes, expected) in hostile() {
        let files = files(&[(&format!("{name}/solution.yaml"), &bytes)]);
        let begin = Instant::now();
        let catalog = read(&files, &[]);
        let spent = begin.elapsed();
        let codes = codes(&catalog, name);
        assert!(codes.contains(&expected), "{name}: {codes:?}");
        // Generous, because tests share their machine; a benchmark holds the real number.
        assert!(spent < Duration::from_secs(5), "{name}: {spent:?}");
        let faults = &catalog.refused[name].faults;
        assert!(faults.len() <= 101, "{name}: {} faults", faults.len());
        let shown: usize = faults.iter().map(|fault| human(fault).len()).sum();
        assert!(shown < 256 * 1024, "{name} is shown with {shown} bytes");
        let kept = |fault: &catalog::Fault| format!("{fault:?}").len();
        let kept: usize = faults.iter().map(kept).sum();
        assert!(kept < 1024 * 1024, "{name} is kept with {kept} bytes");
    }
}

#[test]
fn what_is_no_plain_file_is_refused_by_its_kind_and_its_neighbour_is_not() {
    let good = solution("good");
    let bad = solution("link");
    let catalog = read(
        &files(&[
            ("good/solution.yaml", good.as_bytes()),
            ("link/solution.yaml", bad.as_bytes()),
            ("module/solution.yaml", solution("module").as_bytes()),
            ("name/solution.yaml", solution("name").as_bytes()),
        ]),
        &[
            ("link/configs/model.yaml", Oddity::SymbolicLink),
            ("module/vendor", Oddity::Submodule),
            ("name/caf\u{fffd}.txt", Oddity::NameNotUtf8),
        ],
    );
    assert_eq!(catalog.solutions.keys().map(|n| n.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(codes(&catalog, "link"), [code::SYMBOLIC_LINK]);
    assert_eq!(codes(&catalog, "module"), [code::SUBMODULE]);
    assert_eq!(codes(&catalog, "name"), [code::NAME_NOT_UTF8]);
    assert_eq!(catalog.protected.all, None);
}

#[test]
fn a_solution_file_that_is_a_link_is_refused_by_its_folders_name() {
    let catalog = read(&files(&[]), &[("use/solution.yaml", Oddity::SymbolicLink)]);
    assert_eq!(codes(&catalog, "use"), [code::SYMBOLIC_LINK]);
    assert!(catalog.protected.names.contains("use"));
}

#[test]
fn a_group_that_cannot_be_looked_into_protects_every_absent_name() {
    for odd in [Oddity::SymbolicLink, Oddity::Submodule] {
        let catalog = read(&files(&[]), &[("team/demos", odd)]);
        assert!(catalog.protected.all.is_some());
        assert!(catalog.protected.covers("anything"));
        assert!(catalog.refused.contains_key("demos"));
    }
    let link_to_a_text = read(&files(&[]), &[("team/README.md", Oddity::SymbolicLink)]);
    assert_eq!(link_to_a_text.protected.all, None);
}

#[test]
fn files_that_are_too_large_together_are_refused() {
    let text = format!("{}  files: {{/a: a.txt, /b: b.txt}}\n", solution("use"));
    let half = vec![b'a'; 300 * 1024];
    let both = files(&[
        ("use/solution.yaml", text.as_bytes()),
        ("use/a.txt", &half),
        ("use/b.txt", &half),
    ]);
    assert_eq!(codes(&read(&both, &[]), "use"), [code::FILES_TOO_LARGE]);
}

#[test]
fn an_empty_catalogue_is_no_fault() {
    let catalog = read(&files(&[]), &[]);
    assert!(catalog.platform.is_ok() && catalog.refused.is_empty());
    assert!(catalog.solutions.is_empty());
    assert_eq!(catalog.protected, catalog::Protected::default());
}

#[test]
fn without_a_platform_every_name_is_protected() {
    let mut without = files(&[("use/solution.yaml", solution("use").as_bytes())]);
    without.remove("platform.yaml");
    let catalog = read(&without, &[]);
    let faults = catalog.platform.expect_err("there is no platform");
    assert_eq!(faults[0].code, code::NO_PLATFORM);
    assert!(catalog.protected.all.is_some());
}

#[test]
fn an_unchanged_folder_is_not_judged_again_and_a_gone_one_is_forgotten() {
    let one = solution("one");
    let two = solution("two");
    let both =
        files(&[("one/solution.yaml", one.as_bytes()), ("two/solution.yaml", two.as_bytes())]);
    let mut memory = Memory::default();
    let first = catalog::read(&of_files(&both, BTreeMap::new()), &mut memory);
    assert_eq!(memory.judged(), 2);
    let again = catalog::read(&of_files(&both, BTreeMap::new()), &mut memory);
    assert_eq!(memory.judged(), 0);
    assert_eq!(first.solutions, again.solutions);

    let mut changed = both.clone();
    changed.insert("one/README.md".to_owned(), b"# Another title\n".to_vec());
    let after = catalog::read(&of_files(&changed, BTreeMap::new()), &mut memory);
    assert_eq!(memory.judged(), 1);
    assert_eq!(after.solutions["one"].title, "Another title");

    let mut tighter = changed.clone();
    let registries = "  registries: {allow: [\"ghcr.io/*\"]}\n";
    tighter.insert(
        "platform.yaml".to_owned(),
        format!(
            "{}{registries}",
            PLATFORM.replace("{domain: demo.example}", "\n  domain: demo.example")
        )
        .into_bytes(),
    );
    let refused = catalog::read(&of_files(&tighter, BTreeMap::new()), &mut memory);
    assert_eq!(memory.judged(), 2);
    assert_eq!(refused.refused.len(), 2);

    let none = catalog::read(&of_files(&files(&[]), BTreeMap::new()), &mut memory);
    assert!(none.solutions.is_empty());
    catalog::read(&of_files(&both, BTreeMap::new()), &mut memory);
    assert_eq!(memory.judged(), 2, "what was gone is judged as if it were new");
}
