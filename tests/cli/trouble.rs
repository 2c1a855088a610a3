//! What cannot be told: exit code 2, a sentence that says what, where and what to do, and nothing
//! changes in the cluster.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use super::api::{Forbidding, Shows};
use super::scene::Scene;
use crate::support::binary::{Finished, finish, vitrine};
use crate::support::git_server::{GitServer, Manner};

/// Publishes two solutions, lets something go wrong, and runs `once` again: it must say `words`,
/// leave with 2 and change nothing. What `happens` answers is kept until then.
#[track_caller]
fn trouble<T>(words: &[&str], happens: impl FnOnce(&Scene) -> T) -> Finished {
    let scene = Scene::of(&["one", "two"]);
    scene.publish();
    let before = scene.api.state();
    let _kept = happens(&scene);
    let run = scene.run(&["once", "--timeout", "30s"]).exits(2).says(words);
    assert!(!run.err.contains("still under way"), "it only waited: {}", run.err);
    assert_eq!(scene.api.state(), before, "something was changed");
    run
}

/// Whether what was said is a sentence on one line, as every reason is.
#[track_caller]
fn is_one_sentence(run: &Finished) {
    let said: Vec<&str> = run.err.lines().filter(|line| line.starts_with("vitrine: ")).collect();
    assert_eq!(said.len(), 1, "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert_eq!(run.out, "", "a program reads stdout");
}

// ---- the repository ----

#[test]
fn a_missing_repository_is_not_an_empty_one() {
    trouble(&["/no/such/place", "is not a Git repository", "repository.url"], |scene| {
        scene.settle(|s| s["repository"]["url"] = json!("/no/such/place"));
    });
}

#[test]
fn a_branch_that_does_not_exist_is_named() {
    trouble(&["has no branch `mian`", "repository.branch"], |scene| {
        scene.settle(|s| s["repository"]["branch"] = json!("mian"));
    });
}

#[test]
fn a_path_that_does_not_exist_is_named() {
    trouble(&["has no folder `solutions`", "repository.path"], |scene| {
        scene.settle(|s| s["repository"]["path"] = json!("solutions"));
    });
}

/// The file of an object of the head commit.
fn object(scene: &Scene, what: &str) -> PathBuf {
    let id = scene.catalogue.git(&["rev-parse", &format!("HEAD:{what}")]);
    let (folder, name) = id.trim().split_at(2);
    scene.catalogue.path().join(".git/objects").join(folder).join(name)
}

#[test]
fn a_repository_that_lacks_an_object_is_not_half_a_catalogue() {
    for what in ["two/solution.yaml", "two"] {
        trouble(&["catalogue", "cannot be read"], |scene| {
            scene.catalogue.edit("two/solution.yaml", "name: two", "name: two ");
            scene.catalogue.commit("A space");
            std::fs::remove_file(object(scene, what)).unwrap();
        });
    }
}

#[test]
fn a_repository_with_a_damaged_object_is_not_half_a_catalogue() {
    trouble(&["catalogue", "cannot be read"], |scene| {
        scene.catalogue.edit("two/solution.yaml", "name: two", "name: two ");
        scene.catalogue.commit("A space");
        let file = object(scene, "two/solution.yaml");
        Command::new("chmod").arg("u+w").arg(&file).status().unwrap();
        std::fs::write(&file, "not what zlib knows").unwrap();
    });
}

/// Serves the scene's repository and lets the settings point there.
fn served(scene: &Scene, server: &GitServer) {
    scene.settle(|s| s["repository"]["url"] = json!(server.url("catalogue")));
}

fn with_token(scene: &Scene, token: &str, server: &GitServer) {
    let file = scene.home().join("git-token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    scene.settle(|s| {
        s["repository"]["url"] = json!(server.url("catalogue"));
        s["repository"]["auth"] = json!({"tokenFile": file});
    });
}

#[test]
fn a_token_that_is_refused_is_named_by_its_file_and_never_shown() {
    let words = ["401", "git-token"];
    let run = trouble(&words, |scene| {
        let server = GitServer::with_token(scene.catalogue.path().parent().unwrap(), "right");
        with_token(scene, "hunter2-secret", &server);
        server
    });
    assert!(!format!("{}{}", run.out, run.err).contains("hunter2"), "{}", run.err);
}

#[test]
fn the_right_token_opens_the_repository() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::with_token(scene.catalogue.path().parent().unwrap(), "right");
    with_token(&scene, "right", &server);
    scene.publish();
    let pushed =
        server.requests().iter().any(|r| r.starts_with("POST") && r.ends_with("receive-pack"));
    assert!(pushed, "the notes are pushed: {:?}", server.requests());
}

#[test]
fn a_server_that_does_not_give_the_repository_changes_nothing() {
    let scene = Scene::of(&["one", "two"]);
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    served(&scene, &server);
    scene.publish();
    let before = scene.api.state();
    scene.catalogue.remove("two");
    scene.catalogue.commit("Two is over");
    let url = server.url("catalogue");
    for (manner, words) in [
        (Manner::Broken, "500"),
        (Manner::WebPage, "web page"),
        (Manner::NoRefs, "has no branch `main`"),
        (Manner::CutShort, "cannot be read since"),
    ] {
        server.turn(manner);
        let run = scene.run(&["once", "--timeout", "30s"]).exits(2).says(&[words, &url]);
        assert!(!run.err.contains("still under way"), "it only waited: {}", run.err);
        assert_eq!(scene.api.state(), before, "{manner:?}");
    }
    server.turn(Manner::Well);
    server.go_down();
    scene.run(&["once", "--timeout", "30s"]).exits(2).says(&["cannot be reached", &url]);
    assert_eq!(scene.api.state(), before);
    server.come_back();
    scene.publish();
    assert!(scene.api.state().keys().all(|key| !key.contains("sol-two")));
}

