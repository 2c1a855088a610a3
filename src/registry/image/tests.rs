use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vitrine_core::catalog::fit::{Build, Denial, Image, NotHad};
use vitrine_core::model::fault::code;
use vitrine_core::model::{ContentHash, ImageReference, Party};

use super::{LONGEST, MOST_PORTS};
use crate::git::tests::scene::{Request, Server, reply};
use crate::registry::{Access, Registries};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SETTINGS: &str = "application/vnd.oci.image.config.v1+json";

fn digest(body: &str) -> String {
    format!("sha256:{}", ContentHash::of(body.as_bytes()))
}

/// The settings of an image of linux/amd64, and its manifest.
fn image(settings: &Value) -> (String, String) {
    let settings = settings.to_string();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": { "mediaType": SETTINGS, "digest": digest(&settings), "size": 1 },
        "layers": [{ "size": 40 }, { "size": 2 }],
    });
    (settings, manifest.to_string())
}

fn settings() -> Value {
    json!({ "os": "linux", "architecture": "amd64", "config": { "User": "7", "ExposedPorts": {
        "8080/tcp": {}, "53/udp": {}, "9090": {}, "http": {}, "99999/tcp": {} },
        "Labels": { "org.opencontainers.image.licenses": "MIT", "maintainer": "somebody" } } })
}

/// A registry whose tag is the first of these, and that knows the others by their digests.
fn serving(documents: Vec<(&'static str, String)>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let server = Server::new(move |request: &Request| {
        let target = request.line.split_whitespace().nth(1).unwrap().to_owned();
        let name = target.rsplit('/').next().unwrap().to_owned();
        log.lock().unwrap().push(target);
        let found = documents.iter().find(|(_, body)| digest(body) == name);
        match found.or(documents.first().filter(|_| name == "1.0")) {
            Some((kind, body)) => {
                reply("200 OK", &format!("Content-Type: {kind}\r\n"), body.as_bytes())
            }
            None => reply("404 Not Found", "", b""),
        }
    });
    (server, asked)
}

async fn ask(server: &Server, reference: &str) -> Result<Image, NotHad> {
    let text = format!("{}/nlp/use{reference}", server.address);
    let registries = Registries::new(Access::default()).unwrap();
    registries.image(&ImageReference::parse(&text).unwrap()).await
}

