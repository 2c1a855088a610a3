//! `new`: from an image to a folder that would be published, by what it prints alone.

use std::path::Path;

use crate::support::binary::{Finished, finish, vitrine};
use crate::support::catalogue::{Catalogue, image};
use crate::support::registry::Registry;

fn new(home: &Path, arguments: &[&str]) -> Finished {
    finish(vitrine(home).arg("new").args(arguments))
}

fn read(catalogue: &Catalogue, file: &str) -> String {
    std::fs::read_to_string(catalogue.path().join(file)).unwrap()
}

/// The solution renders, so `check` lets it through.
fn passes(root: &Path, name: &str) {
    let run = finish(vitrine(root).args(["render", name])).exits(0);
    assert!(run.out.contains(&format!("sol-{name}")), "{}", run.out);
}

#[test]
fn an_image_with_a_digest_becomes_a_folder_without_any_network() {
    let catalogue = Catalogue::example();
    for template in ["page", "fastapi", "components", "configurations"] {
        let name = format!("new-{template}");
        let run = new(&catalogue.path(), &[&name, "--image", &image('b'), "--template", template]);
        let run = run.exits(0).says(&[
            &format!("{name}/solution.yaml"),
            &format!("{name}/README.md"),
            &format!("vitrine check {name}"),
            &format!("git add .schemas {name}"),
            "pull request",
            &format!("https://{name}.demo.example"),
        ]);
        assert_eq!(run.err, "");
        assert!(!run.out.contains("cd "), "{}", run.out);
        passes(&catalogue.path(), &name);
        assert!(read(&catalogue, &format!("{name}/solution.yaml")).contains(&image('b')));
    }
    // No draft is left over.
    assert_eq!(catalogue.git(&["status", "--short"]).lines().count(), 5);
}

#[test]
fn a_tag_is_resolved_to_its_digest() {
    let registry = Registry::open();
    let digest = registry.push("lab/demo", "1.0", "demo");
    let catalogue = Catalogue::of(&[]);
    let image = "registry.example/lab/demo:1.0";
    // The registry of this name, as a proxy knows it.
    let mut command = vitrine(&catalogue.path());
    command.args(["new", "demo", "--image", image, "--plain-http", "registry.example"]);
    command.env("http_proxy", format!("http://{}", registry.host()));
    finish(&mut command).exits(0);
    let text = read(&catalogue, "demo/solution.yaml");
    assert!(text.contains(&format!("image: {image}@{digest}\n")), "{text}");
    passes(&catalogue.path(), "demo");
}

#[test]
fn without_a_network_the_folder_is_written_with_the_tag_and_pin_finishes_it() {
    let registry = Registry::open();
    let host = registry.host();
    let catalogue = Catalogue::of(&[]);
    let image = "registry.example/lab/demo:1.0";
    let through = |proxy: &str, arguments: &[&str]| {
        let mut command = vitrine(&catalogue.path());
        command.args(arguments).args(["--plain-http", "registry.example"]);
        finish(command.env("http_proxy", format!("http://{proxy}")))
    };
    let run = through("127.0.0.1:1", &["new", "demo", "--image", image]).exits(1);
    run.says(&["vitrine pin demo", "cannot be reached", "written with the tag"]);
    let before = read(&catalogue, "demo/solution.yaml");
    assert!(before.contains(&format!("image: {image}\n")), "{before}");

    let digest = registry.push("lab/demo", "1.0", "demo");
    through(&host, &["pin", "demo"]).exits(0).says(&[&digest]);
    let after = read(&catalogue, "demo/solution.yaml");
    assert_eq!(after, before.replace(image, &format!("{image}@{digest}")));
    passes(&catalogue.path(), "demo");
}

#[test]
fn a_copy_keeps_what_another_author_wrote() {
    let catalogue = Catalogue::example();
    let before = read(&catalogue, "use/solution.yaml");
    new(&catalogue.path(), &["encoder", "--from", "use", "--image", &image('c')]).exits(0);
    let copied = before
        .replace("name: use\n", "name: encoder\n")
        .lines()
        .map(|line| match line.starts_with("  image:") {
            true => format!("  image: {}\n", image('c')),
            false => format!("{line}\n"),
        })
        .collect::<String>();
    assert_eq!(read(&catalogue, "encoder/solution.yaml"), copied);
    assert_eq!(read(&catalogue, "encoder/README.md"), read(&catalogue, "use/README.md"));
    assert_eq!(
        read(&catalogue, "encoder/examples/embed.json"),
        read(&catalogue, "use/examples/embed.json")
    );
    passes(&catalogue.path(), "encoder");

    new(&catalogue.path(), &["region", "--from", "tourism"]).exits(0);
    passes(&catalogue.path(), "region");
    new(&catalogue.path(), &["other", "--from", "tourism", "--image", &image('c')])
        .exits(2)
        .says(&["`tourism` runs", "leave it out"]);
    new(&catalogue.path(), &["other", "--from", "toruism"]).exits(2).says(&["part-comparer"]);
    assert!(!catalogue.path().join("other").exists());
}

