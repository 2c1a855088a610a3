//! `plan`: what a pass would do, and nothing of it done.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::catalogue::{image, minimal};

/// Lines as (verb, `solution Kind/name`).
fn lines(plan: &Value) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let what = |line: &Value| format!("{} {}", text(line, "solution"), text(line, "object"));
    plan.as_array().unwrap().iter().map(|line| (text(line, "verb"), what(line))).collect()
}

#[test]
fn a_settled_cluster_has_nothing_to_do() {
    let scene = Scene::of(&["one"]);
    scene.publish();
    assert_eq!(scene.run(&["plan"]).exits(0).out, "nothing to do\n");
    assert_eq!(scene.run(&["plan", "--format", "json"]).exits(0).json(), json!([]));
}

#[test]
fn changes_are_listed_and_not_made() {
    let scene = Scene::of(&["one", "two", "three"]);
    let first = scene.run(&["plan", "--format", "json"]).exits(1);
    assert!(lines(&first.json()).iter().all(|(verb, _)| verb == "create"), "{}", first.out);
    scene.publish();

    let before = scene.api.state();
    scene.api.sandbox.clear_requests();
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    scene.catalogue.remove("two");
    scene.catalogue.write("four/solution.yaml", &minimal("four"));
    scene.catalogue.commit("This and that");
    let run = scene.run(&["plan", "--format", "json"]).exits(1);
    let plan = lines(&run.json());
    let of = |wanted: &str| {
        let all = plan.iter().filter(|(verb, _)| verb == wanted);
        all.map(|(_, object)| object.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("update"), ["one Deployment/app"]);
    assert!(of("create").contains(&"four Namespace/sol-four"), "{}", run.out);
    assert!(of("create").iter().all(|o| o.starts_with("four ")), "{}", run.out);
    assert!(of("delete").contains(&"two Namespace/sol-two"), "{}", run.out);
    assert!(of("delete").iter().all(|o| o.starts_with("two ")), "{}", run.out);
    scene.run(&["plan"]).exits(1).says(&["update", "create", "delete", "sol-two"]);

    assert_eq!(scene.api.state(), before);
    let writes: Vec<_> =
        scene.api.sandbox.requests().into_iter().filter(|r| r.is_write()).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn two_revisions_are_compared_without_a_cluster() {
    let scene = Scene::of(&["one", "two"]);
    let old = scene.catalogue.head();
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    scene.catalogue.remove("two");
    scene.catalogue.commit("This and that");
    std::fs::remove_file(scene.kubeconfig()).unwrap();

    let run = scene.run(&["plan", "--against", old.as_str(), "--format", "json"]).exits(1);
    let plan = lines(&run.json());
    assert!(
        plan.iter().any(|(verb, o)| verb == "update" && o.contains("Deployment")),
        "{}",
        run.out
    );
    assert!(plan.iter().any(|(verb, o)| verb == "delete" && o.contains("sol-two")), "{}", run.out);
    assert!(plan.iter().all(|(verb, _)| verb != "create"), "{}", run.out);
    scene.run(&["plan", "--against", scene.catalogue.head().as_str()]).exits(0);
    scene.run(&["plan", "--against", "HEAD~1"]).exits(1);
    scene.run(&["plan", "--against", "no-such-tag"]).exits(2).says(&["no-such-tag"]);
}

#[test]
fn what_cannot_be_read_cannot_be_planned() {
    let scene = Scene::of(&["one"]);
    scene.settle(|s| s["repository"]["branch"] = json!("mian"));
    let run =
        scene.run(&["plan", "--timeout", "30s"]).exits(2).says(&["mian", "repository.branch"]);
    assert_eq!(run.out, "");
    scene.settle(|_| {});
    scene.catalogue.write("platform.yaml", "kind: Platform\n");
    scene.catalogue.commit("A slip");
    scene.run(&["plan"]).exits(2).says(&["platform.yaml:"]);
    scene.settle(|s| s["cluster"]["kubeconfig"] = json!("/no/kubeconfig"));
    scene.run(&["plan"]).exits(2).says(&["/no/kubeconfig"]);
}
