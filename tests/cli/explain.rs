//! `explain` and `schema`: what holds, who decided it, and what an editor needs.

use std::path::Path;

use crate::support::binary::{Finished, finish, vitrine};

fn catalog() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog").display().to_string()
}

fn run(arguments: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    finish(vitrine(home.path()).args(arguments))
}

/// The line of a value, its words parted by single spaces.
fn line(page: &str, path: &str) -> String {
    let line = page.lines().find(|line| line.trim_start().starts_with(&format!("{path} ")));
    line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_value_names_who_decided_it() {
    let page = run(&["explain", "anomaly", "--catalog", &catalog(), "--component", "pumps"]);
    let page = page.exits(0).out;
    for (path, told) in [
        ("port", "port 8080 built in"),
        ("env.ALGORITHM", "env.ALGORITHM \"isolation-forest\" component, line 28"),
        ("env.LOG_LEVEL", "env.LOG_LEVEL \"info\" solution, line 18"),
        ("hardware", "hardware cpu-basic platform"),
        (
            "resources.limits.ephemeral-storage",
            "resources.limits.ephemeral-storage 5Gi hardware class cpu-basic",
        ),
        ("scaling.cooldownPeriod", "scaling.cooldownPeriod 30m platform"),
    ] {
        assert_eq!(line(&page, path), told, "{page}");
    }
    assert!(page.contains("! an edge with `controller: other` has no rate limits"), "{page}");
    assert!(!page.contains("\nspindles"), "{page}");
    for address in ["conveyors", "pumps", "spindles"] {
        let address = format!("https://anomaly--{address}.demo.example\n");
        assert!(page.contains(&address), "{page}");
    }
}

#[test]
fn a_program_reads_one_value_a_line() {
    let out = run(&["explain", "part-comparer", "--catalog", &catalog(), "--format", "json"]);
    let out = out.exits(0).out;
    let values: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let url = values.iter().find(|v| v["component"] == "api" && v["path"] == "env.COMPARE_URL");
    assert_eq!(url.unwrap()["origin"], "follows");
    let timeout =
        values.iter().find(|v| v["component"] == "web" && v["path"] == "http.requestTimeout");
    assert_eq!(timeout.unwrap()["origin"], "solution");
    assert_eq!(timeout.unwrap()["line"], 16);
}

#[test]
fn an_unknown_name_is_told_the_nearest_and_a_faulty_folder_its_faults() {
    run(&["explain", "anomali", "--catalog", &catalog()])
        .exits(2)
        .says(&["did you mean `anomaly`?", "part-comparer"]);
    run(&["explain", "anomaly", "--catalog", &catalog(), "--component", "pump"])
        .exits(2)
        .says(&["pumps, spindles"]);
    let faulty = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogues/invalid/bad-image");
    run(&["explain", "use", "--catalog", &faulty.display().to_string()])
        .exits(1)
        .says(&["error[V0308]"]);
}

#[test]
fn the_schema_of_both_files_is_json_of_draft_7() {
    for (of, key) in [("solution", "metadata"), ("platform", "spec")] {
        let out = run(&["schema", of]).exits(0).out;
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(schema["properties"][key]["type"], "object");
        assert_eq!(schema["additionalProperties"], false);
    }
    run(&["schema", "other"]).exits(2);
}
