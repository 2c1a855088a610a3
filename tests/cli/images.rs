//! `check --images`: what a real registry says of images, at the lines that name them.

use serde_json::json;

use super::check::Desk;
use crate::support::binary::{Finished, finish, vitrine};
use crate::support::registry::{PASSWORD, Registry, USER};

/// Folders on a platform whose nodes have this registry on themselves.
fn desk(host: &str) -> Desk {
    let desk = Desk::empty();
    let platform = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n  \
         registries: {{requireDigest: false, allow: [\"{host}/*\"]}}\n"
    );
    desk.write("platform.yaml", &platform);
    desk
}

/// A solution of one image, with more lines below `spec`.
fn solution(desk: &Desk, name: &str, image: &str, more: &str) {
    let text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         owner: group:lab\n  image: {image}\n{more}"
    );
    desk.write(&format!("{name}/solution.yaml"), &text);
}

fn check(desk: &Desk, arguments: &[&str]) -> Finished {
    finish(vitrine(&desk.path("")).arg("check").args(arguments))
}

/// The settings of an image of one system.
fn settings(architecture: &str, user: &str, port: u16) -> String {
    json!({
        "os": "linux", "architecture": architecture, "created": "2026-11-02T08:00:00.5Z",
        "config": { "User": user, "ExposedPorts": { format!("{port}/tcp"): {} }, "Labels": null },
    })
    .to_string()
}

#[test]
fn an_image_for_several_systems_is_told_of_system_by_system() {
    let registry = Registry::open();
    let host = registry.host();
    let desk = desk(&host);
    let systems =
        [("linux/amd64", 1_200_000), ("linux/arm64", 1_300_000)].map(|(system, bytes)| {
            let architecture = system.trim_start_matches("linux/");
            let text = settings(architecture, "10001:10001", 8080);
            (system, registry.push_image("lab/use", architecture, &text, bytes))
        });
    let proof = registry.push_artifact("lab/use", "proof", "application/vnd.in-toto+json", "{}", 0);
    let mut listed: Vec<(&str, &str)> =
        systems.iter().map(|(system, digest)| (*system, digest.as_str())).collect();
    listed.push(("unknown/unknown", &proof));
    listed.push(("linux/s390x", &proof));
    let digest = registry.push_index("lab/use", "1.0", &listed);
    solution(&desk, "by-tag", &format!("{host}/lab/use:1.0"), "");
    solution(&desk, "by-digest", &format!("{host}/lab/use:1.0@{digest}"), "");
    let done = check(&desk, &["--images"]).exits(0);
    let image = format!(
        "image {host}/lab/use:1.0 {}\n  linux/amd64 · 1.2 MB to fetch · user 10001 · port 8080 · \
         built 2026-11-02\n  linux/arm64 · 1.3 MB to fetch · user 10001 · port 8080 · built \
         2026-11-02\n  linux/s390x\n",
        &digest[..19]
    );
    let expected = format!("{image}{image}\n2 solutions: 2 good; 0 errors, 0 warnings\n");
    assert_eq!(done.out, expected);
    assert_eq!(check(&desk, &["--images", "--format", "json"]).exits(0).out, "");
}

#[test]
fn what_a_registry_says_stands_at_the_line_of_each_image() {
    let registry = Registry::open();
    let host = registry.host();
    let desk = desk(&host);
    registry.push_image("lab/root", "1", &settings("amd64", "", 8080), 1);
    registry.push_image("lab/named", "1", &settings("amd64", "app", 8080), 1);
    registry.push_image("lab/arm", "1", &settings("arm64", "1000", 8080), 1);
    registry.push_image("lab/port", "1", &settings("amd64", "1000", 7860), 1);
    registry.push_artifact("lab/chart", "1", "application/vnd.cncf.helm.config.v1+json", "{}", 1);
    let gone = format!("sha256:{}", "0".repeat(64));
    for (name, image, more) in [
        ("absent", "lab/root:2", ""),
        ("arm", "lab/arm:1", ""),
        ("both", "lab/arm:1", "  architectures: [amd64, arm64]\n"),
        ("chart", "lab/chart:1", ""),
        ("gone", &format!("lab/root:1@{gone}"), ""),
        ("named", "lab/named:1", ""),
        ("nowhere", "lab/nowhere:1", ""),
        ("port", "lab/port:1", ""),
        ("root", "lab/root:1", ""),
    ] {
        solution(&desk, name, &format!("{host}/{image}"), more);
    }
    let done = check(&desk, &["--images", "--format", "json"]).exits(1);
    let lines: Vec<String> = done
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|fault| {
            assert_eq!(fault["line"], 6, "{fault}");
            let word = |key: &str| fault[key].as_str().unwrap().to_owned();
            format!("{} {} {}", word("solution"), word("code"), word("message"))
        })
        .collect();
    let expected = [
        format!("absent V0801 {host} has no tag `2` of `lab/root` (404)"),
        "arm V9011 the image is built for arm64 only, and most nodes are amd64".to_owned(),
        "both V0803 `architectures` allows nodes of amd64, for which the image is not built".to_owned(),
        format!("chart V0802 {host} holds no image as `lab/chart:1`"),
        format!("gone V0801 {host} has nothing with the digest {gone} in `lab/root` (404)"),
        "named V0805 the image's user is the name `app`, of which a node cannot tell that it is not \
         root"
            .to_owned(),
        format!("nowhere V0801 {host} has no tag `1` of `lab/nowhere` (404)"),
        "port V9010 the image names the port 7860, the component `app` is asked at 8080".to_owned(),
        "root V0804 the image runs as root, and this platform starts nobody as root".to_owned(),
    ];
    assert_eq!(lines, expected);

    // Without the flag nobody is asked; below a path only its own images.
    assert_eq!(check(&desk, &["--format", "json"]).exits(0).out, "");
    let one = check(&desk, &["root", "--images"]).exits(1);
    let one = one.says(&[
        "error[V0804]: the image runs as root",
        "--> root/solution.yaml:6:10",
        "end its Dockerfile with a user of its own: USER 10001",
        "1 solution: 0 good, 1 refused; 1 error, 0 warnings",
    ]);
    assert_eq!(one.out.matches("error[").count(), 1, "{}", one.out);
    check(&desk, &["port", "--images"]).exits(0);
    check(&desk, &["port", "--images", "--deny", "warnings"]).exits(1);
}

