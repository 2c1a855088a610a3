//! A real registry on this machine: the program `docker-registry`, with a folder of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::guard::Guard;

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the registry with a password asks for, and the line of its password file.
pub const USER: &str = "author";
pub const PASSWORD: &str = "open sesame";
const HTPASSWD: &str = "author:$2y$04$cPXzInVyODn0JUKPZaIWBOQk88AJ9tj56w5.8AQwlf3r.lerP2aAS\n";

pub struct Registry {
    address: SocketAddr,
    server: Child,
    /// Taken by `Drop`: the server ends with it, and its folder.
    guard: Option<Guard>,
    authorization: Option<String>,
}

impl Registry {
    /// One that everybody may read and write.
    pub fn open() -> Self {
        Self::start(false)
    }

    /// One that asks everybody for [`USER`] and [`PASSWORD`].
    pub fn with_password() -> Self {
        Self::start(true)
    }

    fn start(password: bool) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let guard = Guard::over(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}/data}}\n\
             http: {{addr: \"{address}\"}}\n",
            folder.display()
        );
        let mut authorization = None;
        if password {
            let file = folder.join("htpasswd");
            std::fs::write(&file, HTPASSWD).unwrap();
            config += &format!("auth:\n  htpasswd: {{realm: here, path: {}}}\n", file.display());
            let pair = format!("{USER}:{PASSWORD}");
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            authorization = Some(format!("Authorization: Basic {pair}\r\n"));
        }
        let file = folder.join("config.yml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let server = guard.spawn(&mut command).unwrap_or_else(|why| {
            panic!("docker-registry cannot start ({why}); Debian: apt-get install docker-registry")
        });
        let registry = Self { address, server, guard: Some(guard), authorization };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "docker-registry does not listen on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    /// As images name it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Pushes a small image, and answers the digest of its manifest. Other `content`, other digest.
    pub fn push(&self, repository: &str, tag: &str, content: &str) -> String {
        let settings = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"Labels":{{"content":"{content}"}}}}}}"#
        );
        self.push_image(repository, tag, &settings, 0)
    }

    /// Pushes an image of one system with these settings and, if it is not empty, a layer of so
    /// many bytes. Answers the digest of its manifest.
    pub fn push_image(&self, repository: &str, tag: &str, settings: &str, layer: usize) -> String {
        self.push_artifact(
            repository,
            tag,
            "application/vnd.oci.image.config.v1+json",
            settings,
            layer,
        )
    }

    /// The same of whatever else is kept like an image.
    pub fn push_artifact(
        &self,
        repository: &str,
        tag: &str,
        kind: &str,
        settings: &str,
        layer: usize,
    ) -> String {
        let config = self.push_blob(repository, kind, settings.as_bytes());
        let sort = "application/vnd.oci.image.layer.v1.tar+gzip";
        let layers = match layer {
            0 => String::new(),
            bytes => self.push_blob(repository, sort, &vec![0; bytes]),
        };
        let media = "application/vnd.oci.image.manifest.v1+json";
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{media}","config":{config},"layers":[{layers}]}}"#
        );
        self.push_manifest(repository, tag, media, &manifest)
    }

    /// Pushes an index of manifests that are there: `linux/amd64` and a digest each.
    pub fn push_index(&self, repository: &str, tag: &str, systems: &[(&str, &str)]) -> String {
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        let entries: Vec<String> = systems
            .iter()
            .map(|(system, digest)| {
                let (os, architecture) = system.split_once('/').unwrap();
                format!(
                    r#"{{"mediaType":"{manifest}","digest":"{digest}","size":1,"platform":{{"os":"{os}","architecture":"{architecture}"}}}}"#
                )
            })
            .collect();
        let media = "application/vnd.oci.image.index.v1+json";
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{media}","manifests":[{}]}}"#,
            entries.join(",")
        );
        self.push_manifest(repository, tag, media, &index)
    }

    fn push_manifest(&self, repository: &str, tag: &str, media: &str, body: &str) -> String {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let kind = format!("Content-Type: {media}\r\n");
        let put = self.request("PUT", &path, &kind, body.as_bytes());
        assert!(put.starts_with("HTTP/1.1 201"), "{put}");
        digest(body.as_bytes())
    }

    /// Answers what a manifest says of the blob.
    fn push_blob(&self, repository: &str, kind: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let begun = self.request("POST", &format!("/v2/{repository}/blobs/uploads/"), "", b"");
        assert!(begun.starts_with("HTTP/1.1 202"), "{begun}");
        let place = begun.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
        let place = place.trim().trim_start_matches(&format!("http://{}", self.address));
        let upload = format!("{place}&digest={digest}");
        let octets = "Content-Type: application/octet-stream\r\n";
        let done = self.request("PUT", &upload, octets, bytes);
        assert!(done.starts_with("HTTP/1.1 201"), "{done}");
        format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{}}}"#, bytes.len())
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let authorization = self.authorization.as_deref().unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}{headers}\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.guard.take());
        let _ = self.server.wait();
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