// ---- the cluster ----

#[test]
fn an_unreachable_cluster_is_told_at_once() {
    let run = trouble(&["cannot be reached", "kubeconfig", "check"], |scene| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        std::fs::write(scene.kubeconfig(), vitrine_sandbox::Sandbox::kubeconfig(closed)).unwrap();
    });
    is_one_sentence(&run);
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let run = trouble(&["/no/kubeconfig", "--kubeconfig"], |scene| {
        scene.settle(|s| s["cluster"]["kubeconfig"] = json!("/no/kubeconfig"));
    });
    is_one_sentence(&run);
}

#[test]
fn a_kubeconfig_that_is_not_yaml_is_named_and_not_quoted() {
    for text in [
        "users:\n- name: me\n  user: {token: hunter2-secret\n",
        "apiVersion: v1\nkind: Config\nusers: hunter2-secret\n",
        "hunter2-secret",
    ] {
        let run = trouble(&["kubeconfig", "--kubeconfig"], |scene| {
            std::fs::write(scene.kubeconfig(), text).unwrap();
        });
        assert!(!run.err.contains("hunter2"), "{}", run.err);
        is_one_sentence(&run);
    }
}

#[test]
fn a_context_that_is_not_in_the_kubeconfig_is_named() {
    let run = trouble(&["staging", "context", "kubeconfig"], |scene| {
        scene.settle(|s| s["cluster"]["context"] = json!("staging"));
    });
    is_one_sentence(&run);
}

#[test]
fn a_kubeconfig_without_any_right_is_told_what_it_needs() {
    let nothing = Forbidding::start(Shows::Nothing);
    let run = trouble(&["may not", "somebody", "deploy/rbac.yaml"], |scene| {
        nothing.write_kubeconfig(&scene.kubeconfig());
    });
    is_one_sentence(&run);
}

#[test]
fn a_kubeconfig_that_may_only_look_at_the_kinds_is_told_what_it_needs() {
    let kinds = Forbidding::start(Shows::Kinds);
    let scene = Scene::of(&["one"]);
    kinds.write_kubeconfig(&scene.kubeconfig());
    let run = scene.run(&["once", "--timeout", "30s"]);
    assert_ne!(run.code, Some(0));
    run.says(&["may not", "namespaces", "deploy/rbac.yaml"]);
}

#[test]
fn a_server_that_is_no_kubernetes_is_told_apart() {
    let scene = Scene::of(&["one"]);
    let server = GitServer::over(scene.home());
    server.turn(Manner::WebPage);
    let address = server.url("").replace("http://", "").replace('/', "").parse().unwrap();
    std::fs::write(scene.kubeconfig(), vitrine_sandbox::Sandbox::kubeconfig(address)).unwrap();
    let run = scene.run(&["once"]).exits(2).says(&["not a Kubernetes API"]);
    is_one_sentence(&run);
}

#[test]
fn a_cluster_in_trouble_is_told_with_its_words() {
    trouble(&["answered 500", "injected fault", "check"], |scene| {
        scene.api.sandbox.faults(|f| f.internal = u32::MAX);
    });
}

#[test]
fn what_is_still_under_way_when_the_time_is_over_cannot_be_told() {
    let scene = Scene::of(&["one", "two", "three"]);
    scene.publish();
    scene.api.sandbox.faults(|f| f.stuck_finalizers = true);
    scene.catalogue.remove("two");
    scene.catalogue.commit("Two is over");
    let run = scene.run(&["once", "--timeout", "3s"]).exits(2);
    run.says(&["still under way after 3s", "--timeout", "Removing", "finalizer.keda.sh"]);
    // The next run goes on where this one stopped.
    scene.api.sandbox.faults(|f| f.stuck_finalizers = false);
    scene.publish();
    assert!(scene.api.state().keys().all(|key| !key.contains("sol-two")));
}

// ---- the settings ----

#[test]
fn every_fault_of_the_settings_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let text =
        "instance: Prod\nrepositry: x\nrepository: {url: 5, poll: 1s}\nschedule: {freeze: []}\n";
    std::fs::write(home.path().join("vitrine.yaml"), text).unwrap();
    let run =
        finish(vitrine(home.path()).args(["once", "--config", "vitrine.yaml"])).exits(2).says(&[
            "vitrine.yaml:1:11",
            "vitrine.yaml:2:1: unknown field `repositry`; did you mean `repository`?",
            "vitrine.yaml:3:19",
            "vitrine.yaml:3:28",
            "vitrine.yaml:4:",
            "not supported yet",
        ]);
    assert!(run.err.lines().count() >= 5, "{}", run.err);
}

#[test]
fn missing_settings_are_named_with_the_flag_that_gives_them() {
    let home = tempfile::tempdir().unwrap();
    for command in ["once", "run", "plan"] {
        finish(vitrine(home.path()).arg(command)).exits(2).says(&["--instance", "--repo"]);
        finish(vitrine(home.path()).args([command, "--config", "none.yaml"]))
            .exits(2)
            .says(&["none.yaml", "--config"]);
    }
}
