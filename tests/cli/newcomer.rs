//! Somebody who has never seen vitrine: `new`, then what it says to type next.

use crate::support::binary::{finish, vitrine};

#[test]
fn what_new_writes_passes_check_in_an_empty_folder() {
    let image = format!("registry.example/x/demo:1@sha256:{}", "a".repeat(64));
    for template in ["page", "fastapi", "components", "configurations"] {
        let home = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            finish(vitrine(home.path()).current_dir(home.path()).args(arguments))
        };
        let new = ["new", "demo", "--image", &image, "--with-platform", "demo.example"];
        let told = run(&[&new[..], &["--template", template]].concat()).exits(0).out;
        assert!(told.contains("vitrine check demo"), "{told}");
        let judged = run(&["check", "demo"]).exits(0).out;
        assert!(judged.contains("1 solution: 1 good; 0 errors"), "{template}: {judged}");
        run(&["explain", "demo"]).exits(0);
        run(&["render", "demo"]).exits(0);
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_trouble() {
    use std::process::{Command, Stdio};
    let home = tempfile::tempdir().unwrap();
    let mut run: Command = vitrine(home.path());
    let child = run.args(["schema", "solution"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
