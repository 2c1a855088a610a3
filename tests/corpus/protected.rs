//! Every mistake that would make a living solution vanish protects its name, and no other name.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitrine_core::catalog::snapshot::Oddity;
use vitrine_core::catalog::solution::Exposure;
use vitrine_core::catalog::{self, Catalog, Memory};
use vitrine_core::model::{ClaimedName, ComponentName, SolutionName};

use super::from_folder::{Files, of_files};
use super::hostile::{PLATFORM, solution};

/// A live catalogue: three solutions, one of them in a group, with pictures and examples.
fn live() -> Files {
    let mut files = Files::from([("platform.yaml".to_owned(), PLATFORM.as_bytes().to_vec())]);
    for folder in ["alpha", "beta", "lab/gamma"] {
        let name = folder.rsplit('/').next().expect("a path has a last name");
        files.insert(format!("{folder}/solution.yaml"), solution(name).into_bytes());
        files.insert(format!("{folder}/README.md"), b"# A demonstrator\n".to_vec());
        files.insert(format!("{folder}/examples/a.json"), b"{\"path\": \"/\"}".to_vec());
    }
    files
}

/// Their names.
pub const LIVE: [&str; 3] = ["alpha", "beta", "gamma"];

fn read(files: &Files, oddities: &[(&str, Oddity)]) -> Catalog {
    let oddities = oddities.iter().map(|(path, odd)| ((*path).to_owned(), *odd)).collect();
    catalog::read(&of_files(files, oddities), &mut Memory::default())
}

fn renamed(files: &mut Files, from: &str, to: &str) {
    let moved: Vec<String> =
        files.keys().filter(|path| path.starts_with(&format!("{from}/"))).cloned().collect();
    for path in moved {
        let bytes = files.remove(&path).expect("it was listed");
        files.insert(path.replacen(from, to, 1), bytes);
    }
}

