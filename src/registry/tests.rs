use std::sync::{Arc, Mutex};

use super::*;
use crate::git::tests::scene::{Request, Server, reply};

const MANIFEST: &[u8] =
    br#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}"#;
const KIND: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
const UNKNOWN: &[u8] = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"m"}]}"#;

fn digest() -> String {
    format!("sha256:{}", ContentHash::of(MANIFEST))
}

fn with_digest() -> String {
    format!("{KIND}Docker-Content-Digest: {}\r\n", digest())
}

fn limits() -> Limits {
    let second = Duration::from_secs(1);
    Limits { connect: second * 2, read: second, total: second * 5 }
}

async fn ask(image: &str, access: Access) -> Result<String, Unresolved> {
    let registries = Registries::with_limits(access, limits()).unwrap();
    registries.digest(&ImageReference::parse(image).unwrap()).await
}

async fn ask_server(server: &Server, access: Access) -> Result<String, Unresolved> {
    ask(&format!("{}/nlp/use:1.0", server.address), access).await
}

/// The sentence of a refusal; fails if it shows the password that the tests use.
async fn sentence(server: &Server, access: Access) -> String {
    let unresolved = ask_server(server, access).await.unwrap_err();
    assert_eq!(unresolved.registry, server.address.to_string());
    let text = unresolved.to_string();
    assert!(!text.contains("hunter2") && !text.contains("aW1l"), "{text}");
    text
}

/// A Docker configuration for the length of a test.
fn config(text: &str) -> (tempfile::TempDir, Access) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    std::fs::write(&file, text).unwrap();
    (folder, Access { credentials: Some(file), ..Access::default() })
}

