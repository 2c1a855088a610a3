//! `pin`: the digest behind each tag, asked of a real registry, written and nothing else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::binary::{Finished, finish, vitrine};
use crate::support::catalogue::{Catalogue, image};
use crate::support::registry::{PASSWORD, Registry, USER};

fn pin(catalogue: &Catalogue, arguments: &[&str]) -> Finished {
    let mut command = vitrine(&catalogue.path());
    finish(command.arg("pin").args(arguments))
}

fn read(catalogue: &Catalogue, file: &str) -> String {
    std::fs::read_to_string(catalogue.path().join(file)).unwrap()
}

/// A solution whose author has habits of their own.
fn written(host: &str) -> String {
    format!(
        "# ours\r\napiVersion: vitrine.dev/v1alpha1\r\nkind: Solution\r\nmetadata: {{name: one}}\r\n\
         spec:\r\n  components:\r\n    web:   {{image: '{host}/lab/web:1.0',  expose: {{path: /}}}} # ä\r\n    \
         api:\r\n      image:   \"{host}/lab/api\"   # moves\r\n"
    )
}

#[test]
fn every_tag_gets_its_digest_and_every_other_byte_stays() {
    let registry = Registry::open();
    let host = registry.host();
    let web = registry.push("lab/web", "1.0", "web");
    let api = registry.push("lab/api", "latest", "api");
    let catalogue = Catalogue::of(&["two"]);
    let before = written(&host);
    catalogue.write("group/one/solution.yaml", &before);
    let file = catalogue.path().join("group/one/solution.yaml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();

    let dry = pin(&catalogue, &["--dry-run"]).exits(0);
    dry.says(&["would be pinned", &web, &api]);
    assert_eq!(read(&catalogue, "group/one/solution.yaml"), before);

    let run = pin(&catalogue, &[]).exits(0);
    assert_eq!(run.err, "");
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(
        lines,
        [
            format!("group/one/solution.yaml:7: {host}/lab/web:1.0 pinned to {web}").as_str(),
            &format!("group/one/solution.yaml:9: {host}/lab/api (no tag: latest) pinned to {api}"),
            &format!("two/solution.yaml:6: {} has its digest", image('a')),
        ]
    );
    let after = before
        .replace("lab/web:1.0", &format!("lab/web:1.0@{web}"))
        .replace("lab/api\"", &format!("lab/api@{api}\""));
    assert_eq!(read(&catalogue, "group/one/solution.yaml"), after);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    // The tag moves: only --update asks again.
    let newer = registry.push("lab/web", "1.0", "newer");
    pin(&catalogue, &["one"]).exits(0).says(&["has its digest"]);
    assert_eq!(read(&catalogue, "group/one/solution.yaml"), after);
    let run = pin(&catalogue, &["one", "--update", "--format", "json"]).exits(0).json();
    assert_eq!(run[0]["outcome"], "changed");
    assert_eq!((run[0]["digest"].as_str(), run[0]["was"].as_str()), (Some(&*newer), Some(&*web)));
    assert_eq!(run[1]["outcome"], "kept");
    assert_eq!(read(&catalogue, "group/one/solution.yaml"), after.replace(&web, &newer));
    let again = pin(&catalogue, &["one", "--update"]).exits(0);
    again.says(&["web:1.0", "is what the tag means"]);
}

#[test]
fn one_image_that_cannot_be_pinned_leaves_the_others_pinned() {
    let registry = Registry::open();
    let host = registry.host();
    let web = registry.push("lab/web", "1.0", "web");
    let catalogue = Catalogue::of(&[]);
    catalogue.write("one/solution.yaml", &written(&host));
    catalogue.write("bad/solution.yaml", "spec: [\n");
    catalogue
        .write("escaped/solution.yaml", &format!("spec: {{image: \"{host}/lab/web\\x3a1.0\"}}\n"));
    let run = pin(&catalogue, &[]).exits(1).says(&[
        "lab/web:1.0 pinned to",
        &format!(
            "lab/api (no tag: latest) not pinned: {host} has no tag `latest` of `lab/api` (404)"
        ),
        "bad/solution.yaml:",
        "mend the file first",
        "it is not written plainly",
    ]);
    assert!(run.out.contains(&web), "{}", run.out);
    assert!(read(&catalogue, "one/solution.yaml").contains(&format!("web:1.0@{web}'")));

    drop(registry);
    let before = read(&catalogue, "one/solution.yaml");
    pin(&catalogue, &["one"]).exits(1).says(&["cannot be reached", "has its digest"]);
    assert_eq!(read(&catalogue, "one/solution.yaml"), before);
}

#[test]
fn a_registry_with_a_password_is_asked_with_the_file_that_docker_login_writes() {
    let registry = Registry::with_password();
    let host = registry.host();
    let web = registry.push("lab/web", "1.0", "web");
    let catalogue = Catalogue::of(&[]);
    let solution = format!("spec:\n  image: {host}/lab/web:1.0\n");
    catalogue.write("one/solution.yaml", &solution);
    pin(&catalogue, &[]).exits(1).says(&["asks for credentials", "docker login"]);

    let folder = tempfile::tempdir().unwrap();
    let login = |password: &str| {
        let text = serde_json::json!({"auths": {&host: {"username": USER, "password": password}}});
        std::fs::write(folder.path().join("config.json"), text.to_string()).unwrap();
    };
    let file = folder.path().join("config.json").display().to_string();
    login("open barley");
    let run = pin(&catalogue, &["--docker-config", &file]).exits(1);
    let run = run.says(&["refused the credentials of", &file]);
    assert!(!run.out.contains("barley") && !run.err.contains("barley"), "{run:?}");

    login(PASSWORD);
    let mut command = vitrine(&catalogue.path());
    let run = finish(command.arg("pin").env("DOCKER_CONFIG", folder.path())).exits(0);
    assert!(run.out.contains(&web), "{}", run.out);
    assert!(read(&catalogue, "one/solution.yaml").contains(&web));
}

#[test]
fn pin_says_where_it_can_run_and_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    finish(vitrine(home.path()).arg("pin")).exits(2).says(&["platform.yaml", "--catalog DIR"]);
    let catalogue = Catalogue::of(&["one", "two"]);
    pin(&catalogue, &["three"]).exits(2).says(&["`three`", "one, two"]);
    let below = catalogue.path().join("one");
    finish(vitrine(&below).arg("pin")).exits(0).says(&["two/solution.yaml:6"]);
    let elsewhere = Path::new("/no/catalogue").display().to_string();
    pin(&catalogue, &["--catalog", &elsewhere]).exits(2).says(&["/no/catalogue"]);
}
