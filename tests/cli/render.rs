//! `render`: what a solution becomes, without any cluster.

use std::path::Path;

use super::scene::Scene;
use crate::support::binary::{Finished, finish, vitrine};

fn catalog() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog").display().to_string()
}

fn render(arguments: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    finish(vitrine(home.path()).arg("render").args(arguments))
}

fn documents(yaml: &str) -> Vec<serde_json::Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

#[test]
fn all_are_each_one_after_the_other() {
    let all = render(&["--catalog", &catalog()]).exits(0);
    assert_eq!(all.err, "");
    let mut one_by_one = String::new();
    for name in ["anomaly", "part-comparer", "tourism", "use"] {
        let one = render(&[name, "--catalog", &catalog()]).exits(0).out;
        let documents = documents(&one);
        assert_eq!(documents[0]["kind"], "Namespace");
        assert_eq!(documents[0]["metadata"]["name"], format!("sol-{name}"));
        one_by_one += &one;
    }
    assert_eq!(all.out, one_by_one);
    assert!(!all.out.contains(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn the_instance_stands_in_the_labels() {
    let other = render(&["use", "--catalog", &catalog(), "--instance", "prod"]).exits(0).out;
    let labels = &documents(&other)[0]["metadata"]["labels"];
    assert_eq!(labels["vitrine.dev/instance"], "prod");
    render(&["use", "--catalog", &catalog(), "--instance", "Not A Name"])
        .exits(2)
        .says(&["--instance"]);
}

#[test]
fn an_unknown_name_is_told_what_there_is() {
    let run = render(&["toruism", "--catalog", &catalog()]).exits(2);
    assert_eq!(run.out, "");
    run.says(&["toruism", "anomaly, part-comparer, tourism, use"]);
    render(&["use", "--catalog", "/no/catalogue"]).exits(2).says(&["/no/catalogue"]);
}

#[test]
fn a_broken_folder_is_named_and_the_others_are_rendered() {
    let scene = Scene::of(&["good", "bad"]);
    scene.catalogue.edit("bad/solution.yaml", "spec:", "spec:\n  replica: 3");
    let catalog = scene.catalogue.path().display().to_string();
    let run = render(&["--catalog", &catalog]).exits(1).says(&["bad/solution.yaml:6:3"]);
    assert!(run.out.contains("sol-good") && !run.out.contains("sol-bad"), "{}", run.out);
    let run = render(&["bad", "--catalog", &catalog]).exits(2).says(&["bad/solution.yaml:6:3"]);
    assert_eq!(run.out, "");
    render(&["good", "--catalog", &catalog]).exits(0);
}

#[test]
fn a_catalogue_without_a_platform_cannot_be_rendered() {
    let scene = Scene::of(&["good"]);
    std::fs::remove_file(scene.catalogue.path().join("platform.yaml")).unwrap();
    let catalog = scene.catalogue.path().display().to_string();
    render(&["--catalog", &catalog]).exits(2).says(&["platform.yaml"]);
}
