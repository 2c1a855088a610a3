//! `plan`: what a pass would do, and nothing of it done.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::catalogue::{image, minimal};
use crate::support::git_server::GitServer;

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
    let rows = objects(&run.json());
    let has = |verb: &str, object: &str| rows.iter().any(|(v, o)| v == verb && o.contains(object));
    assert!(has("update", "one Deployment/app"), "{}", run.out);
    assert!(has("delete", "two Namespace/sol-two"), "{}", run.out);
    assert!(!has("create", ""), "{}", run.out);
    let page = scene.run(&["plan", "--against", old.as_str()]).exits(1).out;
    assert!(page.contains("who can reach it") && page.contains("two  removed"), "{page}");
    let page = scene.run(&["plan", "--against", old.as_str(), "--format", "markdown"]).exits(1).out;
    assert!(page.contains("### `two` · removed"), "{page}");
    scene.run(&["plan", "--objects"]).exits(2).says(&["add --against"]);
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

/// The objects of a review as (verb, `solution Kind/name`).
fn objects(review: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |one: &Value| -> Vec<(String, String)> {
        let name = text(&one["name"]);
        let object = |object: &Value| {
            let (kind, its) = (text(&object["kind"]), text(&object["name"]));
            (text(&object["verb"]), format!("{name} {kind}/{its}"))
        };
        one["objects"].as_array().unwrap().iter().map(object).collect()
    };
    review["solutions"].as_array().unwrap().iter().flat_map(of).collect()
}

/// What a review says of each name.
fn whats(review: &Value) -> Vec<&str> {
    let all = review["solutions"].as_array().unwrap().iter();
    all.map(|one| one["what"].as_str().unwrap()).collect()
}

/// The row of a refused folder.
#[track_caller]
fn refusal<'p>(plan: &'p Value, solution: &str) -> &'p Value {
    let rows = plan.as_array().unwrap().iter();
    let mut refused = rows.filter(|row| row["verb"] == "refused" && row["solution"] == solution);
    refused.next().unwrap_or_else(|| panic!("no refusal of {solution}: {plan:#}"))
}

#[test]
fn a_refused_folder_is_told_and_nothing_of_it_is_called_a_deletion() {
    let scene = Scene::of(&["one", "two"]);
    scene.publish();
    scene.catalogue.edit("one/solution.yaml", "spec:", "spec:\n  replica: 3");
    scene.catalogue.commit("A typo");
    let against = ["plan", "--against", "HEAD~1"];
    for plan in [&["plan"][..], &against] {
        let run = scene.run(plan).exits(1).says(&["one", "refused", "one/solution.yaml:6:3"]);
        assert!(!run.out.contains("delete ") && !run.out.contains("update"), "{}", run.out);
    }
    let json = |plan: &[&str]| scene.run(&[plan, &["--format", "json"]].concat()).exits(1).json();
    let (pass, review) = (json(&["plan"]), json(&against));
    assert_eq!(pass.as_array().unwrap().len(), 1, "{pass:#}");
    assert_eq!((whats(&review), objects(&review)), (vec!["refused"], vec![]), "{review:#}");
    for fault in [&refusal(&pass, "one")["faults"][0], &review["solutions"][0]["faults"][0]] {
        assert_eq!((&fault["file"], &fault["line"]), (&json!("one/solution.yaml"), &json!(6)));
        assert!(fault["message"].as_str().unwrap().contains("replica"), "{fault:#}");
    }
    let before = scene.api.state();
    scene.once().exits(1);
    assert_eq!(scene.api.state(), before, "the pass did as the plan said");

    // Mended, it is not known what ran while it was refused.
    scene.catalogue.edit("one/solution.yaml", "\n  replica: 3", "");
    scene.catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    scene.catalogue.commit("Mended");
    let review = json(&against);
    assert_eq!(whats(&review), ["wasFrozen"]);
    let rows = objects(&review);
    assert!(rows.iter().all(|(verb, _)| verb == "apply"), "{review:#}");
    assert!(rows.contains(&("apply".to_owned(), "one Deployment/app".to_owned())), "{review:#}");
    scene.run(&["plan", "--against", "HEAD~1"]).exits(1).says(&["not known what runs"]);
}

