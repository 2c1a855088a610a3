//! `--help` teaches, and a slip of the hand is told from a refusal.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::binary::{finish, vitrine};

pub const COMMANDS: [&str; 18] = [
    "doctor",
    "demo",
    "run",
    "once",
    "check",
    "try",
    "render",
    "explain",
    "schema",
    "plan",
    "status",
    "new",
    "pin",
    "config",
    "completions",
    "man",
    "warm",
    "approve",
];

#[test]
fn every_command_explains_itself_and_its_exit_codes() {
    let home = tempfile::tempdir().unwrap();
    let help = finish(vitrine(home.path()).arg("--help")).exits(0);
    assert_eq!(help.err, "");
    for command in COMMANDS {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command}:\n{}", help.out);
        for way in [[command, "--help"], ["help", command]] {
            let help = finish(vitrine(home.path()).args(way)).exits(0);
            assert!(help.out.contains("Exit codes:"), "{command}:\n{}", help.out);
            assert!(help.out.contains("Usage: vitrine"), "{command}:\n{}", help.out);
            assert!(!help.out.contains(env!("CARGO_MANIFEST_DIR")));
        }
    }
    assert!(help.out.contains("Exit codes:"), "{}", help.out);
}

#[test]
fn what_no_command_knows_exits_with_two() {
    let home = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let run = finish(vitrine(home.path()).args([command, "--no-such-flag"])).exits(2);
        assert_eq!(run.out, "");
        run.says(&["--no-such-flag", "--help"]);
    }
    finish(vitrine(home.path()).arg("publish")).exits(2).says(&["publish", "--help"]);
    finish(&mut vitrine(home.path())).exits(2).says(&["Usage: vitrine"]);
    finish(vitrine(home.path()).args(["once", "--timeout", "soon"])).exits(2).says(&["--timeout"]);
    finish(vitrine(home.path()).arg("approve")).exits(2).says(&["HASH"]);
}

#[test]
fn the_version_is_that_of_the_crate() {
    let home = tempfile::tempdir().unwrap();
    let version = finish(vitrine(home.path()).arg("--version")).exits(0);
    assert_eq!(version.out, format!("vitrine {}\n", env!("CARGO_PKG_VERSION")));
}

/// Every `vitrine ...` that the program, its messages or the documents tell people to type: what
/// stands between backquotes, and the lines of shell.
fn told_commands() -> BTreeSet<Vec<String>> {
    fn files(folder: &Path, ends: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, ends, found);
            } else if path.to_string_lossy().ends_with(ends) {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    files(&root.join("src"), ".rs", &mut found);
    files(&root.join("docs"), ".md", &mut found);
    let mut commands = BTreeSet::new();
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let quoted = text.split("`vitrine ").skip(1).filter_map(|rest| rest.split('`').next());
        let mut fenced = false;
        let lines = text.lines().filter_map(|line| {
            fenced ^= line.starts_with("```");
            line.strip_prefix("vitrine ").filter(|_| fenced)
        });
        // A picture of the terminal begins with the instance: `vitrine/demo`.
        for command in
            quoted.chain(lines).filter(|text| text.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            let words = command.split_whitespace();
            let words = words.take_while(|word| !matches!(*word, "#" | ">" | "|" | "&&" | "\\"));
            commands.insert(words.map(str::to_owned).collect());
        }
    }
    commands
}

#[test]
fn every_command_that_people_are_told_to_type_is_one() {
    let home = tempfile::tempdir().unwrap();
    let help = |words: &[&str]| finish(vitrine(home.path()).args(words).arg("--help"));
    let told = told_commands();
    assert!(told.len() > 30, "{told:?}");
    for command in &told {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ["config", below @ ("check" | "show"), ..] = words.as_slice() else {
            let help = help(&words[..1]).exits(0);
            is_known(&words, &help.out);
            continue;
        };
        is_known(&words, &help(&["config", below]).exits(0).out);
    }
}

#[track_caller]
fn is_known(words: &[&str], help: &str) {
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        let flag =
            flag.split('=').next().unwrap_or(flag).trim_end_matches([',', ';', '.', ')', '"']);
        assert!(help.contains(flag), "{words:?}: {flag} is not in\n{help}");
    }
}
