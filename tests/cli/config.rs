//! `config check` and `config show`: the daemon's settings, judged and explained.

use crate::support::binary::{finish, vitrine};

const GOOD: &str = "instance: prod\nrepository:\n  url: https://git.example/a.git\n  \
                    auth: {tokenFile: /run/secrets/git-token}\nsafety: {maxDeletions: 7}\n\
                    web: {hooks: [{name: aim, kind: gitlab, secretFiles: [/run/hook]}]}\n";

#[test]
fn good_settings_are_called_good_and_faults_are_shown_with_their_lines() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("vitrine.yaml");
    let check = |arguments: &[&str]| {
        finish(vitrine(home.path()).args(["config", "check", "vitrine.yaml"]).args(arguments))
    };
    check(&[]).exits(2).says(&["cannot read the settings vitrine.yaml"]);
    std::fs::write(&file, GOOD).unwrap();
    assert_eq!(check(&[]).exits(0).out, "vitrine.yaml: good\n");
    assert_eq!(check(&["--format", "json"]).exits(0).json(), serde_json::json!([]));

    std::fs::write(&file, "repository: {url: \"https://me:hunter2@git.example/a\", brunch: x}\n")
        .unwrap();
    let run = check(&[]).exits(1).says(&[
        "error[V0703]",
        "--> vitrine.yaml:1:",
        "^^^^^^",
        "did you mean `branch`?",
        "error[V0704]: the setting `instance` is missing",
        "error[V0706]",
    ]);
    assert!(!run.out.contains("hunter2"), "{}", run.out);
    assert_eq!(run.err, "");
    let json = check(&["--format", "json"]).exits(1).json();
    let codes: Vec<&str> =
        json.as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 3, "{codes:?}");
    assert!(codes.iter().all(|code| code.starts_with("V07")), "{codes:?}");
}

#[test]
fn each_value_says_where_it_comes_from() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("vitrine.yaml"), GOOD).unwrap();
    let show = |arguments: &[&str]| {
        let mut command = vitrine(home.path());
        command.args(["config", "show", "--config", "vitrine.yaml", "--branch", "stable"]);
        finish(command.args(arguments).env("VITRINE_REPOSITORY_POLL", "90s"))
    };
    let run = show(&[]).exits(0);
    let line = |key: &str| {
        let found = run.out.lines().find(|line| line.trim_start().starts_with(&format!("{key}:")));
        found.unwrap_or_else(|| panic!("no {key} in:\n{}", run.out)).to_owned()
    };
    for (key, words) in [
        ("instance", ["instance: prod ", "# vitrine.yaml:1"]),
        ("branch", ["  branch: stable ", "# flag --branch"]),
        ("poll", ["  poll: 1m30s ", "# variable VITRINE_REPOSITORY_POLL"]),
        ("tokenFile", ["    tokenFile: /run/secrets/git-token ", "# vitrine.yaml:4"]),
        ("maxDeletions", ["  maxDeletions: 7 ", "# vitrine.yaml:5"]),
        ("namespace", ["  namespace: vitrine-system ", "# default"]),
        ("hooks", ["  hooks: [{\"kind\":\"gitlab\"", "# vitrine.yaml:6"]),
    ] {
        let line = line(key);
        assert!(line.starts_with(words[0]) && line.ends_with(words[1]), "{line}");
    }
    let json = show(&["--format", "json"]).exits(0).json();
    let branch = json.as_array().unwrap().iter().find(|s| s["setting"] == "repository.branch");
    let expected = serde_json::json!({
        "setting": "repository.branch",
        "value": "stable",
        "origin": {"kind": "flag", "name": "--branch"},
    });
    assert_eq!(branch, Some(&expected));
    show(&["--instance", "Not A Name"]).exits(1).says(&["error[V0702]", "--instance"]);
    finish(vitrine(home.path()).args(["config", "show", "--config", "none.yaml"]))
        .exits(2)
        .says(&["none.yaml"]);
}

/// What is shown is a file of settings that says the same.
#[test]
fn what_is_shown_can_be_used_as_settings() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("vitrine.yaml"), GOOD).unwrap();
    let show = |file: &str| {
        let run = finish(vitrine(home.path()).args(["config", "show", "--config", file]));
        let run = run.exits(0);
        let lines = run.out.lines().map(|line| line.split("  #").next().unwrap().trim_end());
        (run.out.clone(), lines.map(str::to_owned).collect::<Vec<_>>())
    };
    let (text, first) = show("vitrine.yaml");
    std::fs::write(home.path().join("shown.yaml"), text).unwrap();
    finish(vitrine(home.path()).args(["config", "check", "shown.yaml"])).exits(0);
    assert_eq!(show("shown.yaml").1, first);
}