#[test]
fn what_would_be_refused_is_not_written() {
    let catalogue = Catalogue::of(&["one"]);
    let root = catalogue.path();
    catalogue.write("taken/notes.txt", "mine\n");
    for (arguments, words) in [
        (vec!["Bad_Name", "--image", "IMAGE"], "is not a name"),
        (vec!["gallery", "--image", "IMAGE"], "gallery"),
        (vec!["one", "--image", "IMAGE"], "already"),
        (vec!["taken", "--image", "IMAGE"], "nothing is overwritten"),
        (vec!["two", "--image", "ghcr.io/lab/demo:1.0"], "are not allowed on this platform"),
        (vec!["two", "--image", "localhost:5000/lab/demo:1.0"], "one's own machine"),
        (vec!["two", "--image", "Not An Image"], "is not an image reference"),
        (vec!["two", "--image", "a\n  command: [x]"], "is not an image reference"),
        (vec!["two", "--image", "IMAGE", "--dir", "no/such"], "no folder no/such"),
        (vec!["two", "--image", "IMAGE", "--dir", "one"], "inside"),
        (vec!["two", "--image", "IMAGE", "--with-platform", "x.example"], "already"),
        (vec!["two"], "--image"),
    ] {
        let image = image('a');
        let arguments: Vec<&str> = arguments
            .into_iter()
            .map(|word| if word == "IMAGE" { &*image } else { word })
            .collect();
        let run = new(&root, &arguments).exits(2).says(&[words]);
        assert_eq!(run.out, "", "{arguments:?}");
    }
    assert_eq!(catalogue.git(&["status", "--short"]), "?? taken/\n");
    assert_eq!(read(&catalogue, "taken/notes.txt"), "mine\n");
}

#[test]
fn a_group_is_named_by_its_folder() {
    let catalogue = Catalogue::of(&["one"]);
    std::fs::create_dir(catalogue.path().join("nlp")).unwrap();
    let run =
        new(&catalogue.path().join("one"), &["two", "--image", &image('a'), "--dir", "../nlp"]);
    let root = catalogue.path().canonicalize().unwrap();
    run.exits(0).says(&[&format!("cd {}", root.display()), "vitrine check nlp/two"]);
    passes(&catalogue.path(), "two");
}

#[test]
fn a_catalogue_begins_with_one_command() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let run = new(&empty, &["demo", "--image", &image('a')]).exits(2);
    run.says(&["platform.yaml", "--with-platform demo.example"]);
    new(&empty, &["demo", "--image", &image('a'), "--with-platform", "not a domain"])
        .exits(2)
        .says(&["domain"]);
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
    let run = new(&empty, &["demo", "--image", &image('a'), "--with-platform", "lab.example"]);
    run.exits(0).says(&["git init && git add . && git commit", "https://demo.lab.example"]);
    passes(&empty, "demo");
}

#[test]
fn an_editor_finds_the_schema_and_a_catalogue_keeps_its_own() {
    let catalogue = Catalogue::of(&[]);
    let schema = |file: &str| {
        let text = read(&catalogue, file);
        let first = text.lines().next().unwrap();
        let path = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
        let folder = catalogue.path().join(file).parent().unwrap().to_owned();
        std::fs::read_to_string(folder.join(path)).unwrap()
    };
    new(&catalogue.path(), &["one", "--image", &image('a')]).exits(0);
    let written: serde_json::Value = serde_json::from_str(&schema("one/solution.yaml")).unwrap();
    assert!(written["properties"]["spec"].is_object(), "{written}");

    catalogue.write(".schemas/solution.json", "{}\n");
    std::fs::create_dir(catalogue.path().join("nlp")).unwrap();
    new(&catalogue.path(), &["two", "--image", &image('a'), "--dir", "nlp"]).exits(0);
    assert_eq!(schema("nlp/two/solution.yaml"), "{}\n");
}

#[test]
fn a_file_of_the_operators_name_is_never_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    let begin = || new(home.path(), &["a", "--image", &image('b'), "--with-platform", "x.example"]);
    // Beside a `solution.yaml` it makes no catalogue, and is somebody's all the same.
    std::fs::write(file("solution.yaml"), "mine: true\n").unwrap();
    std::fs::write(file("platform.yaml"), "mine: true\n").unwrap();
    begin().exits(2).says(&["platform.yaml is there already", "nothing is overwritten"]);
    assert_eq!(std::fs::read_to_string(file("platform.yaml")).unwrap(), "mine: true\n");
    // Nor is a link followed that points nowhere.
    std::fs::remove_file(file("solution.yaml")).unwrap();
    std::fs::remove_file(file("platform.yaml")).unwrap();
    std::fs::create_dir(file(".schemas")).unwrap();
    std::os::unix::fs::symlink("../elsewhere.json", file(".schemas/solution.json")).unwrap();
    begin().exits(0);
    assert!(!file("elsewhere.json").exists(), "written through a link");
}

#[test]
fn a_docker_compose_file_becomes_a_folder_and_what_has_no_translation_is_told() {
    let catalogue = Catalogue::of(&[]);
    let compose = format!(
        "services:\n  web:\n    image: {}\n    ports: [\"80:8081\"]\n    environment: [MODE=fast]\n    \
         depends_on: [worker]\n    restart: always\n  worker:\n    build: ./worker\n    volumes: \
         [\"./data:/data\"]\n",
        image('b')
    );
    std::fs::write(catalogue.path().join("_compose.yaml"), compose).unwrap();
    let arguments = ["demo", "--from-compose", "_compose.yaml"];
    let refused = new(&catalogue.path(), &arguments).exits(2);
    refused.says(&["`worker` has no image", "--image"]);
    assert!(!catalogue.path().join("demo").exists());

    let other = image('c');
    let with_image = [&arguments[..], &["--image", &other]].concat();
    let run = new(&catalogue.path(), &with_image).exits(0);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    run.says(&["line 10, `volumes`: "]);
    let text = read(&catalogue, "demo/solution.yaml");
    for said in [&image('b'), &image('c'), "port: 8081", "MODE: \"fast\"", "expose: {path: /}"] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
    passes(&catalogue.path(), "demo");
    finish(vitrine(&catalogue.path()).args(["check", "demo"])).exits(0);
    new(&catalogue.path(), &["two", "--from-compose", "none.yaml"]).exits(2).says(&["none.yaml"]);
}