/// What somebody does to the folder, and the names that must be protected then.
pub type Mistake = (&'static str, fn(&mut Files), &'static [&'static str]);

/// What somebody does to a folder that lives.
pub const MISTAKES: [Mistake; 15] = [
    ("the folder has another name", |files| renamed(files, "alpha", "omega"), &["alpha", "omega"]),
    ("solution.yaml is lost", |files| drop(files.remove("alpha/solution.yaml")), &["alpha"]),
    (
        "solution.yaml and README.md are lost",
        |files| files.retain(|path, _| !path.starts_with("alpha/") || path.contains("examples")),
        &["alpha"],
    ),
    ("it lies too deep", |files| renamed(files, "alpha", "a/b/c/d/alpha"), &["alpha"]),
    (
        "it is there twice",
        |files| {
            files.insert("lab/alpha/solution.yaml".to_owned(), solution("alpha").into_bytes());
        },
        &["alpha"],
    ),
    (
        "another folder takes its name",
        |files| {
            files.insert("beta/solution.yaml".to_owned(), solution("alpha").into_bytes());
        },
        &["beta"],
    ),
    (
        "its file is misspelt",
        |files| {
            let bytes = files.remove("alpha/solution.yaml").expect("it is live");
            files.insert("alpha/solution.yml".to_owned(), bytes);
        },
        &["alpha"],
    ),
    (
        "its file is in capitals",
        |files| {
            let bytes = files.remove("alpha/solution.yaml").expect("it is live");
            files.insert("alpha/Solution.YAML".to_owned(), bytes);
        },
        &["alpha"],
    ),
    ("it lies inside another", |files| renamed(files, "alpha", "beta/alpha"), &["alpha"]),
    (
        "its group has become a solution",
        |files| {
            files.insert("lab/solution.yaml".to_owned(), solution("lab").into_bytes());
        },
        &["gamma"],
    ),
    (
        "its file is empty",
        |files| {
            files.insert("alpha/solution.yaml".to_owned(), Vec::new());
        },
        &["alpha"],
    ),
    (
        "its file is binary",
        |files| {
            files.insert("alpha/solution.yaml".to_owned(), vec![0; 64]);
        },
        &["alpha"],
    ),
    (
        "its file is too large",
        |files| {
            files.insert("alpha/solution.yaml".to_owned(), vec![b'#'; 1024 * 1024]);
        },
        &["alpha"],
    ),
    (
        "its name is no name",
        |files| {
            let text = solution("alpha").replace("name: alpha", "name: Alpha");
            files.insert("alpha/solution.yaml".to_owned(), text.into_bytes());
        },
        &["alpha", "Alpha"],
    ),
    (
        "its name is gone",
        |files| {
            let text = solution("alpha").replace("{name: alpha}", "{}");
            files.insert("alpha/solution.yaml".to_owned(), text.into_bytes());
        },
        &["alpha"],
    ),
];

#[test]
fn a_mistake_protects_the_names_that_it_hits_and_no_other() {
    for (what, mistake, expected) in MISTAKES {
        let mut files = live();
        mistake(&mut files);
        let catalog = read(&files, &[]);
        assert_eq!(catalog.protected.all, None, "{what}");
        let protected: BTreeSet<&str> =
            catalog.protected.names.iter().map(ClaimedName::as_str).collect();
        let good: BTreeSet<&str> = catalog.solutions.keys().map(SolutionName::as_str).collect();
        for name in LIVE {
            assert!(good.contains(name) || protected.contains(name), "{what}: {name} vanishes");
        }
        // A name is protected beside a good solution only if that solution is claimed twice.
        let told: BTreeSet<&str> = expected.iter().copied().collect();
        let more: BTreeSet<&str> = protected.difference(&told).copied().collect();
        let claimed: BTreeSet<&str> = more.intersection(&good).copied().collect();
        assert_eq!(more, claimed, "{what}: protected without need");
        assert!(told.is_subset(&protected), "{what}: {protected:?}");
    }
}

#[test]
fn what_was_taken_out_with_good_right_is_not_protected() {
    let mut files = live();
    files.retain(|path, _| !path.starts_with("alpha/"));
    assert_eq!(read(&files, &[]).protected, catalog::Protected::default());

    let mut moved = live();
    renamed(&mut moved, "alpha", "lab/alpha");
    let catalog = read(&moved, &[]);
    assert_eq!(catalog.protected, catalog::Protected::default());
    assert!(catalog.solutions.contains_key("alpha"));

    let mut hidden = live();
    renamed(&mut hidden, "alpha", "_alpha");
    hidden.retain(|path, _| !path.starts_with('_')); // no source shows it
    assert_eq!(read(&hidden, &[]).protected, catalog::Protected::default());
}

#[test]
fn a_folder_that_cannot_be_looked_into_protects_what_it_may_hold() {
    for (path, odd, all) in [
        ("alpha", Oddity::SymbolicLink, true),
        ("lab", Oddity::Submodule, true),
        ("lab/\u{fffd}", Oddity::NameNotUtf8, true),
        ("alpha/solution.yaml", Oddity::SymbolicLink, false),
        ("alpha/configs/a.yaml", Oddity::SymbolicLink, false),
    ] {
        let mut files = live();
        files.retain(|file, _| file != path && !file.starts_with(&format!("{path}/")));
        let protected = read(&files, &[(path, odd)]).protected;
        assert_eq!(protected.all.is_some(), all, "{path}");
        if !all {
            assert_eq!(protected.names, BTreeSet::from([ClaimedName::of("alpha")]), "{path}");
        }
    }
}

/// The names of a solution, by its own rules.
fn name(most: usize) -> impl Strategy<Value = String> {
    let letters = format!("[a-c]([a-c0-1]|-[a-c0-1]|--?){{0,{most}}}");
    proptest::string::string_regex(&letters).expect("a right pattern")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// `<name>--<configuration>` is no other solution's host, because no name holds `--`.
    #[test]
    fn no_two_solutions_and_configurations_share_a_host(
        names in proptest::collection::btree_map(
            name(4), proptest::collection::btree_set(name(3), 0..4), 1..6
        ),
    ) {
        let mut files = Files::from([("platform.yaml".to_owned(), PLATFORM.as_bytes().to_vec())]);
        let mut right = BTreeMap::new();
        for (name, configurations) in &names {
            let mut text = solution(name);
            if !configurations.is_empty() {
                text += "  configurations:\n";
                configurations.iter().for_each(|key| text += &format!("    {key}: {{}}\n"));
            }
            files.insert(format!("{name}/solution.yaml"), text.into_bytes());
            let good = SolutionName::parse(name).is_ok()
                && configurations.iter().all(|key| ComponentName::parse(key).is_ok());
            right.insert(name.as_str(), good);
        }
        let catalog = read(&files, &[]);
        let mut hosts = BTreeSet::new();
        for (name, good) in right {
            prop_assert_eq!(catalog.solutions.contains_key(name), good, "{}", name);
        }
        for solution in catalog.solutions.values() {
            let own = format!("{}.demo.example", solution.name);
            let mut of_solution = BTreeSet::from([own]);
            for component in solution.components.values() {
                if let Exposure::Public { host, .. } = &component.exposure {
                    of_solution.insert(host.to_string());
                }
            }
            for host in of_solution {
                let label = host.split('.').next().unwrap_or_default();
                prop_assert!(label.len() <= 63 && host.ends_with(".demo.example"), "{host}");
                prop_assert!(hosts.insert(host.clone()), "{host} is there twice");
            }
        }
    }
}

#[test]
fn the_platforms_own_hosts_are_nobodys_name() {
    let reserved = SolutionName::RESERVED.into_iter().chain(["pr-1", "pr-use"]);
    for name in reserved {
        let files = Files::from([
            ("platform.yaml".to_owned(), PLATFORM.as_bytes().to_vec()),
            (format!("{name}/solution.yaml"), solution(name).into_bytes()),
        ]);
        let catalog = read(&files, &[]);
        assert!(catalog.solutions.is_empty(), "{name}");
        assert!(catalog.refused[name].faults[0].message.contains("is reserved"), "{name}");
    }
}