#[tokio::test]
async fn an_image_of_one_system_costs_two_questions() {
    let (settings, manifest) = image(&settings());
    let (server, asked) = serving(vec![(MANIFEST, manifest.clone()), (SETTINGS, settings.clone())]);
    let said = ask(&server, ":1.0").await.unwrap();
    let build = Build {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        size: 42,
        user: "7".to_owned(),
        ports: [8080, 9090].into(),
        created: None,
        license: Some("MIT".to_owned()),
        source: None,
    };
    assert_eq!(said, Image { digest: digest(&manifest), builds: vec![build] });
    let expected = [
        "/v2/nlp/use/manifests/1.0".to_owned(),
        format!("/v2/nlp/use/blobs/{}", digest(&settings)),
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
    // That of the digest is asked for where there is one: a node asks for nothing else.
    let pinned = format!(":2.0@{}", digest(&manifest));
    assert_eq!(ask(&server, &pinned).await.unwrap(), said);
}

#[tokio::test]
async fn of_an_index_only_the_systems_that_a_node_may_have_are_fetched() {
    let (settings, manifest) = image(&settings());
    let entry = |os: &str, architecture: &str| json!({ "digest": digest(&manifest), "platform": { "os": os, "architecture": architecture } });
    let entries = [
        entry("windows", "amd64"),
        entry("linux", "amd64"),
        entry("linux", "riscv64"),
        entry("unknown", "unknown"),
    ];
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
    let (server, asked) =
        serving(vec![(INDEX, index.clone()), (MANIFEST, manifest.clone()), (SETTINGS, settings)]);
    let said = ask(&server, ":1.0").await.unwrap();
    assert_eq!(said.digest, digest(&index));
    let systems: Vec<String> =
        said.builds.iter().map(|b| format!("{}/{} {}", b.os, b.architecture, b.size)).collect();
    assert_eq!(systems, ["windows/amd64 0", "linux/amd64 42", "linux/riscv64 0"]);
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_kept_like_an_image_and_is_none_is_told_as_that() {
    let other = |kind: &str| json!({ "schemaVersion": 2, "config": { "mediaType": kind, "digest": digest("{}") } });
    for document in [
        other("application/vnd.cncf.helm.config.v1+json").to_string(),
        json!({ "schemaVersion": 2, "layers": [] }).to_string(),
        json!({ "schemaVersion": 2, "manifests": [] }).to_string(),
    ] {
        let (server, _) = serving(vec![(MANIFEST, document.clone()), (SETTINGS, "{}".to_owned())]);
        let not_had = ask(&server, ":1.0").await.unwrap_err();
        assert_eq!(not_had.code, code::NO_IMAGE, "{document}: {not_had:?}");
    }
    for (document, words) in
        [(r#"{"schemaVersion": 1}"#, "Docker's first kind"), ("<html>", "no manifest")]
    {
        let (server, _) = serving(vec![(MANIFEST, document.to_owned())]);
        let not_had = ask(&server, ":1.0").await.unwrap_err();
        assert_eq!(not_had.code, code::IMAGE_NOT_HAD);
        assert!(not_had.what.contains(words), "{not_had:?}");
    }
}

#[tokio::test]
async fn what_is_not_what_was_asked_for_is_not_believed() {
    let (settings, manifest) = image(&settings());
    let other = manifest.replace("40", "41");
    let answers = move |request: &Request| {
        let body = if request.line.contains("/blobs/") { &settings } else { &other };
        reply("200 OK", &format!("Content-Type: {MANIFEST}\r\n"), body.as_bytes())
    };
    let server = Server::new(answers);
    let not_had = ask(&server, &format!("@{}", digest(&manifest))).await.unwrap_err();
    assert_eq!(not_had.party, Party::Operator);
    assert!(not_had.help.contains("do not use this image"), "{not_had:?}");
    // A part that lacks is the pusher's.
    let (server, _) = serving(vec![(MANIFEST, manifest.clone())]);
    let not_had = ask(&server, ":1.0").await.unwrap_err();
    assert!(not_had.what.contains("lacks a part of `nlp/use:1.0` (404)"), "{not_had:?}");
    assert_eq!(not_had.denial, Denial::Lacks, "no node could start it");
    assert_eq!(not_had.party, Party::Author);
}

#[tokio::test]
async fn settings_without_anything_are_those_of_root() {
    let (settings, manifest) = image(&json!({ "architecture": "amd64", "config": null }));
    let (server, _) = serving(vec![(MANIFEST, manifest), (SETTINGS, settings)]);
    let said = ask(&server, ":1.0").await.unwrap();
    let [build] = said.builds.as_slice() else { panic!("{said:?}") };
    assert_eq!((build.os.as_str(), build.user.as_str(), build.ports.len()), ("linux", "", 0));
}

#[tokio::test]
async fn of_megabytes_of_words_little_is_kept_and_what_stands_twice_is_fetched_once() {
    let long = "x".repeat(1 << 20);
    let ports: serde_json::Map<String, Value> =
        (1..5000).map(|port| (format!("{port}/tcp"), json!([0, 0, 0]))).collect();
    let labels = json!({ "org.opencontainers.image.source": long, "other": long });
    let run = json!({ "User": long, "ExposedPorts": ports, "Labels": labels });
    let (settings, manifest) =
        image(&json!({ "os": "linux", "architecture": "amd64", "config": run }));
    let entry = json!({ "digest": digest(&manifest), "platform": { "os": "linux", "architecture": "amd64" } });
    let entries = vec![entry; 30];
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
    let (server, asked) = serving(vec![(INDEX, index), (MANIFEST, manifest), (SETTINGS, settings)]);
    let said = ask(&server, ":1.0").await.unwrap();
    let [build] = said.builds.as_slice() else { panic!("{} builds", said.builds.len()) };
    assert_eq!((build.user.len(), build.ports.len()), (LONGEST, MOST_PORTS));
    assert_eq!(build.source.as_ref().map(String::len), Some(LONGEST));
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_no_digest_leads_nowhere() {
    let (settings, manifest) = image(&settings());
    let elsewhere = manifest.replace(&digest(&settings), "../../other/manifests/latest");
    let (server, asked) = serving(vec![(MANIFEST, elsewhere)]);
    let not_had = ask(&server, ":1.0").await.unwrap_err();
    assert_eq!(not_had.code, code::NO_IMAGE, "{not_had:?}");
    assert_eq!(*asked.lock().unwrap(), ["/v2/nlp/use/manifests/1.0"]);
}