#[test]
fn every_mistake_that_protects_a_name_protects_it_in_plan_too() {
    type Mistake = (&'static str, fn(&Scene));
    let mistakes: [Mistake; 4] = [
        ("the file is lost", |s| {
            s.catalogue.write("one/README.md", "# Still here\n");
            std::fs::remove_file(s.catalogue.path().join("one/solution.yaml")).unwrap();
        }),
        ("it is there twice", |s| s.catalogue.write("lab/one/solution.yaml", &minimal("one"))),
        ("the folder has another name", |s| {
            std::fs::rename(s.catalogue.path().join("one"), s.catalogue.path().join("eins"))
                .unwrap();
        }),
        ("a link may hide it", |s| {
            s.catalogue.remove("one");
            std::os::unix::fs::symlink("elsewhere", s.catalogue.path().join("group")).unwrap();
        }),
    ];
    for (what, make) in mistakes {
        let scene = Scene::of(&["one", "two", "three"]);
        scene.publish();
        make(&scene);
        scene.catalogue.commit(what);
        let json = scene.run(&["plan", "--format", "json"]).exits(1).says(&["refused"]).json();
        let verbs: Vec<_> = lines(&json).into_iter().map(|(verb, _)| verb).collect();
        assert!(verbs.iter().all(|v| v == "refused" || v == "keep"), "{what}: {json:#}");
        let against = ["plan", "--against", "HEAD~1", "--format", "json"];
        let review = scene.run(&against).exits(1).json();
        assert!(
            whats(&review).iter().all(|w| ["refused", "kept"].contains(w)),
            "{what}: {review:#}"
        );
        assert_eq!(objects(&review), [], "{what}");
        let before = scene.api.state();
        scene.once().exits(1);
        assert_eq!(scene.api.state(), before, "{what}");
    }
}

#[test]
fn a_refused_platform_is_a_row_and_nothing_can_be_told() {
    let scene = Scene::of(&["one", "two", "three"]);
    scene.publish();
    scene.catalogue.write("platform.yaml", "kind: [\n");
    scene.catalogue.remove("one");
    scene.catalogue.commit("A slip");
    let against = ["plan", "--against", "HEAD~1"];
    for plan in [&["plan"][..], &against] {
        let run = scene.run(plan).exits(2).says(&["platform.yaml:", "cannot be told"]);
        assert!(!run.out.contains("delete "), "{}", run.out);
    }
    let json = |plan: &[&str]| scene.run(&[plan, &["--format", "json"]].concat()).exits(2).json();
    let pass = json(&["plan"]);
    assert_eq!(refusal(&pass, "*")["object"], "platform.yaml");
    assert_eq!(pass.as_array().unwrap().len(), 1, "{pass:#}");
    let review = json(&against);
    assert_eq!(review["platform"]["what"], "refused");
    assert_eq!(review["solutions"], json!([]), "{review:#}");
    // Mended, what ran in between is not known.
    let platform = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/platform.yaml");
    std::fs::copy(platform, scene.catalogue.path().join("platform.yaml")).unwrap();
    scene.catalogue.commit("Mended");
    let run = scene.run(&["plan", "--against", "HEAD~1"]).exits(1);
    run.says(&["every name was left alone", "published again", "two"]);
    scene.run(&["plan"]).exits(1).says(&["one", "delete"]);
}

/// Commits on three branches, with tags: what each name means.
fn named(scene: &Scene) -> Vec<(String, String)> {
    let git = |arguments: &[&str]| scene.catalogue.git(arguments).trim().to_owned();
    let first = scene.catalogue.head().to_string();
    git(&["tag", "-a", "v1", "-m", "The first"]);
    scene.catalogue.write("two/solution.yaml", &minimal("two"));
    let second = scene.catalogue.commit("Two").to_string();
    git(&["tag", "light"]);
    git(&["checkout", "-q", "-b", "trial/x"]);
    scene.catalogue.write("three/solution.yaml", &minimal("three"));
    let trial = scene.catalogue.commit("Three, on a branch").to_string();
    git(&["checkout", "-q", "main"]);
    scene.catalogue.write("four/solution.yaml", &minimal("four"));
    let tip = scene.catalogue.commit("Four").to_string();
    [
        (tip.clone(), tip.as_str()),
        ("HEAD".to_owned(), &tip),
        ("main".to_owned(), &tip),
        ("origin/main".to_owned(), &tip),
        ("refs/heads/main".to_owned(), &tip),
        ("HEAD~2".to_owned(), &first),
        ("main~1".to_owned(), &second),
        ("origin/main^".to_owned(), &second),
        (second[..8].to_owned(), &second),
        ("light".to_owned(), &second),
        ("light~1".to_owned(), &first),
        ("v1".to_owned(), &first),
        ("refs/tags/v1".to_owned(), &first),
        ("v1^{commit}".to_owned(), &first),
        ("trial/x".to_owned(), &trial),
        ("trial/x~1".to_owned(), &second),
    ]
    .map(|(name, commit)| (name, commit.to_owned()))
    .into()
}

/// What `plan --against` prints for each name is what it prints for its commit.
#[track_caller]
fn means(scene: &Scene, names: &[(String, String)]) {
    let local = scene.catalogue.path();
    let mut by_commit = std::collections::BTreeMap::new();
    for (name, commit) in names {
        let run = scene.run(&["plan", "--against", name]);
        assert!(run.code.is_some_and(|code| code < 2), "{name}: {}", run.err);
        let wanted = by_commit.entry(commit.clone()).or_insert_with(|| {
            scene.run(&["plan", "--against", commit, "--repo", local.to_str().unwrap()]).out
        });
        let told = |out: &str| out.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(told(&run.out), told(wanted), "{name}");
    }
    assert_eq!(by_commit.len(), 4, "the commits differ");
    let distinct: std::collections::BTreeSet<_> = by_commit.values().collect();
    assert_eq!(distinct.len(), 4, "each commit has a plan of its own");
}

#[test]
fn against_understands_what_people_call_a_commit() {
    let scene = Scene::of(&["one"]);
    let mut names = named(&scene);
    means(&scene, &names);
    let url = format!("file://{}", scene.catalogue.path().display());
    scene.settle(|s| s["repository"]["url"] = json!(url));
    means(&scene, &names);

    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    scene.settle(|s| s["repository"]["url"] = json!(server.url("catalogue")));
    names.push(("origin/trial/x".to_owned(), names[14].1.clone()));
    means(&scene, &names);
}

#[test]
fn against_says_what_a_name_does_not_mean() {
    let scene = Scene::of(&["one"]);
    scene.catalogue.git(&["tag", "twice"]);
    scene.catalogue.git(&["tag", "a-file", "HEAD:platform.yaml"]);
    scene.catalogue.git(&["branch", "side"]);
    scene.catalogue.write("two/solution.yaml", &minimal("two"));
    scene.catalogue.commit("Two");
    scene.catalogue.git(&["branch", "twice"]);
    // Ids of one beginning.
    let mut ids = std::collections::BTreeMap::<String, usize>::new();
    let ambiguous = loop {
        let id = scene.catalogue.git(&["commit-tree", "-m", &ids.len().to_string(), "HEAD^{tree}"]);
        let count = ids.entry(id[..4].to_owned()).or_default();
        *count += 1;
        if *count == 2 {
            let first = id[..4].to_owned();
            scene.catalogue.git(&["update-ref", "refs/heads/kept", id.trim()]);
            break first;
        }
        assert!(ids.len() < 2000, "no two ids begin alike");
    };
    let server = GitServer::over(scene.catalogue.path().parent().unwrap());
    let path = scene.catalogue.path();
    for url in [path.display().to_string(), server.url("catalogue")] {
        scene.settle(|s| s["repository"]["url"] = json!(url));
        let says = |name: &str, words: &[&str]| {
            let run = scene.run(&["plan", "--against", name]).exits(2).says(words);
            assert_eq!((run.out.as_str(), run.err.lines().count()), ("", 1), "{name}");
        };
        says("no-such-tag", &["`no-such-tag`", "name a"]);
        says("HEAD~99", &["`HEAD~99`", "name a"]);
        says("main..side", &["`main..side`"]);
        says("", &["``"]);
        says("a-file", &["`a-file` is no commit"]);
        says("twice", &["a tag and a branch", "refs/tags/twice"]);
        says("f00dfeed", &["f00dfeed"]);
        assert!(scene.run(&["plan", "--against", "refs/heads/twice"]).code < Some(2));
        assert!(scene.run(&["plan", "--against", "refs/tags/twice"]).code < Some(2));
    }
    scene.settle(|_| {});
    scene.run(&["plan", "--against", &ambiguous]).exits(2).says(&["several ids begin"]);
}
