//! `doctor`: what a cluster lacks, and the exit code that says so.

use serde_json::Value;

use super::api::{Forbidding, Shows};
use super::scene::Scene;
use crate::support::binary::{finish, vitrine};

#[test]
fn a_cluster_that_lacks_something_exits_with_one_and_says_what_to_do() {
    let scene = Scene::of(&["one"]);
    let catalogue = scene.catalogue.path();
    let catalogue = catalogue.to_str().unwrap();
    let run = scene.run(&["doctor", "--catalog", catalogue]).exits(1);
    for told in [
        "fine      CRD httproutes.gateway.networking.k8s.io",
        "missing   Gateway edge/public",
        "-> apply one",
        " missing\n",
    ] {
        assert!(run.out.contains(told), "no `{told}` in:\n{}", run.out);
    }
    let run = scene.run(&["doctor", "--catalog", catalogue, "--format", "json"]).exits(1);
    let lines: Vec<Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let gateway = lines.iter().find(|line| line["subject"] == "Gateway edge/public").unwrap();
    assert_eq!(gateway["grade"], "missing");
    assert_eq!(gateway["party"], "operator");
    let file = format!("{catalogue}/platform.yaml");
    scene.run(&["doctor", "--catalog", &file]).exits(1);
}

#[test]
fn what_cannot_be_asked_exits_with_two() {
    let scene = Scene::of(&["one"]);
    let catalogue = scene.catalogue.path();
    for (shows, told) in [(Shows::Kinds, "could not be looked at"), (Shows::Nothing, "deploy/rbac")]
    {
        let kubeconfig = scene.home().join("forbidding");
        let server = Forbidding::start(shows);
        server.write_kubeconfig(&kubeconfig);
        let mut command = vitrine(scene.home());
        command.args(["doctor", "--catalog"]).arg(&catalogue);
        let run = finish(command.arg("--kubeconfig").arg(&kubeconfig)).exits(2);
        assert!(format!("{}{}", run.out, run.err).contains(told), "{}{}", run.out, run.err);
        assert!(!run.out.contains("fine "), "{}", run.out);
    }
    let mut command = vitrine(scene.home());
    command.args(["doctor", "--kubeconfig", "/no/such", "--catalog"]).arg(&catalogue);
    finish(&mut command).exits(2).says(&["/no/such"]);
    scene.run(&["doctor", "--catalog", "/no/catalogue"]).exits(2).says(&["/no/catalogue"]);
}
