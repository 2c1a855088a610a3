//! `check --fix`: what leaves no choice is written, and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::check::Desk;

fn text(desk: &Desk, file: &str) -> String {
    fs::read_to_string(desk.path(file)).unwrap()
}

#[test]
fn a_slip_is_shown_as_it_should_stand_and_written_when_asked() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot: 8081 # ours");
    desk.add("use", "type: pipline");
    let before = text(&desk, "use/solution.yaml");
    desk.check(&[]).exits(1).says(&[
        "  = `vitrine check --fix` writes:\n8 ~   port: 8081 # ours\n",
        "9 ~   type: pipeline\n",
    ]);
    let run = desk.check(&["--fix"]).exits(0);
    let told = "fixed 2 faults in 1 file\n1 solution: 1 good; 0 errors, 0 warnings\n";
    assert_eq!(run.out, told);
    let after = before.replace("prot: ", "port: ").replace("pipline", "pipeline");
    assert_eq!(text(&desk, "use/solution.yaml"), after);
    let run = desk.check(&["--fix"]).exits(0);
    assert!(run.out.starts_with("nothing to fix"), "{}", run.out);
}

#[test]
fn what_a_person_has_to_decide_is_left_and_told() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot: 8081");
    desk.add("use", "replica: 3");
    let run = desk.check(&["--fix"]).exits(1);
    assert!(run.out.starts_with("error[V0207]: unknown field `replica`"), "{}", run.out);
    assert!(run.out.ends_with(
        "fixed 1 fault in 1 file\n1 solution: 0 good, 1 refused; 1 error, 0 warnings\n"
    ));
    assert!(text(&desk, "use/solution.yaml").contains("\n  port: 8081\n  replica: 3\n"));
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot: 8081");
    let before = text(&desk, "use/solution.yaml");
    let run = desk.check(&["--fix", "--dry-run"]).exits(1);
    let header = "--- a/use/solution.yaml\n+++ b/use/solution.yaml\n@@ -5,4 +5,4 @@\n";
    assert!(run.out.starts_with(header), "{}", run.out);
    run.says(&[
        "\n-  prot: 8081\n+  port: 8081\n",
        "would fix 1 fault in 1 file; nothing was written\n",
        "1 error, 0 warnings\n",
    ]);
    assert_eq!(text(&desk, "use/solution.yaml"), before);
    desk.check(&["--dry-run"]).exits(2).says(&["--fix"]);
}

#[test]
fn a_program_reads_the_fix_as_pieces_of_the_file() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot: 8081");
    let file = text(&desk, "use/solution.yaml");
    let from = file.find("prot").unwrap();
    let found = desk.json(&[]);
    let pieces = serde_json::json!([{"from": from, "to": from + 4, "text": "port"}]);
    assert_eq!(found[0]["fix"]["edits"], pieces);
    let run = desk.check(&["--fix", "--format", "json"]).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", "fixed 1 fault in 1 file\n"));
}

#[test]
fn line_ends_a_byte_order_mark_comments_and_the_mode_stay() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot:   8081   # ä, as agreed");
    let before = format!("\u{feff}{}", text(&desk, "use/solution.yaml").replace('\n', "\r\n"));
    desk.write("use/solution.yaml", &before);
    let file = desk.path("use/solution.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    desk.check(&["--fix"]).exits(0);
    assert_eq!(text(&desk, "use/solution.yaml"), before.replace("prot:", "port:"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = fs::read_dir(desk.path("use")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn only_what_was_named_is_written() {
    let desk = Desk::of(&["one", "two"]);
    desk.add("one", "prot: 8081");
    desk.add("two", "prot: 8081");
    desk.check(&["--fix", "one"]).exits(0).says(&["fixed 1 fault in 1 file"]);
    assert!(text(&desk, "one/solution.yaml").contains("port: 8081"));
    assert!(text(&desk, "two/solution.yaml").contains("prot: 8081"));
    // The operator's file is nobody's who named a solution.
    let platform = text(&desk, "platform.yaml").replace("  domain:", "  domian:");
    desk.write("platform.yaml", &platform);
    desk.check(&["--fix", "two"]).exits(1).says(&["nothing to fix"]);
    assert_eq!(text(&desk, "platform.yaml"), platform);
    desk.check(&["--fix"]).exits(0).says(&["fixed 2 faults in 2 files"]);
}

#[test]
fn a_link_is_not_followed() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "prot: 8081");
    let elsewhere = tempfile::tempdir().unwrap();
    let real = elsewhere.path().join("solution.yaml");
    fs::rename(desk.path("use/solution.yaml"), &real).unwrap();
    let before = fs::read_to_string(&real).unwrap();
    symlink(&real, desk.path("use/solution.yaml")).unwrap();
    desk.check(&["--fix"]).exits(1).says(&["V0121", "nothing to fix"]);
    assert_eq!(fs::read_to_string(&real).unwrap(), before);
}

#[test]
fn a_file_with_a_wrong_name_gets_the_right_one_and_is_put_right_inside() {
    let desk = Desk::of(&["use", "copy"]);
    desk.add("use", "prot: 8081");
    fs::rename(desk.path("use/solution.yaml"), desk.path("use/solution.yml")).unwrap();
    desk.write("use/examples/a.json", "{\"path\": \"/\"}");
    fs::copy(desk.path("copy/solution.yaml"), desk.path("copy/solution.yml")).unwrap();
    let run = desk.check(&["--fix", "--dry-run"]).exits(1);
    run.says(&[
        "delete copy/solution.yml\n",
        "rename from use/solution.yml\nrename to use/solution.yaml\n",
        "--- a/use/solution.yml\n+++ b/use/solution.yaml\n",
    ]);
    desk.check(&["--fix"]).exits(0).says(&["fixed 3 faults in 2 files"]);
    assert!(text(&desk, "use/solution.yaml").contains("\n  port: 8081\n"));
    assert!(!desk.path("use/solution.yml").exists() && !desk.path("copy/solution.yml").exists());
}

#[test]
fn a_folder_without_a_platform_is_put_right_too() {
    let desk = Desk::empty();
    desk.solution("use");
    desk.add("use", "prot: 8081");
    desk.check(&["--fix", "use"]).exits(0).says(&["fixed 1 fault in 1 file"]);
    assert!(text(&desk, "use/solution.yaml").contains("\n  port: 8081\n"));
}

#[test]
fn no_difference_shows_a_credential() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "env: {DB_PASSWORD: 12345678, WINDOW: 60}");
    let run = desk.check(&["--fix", "--dry-run"]).exits(1);
    assert!(!format!("{}{}", run.out, run.err).contains("12345678"), "{}", run.out);
    let run = desk.check(&["--format", "json"]).exits(1);
    assert!(!run.out.contains("12345678"), "{}", run.out);
}