fn login(host: &str) -> String {
    format!(r#"{{"auths": {{"{host}": {{"username": "ime", "password": "hunter2"}}}}}}"#)
}

/// base64 of `ime:hunter2`.
const BASIC: &str = "Basic aW1lOmh1bnRlcjI=";

fn method(request: &Request) -> &str {
    request.line.split_whitespace().next().unwrap()
}

fn target(request: &Request) -> &str {
    request.line.split_whitespace().nth(1).unwrap()
}

#[tokio::test]
async fn a_tag_costs_one_head_where_the_registry_says_the_digest() {
    let server = Server::new(|request| {
        assert_eq!(target(request), "/v2/nlp/use/manifests/1.0");
        let accept = request.header("accept").unwrap();
        for kind in ["oci.image.index", "oci.image.manifest", "manifest.list.v2", "manifest.v2"] {
            assert!(accept.contains(kind), "{accept}");
        }
        reply("200 OK", &with_digest(), b"")
    });
    assert_eq!(ask_server(&server, Access::default()).await.unwrap(), digest());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_head_without_digest_is_followed_by_a_get_that_is_hashed() {
    let server = Server::new(|request| match method(request) {
        "HEAD" => reply("200 OK", KIND, b""),
        _ => reply("200 OK", KIND, MANIFEST),
    });
    assert_eq!(ask_server(&server, Access::default()).await.unwrap(), digest());
    let refuses_head = Server::new(|request| match method(request) {
        "HEAD" => reply("405 Not Allowed", "", b""),
        _ => reply("200 OK", &with_digest(), MANIFEST),
    });
    assert_eq!(ask_server(&refuses_head, Access::default()).await.unwrap(), digest());
}

#[tokio::test]
async fn a_digest_that_is_not_that_of_the_body_is_refused() {
    let lie = format!("{KIND}Docker-Content-Digest: sha256:{}\r\n", "0".repeat(64));
    let server = Server::new(move |request| match method(request) {
        "HEAD" => reply("200 OK", KIND, b""),
        _ => reply("200 OK", &lie, MANIFEST),
    });
    let text = sentence(&server, Access::default()).await;
    assert!(text.contains(&digest()) && text.contains("do not use this image"), "{text}");
}

#[tokio::test]
async fn a_digest_that_is_none_is_not_believed() {
    let server = Server::new(|request| match method(request) {
        "HEAD" => reply("200 OK", &format!("{KIND}Docker-Content-Digest: sha256:12\r\n"), b""),
        _ => reply("200 OK", KIND, MANIFEST),
    });
    assert_eq!(ask_server(&server, Access::default()).await.unwrap(), digest());
}

#[tokio::test]
async fn what_is_no_registry_is_told_as_such() {
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let page = Server::new(move |_| reply("200 OK", html, b"<html>Sign in</html>"));
    assert!(sentence(&page, Access::default()).await.contains("a web page"));
    // A page that says a digest is a page all the same.
    let sly = format!("{html}Docker-Content-Digest: {}\r\n", digest());
    let page = Server::new(move |_| reply("200 OK", &sly, b"<html>"));
    assert!(sentence(&page, Access::default()).await.contains("a web page"));
    let json = Server::new(|_| reply("200 OK", KIND, b"{}"));
    assert!(sentence(&json, Access::default()).await.contains("no manifest"));
    let old = Server::new(|_| reply("200 OK", KIND, br#"{"schemaVersion": 1}"#));
    assert!(sentence(&old, Access::default()).await.contains("first kind"));
    let endless = Server::new(|request| match method(request) {
        "HEAD" => reply("200 OK", KIND, b""),
        _ => reply("200 OK", KIND, &vec![b' '; MAX_MANIFEST + 1]),
    });
    assert!(sentence(&endless, Access::default()).await.contains("more than 4096 KiB"));
}

#[tokio::test]
async fn each_refusal_says_what_happened_and_what_to_do() {
    for (status, body, words) in [
        (
            "404 Not Found",
            UNKNOWN,
            "has no tag `1.0` of `nlp/use` (404); check the name and the tag",
        ),
        (
            "404 Not Found",
            br#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.as_slice(),
            "has no repository `nlp/use`",
        ),
        (
            "404 Not Found",
            b"nothing here".as_slice(),
            "check the image's name, and that its first part",
        ),
        ("403 Forbidden", b"".as_slice(), "(403)"),
        ("429 Too Many Requests", b"".as_slice(), "try again at "),
        ("503 Unavailable", b"".as_slice(), "answered 503; try again"),
        ("401 Unauthorized", b"".as_slice(), "does not know"),
    ] {
        let server = Server::new(move |request| match method(request) {
            "HEAD" => reply(status, "", b""),
            _ => reply(status, "", body),
        });
        let text = sentence(&server, Access::default()).await;
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_apart() {
    let nobody = ask("no-such-host.invalid/a:1", Access::default()).await.unwrap_err();
    assert!(nobody.what.contains("not found by name") || nobody.what.contains("cannot be reached"));
    let closed = ask("127.0.0.1:1/a:1", Access::default()).await.unwrap_err();
    assert!(closed.what.contains("cannot be reached"), "{closed}");
    let silent = Server::streaming(|_, _| std::thread::sleep(Duration::from_secs(3)));
    let text = sentence(&silent, Access::default()).await;
    assert!(text.contains("did not answer within 1 s"), "{text}");
}

#[tokio::test]
async fn a_certificate_that_nobody_issued_is_refused() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let server = Server::start(Some(tls.into()), |_| reply("200 OK", &with_digest(), b""));
    let registries = Registries::with_limits(Access::default(), limits()).unwrap();
    let call = Call {
        client: &registries.near,
        limits: limits(),
        credentials: Credentials::read(None).unwrap_or_else(|_| panic!("no file is no fault")),
        place: Place {
            registry: "registry.example".to_owned(),
            origin: format!("https://{}", server.address),
            repository: "a".to_owned(),
            tag: "1".to_owned(),
        },
    };
    let unresolved = call.digest().await.unwrap_err();
    assert!(unresolved.what.contains("not trusted"), "{unresolved}");
    assert_eq!(unresolved.party, Party::Operator);
}

/// Answers like a registry whose tokens come from `realm`, and hands them out itself.
fn token_registry(realm: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::new(move |request| {
        let host = request.header("host").unwrap();
        if target(request).starts_with("/token") {
            assert!(target(request).contains("scope=repository%3Anlp%2Fuse%3Apull"));
            let token = match request.header("authorization") {
                Some(BASIC) => "of-ime",
                _ => "anonymous",
            };
            return reply("200 OK", "", format!(r#"{{"token": "{token}"}}"#).as_bytes());
        }
        match request.header("authorization") {
            Some("Bearer of-ime") => reply("200 OK", &with_digest(), b""),
            _ => {
                let realm = realm(host);
                let header = format!(
                    "WWW-Authenticate: Bearer realm=\"{realm}\",service=\"r\",scope=\"repository:nlp/use:pull,push\"\r\n"
                );
                reply("401 Unauthorized", &header, b"")
            }
        }
    })
}

#[tokio::test]
async fn a_token_is_fetched_with_the_credentials_of_the_registry_and_for_pulling_alone() {
    let server = token_registry(|host| format!("http://{host}/token"));
    let (_folder, access) = config(&login(&server.address.to_string()));
    assert_eq!(ask_server(&server, access).await.unwrap(), digest());
    // Without credentials the token is anonymous, and this registry wants more.
    let text = sentence(&server, Access::default()).await;
    assert!(text.contains("asks for credentials") && text.contains("docker login"), "{text}");
}

#[tokio::test]
async fn over_plain_http_no_other_host_gets_the_credentials() {
    let got = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = got.clone();
    let thief = Server::new(move |request| {
        log.lock().unwrap().push(request.header("authorization").map(str::to_owned));
        reply("200 OK", "", br#"{"access_token": "x"}"#)
    });
    let place = format!("http://{}/token", thief.address);
    let server = token_registry(move |_| place.clone());
    let (_folder, access) = config(&login(&server.address.to_string()));
    sentence(&server, access).await;
    assert_eq!(*got.lock().unwrap(), [None]);
}

#[test]
fn a_token_server_gets_credentials_only_where_nobody_listens() {
    let url = |text: &str| Url::parse(text).unwrap();
    assert!(may_carry("https://r.example", &url("https://auth.example/token")));
    assert!(may_carry("http://127.0.0.1:5000", &url("http://127.0.0.1:5000/token")));
    assert!(!may_carry("http://127.0.0.1:5000", &url("http://127.0.0.1:5001/token")));
    assert!(!may_carry("http://r.example", &url("https://auth.example/token")));
    assert!(!may_carry("https://r.example", &url("http://r.example/token")));
    assert!(!may_ask("https://r.example", &url("http://r.example/token")));
    assert!(!may_ask("http://r.example", &url("file:///etc/passwd")));
}

#[tokio::test]
async fn basic_credentials_go_to_their_registry_and_to_no_other() {
    let server = Server::new(|request| match request.header("authorization") {
        Some(BASIC) => reply("200 OK", &with_digest(), b""),
        _ => reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
    });
    let host = server.address.to_string();
    let (_folder, access) = config(&login(&host));
    assert_eq!(ask_server(&server, access).await.unwrap(), digest());
    let encoded =
        format!(r#"{{"auths": {{"https://{host}/v1/": {{"auth": "aW1lOmh1bnRlcjI="}}}}}}"#);
    let (_folder, access) = config(&encoded);
    assert_eq!(ask_server(&server, access).await.unwrap(), digest());
    for elsewhere in ["127.0.0.1", "docker.io", &format!("{host}/nlp")] {
        let (_folder, access) = config(&login(elsewhere));
        let text = sentence(&server, access).await;
        assert!(text.contains("has none for"), "{text}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_named_by_their_file_and_never_shown() {
    let challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let server = Server::new(move |_| reply("401 Unauthorized", challenge, b""));
    let (folder, access) = config(&login(&server.address.to_string()));
    let text = sentence(&server, access).await;
    assert!(text.contains("refused the credentials of"), "{text}");
    assert!(text.contains(&folder.path().display().to_string()), "{text}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn what_vitrine_does_not_do_with_a_docker_configuration_is_said() {
    let challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let server = Server::new(move |_| reply("401 Unauthorized", challenge, b""));
    let host = server.address.to_string();
    for (text, words) in [
        (format!(r#"{{"credHelpers": {{"{host}": "ecr-login"}}}}"#), "helper `ecr-login`"),
        (format!(r#"{{"auths": {{"{host}": {{}}}}, "credsStore": "desktop"}}"#), "`desktop`"),
        (format!(r#"{{"auths": {{"{host}": {{"identitytoken": "hunter2"}}}}}}"#), "identity token"),
        (format!(r#"{{"auths": {{"{host}": {{"auth": "hunter2"}}}}}}"#), "is no user and password"),
        ("{\"auths\": hunter2".to_owned(), "not a Docker configuration"),
    ] {
        let (_folder, access) = config(&text);
        let said = sentence(&server, access).await;
        assert!(said.contains(words), "{said}");
    }
    let gone = Access { credentials: Some("/no/such/file".into()), ..Access::default() };
    assert!(sentence(&server, gone).await.contains("/no/such/file"));
}

#[tokio::test]
async fn a_redirect_takes_no_credentials_to_another_host() {
    let got = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = got.clone();
    let other = Server::new(move |request| {
        log.lock().unwrap().push(request.header("authorization").map(str::to_owned));
        reply("200 OK", &with_digest(), b"")
    });
    let away = other.url("v2/nlp/use/manifests/1.0");
    let server = Server::new(move |request| match request.header("authorization") {
        Some(BASIC) => reply("307 Moved", &format!("Location: {away}\r\n"), b""),
        _ => reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
    });
    let (_folder, access) = config(&login(&server.address.to_string()));
    assert_eq!(ask_server(&server, access).await.unwrap(), digest());
    assert_eq!(*got.lock().unwrap(), [None]);
    let circle = Server::new(|_| reply("302 Found", "Location: /v2/\r\n", b""));
    assert!(sentence(&circle, Access::default()).await.contains("circle"));
}

#[test]
fn an_image_is_looked_for_where_a_container_runtime_would() {
    let place = |image: &str| {
        let place =
            Place::of(&ImageReference::parse(image).unwrap(), &["lab.example:5000".to_owned()]);
        format!("{}/{}:{}", place.origin, place.repository, place.tag)
    };
    for (image, expected) in [
        ("nginx", "https://registry-1.docker.io/library/nginx:latest"),
        ("docker.io/nginx:1", "https://registry-1.docker.io/library/nginx:1"),
        ("aim/use:1", "https://registry-1.docker.io/aim/use:1"),
        ("ghcr.io/aim/use:1", "https://ghcr.io/aim/use:1"),
        ("localhost:5000/a:1", "http://localhost:5000/a:1"),
        ("[::1]:5000/a:1", "http://[::1]:5000/a:1"),
        ("lab.example:5000/a:1", "http://lab.example:5000/a:1"),
        ("lab.example/a:1", "https://lab.example/a:1"),
        ("localhost.example/a:1", "https://localhost.example/a:1"),
    ] {
        assert_eq!(place(image), expected, "{image}");
    }
}

/// A registry that answers `busy` at first, and when it was asked.
fn busy(
    status: &'static str,
    headers: &'static str,
    times: usize,
) -> (Server, Arc<Mutex<Vec<Instant>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let server = Server::new(move |_| {
        let mut log = log.lock().unwrap();
        log.push(Instant::now());
        if log.len() <= times {
            reply(status, headers, b"")
        } else {
            reply("200 OK", &with_digest(), b"")
        }
    });
    (server, asked)
}

#[tokio::test]
async fn a_registry_that_names_a_short_wait_is_waited_for_to_the_second() {
    for status in ["429 Slow Down", "503 Busy"] {
        let (server, asked) = busy(status, "Retry-After: 1\r\n", 2);
        assert_eq!(ask_server(&server, Access::default()).await.unwrap(), digest());
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 3);
        for pair in asked.windows(2) {
            let between = pair[1] - pair[0];
            assert!(between >= Duration::from_millis(990), "{status}: after {between:?}");
        }
    }
}

#[tokio::test]
async fn a_registry_that_names_a_longer_wait_than_our_patience_is_asked_once_and_told_when() {
    for (headers, status) in [
        ("Retry-After: 600\r\n", "429 Slow"),
        ("", "429 Slow"),
        ("Retry-After: 600\r\n", "503 Busy"),
    ] {
        let (server, asked) = busy(status, headers, usize::MAX);
        for _ in 0..3 {
            let text = sentence(&server, Access::default()).await;
            assert!(text.contains("try again at ") && text.contains(" UTC"), "{text}");
            assert!(text.contains(&status[..3]), "{text}");
        }
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
}