#[test]
fn a_registry_that_wants_a_password_is_told_it_and_nobody_else() {
    let registry = Registry::with_password();
    let host = registry.host();
    let desk = desk(&host);
    registry.push_image("lab/use", "1", &settings("amd64", "1000", 8080), 1);
    solution(&desk, "use", &format!("{host}/lab/use:1"), "");
    let config = |password: &str| {
        let text = json!({ "auths": { &host: { "username": USER, "password": password } } });
        desk.write("_login/config.json", &text.to_string());
        ["--images".to_owned(), "--docker-config".to_owned(), "_login/config.json".to_owned()]
    };
    let ask = |password: &str| {
        let arguments = config(password);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        check(&desk, &arguments)
    };
    ask(PASSWORD).exits(0).says(&["linux/amd64", "user 1000", "1 good; 0 errors"]);
    let refused = ask("not this one").exits(1);
    let refused = refused.says(&["error[V0801]", "refused the credentials", "docker login"]);
    assert!(!refused.out.contains("not this one") && !refused.err.contains("not this one"));
}

#[test]
fn a_registry_that_is_not_there_is_a_fault_of_nobody_s_file() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let desk = desk(&free.to_string());
    solution(&desk, "use", &format!("{free}/lab/use:1"), "");
    let done = check(&desk, &["--images", "--format", "json"]).exits(1);
    let fault: serde_json::Value = serde_json::from_str(done.out.trim()).unwrap();
    assert_eq!(
        (fault["code"].as_str(), fault["party"].as_str()),
        (Some("V0801"), Some("operator"))
    );
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains("cannot be reached"), "{message}");
    check(&desk, &["--docker-config", "x"]).exits(2).says(&["belong to --images"]);
    check(&desk, &["--explain", "V0804", "--images"]).exits(2);
}
