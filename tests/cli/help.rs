//! `--help` teaches, and a slip of the hand is told from a refusal.

use crate::support::binary::{finish, vitrine};

pub const COMMANDS: [&str; 17] = [
    "doctor",
    "demo",
    "run",
    "once",
    "check",
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
