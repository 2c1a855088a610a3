//! What a shell completes and what `man` reads is every command that there is.

use super::help::COMMANDS;
use crate::support::binary::{finish, vitrine};

#[test]
fn every_shell_is_told_of_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = finish(vitrine(home.path()).args(["completions", shell])).exits(0);
        assert_eq!(run.err, "");
        for command in COMMANDS {
            assert!(run.out.contains(command), "{shell} is not told of {command}");
        }
        assert!(run.out.contains("dry-run"), "{shell} is not told of a flag");
    }
    finish(vitrine(home.path()).args(["completions", "csh"])).exits(2).says(&["csh", "bash"]);
}

#[test]
fn bash_takes_what_is_written_for_it() {
    let home = tempfile::tempdir().unwrap();
    let script = finish(vitrine(home.path()).args(["completions", "bash"])).exits(0).out;
    let file = home.path().join("vitrine.bash");
    std::fs::write(&file, script).unwrap();
    let asked = "source ./vitrine.bash; COMP_WORDS=(vitrine appr); COMP_CWORD=1; \
                 _vitrine vitrine appr vitrine; echo \"${COMPREPLY[@]}\"";
    let done = std::process::Command::new("bash")
        .current_dir(home.path())
        .args(["-c", asked])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "approve", "{done:?}");
}

#[test]
fn every_command_has_its_page() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("man/man1");
    finish(vitrine(home.path()).arg("man").arg(&folder)).exits(0).says(&["man -l"]);
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    for command in COMMANDS {
        let own = page(&format!("vitrine-{command}.1"));
        assert!(own.contains(".SH NAME"), "{command} has no page");
        assert!(own.contains("Exit codes"), "{command}");
        let listed = format!("vitrine\\-{}", command.replace('-', "\\-"));
        assert!(page("vitrine.1").contains(&listed), "vitrine.1 does not name {command}");
    }
    assert!(page("vitrine-config-show.1").contains("vitrine\\-config\\-show"));
    finish(vitrine(home.path()).args(["man", "/proc/no"])).exits(2).says(&["/proc/no"]);
}

#[test]
fn a_file_that_is_no_page_of_ours_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let man = || finish(vitrine(home.path()).args(["man", "pages"]));
    man().exits(0);
    man().exits(0);
    let file = home.path().join("pages/vitrine-plan.1");
    std::fs::write(&file, ".TH plan 1\nMy notes.\n").unwrap();
    std::fs::remove_file(home.path().join("pages/vitrine.1")).unwrap();
    man().exits(2).says(&["vitrine-plan.1 is no page of vitrine", "move it away"]);
    assert!(std::fs::read_to_string(file).unwrap().contains("My notes."));
    assert!(!home.path().join("pages/vitrine.1").exists(), "a part was written");
}
